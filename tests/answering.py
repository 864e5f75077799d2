"""A worker's responder without its worker: a clock that stands still, and upstreams that answer when they are told.

    school = Answering(text_list("bet.test", "gambling"), rulebook=BLOCKS, zone=("www.example. 300 A 192.0.2.1",))
    sent = school.ask("www.example")
    school.upstream.answer()
    assert sent.addresses == ["192.0.2.1"]

Every answer is read by dnspython and held to what each client may expect of it, whatever the test is about.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from indexes_of_test import index_of
from lists_of_test import site_with

from agent.dns.outcomes import Outcome, read_outcome
from agent.dns.policy_state import PolicyState
from agent.dns.queries import Client, Waiter
from agent.dns.responder import Responder
from agent.dns.shared_memory import Counters
from agent.dns.snapshot import Snapshot
from agent.dns.spool import USED, read_row_code
from agent.dns.upstream import FailureKind, UpstreamFailure
from agent.sites.site import Upstream
from filters.index_builder import ListInput
from filters.list_index import ListIndex
from filters.wire import parse_query
from rules.name import from_wire
from rules.policy import Rulebook
from rules.subject import Audience, Profile

PUPIL = Profile(Audience.PUPIL)
STAFF = Profile(Audience.STAFF)
GUEST = Profile(Audience.GUEST)
# A Wednesday.
NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
MAX_OCTETS = 65_535
SOA = "ns.test. nobody.test. 1 3600 600 86400 60"


class Clocks:
    """The clock on the wall and the one that is never set; both stand still until told."""

    def __init__(self, at: datetime = NOON) -> None:
        self.wall_seconds = at.timestamp()
        self.monotonic_seconds = 1000.0

    def wall(self) -> float:
        return self.wall_seconds

    def monotonic(self) -> float:
        return self.monotonic_seconds

    def advance(self, seconds: float) -> None:
        self.wall_seconds += seconds
        self.monotonic_seconds += seconds


OnAnswer = Callable[[bytes | UpstreamFailure], None]
Change = Callable[[dns.message.Message], object]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question that came to the upstreams."""

    question: bytes
    zone_upstreams: tuple[Upstream, ...] | None
    flags: int
    dnssec_ok: bool
    on_answer: OnAnswer

    @property
    def name(self) -> str:
        return from_wire(self.question[:-5])

    @property
    def rdtype(self) -> dns.rdatatype.RdataType:
        return dns.rdatatype.RdataType.make(int.from_bytes(self.question[-4:-2], "big"))


class UpstreamOfTest:
    """Everything that can be forwarded to: records as text, handed out by `answer`."""

    def __init__(self, zone: Iterable[str]) -> None:
        self.zone = list(zone)
        self.asked: list[Asked] = []
        self.waiting: list[Asked] = []

    def ask(
        self,
        question: bytes,
        *,
        zone_upstreams: tuple[Upstream, ...] | None,
        flags: int,
        dnssec_ok: bool,
        on_answer: OnAnswer,
    ) -> None:
        asked = Asked(question, zone_upstreams, flags, dnssec_ok, on_answer)
        self.asked.append(asked)
        self.waiting.append(asked)

    def answer(self, change: Change = lambda _: None) -> None:
        """Answer everything that waits, in the order in which it came."""
        for asked in self._taken():
            message = self._answer_to(asked)
            change(message)
            asked.on_answer(message.to_wire(max_size=MAX_OCTETS))

    def fail(self, result: FailureKind | bytes = FailureKind.TIMEOUT) -> None:
        """Fail for everything that waits, or send something that is no answer."""
        for asked in self._taken():
            asked.on_answer(result if isinstance(result, bytes) else UpstreamFailure(result, "a test"))

    def _taken(self) -> list[Asked]:
        taken, self.waiting = self.waiting, []
        return taken

    def _answer_to(self, asked: Asked) -> dns.message.Message:
        name = dns.name.from_text(asked.name + ".")
        query = dns.message.make_query(name, asked.rdtype, use_edns=0, want_dnssec=asked.dnssec_ok)
        response = dns.message.make_response(query, recursion_available=True)
        records = [dns.rrset.from_text(*_fields(line)) for line in self.zone]
        exists = False
        while True:
            at_name = [rrset for rrset in records if rrset.name == name]
            exists = bool(at_name)
            response.answer += [rrset for rrset in at_name if rrset.rdtype == asked.rdtype]
            if asked.rdtype == dns.rdatatype.ANY:
                response.answer += at_name
                break
            aliases = [rrset for rrset in at_name if rrset.rdtype == dns.rdatatype.CNAME]
            if not aliases or asked.rdtype == dns.rdatatype.CNAME:
                break
            response.answer += aliases
            name = aliases[0][0].target
        if not any(asked.rdtype in (rrset.rdtype, dns.rdatatype.ANY) for rrset in response.answer):
            response.set_rcode(dns.rcode.NOERROR if exists else dns.rcode.NXDOMAIN)
            response.authority.append(dns.rrset.from_text("test.", 60, "IN", "SOA", SOA))
        return response


