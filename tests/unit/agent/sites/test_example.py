"""The example site: it runs as it is, and it is not written over anything."""

import re
from pathlib import Path

import pytest

from agent.sites.config import load_site
from agent.sites.example import example_text, write_example
from agent.sites.site import FailModes, Limits
from rules.errors import ConfigurationError
from rules.subject import Audience


def test_the_example_is_right_and_leaves_nothing_to_point_out(tmp_path: Path) -> None:
    loaded = load_site(write_example(tmp_path / "school"))
    assert loaded.warnings == ()


def test_the_example_plays_three_networks_on_loopback(tmp_path: Path) -> None:
    site = load_site(write_example(tmp_path)).site
    assert {network.audience for network in site.networks} == set(Audience)
    assert [str(endpoint) for endpoint in site.listeners.dns] == ["127.0.0.1:5335", "[::1]:5335"]
    assert str(site.listeners.metrics) == "127.0.0.1:9253"
    assert Path(site.paths.state).parent == tmp_path


def test_what_is_switched_off_can_be_switched_on(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "ours.txt").write_text("games.example\n")
    everything = re.sub(r"^( *)#(?=[^\s#]| {2,})", r"\1", example_text(), flags=re.MULTILINE)
    site_file = tmp_path / "site.yaml"
    site_file.write_text(everything.replace("/var/lib/schoolgate/ut1", str(tmp_path / "lists")))
    site = load_site(site_file).site
    assert len(site.lists) == 4
    assert [zone.name for zone in site.upstreams.zones] == ["school.example"]
    assert {group.name for group in site.groups} == {"office", "media", "year-6"}
    assert (site.limits, site.fail_modes, site.workers) == (Limits(), FailModes(reason=site.fail_modes.reason), 1)


@pytest.mark.parametrize("existing", ["site.yaml", "folder"])
def test_nothing_is_written_over(tmp_path: Path, existing: str) -> None:
    if existing == "folder":
        (tmp_path / "file").write_text("")
        folder = tmp_path / "file"
    else:
        folder = tmp_path
        (tmp_path / "site.yaml").write_text("school: {}\n")
    with pytest.raises(ConfigurationError):
        write_example(folder)
    if existing == "site.yaml":
        assert (tmp_path / "site.yaml").read_text() == "school: {}\n"
