import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from list_reading import covers, names, only_rule, read

from filters.list_entries import Reason, SpecialRule
from filters.list_formats.adblock import AdblockReader
from rules.name import DomainName, parse_name, to_wire


@pytest.mark.parametrize(
    ("rule", "subtree", "exact"),
    [
        pytest.param("||example.test^", ["example.test"], [], id="two-bars-list-all-below"),
        pytest.param("||Example.TEST^  ", ["example.test"], [], id="upper-case-and-blanks"),
        pytest.param("||example.test^|", ["example.test"], [], id="two-marks-for-the-end"),
        pytest.param("||example.test|", ["example.test"], [], id="a-bar-for-the-end"),
        pytest.param("||example.test", ["example.test"], [], id="no-mark-for-the-end"),
        pytest.param("||example.test^*", ["example.test"], [], id="a-star-behind-the-end"),
        pytest.param("||example.test.^", ["example.test"], [], id="final-dot"),
        pytest.param("||bücher.example^", ["xn--bcher-kva.example"], [], id="u-labels"),
        pytest.param("||example.test^ # why", ["example.test"], [], id="comment-behind"),
        pytest.param("example.test^", ["example.test"], [], id="no-anchor-but-an-end"),
        pytest.param("|example.test^", [], ["example.test"], id="one-bar-lists-the-name-alone"),
        pytest.param("|example.test|", [], ["example.test"], id="a-bar-on-both-sides"),
        pytest.param("example.test", [], ["example.test"], id="a-bare-name-lists-itself-alone"),
        pytest.param("0.0.0.0 example.test", [], ["example.test"], id="a-hosts-line"),
        pytest.param("! comment", [], [], id="comment"),
        pytest.param("# comment", [], [], id="comment-of-hosts-files"),
        pytest.param("#### comment ####", [], [], id="comment-with-many-signs"),
        pytest.param("[Adblock Plus 2.0]", [], [], id="header"),
        pytest.param("", [], [], id="blank"),
    ],
)
def test_rules_that_only_list_a_name(rule: str, subtree: list[str], exact: list[str]) -> None:
    chunk = read(f"{rule}\n", "adblock")
    assert names(chunk.subtree) == subtree
    assert names(chunk.exact) == exact
    assert not chunk.special
    assert not chunk.counts
    assert chunk.ignored == (0 if subtree or exact else 1)


def wire(text: str) -> bytes:
    return to_wire(parse_name(text))


EXAMPLE = wire("example.test")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        pytest.param("@@||example.test^", SpecialRule(EXAMPLE, exception=True), id="exception"),
        pytest.param("@@|example.test^", SpecialRule(EXAMPLE, exception=True, subtree=False), id="exact-exception"),
        pytest.param("@@example.test", SpecialRule(EXAMPLE, exception=True), id="bare-exception-is-for-all-below"),
        pytest.param("||example.test^$important", SpecialRule(EXAMPLE, important=True), id="important"),
        pytest.param(
            "@@||example.test^$important",
            SpecialRule(EXAMPLE, exception=True, important=True),
            id="important-exception",
        ),
        pytest.param(
            "|example.test^$important", SpecialRule(EXAMPLE, subtree=False, important=True), id="exact-important"
        ),
        pytest.param("||example.test^$dnstype=AAAA", SpecialRule(EXAMPLE, dnstypes=frozenset({28})), id="one-type"),
        pytest.param(
            "||example.test^$dnstype=a|HTTPS|TYPE64",
            SpecialRule(EXAMPLE, dnstypes=frozenset({1, 65, 64})),
            id="types",
        ),
        pytest.param(
            "||example.test^$dnstype=~A|~CNAME",
            SpecialRule(EXAMPLE, not_dnstypes=frozenset({1, 5})),
            id="types-excluded",
        ),
        pytest.param(
            "||example.test^$denyallow=a.example.test|b.example.test",
            SpecialRule(EXAMPLE, denyallow=frozenset({wire("a.example.test"), wire("b.example.test")})),
            id="denyallow",
        ),
        pytest.param(
            "||example.test^$important,dnstype=A,denyallow=x.example.test",
            SpecialRule(
                EXAMPLE, important=True, dnstypes=frozenset({1}), denyallow=frozenset({wire("x.example.test")})
            ),
            id="several-modifiers",
        ),
    ],
)
def test_rules_that_say_more_than_a_name(text: str, rule: SpecialRule) -> None:
    assert only_rule(read(f"{text}\n", "adblock")) == rule


