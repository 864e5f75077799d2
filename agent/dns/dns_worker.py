"""A DNS worker: reads queries, answers them, and needs nobody's help to do it.

It is handed its sockets, opened by the supervisor; it loads the published policy and index before it reads the
first query, and again whenever the generations in shared memory change. Counters and rows of blocked queries leave
it with the ticks.
"""

import asyncio
import contextlib
import ctypes
import gc
import os
import signal
import socket
import sys
import time
from collections import deque
from functools import partial
from pathlib import Path
from typing import Final

from agent.dns import restraint
from agent.dns.askers import Askers
from agent.dns.canary_looks import CanaryLooks, report_path
from agent.dns.clients import ClientResolver
from agent.dns.datagrams import SLOT_OCTETS, Datagrams, open_datagrams, take_no_more
from agent.dns.dns_worker_job import WorkerJob
from agent.dns.policy_state import Finished, PolicyState
from agent.dns.promptness import take_short_turns
from agent.dns.queries import Client, Waiter
from agent.dns.responder import Responder
from agent.dns.shared_memory import SharedMemory
from agent.dns.snapshot import Snapshot, read_snapshot
from agent.dns.spool import SpoolWriter
from agent.dns.streams import Deliver, StreamConnections
from agent.dns.upstream import Forwarder
from agent.file_limit import raise_file_limit
from agent.logs import configure_logs, log
from filters.list_index import ListIndex, empty_index
from rules.errors import SchoolgateError

TICK_SECONDS: Final = 0.1
# Every so many ticks counters are stored, clients are reckoned with, garbage is looked for.
FLUSH_TICKS: Final = 10
RECKON_TICKS: Final = 3
COLLECT_TICKS: Final = 300
# So many batches are taken from one socket before the loop looks at the others.
ROUNDS: Final = 16
MAX_CLIENTS: Final = 65_536
MAX_HELD: Final = 2000
LARGE_BLOCK_OCTETS: Final = 64 * 1024

_M_MMAP_THRESHOLD: Final = -3


def load_index(snapshot: Snapshot) -> ListIndex:
    """Map the index that a snapshot names; every worker shares the same pages.

    Raises:
        IndexUnusableError: the file is missing or damaged.
    """
    if snapshot.index_path is None:
        return empty_index()
    return ListIndex.open(Path(snapshot.index_path))


