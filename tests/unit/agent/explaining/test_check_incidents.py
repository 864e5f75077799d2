"""What a site means for incidents, in words."""

from pathlib import Path

import pytest

from agent.explaining.check_incidents import incidents_in_words, policies_in_words
from agent.sites.config import load_site
from agent.sites.site import Site
from agent.sites.site_packs import Packs, packs_of
from agent.texts import load_texts
from rules.category import LANGUAGES

SITE = """\
school: {name: Example School, timezone: Europe/London}
packs: PACKS
networks: {all: {audience: pupil, cidrs: 10.1.0.0/16}}
listeners: {api: "127.0.0.1:8443"}
"""
OWN = "pack: ours\ntitle: Ours\nsource: s\nsanctions: {pupil: {rows: {P05: {ticks: [warning]}}}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ours.yaml").write_text(OWN)
    return tmp_path


def site_and_packs(folder: Path, packs: str, part: str = "") -> tuple[Site, Packs]:
    path = folder / "site.yaml"
    path.write_text(SITE.replace("PACKS", packs) + part)
    site = load_site(path).site
    return site, packs_of(site)


def test_packs_are_named_with_what_the_own_ones_replace_and_where_they_disagree(folder: Path) -> None:
    _, packs = site_and_packs(folder, "[uk-esafety, uk-data-protection, ours.yaml]")
    *named, replaced, conflict, of_laptops = policies_in_words(packs, load_texts("en"))
    assert named == [
        "E-safety policy of a primary school (uk-esafety)",
        "Data protection policy of a primary school (uk-data-protection)",
        "Ours (ours)",
    ]
    assert replaced == "ours replaces in uk-esafety: row P05 of the table for pupils (ours.yaml:4:28)"
    assert conflict.startswith("Of unencrypted media, careless handling of personal data")
    assert of_laptops.startswith("Of protection of a laptop the packs tell different people first")
    assert conflict.endswith(
        "all of them are told: ICT Co-ordinator (uk-esafety) and Data protection officer (uk-data-protection)."
    )


def test_a_site_that_says_nothing_is_told_what_is_missing(folder: Path) -> None:
    told = list(incidents_in_words(*site_and_packs(folder, "[uk-esafety]"), load_texts("en")))
    assert told == [
        "A candidate is opened at 60 of 100 points; a person decides.",
        "What is said against staff is read by the head teacher alone: nobody else is named (incidents).",
        "Nobody is named who takes the head teacher's place where it is about them (incidents, chair).",
        "A warning counts for 1 year.",
        "Incidents are kept for 3 years, candidates that came to nothing for 1 month.",
        "Whom to call, such as the police, is not written down yet (incidents, contacts).",
    ]


def test_a_site_that_says_it_all_is_told_so_without_a_name(folder: Path) -> None:
    part = """assessment: {open_at: 75, kinds: {games: {sites: 9}, gambling: {weight: 20}}}
incidents:
  second_reader: d-01
  chair: g-01
  warnings_last: school year
  keep: {bullying: 5 years, others: 2 years, dismissed: 2 weeks}
  contacts: {police: {title: The desk, lines: 0123}, council: {title: The hall, lines: 0456}}
"""
    told = list(incidents_in_words(*site_and_packs(folder, "[uk-esafety]", part), load_texts("en")))
    assert told == [
        "A candidate is opened at 75 of 100 points; a person decides.",
        "Weighed otherwise than in the policy: gambling and games",
        "What is said against staff is read by the head teacher and one person who is named.",
        "A warning counts until the end of the school year.",
        "Incidents are kept for 2 years, candidates that came to nothing for 2 weeks.",
        "Kept for 5 years: bullying",
        "Whom to call stands on 2 cards.",
    ]


def test_where_nobody_can_sign_in_nothing_is_said(folder: Path) -> None:
    site, packs = site_and_packs(folder, "[uk-esafety]", "# off\n")
    path = folder / "site.yaml"
    path.write_text(path.read_text().replace('listeners: {api: "127.0.0.1:8443"}\n', ""))
    assert list(incidents_in_words(load_site(path).site, packs, load_texts("en"))) == []
    assert site.listeners.api is not None


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_it(language: str, folder: Path) -> None:
    site, packs = site_and_packs(folder, "[uk-esafety, uk-data-protection, nl-avg, ours.yaml]")
    texts = load_texts(language)
    told = [*policies_in_words(packs, texts), *incidents_in_words(site, packs, texts)]
    assert len(told) > 10
    assert not [line for line in told if "%(" in line]
