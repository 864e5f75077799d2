"""What a request would change, before anything is stored."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from granting import LESSON, Granting

from agent.people.people import SchoolClass
from agent.requests.filter_context import FilterContext
from agent.requests.override_drafts import Preview, draft, lifts_of, sentences_of, stays_blocked
from rules.name import DomainName


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Granting]:
    with Granting.opened(tmp_path) as opened:
        yield opened


def drafted(
    school: Granting, context: FilterContext | None = None, *, needs_reason: bool = True, **parts: Any
) -> Preview:
    return draft(
        school.written(**parts),
        context or school.context(),
        now=school.clock(),
        classes=lambda: [SchoolClass("class-5b", "5B", "year5")],
        needs_reason=needs_reason,
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
    for name in ("class-5b", "5B"):
        seen = drafted(school, groups=(name, "year6"))
        assert seen.lift.groups == {"year5", "year6"}
        assert seen.faults == ()


def test_a_class_that_is_not_there_is_one_fault(school: Granting) -> None:
    assert drafted(school, groups=("5C",)).faults == ("5C is no group of this school, and no class has that title.",)


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


def test_a_preview_needs_no_reason_but_a_bad_one_is_told(school: Granting) -> None:
    assert drafted(school, needs_reason=False, reason=" ").faults == ()
    assert len(drafted(school, needs_reason=False, reason="because").faults) == 1
    assert len(drafted(school, reason=" ").faults) == 1


def ruled(school: Granting, **rules: str) -> FilterContext:
    """Give a filter in which names are blocked by rules of the school."""
    own = {f"name:{name.replace('_', '.')}": rule for name, rule in rules.items()}
    for tag in own:
        school.tags.setdefault(tag.removeprefix("name:"), set()).add(tag)
    return replace(school.context(), own_rules=own, blocked=school.context().blocked | own.keys())


def test_what_only_a_rule_of_the_school_blocks_is_opened_by_its_name(school: Granting) -> None:
    context = ruled(school, own_example="ours", other_example="ours", bet_example="theirs")
    seen = drafted(school, context, names=("own.example", "www.other.example", "bet.example"))
    assert seen.lifts == {"gambling"}
    assert seen.opens == (("ours", ("own.example", "www.other.example")), ("theirs", ("bet.example",)))
    assert (seen.notes, seen.faults) == ((), ())


def test_what_stays_blocked_is_not_said_to_be_open(school: Granting) -> None:
    context = ruled(school, virus_example="ours")
    assert drafted(school, context, names=("virus.example",)).opens == ()


def test_a_name_below_that_a_rule_names_stays_blocked(school: Granting) -> None:
    context = ruled(school, own_example="ours", www_own_example="theirs", elsewhere_example="theirs")
    seen = drafted(school, context, names=("own.example",))
    assert seen.notes == ("www.own.example stays blocked: the school's own rule theirs names it.",)
    assert drafted(school, context, names=("own.example", "www.own.example")).notes == ()


def test_all_faults_are_told_at_once(school: Granting) -> None:
    seen = drafted(school, reason="", topic="x" * 201, audiences=("parents",), names=("?",))
    assert len(seen.faults) == 4


def test_too_many_groups_and_categories_are_counted(school: Granting) -> None:
    seen = drafted(school, groups=("g",) * 1_000, categories=("c",) * 1_000)
    assert seen.faults[:2] == (
        "1,000 categories were given; expected at most 100.",
        "1,000 groups were given; expected at most 100.",
    )
