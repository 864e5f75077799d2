"""Overrides come out of the file as they went in."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from granting import MORNING, Granting

from agent.storage.override_rows import (
    Filed,
    Use,
    ids_to_sum_up,
    read_about_names,
    read_override,
    read_overrides,
    read_to_sum_up,
    read_unconfirmed,
    write_override,
)
from rules.name import DomainName
from rules.override import Lift, Override, State
from rules.subject import Audience

EVERYTHING = Override(
    id="o1",
    requester="teacher",
    lift=Lift(
        names=(DomainName("b.example"), DomainName("a.example")),
        categories=frozenset({"games"}),
        lifts_of=(
            (DomainName("b.example"), frozenset({"video", "gambling"})),
            (DomainName("a.example"), frozenset()),
        ),
        audiences=frozenset({Audience.PUPIL}),
        groups=frozenset({"year6", "year5"}),
        from_at=MORNING,
        until_at=MORNING + timedelta(seconds=0.5),
    ),
    reason="“Robert'); DROP TABLE overrides;--” is a joke, 冗談",
    topic="",
    state=State.ENDED,
    is_break_glass=True,
    approvers=("head", "manager"),
    requested_at=MORNING - timedelta(microseconds=1),
    decided_at=MORNING,
    decision_reason="yes",
)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Granting]:
    with Granting.opened(tmp_path) as opened:
        yield opened


def write(school: Granting, *filed: Filed) -> None:
    with school.store.act() as act:
        for each in filed:
            write_override(act.database, each)


@pytest.mark.parametrize(
    "filed",
    [
        pytest.param(Filed(EVERYTHING, 7, Use(3, 2, is_complete=True)), id="everything"),
        pytest.param(Filed(EVERYTHING, 7, Use(0, None, is_complete=True)), id="used-by-nobody-knows-how-many"),
        pytest.param(Filed(EVERYTHING, 7, Use(None, None, is_complete=False)), id="used-nobody-knows-how-often"),
        pytest.param(Filed(replace(EVERYTHING, decided_at=None, approvers=(), is_break_glass=False), 1), id="little"),
    ],
)
def test_what_is_written_is_read(school: Granting, filed: Filed) -> None:
    write(school, filed)
    with school.store.read() as database:
        assert read_override(database, "o1") == filed
        assert read_override(database, "o2") is None


def test_a_row_of_an_earlier_release_lifts_the_same_for_every_name(school: Granting) -> None:
    write(school, Filed(EVERYTHING, 1))
    with school.store.act() as act:
        act.database.execute("UPDATE overrides SET lift = json_remove(lift, '$.lifts_of')")
    with school.store.read() as database:
        filed = read_override(database, "o1")
    assert filed is not None
    assert filed.override.lift.lifts_of == tuple(
        (name, frozenset({"video", "gambling"})) for name in EVERYTHING.lift.names
    )


def test_writing_again_replaces_it(school: Granting) -> None:
    later = Filed(replace(EVERYTHING, state=State.REVOKED), 2)
    write(school, Filed(EVERYTHING, 1), later)
    with school.store.read() as database:
        assert read_overrides(database) == [later]


def test_what_a_list_is_restricted_to(school: Granting) -> None:
    other = replace(
        EVERYTHING, id="o2", requester="head", state=State.WAITING, requested_at=MORNING + timedelta(hours=1)
    )
    first, second = Filed(EVERYTHING, 1), Filed(other, 1)
    write(school, first, second)
    with school.store.read() as database:
        assert read_overrides(database) == [second, first]
        assert read_overrides(database, states=(State.ENDED,)) == [first]
        assert read_overrides(database, states=()) == []
        assert read_overrides(database, requester="head") == [second]
        assert read_overrides(database, until_after=EVERYTHING.lift.until_at) == []
        assert read_overrides(database, limit=1, offset=1) == [first]


@pytest.mark.parametrize(
    ("change", "is_found"),
    [
        pytest.param({}, True, id="an-emergency-alone"),
        pytest.param({"approvers": ("head",)}, False, id="countersigned"),
        pytest.param({"is_break_glass": False}, False, id="no-emergency"),
        pytest.param({"state": State.UNCONFIRMED}, False, id="found-already"),
        pytest.param({"requested_at": MORNING}, False, id="there-is-time-yet"),
    ],
)
def test_emergencies_that_nobody_countersigned(school: Granting, change: dict[str, object], is_found: bool) -> None:
    alone = replace(EVERYTHING, approvers=())
    write(school, Filed(replace(alone, **change), 1))  # type: ignore[arg-type]  # the table above fits
    with school.store.read() as database:
        assert bool(read_unconfirmed(database, before=alone.requested_at)) is is_found


@pytest.mark.parametrize(
    ("filed", "is_one"),
    [
        *(
            pytest.param(Filed(replace(EVERYTHING, state=state), 1), is_one, id=state)
            for state, is_one in {
                State.WAITING: False,
                State.HALF_APPROVED: False,
                State.APPROVED: False,
                State.REFUSED: False,
                State.WITHDRAWN: False,
                State.REVOKED: True,
                State.ENDED: True,
                State.UNCONFIRMED: True,
            }.items()
        ),
        pytest.param(Filed(replace(EVERYTHING, decided_at=None), 1), False, id="ended-before-anybody-decided"),
        pytest.param(Filed(EVERYTHING, 1, Use(0, 0, is_complete=True)), False, id="summed-up"),
    ],
)
def test_what_is_to_be_summed_up(school: Granting, filed: Filed, is_one: bool) -> None:
    write(school, filed)
    with school.store.read() as database:
        assert read_to_sum_up(database) == ([filed] if is_one else [])


def test_what_may_still_be_summed_up_is_kept(school: Granting) -> None:
    summed_up = Filed(replace(EVERYTHING, id="o2"), 1, Use(0, 0, is_complete=True))
    write(school, Filed(EVERYTHING, 1), summed_up, Filed(replace(EVERYTHING, id="o3", state=State.APPROVED), 1))
    asked, until_at = ["o1", "o2", "o4", "'); DROP TABLE overrides;--"], EVERYTHING.lift.until_at
    with school.store.read() as database:
        assert ids_to_sum_up(database, asked, until_after=MORNING) == {"o1"}
        assert ids_to_sum_up(database, ["o3"], until_after=MORNING) == {"o3"}
        assert ids_to_sum_up(database, asked, until_after=until_at) == set()
        assert ids_to_sum_up(database, [], until_after=MORNING) == set()


def test_earlier_requests_for_the_same_names_the_newest_first(school: Granting) -> None:
    later = [
        replace(EVERYTHING, id=f"o{number}", requested_at=MORNING + timedelta(minutes=number)) for number in (2, 3, 4)
    ]
    name = DomainName("c.example")
    lift = replace(EVERYTHING.lift, names=(name,), lifts_of=((name, frozenset()),))
    other = replace(EVERYTHING, id="o9", lift=lift)
    write(school, *(Filed(each, 1) for each in (EVERYTHING, *later, other)))
    with school.store.read() as database:
        found = read_about_names(database, ["a.example", "x.example"], but="o3", limit=2)
        assert [each.override.id for each in found] == ["o4", "o2"]
        assert [each.override.id for each in read_about_names(database, ["c.example"], but="", limit=9)] == ["o9"]
        assert read_about_names(database, [], but="", limit=9) == []
        assert read_about_names(database, ["a.example\0'"] * 500, but="", limit=9) == []
