"""The site file that came into force is recorded once, whoever wrote it."""

from datetime import UTC, datetime
from pathlib import Path

from agent.filter_changing.filter_changes import FilterChanges
from agent.filter_changing.filter_in_force import TEXT_NAME, publish_text
from agent.filter_changing.filter_watch import FilterWatch
from agent.people.people import People
from agent.storage.state import StateStore

SITE = """\
school: {name: Test School, timezone: Europe/London}
packs: [uk-esafety]
networks: {pupils: {audience: pupil, cidrs: [192.0.2.0/25]}}
"""
POLICY = "policies: {ours: {block: {names: [chance.example]}, audiences: [pupil]}}\n"


def school(folder: Path) -> tuple[StateStore, FilterWatch]:
    store = StateStore(folder / "state.db", clock=lambda: datetime(2026, 3, 2, 9, tzinfo=UTC))
    changes = FilterChanges(store, People(store), clock=store.clock)
    return store, FilterWatch(changes, folder, folder / "site.yaml")


def rows(store: StateStore) -> list[str]:
    with store.read() as database:
        found = database.execute("SELECT facts FROM audit WHERE kind = 'filter_changed_on_disk' ORDER BY number")
        return [row["facts"] for row in found]


def test_a_change_on_disk_is_recorded_with_its_difference(tmp_path: Path) -> None:
    store, watch = school(tmp_path)
    assert not watch.look(), "no gateway has taken a site yet"
    publish_text(tmp_path, SITE)
    assert watch.look()
    assert not watch.look()
    (tmp_path / "site.yaml").write_text(SITE + POLICY)
    assert not watch.look(), "the gateway has not taken it"
    publish_text(tmp_path, SITE + POLICY)
    assert watch.look()
    first, second = rows(store)
    assert "chance.example" not in first
    assert "chance.example" in second
    store.close()


def test_the_same_text_again_is_no_change(tmp_path: Path) -> None:
    store, watch = school(tmp_path)
    for _ in range(2):
        publish_text(tmp_path, SITE)
        watch.look()
    assert len(rows(store)) == 1
    store.close()


def test_a_text_that_is_no_site_is_passed_over(tmp_path: Path) -> None:
    store, watch = school(tmp_path)
    (tmp_path / TEXT_NAME).write_text("school: 3")
    assert not watch.look()
    assert not rows(store)
    store.close()
