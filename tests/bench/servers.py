"""The servers that the bench compares: the peers, each in its best single-core settings, and Schoolgate itself.

All get the same list, block with NXDOMAIN, forward the rest to the same upstream, validate nothing and log nothing.
"""

import importlib.metadata
import re
import secrets
import shutil
import socket
import subprocess
import sys
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from processes import BenchError

_RPZ_HEAD: Final = (
    "$TTL 60\n$ORIGIN rpz.\n@ SOA localhost. root.localhost. {serial} 3600 600 86400 60\n@ NS localhost.\n"
)


def free_port() -> int:
    """Find a port that is free for UDP and TCP at this moment."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            port: int = udp.getsockname()[1]
            try:
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Server(ABC):
    """One program in one configuration, with its files in a folder and its processes on cores of its own."""

    name: str
    program: str
    package: str
    # What the command line of the process that answers queries contains.
    worker_mark = ""
    core_count = 1

    def __init__(self, folder: Path, upstream_port: int, cores: str) -> None:
        self.folder = folder
        self.cores = cores
        self.upstream_port = upstream_port
        self.port = free_port()
        self.control_port = free_port()

    @classmethod
    def is_installed(cls) -> bool:
        return cls.find_program() is not None

    @classmethod
    def find_program(cls) -> str | None:
        """Find it where root looks too: daemons live in /usr/sbin, which is seldom on a user's path."""
        return shutil.which(cls.program) or shutil.which(cls.program, path="/usr/sbin:/sbin")

    def executable(self) -> str:
        return self.find_program() or self.program

    def version(self) -> str:
        """What the program says that it is, numbers only."""
        command = [self.executable(), self.version_option()]
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
        found = re.search(r"\d+\.\d+(?:\.\d+)?\S*", said.stdout + said.stderr)
        return found[0].rstrip(",") if found else "?"

    def version_option(self) -> str:
        return "--version"

    @abstractmethod
    def prepare(self) -> Sequence[str]:
        """Write the configuration, do what an installation has done before it starts, and return the command."""

    @abstractmethod
    def write_list(self, names: Sequence[str]) -> None:
        """Write the list in the server's own format; replaced by rename where it exists."""

    @abstractmethod
    def reload(self) -> None:
        """Make the running server take the list that was written last."""

    def _write(self, name: str, text: str) -> Path:
        path = self.folder / name
        fresh = path.with_suffix(".new")
        fresh.write_text(text, encoding="ascii")
        fresh.replace(path)
        return path

    def _run(self, *command: str) -> None:
        """Run a control command where the server runs: what it costs is part of the server's work."""
        pinned = ["taskset", "-c", self.cores, *command]
        done = subprocess.run(pinned, capture_output=True, text=True, check=False, timeout=120, cwd=self.folder)
        if done.returncode != 0:
            raise BenchError(f"{self.name}: {command[0]} failed: {(done.stdout + done.stderr).strip()[-300:]}")


class Unbound(Server):
    """Unbound with one local zone a name."""

    name = "unbound"
    program = "unbound"
    package = "unbound"
    modules = "iterator"
    listing = 'include: "{folder}/list.conf"'
    rpz = ""

    def prepare(self) -> Sequence[str]:
        # threads: one core. so-rcvbuf: bursts wait instead of being dropped. caches: hold all names of the mix.
        # module-config: no validator, as nobody here validates. outgoing-range and num-queries: for the miss run.
        # nodefault: `test` is a name like any other here. use-caps-for-id and the like stay off, as by default.
        text = f"""server:
  interface: 127.0.0.1
  port: {self.port}
  access-control: 127.0.0.0/8 allow
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{self.folder}"
  pidfile: ""
  use-syslog: no
  verbosity: 0
  log-queries: no
  statistics-interval: 0
  num-threads: 1
  so-rcvbuf: 4m
  so-sndbuf: 4m
  msg-cache-size: 32m
  rrset-cache-size: 64m
  outgoing-range: 8192
  num-queries-per-thread: 4096
  minimal-responses: yes
  do-not-query-localhost: no
  do-ip6: no
  module-config: "{self.modules}"
  local-zone: "test." nodefault
  {self.listing.format(folder=self.folder)}
{self.rpz.format(folder=self.folder)}
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{self.upstream_port}
remote-control:
  control-enable: yes
  control-interface: {self.folder}/control
  control-use-cert: no
"""
        return [self.executable(), "-d", "-c", str(self._write("unbound.conf", text))]

    def version_option(self) -> str:
        return "-V"

    def write_list(self, names: Sequence[str]) -> None:
        self._write("list.conf", "".join(f"local-zone: {name} always_nxdomain\n" for name in names))

    def reload(self) -> None:
        # The gentlest that this version has: fast_reload (1.23) reads beside the service, reload_keep_cache stops it.
        known = subprocess.run(["unbound-control", "-h"], capture_output=True, text=True, check=False, timeout=20)
        verb = next((v for v in ("fast_reload", "reload_keep_cache") if v in known.stdout + known.stderr), "reload")
        self._control(verb)

    def _control(self, *command: str) -> None:
        self._run("unbound-control", "-c", str(self.folder / "unbound.conf"), *command)


