"""The starter lists: names in normal form, each where it belongs, none that a guard would open."""

import pytest

from agent.categories import load_categories
from agent.dns.canaries import canary_name
from agent.lists.starter import starter_files
from rules.category import Kind
from rules.name import DomainName, ancestors, is_at_or_below, parse_name

LISTS = {
    category: [line for line in file.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    for category, file in starter_files()
}
# What is illegal is for a licensed list to say, and what leads to self-harm is not printed.
ONLY_A_CANARY = {"illegal_csam", "criminal_activity", "extreme_pornography", "hate_speech", "self_harm"}
CATALOGUE = load_categories()
GUARDED = {DomainName(name): category for category in CATALOGUE.guards & LISTS.keys() for name in LISTS[category]}


def test_every_category_but_the_schools_own_has_a_list() -> None:
    assert set(LISTS) == set(CATALOGUE.ids) - {"school_essentials"}


@pytest.mark.parametrize("category", LISTS)
def test_names_are_in_normal_form_and_stand_once(category: str) -> None:
    names = LISTS[category]
    assert [parse_name(name) for name in names] == names
    assert all("." in name for name in names)
    listed = set(names)
    assert len(listed) == len(names)
    covered = [name for name in names if listed & set(list(ancestors(DomainName(name)))[1:])]
    assert not covered, "already covered by a name above"


@pytest.mark.parametrize("category", [category.id for category in CATALOGUE if category.kind is Kind.ORDINARY])
def test_every_category_that_can_be_blocked_can_be_tried_without_a_visit(category: str) -> None:
    assert LISTS[category][-1] == canary_name(category)
    assert canary_name("social_networks") == "social-networks.canary.schoolgate.test"


def test_guards_have_no_canary() -> None:
    assert not any(name.endswith(".test") for category in CATALOGUE.guards & LISTS.keys() for name in LISTS[category])


@pytest.mark.parametrize("category", LISTS)
def test_a_list_holds_names_unless_they_are_for_others_to_keep(category: str) -> None:
    if category in ONLY_A_CANARY:
        assert LISTS[category] == [canary_name(category)]
    else:
        assert len(LISTS[category]) > 1


def test_no_listed_name_is_opened_by_a_guard() -> None:
    opened = [
        (category, name, guard)
        for category in LISTS.keys() - CATALOGUE.guards
        for name in LISTS[category]
        for guard in GUARDED
        if is_at_or_below(DomainName(name), guard)
    ]
    assert not opened


@pytest.mark.parametrize(
    "name",
    [
        "childline.org.uk",
        "samaritans.org",
        "iwf.org.uk",
        "3018.fr",
        "teljeunes.com",
        "jeunessejecoute.ca",
        "kindertelefoon.nl",
        "113.nl",
        "awel.be",
        "childline.or.jp",
    ],
)
def test_help_in_all_four_countries_is_guarded(name: str) -> None:
    assert GUARDED[DomainName(name)] == "helplines"


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("use-application-dns.net", "encrypted_dns"),
        ("cloudflare-dns.com", "encrypted_dns"),
        ("mask.icloud.com", "proxy"),
        ("mask-h2.icloud.com", "proxy"),
        ("torproject.org", "tor"),
        ("nordvpn.com", "vpn"),
    ],
)
def test_ways_round_the_filter_are_listed(name: str, category: str) -> None:
    assert name in LISTS[category]
