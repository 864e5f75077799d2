"""Rows, a site's settings of them, and the rulebook that carries both out."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.engine import decide
from rules.event import Event
from rules.pack import (
    Row,
    RowSetting,
    TableRow,
    Tick,
    build_rulebook,
    find_fault,
    find_mismatch,
    rule_row,
)
from rules.schedule import Schedule, Window
from rules.subject import Audience, Profile
from rules.verdict import Block, ReasonCode
from rules.visibility import Visibility

PUPIL, STAFF, GUEST = Audience.PUPIL, Audience.STAFF, Audience.GUEST
LUNCH = Schedule("lunch", "Europe/London", (Window(frozenset(range(5)), 730, 780),))
EVENING = Schedule("evening", "Europe/London", (Window(frozenset(range(5)), 960, 1080),))
AT_LUNCH = datetime(2026, 11, 19, 12, 30, tzinfo=UTC)
IN_LESSONS = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)
IN_THE_EVENING = datetime(2026, 11, 19, 17, 0, tzinfo=UTC)


def row(tick: Tick, *, categories: frozenset[str] = frozenset({"games_educational"})) -> Row:
    return Row("games", "Games", "s", 313, tick, categories, Visibility.PARTIAL, "", "p.yaml:5:3")


def table_row(tick: Tick, *settings: RowSetting) -> TableRow:
    subject = row(tick)
    return rule_row("p", "Policy", subject, settings)


def is_open(
    subject: TableRow, audience: Audience, *groups: str, at: datetime = IN_LESSONS, tag: str = "games_educational"
) -> bool:
    verdict = decide(Event(at, Profile(audience, frozenset(groups)), frozenset({tag})), build_rulebook([subject]))
    return not isinstance(verdict, Block)


def setting(**parts: object) -> RowSetting:
    return RowSetting("site.yaml:9:3", **parts)  # type: ignore[arg-type] # a test writes only what it is about


def test_what_is_unacceptable_is_blocked_for_everybody() -> None:
    subject = table_row(Tick.UNACCEPTABLE)
    assert not any(is_open(subject, audience) for audience in Audience)


def test_what_is_acceptable_is_open() -> None:
    assert all(is_open(table_row(Tick.ACCEPTABLE), audience) for audience in Audience)


def test_what_is_illegal_is_statutory() -> None:
    rulebook = build_rulebook([table_row(Tick.UNACCEPTABLE_ILLEGAL)])
    assert rulebook.statutory == {"games_educational"}
    verdict = decide(Event(IN_LESSONS, Profile(STAFF), frozenset({"games_educational"})), rulebook)
    assert isinstance(verdict, Block)
    assert verdict.reason.code is ReasonCode.STATUTORY


def test_certain_times_are_those_of_the_schedule_that_the_site_names() -> None:
    subject = table_row(Tick.CERTAIN_TIMES, setting(schedule=LUNCH))
    assert is_open(subject, PUPIL, at=AT_LUNCH)
    assert not is_open(subject, PUPIL, at=IN_LESSONS)


def test_certain_times_without_a_schedule_are_never() -> None:
    assert not is_open(table_row(Tick.CERTAIN_TIMES), PUPIL, at=AT_LUNCH)


def test_nominated_are_the_groups_that_the_site_names() -> None:
    subject = table_row(Tick.NOMINATED_USERS, setting(nominated=frozenset({"office"})))
    assert is_open(subject, STAFF, "office")
    assert not is_open(subject, STAFF)
    assert not is_open(table_row(Tick.NOMINATED_USERS), STAFF, "office")


@pytest.mark.parametrize(
    ("audience", "groups", "expected"),
    [
        pytest.param(PUPIL, (), False, id="the-pack-for-those-whom-nobody-names"),
        pytest.param(STAFF, (), True, id="an-audience-before-the-pack"),
        pytest.param(STAFF, ("new",), False, id="a-group-before-its-audience"),
        pytest.param(PUPIL, ("year-6",), True, id="a-group-before-the-pack"),
        pytest.param(PUPIL, ("year-6", "new"), True, id="in-two-groups-what-either-allows"),
    ],
)
def test_the_most_specific_setting_holds(audience: Audience, groups: tuple[str, ...], *, expected: bool) -> None:
    subject = table_row(
        Tick.UNACCEPTABLE,
        setting(audience=STAFF, tick=Tick.ACCEPTABLE),
        setting(group="new", tick=Tick.UNACCEPTABLE),
        setting(group="year-6", tick=Tick.ACCEPTABLE),
    )
    assert is_open(subject, audience, *groups) is expected


def test_a_setting_takes_what_it_leaves_out_from_the_one_for_everybody() -> None:
    subject = table_row(
        Tick.CERTAIN_TIMES,
        setting(schedule=LUNCH),
        setting(group="club", schedule=EVENING),
        setting(audience=GUEST, tick=Tick.CERTAIN_TIMES),
    )
    assert is_open(subject, PUPIL, "club", at=IN_THE_EVENING)
    assert not is_open(subject, PUPIL, "club", at=AT_LUNCH)
    assert is_open(subject, GUEST, at=AT_LUNCH)


def test_policies_say_where_they_were_written_and_what_they_carry_out() -> None:
    rulebook = build_rulebook([table_row(Tick.CERTAIN_TIMES, RowSetting("site.yaml:9:3", schedule=LUNCH))])
    assert [(policy.id, policy.location, policy.clause) for policy in rulebook.policies] == [
        ("p/games", "site.yaml:9:3", "Policy, line 313"),
        ("p/games:at_certain_times", "site.yaml:9:3", "Policy, line 313"),
    ]
    assert build_rulebook([table_row(Tick.UNACCEPTABLE)]).policies[0].location == "p.yaml:5:3"


@pytest.mark.parametrize(
    ("tick", "written", "sentence"),
    [
        pytest.param(
            Tick.UNACCEPTABLE_ILLEGAL, setting(tick=Tick.ACCEPTABLE), "no site can change that", id="illegal"
        ),
        pytest.param(
            Tick.UNACCEPTABLE_ILLEGAL, setting(schedule=LUNCH), "no site can change that", id="illegal-at-lunch"
        ),
        pytest.param(
            Tick.ACCEPTABLE, setting(tick=Tick.UNACCEPTABLE_ILLEGAL), "for the law and the pack", id="new-law"
        ),
        pytest.param(Tick.ACCEPTABLE, setting(audience=PUPIL, group="g"), "one of them", id="audience-and-group"),
    ],
)
def test_what_a_site_must_not_write(tick: Tick, written: RowSetting, sentence: str) -> None:
    fault = find_fault(row(tick), written)
    assert fault is not None
    assert sentence in fault[1]
    assert find_fault(row(Tick.UNACCEPTABLE), setting(tick=Tick.ACCEPTABLE)) is None


@pytest.mark.parametrize(
    ("written", "found"),
    [
        pytest.param(setting(tick=Tick.ACCEPTABLE, schedule=LUNCH), "a schedule although", id="schedule"),
        pytest.param(setting(nominated=frozenset({"g"})), "nominated groups although", id="nominated"),
        pytest.param(setting(group="g", tick=Tick.NOMINATED_USERS), "nominated_users for a group", id="group"),
    ],
)
def test_parts_that_do_not_go_with_the_tick(written: RowSetting, found: str) -> None:
    ruling = table_row(Tick.CERTAIN_TIMES, written).rulings[-1]
    mismatch = find_mismatch(ruling, written)
    assert mismatch is not None
    assert found in mismatch[0]


# --- The compiled rulebook is the table, whatever a site sets

GROUPS = ("a", "b", "c")
ticks = st.sampled_from([Tick.ACCEPTABLE, Tick.CERTAIN_TIMES, Tick.UNACCEPTABLE])
schedules = st.sampled_from([None, LUNCH, EVENING])
nominations = st.frozensets(st.sampled_from(GROUPS))
everybody = st.builds(setting, tick=st.sampled_from(list(Tick)[:4]), schedule=schedules, nominated=nominations)
for_audiences = st.dictionaries(
    st.sampled_from(list(Audience)),
    st.tuples(st.sampled_from(list(Tick)[:4]), schedules, nominations),
)
for_groups = st.dictionaries(st.sampled_from(GROUPS), st.tuples(ticks, schedules))


def allows(tick: Tick, schedule: Schedule | None, at: datetime) -> bool:
    return tick is Tick.ACCEPTABLE or (tick is Tick.CERTAIN_TIMES and schedule is not None and schedule.covers(at))


@given(
    tick=st.sampled_from(list(Tick)[:4]),
    for_everybody=st.one_of(st.none(), everybody),
    by_audience=for_audiences,
    by_group=for_groups,
    audience=st.sampled_from(list(Audience)),
    groups=st.frozensets(st.sampled_from(GROUPS)),
    at=st.sampled_from([AT_LUNCH, IN_LESSONS, IN_THE_EVENING]),
)
@settings(max_examples=300)
def test_the_rulebook_says_what_the_table_says(
    *,
    tick: Tick,
    for_everybody: RowSetting | None,
    by_audience: dict[Audience, tuple[Tick, Schedule | None, frozenset[str]]],
    by_group: dict[str, tuple[Tick, Schedule | None]],
    audience: Audience,
    groups: frozenset[str],
    at: datetime,
) -> None:
    written = [] if for_everybody is None else [for_everybody]
    written += [
        setting(audience=who, tick=what, schedule=when, nominated=whom)
        for who, (what, when, whom) in by_audience.items()
    ]
    written += [setting(group=who, tick=what, schedule=when) for who, (what, when) in by_group.items()]
    subject = table_row(tick, *written)

    first = subject.rulings[0]
    general = next((ruling for ruling in subject.rulings if ruling.audience is audience), first)
    own = [ruling for ruling in subject.rulings if ruling.group in groups and ruling.group is not None]
    is_nominated = general.tick is Tick.NOMINATED_USERS and bool((general.nominated - by_group.keys()) & groups)
    expected = is_nominated or any(allows(ruling.tick, ruling.schedule, at) for ruling in own or [general])

    assert is_open(subject, audience, *groups, at=at) is expected