@pytest.mark.parametrize(
    ("rule", "hit", "missed"),
    [
        pytest.param(
            "||*.example.test^",
            ["a.example.test", "b.a.example.test"],
            ["example.test", "an-example.test"],
            id="only-below",
        ),
        pytest.param(".example.test^", ["a.example.test"], ["example.test"], id="a-dot-in-front-means-below"),
        pytest.param(
            "||ads*.example.test^",
            ["ads.example.test", "ads7.example.test", "x.ads7.y.example.test"],
            ["bads.example.test", "example.test", "ads.example.test.org"],
            id="a-label-that-begins-so",
        ),
        pytest.param(
            "|ads*.example.test^", ["ads7.example.test"], ["x.ads7.example.test"], id="a-name-that-begins-so"
        ),
        pytest.param("||casino*", ["casino.test", "www.casino-royal.example"], ["mycasino.test"], id="any-end"),
        pytest.param("||casino.*^", ["casino.test", "www.casino.example"], ["casino-royal.test"], id="any-domain"),
        pytest.param(
            "*casino*", ["casino.test", "my-casino.test", "x.casino1.example"], ["cas.ino.test"], id="anywhere"
        ),
        pytest.param(
            "||bet*365*.test^",
            ["bet365.test", "x.betting-365-now.test"],
            ["bet-356.test", "abet365.test"],
            id="two-stars",
        ),
        pytest.param(
            "||t*racker**.test^", ["tracker.test", "t.racker1.test"], ["racker.test"], id="stars-run-together"
        ),
        pytest.param("||a*aab.test^", ["aaab.test", "ab.aab.test"], ["aab.test"], id="literals-do-not-overlap"),
        pytest.param("||xn--*gambl*.test^", ["xn--a.gamble.test"], ["gamble.test"], id="hyphens-are-literal"),
        pytest.param("casi*.test", ["casino.test", "my.casino.test", "mycasino.test"], ["casi.no"], id="no-anchor"),
    ],
)
def test_a_star_stands_for_anything(rule: str, hit: list[str], missed: list[str]) -> None:
    chunk = read(f"{rule}\n", "adblock")
    assert only_rule(chunk).pattern
    assert [name for name in hit if not covers(chunk, name)] == []
    assert [name for name in missed if covers(chunk, name)] == []


@pytest.mark.parametrize(
    ("rule", "suffix"),
    [
        pytest.param("||*.example.test^", "example.test", id="behind-a-star-and-a-dot"),
        pytest.param("||ads*track.example.test^", "example.test", id="behind-a-label-with-a-star"),
        pytest.param("||casino*.test^", "test", id="only-the-top-level-domain"),
        pytest.param("||casino.*^", "", id="none"),
        pytest.param("*casino*", "", id="none-on-either-side"),
    ],
)
def test_a_pattern_has_the_longest_literal_suffix(rule: str, suffix: str) -> None:
    assert names([only_rule(read(f"{rule}\n", "adblock")).name]) == [suffix]


@given(
    st.text(alphabet="ab.*-", min_size=1, max_size=12),
    st.lists(st.text(alphabet="ab-", min_size=1, max_size=4), min_size=1, max_size=4),
    st.sampled_from(["|", "||"]),
)
def test_a_pattern_matches_what_the_plain_regular_expression_matches(
    body: str, name_labels: list[str], anchor: str
) -> None:
    chunk = read(f"{anchor}{body}lit*eral.test^\n{anchor}lit*eral{body}.test^\n", "adblock")
    name = ".".join([*name_labels, "literal", *name_labels, "test"])
    for rule in chunk.special:
        source = next(
            text for text in (f"{body}lit*eral.test", f"lit*eral{body}.test") if rule == _alone(anchor + text)
        )
        plain = re.escape(source).replace(r"\*", ".*")
        expected = re.fullmatch((r"(?:.*\.)?" if anchor == "||" else "") + plain, name) is not None
        assert rule.covers(DomainName(name)) is expected


def _alone(text: str) -> SpecialRule | None:
    special = read(f"{text}^\n", "adblock").special
    return special[0] if special else None


