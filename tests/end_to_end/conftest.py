"""Real parts: a gateway as its users start it, and Unbound as the resolver that it forwards to."""

import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.edns
import dns.message
import dns.query
import dns.rcode
import pytest
from parts import need

from agent.gateway.control import NotRunningError, ask_gateway

BIN = Path(sys.executable).parent


# Each process that runs tests has its own, below those that the system hands out by itself: a gateway that is down
# for a moment finds its port as it left it.
PORTS = range(12_000, 32_000)
PORTS_EACH = 2_000


def own_ports() -> Iterator[int]:
    first = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) * PORTS_EACH % len(PORTS)
    own = list(PORTS[first : first + PORTS_EACH])
    begin = os.getpid() * 97 % PORTS_EACH
    return itertools.cycle(own[begin:] + own[:begin])


ports = own_ports()


def free_port() -> int:
    """Give a port that is free for UDP and TCP on every loopback address that the tests use."""
    for port in itertools.islice(ports, PORTS_EACH):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as streams,
            suppress(OSError),
        ):
            datagrams.bind(("127.0.0.1", port))
            streams.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


SITE = """\
school: {{name: Test School, timezone: Europe/London}}
packs: [uk-esafety]
networks:
  pupils: {{audience: pupil, cidrs: [127.0.0.1/32, "::1/128"]}}
  staff: {{audience: staff, cidrs: [127.0.0.2/32]}}
  guests: {{audience: guest, cidrs: [127.0.0.3/32]}}
schedules:
  never: {{windows: [{{days: mon, from: "00:00", to: "00:01"}}]}}
rows:
  gaming_educational: {{schedule: never}}
  file_sharing: {{schedule: never}}
  shopping_commerce: {{nominated: [office]}}
  video_broadcasting: [{{nominated: [office]}}, {{audience: staff, tick: acceptable}}]
groups:
  office: {{devices: [127.0.0.4]}}
lists:
  ours: {{source: lists, format: domains}}
upstreams: {{servers: ["udp://127.0.0.1:{upstream}"], timeout: 0.4 s}}
listeners: {{dns: ["127.0.0.1:{dns}", "[::1]:{dns}"], metrics: "127.0.0.1:{metrics}"}}
"""


@dataclass
class RunningGateway:
    """A gateway in its own process."""

    folder: Path
    port: int
    metrics_port: int
    process: subprocess.Popen[str] | None = None
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.folder / "gateway.log"

    @property
    def site(self) -> Path:
        return self.folder / "site.yaml"

    def start(self, *, wait: bool = True, prefix: tuple[str, ...] = (), cwd: Path | None = None) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*prefix, BIN / "schoolgate", "gateway", "--site", self.site],
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
                cwd=cwd,
            )
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()
            with suppress(dns.exception.Timeout, NotRunningError):
                self.ask("ready.invalid", timeout=0.3)
                self.status()
                return
            time.sleep(0.02)
        raise AssertionError(self.log.read_text())

    def stop(self) -> None:
        """End it and whatever it may have left behind."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait(10)
        self.process = None

    def processes(self) -> list[int]:
        """Give every process that works on this site: the gateway, its workers, its intake."""
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and f"{self.folder}/".encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
        return found

    def run_to_its_end(self, *, prefix: tuple[str, ...] = (), seconds: float = 20) -> tuple[int, str]:
        """Start it where it cannot run; give its exit code and what it said."""
        self.start(wait=False, prefix=prefix)
        assert self.process is not None
        return self.process.wait(seconds), self.log.read_text()

    def change(self, before: str, after: str) -> None:
        """Change the site file."""
        text = self.site.read_text()
        assert before in text
        self.site.write_text(text.replace(before, after))

    def run(self, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command of ours on this site."""
        return subprocess.run(
            [BIN / "schoolgate", *words, "--site", self.site],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def ask(
        self,
        name: str,
        rdtype: str = "A",
        *,
        source: str = "127.0.0.1",
        timeout: float = 15,
        tcp: bool = False,
        edns: bool = True,
        port: int | None = None,
    ) -> dns.message.Message:
        """Ask as the client at an address."""
        query = dns.message.make_query(name, rdtype, use_edns=0 if edns else -1)
        send: Callable[..., dns.message.Message] = dns.query.tcp if tcp else dns.query.udp
        server = "::1" if ":" in source else "127.0.0.1"
        return send(query, server, timeout=timeout, port=port or self.port, source=source)

    def worker_pids(self) -> list[int]:
        """Give the workers of this gateway."""
        return self.children("agent.dns.dns_worker")

    def children(self, module: str) -> list[int]:
        """Give the processes of the gateway that run a module."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        found = []
        for pid in children:
            # One may end between the two looks.
            with suppress(FileNotFoundError, ProcessLookupError):
                if module.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(int(pid))
        return found

    def status(self) -> dict[str, Any]:
        """Ask the running gateway how it gets on."""
        return ask_gateway(str(self.folder / "runtime"), {"do": "status"})

    def get(self, path: str) -> tuple[int, str]:
        """Fetch a page of its metrics server."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}{path}", timeout=5) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def health(self) -> list[str]:
        """Give what is not well."""
        code, text = self.get("/healthz")
        answer = json.loads(text)
        assert (code, answer["status"]) == ((503, "degraded") if answer["reasons"] else (200, "ok"))
        reasons: list[str] = answer["reasons"]
        return reasons

    def metrics(self) -> dict[str, float]:
        """Give every sample, by its name and labels as they are written."""
        lines = self.get("/metrics")[1].splitlines()
        samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    def counted(self, name: str, **labels: str) -> int:
        """Give the sum of all samples of a counter that have these labels."""
        wanted = {f'{label}="{value}"' for label, value in labels.items()}
        return sum(
            int(value)
            for sample, value in self.metrics().items()
            if sample.partition("{")[0] == name and wanted <= set(re.findall(r'\w+="[^"]*"', sample))
        )


