"""Which files of a list are read, and which category each stands for."""

import re
from pathlib import Path

import pytest

from agent.categories import load_categories
from agent.lists.list_layout import Kind, SourceFile, Use, arrange, load_ut1, map_category
from agent.sites.site import ListConfig

REFERENCE = Path(__file__).parents[5] / "shared" / "reference" / "dns-field-notes.md"
STATUTORY = {"illegal_csam", "criminal_activity", "extreme_pornography", "hate_speech"}


def roles(*paths: str, links: dict[str, str] | None = None) -> dict[str, tuple[str, ...]]:
    """Give the category and aliases of each file of names."""
    return {
        file.path: (file.category, *file.aliases) for file in arrange(paths, links or {}) if file.kind is Kind.NAMES
    }


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        pytest.param(["gambling/domains", "games/domains"], ["gambling", "games"], id="tree"),
        pytest.param(["blacklists/gambling/domains", "blacklists/README"], ["gambling"], id="tree-in-a-folder"),
        pytest.param(
            ["BL/porn/domains", "BL/recreation/sports/domains"],
            ["porn", "recreation/sports"],
            id="categories-inside-each-other",
        ),
        pytest.param(["adult/domains.0", "adult/domains.1"], ["adult", "adult"], id="domains-in-parts"),
        pytest.param(["a/domains", "other.txt"], ["a"], id="files-beside-a-tree-are-no-lists"),
        pytest.param(["gambling.txt", "games.hosts", "vpn"], ["gambling", "games", "vpn"], id="files-side-by-side"),
        pytest.param(["lists-main/gambling.txt", "lists-main/README.md"], ["gambling"], id="files-in-a-folder"),
        pytest.param(["LICENSE.txt", "README.txt", "gambling.txt"], ["gambling"], id="words-are-no-lists"),
        pytest.param([".git/config.txt", "gambling.txt"], ["gambling"], id="hidden-files-are-no-lists"),
        pytest.param(["picture.png"], [], id="no-list-at-all"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_the_files_with_names_and_their_categories(paths: list[str], expected: list[str]) -> None:
    assert [category for category, *_ in roles(*paths).values()] == expected


def test_a_tree_keeps_its_catalogue_its_licence_and_what_dns_cannot_see() -> None:
    arranged = arrange(["t/ads/domains", "t/ads/urls", "t/ads/usage", "t/global_usage", "t/LICENSE.pdf"], {})
    assert {file.path: file.kind for file in arranged} == {
        "t/ads/domains": Kind.NAMES,
        "t/ads/urls": Kind.NOT_FOR_DNS,
        "t/global_usage": Kind.CATALOGUE,
        "t/LICENSE.pdf": Kind.LICENCE,
    }


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        pytest.param({"t/porn": "t/adult"}, ("adult", "porn"), id="link-to-a-folder"),
        pytest.param({"t/porn/domains": "t/adult/domains"}, ("adult", "porn"), id="link-to-a-file"),
        pytest.param({"t/x": "t/porn", "t/porn": "t/adult"}, ("adult", "porn", "x"), id="link-to-a-link"),
        pytest.param({"t/porn": "t/gone"}, ("adult",), id="dangling-link"),
        pytest.param({"t/porn": "t/other", "t/other": "t/porn"}, ("adult",), id="links-in-a-circle"),
    ],
)
def test_links_are_other_names_of_a_category(links: dict[str, str], expected: tuple[str, ...]) -> None:
    assert roles("t/adult/domains", links=links) == {"t/adult/domains": expected}


def tree_file(category: str, *aliases: str) -> SourceFile:
    return SourceFile(f"{category}/domains", Kind.NAMES, category, aliases)


def flat_file(category: str) -> SourceFile:
    return SourceFile(f"{category}.txt", Kind.NAMES, category)


@pytest.mark.parametrize(
    ("source", "config", "expected"),
    [
        pytest.param(tree_file("adult"), {}, (Use.USED, ("pornography",)), id="ut1-is-known"),
        pytest.param(tree_file("aggressive"), {}, (Use.USED, ("discrimination",)), id="ut1-alias-as-a-folder"),
        pytest.param(tree_file("press"), {}, (Use.LEFT_OUT, ()), id="left-out-by-our-own-mapping"),
        pytest.param(tree_file("weather"), {}, (Use.UNKNOWN, ()), id="unknown-is-not-used"),
        pytest.param(flat_file("self_harm"), {}, (Use.USED, ("self_harm",)), id="our-own-id"),
        pytest.param(flat_file("violence"), {}, (Use.USED, ("violence",)), id="in-files-our-ids-come-first"),
        pytest.param(tree_file("violence"), {}, (Use.USED, ("discrimination",)), id="in-a-tree-ut1-comes-first"),
        pytest.param(flat_file("warez"), {}, (Use.USED, ("piracy",)), id="in-files-ut1-is-known-too"),
        pytest.param(
            flat_file("weather"), {"category": "cults"}, (Use.USED, ("cults",)), id="one-category-for-everything"
        ),
        pytest.param(
            tree_file("adult"), {"categories": {"adult": "nudity"}}, (Use.USED, ("nudity",)), id="the-site-is-right"
        ),
        pytest.param(
            tree_file("adult"), {"categories": {"adult": None}}, (Use.LEFT_OUT, ()), id="the-site-leaves-one-out"
        ),
        pytest.param(
            tree_file("adult", "porn"),
            {"categories": {"porn": "nudity"}},
            (Use.USED, ("nudity",)),
            id="the-site-uses-an-alias",
        ),
        pytest.param(
            tree_file("adult"),
            {"category": "cults", "categories": {"adult": None}},
            (Use.LEFT_OUT, ()),
            id="one-file-before-everything",
        ),
    ],
)
def test_the_category_of_a_file(
    source: SourceFile, config: dict[str, str], expected: tuple[Use, tuple[str, ...]]
) -> None:
    assert map_category(source, ListConfig("some", "/lists", **config)) == expected  # type: ignore[arg-type]  # a table


def test_every_ut1_category_leads_to_one_of_ours_and_none_to_a_statutory_one() -> None:
    used = {category for category in load_ut1().categories.values() if category is not None}
    assert used <= set(load_categories().ids)
    assert not used & STATUTORY


def test_every_ut1_alias_leads_to_a_ut1_category() -> None:
    assert set(load_ut1().aliases.values()) <= set(load_ut1().categories)


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference notes are not beside the repository")
def test_every_ut1_category_of_the_reference_is_mapped() -> None:
    section = REFERENCE.read_text("utf-8").partition("## 5a.")[2].partition("## 5b.")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("|")][2:]
    words = {word for row in rows for word in re.findall(r"[a-z][a-z0-9_-]+", row)} - {"link"}
    words = {word for word in words if not word.endswith("_")}
    assert len(words) >= 67
    assert {word for word in words if word not in load_ut1()} == set()