@pytest.mark.timeout(10)
def test_a_pattern_with_many_stars_is_no_trap() -> None:
    rule = only_rule(read("||" + "a*" * 60 + "b.test^\n", "adblock"))
    assert not rule.covers(DomainName(".".join(["a" * 60] * 4) + ".test"))


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        pytest.param("||example.test^$third-party", Reason.UNSUPPORTED_MODIFIER, id="third-party"),
        pytest.param("||example.test^$client=192.0.2.1", Reason.UNSUPPORTED_MODIFIER, id="client"),
        pytest.param("||example.test^$dnsrewrite=NXDOMAIN;;", Reason.UNSUPPORTED_MODIFIER, id="dnsrewrite"),
        pytest.param("||example.test^$important,popup", Reason.UNSUPPORTED_MODIFIER, id="one-of-two"),
        pytest.param("||example.test^$", Reason.UNSUPPORTED_MODIFIER, id="empty-modifier"),
        pytest.param("||example.test^$dnstype=FOO", Reason.BAD_SYNTAX, id="unknown-type"),
        pytest.param("||example.test^$dnstype=", Reason.BAD_SYNTAX, id="no-type"),
        pytest.param("||example.test^$denyallow=", Reason.BAD_NAME, id="denyallow-without-names"),
        pytest.param("example.test##.advert", Reason.UNSUPPORTED_RULE, id="cosmetic"),
        pytest.param("example.test#@#.advert", Reason.UNSUPPORTED_RULE, id="cosmetic-exception"),
        pytest.param("example.test#$#body { }", Reason.UNSUPPORTED_RULE, id="css"),
        pytest.param("example.test$$script[x]", Reason.UNSUPPORTED_RULE, id="html-rule"),
        pytest.param("##.advert", Reason.UNSUPPORTED_RULE, id="cosmetic-for-all"),
        pytest.param("###advert", Reason.UNSUPPORTED_RULE, id="cosmetic-by-identifier"),
        pytest.param("/^ads[0-9]+\\./", Reason.UNSUPPORTED_RULE, id="regular-expression"),
        pytest.param("@@/ads/$important", Reason.UNSUPPORTED_RULE, id="regular-expression-with-modifier"),
        pytest.param("||example.test/ads/*", Reason.UNSUPPORTED_RULE, id="path"),
        pytest.param("||example.test^path", Reason.UNSUPPORTED_RULE, id="separator-in-the-middle"),
        pytest.param("://ads.", Reason.UNSUPPORTED_RULE, id="scheme"),
        pytest.param("|http://example.test", Reason.UNSUPPORTED_RULE, id="web-address"),
        pytest.param("|||example.test^", Reason.UNSUPPORTED_RULE, id="three-bars"),
        pytest.param("||192.0.2.1^", Reason.RAW_ADDRESS, id="address"),
        pytest.param("||192.0.2.*", Reason.RAW_ADDRESS, id="address-with-a-star"),
        pytest.param("||com^", Reason.TOO_BROAD, id="top-level-domain"),
        pytest.param("||*.com^", Reason.TOO_BROAD, id="all-of-a-top-level-domain"),
        pytest.param("*", Reason.TOO_BROAD, id="star"),
        pytest.param("||*^", Reason.TOO_BROAD, id="everything"),
        pytest.param("*$denyallow=com|net", Reason.TOO_BROAD, id="everything-but"),
        pytest.param("||a*^", Reason.TOO_BROAD, id="one-letter"),
        pytest.param("||ads.", Reason.TOO_BROAD, id="a-label-that-is-no-domain"),
        pytest.param("||ads*.", Reason.BAD_NAME, id="a-pattern-with-a-final-dot"),
        pytest.param("||ads*..test^", Reason.BAD_NAME, id="a-pattern-with-two-dots"),
        pytest.param("||bü*cher.example^", Reason.BAD_NAME, id="a-pattern-with-u-labels"),
        pytest.param("||" + "ab*" * 90 + "^", Reason.BAD_NAME, id="a-pattern-longer-than-any-name"),
        pytest.param("@@", Reason.BAD_NAME, id="exception-of-nothing"),
        pytest.param("||^", Reason.BAD_NAME, id="nothing"),
        pytest.param("||exam ple.test^", Reason.BAD_NAME, id="blank-within"),
    ],
)
def test_rules_that_are_refused(rule: str, reason: Reason) -> None:
    chunk = read(f"||good.test^\n{rule}\n", "adblock")
    assert names(chunk.subtree) == ["good.test"]
    assert not chunk.exact
    assert not chunk.special
    assert chunk.counts == {reason: 1}
    assert chunk.bad[0].line == 2


