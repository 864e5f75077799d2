"""People and classes in a site file: what they become, and every mistake with its place."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.assembly import build_snapshot
from agent.people.site_people import without_people
from agent.sites.config import LoadedSite, parse_site
from agent.sites.site import NamedClass, NamedPerson
from rules.document import parse_document
from rules.errors import ConfigurationError

BASE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {pupils: {audience: pupil, cidrs: 10.1.0.0/16, groups: year-6}}
groups: {year-6: , year-5: }
"""
PEOPLE = """\
classes:
  6b: {title: Year 6 Beech, group: year-6}
  5a: {group: year-5}
people:
  t-04: {name: Ada Example, roles: [teacher, Class Teacher], classes: [6b, 5a]}
  m-01: {name: Ben Sample, roles: network manager}
  c-01: {name: Cy Instance, roles: ICT Co-ordinator}
"""


def load(text: str) -> LoadedSite:
    return parse_site(BASE + text, path=Path("/nowhere/site.yaml"))


def test_people_and_classes() -> None:
    private = load(PEOPLE).site.private
    assert private.people == {
        "t-04": NamedPerson("Ada Example", frozenset({"teacher", "class_teacher"}), frozenset({"6b", "5a"})),
        "m-01": NamedPerson("Ben Sample", frozenset({"network_manager"})),
        "c-01": NamedPerson("Cy Instance", frozenset({"ict_coordinator"})),
    }
    assert private.classes == {"6b": NamedClass("Year 6 Beech", "year-6"), "5a": NamedClass("5a", "year-5")}


def test_a_site_may_name_nobody_or_say_nothing_of_people() -> None:
    assert load("").site.private.people is None
    assert load("people:\nclasses:\n").site.private.people is None
    emptied = load("people: {}\nclasses: {}\n").site.private
    assert (emptied.people, emptied.classes) == ({}, {})


def test_workers_are_told_of_nobody() -> None:
    snapshot = build_snapshot(load(PEOPLE).site, None, number=1)
    assert b"Ada Example" not in msgspec.json.encode(snapshot)


def test_a_name_is_not_shown_with_the_value_that_holds_it() -> None:
    assert "Ada Example" not in repr(load(PEOPLE).site)


@pytest.mark.parametrize(
    ("people", "found"),
    [
        pytest.param("m-01: {name: Ben, roles: network_manager}", "only one person", id="one"),
        pytest.param("t-04: {name: Ada, roles: teacher}", "nobody", id="none"),
    ],
)
def test_too_few_who_decide_are_pointed_out(people: str, found: str) -> None:
    (notice,) = [each for each in load(f"people:\n  {people}\n").warnings if "decide" in each.text]
    assert str(notice) == (
        f"site.yaml:5:1: {found} here may decide about overrides; a school needs 2, here or from another source,"
        " because whoever asks never decides"
    )


def test_two_who_decide_are_enough() -> None:
    assert not [each for each in load(PEOPLE).warnings if "decide" in each.text]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            "people: {a: {name: Ada, roles: techer}}",
            "5:32: people.a.roles[0]: found 'techer'; expected teacher",
            id="a-misspelt-role",
        ),
        pytest.param(
            "people: {a: {name: Ada, roles: []}}",
            "5:32: people.a.roles: found an empty list; expected at least one entry",
            id="no-role",
        ),
        pytest.param(
            "people: {a: {name: Ada, roles: [pupil, auditor]}}",
            "5:32: people.a.roles: found a pupil with other roles; expected a pupil to be nothing else",
            id="a-pupil-who-is-more",
        ),
        pytest.param(
            "people: {a: {name: Ada}}", "5:10: people.a: found no roles; expected the key roles", id="no-key-of-roles"
        ),
        pytest.param(
            "people: {a: {roles: staff}}", "5:10: people.a: found no name; expected the key name", id="no-name"
        ),
        pytest.param(
            f"people: {{a: {{name: {'x' * 201}, roles: staff}}}}",
            "5:20: people.a.name: found 201 characters; expected at most 200",
            id="a-long-name",
        ),
        pytest.param(
            'people: {a: {name: "Ada\u202eadA", roles: staff}}',
            "5:20: people.a.name: found a control character; expected readable text",
            id="a-name-that-runs-backwards",
        ),
        pytest.param(
            "people:\n  a: {name: Ada, roles: staff}\n  a: {name: Ben, roles: staff}\n",
            "7:3: people.a: found the key a a second time (first in line 6); expected each key once",
            id="two-people-with-one-id",
        ),
        pytest.param(
            "people: {Ada Example: {name: Ada, roles: staff}}",
            "5:10: people.Ada Example: found 'Ada Example'; expected a short name of small letters, digits, - and _",
            id="an-id-that-is-none",
        ),
        pytest.param(
            "classes: {6b: {group: year-6}}\npeople: {a: {name: Ada, roles: staff, classes: [6c]}}",
            "6:49: people.a.classes[0]: found the class '6c'; expected 6b",
            id="a-class-that-is-not-there",
        ),
        pytest.param(
            "people: {a: {name: Ada, roles: staff, classes: [6c]}}",
            "5:49: people.a.classes[0]: found the class '6c'; expected no class: the site has none",
            id="a-class-where-there-are-none",
        ),
        pytest.param(
            "classes: {6b: {title: Beech}}", "5:11: classes.6b: found no group; expected the key group", id="no-group"
        ),
        pytest.param(
            "classes: {6b: {group: year-7}}",
            "5:23: classes.6b.group: found the group 'year-7'; expected year-6",
            id="a-group-that-the-site-does-not-have",
        ),
    ],
)
def test_a_mistake_has_its_place_and_what_was_expected(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        load(text)
    assert str(refusal.value) == f"site.yaml:{problem}"


PERSONAL = {"people", "notifications", "incidents"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(BASE + PEOPLE, id="at-the-end"),
        pytest.param(f"{BASE}{PEOPLE}workers: 2\n", id="in-the-middle"),
        pytest.param("# Schüler 🎒\n" + PEOPLE + BASE, id="after-letters-of-many-octets"),
        pytest.param("\ufeff" + PEOPLE + BASE, id="after-a-byte-order-mark"),
        pytest.param((BASE + PEOPLE).replace("\n", "\r\n"), id="with-the-line-ends-of-windows"),
        pytest.param("{workers: 2, people: {a: {name: Ada Example,\n roles: staff}}, packs: []}", id="in-braces"),
        pytest.param("notifications:\n  mail:\n    sender: Ada Example\nworkers: 2\n", id="written-to"),
        pytest.param("incidents:\n  contacts:\n    a: {title: Ada Example, lines: x}\nworkers: 2\n", id="called"),
        pytest.param("packs: []\n", id="nobody"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_text_forgets_whom_it_names_and_nothing_else(text: str) -> None:
    kept = without_people(text)
    assert "Ada Example" not in kept
    before, after = (parse_document(each, file="site.yaml") for each in (text, kept))
    emptied: dict[str, Any] = {part: {} for part in before.value or () if part in PERSONAL}
    assert (after.value or {}) == (before.value or {}) | emptied
    others = set(before.value or ()) - PERSONAL
    assert all(before.position((part,)) == after.position((part,)) for part in others if "{" not in text[:1])
    assert without_people(kept) == kept
