"""Whatever one client sends, the others get their answers in time; who asks far too much is slowed, never ignored."""

import random
import resource
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest
from conftest import RunningGateway, Upstream, addresses, ede, make_gateway, wait_until
from parts import need
from steady_client import Answered, SteadyClient

pytestmark = pytest.mark.alone

HOSTILE, QUIET, STRANGER = "127.0.0.3", "127.0.0.1", "127.0.9.9"
TCP_IN_ALL, TCP_A_CLIENT = 200, 20
# Connections from so many addresses of one network, more than a gateway takes in all.
CROWD = 10_000
NXDOMAIN, REFUSED = dns.rcode.NXDOMAIN, dns.rcode.REFUSED
RCODES = [dns.rcode.to_text(dns.rcode.Rcode(number)) for number in range(16)]


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[RunningGateway]:
    """A gateway with few connections, short patience, and a crowd of guests."""
    running = make_gateway(
        tmp_path_factory.mktemp("bounded") / "site",
        upstream,
        change={"[127.0.0.3/32]": "[127.0.0.3/32, 127.1.0.0/16]"},
        extra=f"limits: {{tcp_connections: {TCP_IN_ALL}, client_tcp_connections: {TCP_A_CLIENT}, tcp_idle: 1 s}}\n",
    )
    # A shell's usual limit, scaled down like the site's: it must not come in the way.
    running.start(prefix=(need("prlimit"), f"--nofile={TCP_IN_ALL + 40}:"))
    yield running
    running.stop()


