"""The peers, each in its best single-core settings, and the upstream that all have in common.

All get the same list, block with NXDOMAIN, forward the rest to the same upstream, validate nothing and log nothing.
"""

import secrets
import subprocess
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from server import Server

_RPZ_HEAD: Final = (
    "$TTL 60\n$ORIGIN rpz.\n@ SOA localhost. root.localhost. {serial} 3600 600 86400 60\n@ NS localhost.\n"
)


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
