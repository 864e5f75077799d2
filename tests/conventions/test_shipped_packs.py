"""Every policy pack that ships: readable, complete, in its place in its document, in our own words, and honest.

Where the documents lie beside the repository, each pack is held against its own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from incidents_of_test import IncidentsOfTest

from agent.categories import load_categories
from agent.cli import app
from agent.incidents.incident_reports import Report
from rules.handbook import Means
from rules.incident_kind import Kind
from rules.pack_reader import parse_pack
from rules.policy_pack import Pack
from rules.roles import Role
from rules.words import Words

ROOT = Path(__file__).parents[2]
PACKS = ROOT / "rules" / "packs"
SHARED = ROOT.parent / "shared"


@dataclass(frozen=True, slots=True)
class Source:
    """The document of a pack: how many lines it has, and which requirements were drawn from it."""

    lines: int
    prefix: str
    requirements: int

    @property
    def ids(self) -> list[str]:
        return [f"{self.prefix}-{number:02}" for number in range(1, self.requirements + 1)]


SOURCES = {
    "uk-esafety": Source(388, "ES", 98),
    "uk-data-protection": Source(463, "CP", 84),
    "nl-avg": Source(273, "NL", 42),
    "qc-securite-information": Source(293, "QC", 44),
    "jp-kosen-kojin-joho": Source(349, "JP", 60),
}
# What names something, and is no text of ours: ids, places, names of the product's own parts.
NO_TEXT = {"pack", "language", "source", "section", "key", "evidence"}
# So many in a row are no accident; a character stands for a word where words are not set apart.
WORDS_IN_A_ROW = 8
CHARACTERS_IN_A_ROW = 20
WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
ISO_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
TELEPHONE = re.compile(r"\+?\d(?:[ ./()-]{0,2}\d){6,}")

NAMES = sorted(path.stem for path in PACKS.glob("*.yaml"))
each_pack = pytest.mark.parametrize("name", NAMES)
beside_the_documents = pytest.mark.skipif(
    not (SHARED / "policies").is_dir(), reason="the policy documents are not here"
)


def text_of(name: str) -> str:
    return (PACKS / f"{name}.yaml").read_text(encoding="utf-8")


@cache
def read(name: str) -> Pack:
    return parse_pack(text_of(name), file=f"{name}.yaml", categories=load_categories().ids)


@cache
def tree(name: str) -> Any:
    return yaml.safe_load(text_of(name))


@cache
def document(name: str) -> tuple[str, ...]:
    """Give the lines of the document of a pack: it is known by how many it has."""
    found = [path.read_text(encoding="utf-8").split("\n") for path in (SHARED / "policies").glob("*.txt")]
    (lines,) = (lines for lines in found if len(lines) == SOURCES[name].lines)
    return tuple(lines)


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    for inner in value if isinstance(value, list) else ():
        yield from mappings(inner)


def texts(value: Any) -> Iterator[str]:
    """Give every text that people read."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in NO_TEXT:
                yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def offices(pack: Pack) -> set[str]:
    """Give what people are called: an office has the name that it has."""
    return {title for role in pack.handbook.roles.values() for title in role.title.by_language.values()}


def all_words(value: Any) -> Iterator[Words]:
    """Give every text of a pack that may stand in several languages."""
    if isinstance(value, Words):
        yield value
    elif isinstance(value, Mapping):
        yield from all_words(tuple(value.values()))
    elif isinstance(value, tuple):
        for inner in value:
            yield from all_words(inner)
    elif is_dataclass(value):
        yield from all_words(tuple(getattr(value, part.name) for part in fields(value)))


def words_of(text: str) -> list[str]:
    return [word.casefold() for word in WORD.findall(re.sub(r"<[^>]*>", " ", text).replace("\u2019", "'"))]


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    words = words_of(text)
    return {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}


def unspaced_runs(text: str) -> set[str]:
    """Give what stands in a row in a script that sets no words apart; figures and marks are left out."""
    joined = "".join(UNSPACED.findall(text))
    return {joined[start : start + CHARACTERS_IN_A_ROW] for start in range(len(joined) - CHARACTERS_IN_A_ROW + 1)}


def sentences(text: str) -> set[tuple[str, ...]]:
    """Give the sentences of a text as words, without those of three words or fewer; a heading or a cell is none."""
    parts = (part for line in re.split(r"[\n\t<>]", text) for part in re.findall(r"[^.!?]+[.!?]", line))
    return {tuple(words) for words in map(words_of, parts) if len(words) > 3}


def metrics() -> set[str]:
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "agent").rglob("*metrics.py"))
    return {name for source in sources for name in re.findall(r'"(schoolgate_\w+)"', source)}


def commands() -> set[str]:
    def below(command: Any, name: str) -> Iterator[str]:
        yield name
        for part, inner in getattr(command, "commands", {}).items():
            yield from below(inner, f"{name} {part}")

    return set(below(typer.main.get_command(app), "schoolgate"))


def test_every_document_of_the_table_has_its_pack() -> None:
    assert set(NAMES) == SOURCES.keys()
    assert {read(name).id for name in NAMES} == set(NAMES)


@each_pack
def test_the_coverage_names_every_requirement_and_no_other(name: str) -> None:
    assert list(read(name).handbook.coverage) == SOURCES[name].ids


@each_pack
def test_the_handbook_has_every_part(name: str) -> None:
    handbook = read(name).handbook
    parts = (handbook.roles, handbook.chains, handbook.registers, handbook.retention, handbook.reviews)
    assert all((*parts, handbook.measures, handbook.procedures, handbook.statements))
    assert date(2000, 1, 1) < read(name).law.as_of < date(2100, 1, 1)