def _fields(line: str) -> tuple[str, int, str, str, str]:
    owner, ttl, kind, data = line.split(" ", 3)
    return owner, int(ttl), "IN", kind, data


@dataclass
class Sent:
    """One query, and what came back so far; ID and transport are the worker's business."""

    octets: bytes
    udp: bool
    at: float
    answers: list[bytes] = field(default_factory=list)

    def take(self, answer: bytes) -> None:
        """Take the answer, and look whether it is one that a client can use."""
        self.answers.append(answer)
        assert len(self.answers) == 1, "a query is answered once"
        assert self.message.flags & dns.flags.QR
        if not self.message.question:
            return
        asked = parse_query(self.octets)
        assert answer[10 : 10 + len(asked.question)] == asked.question, "the question is repeated, case and all"
        assert (self.message.edns >= 0) is (asked.edns is not None), "EDNS for those who speak it, and for no others"
        if self.udp:
            assert len(answer) + 2 <= (asked.edns.udp_octets if asked.edns else 512), "the client has room for it"

    @property
    def waits(self) -> bool:
        return not self.answers

    @cached_property
    def message(self) -> dns.message.Message:
        (answer,) = self.answers
        return dns.message.from_wire(b"\0\0" + answer)

    @property
    def rcode(self) -> str:
        return dns.rcode.to_text(self.message.rcode())

    @property
    def ede(self) -> int | None:
        codes = [int(option.code) for option in self.message.options if isinstance(option, dns.edns.EDEOption)]
        return codes[0] if codes else None

    @property
    def records(self) -> list[str]:
        """Give the answer section, a line a record."""
        return [
            f"{rrset.name} {rrset.ttl} {dns.rdatatype.to_text(rrset.rdtype)} {record}"
            for rrset in self.message.answer
            for record in rrset
        ]

    @property
    def addresses(self) -> list[str]:
        return sorted(line.split()[-1] for line in self.records if line.split()[2] in ("A", "AAAA"))

    @property
    def ttls(self) -> set[int]:
        return {rrset.ttl for rrset in (*self.message.answer, *self.message.authority)}

    @property
    def is_truncated(self) -> bool:
        return bool(self.message.flags & dns.flags.TC)