class UnboundRpz(Unbound):
    """Unbound with a response policy zone."""

    name = "unbound-rpz"
    modules = "respip iterator"
    listing = ""
    rpz = 'rpz:\n  name: rpz.\n  zonefile: "{folder}/list.rpz"\n  rpz-action-override: nxdomain\n  rpz-log: no\n'

    def write_list(self, names: Sequence[str]) -> None:
        self._write("list.rpz", rpz_zone(names))

    def reload(self) -> None:
        self._control("auth_zone_reload", "rpz.")


class PowerDns(Server):
    """PowerDNS Recursor with a response policy zone."""

    name = "pdns-recursor"
    program = "pdns_recursor"
    package = "pdns-recursor"

    def prepare(self) -> Sequence[str]:
        self._write("rpz.lua", f'rpzFile("{self.folder}/list.rpz", {{policyName="bench", defpol=Policy.NXDOMAIN}})\n')
        # threads, pdns-distributes-queries: one thread that reads its own socket. dnssec: nobody here validates.
        # The caches keep their defaults, half a million answers and a million records. No statistics, no polls.
        text = f"""local-address=127.0.0.1
local-port={self.port}
config-dir={self.folder}
socket-dir={self.folder}
daemon=no
write-pid=no
threads=1
pdns-distributes-queries=no
dnssec=off
qname-minimization=no
forward-zones-recurse=.=127.0.0.1:{self.upstream_port}
dont-query=
lua-config-file={self.folder}/rpz.lua
disable-syslog=yes
loglevel=2
quiet=yes
statistics-interval=0
security-poll-suffix=
max-mthreads=4096
"""
        self._write("recursor.conf", text)
        return [self.executable(), f"--config-dir={self.folder}"]

    def write_list(self, names: Sequence[str]) -> None:
        self._write("list.rpz", rpz_zone(names))

    def reload(self) -> None:
        self._run("rec_control", f"--socket-dir={self.folder}", "--timeout=60", "reload-lua-config")


class Dnsdist(Server):
    """dnsdist with a suffix tree and a packet cache."""

    name = "dnsdist"
    program = "dnsdist"
    package = "dnsdist"

    def prepare(self) -> Sequence[str]:
        # One listener thread. VectorSize: recvmmsg and sendmmsg. SocketBufferSizes: bursts wait and are not lost.
        # The cache has room for the mix; what is blocked is answered before it. setUp: no health checks.
        # sockets, MaxUDPOutstanding: for the miss run. setRules swaps the tree whole: no moment without a list.
        text = f"""setLocal("127.0.0.1:{self.port}")
setACL("127.0.0.0/8")
setKey("{b64encode(secrets.token_bytes(32)).decode()}")
controlSocket("127.0.0.1:{self.control_port}")
setSecurityPollSuffix("")
setMaxUDPOutstanding(65535)
setUDPMultipleMessagesVectorSize(64)
setUDPSocketBufferSizes(4194304, 4194304)
newServer({{address="127.0.0.1:{self.upstream_port}", healthCheckMode="up", sockets=4}}):setUp()
getPool(""):setCache(newPacketCache(200000))
function load_list()
  local node = newSuffixMatchNode()
  for name in io.lines("{self.folder}/list.txt") do node:add(name) end
  setRules({{newRuleAction(SuffixMatchNodeRule(node, true), RCodeAction(DNSRCode.NXDOMAIN))}})
  collectgarbage()
end
load_list()
"""
        path = self._write("dnsdist.conf", text)
        return [self.executable(), "--supervised", "--disable-syslog", "-C", str(path)]

    def write_list(self, names: Sequence[str]) -> None:
        self._write("list.txt", "".join(f"{name}.\n" for name in names))

    def reload(self) -> None:
        self._run(self.executable(), "-C", str(self.folder / "dnsdist.conf"), "-c", "-e", "load_list()")


