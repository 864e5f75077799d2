"""A form that is sent a second time as it was: its first receipt, for an hour, and nothing without bounds."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.block_page.sent_forms import KNOWN_FOR, MOST_KNOWN, SentForm, SentForms

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Reports:
    """Counts what was reported."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        return f"receipt {self.made}"


def test_the_same_form_gives_the_same_receipt_for_an_hour() -> None:
    forms, report, form = SentForms(), Reports(), SentForm("n1", b"words")
    assert forms.known(form, NOW) is None
    assert [forms.do(form, NOW + timedelta(minutes=minute), report) for minute in (0, 59)] == ["receipt 1"] * 2
    assert forms.known(form, NOW + timedelta(minutes=59)) == "receipt 1"
    assert forms.known(form, NOW + KNOWN_FOR) is None
    assert forms.do(form, NOW + KNOWN_FOR, report) == "receipt 2"


def test_another_form_or_other_words_in_it_are_another_report() -> None:
    forms, report = SentForms(), Reports()
    for form in (SentForm("n1", b"words"), SentForm("n1", b"other"), SentForm("n2", b"words")):
        forms.do(form, NOW, report)
    assert report.made == 3


def test_a_form_without_a_number_is_reported_each_time() -> None:
    forms, report = SentForms(), Reports()
    for _ in range(2):
        forms.do(SentForm("", b"words"), NOW, report)
    assert report.made == 2
    assert forms.known(SentForm("", b"words"), NOW) is None


def test_what_failed_can_be_sent_again() -> None:
    forms, form = SentForms(), SentForm("n1", b"words")

    def fail() -> str:
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        forms.do(form, NOW, fail)
    assert forms.do(form, NOW, Reports()) == "receipt 1"


def test_only_the_newest_are_known() -> None:
    forms, report = SentForms(), Reports()
    for number in range(MOST_KNOWN + 1):
        forms.do(SentForm(str(number), b""), NOW, report)
    assert forms.known(SentForm("0", b""), NOW) is None
    assert forms.known(SentForm("1", b""), NOW) == "receipt 2"
