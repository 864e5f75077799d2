"""What a site says of laptops: names of files are kept for a reason, or not at all."""

from pathlib import Path

import pytest

from agent.sites.config import load_site, parse_site
from agent.sites.site import EndpointSettings
from rules.errors import ConfigurationError

BASE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {all: {audience: pupil, cidrs: 10.1.0.0/16}}
"""


def read(part: str) -> EndpointSettings:
    return parse_site(BASE + part, path=Path("/nowhere/site.yaml")).site.private.endpoints


def test_without_the_part_the_defaults_hold() -> None:
    assert read("") == read("endpoints:") == read("endpoints: {}") == EndpointSettings()


def test_the_whole_of_it() -> None:
    text = """endpoints:
  vpn: [School VPN, School VPN, wg-school]
  resolvers: [192.0.2.53, "2001:db8::53"]
  file_names: kept
  reason: The inspector asked for them.
  heartbeat: 2 min
  posture: 1 h
  grace: 30 min
  hardware_encrypted: ["0951:177f"]
  register: https://it.school.example/media
  aup: "2026-09"
  closed: [pornography, malware, malware]
  silent: 3 d
  days: 30
  events: 100000
"""
    assert read(text) == EndpointSettings(
        vpn=("School VPN", "wg-school"),
        resolvers=("192.0.2.53", "2001:db8::53"),
        file_names="kept",
        file_names_reason="The inspector asked for them.",
        heartbeat_seconds=120,
        posture_seconds=3600,
        grace_seconds=1800,
        hardware_encrypted=("0951:177f",),
        register_url="https://it.school.example/media",
        aup_version="2026-09",
        closed=("pornography", "malware"),
        silent_seconds=3 * 86_400,
        keep_days=30,
        keep_events=100_000,
    )


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            "endpoints: {file_names: kept}",
            "4:25: endpoints.file_names: found names of files kept without a reason; expected a reason beside it",
        ),
        (
            "endpoints: {reason: So.}",
            "4:21: endpoints.reason: found a reason to keep names of files; expected file_names: kept, or no reason",
        ),
        (
            "endpoints: {resolvers: [dns]}",
            "4:25: endpoints.resolvers[0]: found 'dns'; expected an address such as 192.0.2.1 or 2001:db8::1",
        ),
        (
            "endpoints: {closed: [gambing]}",
            "4:22: endpoints.closed[0]: found the category 'gambing'; expected gambling",
        ),
    ],
)
def test_a_fault_has_its_place(part: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(BASE + part)
    with pytest.raises(ConfigurationError) as caught:
        load_site(tmp_path / "site.yaml")
    assert str(caught.value).removeprefix("site.yaml:") == expected
