from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.list_formats.zone_file import MAX_OPEN_LINES, MAX_TTL_SECONDS, ZoneFile, ZoneRecord, parse_ttl_seconds
from filters.list_names import Refused


def records(text: str) -> list[ZoneRecord]:
    zone = ZoneFile()
    taken = [zone.take_line(line) for line in text.split("\n")]
    zone.close()
    return [record for record in taken if record is not None]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("a.test. CNAME .", ("a.test", 3600, "CNAME", (".",)), id="owner-type-data"),
        pytest.param("a.test. 60 CNAME .", ("a.test", 60, "CNAME", (".",)), id="ttl"),
        pytest.param("a.test. 60 IN CNAME .", ("a.test", 60, "CNAME", (".",)), id="ttl-class"),
        pytest.param("a.test. IN 60 CNAME .", ("a.test", 60, "CNAME", (".",)), id="class-ttl"),
        pytest.param("A.Test. in 1h30m cname .", ("a.test", 5400, "CNAME", (".",)), id="any-case-and-ttl-units"),
        pytest.param("a.test.\tCNAME\t.\t; why", ("a.test", 3600, "CNAME", (".",)), id="tabs-and-comment"),
        pytest.param("a CNAME b", ("a", 3600, "CNAME", ("b",)), id="relative-to-nothing"),
        pytest.param('a.test. TXT "x ; (y)" z', ("a.test", 3600, "TXT", ('"x ; (y)"', "z")), id="quoted-text"),
        pytest.param(r'a.test. TXT "x\"y"', ("a.test", 3600, "TXT", (r'"x\"y"',)), id="escaped-quotation-mark"),
        pytest.param("a.test. CNAME ( . )", ("a.test", 3600, "CNAME", (".",)), id="parentheses-on-one-line"),
    ],
)
def test_one_record(line: str, expected: tuple[str, int, str, tuple[str, ...]]) -> None:
    assert records(line) == [ZoneRecord(*expected)]


def owners(text: str) -> list[str]:
    return [record.owner for record in records(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("$ORIGIN rpz.test.\na CNAME .", ["a.rpz.test"], id="origin"),
        pytest.param("$origin RPZ.test.\na CNAME .", ["a.rpz.test"], id="origin-in-any-case"),
        pytest.param("$ORIGIN rpz.test.\n@ CNAME .", ["rpz.test"], id="at-sign"),
        pytest.param("$ORIGIN rpz.test.\na.test. CNAME .", ["a.test"], id="absolute-name"),
        pytest.param("$ORIGIN test.\n$ORIGIN rpz\na CNAME .", ["a.rpz.test"], id="relative-origin"),
        pytest.param("$ORIGIN .\na CNAME .", ["a"], id="root-as-origin"),
        pytest.param("a CNAME .\n  TXT x\n\tTXT y", ["a", "a", "a"], id="owner-left-out"),
        pytest.param("rpz.test. SOA a b 1 2 3 4 5\na CNAME .", ["rpz.test", "a.rpz.test"], id="soa-gives-the-origin"),
        pytest.param(
            "$ORIGIN .\nrpz.test SOA a b 1 2 3 4 5\na CNAME .", ["rpz.test", "a"], id="unless-it-was-stated"
        ),
        pytest.param("; only\n\n   \n  ; comments", [], id="nothing"),
        pytest.param("$TTL 1d\n", [], id="directive"),
    ],
)
def test_owner_names_are_made_absolute(text: str, expected: list[str]) -> None:
    assert owners(text) == expected


def test_a_record_may_go_on_over_lines() -> None:
    text = "$TTL 1w\n@ SOA ns.test. me.test. ( ; begin\n  1 ; serial\n\n  2 3\n 4 5 ) ; end\na CNAME ."
    assert records(text) == [
        ZoneRecord("", 604_800, "SOA", ("ns.test.", "me.test.", "1", "2", "3", "4", "5")),
        ZoneRecord("a", 604_800, "CNAME", (".",)),
    ]


@pytest.mark.parametrize(
    ("text", "apex"),
    [
        pytest.param("a CNAME .", "", id="unknown"),
        pytest.param("$ORIGIN rpz.test.", "rpz.test", id="the-first-origin"),
        pytest.param("$ORIGIN rpz.test.\n$ORIGIN x.rpz.test.", "rpz.test", id="not-a-later-one"),
        pytest.param("$ORIGIN .\n$TTL 1\nrpz.test SOA a b 1 2 3 4 5", "rpz.test", id="the-owner-of-the-soa"),
        pytest.param("$ORIGIN test.\nrpz SOA a b 1 2 3 4 5", "rpz.test", id="the-soa-rather-than-the-origin"),
    ],
)
def test_the_name_of_the_zone(text: str, apex: str) -> None:
    zone = ZoneFile()
    for line in text.split("\n"):
        zone.take_line(line)
    assert zone.apex == apex


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param("a.test. CNAME", "a name, a type and data", id="no-data"),
        pytest.param("a.test.", "a name, a type and data", id="only-an-owner"),
        pytest.param("  CNAME .", "without an owner", id="no-owner-anywhere"),
        pytest.param('a.test. TXT "x', "quotation mark", id="quotation-mark-not-closed"),
        pytest.param("a.test. TXT x\\", "backslash", id="backslash-at-the-end"),
        pytest.param("$TTL", "expected", id="ttl-without-value"),
        pytest.param("$TTL soon", "expected", id="ttl-that-is-none"),
        pytest.param("$ORIGIN", "expected", id="origin-without-value"),
        pytest.param("$NONSENSE x", "expected", id="unknown-directive"),
        pytest.param("$INCLUDE other.zone", "$INCLUDE is not supported", id="include"),
        pytest.param("$GENERATE 1-9 a$ A 192.0.2.$", "$GENERATE is not supported", id="generate"),
    ],
)
def test_lines_that_are_refused(line: str, why: str) -> None:
    with pytest.raises(Refused, match=why.replace("$", r"\$")):
        ZoneFile().take_line(line)


def test_a_parenthesis_that_is_never_closed_costs_a_bounded_number_of_lines() -> None:
    zone = ZoneFile()
    assert zone.take_line("a.test. TXT ( x") is None
    for _ in range(MAX_OPEN_LINES - 1):
        assert zone.take_line("y") is None
    with pytest.raises(Refused, match="not closed within"):
        zone.take_line("y")
    assert zone.take_line("b.test. CNAME .") is not None


def test_a_file_that_ends_within_parentheses_is_told() -> None:
    zone = ZoneFile()
    zone.take_line("a.test. TXT ( x")
    assert zone.is_open
    with pytest.raises(Refused, match="ends before"):
        zone.close()
    assert not zone.is_open


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("0", 0, id="zero"),
        pytest.param("3600", 3600, id="seconds"),
        pytest.param("1h", 3600, id="an-hour"),
        pytest.param("1W2d3H4m5s", 788_645, id="all-units"),
        pytest.param("9999999999", MAX_TTL_SECONDS, id="too-much"),
    ],
)
def test_ttls(text: str, seconds: int) -> None:
    assert parse_ttl_seconds(text) == seconds


@given(st.lists(st.text(alphabet='ab.@$*;()"\\ \tTXINCNAME1h', max_size=20), max_size=6))
def test_any_lines_are_records_or_refused(lines: list[str]) -> None:
    zone = ZoneFile()
    for line in lines:
        with suppress(Refused):
            record = zone.take_line(line)
            assert record is None or record.data