class Answering:
    """One worker's answers.

    Args:
        lists: what the index is made of.
        rulebook: the rules.
        zone: what the upstreams know, as lines of text.
        clocks: the time.
        snapshot: parts of the snapshot, such as `unrecorded`.
        parts: of the site, such as `answers` and `limits`.
    """

    def __init__(
        self,
        *lists: ListInput,
        rulebook: Rulebook | None = None,
        zone: Iterable[str] = (),
        clocks: Clocks | None = None,
        snapshot: dict[str, Any] | None = None,
        **parts: Any,
    ) -> None:
        self.clocks = clocks or Clocks()
        self.upstream = UpstreamOfTest(zone)
        site = site_with(Path("/srv"), rulebook=rulebook or Rulebook(), **parts)
        self.snapshot = Snapshot(1, site, **(snapshot or {}))
        self.index = index_of(*lists)
        self.counters = Counters()
        self.responder = Responder(
            self._policy(),
            self.index,
            forwarder=self.upstream,
            counters=self.counters,
            monotonic=self.clocks.monotonic,
        )
        self._clients: dict[tuple[Profile, int], Client] = {}

    def _policy(self) -> PolicyState:
        return PolicyState(self.snapshot, self.index, wall_clock=self.clocks.wall, monotonic=self.clocks.monotonic)

    def adopt(self, *, index: ListIndex | None = None, **parts: Any) -> None:
        """Put another site and other lists in force, as a worker does."""
        self.index = index or self.index
        self.snapshot = replace(self.snapshot, site=replace(self.snapshot.site, **parts))
        self.responder.adopt(self._policy(), self.index)
        self._clients.clear()

    def tick(self) -> None:
        """Do what a worker does between batches."""
        self.responder.now = self.clocks.monotonic()
        if self.responder.policy.is_past_boundary():
            self.responder.advance()
        self.responder.resolution.give_stale_answers()

    def advance(self, seconds: float) -> None:
        self.clocks.advance(seconds)
        self.tick()

    def client(self, profile: Profile = PUPIL, device: int = 0) -> Client:
        if (profile, device) not in self._clients:
            state = self.responder.policy.profile_state(profile)
            address = b"\xc0\0\x02" + bytes((len(self._clients),))
            self._clients[profile, device] = Client(address, profile, state)
        return self._clients[profile, device]

    def send(self, octets: bytes, profile: Profile = PUPIL, *, udp: bool = True, device: int = 0) -> Sent:
        """Take a query as the hot loop does: a finished reply if there is one, else whatever the responder says."""
        client, responder = self.client(profile, device), self.responder
        responder.now = now = self.clocks.monotonic()
        sent = Sent(octets, udp, now)
        finished = client.find(octets) if udp else None
        if finished is not None and finished[1] > now:
            assert finished[3] == len(finished[0]) + 2
            self.counters.outcomes[finished[2]] += 1
            self.counters.plain["reply_cache_hits"] += 1
            sent.take(finished[0])
            return sent
        answer: bytes | Waiter | None = None
        if finished is not None:
            answer = responder.refresh(octets, client, finished)
        if answer is None:
            answer = responder.respond(octets, client, udp=udp)
        if isinstance(answer, Waiter):
            answer.deliver = sent.take
        elif answer is not None:
            sent.take(answer)
        return sent

    def ask(
        self,
        name: str,
        rdtype: str = "A",
        *,
        to: Profile = PUPIL,
        udp: bool = True,
        device: int = 0,
        flags: int = dns.flags.RD,
        **edns: Any,
    ) -> Sent:
        """Ask as a client of a profile; `edns` are options of dnspython's `make_query`."""
        return self.send(query(name, rdtype, flags=flags, **edns), to, udp=udp, device=device)

    def resolve(self, name: str, rdtype: str = "A", **options: Any) -> Sent:
        """Ask, and let the upstreams answer as long as somebody asks them."""
        sent = self.ask(name, rdtype, **options)
        while self.upstream.waiting:
            self.upstream.answer()
        return sent

    def outcomes(self) -> dict[Outcome, int]:
        """Give what was counted."""
        return {read_outcome(place): count for place, count in enumerate(self.counters.outcomes) if count}

    def rows(self) -> dict[tuple[str, str], int]:
        """Give what was recorded: name and reason, and how often."""
        return {
            (from_wire(name), str(read_row_code(code)[1])): times
            for (_, name, code), times in Counter(self.responder.noted).items()
            if code != USED
        }

    def uses(self) -> dict[tuple[str, str], int]:
        """Give how often overrides were used: override and last octet of the client, or nothing, and how often."""
        return {
            (override.decode(), str(address[-1]) if address else ""): times
            for (address, override, code), times in Counter(self.responder.noted).items()
            if code == USED
        }


def query(name: str, rdtype: str = "A", *, flags: int = dns.flags.RD, rdclass: str = "IN", **edns: Any) -> bytes:
    """Compose a query without its ID; without `edns` it has no OPT record."""
    options = {"use_edns": 0 if edns else -1} | edns
    return dns.message.make_query(name, rdtype, rdclass, flags=flags, **options).to_wire(max_size=MAX_OCTETS)[2:]
