"""Where a gateway listens and whom it asks."""

from pathlib import Path

import pytest

from agent.sites.config import parse_site
from agent.sites.site import Endpoint, Site, Transport, Upstream, Zone
from rules.errors import ConfigurationError

BASE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {pupils: {audience: pupil, cidrs: 10.1.0.0/16}}
"""
PIN = "A" * 43 + "="


def build(text: str) -> Site:
    return parse_site(BASE + text, path=Path("/nowhere/site.yaml")).site


@pytest.mark.parametrize(
    ("text", "dns", "metrics"),
    [
        pytest.param("", ["0.0.0.0:53", "[::]:53"], "127.0.0.1:9253", id="as-on-a-gateway"),
        pytest.param("listeners: {metrics: off}", ["0.0.0.0:53", "[::]:53"], "None", id="without-metrics"),
        pytest.param("listeners: {dns: '[::1]:5335'}", ["[::1]:5335"], "127.0.0.1:9253", id="one-address"),
        pytest.param(
            "listeners: {dns: ['0.0.0.0:53', '[::]:53', '0.0.0.0:54'], metrics: '[::1]:54'}",
            ["0.0.0.0:53", "[::]:53", "0.0.0.0:54"],
            "[::1]:54",
            id="families-and-ports-apart",
        ),
    ],
)
def test_listeners(text: str, dns: list[str], metrics: str) -> None:
    listeners = build(text).listeners
    assert [str(endpoint) for endpoint in listeners.dns] == dns
    assert str(listeners.metrics) == metrics


@pytest.mark.parametrize(
    ("text", "api"),
    [
        pytest.param("", "None", id="not-until-a-site-says-so"),
        pytest.param("listeners: {api: off}", "None", id="off"),
        pytest.param("listeners: {api: '127.0.0.1:8443'}", "127.0.0.1:8443", id="where-it-is-said"),
        pytest.param(
            "listeners: {metrics: off, api: '127.0.0.1:9253'}", "127.0.0.1:9253", id="in-the-place-of-metrics"
        ),
    ],
)
def test_the_listener_for_people(text: str, api: str) -> None:
    assert str(build(text).listeners.api) == api


@pytest.mark.parametrize("other", ["dns: '127.0.0.1:8443'", "metrics: '127.0.0.1:8443'"])
def test_people_are_answered_on_a_port_of_their_own(other: str) -> None:
    with pytest.raises(ConfigurationError, match="where DNS or metrics are answered"):
        build(f"listeners: {{{other}, api: '127.0.0.1:8443'}}")


def test_the_resolvers_of_the_system_are_asked_where_nobody_is_named() -> None:
    upstreams = build("upstreams: {timeout: 3 s}").upstreams
    assert (upstreams.use_system, upstreams.servers, upstreams.timeout_seconds) == (True, (), 3)


def test_servers_and_zones() -> None:
    upstreams = build(f"""\
upstreams:
  servers:
    - 192.0.2.53
    - tls://192.0.2.54#dns.example
    - {{server: "tls://[2001:db8::1]:8853", pins: {PIN}}}
  zones:
    School.Example: [udp://10.1.0.2, udp://10.1.0.3:5353]
    1.10.in-addr.arpa: 10.1.0.2
""").upstreams
    own = Upstream(Endpoint("10.1.0.2", 53))
    assert not upstreams.use_system
    assert upstreams.servers == (
        Upstream(Endpoint("192.0.2.53", 53)),
        Upstream(Endpoint("192.0.2.54", 853), Transport.TLS, "dns.example"),
        Upstream(Endpoint("2001:db8::1", 8853), Transport.TLS, pins=(PIN,)),
    )
    assert upstreams.zones == (
        Zone("school.example", (own, Upstream(Endpoint("10.1.0.3", 5353)))),
        Zone("1.10.in-addr.arpa", (own,)),
    )


def test_another_server_of_this_machine_may_be_asked() -> None:
    assert build("upstreams: {servers: 127.0.0.1:5353}").upstreams.servers
    assert build("upstreams: {servers: 127.0.0.1}\nlisteners: {dns: 10.1.0.1:53}").upstreams.servers


def test_a_machine_does_not_ask_itself_about_a_zone() -> None:
    with pytest.raises(ConfigurationError, match="where this gateway listens"):
        build("upstreams: {zones: {x.test: '[::1]'}}")
