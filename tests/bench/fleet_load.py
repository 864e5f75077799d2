"""A Monday morning: laptops come back with what they could not send, while somebody asks DNS.

A real gateway on loopback, with its API process and its workers; the laptops' batches are signed beforehand, each
goes over TLS on the connection of its laptop, and the next one leaves when the last one is acknowledged. Clients take
a share of the same cores; what is printed says how much. Ended by a time limit in any case.
"""

import argparse
import asyncio
import multiprocessing
import os
import random
import secrets
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import dns.message
import dns.query
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.endpoint.message_signatures import sign_request
from agent.endpoint.wire_batch import GENESIS, MAX_EVENTS, PATH, Event
from agent.storage.fleet_rows import Device, DeviceKey, DeviceState, KeyState, write_device
from agent.storage.state import StateStore
from collectors.observed import JSON

BOOT: Final = "5f0c8a52-1d7e-4a39-9a53-4d9e7a0c2f11"
SITE: Final = """\
school: {{name: Bench School, timezone: Europe/London}}
packs: [uk-esafety]
networks: {{all: {{audience: pupil, cidrs: [127.0.0.0/8]}}}}
lists: {{starter: builtin:starter}}
upstreams: {{servers: ["udp://127.0.0.1:9"], timeout: 0.4 s}}
listeners: {{dns: ["127.0.0.1:{dns}"], api: "127.0.0.1:{api}"}}
"""
QUESTION: Final = "gambling.canary.schoolgate.test"
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass
class Laptop:
    """One laptop and the requests that it will send."""

    device: str
    requests: list[bytes] = field(default_factory=list)
    sent: int = 0
    refused: int = 0
    waits: list[float] = field(default_factory=list)


class DnsProbe:
    """Asks DNS at a steady pace from a process of its own, so that what the laptops do here is not in the times."""

    def __init__(self, port: int, *, pace: float) -> None:
        self._port = port
        self._pace = pace

    def during(self, seconds: float) -> str:
        """Ask for so long with nothing else going on."""
        self.start()
        time.sleep(seconds)
        return self.stop()

    def start(self) -> None:
        """Begin to ask."""
        self._told, telling = multiprocessing.Pipe()
        self._asking = multiprocessing.Process(target=ask_until_told, args=(telling, self._port, self._pace))
        self._asking.start()

    def stop(self) -> str:
        """End, and say how long the answers took."""
        self._told.send(None)
        waits, lost = self._told.recv()
        self._asking.join()
        return f"{percentiles(waits)}, {lost} of {len(waits) + lost} without an answer"


def ask_until_told(told: Connection, port: int, pace: float) -> None:
    """Ask until something is told, then tell the milliseconds of each answer and how many never came."""
    query = dns.message.make_query(QUESTION, "A").to_wire()
    waits: list[float] = []
    lost = 0
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as asking:
        asking.connect(("127.0.0.1", port))
        asking.settimeout(2)
        while not told.poll(pace):
            begun = time.perf_counter()
            asking.send(query)
            try:
                asking.recv(4096)
                waits.append((time.perf_counter() - begun) * 1000)
            except OSError:
                lost += 1
    told.send((waits, lost))


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def percentiles(waits: list[float]) -> str:
    if len(waits) < 2:
        return "too few"
    cuts = statistics.quantiles(waits, n=100)
    return f"p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, most {max(waits):.0f} ms"


def free_port() -> int:
    """Give a port that is free for UDP and TCP; one that a connection has just left is not."""
    while True:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe, closing(socket.socket()) as stream:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
            with suppress(OSError):
                stream.bind(("127.0.0.1", port))
                return port


def texts(first: int, count: int, *, now: float) -> Iterator[str]:
    """Give events as laptops write them: mostly what was written to media, some states, few incidents."""
    for number in range(first, first + count):
        kind, priority = (
            ("posture", 1) if number % 20 == 0 else ("media_inserted", 0) if number % 200 == 7 else ("writes", 2)
        )
        facts: dict[str, JSON] = {
            "check": f"check-{number % 7}",
            "device": "sdb1",
            "insertion": "17",
            "files": number,
            "bytes": number * 4096,
            "kinds": {"document": 3, "image": 9},
            "coverage": "complete",
            "names": [secrets.token_hex(8) for _ in range(3)],
        }
        yield Event(number, now - 86_400 + number, 10_000.0 + number, BOOT, kind, priority, facts).text


