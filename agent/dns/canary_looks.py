"""A worker's own look at the filter: it asks itself for the canaries, as clients of each network and profile do.

What it finds open is left in a file, for the one who knows what should be (`agent.filter_changing.canary_check`).
A few names a tick, through the path of every query; they count as nobody's.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import msgspec

from agent.dns.canaries import CATEGORIES, IPV4, UNLISTED_NAME, canary_name
from agent.dns.policy_state import PolicyState
from agent.dns.queries import Client, Waiter
from agent.dns.responder import Responder
from agent.logs import log
from filters.wire import CLASS_IN, FLAG_RD, Type
from rules.name import DomainName, to_wire
from rules.subject import Audience, Profile

QUERIES_A_TICK: Final = 8
# After a change one looks again soon, so that what is seen twice is no mere moment; then from time to time.
SOON_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 30.0
MAX_PROFILES: Final = 64
_RECORD_OCTETS: Final = 12


@dataclass(frozen=True, slots=True)
class Look:
    """What is open for whoever has a profile: a network's own, or one that clients in groups have.

    `network` is empty where it is not a network's own. `open` are categories.
    """

    network: str
    audience: Audience
    groups: tuple[str, ...]
    open: tuple[str, ...]
    is_unlisted_open: bool


@dataclass(frozen=True, slots=True)
class Report:
    """One round: when it was (seconds since 1970, and by the clock that is never set), and what was found.

    `index_names` is how many names the lists give, `index_gives` the categories whose canary the lists know.
    """

    policy_generation: int
    began_at: float
    ended_at: float
    began_monotonic: float
    ended_monotonic: float
    index_names: int
    index_gives: tuple[str, ...]
    looks: tuple[Look, ...]


def report_path(runtime: Path, worker: int) -> Path:
    """Say where a worker leaves its report."""
    return runtime / f"canaries-{worker}.json"


def read_report(path: Path) -> Report | None:
    """Read what a worker found last; nothing where there is none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (OSError, msgspec.DecodeError, UnicodeError, RecursionError):
        return None


class CanaryLooks:
    """The looks of one worker.

    Args:
        path: where the report goes.
        wall_clock: seconds since 1970.
        monotonic: seconds, by the clock that all processes of a machine share.
    """

    def __init__(
        self,
        path: Path,
        *,
        wall_clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._wall_clock = wall_clock
        self._monotonic = monotonic
        self._epoch = 0
        self._changed_at = self._next_at = 0.0
        self._round: Iterator[None] | None = None

    def tick(self, responder: Responder) -> None:
        """Look up a few names, where a round is under way or due; with each change of the policy one begins anew."""
        now = self._monotonic()
        if responder.epoch != self._epoch:
            self._epoch, self._changed_at = responder.epoch, now
            self._round = self._look(responder)
        elif self._round is None:
            if now < self._next_at:
                return
            self._round = self._look(responder)
        for _ in range(QUERIES_A_TICK):
            if next(self._round, "ended") is not None:
                is_changed_lately = now - self._changed_at < PAUSE_SECONDS
                self._next_at = now + (SOON_SECONDS if is_changed_lately else PAUSE_SECONDS)
                self._round = None
                return

    def _look(self, responder: Responder) -> Iterator[None]:
        """Look everything up and leave the report, with a pause after each name."""
        began_at, began_monotonic = self._wall_clock(), self._monotonic()
        index = responder.index
        given = []
        for category, name in _NAMES.items():
            if category in index.tags(index.look_up(name), name, Type.A):
                given.append(category)
            yield
        looks = []
        for network, profile in _whom(responder.policy):
            client = Client(b"", profile, responder.policy.state_to_try(profile))
            found = []
            for category, message in _MESSAGES.items():
                if _is_open(responder, client, message):
                    found.append(category)
                yield
            is_unlisted_open = _is_open(responder, client, _UNLISTED)
            groups = tuple(sorted(profile.groups))
            looks.append(Look(network, profile.audience, groups, tuple(found), is_unlisted_open))
        self._leave(
            Report(
                policy_generation=responder.policy.snapshot.generation,
                began_at=began_at,
                ended_at=self._wall_clock(),
                began_monotonic=began_monotonic,
                ended_monotonic=self._monotonic(),
                index_names=index.name_count,
                index_gives=tuple(given),
                looks=tuple(looks),
            )
        )

    def _leave(self, report: Report) -> None:
        fresh = self._path.with_suffix(".new")
        try:
            fresh.write_bytes(msgspec.json.encode(report))
            fresh.replace(self._path)
        except OSError as error:
            log.error("canaries_unreported", reason=error.strerror or str(error))


def _whom(policy: PolicyState) -> list[tuple[str, Profile]]:
    """Give the networks with their own profiles, then the profiles of clients that have others."""
    networks = [(each.name, Profile(each.audience, frozenset(each.groups))) for each in policy.snapshot.site.networks]
    own = {profile for _, profile in networks}
    return [*networks, *(("", profile) for profile in policy.profiles if profile not in own)][:MAX_PROFILES]


def _query(name: DomainName) -> bytes:
    """Compose a query for an address, without its ID."""
    flags, counts = FLAG_RD.to_bytes(2, "big"), b"\x00\x01" + bytes(6)
    return flags + counts + to_wire(name) + b"\x00" + Type.A.to_bytes(2, "big") + CLASS_IN.to_bytes(2, "big")


_NAMES: Final = {category: to_wire(canary_name(category)) for category in CATEGORIES}
_MESSAGES: Final = {category: _query(canary_name(category)) for category in CATEGORIES}
_UNLISTED: Final = _query(UNLISTED_NAME)
_ADDRESS: Final = ip_address(IPV4).packed


def _is_open(responder: Responder, client: Client, message: bytes) -> bool:
    """Say whether a canary resolves for a client: the answer behind the question is the one address."""
    answer = responder.rehearse(message, client)
    if isinstance(answer, Waiter):
        # Somebody is asked about it, so nobody refused it.
        answer.deliver = _ignore
        return True
    return answer is not None and answer[len(message) + _RECORD_OCTETS :].startswith(_ADDRESS)


def _ignore(_: bytes) -> None:
    """Take an answer that nobody waits for."""