@each_pack
def test_somebody_is_told_when_equipment_is_not_safe(name: str) -> None:
    handbook = read(name).handbook
    (chain,) = (each for each in handbook.chains.values() if Kind.DEVICE_SECURITY in each.kinds)
    first = handbook.roles[chain.steps[0].to]
    assert first.holds in {Role.ICT_COORDINATOR, Role.NETWORK_MANAGER}


@each_pack
def test_every_line_is_one_of_the_document(name: str) -> None:
    lines = [each.get("line", 0) for each in mappings(tree(name)) if each.keys() & {"line", "says"}]
    assert lines
    assert not [line for line in lines if not 1 <= line <= SOURCES[name].lines]


@each_pack
def test_every_text_is_in_the_language_of_the_document_and_in_english(name: str) -> None:
    pack = read(name)
    languages = {frozenset(words.by_language) for words in all_words(pack)} - {frozenset[str]()}
    assert languages == {frozenset({pack.language, "en"})}


@each_pack
def test_no_address_and_no_number_of_anybody_is_in_it(name: str) -> None:
    text = ISO_DATE.sub("", text_of(name))
    assert "@" not in text
    assert "://" not in text
    assert not TELEPHONE.findall(text)


@each_pack
def test_evidence_is_a_metric_or_a_command_that_exists(name: str) -> None:
    named = {each for measure in read(name).handbook.measures.values() for each in measure.evidence}
    assert not named - metrics() - commands()


@each_pack
def test_every_command_and_metric_of_a_text_exists(name: str) -> None:
    known = commands()
    for text in texts(tree(name)):
        assert not set(re.findall(r"schoolgate_\w+", text)) - metrics(), text
        for words in re.findall(r"\bschoolgate((?: [a-z-]+)+)", text):
            command = "schoolgate"
            for word in words.split():
                command = f"{command} {word}" if f"{command} {word}" in known else command
            assert not [other for other in known if other.startswith(f"{command} ")], text


@each_pack
def test_a_requirement_that_a_line_refers_to_exists(name: str) -> None:
    lines = [text for each in read(name).handbook.coverage.values() for text in each.by.by_language.values()]
    assert {found for line in lines for found in re.findall(r"\b[A-Z]{2}-\d+", line)} <= set(SOURCES[name].ids)


@pytest.mark.parametrize(
    ("name", "first", "steps"),
    [
        (
            "uk-data-protection",
            ("officer",),
            (
                "data_protection_officer head_teacher chair_of_governors safeguarding_lead regulator"
                " clock_regulator_further_report"
            ),
        ),
        # The board is told where somebody says that it is serious.
        ("nl-avg", ("coordinator",), "avg_manager ict_supplier data_protection_officer regulator"),
        (
            "qc-securite-information",
            ("deputy",),
            (
                "supervisor head_teacher incident_coordinator data_protection_officer security_officer"
                " director_general privacy_commission cert_aq"
            ),
        ),
        (
            "jp-kosen-kojin-joho",
            ("coordinator", "deputy"),
            (
                "protection_officer protection_manager head_teacher general_manager president ministries"
                " protection_commission clock_regulator_final_report"
            ),
        ),
    ],
)
def test_what_is_lost_is_told_and_passed_on_as_the_coverage_says(
    tmp_path: Path, name: str, first: tuple[str, ...], steps: str
) -> None:
    school = IncidentsOfTest(tmp_path, packs=[read(name)])
    school.incidents.reports.report(None, Report("A stick with names is gone.", kind=Kind.DATA_BREACH))
    assert school.told == [("incident_reported", 1, first)]
    (filed,) = school.incidents.looking.queue(school.ids["head"])
    school.accept(filed, "head", None)
    assert [each.action for each in school.steps(filed)] == [
        step if step.startswith("clock_") else f"refer_{step}" for step in steps.split()
    ]


@each_pack
def test_what_people_do_alone_is_not_all(name: str) -> None:
    means = {each.means for each in read(name).handbook.coverage.values()}
    assert Means.PEOPLE in means
    assert len(means) > 1


def test_packs_that_share_a_clock_start_it_alike() -> None:
    starts: dict[str, set[str]] = {}
    for name in NAMES:
        for clock in read(name).handbook.clocks.values():
            starts.setdefault(clock.id, set()).add(clock.starts)
    assert not {clock: found for clock, found in starts.items() if len(found) > 1}


@each_pack
@beside_the_documents
def test_every_line_holds_something(name: str) -> None:
    lines = document(name)
    assert not [
        each["line"] for each in mappings(tree(name)) if "line" in each and not lines[each["line"] - 1].strip()
    ]


@each_pack
@beside_the_documents
def test_no_sentence_of_the_document_is_repeated(name: str) -> None:
    whole = "\n".join(document(name))
    taken = runs(whole, WORDS_IN_A_ROW)
    taken_unspaced = unspaced_runs(whole)
    theirs = sentences(whole)
    for text in set(texts(tree(name))) - offices(read(name)):
        assert not runs(text, WORDS_IN_A_ROW) & taken, text
        assert not unspaced_runs(text) & taken_unspaced, text
        assert not sentences(text) & theirs, text


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
@beside_the_documents
def test_the_requirements_are_those_that_were_drawn_from_the_document(source: Source) -> None:
    reference = (SHARED / "reference" / "school-requirements.md").read_text(encoding="utf-8")
    assert re.findall(rf"^\| ({source.prefix}-\d+) \|", reference, re.MULTILINE) == source.ids