def requests_of(
    device: str, key: Ed25519PrivateKey, batches: list[tuple[int, int, str]], *, now: float
) -> list[bytes]:
    """Compose and sign every batch of a laptop, as whole HTTP requests."""
    epoch, made = secrets.token_hex(16), []
    for first, last, events in batches:
        head = (
            f'{{"v":1,"device":"{device}","epoch":"{epoch}","first":{first},"last":{last},"prev":"{GENESIS}",'
            f'"boot":"{BOOT}","sent_wall":{now},"sent_mono":99999.0,"policy":1,"agent":"0.1.0",'
            f'"depth":{last - first + 1},"oldest":86400.0,"events":[{events}]}}'
        )
        body = zlib.compress(head.encode(), 1)
        signed = sign_request(key, device, method="POST", path=PATH, body=body, created=int(now))
        headers = {**signed, "Content-Encoding": "deflate", "Content-Type": "application/json"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        top = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
        made.append(top.encode() + body)
    return made


def prepare(folder: Path, laptops: int, events: int) -> list[Laptop]:
    """Write the laptops into the state, as if each had enrolled, and sign what they will send."""
    now = time.time()
    batches = []
    for first in range(1, events + 1, MAX_EVENTS):
        count = min(MAX_EVENTS, events + 1 - first)
        batches.append((first, first + count - 1, ",".join(texts(first, count, now=now))))
    made = []
    with (
        closing(StateStore(folder / "state" / "state.db", clock=lambda: datetime.now(UTC))) as store,
        store.act() as act,
    ):
        for number in range(laptops):
            key = Ed25519PrivateKey.generate()
            device = f"laptop{number:04}"
            public = DeviceKey(key.public_key().public_bytes_raw(), device, KeyState.ACTIVE, "bench", act.now)
            row = Device(
                device, 1, DeviceState.ACTIVE, device, None, secrets.token_hex(32), {}, act.now, keys=(public,)
            )
            write_device(act.database, row)
            made.append(Laptop(device, requests_of(device, key, batches, now=now)))
    return made


async def come_back(laptop: Laptop, port: int, context: ssl.SSLContext, *, after: float) -> None:
    """Send every batch, each until it is acknowledged."""
    await asyncio.sleep(after)
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None
    for request in laptop.requests:
        begun = time.perf_counter()
        while True:
            try:
                if reader is None or writer is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
                status = int(head.split(b" ", 2)[1])
            except (OSError, asyncio.IncompleteReadError):
                status, reader, writer = 0, None, None
            if status == 200:
                break
            laptop.refused += 1
            await asyncio.sleep(random.uniform(0.5, 2))
        laptop.sent += 1
        laptop.waits.append((time.perf_counter() - begun) * 1000)
    if writer is not None:
        writer.close()


async def monday(laptops: list[Laptop], port: int, *, jitter: float, limit: float) -> float:
    """Let every laptop come back within the jitter; gives the seconds until the last was acknowledged."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    begun = time.perf_counter()
    coming = [come_back(each, port, context, after=random.uniform(0, jitter)) for each in laptops]
    with suppress(TimeoutError):
        async with asyncio.timeout(limit):
            await asyncio.gather(*coming)
    return time.perf_counter() - begun


def processor_seconds(folder: Path) -> dict[str, float]:
    """Give the processor time of every process that works on this folder."""
    found: dict[str, float] = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            words = (entry / "cmdline").read_bytes()
            if str(folder).encode() in words:
                part = "api" if b"agent.api.server" in words else "gateway and workers"
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                found[part] = found.get(part, 0.0) + (int(fields[11]) + int(fields[12])) / _TICKS
    return found


def wait_until_ready(dns_port: int, api_port: int, *, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    query = dns.message.make_query(QUESTION, "A")
    while time.monotonic() < end:
        with suppress(dns.exception.Timeout, OSError):
            dns.query.udp(query, "127.0.0.1", port=dns_port, timeout=0.3)
            with socket.create_connection(("127.0.0.1", api_port), 1):
                return
        time.sleep(0.1)
    raise SystemExit("The gateway did not start.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--laptops", type=int, default=500)
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--jitter", type=float, default=30.0, help="seconds within which all of them come back")
    parser.add_argument("--limit", type=float, default=180.0, help="seconds after which it is given up")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ports = free_port(), free_port()
        (folder / "site.yaml").write_text(SITE.format(dns=ports[0], api=ports[1]))
        laptops = prepare(folder, asked.laptops, asked.events)
        batches = sum(len(each.requests) for each in laptops)
        octets = sum(len(each) for laptop in laptops for each in laptop.requests)
        say(f"{asked.laptops} laptops, {batches:,} batches, {batches and octets // batches:,} octets each on average")
        program = Path(sys.executable).parent / "schoolgate"
        with (folder / "log").open("w") as log:
            gateway = subprocess.Popen([program, "gateway", "--site", folder / "site.yaml"], stdout=log, stderr=log)
        try:
            wait_until_ready(*ports)
            probe = DnsProbe(ports[0], pace=0.01)
            say(f"load of this machine before: {os.getloadavg()[0]:.1f}")
            say(f"DNS before: {probe.during(5)}")
            before, own = processor_seconds(folder), time.process_time()
            probe.start()
            seconds = asyncio.run(monday(laptops, ports[1], jitter=asked.jitter, limit=asked.limit))
            say(f"DNS meanwhile: {probe.stop()}")
            after = processor_seconds(folder)
            report(laptops, seconds, asked.events)
            used = ", ".join(f"{part} {after[part] - before.get(part, 0):.1f} s" for part in sorted(after))
            say(f"processor: {used}, these clients {time.process_time() - own:.1f} s")
            size = sum(path.stat().st_size for path in (folder / "state").glob("fleet.db*"))
            say(f"fleet.db: {size / 1e6:.0f} MB; load of this machine after: {os.getloadavg()[0]:.1f}")
        finally:
            gateway.terminate()
            gateway.wait(15)
    return 0 if all(len(each.requests) == each.sent for each in laptops) else 1


def report(laptops: list[Laptop], seconds: float, events: int) -> None:
    sent = sum(each.sent for each in laptops)
    done = sum(len(each.requests) == each.sent for each in laptops)
    waits = [wait for each in laptops for wait in each.waits]
    say(f"{done} of {len(laptops)} laptops done, {done * events:,} events in {seconds:.1f} s")
    say(f"{sent / seconds:.0f} batches a second; until acknowledged: {percentiles(waits)}")
    say(f"sent again after a refusal or a broken connection: {sum(each.refused for each in laptops)}")


if __name__ == "__main__":
    sys.exit(main())
