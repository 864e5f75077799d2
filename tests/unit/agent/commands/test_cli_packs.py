"""`schoolgate packs`: what is shown, what looks odd and what is met, of the product's packs and of a school's own."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agent.cli import app
from agent.people.people import People
from agent.sites.site_packs import shipped_packs
from agent.storage.state import StateStore
from rules.roles import Role

SITE = """\
school: {name: Example School, timezone: Europe/London, language: LANGUAGE}
packs: PACKS
networks: {all: {audience: pupil, cidrs: 10.1.0.0/16}}
"""
OWN = """\
pack: ours
title: {en: Our policy, nl: Ons beleid}
source: Our policy of 2026
sanctions: {pupil: {rows: {P05: {ticks: []}}}}
coverage: {X-01: {how: people, by: The head.}}
"""
ODD = ("P11", "S13", "S15")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCHOOLGATE_SITE", raising=False)
    (tmp_path / "ours.yaml").write_text(OWN)


def site(packs: str = "[uk-esafety, ours.yaml]", *, language: str = "en", part: str = "") -> str:
    Path("site.yaml").write_text(SITE.replace("PACKS", packs).replace("LANGUAGE", language) + part)
    return "--site=site.yaml"


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["packs", *words])


def told(*words: str, code: int = 0) -> str:
    done = run(*words)
    assert done.exit_code == code, done.output
    return done.stdout


# --- show


def test_without_a_site_all_packs_of_the_product_are_listed() -> None:
    assert [line.split()[0] for line in told("show").splitlines()[2:]] == list(shipped_packs())


def test_with_a_site_those_of_the_site_are_listed_and_what_the_own_ones_replace() -> None:
    lines = told("show", site()).splitlines()
    assert [line.split()[0] for line in lines[2:4]] == ["uk-esafety", "ours"]
    assert lines[-1] == "ours replaces in uk-esafety: row P05 of the table for pupils (ours.yaml:4:28)"


def test_a_pack_is_shown_in_the_language_that_is_asked_for_or_that_of_the_site_or_its_own() -> None:
    assert told("show", "nl-avg").startswith(
        "Privacy- en informatiebeveiligingsbeleid van een schoolbestuur (nl-avg)"
    )
    assert told("show", "nl-avg", "--language", "en").startswith("Privacy and information security policy")
    assert told("show", "ours", site(language="nl")).startswith("Ons beleid (ours)")
    assert told("show", "ours", site(language="nl"), "--language", "fr").startswith("Our policy (ours)")


def test_a_pack_of_the_product_can_be_shown_that_the_site_does_not_load() -> None:
    assert told("show", "nl-avg", site()).startswith("Privacy and information security policy of a school board")


def test_a_file_of_ones_own_is_shown_with_what_it_replaces() -> None:
    for words in (("show", "ours.yaml"), ("show", "./ours.yaml", site())):
        text = told(*words)
        assert text.startswith("Our policy (ours)")
        assert "ours replaces in uk-esafety: row P05" in text


def test_programs_get_the_whole_pack() -> None:
    (plain,) = json.loads(told("show", "uk-esafety", "--json", site()))
    assert (plain["id"], plain["sanctions"]["pupil"]["rows"]["P05"]["actions"]) == ("uk-esafety", [])
    assert [each["id"] for each in json.loads(told("show", "--json"))] == list(shipped_packs())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("show", "uk-esaftey"), "PACK: found the pack uk-esaftey; expected uk-esafety"),
        (("show", "gone.yaml"), "gone.yaml: found no such file or directory; expected a file that can be read"),
        (("show", "nl-avg", "--language", "de"), "--language: found 'de'; expected one of en, fr, nl, ja"),
        (("show", "--site", "gone.yaml"), "gone.yaml: found no such file or directory"),
        (("lint", "bad.yaml"), "bad.yaml:4:27: sanctions.pupil.rows: found an empty list; expected a mapping"),
        (("coverage", "x"), "PACK: found the pack x; expected a file, or one of"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(words: tuple[str, ...], sentence: str) -> None:
    Path("bad.yaml").write_text("pack: bad\ntitle: t\nsource: s\nsanctions: {pupil: {rows: []}}\n")
    done = run(*words)
    assert done.exit_code == 2
    assert sentence in done.stderr


# --- lint


def test_what_looks_odd_is_told_and_the_end_says_so() -> None:
    done = run("lint")
    assert done.exit_code == 1
    assert [line.split()[2] for line in done.stdout.splitlines()] == list(ODD)
    assert done.stderr == "No people are known here, so roles that nobody holds were not looked for.\n"


def test_a_pack_in_order_has_no_findings() -> None:
    assert told("lint", "nl-avg", "--language", "en") == "Nothing looks odd.\n"


def test_what_looks_odd_is_told_in_the_language_of_the_school_or_the_pack_or_as_asked() -> None:
    path = site("[uk-esafety, ours.yaml]", language="fr", part="people: {h: {name: Head, roles: [head_teacher]}}\n")
    text = told("lint", path, code=1)
    assert "La ligne P05 ne coche aucune action, donc personne ne ferait rien." in text
    assert "le rôle suivant : coordinateur informatique" in text
    assert told("lint", "nl-avg") == "Er valt niets op.\n"
    assert "行 P05 には印がない" in told("lint", "ours.yaml", "--language", "ja", code=1)
    shown = told("show", "uk-esafety", path)
    assert "coordinateur informatique" in shown


def test_of_a_file_of_ones_own_only_what_it_makes_odd_is_told() -> None:
    text = told("lint", "ours.yaml", code=1)
    assert text == "ours.yaml:4:28: Row P05 ticks no action, so nobody would do anything.\n"


def test_with_a_site_its_own_packs_are_looked_at_too() -> None:
    lines = told("lint", site(), code=1).splitlines()
    assert [line.split()[2] for line in lines] == ["P05", *ODD]


def test_roles_that_nobody_holds_are_told_by_the_people_whom_the_site_names() -> None:
    part = "people: {h: {name: Head, roles: [head_teacher]}, t: {name: Tech, roles: [technician]}}\n"
    text = told("lint", "nl-avg", site("[nl-avg]", part=part), code=1)
    assert (
        "Nobody at the school has the role of ICT Co-ordinator, which this policy calls Data protection manager."
        in text
    )
    assert "head teacher" not in text


def test_roles_that_nobody_holds_are_told_by_the_people_on_record_where_there_are_some() -> None:
    path = site("[nl-avg]", part="people: {h: {name: Head, roles: [head_teacher]}}\n")
    Path("state").mkdir()
    store = StateStore(Path("state/state.db"), clock=lambda: datetime(2026, 11, 2, tzinfo=UTC))
    people = People(store)
    with store.act() as act:
        people.open(act, name="Ada", roles=[Role.DATA_PROTECTION_OFFICER], actor="system")
    store.close()
    text = told("lint", "nl-avg", path, code=1)
    assert "Nobody at the school has the role of head teacher" in text
    assert "data protection officer" not in text.casefold().replace(
        "which this policy calls data protection officer", ""
    )


def test_programs_get_the_findings() -> None:
    found = json.loads(told("lint", "--json", code=1))
    assert {each["code"] for each in found} == {"repeat_without_warning", "staff_weaker"}
    assert all(each["where"].startswith("uk-esafety.yaml:") and each["sentence"] for each in found)
    assert json.loads(told("lint", "nl-avg", "--json")) == []


# --- coverage


def test_every_requirement_is_told_with_totals() -> None:
    lines = told("coverage", "uk-esafety").splitlines()
    assert [line.split()[0] for line in lines if line.startswith("ES-")] == [f"ES-{each:02}" for each in range(1, 99)]
    assert lines[-3].startswith("uk-esafety: 98 (enforces ")
    assert lines[-1].startswith("Each stands under the strongest that holds. enforces: ")


def test_a_school_reads_them_in_its_own_language() -> None:
    told_to_school = told("coverage", site("[qc-securite-information]", language="fr"))
    assert re.search(r"^QC-01 +consigne +Les incidents et les accès", told_to_school, re.MULTILINE)
    assert "consigne : chaque cas est consigné" in told_to_school
    english = told("coverage", site(), "qc-securite-information", "--language", "en")
    assert re.search(r"^QC-01 +logs +Incidents and access", english, re.MULTILINE)


def test_without_a_name_all_packs_are_told() -> None:
    plain = json.loads(told("coverage", "--json"))
    assert {each["pack"]: sum(each["totals"].values()) for each in plain} == {
        "jp-kosen-kojin-joho": 60,
        "nl-avg": 42,
        "qc-securite-information": 44,
        "uk-data-protection": 84,
        "uk-esafety": 98,
    }
    assert told("coverage").count("enforces ") >= 5


def test_an_own_pack_has_requirements_of_its_own_or_none() -> None:
    assert (
        told("coverage", "ours.yaml").splitlines()[-3]
        == "ours: 1 (enforces 0, logs 0, measures 0, reminds 0, people 1)"
    )
    Path("ours.yaml").write_text(OWN.partition("coverage")[0])
    assert told("coverage", "ours.yaml") == "This pack names no requirements.\n"
