"""What a request would change, before anything is stored."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from granting import LESSON, Granting

from agent.filter_context import FilterContext
from agent.override_drafts import Preview, draft, lifts_of, sentences_of, stays_blocked
from rules.name import DomainName


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Granting]:
    with Granting.opened(tmp_path) as opened:
        yield opened


def drafted(school: Granting, context: FilterContext | None = None, **parts: Any) -> Preview:
    return draft(
        school.written(**parts),
        context or school.context(),
        now=school.clock(),
        group_of_class=lambda class_id: "year5" if class_id == "class-5b" else None,
    )


def test_a_name_lifts_the_categories_that_it_has(school: Granting) -> None:
    school.tags["bet.example"] = {"gambling", "video", "helplines", "name:bet.example", "malware"}
    bet, film = DomainName("bet.example"), DomainName("film.example")
    assert lifts_of((bet, film), school.context()) == (
        (bet, frozenset({"gambling", "video"})),
        (film, frozenset({"video"})),
    )


def test_it_begins_at_once_unless_said_otherwise(school: Granting) -> None:
    lift = drafted(school).lift
    assert (lift.from_at, lift.until_at) == (school.clock(), school.clock() + LESSON)


def test_a_class_stands_for_its_group(school: Granting) -> None:
    seen = drafted(school, groups=("class-5b", "year6"))
    assert seen.lift.groups == {"year5", "year6"}
    assert seen.faults == ()


def test_what_the_page_needs_beside_is_shown_where_it_is_blocked(school: Granting) -> None:
    assert drafted(school, names=("film.example",)).also_needed == ("pictures.example",)
    school.tags["pictures.example"] = set()
    assert drafted(school, names=("film.example",)).also_needed == ()
    school.tags["pictures.example"] = {"video", "malware"}
    assert drafted(school, names=("film.example",)).also_needed == (), "an override could not open it"


@pytest.mark.parametrize(
    ("parts", "needs_two"),
    [({}, False), ({"names": ("nude.example",)}, True), ({"names": (), "categories": ("nudity",)}, True)],
    ids=["ordinary", "a-sensitive-name", "a-sensitive-category"],
)
def test_whether_two_must_decide(school: Granting, parts: dict[str, Any], needs_two: bool) -> None:
    assert drafted(school, **parts).needs_two is needs_two


def test_a_category_is_lifted_as_a_whole(school: Granting) -> None:
    seen = drafted(school, names=(), categories=("gambling",))
    assert seen.lifts == {"gambling"}
    assert not seen.lift.lifts
    assert not seen.faults


def test_a_name_that_nobody_blocks_is_pointed_out(school: Granting) -> None:
    (note,) = drafted(school, names=("quiet.example",)).notes
    assert note.startswith("No rule blocks quiet.example")
    walled = replace(school.context(), has_chosen_only=True)
    assert drafted(school, walled, names=("quiet.example",)).notes == ()


def test_why_something_stays_blocked(school: Granting) -> None:
    lift = drafted(school, names=("crime.example", "virus.example"), categories=("malware",)).lift
    assert sentences_of(stays_blocked(lift, school.context())) == [
        (
            "crime.example stays blocked: it is listed as criminal_activity, which is illegal and blocked for"
            " everybody, always."
        ),
        "virus.example stays blocked: it is listed as malware, which is never lifted by an override.",
        "malware stays blocked: the category is never lifted by an override.",
    ]


def test_all_faults_are_told_at_once(school: Granting) -> None:
    seen = drafted(school, reason="", topic="x" * 201, audiences=("parents",), names=("?",))
    assert len(seen.faults) == 4


def test_too_many_groups_and_categories_are_counted(school: Granting) -> None:
    seen = drafted(school, groups=("g",) * 1_000, categories=("c",) * 1_000)
    assert seen.faults[:2] == (
        "1,000 categories were given; expected at most 100.",
        "1,000 groups were given; expected at most 100.",
    )