class DnsWorker:
    """One process that answers."""

    def __init__(self, job: WorkerJob) -> None:
        self._job = job
        self._shared = SharedMemory.open(Path(job.shared_memory), writable=True)
        self._slot = self._shared.worker(job.slot)
        self._slot.begin(pid=os.getpid(), started_at_nanoseconds=time.time_ns())
        self._counters = self._slot.counters()
        self._spool = SpoolWriter(Path(job.spool), worker=job.slot, max_bytes=job.spool_bytes)
        self._loop = asyncio.new_event_loop()
        self._clients: dict[bytes, Client] = {}
        self._held: deque[tuple[Datagrams, bytes, bytes, bytes, Client]] = deque()
        self._late: set[Datagrams] = set()
        self._datagrams: list[Datagrams] = []
        self._supervisor = os.getppid()
        self._evicted = self._unsent = 0
        self._ticks = 0
        self._generation = self._shared.policy_generation
        snapshot = read_snapshot(Path(job.snapshot))
        index = load_index(snapshot)
        policy = PolicyState(snapshot, index)
        self._snapshot = snapshot
        self._forwarder = Forwarder(snapshot.site.upstreams, loop=self._loop, own=snapshot.site.listeners.dns)
        self._responder = Responder(
            policy, index, forwarder=self._forwarder, counters=self._counters, monotonic=time.monotonic
        )
        self._resolver = resolver_of(snapshot)
        self._streams = StreamConnections(self, snapshot.site.limits, monotonic=time.monotonic)
        runtime = Path(job.shared_memory).parent
        self._canaries = CanaryLooks(report_path(runtime, job.slot))
        self._askers = Askers(runtime, job.slot, network_of=self._network_of)
        self._acknowledge()

    def run(self) -> None:
        """Answer until told to stop."""
        asyncio.set_event_loop(self._loop)
        sockets = [socket.socket(fileno=descriptor) for descriptor in self._job.datagrams]
        for listening in sockets:
            datagrams = open_datagrams(listening)
            self._datagrams.append(datagrams)
            self._loop.add_reader(listening, self._drain, datagrams)
        for descriptor in self._job.streams:
            self._loop.run_until_complete(self._streams.listen(socket.socket(fileno=descriptor)))
        for signum in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(signum, self._loop.stop)
        # Nothing on the hot path makes cycles; what start-up made stays for good.
        gc.collect()
        gc.freeze()
        gc.disable()
        self._tick()
        self._loop.run_forever()
        # Whoever takes this worker's place may have sockets of his own: what came to these is answered here, and what
        # comes from now on goes to those, where the supervisor is gone who shared these.
        for listening in sockets if os.getppid() != self._supervisor else ():
            take_no_more(listening)
        for datagrams in self._datagrams:
            self._drain(datagrams)
        self._streams.close()
        self._forwarder.close()
        self._hand_over_rows()
        self._flush()
        self._spool.close()

    # ---- datagrams -----------------------------------------------------------------------------------------

    def _drain(self, datagrams: Datagrams) -> None:
        """Answer what waits on one socket.

        The hot path: one longer loop on purpose, with look-ups and slices only. A query whose finished reply is
        at hand costs one slice to read, two dictionary look-ups and one slice to write.
        """
        responder, counters, clients = self._responder, self._counters, self._clients
        outcomes, buffer, answer_lengths = counters.outcomes, datagrams.buffer, datagrams.answer_lengths
        hold_rows = self._slot.hold_rows
        began_at = time.monotonic()
        batches = total = slow = 0
        for _ in range(ROUNDS):
            count = datagrams.receive()
            if not count:
                break
            responder.now = now = time.monotonic()
            first = slot = 0
            start = 2
            for octets, address in zip(datagrams.lengths, datagrams.addresses, strict=False):
                message = buffer[start : start + octets - 2]
                finished = None
                client = clients.get(address)
                if client is not None:
                    client.asked += 1
                    finished = client.find(message)
                    if finished is not None and finished[1] > now:
                        outcomes[finished[2]] += 1
                        length = finished[3]
                        buffer[start : start + length - 2] = finished[0]
                        answer_lengths[slot] = length
                        slot += 1
                        start += SLOT_OCTETS
                        continue
                slow += 1
                answer = self._answer_datagram(datagrams, slot, message, address, client, finished)
                if answer is None:
                    if slot > first:
                        datagrams.send(first, slot)
                    first = slot + 1
                else:
                    length = len(answer)
                    buffer[start : start + length] = answer
                    answer_lengths[slot] = length + 2
                slot += 1
                start += SLOT_OCTETS
            # Before the answers go out: what was answered is recorded, or counted as lost if we are killed.
            hold_rows(len(responder.noted))
            if slot > first:
                datagrams.send(first, slot)
            batches += 1
            total += count
        if total:
            counters.plain["queries_udp"] += total
            counters.plain["reply_cache_hits"] += total - slow
            counters.hit_latency((time.monotonic() - began_at) / batches, total)

    def _answer_datagram(  # noqa: PLR0917 (names of arguments cost time, and this is called for every second query)
        self,
        datagrams: Datagrams,
        slot: int,
        message: bytes,
        address: bytes,
        client: Client | None,
        finished: Finished | None,
    ) -> bytes | None:
        """Answer a query that has no finished reply, or an old one; nothing where it waits or gets no answer."""
        responder = self._responder
        try:
            if client is None:
                client = self._meet(address)
                if client is None:
                    return responder.refuse_stranger(message)
                client.asked += 1
            if client.restraint:
                return self._restrain(datagrams, slot, message, client)
            answer: bytes | Waiter | None = None
            if finished is not None:
                answer = responder.refresh(message, client, finished)
                self._counters.plain["reply_cache_hits"] += answer is not None
            if answer is None:
                answer = responder.respond(message, client, udp=True)
        except Exception as error:  # noqa: BLE001 (one bad query must never end the answers to all others)
            self._counters.plain["unexpected_errors"] += 1
            log.error("query_failed", error=type(error).__name__)
            return None
        if isinstance(answer, Waiter):
            identifier = datagrams.buffer[slot * SLOT_OCTETS : slot * SLOT_OCTETS + 2]
            answer.deliver = partial(self._deliver, datagrams, datagrams.return_address(slot), identifier)
            return None
        return answer

    def _deliver(self, datagrams: Datagrams, return_address: bytes, identifier: bytes, answer: bytes) -> None:
        """Send an answer that had to wait, together with others that are ready at the same time."""
        datagrams.send_later(return_address, identifier + answer)
        if not self._late:
            self._loop.call_soon(self._send_late)
        self._late.add(datagrams)

    def _send_late(self) -> None:
        self._slot.hold_rows(len(self._responder.noted))
        for datagrams in self._late:
            datagrams.flush()
        self._late.clear()

    def _restrain(self, datagrams: Datagrams, slot: int, message: bytes, client: Client) -> bytes | None:
        """Hold a query until the next tick, or send its client to TCP, or refuse it; never be silent."""
        if client.restraint == restraint.SLOWED and len(self._held) < MAX_HELD:
            identifier = datagrams.buffer[slot * SLOT_OCTETS : slot * SLOT_OCTETS + 2]
            self._held.append((datagrams, datagrams.return_address(slot), identifier, message, client))
            self._counters.plain["clients_slowed"] += 1
            return None
        return self._responder.restrain(message, client, refuse=client.restraint == restraint.REFUSED)

    def _release_held(self) -> None:
        for _ in range(len(self._held)):
            datagrams, return_address, identifier, message, client = self._held.popleft()
            answer = self._responder.respond(message, client, udp=True)
            if isinstance(answer, Waiter):
                answer.deliver = partial(self._deliver, datagrams, return_address, identifier)
            elif answer is not None:
                self._deliver(datagrams, return_address, identifier, answer)

    # ---- streams -------------------------------------------------------------------------------------------

    def answer_stream(self, message: bytes, address: bytes, deliver: Deliver) -> bytes | None:
        """Answer one message that came over TCP, at once or through `deliver`."""
        responder, counters = self._responder, self._counters
        responder.now = time.monotonic()
        counters.plain["queries_tcp"] += 1
        identifier, message = message[:2], message[2:]
        try:
            answer = self._answer_whole(message, address)
            self._slot.hold_rows(len(responder.noted))
        except Exception as error:  # noqa: BLE001 (one bad query must never end the answers to all others)
            counters.plain["unexpected_errors"] += 1
            log.error("query_failed", error=type(error).__name__)
            answer = None
        if isinstance(answer, Waiter):
            answer.deliver = lambda reply: deliver(identifier + reply)
            return None
        return identifier + answer if answer is not None else b""

    def _answer_whole(self, message: bytes, address: bytes) -> bytes | Waiter | None:
        client = self._clients.get(address) or self._meet(address)
        if client is None:
            return self._responder.refuse_stranger(message)
        client.asked += 1
        if client.restraint == restraint.REFUSED:
            return self._responder.restrain(message, client, refuse=True)
        return self._responder.respond(message, client, udp=False)

    def count(self, what: str) -> None:
        """Count something that happened to a connection."""
        self._counters.plain[what] += 1

    def _meet(self, address: bytes) -> Client | None:
        profile = self._resolver.profile_of(address)
        if profile is None:
            return None
        if len(self._clients) >= MAX_CLIENTS:
            self._meet_anew()
        client = self._clients[address] = Client(address, profile, self._responder.policy.profile_state(profile))
        return client

    # ---- ticks ---------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        """Do what must happen by the clock, between batches."""
        self._loop.call_later(TICK_SECONDS, self._tick)
        self._ticks += 1
        responder = self._responder
        responder.now = time.monotonic()
        self._slot.beat(time.monotonic_ns())
        # First, because what was asked of one policy must not be looked up in the tables of the next.
        self._release_held()
        if self._shared.policy_generation != self._generation:
            self._adopt()
        elif responder.policy.is_past_boundary():
            responder.advance()
        if self._resolver.has_a_seat_ended():
            self._meet_anew()
        responder.resolution.give_stale_answers()
        if self._ticks % RECKON_TICKS == 0:
            self._reckon()
            self._askers.tick()
        self._hand_over_rows()
        if self._ticks % FLUSH_TICKS == 0:
            self._flush()
            self._streams.close_idle()
            self._forwarder.tick()
        if self._ticks % COLLECT_TICKS == 0:
            gc.collect(1)
        self._canaries.tick(responder)

    def _reckon(self) -> None:
        """Restrain who asks too much, and note who asks."""
        rate, seconds = self._snapshot.site.limits.client_queries_per_second, RECKON_TICKS * TICK_SECONDS
        restraint.reckon(self._clients.values(), rate=rate, seconds=seconds, seen=self._askers.seen)

    def _network_of(self, address: bytes) -> str | None:
        network = self._resolver.network_of(address)
        return network.name if network else None

    def _meet_anew(self) -> None:
        """Forget what clients are; that they asked is noted before."""
        self._reckon()
        self._clients.clear()

    def _hand_over_rows(self) -> None:
        """Give the rows of this tick to the spool; what it cannot take is counted as lost."""
        rows = self._responder.take_rows()
        if rows:
            lost = self._spool.write(rows, at_unix=time.time())
            self._slot.hold_rows(0)
            self._counters.plain["rows_lost"] += lost
            self._counters.plain["rows_handed_over"] += len(rows) - lost

    def _flush(self) -> None:
        """Store the counters where others can read them."""
        responder, counters = self._responder, self._counters
        profiles = responder.policy.profiles.values()
        evicted = responder.resolution.answers.evicted + sum(state.replies.evicted for state in profiles)
        unsent = sum(datagrams.unsent for datagrams in self._datagrams)
        counters.plain["cache_evictions"] += max(0, evicted - self._evicted)
        counters.plain["unsent"] += unsent - self._unsent
        self._evicted, self._unsent = evicted, unsent
        replies = [state.replies for state in profiles]
        counters.gauges.update(
            reply_cache_bytes=sum(cache.size_bytes for cache in replies),
            answer_cache_bytes=responder.resolution.answers.size_bytes,
            clients_known=len(self._clients),
            inflight=len(responder.resolution.inflight),
            tcp_open=len(self._streams.open),
        )
        counters.report_upstreams(self._forwarder.stats())
        counters.flush()

    def _adopt(self) -> None:
        """Take the newly published policy and lists; on any fault go on with the ones in force."""
        generation = self._shared.policy_generation
        try:
            snapshot = read_snapshot(Path(self._job.snapshot))
            index = load_index(snapshot)
        except SchoolgateError as error:
            self._generation = generation
            self._counters.plain["adopt_failures"] += 1
            log.error("adopt_failed", reason=str(error))
            return
        self._generation = generation
        before, self._snapshot = self._snapshot, snapshot
        self._responder.adopt(PolicyState(snapshot, index), index)
        if snapshot.site.upstreams != before.site.upstreams:
            self._forwarder.adopt(snapshot.site.upstreams)
        self._resolver = resolver_of(snapshot)
        self._meet_anew()
        self._streams.limits = snapshot.site.limits
        self._acknowledge()

    def _acknowledge(self) -> None:
        self._slot.acknowledge(
            index_generation=self._snapshot.index_generation, policy_generation=self._snapshot.generation
        )


def resolver_of(snapshot: Snapshot) -> ClientResolver:
    """Give whose address is whose by a published policy."""
    site = snapshot.site
    return ClientResolver(site.networks, site.groups, snapshot.devices, seats=snapshot.seats)


def keep_heap_small() -> None:
    """Give large blocks back to the system when they are freed; tables of caches are large, and outgrow themselves.

    Source: mallopt(3), M_MMAP_THRESHOLD, which otherwise rises with what is freed.
    """
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK_OCTETS)


def main() -> int:
    """Run one worker; its job is the one argument."""
    configure_logs()
    raise_file_limit()
    keep_heap_small()
    take_short_turns()
    job = WorkerJob.from_json(sys.argv[1])
    try:
        worker = DnsWorker(job)
    except SchoolgateError as error:
        log.error("worker_cannot_start", reason=str(error))
        return 2
    worker.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