@contextmanager
def in_background(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run something until the block ends."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def assert_untouched(result: Answered) -> None:
    assert (result.leaked, result.odd, result.lost_at) == ([], [], [])
    assert result.slowest_seconds < 1, "nobody waits until somebody else is given up"


def connect(gateway: RunningGateway, source: str = HOSTILE) -> socket.socket:
    return socket.create_connection(("127.0.0.1", gateway.port), timeout=5, source_address=(source, 0))


def query_for(name: str) -> bytes:
    wire = dns.message.make_query(name, "A").to_wire()
    return len(wire).to_bytes(2, "big") + wire


def is_closed(connection: socket.socket, seconds: float = 5) -> bool:
    """Say whether the other side ends a connection in time, after whatever it still sends."""
    connection.settimeout(seconds)
    try:
        while connection.recv(65_536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


# ---- rubbish -------------------------------------------------------------------------------------------------------


def spoilt(rng: random.Random) -> bytes:
    """Give a query with a few octets changed, cut off or added, or nothing but noise."""
    if rng.random() < 0.3:
        return rng.randbytes(rng.choice([0, 1, 2, 11, 12, 13, 17, 100, 512, 4096]))
    octets = bytearray(dns.message.make_query("www.casino.example", "A", use_edns=0).to_wire())
    for _ in range(rng.randrange(1, 5)):
        octets[rng.randrange(len(octets))] = rng.randrange(256)
    return bytes(octets[: rng.randrange(len(octets) + 1)] if rng.random() < 0.3 else octets)


def test_rubbish_over_udp_touches_nobody_else(bounded: RunningGateway) -> None:
    rng = random.Random(5)

    def send_rubbish(stop: threading.Event) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hostile:
            hostile.bind((HOSTILE, 0))
            while not stop.wait(0.01):
                for _ in range(5):
                    hostile.sendto(spoilt(rng), ("127.0.0.1", bounded.port))

    with SteadyClient(bounded.port, per_second=200) as client, in_background(send_rubbish):
        time.sleep(1.2)
    assert_untouched(client.result)
    wait_until(lambda: bounded.counted("schoolgate_malformed_queries_total") > 0)
    assert bounded.counted("schoolgate_unexpected_errors_total") == 0
    assert len(bounded.worker_pids()) == 1
    assert bounded.counted("schoolgate_worker_restarts_total") == 0


def test_rubbish_over_tcp_touches_nobody_else(bounded: RunningGateway) -> None:
    rng = random.Random(6)

    def send_rubbish(stop: threading.Event) -> None:
        while not stop.wait(0.01):
            with suppress(OSError), connect(bounded) as hostile:
                message = spoilt(rng)
                length = len(message) if rng.random() < 0.7 else rng.randrange(65_536)
                hostile.sendall(length.to_bytes(2, "big") + message)
                if rng.random() < 0.5:
                    hostile.settimeout(0.02)
                    hostile.recv(1000)

    with SteadyClient(bounded.port, per_second=200) as client, in_background(send_rubbish):
        for _ in range(10):
            assert addresses(bounded.ask("www.example", tcp=True)) == {"192.0.2.10"}
            time.sleep(0.1)
    assert_untouched(client.result)
    assert bounded.counted("schoolgate_unexpected_errors_total") == 0
    assert bounded.counted("schoolgate_worker_restarts_total") == 0


# ---- connections ---------------------------------------------------------------------------------------------------


UNFINISHED = {
    "nothing": b"",
    "half a length": b"\0",
    "half a message": query_for("casino.example")[:-3],
    "a long message begun": b"\xff\xff" + bytes(100),
}


def test_an_unfinished_message_is_not_waited_for(bounded: RunningGateway) -> None:
    with ExitStack() as stack:
        connections = {what: stack.enter_context(connect(bounded)) for what in UNFINISHED}
        for what, connection in connections.items():
            connection.sendall(UNFINISHED[what])
        began = time.monotonic()
        assert [what for what, connection in connections.items() if not is_closed(connection)] == []
        assert 0.5 < time.monotonic() - began < 3


def test_a_message_without_a_header_ends_its_connection(bounded: RunningGateway) -> None:
    with connect(bounded) as hostile:
        hostile.sendall(b"\0\5hello")
        assert is_closed(hostile, 0.5)


def test_who_drips_is_not_waited_for(bounded: RunningGateway) -> None:
    query = query_for("casino.example") * 10
    with connect(bounded) as hostile:
        began = time.monotonic()
        with suppress(ConnectionError):
            for octet in query:
                hostile.sendall(bytes((octet,)))
                time.sleep(0.08)
        assert time.monotonic() - began < 4, "a whole message in time is what counts, not an octet"


def test_who_asks_on_is_kept(bounded: RunningGateway) -> None:
    with connect(bounded, QUIET) as connection:
        for _ in range(4):
            connection.sendall(query_for("casino.example"))
            assert len(connection.recv(4096)) > 12
            time.sleep(0.4)


def test_who_never_reads_is_not_waited_for(bounded: RunningGateway) -> None:
    flood = query_for("www.example") * 1000
    with (
        SteadyClient(bounded.port, per_second=100) as client,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as hostile,
    ):
        hostile.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        hostile.bind((HOSTILE, 0))
        hostile.connect(("127.0.0.1", bounded.port))
        hostile.settimeout(0.2)
        with suppress(TimeoutError, ConnectionError):
            for _ in range(200):
                hostile.sendall(flood)
        wait_until(lambda: not bounded.metrics()["schoolgate_tcp_connections_open"])
    assert_untouched(client.result)


def test_one_client_has_its_share_of_connections_and_no_more(bounded: RunningGateway) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(bounded)) for _ in range(TCP_A_CLIENT + 5)]
        assert sum(is_closed(each, 0.2) for each in connections[TCP_A_CLIENT:]) == 5
        assert addresses(bounded.ask("www.example", tcp=True)) == {"192.0.2.10"}, "somebody else has his own"
        connections[0].sendall(query_for("casino.example"))
        assert len(connections[0].recv(4096)) > 12


