"""Unbound in front of the gateway, with its defaults: what it keeps of an override when that is over.

A forwarding cache stands where a device's own resolver would: it asks as the device, keeps answers for as long as
their TTLs say, and the gateway is not asked again before then. Its defaults are taken on purpose (`cache-min-ttl: 0`,
`serve-expired: no`, `prefetch: no`): whoever sets a minimum, or serves what has expired, keeps answers for longer
than we can know. It counts whole seconds, and uses the last one up.
"""

import asyncio
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from conftest import RunningGateway, Upstream, free_port, make_gateway, wait_until
from nano_dns import NanoDns
from parts import need
from signed_in import CLASSES, REASON, YEAR5, YEAR6, Staff, lift

from rules.roles import Role

pytestmark = pytest.mark.alone

HOUR: Final = 3600
LASTS: Final = timedelta(seconds=24)
# What is past its time is served while nobody answers; both workers have to have heard of it before.
FAILS_AFTER_SECONDS: Final = 4
AFTER: Final = timedelta(seconds=1)

# Questions by what is special about their answers; `#` is another name each time.
QUESTIONS: Final = {
    "an-address": ("casino.example", "A"),
    "no-such-data": ("casino.example", "AAAA"),
    "no-such-name": ("none.casino.example", "A"),
    "a-service": ("casino.example", "HTTPS"),
    "a-chain-that-leads-there": ("lobby.example", "A"),
    "a-chain-that-leads-away": ("away.casino.example", "A"),
    "asked-for-again-before-it-is-due": ("often.casino.example", "A"),
    "past-its-time-while-nobody-answers": ("stale.casino.example", "A"),
    "asked-for-once": ("#.casino.example", "A"),
}
SHORT: Final = {"stale.casino.example.": 2, "often.casino.example.": 20}
REFUSER: Final = "schoolgate.invalid."


def answer_for_long() -> Callable[[dns.message.Message], dns.message.Message]:
    """Answer as the world does, with TTLs of an hour; what is to be served stale fails after a while."""
    first_asked_at: dict[str, float] = {}

    def answer(query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query, recursion_available=True)
        name, rdtype = query.question[0].name.to_text(), query.question[0].rdtype
        asked_at = first_asked_at.setdefault(name, time.monotonic())
        if name.startswith("stale.") and time.monotonic() > asked_at + FAILS_AFTER_SECONDS:
            response.set_rcode(dns.rcode.SERVFAIL)
            return response
        if name.startswith("none."):
            response.set_rcode(dns.rcode.NXDOMAIN)
            records = []
        elif rdtype == dns.rdatatype.HTTPS:
            records = [(name, "HTTPS", "1 . ipv4hint=192.0.2.14")]
        elif rdtype != dns.rdatatype.A:
            records = []
        elif name == "lobby.example.":
            records = [(name, "CNAME", "hall.casino.example."), ("hall.casino.example.", "A", "192.0.2.15")]
        elif name == "away.casino.example.":
            records = [(name, "CNAME", "plain.example."), ("plain.example.", "A", "192.0.2.16")]
        else:
            records = [(name, "A", "192.0.2.13")]
        for owner, kind, data in records:
            response.answer.append(dns.rrset.from_text(owner, SHORT.get(name, HOUR), "IN", kind, data))
        if not records:
            soa = dns.rrset.from_text("example.", HOUR, "IN", "SOA", f"ns.example. me.example. 1 2 3 4 {HOUR}")
            response.authority.append(soa)
        return response

    return answer


@contextmanager
def in_a_thread(server: NanoDns) -> Iterator[NanoDns]:
    """Let a server work beside a test that waits."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(10)
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


UNBOUND: Final = """\
server:
  interface: 127.0.0.1
  port: {port}
  outgoing-interface: {source}
  do-not-query-localhost: no
  tcp-upstream: {tcp}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  use-syslog: no
  logfile: "{folder}/unbound.log"
  pidfile: ""
  access-control: 127.0.0.0/8 allow
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{gateway}
remote-control:
  control-enable: no
