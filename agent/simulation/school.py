"""Who is at the school that does not exist, and what they use.

The young share the tablets of their class; from the fifth year on everybody has an account of their own, and in the
last year a laptop too. Nobody has a name, only what a pseudonym looks like.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from rules.observation import Confidence
from rules.subject import Audience

PUPILS: Final = 1_200
STAFF: Final = 150
_YEARS: Final = 7
_CLASSES_OF_A_YEAR: Final = 6
_TABLETS_OF_A_CLASS: Final = 15
_STRANGERS: Final = 30


@dataclass(frozen=True, slots=True)
class User:
    """Whom queries come from as far as anybody can tell: a person, or a device that several people use.

    `device` is what remains to be said where it is not clear who used it.
    """

    subject: str
    device: str
    audience: Audience
    confidence: Confidence
    why: str
    groups: frozenset[str] = frozenset()

    @property
    def unclear(self) -> "User":
        """Give the device alone, as after its address went to somebody else."""
        return replace(self, subject=self.device, confidence=Confidence.D, why="address_reused")


@dataclass(frozen=True, slots=True)
class Classroom:
    """A class: how many pupils it has, and the accounts or shared tablets by which they are seen."""

    name: str
    pupils: int
    users: tuple[User, ...]

    @property
    def is_shared(self) -> bool:
        """Say whether its pupils share their devices."""
        return self.users[0].confidence is Confidence.C


@dataclass(frozen=True, slots=True)
class School:
    """Everybody; `strangers` are devices on the network that nobody knows."""

    classes: tuple[Classroom, ...]
    staff: tuple[User, ...]
    strangers: tuple[User, ...]

    @property
    def pupils(self) -> tuple[User, ...]:
        """The pupils with an account of their own."""
        return tuple(user for room in self.classes if not room.is_shared for user in room.users)

    @property
    def tablets(self) -> tuple[User, ...]:
        """The tablets that pupils share."""
        return tuple(user for room in self.classes if room.is_shared for user in room.users)

    @property
    def users(self) -> tuple[User, ...]:
        """Everybody that queries come from."""
        return (*self.pupils, *self.tablets, *self.staff, *self.strangers)


def build_school(random: Random) -> School:
    """Make the school; the same random numbers make the same one."""
    return School(
        tuple(_classes(random)),
        tuple(
            User(f"p-{_code(random)}", _code(random), Audience.STAFF, Confidence.A, "signed_in", frozenset({"staff"}))
            for _ in range(STAFF)
        ),
        tuple(_device(random, Confidence.D, "address_only") for _ in range(_STRANGERS)),
    )


def _classes(random: Random) -> Iterator[Classroom]:
    number_of_classes = _YEARS * _CLASSES_OF_A_YEAR
    for number in range(number_of_classes):
        year, letter = divmod(number, _CLASSES_OF_A_YEAR)
        name = f"{year}{'abcdef'[letter]}"
        pupils = PUPILS // number_of_classes + (number < PUPILS % number_of_classes)
        groups = frozenset({f"year{year}", f"class{name}"})
        if year < 5:
            tablets = (_device(random, Confidence.C, "shared_account", groups) for _ in range(_TABLETS_OF_A_CLASS))
            yield Classroom(name, pupils, tuple(tablets))
        else:
            confidence, why = (Confidence.A, "signed_in") if year == 6 else (Confidence.B, "network_log_on")
            accounts = (
                User(f"p-{_code(random)}", _code(random), Audience.PUPIL, confidence, why, groups)
                for _ in range(pupils)
            )
            yield Classroom(name, pupils, tuple(accounts))


def _device(random: Random, confidence: Confidence, why: str, groups: frozenset[str] = frozenset()) -> User:
    code = _code(random)
    return User(code, code, Audience.PUPIL, confidence, why, groups)


def _code(random: Random) -> str:
    return f"{random.getrandbits(64):016x}"
