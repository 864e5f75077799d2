"""What a change would have meant, in the words of the reader."""

from dataclasses import replace
from datetime import date

import pytest

from agent.console.filtering.dry_run_words import replay_words
from agent.filter_changing.filter_dry_run import DryRun, Figure, Gap, Remark
from agent.filter_changing.turned_names import Turn, TurnedName
from agent.texts import load_texts
from rules.category import LANGUAGES
from rules.subject import Audience

DAYS = (date(2026, 2, 23), date(2026, 3, 1))
RUN = DryRun(
    *DAYS,
    3,
    (
        Figure(Audience.PUPIL, Turn.OPENED, is_sure=True, names=12, questions=340),
        Figure(Audience.STAFF, Turn.CLOSED, is_sure=False, names=None, questions=7),
    ),
    tuple(Remark(each, 1234, date(2026, 2, 24), "it is torn") for each in Gap),
)


def test_each_figure_is_a_row() -> None:
    found = replay_words(RUN, load_texts("en"))
    assert found.days == "3 days of 23 February 2026 to 1 March 2026 are on record."
    assert [(each.whom, each.turn, each.names, each.questions, each.is_sure, each.opens) for each in found.rows] == [
        ("pupils", "would be open", 12, 340, True, True),
        ("staff", "would be blocked", None, 7, False, False),
    ]
    assert found.remarks[0] == "The activity of 24 February 2026 could not be read."


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_gap_is_told_in_every_language_with_its_number(language: str) -> None:
    found = replay_words(RUN, load_texts(language))
    assert len(set(found.remarks)) == len(Gap)
    assert sum("234" in each for each in found.remarks) == 2
    assert not any("it is torn" in each for each in found.remarks)


def test_a_name_is_a_row_and_whoever_is_told_none_has_none() -> None:
    assert replay_words(RUN, load_texts("en")).names is None
    named = TurnedName(Audience.PUPIL, Turn.OPENED, "bets.example", is_sure=False, devices=7, questions=31)
    (found,) = replay_words(replace(RUN, names=(named,)), load_texts("en")).names or ()
    assert (found.name, found.whom, found.turn) == ("bets.example", "pupils", "would be open")
    assert (found.devices, found.questions, found.is_sure, found.opens) == (7, 31, False, True)
