"""The rules that hold for whoever uses the internet here."""

from datetime import UTC, datetime
from pathlib import Path

from api_of_test import site_of_test

from agent.block_page.notice_words import notice_sentences, rules_parts
from agent.sites.config import parse_site
from agent.sites.site import Site
from agent.texts import load_texts

TEXT = """\
school: {name: School of Test, timezone: Europe/London}
packs: [uk-esafety]
networks:
  classrooms: {audience: pupil, cidrs: [192.0.2.0/24]}
  staff-room: {audience: staff, cidrs: [198.51.100.0/24]}
endpoints: {aup: "2026-09"}
rows: {gambling: {audience: staff, tick: acceptable}}
"""
LUNCH = """\
schedules: {lunch: {windows: [{days: mon-fri, from: "12:10", to: "13:00"}]}}
rows: {gaming_educational: {schedule: lunch}, shopping_commerce: {nominated: [office]}}
groups: {office: {devices: [198.51.100.7]}}
policies: {mail: {block: [webmail]}}
"""
AT = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


def parts_of(site: Site) -> dict[str, str]:
    return {part.title: " ".join(part.rows) for part in rules_parts(site, load_texts("en"), at=AT)}


def test_the_version_that_is_asked_for_at_a_sign_in_is_named() -> None:
    texts = load_texts("en")
    site = parse_site(TEXT, path=Path("site.yaml")).site
    first, second, *_ = notice_sentences(site, texts)
    assert "(version 2026-09)" in first
    assert "your answer is recorded" in second
    assert not any("version" in sentence for sentence in notice_sentences(site_of_test(), texts))


def test_the_rows_of_the_table_are_sorted_by_what_it_says() -> None:
    assert "Betting and games for money" in parts_of(site_of_test())["Not at school"]
    site = parse_site(TEXT, path=Path("site.yaml")).site
    assert "Betting and games for money" in parts_of(site)["At certain times, or for some people"]


def test_what_no_schedule_opens_and_nobody_is_nominated_for_is_not_at_school() -> None:
    closed = parts_of(parse_site(TEXT, path=Path("site.yaml")).site)
    assert "Educational games" in closed["Not at school"]
    assert "Shops and markets" in closed["Not at school"]
    text = TEXT.replace("rows: {gambling: {audience: staff, tick: acceptable}}\n", LUNCH)
    opened = parts_of(parse_site(text, path=Path("site.yaml")).site)
    assert "Educational games" in opened["At certain times, or for some people"]
    assert "Shops and markets" in opened["At certain times, or for some people"]


def test_of_what_is_illegal_one_line_speaks_for_all() -> None:
    parts = {part.title: part.rows for part in rules_parts(site_of_test(), load_texts("en"), at=AT)}
    assert len(parts["Against the law, for everybody"]) == 1
    everything = " ".join(row for rows in parts.values() for row in rows)
    assert "Sexual images of children" not in everything
