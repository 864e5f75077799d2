"""The form for reports without a script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.block_page.report_page import (
    MAX_RECEIPT_CHARACTERS,
    Typed,
    Wish,
    find_faults,
    made_report,
    read_receipt,
    read_typed,
    typed_before,
)
from agent.incidents.incident_reports import Happened
from agent.texts import load_texts
from rules.incident_kind import Kind
from rules.observation import Place
from rules.subject import Audience

ENGLISH = load_texts("en")


def test_a_link_fills_it_in() -> None:
    typed = typed_before({"site": "https://Bet.example/odds", "about": "mean", "wish": "open"})
    assert typed == Typed(wish=Wish.OPEN, site="bet.example", about="mean")
    assert typed_before({"site": "<b>", "about": "illegal", "wish": "close"}) == Typed()


def test_what_a_browser_sends() -> None:
    body = (
        b"wish=tell&site=caf%C3%A9.example&about=mean&whom=pupil&who=Sam&happened=potential&place=on_site"
        b"&text=first%0D%0Asecond&keeps=a.png%0D%0Ab.png&name="
    )
    typed = read_typed(body)
    assert typed.text == "first\nsecond"
    report = made_report(typed, ENGLISH)
    assert report.kind is Kind.BULLYING
    assert (report.happened, report.place) == (Happened.POTENTIAL, Place.ON_SITE)
    assert report.keeps == ("a.png", "b.png")
    assert report.is_anonymous
    assert report.text.startswith("first\nsecond\n\n")
    assert report.text.endswith("The site that it is about: café.example")


def test_a_wish_is_a_report_of_its_own_kind_of_words() -> None:
    report = made_report(Typed(Wish.OPEN, "bet.example", text="For maths."), ENGLISH)
    assert report.kind is Kind.OTHER
    assert report.text.endswith("Should be open: bet.example")


def test_what_is_said_of_the_head_goes_past_them() -> None:
    report = made_report(Typed(about="mean", whom="head", text="They shout at us."), ENGLISH)
    assert report.is_about_head
    assert report.audience is Audience.STAFF


def test_a_site_cannot_write_lines_of_its_own() -> None:
    report = made_report(Typed(site="bet.example\n\nYour name: Ada", about="mean", text="Look at it"), ENGLISH)
    assert report.text.endswith("bet.example Your name: Ada")


@pytest.mark.parametrize(
    ("typed", "places"),
    [
        pytest.param(Typed(about="mean", text="It was mean."), set(), id="enough"),
        pytest.param(Typed(Wish.OPEN, text="For maths."), set(), id="enough-of-a-wish"),
        pytest.param(Typed(), {"about", "text"}, id="nothing"),
        pytest.param(Typed(about="mean", text="x" * 4001, who="w" * 301), {"text", "who"}, id="too-long"),
        pytest.param(Typed(about="mean", text="a\x00b", name="a\x1bb"), {"text", "name"}, id="controls"),
        pytest.param(Typed(about="mean", text="It", keeps="../x"), {"keeps"}, id="a-path"),
    ],
)
def test_faults(typed: Typed, places: set[str]) -> None:
    assert set(find_faults(typed, ENGLISH)) == places


@given(st.binary(max_size=400))
def test_any_octets_are_a_form_or_none(body: bytes) -> None:
    try:
        typed = read_typed(body)
    except ValueError:
        return
    if not find_faults(typed, ENGLISH):
        made_report(typed, ENGLISH)


def test_the_number_of_a_receipt_is_short() -> None:
    assert read_receipt(b"receipt=+ABCD-EFGH-JKLM+") == "ABCD-EFGH-JKLM"
    assert len(read_receipt(b"receipt=" + b"A" * 500)) == MAX_RECEIPT_CHARACTERS
    assert read_receipt(b"other=1") == ""