def wait_until(is_so: Callable[[], object], *, seconds: float = 20) -> float:
    """Wait for something to become so; gives how long that took."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() < began + seconds, f"not so within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - began


def is_running(pid: int) -> bool:
    """Say whether a process is there and not only waits to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ede(message: dns.message.Message) -> int | None:
    """Give the extended error code of an answer."""
    codes = [int(option.code) for option in message.options if isinstance(option, dns.edns.EDEOption)]
    return codes[0] if codes else None


def addresses(message: dns.message.Message) -> set[str]:
    """Give the addresses in an answer."""
    return {str(rdata) for rrset in message.answer for rdata in rrset if rrset.rdtype in (1, 28)}


UNBOUND = """\
server:
  interface: 127.0.0.1
  port: {port}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  use-syslog: no
  logfile: "{folder}/unbound.log"
  pidfile: ""
  num-threads: 1
  access-control: 127.0.0.0/8 allow
  local-zone: "." static
  local-zone: "casino.example." redirect
{data}
remote-control:
  control-enable: no
"""

UPSTREAM_DATA = [
    "www.example. 300 IN A 192.0.2.10",
    "www.example. 300 IN AAAA 2001:db8::10",
    "www.example. 300 IN TXT hello",
    "short.example. 1 IN A 192.0.2.11",
    "cloaked.example. 300 IN CNAME tracker.casino.example.",
    # With every name below it: what is not blocked there has an address.
    "casino.example. 300 IN A 192.0.2.13",
    "rebind.example. 300 IN A 192.168.1.1",
    "svc.example. 300 IN HTTPS 1 edge.casino.example. ipv4hint=192.0.2.14",
    "clean.example. 300 IN HTTPS 1 . ipv4hint=192.0.2.15",
    "shop.example. 300 IN A 192.0.2.16",
    "forcesafesearch.google.com. 300 IN A 192.0.2.20",
    "restrict.youtube.com. 300 IN A 192.0.2.21",
    "www.google.com. 300 IN A 192.0.2.22",
    "www.youtube.com. 300 IN A 192.0.2.23",
    "helpline.example. 300 IN A 192.0.2.24",
    "games.example. 300 IN A 192.0.2.25",
    *(f"n{number}.bulk.example. 300 IN A 192.0.2.{number % 250 + 1}" for number in range(300)),
    *(f"big.example. 300 IN TXT {'x' * 200}{number}" for number in range(12)),
]


@dataclass
class Upstream:
    """Unbound with names of its own and nothing else."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        data = "\n".join(f"  local-data: '{line}'" for line in UPSTREAM_DATA)
        config = self.folder / "unbound.conf"
        config.write_text(UNBOUND.format(port=self.port, folder=self.folder, data=data))
        self.process = subprocess.Popen([need("unbound"), "-d", "-c", config], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        query = dns.message.make_query("www.example", "A")
        while time.monotonic() < deadline:
            with suppress(dns.exception.Timeout, OSError):
                dns.query.udp(query, "127.0.0.1", port=self.port, timeout=0.2)
                return
        raise AssertionError((self.folder / "unbound.log").read_text())

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def pause(self) -> None:
        """Pull the cable: nothing answers, nothing refuses."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    running = Upstream(tmp_path_factory.mktemp("upstream"), free_port())
    running.start()
    yield running
    assert running.process is not None
    assert running.process.poll() is None, (running.folder / "unbound.log").read_text()
    running.resume()
    running.stop()


LISTS = {
    "gambling": "casino.example\npoker.test\n",
    "games": "games.example\n",
    "shopping": "shop.example\n",
    "video": "youtube.com\n",
    "helplines": "helpline.example\n",
    "vpn": "vpn.example\n",
}


def make_gateway(
    folder: Path, upstream: Upstream, *, extra: str = "", change: dict[str, str] | None = None
) -> RunningGateway:
    """Write a site into a folder; `change` replaces parts of its text."""
    lists = folder / "lists"
    lists.mkdir(parents=True)
    for category, text in LISTS.items():
        (lists / f"{category}.txt").write_text(text)
    gateway = RunningGateway(folder, free_port(), free_port())
    text = SITE.format(dns=gateway.port, metrics=gateway.metrics_port, upstream=upstream.port)
    for before, after in (change or {}).items():
        assert before in text
        text = text.replace(before, after)
    gateway.site.write_text(text + extra)
    return gateway


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[RunningGateway]:
    """A gateway that the tests of a module share; they leave it as they found it."""
    running = make_gateway(tmp_path_factory.mktemp("gateway") / "site", upstream)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def own_gateway(tmp_path: Path, upstream: Upstream) -> Iterator[RunningGateway]:
    """A gateway that a test may do anything to, not started yet."""
    running = make_gateway(tmp_path / "site", upstream)
    yield running
    running.stop()
