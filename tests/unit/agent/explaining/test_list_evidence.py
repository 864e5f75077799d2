"""The literal lines behind a category."""

from pathlib import Path

from lists_of_test import EARLY, Clock, RememberingIndex, site_with, tar

from agent.explaining.list_evidence import find_listed
from agent.lists.list_updater import ListUpdater
from agent.sites.site import ListConfig
from rules.name import DomainName

NAME = DomainName("www.bets.example")


def found(folder: Path, config: ListConfig, versions: dict[str, str] | None = None) -> list[str]:
    entries = find_listed(site_with(folder, config), NAME, versions=versions)
    return [f"{entry.tag} {entry.list_name} {entry.line}" for entry in entries]


def test_each_line_is_found_with_its_list_and_category(tmp_path: Path) -> None:
    octets = tar(
        ("gambling/domains", b"a.example\nbets.example\n"),
        ("games/domains", b"b.example\n"),
        ("press/domains", b"bets.example\n"),
    )
    (tmp_path / "ut1.tar").write_bytes(octets)
    config = ListConfig("ut1", str(tmp_path / "ut1.tar"))
    ListUpdater(site_with(tmp_path, config), index=RememberingIndex(), now=Clock()).update()
    assert found(tmp_path, config) == ["gambling ut1 gambling/domains:2: bets.example"]
    (entry,) = find_listed(site_with(tmp_path, config), NAME)
    assert entry.dated_at == EARLY


def test_the_lines_are_those_of_the_generation_in_force(tmp_path: Path) -> None:
    source = tmp_path / "bets.txt"
    config = ListConfig("bets", str(source), category="gambling")
    index, clock = RememberingIndex(), Clock()
    for text in ("bets.example\n", "a.example\nwww.bets.example\n"):
        source.write_text(text)
        ListUpdater(site_with(tmp_path, config), index=index, now=clock).update()
        clock.advance(hours=1)
    old, new = (dict(versions) for versions in index.list_versions().values())
    assert found(tmp_path, config, old) == ["gambling bets bets.txt:1: bets.example"]
    assert found(tmp_path, config, new) == ["gambling bets bets.txt:2: www.bets.example"]
    assert found(tmp_path, config, {}) == []
    source.unlink()
    assert found(tmp_path, config) == ["gambling bets bets.txt:2: www.bets.example"]