def test_a_refused_modifier_is_named() -> None:
    (bad,) = read("||example.test^$popup\n", "adblock").bad
    assert bad.why == "modifier 'popup', where DNS can honour only important, badfilter, denyallow, dnstype"


@pytest.mark.parametrize(
    ("rules", "left", "cancelled"),
    [
        pytest.param(["||a.test^", "||a.test^$badfilter"], [], 1, id="the-same-rule"),
        pytest.param(["||a.test^$badfilter", "||a.test^"], [], 1, id="in-whatever-order"),
        pytest.param(["||A.test", "||a.TEST^$BADFILTER"], [], 1, id="however-it-is-written"),
        pytest.param(["a.test", "a.test$badfilter"], [], 1, id="a-bare-name"),
        pytest.param(["||a.test^$important", "||a.test^$important,badfilter"], [], 1, id="with-its-modifiers"),
        pytest.param(["||a.test^$important", "||a.test^$badfilter,important"], [], 1, id="modifiers-in-any-order"),
        pytest.param(["@@||a.test^", "@@||a.test^$badfilter"], [], 1, id="an-exception"),
        pytest.param(["||ads*.a.test^", "||ads*.a.test^$badfilter"], [], 1, id="a-pattern"),
        pytest.param(["||a.test^", "||b.test^", "||b.test^$badfilter"], ["a.test"], 1, id="not-its-neighbour"),
        pytest.param(["||x.a.test^", "||a.test^$badfilter"], ["x.a.test"], 0, id="not-a-name-below"),
        pytest.param(["||a.test^", "|a.test^$badfilter"], ["a.test"], 0, id="not-with-another-anchor"),
        pytest.param(["||a.test^", "||a.test^$important,badfilter"], ["a.test"], 0, id="not-with-other-modifiers"),
        pytest.param(
            ["||a.test^", "||a.test^$badfilter,popup"], ["a.test"], 0, id="not-with-a-modifier-that-is-refused"
        ),
    ],
)
def test_badfilter_cancels_a_rule(rules: list[str], left: list[str], cancelled: int) -> None:
    chunk = read("\n".join(rules), "adblock")
    assert names(chunk.subtree) == left
    assert not chunk.exact
    assert not chunk.special
    assert chunk.counts[Reason.CANCELLED] == cancelled


def test_badfilter_reaches_a_rule_far_away_also_in_a_stream() -> None:
    text = b"||a.test^\n" + b"||b.test^\n" * 20_000 + b"||a.test^$badfilter\n"
    for blocks in (text, iter([text[:7], text[7:]])):
        chunk = read(blocks, "adblock")
        assert names(chunk.subtree) == ["b.test"] * 20_000
        assert chunk.counts == {Reason.CANCELLED: 1}


list_names = st.from_regex(r"([A-Za-z0-9_-]{1,9}\.){1,3}[A-Za-z]{2,5}", fullmatch=True)


@given(st.lists(st.builds("||{}^{}".format, list_names, st.sampled_from(["", " ", "\t"])), min_size=1))
def test_a_run_of_rules_says_what_its_lines_say(lines: list[str]) -> None:
    run = "".join(f"{line}\n" for line in lines).lower().encode()
    assert AdblockReader.plain.fullmatch(run)
    at_once, one_by_one = AdblockReader("f"), AdblockReader("f")
    assert at_once.take_run(run)
    for line in lines:
        one_by_one.take_line(line.rstrip())
    assert at_once.chunk == one_by_one.chunk


rule_texts = st.text(alphabet="|@^*$#~=,./[]!ab:- \tü", max_size=30)


@given(st.one_of(rule_texts, st.builds("||a.test^${}".format, rule_texts), st.text(max_size=60)))
def test_any_text_is_a_rule_or_refused(text: str) -> None:
    chunk = read(text.replace("\n", " "), "adblock")
    for rule in chunk.special:
        assert rule.covers(DomainName("a.test")) in {True, False}
