"""A client that asks a blocked and an allowed name in turn, hundreds of times a second, whatever happens."""

import random
import selectors
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

NOERROR, NXDOMAIN = 0, 3
# Each from a port of its own, so that the kernel deals the queries out to all workers.
SOCKETS = 8
STEP_SECONDS = 0.01
LAST_WAIT_SECONDS = 1.0


@dataclass
class Answered:
    """What became of the queries."""

    asked: int = 0
    blocked: int = 0
    allowed: int = 0
    # What a client must never see: an address for a blocked name.
    leaked: list[bytes] = field(default_factory=list)
    # Neither the one nor the other: the response codes.
    odd: list[int] = field(default_factory=list)
    # When each lost query was sent.
    lost_at: list[float] = field(default_factory=list)
    slowest_seconds: float = 0.0
    first_answer_at: float = 0.0


class SteadyClient:
    """Asks from a thread of its own between `with` and the end of its block.

    Args:
        port: of the gateway.
        source: the address that it asks from.
        per_second: how many queries, half of them for names that are blocked.
    """

    def __init__(self, port: int, *, source: str = "127.0.0.1", per_second: int = 400) -> None:
        self.result = Answered()
        self._server = ("127.0.0.1", port)
        self._step_seconds = max(STEP_SECONDS, 2 / per_second)
        self._pairs = round(per_second * self._step_seconds / 2)
        self._waiting: dict[tuple[int, bytes], tuple[float, bool]] = {}
        self._stop = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._sockets = []
        for place in range(SOCKETS):
            # Not connected: who asks before anybody listens is not told so, and asks on.
            each = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            each.bind((source, 0))
            each.settimeout(0)
            self._selector.register(each, selectors.EVENT_READ, place)
            self._sockets.append(each)
        self._thread = threading.Thread(target=self._run, name="steady client")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._selector.close()
        for each in self._sockets:
            each.close()
        self.result.lost_at = sorted(sent_at for sent_at, _ in self._waiting.values())

    def waiting(self) -> int:
        """Count the queries that have no answer yet."""
        return len(self._waiting)

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            for _ in range(self._pairs):
                self._ask(f"x{self.result.asked}.casino.example", is_blocked=True)
                self._ask(f"n{random.randrange(300)}.bulk.example", is_blocked=False)
            due += self._step_seconds
            self._read_until(due)
        end = time.monotonic() + LAST_WAIT_SECONDS
        while self._waiting and time.monotonic() < end:
            self._read_until(time.monotonic() + STEP_SECONDS)

    def _ask(self, name: str, *, is_blocked: bool) -> None:
        self.result.asked += 1
        place = self.result.asked % SOCKETS
        identifier = (self.result.asked // SOCKETS & 0xFFFF).to_bytes(2, "big")
        wire = b"".join(bytes((len(label),)) + label.encode() for label in name.split("."))
        query = identifier + b"\1\0\0\1\0\0\0\0\0\0" + wire + b"\0\0\1\0\1"
        self._waiting[place, identifier] = (time.monotonic(), is_blocked)
        with suppress(OSError):
            self._sockets[place].sendto(query, self._server)

    def _read_until(self, due: float) -> None:
        while (left := due - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                with suppress(BlockingIOError):
                    while True:
                        self._take(key.data, self._sockets[key.data].recv(4096))

    def _take(self, place: int, answer: bytes) -> None:
        asked = self._waiting.pop((place, answer[:2]), None)
        assert asked is not None, "an answer that nobody asked for, or a second one"
        sent_at, is_blocked = asked
        now = time.monotonic()
        result = self.result
        result.first_answer_at = result.first_answer_at or now
        result.slowest_seconds = max(result.slowest_seconds, now - sent_at)
        rcode, has_records = answer[3] & 0xF, answer[6:8] != b"\0\0"
        if is_blocked and has_records:
            result.leaked.append(answer)
        elif is_blocked and rcode == NXDOMAIN:
            result.blocked += 1
        elif not is_blocked and rcode == NOERROR and has_records:
            result.allowed += 1
        else:
            result.odd.append(rcode)
