"""One normal form for every name, and the way from it to the wire and back."""

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.name import (
    MAX_WIRE_OCTETS,
    DomainName,
    InvalidNameError,
    ancestors,
    from_wire,
    is_at_or_below,
    parse_name,
    to_wire,
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("www.example.test", "www.example.test", id="as-it-is"),
        pytest.param(" WWW.Example.TEST. ", "www.example.test", id="case-dot-and-space-mean-nothing"),
        pytest.param("école.test", "xn--cole-9oa.test", id="an-internationalised-name"),
        pytest.param("ÉCOLE.test", "xn--cole-9oa.test", id="in-upper-case"),
        pytest.param("e\u0301cole.test", "xn--cole-9oa.test", id="not-composed"),
        pytest.param("学校。test", "xn--48s290a.test", id="an-ideographic-full-stop"),
        pytest.param("faß.test", "xn--fa-hia.test", id="sharp-s-is-a-letter-of-its-own"),
        pytest.param("_dmarc.a-b.test", "_dmarc.a-b.test", id="underscore-and-hyphen"),
        pytest.param("test", "test", id="one-label"),
        pytest.param(".", "", id="the-root"),
        pytest.param("a" * 63 + ".test", "a" * 63 + ".test", id="the-longest-label"),
        pytest.param(".".join(["a" * 49] * 5) + ".abc", ".".join(["a" * 49] * 5) + ".abc", id="the-longest-name"),
    ],
)
def test_parsing(text: str, name: str) -> None:
    assert parse_name(text) == name


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "the name is empty", id="nothing"),
        pytest.param("..", "two dots", id="only-dots"),
        pytest.param("a..b", "two dots", id="an-empty-label"),
        pytest.param(".a", "begins with a dot", id="a-dot-in-front"),
        pytest.param("a b.test", "a character that no host name has", id="a-space"),
        pytest.param("a/b.test", "a character that no host name has", id="a-path"),
        pytest.param("a\0b.test", "a character that no host name has", id="a-zero-octet"),
        pytest.param("a" * 64 + ".test", "a label has 64 characters", id="a-long-label"),
        pytest.param(".".join(["a" * 49] * 5) + ".abcd", "the name has 254 characters", id="a-long-name"),
        pytest.param("é..test", "not a valid internationalised name", id="an-empty-label-beside-an-odd-one"),
        pytest.param("\u200b.test", "not a valid internationalised name", id="an-invisible-character"),
        pytest.param("\ud800.test", "not a valid internationalised name", id="half-a-character"),
    ],
)
def test_what_is_no_name_is_told_why(text: str, why: str) -> None:
    with pytest.raises(InvalidNameError, match=why):
        parse_name(text)


@given(st.text(max_size=80))
def test_any_text_is_a_name_in_normal_form_or_an_invalid_name(text: str) -> None:
    try:
        name = parse_name(text)
    except InvalidNameError:
        return
    assert parse_name(name or ".") == name
    assert from_wire(to_wire(name)) == name
    assert len(to_wire(name)) <= MAX_WIRE_OCTETS


@given(st.lists(st.binary(min_size=1, max_size=63), max_size=6).filter(lambda found: sum(map(len, found)) < 240))
def test_scanning_gives_what_dnspython_reads_back(labels: list[bytes]) -> None:
    name = dns.name.Name([*labels, b""])
    wire = name.to_wire()
    assert wire is not None
    text = from_wire(wire[:-1])
    escaped = "".join(f"\\{character}" if character in '"();@$' else character for character in text)
    assert dns.name.from_text(escaped + ".") == name
    assert text == text.lower()


LABELS = st.lists(st.sampled_from(["a", "b", "ab"]), max_size=4).map(".".join)


@given(LABELS, LABELS)
def test_below_means_that_the_other_is_among_those_above(one: str, other: str) -> None:
    above = {*ancestors(DomainName(one)), ""}
    assert is_at_or_below(DomainName(one), DomainName(other)) is (other in above)


def test_ancestors_come_longest_first() -> None:
    assert list(ancestors(DomainName("a.b.test"))) == ["a.b.test", "b.test", "test"]
    assert list(ancestors(DomainName(""))) == []
