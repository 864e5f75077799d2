"""What is blocked for whom and when."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from agent.block_page.blocked_table import BlockedTable, Held, blocked_table, without_grants
from agent.categories import load_categories
from agent.sites.config import parse_site
from agent.sites.site import Site
from agent.texts import load_texts
from rules.policy import Effect, Policy
from rules.restriction import policy_of
from rules.subject import Audience, Scope

CLOSED, OPEN = Held(is_closed=True), Held(is_closed=False)
AT = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
SITE = """\
school: {name: School of Test, timezone: Europe/London}
packs: [uk-esafety]
networks:
  classrooms: {audience: pupil, cidrs: [192.0.2.0/24]}
  staff-room: {audience: staff, cidrs: [198.51.100.0/24]}
groups: {office: {devices: [198.51.100.7]}, reception: {devices: [192.0.2.44]}, choir: {devices: [192.0.2.45]}}
calendar: {terms: {spring: {from: 2026-01-05, to: 2026-03-25}}}
schedules:
  lunch: {windows: [{days: "mon-wed, fri", from: "12:10", to: "13:00"}, {days: mon-sun, from: "7:05", to: "8:00"}]}
  lessons: {only_in_term: true, windows: [{days: mon-fri, from: 8:50, to: 12:10}]}
  unused: {windows: [{days: sat, from: 8:50, to: 12:10}]}
rows:
  gaming_educational: [{schedule: lunch}, {audience: staff, tick: acceptable}]
  shopping_commerce: {nominated: [office]}
policies:
  mail: {block: [webmail], audiences: [pupil], schedule: lessons}
  blogs: {block: [blogs], groups: [choir]}
  own: {block: {names: [one.example, two.example]}}
  later: {block: [forums], from: 2026-06-01}
  youngest: {allow_only: [for_children], groups: [reception]}
"""


def site_of(text: str = SITE) -> Site:
    return parse_site(text, path=Path("site.yaml")).site


def table_of(site: Site, language: str = "en") -> BlockedTable:
    return blocked_table(site, load_categories(), load_texts(language), at=AT)


def held(table: BlockedTable, name: str) -> tuple[Held, ...]:
    (row,) = [row for row in table.rows if row.name == name]
    return row.held


def test_each_category_that_is_closed_for_somebody_has_a_row_with_a_reason() -> None:
    table = table_of(site_of())
    assert table.audiences == (Audience.PUPIL, Audience.STAFF)
    assert held(table, "Gambling") == (CLOSED, CLOSED)
    assert all(row.why for row in table.rows)
    assert "Forums" not in [row.name for row in table.rows]


def test_the_timetable_opens_and_closes() -> None:
    table = table_of(site_of())
    assert held(table, "Learning games") == (Held(is_closed=True, opens_during=("lunch",)), OPEN)
    assert held(table, "Personal e-mail") == (
        Held(is_closed=False, closes_during=("lessons",)),
        OPEN,
    )
    assert table.times == {
        "lunch": "Monday to Wednesday and Friday 12:10 to 13:00; every day 7:05 to 8:00",
        "lessons": "Monday to Friday 8:50 to 12:10, in term only",
    }


def test_groups_that_have_it_otherwise_are_named() -> None:
    table = table_of(site_of())
    assert held(table, "Shopping")[1].others == ("office",)
    assert held(table, "Blogs")[0] == Held(is_closed=False, others=("choir",))


def test_what_is_illegal_has_no_row_and_no_name_of_a_list_or_rule_is_on_the_page() -> None:
    table = table_of(site_of())
    assert "Criminal activity" not in [row.name for row in table.rows]
    assert table.own == 2
    assert "example" not in repr(table)


def test_who_gets_only_chosen_sites_is_said() -> None:
    table = table_of(site_of())
    assert table.chosen_only == ("reception",)
    assert "Help and support" in table.always_open


def test_what_somebody_was_granted_or_kept_from_is_between_them_and_the_school() -> None:
    site = site_of()
    lift = Policy(
        "override-x1",
        Effect.ALLOW,
        frozenset({"gambling"}),
        Scope(),
        location="",
        until_at=datetime(2027, 1, 1, tzinfo=UTC),
    )
    kept = policy_of("r1", groups=(), devices=("192.0.2.9",), from_at=AT, until_at=datetime(2027, 1, 1, tzinfo=UTC))
    rulebook = replace(site.rulebook, policies=(*site.rulebook.policies, lift, kept))
    assert without_grants(rulebook) == site.rulebook
    assert table_of(replace(site, rulebook=rulebook)) == table_of(site)


def test_a_rule_that_is_only_called_like_a_grant_is_one() -> None:
    site = site_of(SITE.replace("  mail: ", "  override-mail: "))
    assert held(table_of(site), "Personal e-mail")[0].closes_during == ("lessons",)


def test_a_reason_speaks_of_other_times_only_where_there_are_some() -> None:
    why = {row.name: row.why for row in table_of(site_of()).rows}
    assert why["Learning games"].endswith("keeps games for other times.")
    assert why["Shopping"].endswith("keeps that closed here.")


TIMED = """\
school: {name: School of Test, timezone: Europe/London}
packs: [uk-esafety]
networks: {classrooms: {audience: pupil, cidrs: [192.0.2.0/24]}}
schedules: {lessons: {windows: [{days: mon-fri, from: 8:50, to: 12:10}]}}
policies:
  now: {block: [webmail], schedule: lessons}
  later: {block: [forums], schedule: lessons, from: 2026-06-01}
"""


def test_a_timed_rule_of_later_is_not_told_today() -> None:
    site = parse_site(TIMED, path=Path("site.yaml")).site
    table = blocked_table(site, load_categories(), load_texts("en"), at=datetime(2026, 3, 2, 9, 15, tzinfo=UTC))
    rows = {row.name: row.held for row in table.rows}
    assert rows["Personal e-mail"] == (Held(is_closed=False, closes_during=("lessons",)),)
    assert "Forums" not in rows
