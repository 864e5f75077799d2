"""Batches over real sockets on loopback; the portable way does what the fast one does."""

import contextlib
import socket
import sys
from collections.abc import Callable, Iterator

import pytest

from agent.dns.datagrams import (
    SLOT_OCTETS,
    SLOTS,
    BatchedDatagrams,
    Datagrams,
    PortableDatagrams,
    listen_on_datagrams,
    open_datagrams,
    take_no_more,
)

Open = Callable[[socket.socket], Datagrams]
WAYS = [pytest.param(PortableDatagrams, id="portable")]
if sys.platform.startswith("linux"):
    WAYS.append(pytest.param(BatchedDatagrams, id="batched"))
ADDRESSES = ["127.0.0.1", "::1"]

every_way = pytest.mark.parametrize("way", WAYS)
every_address = pytest.mark.parametrize("address", ADDRESSES)


class Meeting:
    """A server at an address and as many clients as a test wants."""

    def __init__(self, way: Open, address: str) -> None:
        self._open = contextlib.ExitStack()
        self.socket = self._open.enter_context(listen_on_datagrams(address, 0))
        self.socket.settimeout(0)
        self.server = way(self.socket)
        self.port: int = self.socket.getsockname()[1]
        self.address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)

    def client(self, *, asks: str | None = None) -> socket.socket:
        """Connect, so that an answer from another address than the one that was asked never arrives."""
        client = socket.socket(self.socket.family, socket.SOCK_DGRAM)
        self._open.enter_context(client)
        client.settimeout(2)
        client.connect((asks or self.address, self.port))
        return client

    def write(self, slot: int, answer: bytes) -> None:
        """Put an answer behind the ID of the query in a slot."""
        start = slot * SLOT_OCTETS
        self.server.buffer[start + 2 : start + 2 + len(answer)] = answer
        self.server.answer_lengths[slot] = len(answer) + 2

    def read(self) -> list[bytes]:
        """Receive a batch."""
        count = self.server.receive()
        starts = range(0, count * SLOT_OCTETS, SLOT_OCTETS)
        lengths = self.server.lengths[:count]
        return [self.server.buffer[start : start + length] for start, length in zip(starts, lengths, strict=True)]

    def close(self) -> None:
        self._open.close()


@pytest.fixture
def meet() -> Iterator[Callable[[Open, str], Meeting]]:
    with contextlib.ExitStack() as stack:

        def meeting(way: Open, address: str) -> Meeting:
            made = Meeting(way, address)
            stack.callback(made.close)
            return made

        yield meeting


Meet = Callable[[Open, str], Meeting]


@every_way
@every_address
def test_every_client_gets_its_own_answer(meet: Meet, way: Open, address: str) -> None:
    meeting = meet(way, address)
    assert meeting.server.receive() == 0
    clients = [meeting.client() for _ in range(5)]
    for number, client in enumerate(clients):
        client.send(b"id" + bytes((number,)) * (number + 10))
    assert meeting.read() == [b"id" + bytes((number,)) * (number + 10) for number in range(5)]
    packed = socket.inet_pton(meeting.socket.family, address)
    assert set(meeting.server.addresses[:5]) == {packed}
    for slot in range(5):
        meeting.write(slot, b"answer %d" % slot)
    assert meeting.server.send(0, 5) == 0
    assert [client.recv(100) for client in clients] == [b"idanswer %d" % number for number in range(5)]
    assert meeting.server.unsent == 0


@every_way
def test_only_the_slots_that_have_answers_are_sent(meet: Meet, way: Open) -> None:
    meeting = meet(way, "127.0.0.1")
    clients = [meeting.client() for _ in range(4)]
    for client in clients:
        client.send(b"idquery")
    meeting.read()
    for slot in (0, 2, 3):
        meeting.write(slot, b"%d" % slot)
    meeting.server.send(0, 1)
    meeting.server.send(2, 4)
    assert [clients[number].recv(100) for number in (0, 2, 3)] == [b"id0", b"id2", b"id3"]
    clients[1].settimeout(0.01)
    with pytest.raises(TimeoutError):
        clients[1].recv(100)


@every_way
@every_address
def test_more_than_a_batch_comes_in_batches(meet: Meet, way: Open, address: str) -> None:
    meeting = meet(way, address)
    client = meeting.client()
    for number in range(SLOTS + 3):
        client.send(b"%d" % number)
    assert [len(meeting.read()) for _ in range(3)] == [SLOTS, 3, 0]


@every_way
@pytest.mark.parametrize("octets", [0, 1, 2, 11, SLOT_OCTETS - 1, SLOT_OCTETS, SLOT_OCTETS + 1, 9000])
def test_datagrams_of_any_length_take_one_slot(meet: Meet, way: Open, octets: int) -> None:
    meeting = meet(way, "127.0.0.1")
    client = meeting.client()
    client.send(b"before")
    client.send(b"x" * octets)
    client.send(b"after")
    assert meeting.read() == [b"before", b"x" * min(octets, SLOT_OCTETS), b"after"]


