"""What a site says of incidents: who reads what, how long things last, whom to call; no fault repeats it."""

from pathlib import Path

import pytest

from agent.sites.config import load_site, parse_private, parse_site
from agent.sites.site import ContactCard, IncidentSettings
from rules.errors import ConfigurationError
from rules.span import parse_span

BASE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {all: {audience: pupil, cidrs: 10.1.0.0/16}}
"""
PEOPLE = "people: {d-01: {name: Deputy, roles: [slt]}, g-01: {name: Chair, roles: [esafety_governor]}}\n"


def read(part: str) -> IncidentSettings:
    return parse_site(BASE + part, path=Path("/nowhere/site.yaml")).site.private.incidents


def problems(part: str, folder: Path) -> str:
    (folder / "site.yaml").write_text(BASE + part)
    with pytest.raises(ConfigurationError) as caught:
        load_site(folder / "site.yaml")
    return str(caught.value)


def notices(part: str) -> list[str]:
    found = parse_site(BASE + part, path=Path("/nowhere/site.yaml")).warnings
    return [str(each) for each in found if "people" in each.text]


def test_without_the_part_the_defaults_hold() -> None:
    assert read("") == IncidentSettings()
    assert read("incidents:") == read("incidents: {}") == IncidentSettings()
    assert IncidentSettings().warnings_last == parse_span("1 year")


def test_the_whole_of_it() -> None:
    text = """incidents:
  second_reader: d-01
  chair: g-01
  warnings_last: 6 months
  keep: {bullying: 5 years, data_breach: 7 years, others: 2 years, dismissed: 2 weeks}
  small_number: 8
  contacts:
    police: {title: Police, lines: ["The station in the High Street", ask for the desk], for: [illegal_content]}
    anybody: {title: Council, lines: The town hall}
"""
    assert read(text) == IncidentSettings(
        second_reader="d-01",
        chair="g-01",
        warnings_last=parse_span("6 months"),
        keep={"bullying": parse_span("5 years"), "data_breach": parse_span("7 years")},
        keep_others=parse_span("2 years"),
        keep_dismissed=parse_span("2 weeks"),
        small_number=8,
        contacts=(
            ContactCard(
                "Police", ("The station in the High Street", "ask for the desk"), frozenset({"illegal_content"})
            ),
            ContactCard("Council", ("The town hall",)),
        ),
    )


def test_warnings_may_end_with_the_school_year() -> None:
    assert read("incidents: {warnings_last: school year}").warnings_last is None


def test_the_interface_reads_it_from_the_text_of_the_site() -> None:
    text = BASE + "incidents: {chair: g-01, contacts: {police: {title: Police, lines: x, for: anything}}}"
    assert parse_private(text, path=Path("/nowhere/site.yaml")).incidents.chair == "g-01"


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        pytest.param(
            "incidents: {keep: {bulying: 5 years}}",
            "site.yaml:4:20: incidents.keep.bulying: found the kind 'bulying'; expected bullying",
            id="an-unknown-kind",
        ),
        pytest.param(
            "incidents: {keep: {bullying: 5}}",
            "incidents.keep.bullying: found '5'; expected at once, or a number and a unit, such as 72 h",
            id="a-time-without-a-unit",
        ),
        pytest.param(
            "incidents: {warnings_last: for ever}",
            "incidents.warnings_last: found 'for ever'; expected at once, or a number and a unit",
            id="no-time",
        ),
        pytest.param(
            "incidents: {warnings_last: 900 years}", "found '900 years'; expected at most 150 years", id="too-long"
        ),
        pytest.param(
            "incidents: {second_reader: d-01, chair: d-01}",
            "incidents.chair: found the second reader a second time; expected somebody else",
            id="one-person-for-both",
        ),
        pytest.param("incidents: {small_number: 1}", "small_number: found '1'; expected at least 2", id="too-small"),
        pytest.param(
            "incidents: {contacts: {police: {title: Police, lines: []}}}", "lines: found an empty list", id="no-lines"
        ),
        pytest.param(
            "incidents: {contacts: {police: {title: Police, lines: x, for: illegal_contents}}}",
            "incidents.contacts.police.for[0]: found the procedure 'illegal_contents'; expected illegal_content",
            id="an-unknown-procedure",
        ),
        pytest.param("incidents: {chairman: g-01}", "found the unknown key 'chairman'; expected chair", id="a-typo"),
    ],
)
def test_each_fault_is_told_with_its_place(part: str, sentence: str, tmp_path: Path) -> None:
    assert sentence in problems(part, tmp_path)


def test_no_number_of_anybody_is_repeated_in_a_fault_or_shown(tmp_path: Path) -> None:
    line = "0123 456 789 " * 40
    text = f"incidents: {{contacts: {{police: {{title: Police, lines: ['{line}'], for: x}}}}}}"
    assert "0123" not in problems(text, tmp_path)
    assert "0123" not in repr(read("incidents: {contacts: {police: {title: Police, lines: 0123 456}}}"))


def test_whoever_is_named_and_not_known_is_pointed_out_only_where_the_file_names_people() -> None:
    part = "incidents: {second_reader: d-01, chair: g-09}\n"
    assert notices(part) == []
    (found,) = notices(PEOPLE + part)[-1:]
    assert found == (
        "site.yaml:5:34: nobody under people has this id; it may be one that another source of people gives"
    )
