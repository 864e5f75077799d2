import re

import pytest

from filters.list_entries import FORMATS, BadLine, Chunk, ListedLine, Reason, SpecialRule
from rules.name import DomainName, parse_name, to_wire


def wire(text: str) -> bytes:
    return to_wire(parse_name(text))


def test_a_bad_line_says_where_and_why_and_what() -> None:
    line = BadLine("gambling.txt", 4, "10.0.0.1", "an address, where a name was expected")
    assert str(line) == "gambling.txt:4: an address, where a name was expected: 10.0.0.1"


def test_a_listed_line_says_where_and_what() -> None:
    assert str(ListedLine("gambling.txt", 4, "||casino.test^")) == "gambling.txt:4: ||casino.test^"


@pytest.mark.parametrize(
    ("rule", "name", "covered"),
    [
        pytest.param(SpecialRule(wire("a.test")), "a.test", True, id="a-subtree-covers-its-name"),
        pytest.param(SpecialRule(wire("a.test")), "x.a.test", True, id="a-subtree-covers-names-below"),
        pytest.param(SpecialRule(wire("a.test")), "ba.test", False, id="a-subtree-ends-at-a-label"),
        pytest.param(SpecialRule(wire("a.test"), subtree=False), "a.test", True, id="an-exact-rule-covers-its-name"),
        pytest.param(
            SpecialRule(wire("a.test"), subtree=False), "x.a.test", False, id="an-exact-rule-covers-no-more"
        ),
        pytest.param(
            SpecialRule(b"", pattern=r".*ads.*"), "myads.test", True, id="a-pattern-decides-beside-the-name"
        ),
        pytest.param(SpecialRule(b"", pattern=r"ads"), "ads.test", False, id="a-pattern-is-for-the-whole-name"),
        pytest.param(SpecialRule(wire("a.test"), pattern=r".*"), "b.test", False, id="a-pattern-alone-is-not-enough"),
        pytest.param(
            SpecialRule(wire("a.test"), denyallow=frozenset({wire("ok.a.test")})),
            "x.ok.a.test",
            False,
            id="denyallow-leaves-names-below-alone",
        ),
        pytest.param(
            SpecialRule(wire("a.test"), denyallow=frozenset({wire("ok.a.test")})),
            "a.test",
            True,
            id="denyallow-only-those",
        ),
    ],
)
def test_what_a_special_rule_covers(rule: SpecialRule, name: str, covered: bool) -> None:
    assert rule.covers(DomainName(name)) is covered


@pytest.mark.parametrize(
    ("rule", "qtype", "applies"),
    [
        pytest.param(SpecialRule(b""), 1, True, id="all-types-if-none-is-named"),
        pytest.param(SpecialRule(b"", dnstypes=frozenset({28})), 28, True, id="a-named-type"),
        pytest.param(SpecialRule(b"", dnstypes=frozenset({28})), 1, False, id="another-type"),
        pytest.param(SpecialRule(b"", not_dnstypes=frozenset({28})), 28, False, id="an-excluded-type"),
        pytest.param(SpecialRule(b"", not_dnstypes=frozenset({28})), 1, True, id="all-but-the-excluded-type"),
    ],
)
def test_which_query_types_a_special_rule_is_for(rule: SpecialRule, qtype: int, applies: bool) -> None:
    assert rule.is_for_type(qtype) is applies


def test_reasons_and_formats_can_be_metric_labels() -> None:
    assert all(re.fullmatch(r"[a-z_]+", reason) for reason in Reason)
    assert all(re.fullmatch(r"[a-z-]+", list_format) for list_format in FORMATS)


def test_a_new_chunk_shares_nothing_with_another() -> None:
    Chunk().subtree.append(b"x")
    assert Chunk() == Chunk()
    assert not Chunk().subtree
