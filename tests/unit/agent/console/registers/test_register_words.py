"""Registers in words: every one has a title and a sentence, every column a name, every code a word."""

import pytest

from agent.api.access import NEEDS
from agent.console.registers.register_words import (
    KINDS,
    CellWords,
    column_words,
    sentence_of_register,
    state_of_request,
    title_of_register,
)
from agent.fleet import media_registers, rules_register
from agent.incidents import incident_registers
from agent.incidents.register_parts import Cell
from agent.requests import request_registers
from agent.storage.access_rows import Seen
from agent.texts import load_texts
from rules.incident import Dismissal, Intent, Level, State, Track
from rules.incident_kind import Risk
from rules.medium import MediumKind, MediumState, SignOutState, Stated
from rules.observation import Place
from rules.override import State as OverrideState
from rules.suspension import State as SuspensionState

ENGLISH = load_texts("en")
COLUMNS = {
    each
    for module in (incident_registers, request_registers, media_registers, rules_register)
    for name, columns in vars(module).items()
    if name.endswith("_COLUMNS")
    for each in columns
}


def test_the_registers_are_those_of_the_interface() -> None:
    assert sorted(f"/registers/{kind}" for kind in KINDS) == sorted(
        address for _, address in NEEDS if address.startswith("/registers/")
    )


@pytest.mark.parametrize("kind", KINDS)
def test_each_has_a_title_and_a_sentence(kind: str) -> None:
    assert title_of_register(kind, ENGLISH)
    assert sentence_of_register(kind, ENGLISH).endswith(".")


@pytest.mark.parametrize("column", sorted(COLUMNS))
def test_each_column_has_a_name(column: str) -> None:
    assert column_words(column, ENGLISH)[0].isupper()


CODES = [
    *(("incidents", "state", each) for each in State),
    *(("incidents", "track", each) for each in Track),
    *(("incidents", "level", each) for each in Level),
    *(("incidents", "place", each) for each in Place),
    *(("incidents", "risk", each) for each in Risk),
    *(("incidents", "deliberate", each) for each in Intent),
    *(("incidents", "dismissal", each) for each in Dismissal),
    *(("overrides", "state", each) for each in OverrideState),
    *(("suspensions", "state", each) for each in SuspensionState),
    *(("media", "state", each) for each in MediumState),
    *(("media", "kind", each) for each in MediumKind),
    *(("media", "stated", each) for each in Stated),
    *(("sign-outs", "state", each) for each in SignOutState),
    *(("access", "seen", each) for each in Seen),
    *(("warnings", "standing", each) for each in ("holds", "withdrawn", "expired")),
]


@pytest.mark.parametrize(("kind", "column", "code"), CODES)
def test_no_code_reaches_a_reader_of_another_language(kind: str, column: str, code: str) -> None:
    assert CellWords(kind, load_texts("ja"), "UTC").cell(column, code) != code


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("closed_at", None, ""),
        ("is_held", True, "yes"),
        ("is_held", False, "no"),
        ("number", 418_231, "418231"),
        ("kind", "gambling", "gambling"),
        ("kind", "self_harm", "self-harm"),
        ("audience", "pupil", "pupils"),
        ("purpose", "closed", "closed"),
        ("filed_at", "2026-07-02T09:15:00.000000+00:00", '<time datetime="2026-07-02T09:15:00.000000+00:00">'),
        ("due_on", "2026-07-02", '<time datetime="2026-07-02">02/07/2026</time>'),
        ("filed_at", "no instant", "no instant"),
        ("due_on", "no day", "no day"),
        ("categories", "hate_speech", "Hate"),
        ("lifts", "gambling games", "Gambling and Games"),
        ("names", "<b>", '<span class="name">&lt;b&gt;</span>'),
    ],
)
def test_a_cell_in_words(column: str, value: str | int | bool | None, words: str) -> None:
    assert str(CellWords("incidents", ENGLISH, "Europe/London").cell(column, value)).startswith(words)


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        pytest.param("overrides", {}, "was approved", id="approved"),
        pytest.param("overrides", {"state": "ended"}, "ended", id="ended"),
        pytest.param(
            "overrides", {"state": "ended", "decided_at": None}, "Over before it was decided", id="undecided"
        ),
        pytest.param(
            "overrides",
            {"is_break_glass": True, "approvers": ""},
            "Emergency, waits to be countersigned",
            id="emergency",
        ),
        pytest.param("overrides", {"is_break_glass": True}, "was approved", id="countersigned"),
        pytest.param("suspensions", {"state": "ended", "agreed_by": "p-1"}, "ended", id="was-off"),
        pytest.param(
            "suspensions", {"state": "ended", "agreed_by": ""}, "Over before it was decided", id="never-off"
        ),
        pytest.param("media", {"state": "lost"}, "was lost", id="medium"),
    ],
)
def test_a_row_says_of_no_request_that_somebody_agreed_who_did_not(
    kind: str, changes: dict[str, Cell], words: str
) -> None:
    row: dict[str, Cell] = {"state": "approved", "is_break_glass": False, "approvers": "p-1"}
    row["decided_at"] = "2026-03-02T09:03:00+00:00"
    state = state_of_request(kind, row | changes)
    assert CellWords(kind, ENGLISH, "UTC").cell("state", state) == words


def test_instants_are_on_the_clock_of_the_school() -> None:
    shown = CellWords("incidents", ENGLISH, "Europe/London").cell("filed_at", "2026-07-02T09:15:00+00:00")
    assert "10:15" in str(shown)


def test_a_role_has_its_name_and_a_word_that_is_none_stays() -> None:
    words = CellWords("roles", ENGLISH, "UTC")
    assert [words.cell("role", each) for each in ("slt", "captain")] == [
        "member of the senior leadership team",
        "captain",
    ]
