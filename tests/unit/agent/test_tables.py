"""Tables of what anybody may have written."""

import pytest
from hypothesis import given
from hypothesis.strategies import text

from agent.tables import printable, render_table


def test_a_table() -> None:
    rows = [("a1", "waiting", "radio.example"), ("b2", "approved", "two.example, three.example")]
    assert render_table(("ID", "STATE", "WHAT"), rows, width=60) == (
        "ID   STATE      WHAT\n"
        "──────────────────────────────────────────\n"
        "a1   waiting    radio.example\n"
        "b2   approved   two.example, three.example\n"
    )


def test_a_narrow_terminal_folds_and_loses_nothing() -> None:
    shown = render_table(("ID", "WHAT"), [("a1", "one two three four five six")], width=20)
    assert all(len(line) <= 20 for line in shown.splitlines())
    assert " ".join(shown.split()[4:]) == "one two three four five six"


def test_nothing_is_cut_where_there_is_no_terminal() -> None:
    assert "x" * 3000 in render_table(("WHAT",), [("x" * 3000,)], width=10_000)


def test_what_looks_like_markup_is_text() -> None:
    assert "[bold red]no[/]" in render_table(("WHAT",), [("[bold red]no[/]",)], width=60)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        pytest.param("\x1b[2Jgone", "\ufffd[2Jgone", id="an-order-to-the-terminal"),
        pytest.param("two\nlines\tof", "two lines of", id="white-space"),
        pytest.param("safe\u202egpj", "safe\ufffdgpj", id="letters-turned-round"),
        pytest.param("Zoë Łuk 山田", "Zoë Łuk 山田", id="names-stay"),
    ],
)
def test_text_is_shown_and_never_obeyed(written: str, shown: str) -> None:
    assert printable(written) == shown


@given(text())
def test_any_text_fits_into_a_cell(written: str) -> None:
    assert render_table(("WHAT",), [(written,)], width=60).count("\x1b") == 0
