"""Schoolgate as the bench runs it, and the table of all that are compared."""

import importlib.metadata
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from peers import Dnsdist, Dnsmasq, KnotResolver, PowerDns, Unbound, UnboundRpz
from server import Server


class Schoolgate(Server):
    """Schoolgate with its full policy, counters and blocked-query records, one worker."""

    name = "schoolgate"
    program = str(Path(sys.executable).with_name("schoolgate"))
    package = "this repository"
    worker_mark = "agent.dns.dns_worker"

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
