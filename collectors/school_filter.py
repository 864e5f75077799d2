"""Whether the school's filter answers this computer: names that it alone knows, asked of the system's resolver.

It asks in the school alone, for elsewhere another resolver is as it should be, and as seldom as that says something.
It waits for nobody: what comes late is told at the next look. Which names these are is handed to it.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from collectors.observed import JSON, Observed, Priority
from collectors.posture import DAY_SECONDS
from collectors.probe import reason_of

KIND: Final = "filter"
EVERY_SECONDS: Final = 900.0
# So long a look waits for an answer, and so long anybody has time for one.
_WAIT_SECONDS: Final = 0.5
_GIVEN_UP_SECONDS: Final = 30.0
# The resolver answered: there is no such name, or it has no address. Everything else is no answer. Windows and macOS
# may say the same where nobody answered, which is one more reason why this is a weak sign.
_NO_SUCH_NAME: Final = frozenset(
    code for name in ("EAI_NONAME", "EAI_NODATA") if (code := getattr(socket, name, None)) is not None
)


class Seen(StrEnum):
    """Who answers."""

    ANSWERED_BY_US = "answered_by_us"
    NOT_OURS = "not_ours"
    NO_NETWORK = "no_network"
    COULD_NOT_TELL = "could_not_tell"


@dataclass(frozen=True, slots=True)
class Canaries:
    """Names that the filter answers like nobody else.

    Args:
        present: has one of the `addresses` wherever the filter answers.
        closed: of each category that should be closed, the name that has one of them where it is open.
    """

    present: str
    addresses: frozenset[str]
    closed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """Who answers, why that is not known, and which categories are `open` that should not be."""

    seen: Seen
    why: str = ""
    open: tuple[str, ...] = ()


# Gives the addresses of a name, none where there is no such name; raises OSError where nobody could say.
LookUp: TypeAlias = Callable[[str], Iterable[str]]


class FilterLook:
    """Who answers, told when it changes, and once a day so that its proof does not grow old.

    Args:
        addresses: those by which this computer is in a network now; another one is another network.
        is_on_site: whether it is in the school.
        every_seconds: from one question to the next in the same network.
    """

    def __init__(
        self,
        canaries: Canaries,
        addresses: Callable[[], Iterable[str]],
        is_on_site: Callable[[], bool],
        *,
        look_up: LookUp | None = None,
        every_seconds: float = EVERY_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.found: Found | None = None
        self.asked_at: float | None = None
        self._canaries = canaries
        self._addresses = addresses
        self._is_on_site = is_on_site
        self._look_up = look_up or look_up_here
        self._every_seconds = every_seconds
        self._monotonic = monotonic
        self._wall = wall
        self._asking: _Asking | None = None
        self._asked: tuple[frozenset[str], float] | None = None
        self._told: tuple[Found, float] | None = None

    def look(self) -> tuple[Observed, ...]:
        """Ask where it is time to; empty where nothing has changed, and away from the school."""
        place = frozenset(self._addresses())
        if not place or not self._is_on_site():
            self.found, self.asked_at = (None if place else Found(Seen.NO_NETWORK)), None
            self._asked = self._told = None
            return ()
        if self._asking is None and self._is_due(place):
            self._asking = _Asking(self._ask, place)
            self._asked = place, self._monotonic()
        return self._take(place)

    def _is_due(self, place: frozenset[str]) -> bool:
        return (
            self._asked is None
            or self._asked[0] != place
            or self._monotonic() - self._asked[1] >= self._every_seconds
        )

    def _take(self, place: frozenset[str]) -> tuple[Observed, ...]:
        """Take what was found, if it was found in this network."""
        asking = self._asking
        if asking is None:
            return ()
        if asking.is_over(_WAIT_SECONDS):
            self._asking = None
            return self._tell(asking.found) if asking.place == place else ()
        is_late = self._asked is None or self._monotonic() - self._asked[1] >= _GIVEN_UP_SECONDS
        # Nothing else is asked while it hangs.
        return self._tell(Found(Seen.COULD_NOT_TELL, "timed_out")) if is_late else ()

    def _ask(self) -> Found:
        canaries = self._canaries
        try:
            if canaries.addresses.isdisjoint(self._look_up(canaries.present)):
                return Found(Seen.NOT_OURS)
        except Exception as error:  # noqa: BLE001 -- why it cannot be told is told
            return Found(Seen.COULD_NOT_TELL, reason_of(error))
        opened = (category for category, name in canaries.closed.items() if self._is_open(name))
        return Found(Seen.ANSWERED_BY_US, open=tuple(opened))

    def _is_open(self, name: str) -> bool:
        with suppress(OSError, ValueError):
            return not self._canaries.addresses.isdisjoint(self._look_up(name))
        return False

    def _tell(self, found: Found) -> tuple[Observed, ...]:
        now = self._wall()
        self.found, self.asked_at = found, now
        # A clock that was set back makes it news.
        if self._told is not None and self._told[0] == found and 0 <= now - self._told[1] < DAY_SECONDS:
            return ()
        self._told = found, now
        facts: dict[str, JSON] = {
            "on_site": True,
            "seen": str(found.seen),
            "why": found.why,
            "open": list(found.open),
            "asked_at": now,
        }
        return (Observed(KIND, Priority.STATE, facts, key=KIND),)


class _Asking:
    """One question in a thread of its own, for nobody can say how long the system's resolver takes."""

    def __init__(self, ask: Callable[[], Found], place: frozenset[str]) -> None:
        self.place = place
        self.found = Found(Seen.COULD_NOT_TELL, "ended")
        self._ask = ask
        self._thread = threading.Thread(target=self._work, name="school filter", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        self.found = self._ask()

    def is_over(self, seconds: float) -> bool:
        """Wait so long at most, and say whether there is an answer."""
        self._thread.join(seconds)
        return not self._thread.is_alive()


def look_up_here(name: str) -> frozenset[str]:
    """Ask this system's resolver, however it is set up, for the addresses of a name as it stands.

    Raises:
        OSError: nobody could say.
    """
    try:
        # The dot keeps the search list of the system away from it, and its hosts file, too.
        found = socket.getaddrinfo(f"{name.rstrip('.')}.", None, type=socket.SOCK_DGRAM)
    except socket.gaierror as error:
        if error.errno in _NO_SUCH_NAME:
            return frozenset()
        raise
    return frozenset(str(where[0]) for *_, where in found)