@every_way
def test_an_answer_may_be_as_long_as_a_slot(meet: Meet, way: Open) -> None:
    meeting = meet(way, "127.0.0.1")
    clients = [meeting.client(), meeting.client()]
    for client in clients:
        client.send(b"idquery")
    meeting.read()
    meeting.write(0, b"a" * (SLOT_OCTETS - 2))
    meeting.write(1, b"b")
    meeting.server.send(0, 2)
    assert [client.recv(9000) for client in clients] == [b"id" + b"a" * (SLOT_OCTETS - 2), b"idb"]


@every_way
@every_address
def test_answers_can_be_sent_after_their_slots_are_used_again(meet: Meet, way: Open, address: str) -> None:
    meeting = meet(way, address)
    clients = [meeting.client() for _ in range(2 * SLOTS + 1)]
    return_addresses = []
    for client in clients:
        client.send(b"query")
        meeting.read()
        return_addresses.append(meeting.server.return_address(0))
    for number, return_address in enumerate(return_addresses):
        meeting.server.send_later(return_address, b"answer %d" % number)
    assert meeting.server.flush() == 0
    assert meeting.server.flush() == 0
    assert [client.recv(100) for client in clients] == [b"answer %d" % number for number in range(2 * SLOTS + 1)]


@every_way
def test_a_client_that_cannot_be_reached_does_not_stop_the_batch(meet: Meet, way: Open) -> None:
    meeting = meet(way, "127.0.0.1")
    clients = [meeting.client() for _ in range(3)]
    for client in clients:
        client.send(b"idquery")
    meeting.read()
    for slot in range(3):
        return_address = meeting.server.return_address(slot)
        port = clients[slot].getsockname()[1]
        nowhere = return_address.replace(port.to_bytes(2, "big"), b"\0\0").replace(b"%d" % port, b"0")
        meeting.server.send_later(nowhere, b"nowhere")
        meeting.server.send_later(return_address, b"answer %d" % slot)
    assert meeting.server.flush() == 3
    assert meeting.server.unsent == 3
    assert [client.recv(100) for client in clients] == [b"answer 0", b"answer 1", b"answer 2"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="127/8 is this machine on Linux only")
@pytest.mark.parametrize("wildcard", ["0.0.0.0", "::"])
def test_the_answer_comes_from_the_address_that_was_asked(meet: Meet, wildcard: str) -> None:
    meeting = meet(BatchedDatagrams, wildcard)
    asked = ["127.0.0.5", "127.0.0.1", "127.9.9.9"] if wildcard == "0.0.0.0" else ["::1"]
    clients = [meeting.client(asks=address) for address in asked]
    for client in clients:
        client.send(b"idquery")
    meeting.read()
    return_addresses = [meeting.server.return_address(slot) for slot in range(len(clients))]
    for slot in range(len(clients)):
        meeting.write(slot, b"answer")
    assert meeting.server.send(0, len(clients)) == 0
    assert [client.recv(100) for client in clients] == [b"idanswer"] * len(clients)
    for return_address in reversed(return_addresses):
        meeting.server.send_later(return_address, b"later")
    assert meeting.server.flush() == 0
    assert [client.recv(100) for client in clients] == [b"later"] * len(clients)


@every_address
def test_workers_share_a_port(address: str) -> None:
    with listen_on_datagrams(address, 0) as one, listen_on_datagrams(address, one.getsockname()[1]) as two:
        assert one.getsockname() == two.getsockname()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems share a port otherwise")
@pytest.mark.parametrize("address", [*ADDRESSES, "0.0.0.0", "::"])
@every_way
def test_what_came_is_answered_and_what_comes_goes_to_the_others(meet: Meet, way: Open, address: str) -> None:
    meeting = meet(way, address)
    with listen_on_datagrams(address, meeting.port) as other:
        other.settimeout(0)
        clients = [meeting.client() for _ in range(40)]
        for number, client in enumerate(clients):
            client.send(b"%02d early" % number)
        take_no_more(meeting.socket)
        for client in clients:
            client.send(b"00 late")
        came = meeting.read()
        assert came
        assert {each[2:] for each in came} == {b" early"}
        for slot in range(len(came)):
            meeting.write(slot, b" answer")
        assert meeting.server.send(0, len(came)) == 0
        assert {clients[int(each[:2])].recv(99)[2:] for each in came} == {b" answer"}
        assert sum(other.recv(99).endswith(b"late") for _ in range(2 * len(clients) - len(came))) == len(clients)


def test_a_socket_for_ipv6_leaves_ipv4_to_others() -> None:
    with listen_on_datagrams("::", 0) as six, listen_on_datagrams("0.0.0.0", six.getsockname()[1]) as four:
        assert six.getsockname()[1] == four.getsockname()[1]


def test_where_nobody_can_listen_an_error_says_so() -> None:
    with pytest.raises(OSError, match="assign"):
        listen_on_datagrams("192.0.2.1", 0)


def test_the_fastest_way_of_the_system_is_chosen() -> None:
    with listen_on_datagrams("127.0.0.1", 0) as listening:
        expected = BatchedDatagrams if sys.platform.startswith("linux") else PortableDatagrams
        assert isinstance(open_datagrams(listening), expected)
        assert listening.gettimeout() == 0
