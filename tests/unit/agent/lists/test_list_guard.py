"""Which copies of a list go live."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lists_of_test import domains

from agent.lists.list_faults import Fault
from agent.lists.list_guard import Examined, Finding, GuardHit, Guards, Survey, check, survey
from agent.lists.list_layout import Kind, SourceFile, Use
from agent.sites.site import ListConfig
from filters.list_entries import BadLine
from rules.name import DomainName

GUARDS = Guards(
    essential=frozenset({DomainName("windows.example")}), others=frozenset({DomainName("chat.helpline.example")})
)
HELPLINE = DomainName("chat.helpline.example")
FLAT = SourceFile("gambling.txt", Kind.NAMES, "gambling")
TREE = SourceFile("gambling/domains", Kind.NAMES, "gambling")
CONFIG = ListConfig("some", "/lists", location="site.yaml:9:3")


def survey_text(text: bytes, folder: Path, *, source: SourceFile = FLAT, format_: str = "auto") -> Survey:
    (folder / "list").write_bytes(text)
    return survey(folder / "list", source, format_=format_, guards=GUARDS)


# --- What a file holds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(b"a.example\nb.example\n", Survey("domains", 2, 2, {}), id="names"),
        pytest.param(b"# a list\n\na.example\n", Survey("domains", 1, 1, {}), id="comments-are-no-rows"),
        pytest.param(b"0.0.0.0 a.example b.example\n", Survey("hosts", 2, 1, {}), id="two-names-on-a-row"),
        pytest.param(b"||a.example^\n@@||b.example^\n", Survey("adblock", 2, 2, {}), id="rules-are-names-too"),
        pytest.param(b"", Survey(None, fault=Fault.EMPTY, why="gambling.txt is empty"), id="empty"),
        pytest.param(b" \n\n", Survey(None, fault=Fault.EMPTY, why="gambling.txt is empty"), id="blank"),
        pytest.param(
            b"# soon\n", Survey(None, fault=Fault.EMPTY, why="gambling.txt has comments only"), id="comments"
        ),
    ],
)
def test_a_survey_counts(text: bytes, expected: Survey, tmp_path: Path) -> None:
    assert survey_text(text, tmp_path) == expected


@pytest.mark.parametrize(
    ("text", "fault", "words"),
    [
        pytest.param(b"<!DOCTYPE html>\n<html>", Fault.HTML, "gambling.txt is a web page", id="web-page"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(200), Fault.BINARY, "binary data", id="picture"),
        pytest.param(b"PK\x03\x04" + bytes(99), Fault.BINARY, "a ZIP archive", id="zip"),
        pytest.param(b"Dear reader,\nthis is a letter.\n", Fault.UNKNOWN_FORMAT, "state it with format:", id="prose"),
    ],
)
def test_a_survey_knows_what_is_no_list(text: bytes, fault: Fault, words: str, tmp_path: Path) -> None:
    found = survey_text(text, tmp_path)
    assert found.fault is fault
    assert words in found.why
    assert found.format is None


def test_bad_lines_are_kept_with_their_place(tmp_path: Path) -> None:
    found = survey_text(b"a.example\n-bad-..example\n192.0.2.1\n", tmp_path, format_="domains")
    assert [(bad.file, bad.line) for bad in found.bad] == [("gambling.txt", 2), ("gambling.txt", 3)]
    assert found.rows == 3
    assert found.faulty == 1


def test_only_so_many_bad_lines_are_kept(tmp_path: Path) -> None:
    found = survey_text(b"a.example\n" + b"..\n" * 5000, tmp_path, format_="domains")
    assert len(found.bad) == 20
    assert found.faulty == 5000


def test_the_domains_of_a_tree_need_no_guess_about_their_format(tmp_path: Path) -> None:
    assert survey_text(b"192.0.2.1\n", tmp_path, source=TREE).format == "squidguard-domains"


def test_what_dns_cannot_see_is_only_counted(tmp_path: Path) -> None:
    source = SourceFile("gambling/urls", Kind.NOT_FOR_DNS, "gambling")
    found = survey_text(b"a.example/page\n", tmp_path, source=source, format_="hosts")
    assert (found.names, found.counts, found.faulty) == (0, {"not_for_dns": 1}, 0)


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        pytest.param("a.example\nwindows.example\n", ["windows.example at 2"], id="the-name-itself"),
        pytest.param("a.example\nhelpline.example\n", ["chat.helpline.example at 2"], id="a-name-above"),
        pytest.param("a.example\nupdate.windows.example\n", [], id="a-name-below"),
        pytest.param("192.0.2.1 a.example windows.example\n", ["windows.example at 1"], id="exact"),
        pytest.param("192.0.2.1 a.example helpline.example\n", [], id="exact-name-above"),
        pytest.param("||a.example^\n||windows.example^$important\n", ["windows.example at 2"], id="rule"),
        pytest.param("||a.example^\n||win*ws.example^\n", ["windows.example at 2"], id="pattern"),
        pytest.param("||a.example^\n@@||windows.example^\n", [], id="exception"),
        pytest.param("||example^$denyallow=windows.example|helpline.example\n||a.example^\n", [], id="denyallow"),
    ],
)
def test_guard_names_are_found_with_their_place(text: str, hits: list[str], tmp_path: Path) -> None:
    found = survey_text(text.encode(), tmp_path)
    assert [f"{hit.guard} at {hit.place.partition(':')[2]}" for hit in found.hits] == hits


# --- What goes live


def examined(names: int, *, category: str = "gambling", use: Use = Use.USED, **parts: Any) -> Examined:
    found = Survey("domains", names, names + sum(parts.get("counts", {}).values()), parts.pop("counts", {}))
    return Examined(SourceFile(f"{category}/domains", Kind.NAMES, category), use, replace(found, **parts))


def faults(*files: Examined, config: ListConfig = CONFIG, **parts: Any) -> list[Fault]:
    return [finding.fault for finding in check(config, files, guards=GUARDS, **parts)]


def hit(name: str) -> tuple[GuardHit, ...]:
    return (GuardHit(DomainName(name), "gambling/domains:7"),)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param([examined(9)], [], id="a-plausible-list"),
        pytest.param([examined(1)], [], id="one-name-is-a-list"),
        pytest.param([], [Fault.NO_CATEGORY], id="no-file-at-all"),
        pytest.param([examined(9, use=Use.UNKNOWN)], [Fault.NO_CATEGORY], id="no-category-known"),
        pytest.param([examined(9, use=Use.LEFT_OUT)], [Fault.NO_CATEGORY], id="every-category-left-out"),
        pytest.param([examined(0)], [Fault.EMPTY], id="no-rows"),
        pytest.param([examined(0, fault=Fault.HTML), examined(9)], [Fault.HTML], id="one-web-page-refuses-the-tree"),
        pytest.param([examined(0, fault=Fault.EMPTY), examined(9)], [], id="one-empty-category-does-not"),
        pytest.param(
            [examined(0, fault=Fault.HTML, use=Use.UNKNOWN), examined(9)], [], id="what-is-not-used-may-be-bad"
        ),
        pytest.param([examined(0, counts={"raw_address": 9})], [Fault.TOO_FEW_NAMES], id="addresses-only"),
        pytest.param([examined(80, counts={"bad_name": 20})], [], id="as-many-bad-lines-as-allowed"),
        pytest.param([examined(79, counts={"bad_name": 21})], [Fault.BAD_LINES], id="too-many-bad-lines"),
        pytest.param([examined(10, counts={"raw_address": 90})], [], id="addresses-are-not-bad"),
        pytest.param([examined(10, counts={"unsupported_rule": 90})], [], id="rules-for-browsers-are-not-bad"),
        pytest.param([examined(9, hits=hit("windows.example"))], [Fault.GUARD_NAME], id="essential-name"),
        pytest.param([examined(9, hits=hit(HELPLINE))], [], id="helpline-on-a-first-load"),
    ],
)
def test_a_first_load(files: list[Examined], expected: list[Fault]) -> None:
    assert faults(*files) == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param(1000, 1000, [], id="the-same"),
        pytest.param(1000, 500, [], id="half-of-it-gone-is-allowed"),
        pytest.param(1000, 499, [Fault.SHRANK], id="more-than-half-of-it-gone"),
        pytest.param(1000, 1500, [], id="grown-by-half-is-allowed"),
        pytest.param(1000, 1501, [Fault.GREW], id="grown-by-more-than-half"),
        pytest.param(40, 1, [], id="small-lists-may-change-as-they-like"),
        pytest.param(5, 54, [], id="small-lists-may-grow"),
        pytest.param(5, 55, [Fault.GREW], id="small-lists-that-explode"),
    ],
)
def test_a_list_that_changes(before: int, now: int, expected: list[Fault]) -> None:
    assert faults(examined(now), before={"gambling": before}) == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param({"adult": 9000, "games": 900}, {"adult": 9000}, [Fault.SHRANK], id="a-category-gone"),
        pytest.param({"adult": 9000, "games": 30}, {"adult": 9000}, [], id="a-small-category-gone"),
        pytest.param({"adult": 9000, "ai": 100}, {"adult": 9000, "ai": 900}, [], id="one-category-may-grow"),
        pytest.param({"adult": 9000}, {"adult": 9000, "ai": 900}, [], id="a-new-category"),
    ],
)
def test_a_tree_that_changes(before: dict[str, int], now: dict[str, int], expected: list[Fault]) -> None:
    files = [examined(names, category=category) for category, names in now.items()]
    assert faults(*files, before=before) == expected


def test_an_update_that_brings_a_helpline_is_refused_unless_it_had_it_before() -> None:
    file = examined(9, hits=hit(HELPLINE))
    assert faults(file, before={"gambling": 9}) == [Fault.GUARD_NAME]
    assert faults(file, before={"gambling": 9}, known_hits=frozenset({HELPLINE})) == []


def test_the_limits_are_those_of_the_list() -> None:
    config = replace(CONFIG, max_bad_share=0.5, max_change_share=2.0)
    assert faults(examined(60, counts={"bad_name": 40}), config=config) == []
    assert faults(examined(2900), config=config, before={"gambling": 1000}) == []


def test_what_nobody_can_force_comes_first() -> None:
    findings = check(CONFIG, [examined(0, fault=Fault.BINARY, why="x")], guards=GUARDS)
    assert [finding.can_be_forced for finding in findings] == [False]
    assert Finding(Fault.SHRANK, "").can_be_forced


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        pytest.param(
            [examined(9, category="x", use=Use.UNKNOWN)],
            "none of its categories is known here (x); say what they are about under site.yaml:9:3, with category: or"
            " categories:",
            id="no-category",
        ),
        pytest.param(
            [examined(9, counts={"bad_name": 9}, bad=(BadLine("gambling.txt", 4, "??", "no name"),))],
            "9 of its 18 lines are bad, more than the 20% that max_bad_share allows;"
            " the first: gambling.txt:4: no name: ??",
            id="bad-lines",
        ),
        pytest.param(
            [examined(9, hits=hit("windows.example"))],
            "gambling/domains:7 would block windows.example, which must never be blocked",
            id="guard-name",
        ),
    ],
)
def test_the_sentence(files: list[Examined], sentence: str) -> None:
    assert [finding.sentence for finding in check(CONFIG, files, guards=GUARDS)] == [sentence]


def test_the_sentence_about_a_change_names_both_counts() -> None:
    (finding,) = check(CONFIG, [examined(1200)], guards=GUARDS, before={"gambling": 32_247})
    assert finding.sentence == "it has 1,200 names, the last good copy 32,247; max_change_share allows 50%"


def test_a_long_list_is_surveyed_in_blocks(tmp_path: Path) -> None:
    assert survey_text(domains(100_000), tmp_path).names == 100_000
