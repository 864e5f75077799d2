"""How a school tunes the weighing of what is observed, and what comes of it together with its packs."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from agent.categories import load_categories
from agent.sites.config import load_site, parse_site
from agent.sites.site import AssessmentSettings, KindTuning, Site
from agent.sites.site_assessment import rules_of, site_assessment
from agent.sites.site_packs import load_pack, packs_of
from rules.assessment import AssessmentRules
from rules.errors import ConfigurationError
from rules.incident_kind import Kind
from rules.pack_reader import parse_pack
from rules.policy_pack import Pack
from rules.subject import Audience

BASE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {all: {audience: pupil, cidrs: 10.1.0.0/16}}
"""
OWN = "pack: ours\ntitle: t\nsource: s\n"
PACK = load_pack("uk-esafety")


def site_with(part: str) -> Site:
    return parse_site(BASE + part, path=Path("/nowhere/site.yaml")).site


def rules_with(part: str, packs: Sequence[Pack] = (PACK,)) -> AssessmentRules:
    return site_assessment(site_with(part), packs)


def of_pack() -> AssessmentRules:
    assert PACK.assessment is not None
    return PACK.assessment


def problem(part: str, folder: Path) -> str:
    (folder / "site.yaml").write_text(BASE + part)
    with pytest.raises(ConfigurationError) as caught:
        load_site(folder / "site.yaml")
    return str(caught.value)


def test_without_the_part_the_pack_holds() -> None:
    assert site_with("assessment:").private.assessment == AssessmentSettings()
    rules = rules_with("")
    assert rules == replace(of_pack(), unattributed=rules.unattributed)
    assert rules.unattributed >= of_pack().unattributed | load_categories().unrecorded


def test_the_whole_of_it() -> None:
    part = """assessment:
  open_at: 75
  kinds: {gambling: {weight: 30}, games: {sites: 9}}
  background: {labels: [ours], names: [Updates.School.Example]}
  unattributed: webmail
"""
    assert site_with(part).private.assessment == AssessmentSettings(
        open_at=75,
        kinds={"gambling": KindTuning(weight=30), "games": KindTuning(sites=9)},
        background_labels=frozenset({"ours"}),
        background_names=frozenset({"updates.school.example"}),
        unattributed=frozenset({"webmail"}),
    )
    before, rules = rules_with(""), rules_with(part)
    assert rules.open_at == 75
    assert (rules.kinds[Kind.GAMBLING].weight, rules.kinds[Kind.GAMBLING].sites) == (
        30,
        before.kinds[Kind.GAMBLING].sites,
    )
    assert (rules.kinds[Kind.GAMES].weight, rules.kinds[Kind.GAMES].sites) == (before.kinds[Kind.GAMES].weight, 9)
    assert rules.kinds[Kind.PIRACY] == before.kinds[Kind.PIRACY]
    assert rules.background.labels == before.background.labels | {"ours"}
    assert "updates.school.example" in rules.background.suffixes
    assert rules.unattributed == before.unattributed | {"webmail"}


def test_what_is_illegal_is_what_the_site_blocks_for_everybody() -> None:
    site = site_with("")
    assert site_assessment(site, (PACK,)).statutory == site.rulebook.statutory != frozenset()


def test_nothing_illegal_is_left_out_whatever_a_site_says() -> None:
    statutory = min(site_with("").rulebook.statutory)
    assert statutory not in rules_with(f"assessment: {{unattributed: [{statutory}]}}").unattributed


def test_rows_that_an_own_pack_replaces_are_the_ones_that_are_proposed(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(BASE.replace("[uk-esafety]", "[uk-esafety, ours.yaml]"))
    rows = "{P02: {kinds: [shopping]}, P05: {kinds: [games]}}"
    (tmp_path / "ours.yaml").write_text(OWN + f"sanctions: {{pupil: {{rows: {rows}}}}}\n")
    site = load_site(tmp_path / "site.yaml").site
    proposed = site_assessment(site, packs_of(site).packs).rows
    assert proposed[Audience.PUPIL, Kind.GAMES] == ("P05",)
    assert (Audience.PUPIL, Kind.GAMBLING) not in proposed


def test_of_several_packs_that_weigh_the_last_one_holds() -> None:
    text = OWN + "assessment: {open_at: 33, kinds: {games: {categories: [], risk: conduct}}}\n"
    own = parse_pack(text, file="ours.yaml", categories=(), over=(PACK,))
    assert rules_of((PACK, own)).open_at == 33
    assert rules_of((PACK, own)).rows == of_pack().rows


def test_packs_that_say_nothing_about_it_weigh_nothing() -> None:
    rules = site_assessment(site_with(""), (load_pack("nl-avg"),))
    assert (dict(rules.kinds), dict(rules.rows)) == ({}, {})


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ("assessment: {open_at: 0}", "site.yaml:4:23: assessment.open_at: found '0'; expected at least 1"),
        ("assessment: {open_at: 101}", "found '101'; expected at most 100"),
        ("assessment: {kinds: {gambing: {weight: 5}}}", "found the kind 'gambing'; expected gambling"),
        (
            "assessment: {kinds: {phone: {weight: 5}}}",
            "site.yaml:4:22: assessment.kinds.phone: found the kind phone, which no pack weighs; expected one of",
        ),
        ("assessment: {kinds: {games: {points: 5}}}", "assessment.kinds.games.points: found the unknown key"),
        ("assessment: {kinds: {games: {sites: 99}}}", "found '99'; expected at most 50"),
        ("assessment: {unattributed: [faith]}", "assessment.unattributed[0]: found the category 'faith'"),
        (
            "assessment: {unattributed: [hate_speech]}",
            "found the category hate_speech, which is illegal; expected one that is not",
        ),
        ("assessment: {background: {labels: [cdn.example]}}", "expected one part of a name, in small letters"),
        ("assessment: {background: {names: ['..']}}", "assessment.background.names[0]: found '..'"),
    ],
)
def test_each_fault_is_told_with_its_place(part: str, sentence: str, tmp_path: Path) -> None:
    assert sentence in problem(part, tmp_path)
