import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.list_entries import Reason
from filters.list_names import (
    PLAIN_NAME,
    Refused,
    below_only,
    is_address,
    read_any_name,
    read_name,
    read_wire_name,
    shown,
    to_wire_names,
)
from rules.name import DomainName, parse_name, to_wire

LONGEST_LABEL = "a" * 63
LONGEST_NAME = ".".join([LONGEST_LABEL] * 3 + ["a" * 61])

labels = st.from_regex(r"[a-z0-9_-]{1,63}", fullmatch=True)
last_labels = st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True)
plain_names = st.builds(
    lambda above, last: ".".join([*above, last]), st.lists(labels, min_size=1, max_size=6), last_labels
)


@given(st.lists(plain_names.filter(lambda name: len(name) <= 253), max_size=20))
def test_names_in_bulk_are_the_names_one_by_one(some: list[str]) -> None:
    text = "".join(f"{name}\n" for name in some).encode()
    assert to_wire_names(text) == [to_wire(parse_name(name)) for name in some]


@given(plain_names.filter(lambda name: len(name) <= 253))
def test_a_plain_name_is_always_a_name(name: str) -> None:
    assert re.fullmatch(PLAIN_NAME, name.encode())
    assert read_wire_name(name) == to_wire_names(name.encode() + b"\n")[0]


def test_one_name_that_is_too_long_sends_all_of_them_back() -> None:
    assert len(LONGEST_NAME) == 253
    assert to_wire_names(f"{LONGEST_NAME}\n".encode()) == [to_wire(parse_name(LONGEST_NAME))]
    assert to_wire_names(f"good.test\na{LONGEST_NAME}\n".encode()) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("example.test", "example.test", id="a-name"),
        pytest.param("WWW.Example.TEST.", "www.example.test", id="upper-case-and-a-final-dot"),
        pytest.param("bücher.example", "xn--bcher-kva.example", id="u-label"),
        pytest.param("BÜCHER.example", "xn--bcher-kva.example", id="u-label-in-upper-case"),
        pytest.param("日本語。example", "xn--wgv71a119e.example", id="ideographic-full-stop"),
        pytest.param("straße.example", "xn--strae-oqa.example", id="sharp-s-is-a-letter-of-its-own"),
        pytest.param("xn--bcher-kva.example", "xn--bcher-kva.example", id="a-label"),
        pytest.param("_dmarc.example.test", "_dmarc.example.test", id="service-name"),
        pytest.param(LONGEST_NAME, LONGEST_NAME, id="the-longest-name"),
    ],
)
def test_names_that_are_read(text: str, name: str) -> None:
    assert read_name(text) == name


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", Reason.BAD_NAME, id="nothing"),
        pytest.param("a..test", Reason.BAD_NAME, id="two-dots"),
        pytest.param(".a.test", Reason.BAD_NAME, id="a-dot-in-front"),
        pytest.param("a b.test", Reason.BAD_NAME, id="a-space"),
        pytest.param("a$.test", Reason.BAD_NAME, id="a-dollar"),
        pytest.param("caf\udce9.test", Reason.BAD_NAME, id="not-utf-8"),
        pytest.param("\u200f.test", Reason.BAD_NAME, id="only-a-direction-mark"),
        pytest.param(f"a{LONGEST_LABEL}.test", Reason.BAD_NAME, id="label-of-64"),
        pytest.param(f"a{LONGEST_NAME}", Reason.BAD_NAME, id="name-of-254"),
        pytest.param("ü" * 60 + ".test", Reason.BAD_NAME, id="u-label-with-too-long-an-a-label"),
        pytest.param("example.123", Reason.BAD_NAME, id="number-as-top-level-domain"),
        pytest.param("192.0.2.1", Reason.RAW_ADDRESS, id="ipv4"),
        pytest.param("192.0.2.0/24", Reason.RAW_ADDRESS, id="ipv4-network"),
        pytest.param("192.0.2.1:8080", Reason.RAW_ADDRESS, id="ipv4-with-port"),
        pytest.param("192.0.2.1-192.0.2.9", Reason.RAW_ADDRESS, id="ipv4-range"),
        pytest.param("192.0.2", Reason.RAW_ADDRESS, id="part-of-an-ipv4-address"),
        pytest.param("１９２.０.２.１", Reason.RAW_ADDRESS, id="ipv4-in-full-width-digits"),  # noqa: RUF001 (meant)
        pytest.param("2001:db8::1", Reason.RAW_ADDRESS, id="ipv6"),
        pytest.param("[2001:DB8::1]", Reason.RAW_ADDRESS, id="ipv6-in-brackets"),
        pytest.param("https://a.test/", Reason.NOT_FOR_DNS, id="web-address"),
        pytest.param("com", Reason.TOO_BROAD, id="top-level-domain"),
        pytest.param("COM.", Reason.TOO_BROAD, id="top-level-domain-with-dot"),
        pytest.param(".", Reason.TOO_BROAD, id="root"),
        pytest.param("*", Reason.TOO_BROAD, id="everything"),
    ],
)
def test_entries_that_are_refused(text: str, reason: Reason) -> None:
    with pytest.raises(Refused) as refused:
        read_name(text)
    assert refused.value.reason is reason


def test_a_single_label_or_the_root_is_a_name_where_nothing_is_covered_by_it() -> None:
    assert read_any_name("com") == "com"
    assert read_any_name(".") == ""


@given(st.text(max_size=300))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    with suppress(Refused):
        name = read_any_name(text)
        assert parse_name(name or ".") == name


@pytest.mark.parametrize("text", ["a.test", "dead.beef", "face", "1.example.test", ""])
def test_names_are_not_taken_for_addresses(text: str) -> None:
    assert not is_address(text)


def test_a_rule_for_names_below_leaves_the_name_itself_alone() -> None:
    rule = below_only(DomainName("a-b.test"))
    assert rule.covers(DomainName("x.a-b.test"))
    assert rule.covers(DomainName("y.x.a-b.test"))
    assert not rule.covers(DomainName("a-b.test"))
    assert not rule.covers(DomainName("xa-b.test"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a.test", "a.test", id="plain"),
        pytest.param("a\tb\x00\x1b[31m", r"a\tb\x00\x1b[31m", id="control-characters-are-escaped"),
        pytest.param("a\u202eb", r"a\u202eb", id="so-is-text-that-runs-backwards"),
        pytest.param("caf\udce9", r"caf\xe9", id="and-octets-that-are-not-utf-8"),
        pytest.param("ü日本語", "ü日本語", id="letters-of-any-script-stay"),
        pytest.param("x" * 120, "x" * 120, id="120-characters-fit"),
        pytest.param("x" * 121, "x" * 119 + "…", id="121-do-not"),
    ],
)
def test_text_is_made_fit_to_be_shown(text: str, expected: str) -> None:
    assert shown(text) == expected