class KnotResolver(Server):
    """Knot Resolver with a response policy zone."""

    name = "knot-resolver"
    program = "kresd"
    package = "knot-resolver"

    def prepare(self) -> Sequence[str]:
        # One process. No validation, no start-up look-ups on the internet. The cache has room for the mix.
        # STUB: ask the upstream without resolving. The zone is watched: so Knot reloads without a restart; that needs
        # lua-cqueues, which the package recommends.
        text = f"""log_level('err')
net.listen('127.0.0.1', {self.port}, {{ kind = 'dns' }})
net.ipv6 = false
for _, module in ipairs({{'ta_update', 'ta_signal_query', 'ta_sentinel', 'priming', 'detect_time_skew'}}) do
  modules.unload(module)
end
trust_anchors.remove('.')
cache.size = 100 * MB
policy.add(policy.rpz(policy.DENY, '{self.folder}/list.rpz', {self._watch()}))
policy.add(policy.all(policy.STUB('127.0.0.1@{self.upstream_port}')))
"""
        return [self.executable(), "-n", "-c", str(self._write("kresd.conf", text)), str(self.folder)]

    def write_list(self, names: Sequence[str]) -> None:
        self._write("list.rpz", rpz_zone(names))

    def reload(self) -> None:
        """The new file is seen by itself."""

    def _watch(self) -> str:
        return "true" if Path("/usr/share/lua/5.1/cqueues/notify.lua").exists() else "false"


class Dnsmasq(Server):
    """dnsmasq with one local domain a name."""

    name = "dnsmasq"
    program = "dnsmasq"
    package = "dnsmasq-base"

    def prepare(self) -> Sequence[str]:
        # cache-size: holds the mix. servers-file: what SIGHUP reads again; a server without an address is NXDOMAIN.
        # dns-forward-max keeps its default of 150: at most 100 are outstanding, and more makes its search longer.
        text = f"""port={self.port}
listen-address=127.0.0.1
bind-interfaces
user=root
keep-in-foreground
pid-file={self.folder}/pid
log-facility=-
no-resolv
no-hosts
no-poll
cache-size=25000
server=127.0.0.1#{self.upstream_port}
servers-file={self.folder}/list.conf
"""
        return [self.executable(), "-C", str(self._write("dnsmasq.conf", text))]

    def write_list(self, names: Sequence[str]) -> None:
        self._write("list.conf", "".join(f"server=/{name}/\n" for name in names))

    def reload(self) -> None:
        self._run("kill", "-HUP", (self.folder / "pid").read_text().strip())


class Schoolgate(Server):
    """Schoolgate with its full policy, counters and blocked-query records, one worker."""

    name = "schoolgate"
    program = str(Path(sys.executable).with_name("schoolgate"))
    package = "this repository"
    worker_mark = "agent.dns_worker"

    def prepare(self) -> Sequence[str]:
        # The whole table of the pack applies; queries come from one address, so one client may ask for everything.
        text = f"""school: {{name: Bench, timezone: Europe/London}}
packs: [uk-esafety]
networks:
  pupils: {{audience: pupil, cidrs: 127.0.0.0/8}}
lists:
  bench: {{source: list.txt, format: domains, category: gambling}}
upstreams:
  servers: "udp://127.0.0.1:{self.upstream_port}"
listeners:
  dns: "127.0.0.1:{self.port}"
  metrics: "127.0.0.1:{self.control_port}"
limits: {{client_queries_per_second: 10000000}}
retention: {{activity: blocked}}
workers: {self.core_count}
"""
        self._write("site.yaml", text)
        self._update_lists()
        return [self.program, "gateway", "--site", str(self.folder / "site.yaml")]

    def version(self) -> str:
        return importlib.metadata.version("schoolgate")

    def write_list(self, names: Sequence[str]) -> None:
        self._write("list.txt", "".join(f"{name}\n" for name in names))

    def reload(self) -> None:
        self._update_lists()

    def _update_lists(self) -> None:
        self._run(self.program, "lists", "update", "--site", str(self.folder / "site.yaml"))


class SchoolgateTwoWorkers(Schoolgate):
    """Schoolgate with two workers on two cores, to see what each query costs then."""

    name = "schoolgate-2-workers"
    core_count = 2


SERVERS: Final[tuple[type[Server], ...]] = (
    Schoolgate,
    Unbound,
    UnboundRpz,
    PowerDns,
    Dnsdist,
    KnotResolver,
    Dnsmasq,
    SchoolgateTwoWorkers,
)


def rpz_zone(names: Sequence[str]) -> str:
    """Write the list as a response policy zone: each name, and everything below it."""
    return _RPZ_HEAD.format(serial=len(names)) + "".join(f"{name} CNAME .\n*.{name} CNAME .\n" for name in names)


def upstream_command(folder: Path, port: int) -> list[str]:
    """Configure the upstream: an Unbound that has one answer for every name, from memory."""
    path = folder / "upstream.conf"
    path.write_text(
        f"""server:
  interface: 127.0.0.1
  port: {port}
  access-control: 127.0.0.0/8 allow
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  so-rcvbuf: 4m
  so-sndbuf: 4m
  module-config: "iterator"
  local-zone: "test." nodefault
  local-zone: "." redirect
  local-data: ". 3600 A 198.51.100.7"
  local-data: ". 3600 AAAA 2001:db8::7"
"""
    )
    return ["unbound", "-d", "-c", str(path)]
