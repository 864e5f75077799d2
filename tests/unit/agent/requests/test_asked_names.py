"""Names as people write them: reduced to hosts, each change said, nothing guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.requests.asked_names import both_forms, read_names
from rules.name import DomainName, parse_name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        pytest.param("www.example.com", "www.example.com", id="a-name"),
        pytest.param("  WWW.Example.COM. ", "www.example.com", id="case-spaces-and-the-final-dot"),
        pytest.param("https://www.example.com/page?q=1#top", "www.example.com", id="the-address-of-a-page"),
        pytest.param("www.example.com/page", "www.example.com", id="an-address-without-its-scheme"),
        pytest.param("http://user:secret@www.example.com:8080/", "www.example.com", id="with-a-user-and-a-port"),
        pytest.param("//www.example.com", "www.example.com", id="without-a-scheme"),
        pytest.param("https://bücher.example/neu", "xn--bcher-kva.example", id="an-internationalised-page"),
    ],
)
def test_what_is_read(written: str, name: str) -> None:
    read = read_names([written], limit=5)
    assert read.names == (name,)
    assert read.faults == ()


@pytest.mark.parametrize(
    ("written", "why"),
    [
        pytest.param("", "empty", id="nothing"),
        pytest.param("casino", "not a whole name", id="a-word"),
        pytest.param("com", "not a whole name", id="everything-below-a-top-level"),
        pytest.param(".", "not a whole name", id="the-root"),
        pytest.param("192.0.2.1", "address", id="an-address"),
        pytest.param("http://192.0.2.1/", "address", id="a-page-at-an-address"),
        pytest.param("https://[2001:db8::1]/", "", id="a-page-at-an-ipv6-address"),
        pytest.param("0x7f.1", "address", id="an-address-in-disguise"),
        pytest.param("two words.example", "character", id="spaces"),
        pytest.param("a..example", "dots", id="an-empty-label"),
        pytest.param("'; DROP TABLE overrides; --", "", id="sql"),
        pytest.param("<b>x</b>.example", "", id="html"),
        pytest.param("https://[broken", "", id="a-broken-url"),
        pytest.param("x" * 5_000, "5,000 characters", id="no-end"),
    ],
)
def test_what_is_no_name_is_one_sentence(written: str, why: str) -> None:
    read = read_names([written], limit=5)
    assert read.names == ()
    (fault,) = read.faults
    assert why in fault
    assert fault.endswith("expected a name such as www.example.com.")
    assert len(fault) < 300


def test_a_page_is_reduced_and_that_is_said() -> None:
    (note,) = read_names(["https://www.example.com/page"], limit=5).notes
    assert note == (
        "https://www.example.com/page was reduced to its host, www.example.com: the filter sees hosts, not pages."
    )


def test_a_plain_name_needs_no_note() -> None:
    assert read_names(["WWW.example.com."], limit=5).notes == ()


@pytest.mark.parametrize("written", ["bücher.example", "xn--bcher-kva.example"])
def test_both_forms_of_a_name_are_shown(written: str) -> None:
    (note,) = read_names([written], limit=5).notes
    assert "bücher.example is sent as xn--bcher-kva.example" in note


def test_a_look_alike_is_given_away_by_its_other_form() -> None:
    # The first letter is Cyrillic.
    read = read_names(["\u0430pple.example"], limit=5)
    assert read.names == ("xn--pple-43d.example",)
    assert "xn--pple-43d.example" in read.notes[0]


def test_each_name_counts_once_in_the_order_written() -> None:
    read = read_names(["b.example", "https://a.example/", "B.EXAMPLE"], limit=5)
    assert read.names == ("b.example", "a.example")


def test_more_than_the_limit_are_not_looked_at() -> None:
    read = read_names(["?"] * 10_000, limit=200)
    assert read.faults == ("10,000 names were given; expected at most 200.",)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("www.example.com", "www.example.com"),
        ("xn--bcher-kva.example", "bücher.example (xn--bcher-kva.example)"),
        ("xn--999999999.example", "xn--999999999.example"),
    ],
    ids=["plain", "internationalised", "no-real-idn"],
)
def test_how_a_name_is_shown(name: str, shown: str) -> None:
    assert both_forms(DomainName(name)) == shown


@given(st.text(max_size=200))
def test_any_text_is_a_name_or_a_sentence(text: str) -> None:
    read = read_names([text], limit=1)
    assert len(read.names) + len(read.faults) == 1
    assert all(parse_name(name) == name and "." in name for name in read.names)