def test_a_crowd_of_connections_leaves_room_for_everybody(bounded: RunningGateway) -> None:
    """Ten thousand connections at once, or as many as this process may have open."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    size = min(CROWD, allowed - 500)
    assert size > 2 * TCP_IN_ALL
    waits = []
    with SteadyClient(bounded.port, per_second=100) as client, ExitStack() as stack:
        for number in range(size):
            source = f"127.1.{number // 200}.{number % 200 + 1}"
            stack.enter_context(_begin_to_connect(source, bounded.port))
            if number % (size // 10) == 0:
                # Where the kernel's queue is full, a connection may take two attempts, as every client makes them.
                waits.append(wait_until(lambda: _is_answered_over_tcp(bounded), seconds=5))
        # Who is asked for upstream has room, too; the answer to this one is never at hand.
        time.sleep(1.1)
        assert addresses(bounded.ask("short.example")) == {"192.0.2.11"}
    assert_untouched(client.result)
    assert max(waits) < 3
    wait_until(lambda: bounded.metrics()["schoolgate_tcp_connections_open"] <= TCP_IN_ALL)
    assert bounded.counted("schoolgate_worker_restarts_total") == 0
    assert "Traceback" not in bounded.log.read_text()


def _is_answered_over_tcp(gateway: RunningGateway) -> bool:
    with suppress(ConnectionError, dns.exception.Timeout):
        return addresses(gateway.ask("www.example", tcp=True, timeout=3)) == {"192.0.2.10"}
    return False


def _begin_to_connect(source: str, port: int) -> socket.socket:
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.bind((source, 0))
    connection.settimeout(0)
    with suppress(BlockingIOError):
        connection.connect(("127.0.0.1", port))
    return connection


# ---- strangers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["www.example", "casino.example", "version.bind"])
def test_a_stranger_is_refused_and_told_so(bounded: RunningGateway, name: str) -> None:
    for tcp in (False, True):
        answer = bounded.ask(name, source=STRANGER, tcp=tcp)
        assert (answer.rcode(), answer.answer, ede(answer)) == (REFUSED, [], 18)


# ---- who asks far too much -----------------------------------------------------------------------------------------


class Flood:
    """A client that asks the same over and over, and counts how it was answered."""

    def __init__(self, port: int, *, per_second: int) -> None:
        self.answers: Counter[str] = Counter()
        self.asked = 0
        self._port = port
        self._per_second = per_second

    def __call__(self, stop: threading.Event) -> None:
        message = bytearray(dns.message.make_query("casino.example", "A", use_edns=0).to_wire())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hostile, selectors.DefaultSelector() as selector:
            hostile.bind((HOSTILE, 0))
            hostile.connect(("127.0.0.1", self._port))
            hostile.settimeout(0)
            selector.register(hostile, selectors.EVENT_READ)
            while not stop.is_set():
                for _ in range(self._per_second // 100):
                    self.asked += 1
                    message[:2] = (self.asked & 0xFFFF).to_bytes(2, "big")
                    hostile.send(message)
                self._read(hostile, selector, 0.01)
            self._read(hostile, selector, 1)

    def _read(self, hostile: socket.socket, selector: selectors.BaseSelector, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and selector.select(left):
            with suppress(BlockingIOError):
                while True:
                    answer = hostile.recv(4096)
                    is_truncated = answer[2] & 2
                    self.answers["truncated" if is_truncated else RCODES[answer[3] & 15]] += 1


def test_who_asks_far_too_much_is_slowed_truncated_and_refused_but_never_ignored(
    tmp_path_factory: pytest.TempPathFactory, upstream: Upstream
) -> None:
    limited = make_gateway(
        tmp_path_factory.mktemp("limited") / "site", upstream, extra="limits: {client_queries_per_second: 100}\n"
    )
    limited.start()
    flood = Flood(limited.port, per_second=400)
    try:
        with SteadyClient(limited.port, source=QUIET, per_second=40) as client, in_background(flood):
            wait_until(lambda: flood.answers["truncated"])
            over_tcp = limited.ask("casino.example", source=HOSTILE, tcp=True)
            assert over_tcp.rcode() == NXDOMAIN, "over TCP nobody asks in another's name"
            wait_until(lambda: flood.answers["REFUSED"])
            refused = limited.ask("casino.example", source=HOSTILE)
            assert (refused.rcode(), ede(refused)) == (REFUSED, 18)
        assert_untouched(client.result)
        assert sum(flood.answers.values()) == flood.asked, "every query has its answer"
        assert set(flood.answers) == {"NXDOMAIN", "truncated", "REFUSED"}
        for action in ("slowed", "truncated", "refused_limit"):
            assert limited.counted("schoolgate_restrained_queries_total", action=action)
        wait_until(lambda: _is_answered(limited), seconds=8)
    finally:
        limited.stop()


def _is_answered(gateway: RunningGateway) -> bool:
    answer = gateway.ask("casino.example", source=HOSTILE)
    return not answer.flags & dns.flags.TC and answer.rcode() == NXDOMAIN
