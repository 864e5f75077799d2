"""The packs in force on the record: once at each change, by hash and never by word."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.packs.pack_record import IN_FORCE, PackRecord
from agent.sites.config import load_site
from agent.sites.site import Site
from agent.sites.site_packs import PacksInForce, packs_of
from agent.storage.record import Entry, show
from agent.storage.state import StateStore

SITE = """\
school: {name: Example School, timezone: Europe/London}
packs: PACKS
networks: {all: {audience: pupil, cidrs: 10.1.0.0/16}}
"""
OWN = "pack: ours\ntitle: Our policy\nsource: A paper that nobody else should read\n"


class School:
    """A school whose packs may change, and its record."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = StateStore(folder / "state.db", clock=lambda: datetime(2026, 11, 2, tzinfo=UTC))
        self.own(OWN)
        self.name("[uk-esafety, ours.yaml]")
        self.record = self.start()

    def own(self, text: str) -> None:
        (self.folder / "ours.yaml").write_text(text)

    def name(self, packs: str) -> None:
        (self.folder / "site.yaml").write_text(SITE.replace("PACKS", packs))
        self.site: Site = load_site(self.folder / "site.yaml").site

    def start(self) -> PackRecord:
        return PackRecord(self.store, PacksInForce(lambda: self.site))

    def rows(self) -> list[Entry]:
        with self.store.read() as database:
            return list(show(database, kind=IN_FORCE))


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    made = School(tmp_path)
    yield made
    made.store.close()


def test_the_first_are_written_down_once(school: School) -> None:
    assert [school.record.look(), school.record.look()] == [True, False]
    (row,) = school.rows()
    hashes = packs_of(school.site).hashes
    assert (row.actor, row.facts) == ("system", {"packs": list(hashes), "sha256": list(hashes.values())})
    assert list(hashes) == ["uk-esafety", "ours"]


def test_a_new_start_writes_nothing_where_nothing_has_changed(school: School) -> None:
    school.record.look()
    assert not school.start().look()
    assert len(school.rows()) == 1


def test_a_pack_that_says_something_else_is_a_row_and_none_of_its_words(school: School) -> None:
    school.record.look()
    school.own(OWN.replace("Our policy", "Our other policy"))
    assert [school.record.look(), school.record.look()] == [True, False]
    after, before = school.rows()
    assert before.facts["packs"] == after.facts["packs"]
    assert before.facts["sha256"][0] == after.facts["sha256"][0]
    assert before.facts["sha256"][1] != after.facts["sha256"][1]
    assert "policy" not in str(after.facts)
    assert "paper" not in str(after.facts)


def test_a_change_while_nobody_looked_is_written_down_at_the_next_start(school: School) -> None:
    school.record.look()
    school.own(OWN.replace("Our policy", "Our other policy"))
    assert school.start().look()


def test_a_way_back_is_a_change_too(school: School) -> None:
    school.record.look()
    school.own(OWN + "# more\n")
    school.record.look()
    school.own(OWN)
    assert school.record.look()
    newest, _, oldest = school.rows()
    assert newest.facts == oldest.facts


@pytest.mark.parametrize("packs", ["[uk-esafety]", "[uk-esafety, ours.yaml, nl-avg]", "[ours.yaml, uk-esafety]"])
def test_a_site_that_names_others_is_a_change_if_others_hold(school: School, packs: str) -> None:
    school.record.look()
    before = list(packs_of(school.site).hashes)
    school.name(packs)
    assert school.record.look() is (before != list(packs_of(school.site).hashes))


def test_a_pack_that_cannot_be_read_changes_nothing_and_is_no_row(
    school: School, capsys: pytest.CaptureFixture[str]
) -> None:
    school.record.look()
    school.own("pack: [")
    assert not school.record.look()
    assert "pack_unusable" in capsys.readouterr().err
