"""From sources to a generation, with whatever goes wrong on the way."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lists_of_test import (
    EARLY,
    Clock,
    ListServer,
    RememberingIndex,
    body,
    domains,
    gzipped,
    link,
    serving,
    site_with,
    status,
    tagged,
    tar,
)

from agent.lists.list_faults import Fault
from agent.lists.list_guard import Guards
from agent.lists.list_outcomes import Outcome, Refused, Taken, Unavailable, Unchanged, UpdateReport
from agent.lists.list_schedule import due_lists
from agent.lists.list_store import open_store
from agent.lists.list_updater import ListUpdater
from agent.lists.publisher import GenerationStore
from agent.sites.site import ListConfig
from filters.list_entries import Chunk
from rules.errors import ConfigurationError, StorageError
from rules.name import DomainName

UT1 = Path(__file__).parents[5] / "shared" / "lists" / "ut1"
GUARDS = Guards(essential=frozenset({DomainName("windows.example")}))


@pytest.fixture
def server() -> Iterator[ListServer]:
    with serving() as running:
        yield running


class School:
    """A school with lists, an index and a clock."""

    def __init__(self, folder: Path, server: ListServer | None = None) -> None:
        self.folder = folder
        self.server = server
        self.index = RememberingIndex()
        self.clock = Clock()

    def updater(self, *lists: ListConfig) -> ListUpdater:
        return ListUpdater(
            site_with(self.folder, *lists),
            index=self.index,
            downloader=self.server.downloader() if self.server else None,
            guards=GUARDS,
            now=self.clock,
            jitter=lambda: 0.0,
        )

    def update(self, *lists: ListConfig, **how: Any) -> UpdateReport:
        self.clock.advance(hours=1)
        return self.updater(*lists).update(**how)

    def outcome(self, config: ListConfig, **how: Any) -> Outcome:
        return self.update(config, **how).outcomes[0]

    def file(self, name: str, content: bytes) -> ListConfig:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return ListConfig(path.stem, str(path), category="gambling")

    def in_index(self) -> dict[str, bytes]:
        """Give what the newest generation is made of."""
        return {
            f"{each.name}/{file.shown_as}": file.path.read_bytes()
            for each in self.index.newest
            for file in each.files
        }


@pytest.fixture
def school(tmp_path: Path) -> School:
    return School(tmp_path)


@pytest.fixture
def online(tmp_path: Path, server: ListServer) -> School:
    return School(tmp_path, server)


REMOTE = ListConfig("remote", "https://lists.example/list.txt", category="gambling", timeout_seconds=5.0)


# --- From a source to the index


def test_a_file_becomes_a_generation_from_a_copy_of_its_own(school: School) -> None:
    config = school.file("betting.txt", domains(5))
    report = school.update(config)
    assert report.is_good
    assert report.generation == 1
    assert isinstance(report.outcomes[0], Taken)
    assert school.in_index() == {"betting/betting.txt": domains(5)}
    assert school.index.newest[0].files[0].path.is_relative_to(school.folder / "state" / "lists" / "betting")


def test_nothing_new_makes_no_generation(school: School) -> None:
    config = school.file("betting.txt", domains(5))
    school.update(config)
    report = school.update(config)
    assert isinstance(report.outcomes[0], Unchanged)
    assert report.generation is None
    assert len(school.index.generations) == 1


def test_a_change_makes_one_generation_of_all_lists(school: School) -> None:
    first, second = school.file("a.txt", domains(5)), school.file("b.txt", domains(5, start=5))
    school.update(first, second)
    school.file("a.txt", domains(6))
    report = school.update(first, second)
    assert [type(outcome) for outcome in report.outcomes] == [Taken, Unchanged]
    assert report.generation == 2
    assert school.in_index() == {"a/a.txt": domains(6), "b/b.txt": domains(5, start=5)}


def test_a_list_that_the_site_no_longer_has_leaves_the_index(school: School) -> None:
    first, second = school.file("a.txt", domains(5)), school.file("b.txt", domains(5))
    school.update(first, second)
    assert school.update(first).generation == 2
    assert set(school.in_index()) == {"a/a.txt"}


def test_only_the_lists_asked_for_are_looked_at(school: School) -> None:
    first, second = school.file("a.txt", domains(5)), school.file("b.txt", domains(5))
    assert [outcome.list_name for outcome in school.update(first, second, only=["b"]).outcomes] == ["b"]
    assert set(school.in_index()) == {"b/b.txt"}


def test_a_list_that_nobody_has_is_a_usage_error(school: School) -> None:
    with pytest.raises(ConfigurationError, match="found the list c; expected one that the site has: a"):
        school.update(school.file("a.txt", domains(5)), only=["c"])


def test_after_a_rollback_the_same_generation_does_not_come_back_by_itself(school: School) -> None:
    config = school.file("a.txt", domains(5))
    school.update(config)
    school.file("a.txt", domains(6))
    school.update(config)
    school.index.in_force = 1
    assert school.update(config).generation is None
    assert school.update(config, force=True).generation == 3


def test_a_compiler_that_fails_leaves_the_lists_and_says_so(school: School) -> None:
    config = school.file("a.txt", domains(5))
    school.index.broken = True
    report = school.update(config)
    assert not report.is_good
    assert report.fault == "the list compiler is broken"
    school.index.broken = False
    assert school.update(config).generation == 1


# --- Trees


def tree(**categories: bytes) -> bytes:
    return tar(*((f"ut1/{category}/domains", content) for category, content in categories.items()))


def test_a_tree_is_mapped_to_our_categories(school: School) -> None:
    source = school.file("ut1.tar.gz", gzipped(tree(adult=domains(9), press=domains(9), weather=domains(9))))
    (outcome,) = school.update(ListConfig("ut1", source.source)).outcomes
    assert isinstance(outcome, Taken)
    assert {file.source.category: (file.use.value, file.tags) for file in outcome.copy.files} == {
        "adult": ("used", ("pornography",)),
        "press": ("left_out", ()),
        "weather": ("unknown", ()),
    }
    assert set(school.in_index()) == {"ut1/ut1/adult/domains"}


def test_the_site_may_map_differently_without_a_new_copy(school: School) -> None:
    source = school.file("ut1.tar", tree(adult=domains(9), press=domains(9), weather=domains(9)))
    school.update(ListConfig("ut1", source.source))
    mapping = {"adult": None, "press": "video", "weather": "games"}
    config = ListConfig("ut1", source.source, categories=mapping)
    assert isinstance(school.outcome(config), Taken)
    assert [file.tags for file in school.index.newest[0].files] == [("video",), ("games",)]


def test_the_site_is_followed_without_a_look_at_the_source(school: School) -> None:
    source = school.file("ut1.tar", tree(adult=domains(9), games=domains(9, start=9)))
    school.update(ListConfig("ut1", source.source))
    Path(source.source).unlink()
    config = ListConfig("ut1", source.source, categories={"games": None})
    report = school.update(config, only=())
    assert report.generation == 2
    assert [file.tags for file in school.index.newest[0].files] == [("pornography",)]
    assert school.update(config, only=()).generation is None
    report = school.update(ListConfig("ut1", source.source, categories={"games": None, "adult": None}), only=())
    assert [type(outcome) for outcome in report.outcomes] == [Refused]
    assert report.generation is None


def test_links_of_a_tree_are_other_names_for_the_same_file(school: School) -> None:
    octets = tar(("ut1/adult/domains", domains(9)), link("ut1/porn", "adult"))
    source = school.file("ut1.tar", octets)
    school.update(ListConfig("ut1", source.source, categories={"porn": "nudity"}))
    assert [file.tags for file in school.index.newest[0].files] == [("nudity",)]


def test_a_tree_is_refused_as_a_whole(school: School) -> None:
    source = school.file("ut1.tar", tree(adult=domains(900), games=domains(900, start=900)))
    config = ListConfig("ut1", source.source)
    school.update(config)
    school.file("ut1.tar", tree(adult=domains(910), games=domains(9)))
    outcome = school.outcome(config)
    assert isinstance(outcome, Refused)
    assert outcome.sentence.startswith("games has 9 names, the last good copy 900")
    assert school.in_index()["ut1/ut1/adult/domains"] == domains(900)


def test_a_category_that_the_site_begins_to_use_is_no_growth(school: School) -> None:
    source = school.file("ut1.tar", tree(adult=domains(100), press=domains(900)))
    school.update(ListConfig("ut1", source.source))
    config = ListConfig("ut1", source.source, categories={"press": "video"})
    assert isinstance(school.outcome(config), Taken)


# --- The guard


def test_a_refused_copy_leaves_the_last_good_one(school: School) -> None:
    config = school.file("a.txt", domains(1000))
    school.update(config)
    school.file("a.txt", domains(100))
    report = school.update(config)
    (outcome,) = report.outcomes
    assert isinstance(outcome, Refused)
    assert outcome.fault is Fault.SHRANK
    assert not report.is_good
    assert report.generation is None
    assert school.in_index() == {"a/a.txt": domains(1000)}
    assert str(outcome) == (
        "refused: it has 100 names, the last good copy 1,000; max_change_share allows 50%;"
        " the copy of 2026-09-01 07:00 UTC stays in force; --force takes it once"
    )


def test_force_takes_it_once_and_remembers(school: School) -> None:
    config = school.file("a.txt", domains(1000))
    school.update(config)
    school.file("a.txt", domains(100))
    outcome = school.outcome(config, force=True)
    assert isinstance(outcome, Taken)
    assert outcome.copy.forced == (Fault.SHRANK,)
    school.file("a.txt", domains(1000))
    assert isinstance(school.outcome(config), Refused)


def test_force_does_not_make_a_list_of_a_web_page(school: School) -> None:
    outcome = school.outcome(school.file("a.txt", b"<!doctype html><p>Log in first</p>"), force=True)
    assert isinstance(outcome, Refused)
    assert (outcome.fault, outcome.can_be_forced) == (Fault.HTML, False)
    assert str(outcome).endswith("there is no earlier copy, so this list filters nothing")


@pytest.mark.parametrize(
    ("category", "expected"),
    [pytest.param("gambling", Refused, id="to-block"), pytest.param("system_updates", Taken, id="to-keep-open")],
)
def test_a_guard_name_may_stand_in_a_list_that_keeps_open(
    category: str, expected: type[Outcome], school: School
) -> None:
    file = school.file("a.txt", b"windows.example\n")
    assert isinstance(school.outcome(ListConfig("a", file.source, category=category)), expected)


def test_a_source_of_another_address_is_a_first_load(school: School) -> None:
    school.update(ListConfig("a", school.file("long.txt", domains(1000)).source, category="games"))
    short = school.file("short.txt", domains(10))
    assert isinstance(school.outcome(ListConfig("a", short.source, category="games")), Taken)


def test_a_list_that_fails_stops_no_other(school: School) -> None:
    bad = ListConfig("gone", str(school.folder / "gone.txt"), category="games")
    report = school.update(bad, school.file("a.txt", domains(5)))
    assert [type(outcome) for outcome in report.outcomes] == [Unavailable, Taken]
    assert report.generation == 1


class Surprising(Guards):
    """Guards that nobody reckoned with."""

    def find(self, chunk: Chunk) -> Iterator[DomainName]:
        raise RuntimeError(f"{len(chunk.exact)} names")


def test_a_fault_of_our_own_stops_no_other_list(school: School) -> None:
    config = school.file("a.txt", domains(5))
    open_ones = ListConfig("open", school.file("b.txt", domains(5)).source, category="helplines")
    site = site_with(school.folder, config, open_ones)
    report = ListUpdater(site, index=school.index, guards=Surprising(), now=school.clock).update()
    assert [type(outcome) for outcome in report.outcomes] == [Unavailable, Taken]
    assert str(report.outcomes[0]).startswith("failed: our own program failed at it (RuntimeError in test_list_upd")


def test_a_copy_that_finds_no_room_is_told_and_stops_nothing(school: School) -> None:
    config = school.file("a.txt", domains(5))
    (school.folder / "state" / "lists" / "a").mkdir(parents=True)
    (school.folder / "state" / "lists" / "a" / "versions").write_text("in the way")
    report = school.update(config, school.file("b.txt", domains(5)))
    assert [type(outcome) for outcome in report.outcomes] == [Unavailable, Taken]
    assert "could not be kept" in str(report.outcomes[0])


# --- Over the network


def test_an_unchanged_remote_list_is_not_brought_again(online: School, server: ListServer) -> None:
    server.answers["/list.txt"] = tagged(domains(5), '"7"')
    assert isinstance(online.outcome(REMOTE), Taken)
    assert isinstance(online.outcome(REMOTE), Unchanged)
    assert server.requests[-1].headers["If-None-Match"] == '"7"'


def test_a_new_tag_on_the_same_list_is_remembered(online: School, server: ListServer) -> None:
    server.answers["/list.txt"] = tagged(domains(5), '"7"')
    online.update(REMOTE)
    server.answers["/list.txt"] = tagged(domains(5), '"8"')
    online.update(REMOTE)
    online.update(REMOTE)
    assert [request.headers["If-None-Match"] for request in server.requests] == [None, '"7"', '"8"']
    assert len(online.index.generations) == 1


def test_a_list_that_is_read_differently_is_not_asked_for_again(online: School, server: ListServer) -> None:
    server.answers["/list.txt"] = tagged(domains(5), '"7"')
    online.update(REMOTE)
    config = ListConfig("remote", REMOTE.source, category="games", timeout_seconds=5.0)
    assert isinstance(online.outcome(config), Taken)
    assert online.index.newest[0].files[0].tags == ("games",)
    assert isinstance(online.outcome(config, offline=True), Unchanged)


def test_downloads_go_on_side_by_side(online: School, server: ListServer) -> None:
    both_are_here = threading.Barrier(2, timeout=5)
    configs = []
    for name in ("a", "b"):

        def answer(request: Any, name: str = name) -> None:
            both_are_here.wait()
            body(domains(5, below=f"{name}.example"))(request)

        server.answers[f"/{name}"] = answer
        configs.append(
            ListConfig(name, f"https://lists.example/{name}", category="games", format="domains", timeout_seconds=5)
        )
    assert online.update(*configs).is_good


def test_a_download_that_fails_leaves_the_last_good_copy(online: School, server: ListServer) -> None:
    server.answers["/list.txt"] = body(domains(5))
    online.update(REMOTE)
    server.answers["/list.txt"] = status(404)
    outcome = online.outcome(REMOTE)
    assert isinstance(outcome, Unavailable)
    assert str(outcome) == (
        "failed: lists.example answered 404 Not Found: there is no list at this address;"
        " the copy of 2026-09-01 07:00 UTC stays in force"
    )


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param(b"<html><body>Welcome</body></html>", Fault.HTML, id="web-page"),
        pytest.param(b"", Fault.EMPTY, id="empty"),
        pytest.param(gzipped(domains(500))[:-20], Fault.TRUNCATED, id="half-a-gzip-file"),
        pytest.param(gzipped(b"a" * 3_000_000), Fault.TOO_LARGE, id="gzip-bomb"),
        pytest.param(b"PK\x03\x04", Fault.BINARY, id="zip"),
        pytest.param(tar(("../../x", b"")), Fault.UNSAFE_ARCHIVE, id="archive-that-leaves-its-folder"),
        pytest.param(b"# nothing yet\n", Fault.EMPTY, id="comments-only"),
    ],
)
def test_what_comes_instead_of_a_list_is_not_taken(
    content: bytes, fault: Fault, online: School, server: ListServer
) -> None:
    server.answers["/list.txt"] = body(content)
    config = ListConfig("remote", REMOTE.source, category="games", max_size_bytes=1_000_000, timeout_seconds=5)
    outcome = online.outcome(config)
    assert isinstance(outcome, Refused | Unavailable)
    assert outcome.fault is fault
    assert online.index.generations == []


def test_offline_nobody_is_asked(online: School, server: ListServer) -> None:
    server.answers["/list.txt"] = body(domains(5))
    local = online.file("a.txt", domains(5))
    report = online.update(REMOTE, local, offline=True)
    assert [type(outcome) for outcome in report.outcomes] == [Unavailable, Taken]
    assert due_lists(site_with(online.folder, REMOTE, local), online.clock()) == ["remote"]
    online.update(REMOTE)
    requests = len(server.requests)
    report = online.update(REMOTE, local, offline=True)
    assert str(report.outcomes[0]) == "not asked; 5 names of 2026-09-01 08:00 UTC"
    assert len(server.requests) == requests


def test_after_failures_the_next_look_comes_soon_and_a_success_resets_that(
    online: School, server: ListServer
) -> None:
    config = REMOTE
    site = site_with(online.folder, config)
    store = open_store(site)
    for failures, minutes in ((1, 5), (2, 10)):
        online.update(config)
        condition = store.condition("remote")
        assert condition is not None
        assert condition.failures == failures
        assert (condition.next_refresh_at - condition.checked_at).total_seconds() == minutes * 60
    server.answers["/list.txt"] = body(domains(5))
    online.update(config)
    assert due_lists(site, online.clock()) == []
    online.clock.advance(days=1)
    assert due_lists(site, online.clock()) == ["remote"]


# --- By hand


def test_a_bundle_takes_the_place_of_a_source(online: School) -> None:
    bundle = online.file("usb-stick.txt.gz", gzipped(domains(5)))
    (outcome,) = online.updater(REMOTE).import_bundle("remote", Path(bundle.source)).outcomes
    assert isinstance(outcome, Taken)
    assert outcome.copy.imported_from == bundle.source
    assert online.in_index() == {"remote/usb-stick.txt": domains(5)}


def test_a_bundle_must_pass_the_guard(online: School) -> None:
    updater = online.updater(REMOTE)
    updater.import_bundle("remote", Path(online.file("long.txt", domains(1000)).source))
    short = Path(online.file("short.txt", domains(10)).source)
    assert isinstance(updater.import_bundle("remote", short).outcomes[0], Refused)
    assert isinstance(updater.import_bundle("remote", short, force=True).outcomes[0], Taken)


def test_a_bundle_that_is_not_there_is_told(online: School) -> None:
    (outcome,) = online.updater(REMOTE).import_bundle("remote", online.folder / "gone").outcomes
    assert str(outcome).startswith(f"failed: {online.folder / 'gone'} does not exist; there is no earlier copy")


# --- Side by side


def test_two_updates_never_run_at_once(school: School) -> None:
    config = school.file("a.txt", domains(5))
    with open_store(site_with(school.folder, config)).locked(), pytest.raises(StorageError, match="under way"):
        school.update(config)


def test_of_two_updates_one_waits_for_the_other(school: School) -> None:
    config = school.file("a.txt", domains(500))
    updaters = [school.updater(config) for _ in range(4)]
    reports: list[UpdateReport] = []
    threads = [
        threading.Thread(target=lambda updater=updater: reports.append(updater.update(wait_seconds=5)))
        for updater in updaters
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(report.outcomes[0]).__name__ for report in reports) == ["Taken"] + ["Unchanged"] * 3
    assert len(school.index.generations) == 1


@pytest.mark.skipif(not UT1.exists(), reason="the UT1 lists are not beside the repository")
def test_the_real_ut1_tree_becomes_an_index(tmp_path: Path) -> None:
    index = GenerationStore(tmp_path / "state" / "generations", keep=2)
    site = site_with(tmp_path, ListConfig("ut1", str(UT1)), ListConfig("starter", "builtin:starter"))
    report = ListUpdater(site, index=index, now=lambda: EARLY).update()
    assert report.is_good
    assert report.generation == 1
    (ut1, _) = report.outcomes
    assert isinstance(ut1, Taken)
    assert ut1.copy.names > 200_000
    assert {file.use.value for file in ut1.copy.files if file.source.category} == {"used"}
    assert ListUpdater(site, index=index, now=lambda: EARLY).update().generation is None
