"""Where a gateway listens and whom it asks: addresses that must not meet each other or themselves."""

import ipaddress
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from pydantic_core import PydanticCustomError

from agent.sites.findings import Findings
from agent.sites.site import Endpoint, Listeners, Transport, Upstream, Upstreams, Zone
from agent.sites.site_block_page import collides, read_block_page
from agent.sites.written_site import WrittenSite, WrittenUpstream, WrittenUpstreams
from agent.sites.written_values import parse_domain
from rules import document

DEFAULT_DNS: Final = (Endpoint("0.0.0.0", 53), Endpoint("::", 53))
DEFAULT_METRICS: Final = Endpoint("127.0.0.1", 9253)


def build_listeners(written: WrittenSite, findings: Findings, folder: Path) -> Listeners:
    """Say where the gateway answers: on port 53 of every address, where a site does not say it."""
    if written.listeners is None:
        return Listeners(DEFAULT_DNS, DEFAULT_METRICS)
    path: document.Path = ("listeners", "dns")
    dns = tuple(written.listeners.dns or DEFAULT_DNS)
    is_said = "metrics" in written.listeners.model_fields_set
    metrics = written.listeners.metrics if is_said else DEFAULT_METRICS
    for index, endpoint in enumerate(dns):
        other = next((other for other in dns[:index] if collides(other, endpoint)), None)
        if other is not None:
            findings.problem((*path, index), f"{endpoint}, which {other} takes already", "each address and port once")
    if metrics is not None and any(collides(endpoint, metrics) for endpoint in dns):
        findings.problem(("listeners", "metrics"), f"{metrics}, where DNS is answered", "another port")
    api = written.listeners.api
    if api is not None and any(collides(other, api) for other in (*dns, *((metrics,) if metrics else ()))):
        findings.problem(("listeners", "api"), f"{api}, where DNS or metrics are answered", "another port")
    others = (*dns, *((metrics,) if metrics else ()), *((api,) if api else ()))
    return Listeners(dns, metrics, api, **read_block_page(written.listeners, findings, folder, others=others))


def build_upstreams(written: WrittenUpstreams, findings: Findings, listeners: Listeners) -> Upstreams:
    """Say whom the gateway asks: the resolvers of the system, where a site does not say it."""
    path: document.Path = ("upstreams", "servers")
    servers = tuple(_read_servers(path, written.servers or (), findings, listeners))
    zones: dict[str, Zone] = {}
    for name, entries in written.zones.items():
        zone_path: document.Path = ("upstreams", "zones", name)
        try:
            domain = parse_domain(name)
        except PydanticCustomError as error:
            findings.problem(zone_path, f"'{name}'", str((error.context or {})["expected"]), at_key=True)
            continue
        for index, entry in enumerate(entries):
            if entry.server.endpoint is None:
                findings.problem((*zone_path, index), "system", "the address of the zone's own server")
        if domain in zones:
            findings.problem(zone_path, f"the zone {domain} a second time", "each zone once", at_key=True)
        zones[domain] = Zone(domain, tuple(_read_servers(zone_path, entries, findings, listeners)))
    use_system = written.servers is None or any(entry.server.endpoint is None for entry in written.servers)
    timeout = {} if written.timeout_seconds is None else {"timeout_seconds": written.timeout_seconds}
    return Upstreams(servers, tuple(zones.values()), use_system=use_system, **timeout)


def _read_servers(
    path: document.Path, written: Iterable[WrittenUpstream], findings: Findings, listeners: Listeners
) -> Iterator[Upstream]:
    seen: set[Upstream] = set()
    for index, entry in enumerate(written):
        server = entry.server
        if server.endpoint is None:
            continue
        upstream = Upstream(server.endpoint, server.transport, server.tls_name, tuple(entry.pins))
        if server.transport is Transport.TLS and not (server.tls_name or entry.pins):
            findings.problem((*path, index), f"{upstream} alone", "its name after #, or pins")
        if server.transport is Transport.UDP and entry.pins:
            findings.problem((*path, index), f"pins for {upstream}", "pins for tls:// only")
        if upstream in seen:
            findings.problem((*path, index), f"{upstream} a second time", "each server once")
        if server.transport is Transport.UDP and any(_includes(own, server.endpoint) for own in listeners.dns):
            findings.problem((*path, index), f"{upstream}, where this gateway listens", "another server")
        seen.add(upstream)
        yield upstream


def _includes(listener: Endpoint, endpoint: Endpoint) -> bool:
    """Say whether what is sent to an endpoint of this machine arrives at the listener."""
    if listener.port != endpoint.port:
        return False
    if listener.address == endpoint.address:
        return True
    wide, narrow = ipaddress.ip_address(listener.address), ipaddress.ip_address(endpoint.address)
    return wide.is_unspecified and narrow.is_loopback and wide.version == narrow.version