"""


@dataclass(frozen=True)
class Seen:
    """An answer, and when it was there."""

    at: datetime
    name: str
    message: dns.message.Message

    @property
    def is_refusal(self) -> bool:
        """Say whether the gateway refused: its refusals carry a record of its own making."""
        return any(REFUSER in rrset.to_text() for rrset in self.message.authority)

    @property
    def is_answer(self) -> bool:
        """Say whether the world answered, also that there is no such thing."""
        return not self.is_refusal and self.message.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)

    @property
    def kept_until(self) -> datetime:
        """How long whoever asked may keep it."""
        records = self.message.answer + self.message.authority
        return self.at + timedelta(seconds=min((rrset.ttl for rrset in records), default=0))


@dataclass(frozen=True)
class Way:
    """A way to ask as one device: the gateway itself, or a cache before it."""

    port: int
    source: str
    is_tcp: bool = False

    def ask(self, name: str, rdtype: str = "A", *, timeout: float = 3) -> Seen:
        """Ask with the flags of Unbound, so that what the gateway knows for one way it knows for all."""
        query = dns.message.make_query(name, rdtype, want_dnssec=True, flags=dns.flags.RD | dns.flags.CD)
        send: Callable[..., dns.message.Message] = dns.query.tcp if self.is_tcp else dns.query.udp
        message = send(query, "127.0.0.1", port=self.port, source=self.source, timeout=timeout)
        return Seen(datetime.now(UTC), name, message)


@contextmanager
def cache_before(gateway: RunningGateway, folder: Path, *, source: str, is_tcp: bool = False) -> Iterator[Way]:
    """Run Unbound as the device at an address; with `is_tcp` it speaks TCP on both sides."""
    folder.mkdir(parents=True)
    way = Way(free_port(), "127.0.0.1", is_tcp)
    config = folder / "unbound.conf"
    tcp = "yes" if is_tcp else "no"
    config.write_text(UNBOUND.format(port=way.port, source=source, tcp=tcp, folder=folder, gateway=gateway.port))
    with subprocess.Popen([need("unbound"), "-d", "-c", config], stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: _is_there(way), seconds=10)
            yield way
        finally:
            process.terminate()


def _is_there(way: Way) -> bool:
    with suppress(dns.exception.DNSException, OSError):
        way.ask("ready.example", timeout=0.3)
        return True
    return False


@contextmanager
def school_before(folder: Path, *, extra: str = "") -> Iterator[tuple[RunningGateway, Staff]]:
    """Run a gateway with two workers, two classes and three people, before a world of long TTLs."""
    with in_a_thread(NanoDns(answer=answer_for_long())) as world:
        upstream = Upstream(folder, world.endpoint.port)
        gateway = make_gateway(folder / "site", upstream, extra=f"workers: 2\n{extra}", change=CLASSES)
        staff = Staff.of(gateway, tess=Role.TEACHER, nora=Role.NETWORK_MANAGER, ida=Role.ICT_COORDINATOR)
        gateway.start()
        try:
            staff.wait_for_interface()
            yield gateway, staff
        finally:
            gateway.stop()


# ---- the end by the clock ------------------------------------------------------------------------------------------


@dataclass
class Lesson:
    """What was seen on each way of each question, while an override came and went."""

    approved_at: datetime
    everywhere_by: datetime
    until_at: datetime
    seen: dict[tuple[str, str], list[Seen]]
    late: list[Seen]
    counted: dict[str, int]


WAYS: Final = ("unbound-udp", "unbound-tcp", "gateway-udp", "gateway-tcp")


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lesson]:
    """Ask everything on every way, from before an override until after its end."""
    folder = tmp_path_factory.mktemp("lesson")
    with ExitStack() as stack:
        gateway, staff = stack.enter_context(school_before(folder))
        tess, nora = (stack.enter_context(staff.client(login)) for login in ("tess", "nora"))
        ways = {
            "unbound-udp": stack.enter_context(cache_before(gateway, folder / "udp", source=YEAR5)),
            "unbound-tcp": stack.enter_context(cache_before(gateway, folder / "tcp", source=YEAR5, is_tcp=True)),
            "gateway-udp": Way(gateway.port, YEAR5),
            "gateway-tcp": Way(gateway.port, YEAR5, is_tcp=True),
        }
        seen: dict[tuple[str, str], list[Seen]] = {(way, each): [] for way in ways for each in QUESTIONS}
        names = map("n{}.casino.example".format, count())

        def ask_everything() -> None:
            for (way, each), answers in seen.items():
                name, rdtype = QUESTIONS[each]
                answers.append(ways[way].ask(next(names) if name.startswith("#") else name, rdtype))

        ask_everything()
        asked = tess.post("/overrides", lift("casino.example", lasts=LASTS))
        approved = nora.post(f"/overrides/{asked['id']}/approve", version=1)
        approved_at, until_at = datetime.now(UTC), datetime.fromisoformat(asked["until_at"])
        while datetime.now(UTC) < until_at + 2 * AFTER:
            ask_everything()
            time.sleep(0.02)
        once = [each.name for way in WAYS[:2] for each in seen[way, "asked-for-once"] if each.at > approved_at]
        late = [ways["unbound-udp"].ask(name) for name in once]
        counted = {what: gateway.counted(f"schoolgate_{what}_total") for what in ("prefetches", "stale_answers")}
        yield Lesson(
            approved_at, datetime.fromisoformat(approved["effect"]["everywhere_by"]), until_at, seen, late, counted
        )


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("way", WAYS)
def test_no_answer_outlives_its_override(lesson: Lesson, way: str, question: str) -> None:
    seen = lesson.seen[way, question]
    answers = [each for each in seen if each.is_answer]
    assert answers, "it was open"
    assert min(each.at for each in answers) > lesson.approved_at
    assert max(each.at for each in answers) <= lesson.until_at + AFTER
    assert max(each.kept_until for each in answers) <= lesson.until_at + AFTER, "nor where somebody keeps it"
    assert all(each.is_refusal for each in seen if each.at > lesson.until_at + AFTER)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("way", WAYS)
def test_no_refusal_outlives_what_was_promised(lesson: Lesson, way: str, question: str) -> None:
    refusals = [each.at for each in lesson.seen[way, question] if each.is_refusal and each.at < lesson.until_at]
    assert max(refusals) <= lesson.everywhere_by


def test_what_was_fetched_once_is_gone_too(lesson: Lesson) -> None:
    assert len(lesson.late) > 100
    assert all(each.is_refusal for each in lesson.late)


def test_our_own_cache_had_its_part_in_that(lesson: Lesson) -> None:
    assert lesson.counted["prefetches"] > 0
    assert lesson.counted["stale_answers"] > 0


# ---- the end by a person -------------------------------------------------------------------------------------------


@dataclass
class Turn:
    """What a cache told after somebody had decided, and by when every device should have known."""

    decided_at: datetime
    everywhere_by: datetime
    seen: list[Seen]


def turn(ways: Iterable[Way], name: str, decide: Callable[[], dict[str, Any]]) -> Turn:
    """Let every cache keep what holds, decide otherwise, and ask on until a while after the promise.

    It begins with a second, so that what is kept is kept for as long as it can be.
    """
    time.sleep(1 - time.time() % 1)
    for way in ways:
        way.ask(name)
    everywhere_by = datetime.fromisoformat(decide()["effect"]["everywhere_by"])
    decided_at = datetime.now(UTC)
    seen = []
    while datetime.now(UTC) < everywhere_by + AFTER:
        seen += [way.ask(name) for way in ways]
        time.sleep(0.02)
    return Turn(decided_at, everywhere_by, seen)


@pytest.fixture(scope="module")
def turns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Turn]]:
    """Approve and revoke an override for one class, agree to a suspension for another and end it.

    The world lets its answers live for an hour, and so does the gateway what nobody has to be granted.
    """
    folder = tmp_path_factory.mktemp("turns")
    with ExitStack() as stack:
        gateway, staff = stack.enter_context(
            school_before(folder, extra="answers: {max_ttl: 1 h, blocked_ttl: 4 s}\n")
        )
        tess, nora, ida = (stack.enter_context(staff.client(login)) for login in ("tess", "nora", "ida"))
        caches = {
            (source, is_tcp): stack.enter_context(
                cache_before(gateway, folder / f"{source}-{is_tcp}", source=source, is_tcp=is_tcp)
            )
            for source in (YEAR5, YEAR6)
            for is_tcp in (False, True)
        }
        fives, sixes = ([caches[source, is_tcp] for is_tcp in (False, True)] for source in (YEAR5, YEAR6))
        asked = tess.post("/overrides", lift("casino.example"))
        override = f"/overrides/{asked['id']}"
        until_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        asked = nora.post("/suspensions", {"groups": ["year6"], "reason": REASON, "until_at": until_at})
        suspension = f"/suspensions/{asked['id']}"
        pool = stack.enter_context(ThreadPoolExecutor(2))
        turns: dict[str, Turn] = {}
        for name, decisions in (
            (
                "one.casino.example",
                {
                    "an-override-approved": (fives, lambda: nora.post(f"{override}/approve", version=1)),
                    "a-suspension-agreed": (sixes, lambda: ida.post(f"{suspension}/agree", version=1)),
                },
            ),
            (
                "two.casino.example",
                {
                    "an-override-revoked": (
                        fives,
                        lambda: nora.post(f"{override}/revoke", {"reason": REASON}, version=2),
                    ),
                    "a-suspension-ended": (sixes, lambda: ida.post(f"{suspension}/end", version=2)),
                },
            ),
        ):
            taken = {what: pool.submit(turn, ways, name, decide) for what, (ways, decide) in decisions.items()}
            turns |= {what: each.result() for what, each in taken.items()}
        yield turns


@pytest.mark.parametrize("what", ["an-override-approved", "a-suspension-agreed"])
def test_what_opens_is_open_everywhere_by_the_time_promised(turns: dict[str, Turn], what: str) -> None:
    turn = turns[what]
    assert any(each.is_refusal for each in turn.seen), "a cache had kept it"
    assert max(each.at for each in turn.seen if each.is_refusal) <= turn.everywhere_by


@pytest.mark.parametrize("what", ["an-override-revoked", "a-suspension-ended"])
def test_what_closes_is_closed_everywhere_by_the_time_promised(turns: dict[str, Turn], what: str) -> None:
    turn = turns[what]
    assert any(each.is_answer for each in turn.seen), "a cache had kept it"
    last = max(each.at for each in turn.seen if each.is_answer)
    assert last <= turn.everywhere_by
    assert timedelta(seconds=50) < last - turn.decided_at, "it was kept for as long as it may be"
    assert turn.everywhere_by - turn.decided_at < timedelta(seconds=62), "a minute, and a second to use up"
