"""What every kind of query gets, message by message; upstreams and the clock do what the tests say."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from answering import GUEST, PUPIL, STAFF, Answering, Sent, query
from hypothesis import given, settings
from hypothesis import strategies as st
from indexes_of_test import index_of, name_list, text_list, wire

from agent.dns import canaries
from agent.dns.canaries import PRESENT_NAME, UNLISTED_NAME, canary_name
from agent.dns.outcomes import Outcome
from agent.dns.responder import BUSY_REFRESHES, MAX_SHAPE_OCTETS
from agent.dns.snapshot import BlockTexts
from agent.sites.site import (
    ActivityLevel,
    Answers,
    AnswerStyle,
    Endpoint,
    Limits,
    Retention,
    Upstream,
    Upstreams,
    Zone,
)
from filters.list_entries import SpecialRule
from rules.engine import decide
from rules.event import Event
from rules.policy import Effect, Policy, Rulebook, SafeSearch
from rules.subject import Audience, Profile, Scope
from rules.suspension import Extent, State, Suspension, policy_of
from rules.verdict import Block

EVERYBODY = Scope()
PUPILS = Scope(audiences=frozenset({Audience.PUPIL}))


def block(*tags: str, scope: Scope = EVERYBODY, until_at: datetime | None = None) -> Policy:
    return Policy(f"no-{tags[0]}", Effect.BLOCK, frozenset(tags), scope, "site.yaml:1:1", until_at=until_at)


def allow(*tags: str, scope: Scope = EVERYBODY) -> Policy:
    return Policy(f"yes-{tags[0]}", Effect.ALLOW, frozenset(tags), scope, "site.yaml:2:1")


GAMBLING = name_list("gambling", subtree=["bet.test"])
NO_GAMBLING = Rulebook((block("gambling"),))
STRICT = SafeSearch(PUPILS, {"search:google": "strict"})

WWW = "www.example. 300 A 192.0.2.1"
GOOGLE = ("www.google.com. 300 A 192.0.2.99", "forcesafesearch.google.com. 300 A 192.0.2.20")


def with_gambling(**options: Any) -> Answering:
    return Answering(GAMBLING, rulebook=NO_GAMBLING, zone=(WWW,), **options)


# ---- blocked ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bet.test", "BeT.Test", "a.b.bet.test", "x" * 63 + ".bet.test"])
@pytest.mark.parametrize("rdtype", ["A", "AAAA", "HTTPS", "SVCB", "TXT", "MX", "ANY", "CNAME", "TYPE999"])
def test_a_listed_name_is_blocked_for_every_type(name: str, rdtype: str) -> None:
    school = with_gambling()
    for _ in range(3):
        sent = school.ask(name, rdtype, use_edns=0)
        assert (sent.rcode, sent.records, sent.ede, sent.ttls) == ("NXDOMAIN", [], 17, {10})
    assert not school.upstream.asked


@pytest.mark.parametrize(
    ("style", "rdtype", "rcode", "records"),
    [
        pytest.param(AnswerStyle.NODATA, "A", "NOERROR", [], id="no-data"),
        pytest.param(AnswerStyle.NULL, "A", "NOERROR", ["bet.test. 10 A 0.0.0.0"], id="the-null-address"),
        pytest.param(AnswerStyle.NULL, "AAAA", "NOERROR", ["bet.test. 10 AAAA ::"], id="the-null-address-of-ipv6"),
        pytest.param(AnswerStyle.NULL, "HTTPS", "NOERROR", [], id="no-null-service-binding"),
        pytest.param(AnswerStyle.PAGE, "A", "NOERROR", ["bet.test. 10 A 192.0.2.80"], id="the-page"),
        pytest.param(AnswerStyle.PAGE, "AAAA", "NOERROR", [], id="a-page-without-ipv6"),
    ],
)
def test_the_site_says_how_a_block_looks(style: AnswerStyle, rdtype: str, rcode: str, records: list[str]) -> None:
    school = with_gambling(answers=Answers(by_category={"gambling": style}, page_ipv4="192.0.2.80"))
    for _ in range(2):
        sent = school.ask("bet.test", rdtype)
        assert (sent.rcode, sent.records) == (rcode, records)


@pytest.mark.parametrize(
    ("rulebook", "snapshot", "ede"),
    [
        pytest.param(NO_GAMBLING, {}, 17, id="somebody-could-lift-it"),
        pytest.param(NO_GAMBLING, {"not_askable": frozenset({"gambling"})}, 15, id="nobody-can-lift-it"),
        pytest.param(Rulebook(statutory=frozenset({"gambling"})), {}, 16, id="statutory"),
        pytest.param(Rulebook(allow_only=(EVERYBODY,)), {}, 17, id="allow-only"),
    ],
)
def test_the_extended_error_says_what_kind_of_block_it_is(
    rulebook: Rulebook, snapshot: dict[str, Any], ede: int
) -> None:
    school = Answering(GAMBLING, rulebook=rulebook, snapshot={**snapshot, "texts": BlockTexts(default="No!")})
    for _ in range(2):
        sent = school.ask("www.bet.test", use_edns=0)
        assert sent.ede == ede
        assert [option.text for option in sent.message.options] == ["No!"]


def test_two_profiles_get_their_own_verdict() -> None:
    school = Answering(
        GAMBLING, rulebook=Rulebook((block("gambling", scope=PUPILS),)), zone=("bet.test. 9 A 192.0.2.1",)
    )
    for _ in range(3):
        assert school.ask("bet.test", to=PUPIL).rcode == "NXDOMAIN"
        assert school.resolve("bet.test", to=STAFF).addresses == ["192.0.2.1"]


def test_an_allow_only_profile_gets_what_is_allowed_and_nothing_else() -> None:
    kids = name_list("for_children", subtree=["kids.test"])
    rulebook = Rulebook((allow("for_children"),), allow_only=(PUPILS,))
    school = Answering(kids, rulebook=rulebook, zone=(WWW, "www.kids.test. 60 A 192.0.2.5"))
    assert school.resolve("www.kids.test").addresses == ["192.0.2.5"]
    assert school.resolve("www.example").rcode == "NXDOMAIN"
    assert school.resolve("www.example", to=STAFF).addresses == ["192.0.2.1"]


@pytest.mark.parametrize("rdtype", ["A", "AAAA", "HTTPS"])
def test_canary_names_do_not_exist_however_the_site_blocks(rdtype: str) -> None:
    rulebook = Rulebook((block("encrypted_dns", "proxy"),))
    school = Answering(rulebook=rulebook, answers=Answers(default=AnswerStyle.NULL))
    for name in ("use-application-dns.net", "MASK.icloud.com", "mask-h2.icloud.com"):
        assert school.ask(name, rdtype).rcode == "NXDOMAIN"
    assert school.ask("x.mask.icloud.com", rdtype).waits, "the names themselves, and nothing below them"


@pytest.mark.parametrize("tag", ["encrypted_dns", "proxy"])
def test_what_browsers_ask_gets_the_same_answer_while_filtering_is_off(tag: str) -> None:
    name = {"encrypted_dns": "use-application-dns.net", "proxy": "mask.icloud.com"}[tag]
    off = Suspension(
        id="s1",
        requester="manager",
        extent=Extent(is_for_school=True),
        reason="",
        state=State.AGREED,
        requested_at=in_seconds(0),
        from_at=in_seconds(0),
        until_at=in_seconds(3600),
    )
    blocked = block(tag, "malware", "gambling", scope=PUPILS)
    listed = name_list("malware", subtree=["virus.test"]), name_list(tag, subtree=["round.test"])
    zone = (f"{name}. 300 A 192.0.2.1", "round.test. 300 A 192.0.2.1", "bet.test. 300 A 192.0.2.1")
    rulebook = Rulebook((blocked, policy_of(off, blocked.tags)))
    school = Answering(GAMBLING, *listed, rulebook=rulebook, zone=zone)
    assert school.resolve(name).rcode == "NXDOMAIN"
    assert school.resolve(name, to=STAFF).addresses, "for whom nobody blocks it"
    assert school.resolve("virus.test").rcode == "NXDOMAIN"
    assert school.resolve("round.test").addresses
    assert school.resolve("bet.test").addresses


def test_a_canary_is_blocked_as_its_category_and_else_has_the_one_address() -> None:
    school = Answering(rulebook=Rulebook((block("games", scope=PUPILS),)))
    name = canary_name("games")
    assert (school.ask(name).rcode, school.ask(name, to=STAFF).addresses) == ("NXDOMAIN", [canaries.IPV4])
    assert school.ask(name, "AAAA", to=STAFF).addresses == [canaries.IPV6]
    other = school.ask(name, "TXT", to=STAFF)
    assert (other.rcode, other.records) == ("NOERROR", [])
    assert school.ask(name.upper(), to=STAFF).addresses == [canaries.IPV4]
    assert school.ask(UNLISTED_NAME).ttls == {canaries.TTL_SECONDS}
    assert school.upstream.asked == [], "nobody else is asked"


@pytest.mark.parametrize(
    "rulebook",
    [
        pytest.param(Rulebook(), id="nothing-is-blocked"),
        pytest.param(Rulebook(allow_only=(EVERYBODY,)), id="only-chosen-names-are-open"),
        pytest.param(Rulebook((block("name:schoolgate.test"),)), id="the-names-above-it-are-blocked"),
    ],
)
def test_that_a_schoolgate_answers_is_always_told(rulebook: Rulebook) -> None:
    school = Answering(rulebook=rulebook)
    assert school.ask(PRESENT_NAME).addresses == [canaries.IPV4]
    assert (school.ask(UNLISTED_NAME).rcode == "NOERROR") is (rulebook == Rulebook())


def test_canaries_stay_here_whatever_zones_a_site_has() -> None:
    zones = Upstreams((), zones=(Zone("test", (Upstream(Endpoint("192.0.2.53", 53)),)),))
    school = Answering(upstreams=zones)
    assert school.ask(canary_name("games")).addresses == [canaries.IPV4]


@pytest.mark.parametrize("activity", ActivityLevel)
def test_a_query_for_a_canary_is_counted_and_kept_against_nobody(activity: ActivityLevel) -> None:
    retention = Retention(activity=activity, all_reason="a test")
    school = Answering(rulebook=Rulebook((block("games"),)), retention=retention)
    for name in (canary_name("games"), canary_name("chat"), PRESENT_NAME):
        school.ask(name)
    assert school.rows() == {}
    assert {(each.verdict, each.category): count for each, count in school.outcomes().items()} == {
        ("blocked", "games"): 1,
        ("local", "none"): 2,
    }


def test_an_answer_to_ourselves_is_not_counted() -> None:
    school = Answering(rulebook=Rulebook((block("games"),)))
    for name in (canary_name("games"), canary_name("chat")):
        assert school.responder.rehearse(query(name), school.client()) is not None
    assert school.outcomes() == {}
    school.ask(canary_name("games"))
    assert sum(school.outcomes().values()) == 1


ZONE = """\
$TTL 60
@ SOA localhost. root.localhost. 1 2 3 4 5
{0} CNAME .
nodata.{0} CNAME *.
page.{0} A 192.0.2.80
pass.{0} CNAME rpz-passthru.
"""


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode", "records"),
    [
        pytest.param("nodata.bet.test", "A", "NOERROR", [], id="no-data"),
        pytest.param("page.bet.test", "A", "NOERROR", ["page.bet.test. 10 A 192.0.2.80"], id="local-data"),
        pytest.param("page.bet.test", "AAAA", "NOERROR", [], id="local-data-of-another-type"),
        pytest.param("bet.test", "A", "NOERROR", ["bet.test. 10 A 0.0.0.0"], id="a-listing-looks-as-the-site-says"),
    ],
)
def test_a_policy_zone_has_the_word(name: str, rdtype: str, rcode: str, records: list[str]) -> None:
    zone = text_list(ZONE.format("bet.test"), "gambling", list_format="rpz")
    school = Answering(zone, rulebook=NO_GAMBLING, answers=Answers(default=AnswerStyle.NULL))
    for _ in range(2):
        sent = school.ask(name, rdtype)
        assert (sent.rcode, sent.records) == (rcode, records)
    assert school.ask("pass.bet.test").waits


@pytest.mark.parametrize("rule", ["||ads*.test^", "||*ads.bet.*^", "||bet.*^", "bet.te*"])
def test_rules_with_wildcards_are_obeyed_each_time(rule: str) -> None:
    school = Answering(text_list(rule, "gambling"), rulebook=NO_GAMBLING)
    name = "ads1.test" if "ads*" in rule else "ads.bet.test"
    for _ in range(3):
        assert school.ask(name).rcode == "NXDOMAIN"
        assert school.ask("www.example").waits


def test_rules_for_types_are_obeyed() -> None:
    school = Answering(text_list("||bet.test^$dnstype=AAAA", "gambling"), rulebook=NO_GAMBLING)
    for _ in range(2):
        assert school.ask("www.bet.test", "AAAA").rcode == "NXDOMAIN"
        assert school.ask("www.bet.test", "A").waits


# ---- the fast path is the slow path ------------------------------------------------------------------------------

LABELS = st.sampled_from(["a", "b", "bet", "ads", "test", "net", "\x00", "A", "x" * 63])
NAMES = (
    st.lists(LABELS, max_size=5)
    .map(lambda labels: [label.encode() for label in labels])
    .filter(lambda labels: sum(len(label) + 1 for label in labels) < 255)
)
LISTED = st.lists(
    st.lists(st.sampled_from(["a", "b", "bet", "ads", "test", "net"]), min_size=2, max_size=3).map(".".join),
    max_size=5,
)
TAGS = ("gambling", "games", "helplines", "illegal", "name:a.test", "name:b.net")
RULEBOOKS = st.builds(
    Rulebook,
    policies=st.lists(
        st.builds(
            Policy,
            id=st.sampled_from(["p1", "p2", "p3"]),
            effect=st.sampled_from(Effect),
            tags=st.frozensets(st.sampled_from(TAGS), min_size=1),
            scope=st.builds(Scope, audiences=st.frozensets(st.sampled_from(list(Audience)), max_size=1)),
            location=st.just("site.yaml:1:1"),
        ),
        max_size=4,
    ).map(tuple),
    statutory=st.sampled_from([frozenset(), frozenset({"illegal"})]),
    guards=st.sampled_from([frozenset(), frozenset({"helplines"})]),
    allow_only=st.sampled_from([(), (PUPILS,)]),
)
# As parsers make them: whatever is about a whole top-level domain, or about all names, has a pattern.
SPECIALS = st.lists(
    st.one_of(
        st.builds(
            SpecialRule,
            name=st.sampled_from([wire("bet.test"), wire("a.test")]),
            subtree=st.booleans(),
            exception=st.booleans(),
            important=st.booleans(),
            dnstypes=st.sampled_from([frozenset(), frozenset({1})]),
        ),
        st.builds(
            SpecialRule,
            name=st.sampled_from([wire("bet.test"), wire("test"), b""]),
            exception=st.booleans(),
            pattern=st.just(r"(.*\.)?a[^.]*\..*"),
        ),
    ),
    max_size=3,
)


@settings(deadline=None)
@given(LISTED, LISTED, SPECIALS, RULEBOOKS, st.lists(st.tuples(NAMES, st.sampled_from(["A", "AAAA"])), max_size=8))
def test_blocked_is_exactly_what_decide_blocks(
    subtree: list[str],
    exact: list[str],
    special: list[SpecialRule],
    rulebook: Rulebook,
    asked: list[tuple[list[bytes], str]],
) -> None:
    school = Answering(
        name_list("gambling", subtree=subtree, name="one"),
        name_list("games", "helplines", exact=exact, special=special, name="two"),
        name_list("illegal", subtree=exact[:1], special=special[:1], name="three"),
        rulebook=rulebook,
        retention=Retention(activity=ActivityLevel.ALL),
    )
    classifier = school.responder.policy.classifier
    # Once to learn the shapes of queries, once by them.
    for labels, rdtype in [(list[bytes](), "A"), (list[bytes](), "AAAA"), *asked, *asked]:
        question = dns.message.make_query(dns.name.Name([*labels, b""]), rdtype).to_wire()[2:]
        name = question[10:-5].lower()
        for profile in (PUPIL, STAFF):
            school.responder.noted.clear()
            tags = classifier.classify(name, dns.rdatatype.from_text(rdtype))
            verdict = decide(Event(school.responder.policy.decided_at, profile, tags), rulebook)
            sent = school.send(question, profile)
            assert sent.waits is not isinstance(verdict, Block)
            if isinstance(verdict, Block):
                (((_, recorded, _), times),) = school.responder.take_rows().items()
                assert times == 1
                assert name.endswith(recorded)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["bet.test", "www.example", "alias.example", "www.google.com", "late.example"]),
            st.sampled_from(["A", "AAAA", "HTTPS"]),
            st.sampled_from([PUPIL, STAFF, GUEST]),
            st.sampled_from(["ask", "ask", "ask", "ask over TCP", "answer", "fail", "second", "minute", "adopt"]),
        ),
        min_size=4,
        max_size=40,
    )
)
def test_no_client_ever_gets_the_answer_of_another_profile(steps: list[tuple[str, str, Profile, str]]) -> None:
    until_at = datetime(2026, 11, 18, 12, 1, 30, tzinfo=UTC)
    rulebook = Rulebook(
        (block("gambling", scope=PUPILS), block("name:late.example", scope=PUPILS, until_at=until_at)),
        safe_search=(STRICT,),
    )
    zone = (WWW, "alias.example. 20 CNAME www.bet.test.", "www.bet.test. 30 A 192.0.2.9", "bet.test. 9 A 192.0.2.9")
    late = "late.example. 600 A 192.0.2.7"
    school = Answering(GAMBLING, rulebook=rulebook, zone=(*zone, *GOOGLE, late))
    sent: list[tuple[str, str, Profile, Sent]] = []
    for name, rdtype, profile, step in steps:
        match step:
            case "answer":
                school.upstream.answer()
            case "fail":
                school.upstream.fail()
            case "second":
                school.advance(1)
            case "minute":
                school.advance(60)
            case "adopt":
                school.adopt()
            case _:
                sent.append((name, rdtype, profile, school.ask(name, rdtype, to=profile, udp=step == "ask")))
    while school.upstream.waiting:
        school.upstream.answer()
    for name, rdtype, profile, answer in sent:
        assert answer.answers, "everybody gets an answer"
        if answer.rcode == "SERVFAIL":
            continue
        at = school.clocks.wall_seconds - (school.clocks.monotonic_seconds - answer.at)
        is_pupil = profile is PUPIL
        expected = {
            "www.example": {"192.0.2.1"},
            "bet.test": set() if is_pupil else {"192.0.2.9"},
            "alias.example": set() if is_pupil else {"192.0.2.9"},
            "www.google.com": {"192.0.2.20"} if is_pupil else {"192.0.2.99"},
            "late.example": {"192.0.2.7"},
        }[name]
        if is_pupil and name == "late.example" and at < until_at.timestamp():
            # Blocked, unless it waited until nothing blocked it any more.
            assert set(answer.addresses) <= expected
            continue
        assert set(answer.addresses) == (expected if rdtype == "A" else set())


# ---- allowed -----------------------------------------------------------------------------------------------------


def test_an_answer_is_asked_for_once_and_counts_down() -> None:
    school = Answering(zone=(WWW,))
    assert school.resolve("www.Example").records == ["www.Example. 300 A 192.0.2.1"]
    for age in (0, 0.5, 0.5, 9, 200):
        school.advance(age)
        ttl = 300 - int(school.clocks.monotonic_seconds - 1000)
        for _ in range(2):
            assert school.ask("www.Example").records == [f"www.Example. {ttl} A 192.0.2.1"]
        assert school.ask("wWw.example", to=STAFF).ttls == {ttl}
    assert len(school.upstream.asked) == 1


def test_identical_questions_in_flight_are_asked_once() -> None:
    school = Answering(zone=(WWW,))
    sent = [school.ask(name, to=profile) for name in ("www.example", "WWW.example") for profile in (PUPIL, STAFF)]
    sent.append(school.ask("www.example", udp=False))
    others = [school.ask("www.example", "AAAA"), school.ask("www.example", want_dnssec=True)]
    others.append(school.ask("www.example", flags=dns.flags.RD | dns.flags.CD))
    assert [str(asked.rdtype.name) for asked in school.upstream.asked] == ["A", "AAAA", "A", "A"]
    school.upstream.answer()
    assert [each.addresses for each in sent] == [["192.0.2.1"]] * 5
    assert all(each.answers for each in others)


def test_do_and_cd_go_upstream_and_come_back() -> None:
    school = Answering(zone=(WWW,))
    sent = school.ask("www.example", flags=dns.flags.RD | dns.flags.CD, want_dnssec=True)
    (asked,) = school.upstream.asked
    assert (asked.flags, asked.dnssec_ok) == (dns.flags.CD, True)
    school.upstream.answer()
    assert sent.message.flags & dns.flags.CD
    assert sent.message.ednsflags == dns.flags.DO


@pytest.mark.parametrize(
    ("options", "authentic"),
    [
        pytest.param({"flags": dns.flags.RD}, False, id="who-does-not-ask-is-not-told"),
        pytest.param({"flags": dns.flags.RD | dns.flags.AD}, True, id="who-asks-by-AD"),
        pytest.param({"want_dnssec": True}, True, id="who-asks-by-DO"),
    ],
)
def test_authentic_data_is_told_to_those_who_ask(options: dict[str, Any], authentic: bool) -> None:
    def authenticate(message: dns.message.Message) -> None:
        message.flags |= dns.flags.AD

    school = Answering(zone=(WWW,))
    sent = school.ask("www.example", **options)
    school.upstream.answer(authenticate)
    assert bool(sent.message.flags & dns.flags.AD) is authentic


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode"),
    [
        pytest.param("gone.example", "A", "NXDOMAIN", id="no-such-name"),
        pytest.param("www.example", "TXT", "NOERROR", id="no-such-record"),
    ],
)
def test_negative_answers_are_kept_as_long_as_their_soa_says(name: str, rdtype: str, rcode: str) -> None:
    school = Answering(zone=(WWW,))
    assert school.resolve(name, rdtype).rcode == rcode
    school.advance(59.5)
    sent = school.ask(name, rdtype)
    assert (sent.rcode, sent.ttls) == (rcode, {1})
    school.advance(1)
    assert school.ask(name, rdtype).waits


def test_the_extended_error_of_an_upstream_is_passed_on() -> None:
    def explain(message: dns.message.Message) -> None:
        message.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.DNSSEC_BOGUS, "no")])

    school = Answering(zone=(WWW,))
    sent, silent = school.ask("www.example", use_edns=0), school.ask("www.example")
    school.upstream.answer(explain)
    assert (sent.ede, silent.ede) == (6, None)


# ---- looked at again ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rdtype", "records"),
    [
        pytest.param("A", ["www.example. 60 CNAME x.bet.test.", "x.bet.test. 60 A 192.0.2.1"], id="an-alias"),
        pytest.param(
            "A",
            ["www.example. 60 CNAME c.example.", "c.example. 60 CNAME x.bet.test.", "x.bet.test. 60 A 192.0.2.1"],
            id="an-alias-of-an-alias",
        ),
        pytest.param("HTTPS", ["www.example. 60 HTTPS 1 x.bet.test. alpn=h2"], id="a-service-binding"),
        pytest.param("SVCB", ["www.example. 60 SVCB 0 x.bet.test."], id="an-alias-of-a-service-binding"),
    ],
)
def test_what_leads_to_a_blocked_name_is_blocked(rdtype: str, records: list[str]) -> None:
    school = Answering(GAMBLING, rulebook=Rulebook((block("gambling", scope=PUPILS),)), zone=records)
    for _ in range(2):
        assert school.resolve("www.example", rdtype, to=STAFF).records
        sent = school.resolve("www.example", rdtype, use_edns=0)
        assert (sent.rcode, sent.records, sent.ede) == ("NXDOMAIN", [], 17)
    assert school.rows() == {("bet.test", "policy"): 2}, "what the list says, not what was asked"


def test_a_guarded_name_may_lead_anywhere_but_to_what_is_unlawful() -> None:
    helplines = name_list("helplines", subtree=["help.test"])
    illegal = name_list("illegal", subtree=["bad.test"])
    school = Answering(
        GAMBLING,
        helplines,
        illegal,
        rulebook=Rulebook((block("gambling"),), statutory=frozenset({"illegal"}), guards=frozenset({"helplines"})),
        zone=("help.test. 60 CNAME bet.test.", "bet.test. 60 A 192.0.2.1", "x.help.test. 60 CNAME bad.test."),
    )
    assert school.resolve("help.test").addresses == ["192.0.2.1"]
    assert school.resolve("x.help.test").rcode == "NXDOMAIN"


@pytest.mark.parametrize(
    ("rdtype", "record"),
    [
        pytest.param("A", "A 192.168.1.1", id="a-private-address"),
        pytest.param("A", "A 127.0.0.1", id="this-machine"),
        pytest.param("AAAA", "AAAA fd00::1", id="a-unique-local-address"),
        pytest.param("HTTPS", "HTTPS 1 . ipv4hint=10.0.0.1", id="a-private-hint"),
    ],
)
def test_a_public_name_has_no_private_address(rdtype: str, record: str) -> None:
    school = Answering(zone=(f"www.example. 60 {record}",))
    for _ in range(2):
        sent = school.resolve("www.example", rdtype, use_edns=0)
        assert (sent.rcode, sent.records, sent.ede) == ("NOERROR", [], 15)
    assert school.rows() == {("", "private_address"): 2}


INTRANET = (Upstream(Endpoint("192.0.2.53", 53)),)


def test_a_zone_of_the_site_has_its_own_servers_and_private_addresses() -> None:
    upstreams = Upstreams((), zones=(Zone("intra.example", INTRANET), Zone("10.in-addr.arpa", INTRANET)))
    zone = ("printer.intra.example. 60 A 10.0.0.9", "9.0.0.10.in-addr.arpa. 60 PTR printer.intra.example.", WWW)
    school = Answering(zone=zone, upstreams=upstreams)
    assert school.resolve("printer.INTRA.example").addresses == ["10.0.0.9"]
    assert school.resolve("9.0.0.10.in-addr.arpa", "PTR").records == [
        "9.0.0.10.in-addr.arpa. 60 PTR printer.intra.example."
    ]
    assert school.resolve("www.example").addresses == ["192.0.2.1"]
    assert [asked.zone_upstreams for asked in school.upstream.asked] == [INTRANET, INTRANET, None]


def test_answers_from_before_a_zone_became_the_sites_own_are_forgotten() -> None:
    school = Answering(zone=(WWW,))
    assert school.resolve("printer.intra.example").rcode == "NXDOMAIN"
    school.adopt(upstreams=Upstreams((), zones=(Zone("intra.example", INTRANET),)))
    school.upstream.zone.append("printer.intra.example. 60 A 10.0.0.9")
    assert school.resolve("printer.intra.example").addresses == ["10.0.0.9"]


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode"),
    [
        ("1.1.168.192.in-addr.arpa", "PTR", "NXDOMAIN"),
        ("localhost", "A", "NOERROR"),
        ("x.invalid", "A", "NXDOMAIN"),
        ("_dns.resolver.arpa", "SVCB", "NOERROR"),
        ("hidden.onion", "AAAA", "NXDOMAIN"),
    ],
)
def test_local_names_never_leave_the_school(name: str, rdtype: str, rcode: str) -> None:
    school = Answering()
    assert school.ask(name, rdtype).rcode == rcode
    assert school.ask(name, rdtype, flags=0).rcode == rcode
    assert school.outcomes() == {Outcome("pupil", "local", "none", rcode): 2}
    assert not school.upstream.asked


# ---- safe search -------------------------------------------------------------------------------------------------


def test_a_search_is_held_to_its_safe_mode() -> None:
    school = Answering(rulebook=Rulebook(safe_search=(STRICT,)), zone=GOOGLE)
    for _ in range(2):
        sent = school.resolve("www.Google.com")
        assert sent.records == [
            "www.Google.com. 300 CNAME forcesafesearch.google.com.",
            "forcesafesearch.google.com. 300 A 192.0.2.20",
        ]
        assert school.resolve("www.google.com", to=STAFF).addresses == ["192.0.2.99"]
    for rdtype in ("HTTPS", "SVCB", "CNAME", "DNAME"):
        sent = school.ask("www.google.com", rdtype)
        assert (sent.rcode, sent.records) == ("NOERROR", [])
    school.advance(290)
    assert school.ask("www.google.com").ttls == {10}


def test_all_records_of_a_search_are_no_way_round() -> None:
    school = Answering(rulebook=Rulebook(safe_search=(STRICT,)), zone=GOOGLE, answers=Answers(minimal_any=False))
    school.upstream.zone += ["alias.example. 60 CNAME www.google.com.", WWW]
    for name in ("www.google.com", "alias.example"):
        assert school.resolve(name, "ANY").records == [f'{name}. 3600 HINFO "RFC8482" ""']
    assert [asked.name for asked in school.upstream.asked] == ["alias.example"]


def test_an_alias_of_a_search_is_held_to_the_safe_mode() -> None:
    school = Answering(
        rulebook=Rulebook(safe_search=(STRICT,)), zone=(*GOOGLE, "alias.example. 60 CNAME www.google.com.")
    )
    for _ in range(2):
        assert school.resolve("alias.example").addresses == ["192.0.2.20"]
        assert school.resolve("alias.example", to=STAFF).addresses == ["192.0.2.99"]


@pytest.mark.parametrize("rcode", ["SERVFAIL", "NXDOMAIN"])
def test_a_safe_mode_that_cannot_be_found_is_not_made_up(rcode: str) -> None:
    def spoil(message: dns.message.Message) -> None:
        message.answer.clear()
        message.set_rcode(dns.rcode.from_text(rcode))

    school = Answering(rulebook=Rulebook(safe_search=(STRICT,)), zone=GOOGLE)
    sent = school.ask("www.google.com")
    school.upstream.answer(spoil)
    assert sent.rcode == rcode


def test_a_safe_mode_with_too_many_addresses_is_truncated() -> None:
    many = [f"forcesafesearch.google.com. 300 A 192.0.2.{number}" for number in range(250)]
    school = Answering(rulebook=Rulebook(safe_search=(STRICT,)), zone=many)
    assert school.resolve("www.google.com").is_truncated
    assert len(school.ask("www.google.com", udp=False).addresses) == 250


# ---- when the policy changes -------------------------------------------------------------------------------------


def in_seconds(seconds: float) -> datetime:
    return datetime(2026, 11, 18, 12, tzinfo=UTC) + timedelta(seconds=seconds)


def test_no_answer_outlives_the_policy_that_allowed_it() -> None:
    lesson = replace(block("name:www.example"), from_at=in_seconds(100))
    school = Answering(rulebook=Rulebook((lesson,)), zone=(WWW,))
    school.resolve("www.example")
    for age in (0, 0.4, 0.4, 0.4, 50, 40, 8.3):
        school.advance(age)
        sent = school.ask("www.example")
        assert max(sent.ttls) <= 100 - (school.clocks.monotonic_seconds - 1000)
    school.clocks.advance(0.7)
    assert school.ask("www.example").ttls == {0}, "until the worker has looked at the clock"
    school.tick()
    assert school.ask("www.example").rcode == "NXDOMAIN"


GRANTED = ("bet.test. 300 A 192.0.2.1", "own.example. 300 CNAME bet.test.", WWW, "www.example. 300 HTTPS 1 bet.test.")


def grant(name: str, *tags: str, lasts: float = 3600, scope: Scope = PUPILS) -> Policy:
    return replace(allow(*tags, scope=scope), id=name, from_at=in_seconds(0), until_at=in_seconds(lasts))


@pytest.mark.parametrize("granted", ["override-o1", "suspension-s1"])
@pytest.mark.parametrize(
    ("asked", "rulebook"),
    [
        pytest.param(("bet.test", "A"), NO_GAMBLING, id="an-address"),
        pytest.param(("none.bet.test", "A"), NO_GAMBLING, id="no-such-name"),
        pytest.param(("bet.test", "ANY"), NO_GAMBLING, id="any-record"),
        pytest.param(("own.example", "A"), NO_GAMBLING, id="a-name-that-leads-there"),
        pytest.param(("www.example", "HTTPS"), NO_GAMBLING, id="a-service-that-leads-there"),
        pytest.param(("bet.test", "A"), Rulebook(allow_only=(PUPILS,)), id="a-name-among-chosen-ones"),
    ],
)
def test_what_was_granted_lives_for_a_minute_so_that_revoking_is_everywhere_by_then(
    granted: str, asked: tuple[str, str], rulebook: Rulebook
) -> None:
    rulebook = replace(rulebook, policies=(*rulebook.policies, grant(granted, "gambling")))
    school = Answering(GAMBLING, rulebook=rulebook, zone=GRANTED)
    for _ in range(3):
        assert max(school.resolve(*asked).ttls) == 60
        school.advance(0.4)
    school.advance(230)
    assert max(school.resolve(*asked).ttls) == 60, "as long as the world lets it live"
    assert school.counters.plain["reply_cache_hits"] == 0


@pytest.mark.parametrize("granted", ["override-o1", "suspension-s1"])
def test_a_safe_mode_that_was_granted_lives_for_a_minute(granted: str) -> None:
    policies = block("search:google"), grant(granted, "search:google")
    school = Answering(rulebook=Rulebook(policies, safe_search=(STRICT,)), zone=GOOGLE)
    assert school.resolve("www.google.com").ttls == {60}


@pytest.mark.parametrize(
    ("asked", "to", "ttl"),
    [
        pytest.param("www.example", PUPIL, 300, id="what-is-open-anyhow"),
        pytest.param("bet.test", STAFF, 300, id="for-whom-it-is-open-anyhow"),
        pytest.param("bet.test", PUPIL, 60, id="what-was-granted"),
    ],
)
def test_what_was_not_granted_lives_as_ever(asked: str, to: Profile, ttl: int) -> None:
    rulebook = Rulebook((block("gambling", scope=PUPILS), grant("suspension-s1", "gambling", scope=EVERYBODY)))
    school = Answering(GAMBLING, rulebook=rulebook, zone=GRANTED)
    assert max(school.resolve(asked, to=to).ttls) == ttl


def test_what_was_granted_lives_no_longer_than_the_grant_and_the_site_allow() -> None:
    rulebook = Rulebook((*NO_GAMBLING.policies, grant("override-o1", "gambling", lasts=40)))
    school = Answering(GAMBLING, rulebook=rulebook, zone=GRANTED)
    assert school.resolve("bet.test").ttls == {39}
    school.advance(40)
    assert school.resolve("bet.test").rcode == "NXDOMAIN"
    school = Answering(GAMBLING, rulebook=rulebook, zone=GRANTED, answers=Answers(max_ttl_seconds=20))
    assert school.resolve("bet.test").ttls == {20}


def test_in_busy_times_no_ttl_is_more_than_the_truth() -> None:
    lesson = replace(block("name:www.example"), from_at=in_seconds(280))
    school = Answering(rulebook=Rulebook((lesson,)), zone=(WWW,))
    school.resolve("www.example")
    client, responder = school.client(), school.responder
    asked = [query("www.example", payload=600 + number) for number in range(BUSY_REFRESHES + 1)]
    for octets in asked:
        school.responder.respond(octets, client, udp=True)
    held = Counter[int]()
    for _ in range(60):
        school.advance(0.5)
        sent = school.send(asked[0])
        (ttl,) = sent.ttls
        age = school.clocks.monotonic_seconds - 1000
        assert min(300, 280) - age - 10 <= ttl <= min(300, 280) - age
        held[ttl] += 1
        for octets in asked[1:]:
            finished = client.find(octets)
            if finished is not None and finished[1] <= responder.now:
                responder.refresh(octets, client, finished)
    assert max(held.values()) > 4, "some replies hold for longer than a second"


def test_a_boundary_in_flight_decides_anew() -> None:
    lesson = replace(block("name:www.example"), from_at=in_seconds(1))
    school = Answering(rulebook=Rulebook((lesson,)), zone=(WWW,))
    sent = school.ask("www.example")
    school.advance(1.5)
    school.upstream.answer()
    assert sent.rcode == "NXDOMAIN"


@pytest.mark.parametrize(
    ("before", "after", "addresses"),
    [
        pytest.param((), (block("name:www.google.com"),), [], id="blocked-meanwhile"),
        pytest.param((), (), ["192.0.2.99"], id="nothing-new"),
        pytest.param((), (STRICT,), ["192.0.2.20"], id="safe-search-switched-on"),
        pytest.param((STRICT,), (), ["192.0.2.99"], id="safe-search-switched-off"),
        pytest.param((STRICT,), (STRICT,), ["192.0.2.20"], id="safe-search-stays-on"),
    ],
)
@pytest.mark.parametrize("ttl", [0, 300])
def test_a_reload_in_flight_decides_anew(
    before: tuple[SafeSearch, ...], after: tuple[SafeSearch | Policy, ...], addresses: list[str], ttl: int
) -> None:
    zone = [line.replace(" 300 ", f" {ttl} ") for line in GOOGLE]
    school = Answering(rulebook=Rulebook(safe_search=before), zone=zone)
    sent = school.ask("www.google.com")
    policies = tuple(each for each in after if isinstance(each, Policy))
    modes = tuple(each for each in after if isinstance(each, SafeSearch))
    school.adopt(rulebook=Rulebook(policies, safe_search=modes))
    while school.upstream.waiting:
        school.upstream.answer()
    assert sent.addresses == addresses
    assert school.resolve("www.google.com").addresses == addresses


def test_other_lists_in_flight_decide_anew() -> None:
    school = with_gambling()
    sent = school.ask("www.example")
    school.adopt(index=index_of(name_list("gambling", subtree=["example"])))
    school.upstream.answer()
    assert sent.rcode == "NXDOMAIN"
    assert school.rows() == {("example", "policy"): 1}


def test_a_reload_forgets_finished_replies_and_keeps_what_upstreams_said() -> None:
    school = with_gambling()
    school.resolve("www.example")
    school.adopt(rulebook=Rulebook())
    assert school.ask("www.example").addresses == ["192.0.2.1"]
    assert school.ask("bet.test").waits
    assert len(school.upstream.asked) == 2


# ---- what fits ---------------------------------------------------------------------------------------------------

BIG = tuple(f"big.example. 60 TXT {'x' * 200}{number:03}" for number in range(30))


@pytest.mark.parametrize(
    ("records", "options", "is_truncated"),
    [
        pytest.param(2, {}, False, id="what-fits-into-512"),
        pytest.param(3, {}, True, id="without-EDNS-no-more-than-512"),
        pytest.param(5, {"payload": 4096}, False, id="what-fits-into-1232"),
        pytest.param(7, {"payload": 4096}, True, id="never-more-than-the-site-allows"),
        pytest.param(3, {"payload": 100}, True, id="less-than-512-means-512"),
        pytest.param(30, {"udp": False}, False, id="over-TCP-everything-fits"),
    ],
)
def test_what_is_too_long_for_the_client_is_truncated(
    records: int, options: dict[str, Any], is_truncated: bool
) -> None:
    school = Answering(zone=BIG[:records])
    for _ in range(2):
        sent = school.resolve("big.example", "TXT", **options)
        assert sent.is_truncated is is_truncated
        assert bool(sent.records) is not is_truncated


def test_a_larger_limit_of_the_site_is_used() -> None:
    school = Answering(zone=BIG[:7], limits=Limits(udp_payload_bytes=4096))
    sent = school.resolve("big.example", "TXT", payload=4096)
    assert (len(sent.records), sent.message.payload) == (7, 4096)


def test_any_number_of_additional_records_is_counted_right() -> None:
    def add(message: dns.message.Message) -> None:
        message.additional += [
            dns.rrset.from_text(f"n{number}.test.", 60, "IN", "A", "192.0.2.1") for number in range(255)
        ]

    school = Answering(zone=(WWW,))
    sent = school.ask("www.example", use_edns=0, udp=False)
    school.upstream.answer(add)
    assert len(sent.message.additional) == 255


def test_the_longest_answer_leaves_room_for_our_own_record() -> None:
    filler = [f"big.example. 60 TXT {' '.join(['x' * 255] * 15)} {'x' * 43}{number:02}" for number in range(16)]

    def strip(message: dns.message.Message) -> None:
        message.use_edns(-1)

    school = Answering(zone=filler)
    sent = school.ask("big.example", "TXT", use_edns=0, udp=False)
    school.upstream.answer(strip)
    assert len(sent.answers[0]) + 2 <= 65_535


# ---- queries that are not plain ----------------------------------------------------------------------------------


def test_a_future_version_of_edns_is_told_which_one_we_speak() -> None:
    school = with_gambling()
    for name in ("bet.test", "www.example"):
        sent = school.send(query(name, use_edns=1))
        assert (sent.rcode, sent.message.edns) == ("BADVERS", 0)


def test_unknown_options_and_flags_are_ignored() -> None:
    options = [
        dns.edns.GenericOption(dns.edns.OptionType.make(65001), b"abc"),
        dns.edns.GenericOption(dns.edns.OptionType.make(10), b"12345678"),
    ]
    school = with_gambling()
    for _ in range(2):
        sent = school.ask("bet.test", use_edns=0, ednsflags=0x4321, options=options)
        assert (sent.rcode, sent.message.ednsflags) == ("NXDOMAIN", 0)
        assert [option.otype for option in sent.message.options] == [15]


def test_recursion_that_is_not_wanted_is_not_done_and_nothing_told() -> None:
    school = with_gambling()
    school.resolve("www.example")
    for name in ("www.example", "other.example"):
        sent = school.ask(name, flags=0, use_edns=0)
        assert (sent.rcode, sent.ede) == ("REFUSED", 20)
        assert not sent.message.flags & dns.flags.RD
    assert school.ask("bet.test", flags=0).rcode == "NXDOMAIN"


def test_any_gets_one_record_unless_the_site_wants_all() -> None:
    school = Answering(zone=(WWW,))
    assert school.ask("www.example", "ANY").records == ['www.example. 3600 HINFO "RFC8482" ""']
    school.adopt(answers=Answers(minimal_any=False))
    assert school.ask("www.example", "ANY").waits


@pytest.mark.parametrize("name", ["version.bind", "VERSION.server"])
def test_chaos_is_refused_unless_the_site_answers_it(name: str) -> None:
    school = Answering()
    question = query(name, "TXT", rdclass="CH")
    assert school.send(question).rcode == "REFUSED"
    school.adopt(answers=Answers(chaos=True))
    sent = school.send(question)
    assert [str(record) for rrset in sent.message.answer for record in rrset] == ['"Schoolgate"']
    assert school.send(query("hostname.bind", "TXT", rdclass="CH")).rcode == "REFUSED"


@pytest.mark.parametrize(
    ("rdtype", "rdclass", "rcode"),
    [
        ("AXFR", "IN", "REFUSED"),
        ("IXFR", "IN", "REFUSED"),
        ("A", "CH", "REFUSED"),
        ("A", "ANY", "REFUSED"),
        ("A", "NONE", "REFUSED"),
        ("OPT", "IN", "FORMERR"),
        ("TYPE0", "IN", "FORMERR"),
        ("TSIG", "IN", "NOTIMP"),
        ("TKEY", "IN", "NOTIMP"),
        ("MAILB", "IN", "NOTIMP"),
    ],
)
def test_questions_that_are_for_other_servers(rdtype: str, rdclass: str, rcode: str) -> None:
    school = with_gambling()
    for name in ("www.example", "bet.test"):
        question = query(name, "A")[:-4] + bytes(
            (
                *dns.rdatatype.from_text(rdtype).to_bytes(2, "big"),
                *dns.rdataclass.from_text(rdclass).to_bytes(2, "big"),
            )
        )
        for _ in range(2):
            assert school.send(question).rcode == rcode


@pytest.mark.parametrize("opcode", [1, 2, 4, 5, 6, 15])
def test_other_opcodes_are_not_implemented(opcode: int) -> None:
    octets = bytes((opcode << 3 | 1,)) + query("www.example")[1:]
    for sent in (with_gambling().send(octets), with_gambling().send(octets[:14])):
        assert sent.rcode == "NOTIMP"
        assert sent.message.opcode() == opcode


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda octets: octets[:-1], id="cut-short"),
        pytest.param(lambda octets: octets + b"x", id="octets-at-the-end"),
        pytest.param(lambda octets: octets[:3] + b"\2" + octets[4:], id="two-questions-announced"),
        pytest.param(lambda octets: octets[:3] + b"\0" + octets[4:], id="no-question-announced"),
        pytest.param(lambda octets: octets[:10] + b"\xc0\x0c" + octets[-4:], id="a-pointer-to-itself"),
        pytest.param(lambda octets: octets[:10] + b"\x3f" + octets[11:], id="a-label-past-the-end"),
        pytest.param(lambda octets: octets[:10] + b"\x01a" * 130 + octets[-5:], id="a-name-of-261-octets"),
    ],
)
def test_malformed_queries_are_told_so(spoil: Callable[[bytes], bytes]) -> None:
    school = with_gambling()
    school.ask("www.example")
    assert school.send(spoil(query("www.example"))).rcode == "FORMERR"
    assert school.counters.plain["malformed"] == 1


@pytest.mark.parametrize("octets", [b"", b"\1", b"\1\0\0\1", b"\x81" + query("www.example")[1:]])
def test_responses_and_scraps_are_not_answered(octets: bytes) -> None:
    school = with_gambling()
    assert school.send(octets).waits
    assert school.responder.refuse_stranger(octets) is None
    assert school.responder.restrain(octets, school.client(), refuse=True) is None
    assert school.counters.plain["dropped"] == 3


def test_a_name_with_a_zero_octet_is_itself_and_no_other() -> None:
    school = with_gambling()
    inside = query("a.test")[:10] + b"\x04\0bet\x03bet\x04test\0\0\x01\0\x01"
    for _ in range(2):
        assert school.ask("bet.test").rcode == "NXDOMAIN"
        assert school.send(inside).rcode == "NXDOMAIN"
        assert school.send(inside.replace(b"\x03bet", b"\x03\0et")).waits


# ---- strangers, and clients that ask too much --------------------------------------------------------------------


def reply_of(octets: bytes | None) -> dns.message.Message:
    assert octets is not None
    return dns.message.from_wire(b"\0\0" + octets)


def test_strangers_are_refused_and_counted() -> None:
    school = with_gambling()
    refused = reply_of(school.responder.refuse_stranger(query("www.example", use_edns=0)))
    assert (refused.rcode(), refused.question[0].name.to_text()) == (dns.rcode.REFUSED, "www.example.")
    assert reply_of(school.responder.refuse_stranger(query("www.example")[:-1])).rcode() == dns.rcode.FORMERR
    update = b"\x29" + query("www.example")[1:]
    assert reply_of(school.responder.refuse_stranger(update)).rcode() == dns.rcode.NOTIMP
    assert school.counters.plain["clients_refused"] == 3
    assert school.outcomes() == {
        Outcome("unknown", "refused", "none", "REFUSED"): 1,
        Outcome("unknown", "malformed", "none", "FORMERR"): 1,
        Outcome("unknown", "malformed", "none", "NOTIMP"): 1,
    }


def test_restraint_is_never_silent() -> None:
    school = with_gambling()
    client, restrain = school.client(), school.responder.restrain
    truncated = reply_of(restrain(query("www.example"), client, refuse=False))
    assert truncated.flags & dns.flags.TC
    assert reply_of(restrain(query("www.example"), client, refuse=True)).rcode() == dns.rcode.REFUSED
    assert reply_of(restrain(query("www.example")[:-1], client, refuse=True)).rcode() == dns.rcode.FORMERR
    assert reply_of(restrain(b"\x29" + query("a.test")[1:], client, refuse=True)).rcode() == dns.rcode.NOTIMP
    assert (school.counters.plain["clients_truncated"], school.counters.plain["clients_limited"]) == (1, 1)


# ---- what is counted and recorded --------------------------------------------------------------------------------


def test_every_answer_is_counted_once() -> None:
    school = with_gambling()
    for _ in range(3):
        school.ask("x.bet.test")
        school.resolve("www.example", to=STAFF)
        school.resolve("gone.example", to=GUEST)
    assert school.outcomes() == {
        Outcome("pupil", "blocked", "gambling", "NXDOMAIN"): 3,
        Outcome("staff", "allowed", "none", "NOERROR"): 3,
        Outcome("guest", "allowed", "none", "NXDOMAIN"): 3,
    }


@pytest.mark.parametrize(
    ("level", "rows"),
    [
        pytest.param(ActivityLevel.COUNTS, {}, id="counts-are-all-there-is"),
        pytest.param(
            ActivityLevel.BLOCKED,
            {("bet.test", "policy"): 3, ("a.play.test", "policy"): 2, ("", "allow_only"): 2},
            id="of-blocked-queries-what-the-list-says",
        ),
        pytest.param(
            ActivityLevel.ALL,
            {
                ("bet.test", "policy"): 3,
                ("a.play.test", "policy"): 2,
                ("www.example", "no_policy"): 2,
                ("other.example", "allow_only"): 2,
            },
            id="everything-where-the-school-says-so",
        ),
    ],
)
def test_rows_hold_what_the_site_wants(level: ActivityLevel, rows: dict[tuple[str, str], int]) -> None:
    school = Answering(
        name_list("gambling", subtree=["bet.test"], exact=["a.play.test"]),
        name_list("games", subtree=["x.bet.test"]),
        rulebook=Rulebook((block("gambling"),), allow_only=(Scope(audiences=frozenset({Audience.STAFF})),)),
        zone=(WWW,),
        retention=Retention(activity=level),
    )
    for name in ("deep.down.bet.test", "bet.test", "secret.x.bet.test", "a.play.test", "a.play.test", "www.example"):
        school.resolve(name)
    school.resolve("www.example")
    for _ in range(2):
        school.resolve("other.example", to=STAFF)
    assert school.rows() == rows


def test_where_all_is_recorded_an_answer_is_recorded_as_it_was_given() -> None:
    zone = ("alias.example. 60 CNAME x.bet.test.", "x.bet.test. 60 A 192.0.2.1")
    school = Answering(GAMBLING, rulebook=NO_GAMBLING, zone=zone, retention=Retention(activity=ActivityLevel.ALL))
    school.resolve("alias.example")
    school.ask("localhost")
    assert school.rows() == {("bet.test", "policy"): 1, ("localhost", "no_policy"): 1}


@pytest.mark.parametrize("level", ActivityLevel)
def test_helplines_are_never_recorded(level: ActivityLevel) -> None:
    names = ["help.test", "blocked.help.test", "private.help.test", "alias.help.test"]
    school = Answering(
        name_list("helplines", subtree=["help.test"]),
        name_list("illegal", subtree=["blocked.help.test", "bad.test"]),
        rulebook=Rulebook(statutory=frozenset({"illegal"}), guards=frozenset({"helplines"}), allow_only=(EVERYBODY,)),
        zone=("help.test. 9 A 192.0.2.1", "private.help.test. 9 A 10.0.0.1", "alias.help.test. 9 CNAME bad.test."),
        snapshot={"unrecorded": frozenset({"helplines"})},
        retention=Retention(activity=level),
    )
    for name in (*names, *names):
        school.resolve(name)
    assert school.rows() == {}


# ---- how overrides are used --------------------------------------------------------------------------------------


def override(*tags: str, lifts: str = "", name: str = "override-o1", scope: Scope = PUPILS) -> Policy:
    opened = allow(*tags, scope=scope)
    return replace(opened, id=name, lifts=frozenset(lifts.split()), from_at=in_seconds(0), until_at=in_seconds(100))


LESSON = Rulebook((block("gambling"), override("name:bet.test", lifts="gambling")))
BET = ("bet.test. 300 A 192.0.2.1", "www.bet.test. 300 A 192.0.2.2", "bet.test. 300 HTTPS 1 .")


def test_every_answer_that_is_owed_to_an_override_is_a_use_of_it_by_a_device_and_no_name_of_anybody() -> None:
    school = Answering(GAMBLING, rulebook=LESSON, zone=BET)
    for name in ("bet.test", "bet.test", "www.bet.test", "nothing.bet.test"):
        school.resolve(name)
    school.resolve("bet.test", "HTTPS")
    school.resolve("bet.test", udp=False)
    for _ in range(3):
        school.resolve("bet.test", device=1)
    assert school.uses() == {("o1", "0"): 6, ("o1", "1"): 3}
    assert school.rows() == {}
    assert school.counters.plain["reply_cache_hits"] == 0, "none is answered without being looked at"
    assert school.counters.plain["answer_cache_hits"] == 5, "but nobody asks for it again"


def test_who_has_no_override_makes_no_use_of_it_and_is_answered_as_fast_as_ever() -> None:
    school = Answering(GAMBLING, rulebook=LESSON, zone=(*BET, WWW))
    assert school.resolve("bet.test", to=STAFF).rcode == "NXDOMAIN"
    for _ in range(3):
        school.resolve("www.example")
    school.advance(100)
    assert school.resolve("bet.test").rcode == "NXDOMAIN", "it has ended"
    assert school.uses() == {}
    assert school.counters.plain["reply_cache_hits"] == 2


def test_an_answer_that_comes_when_it_has_ended_is_no_use_of_it() -> None:
    school = Answering(GAMBLING, rulebook=LESSON, zone=BET)
    sent = school.ask("bet.test")
    school.advance(100)
    school.upstream.answer()
    assert (sent.rcode, school.uses()) == ("NXDOMAIN", {})


@pytest.mark.parametrize(
    ("level", "uses"),
    [
        pytest.param(ActivityLevel.COUNTS, {("o1", ""): 2}, id="by-nobody-in-particular"),
        pytest.param(ActivityLevel.BLOCKED, {("o1", "0"): 1, ("o1", "1"): 1}, id="by-a-device"),
        pytest.param(ActivityLevel.ALL, {("o1", "0"): 1, ("o1", "1"): 1}, id="by-a-device-beside-the-query"),
    ],
)
def test_how_a_use_is_recorded(level: ActivityLevel, uses: dict[tuple[str, str], int]) -> None:
    school = Answering(GAMBLING, rulebook=LESSON, zone=BET, retention=Retention(activity=level))
    for device in (0, 1):
        school.resolve("bet.test", device=device)
    assert school.uses() == uses
    assert set(school.rows()) == ({("bet.test", "lifted")} if level is ActivityLevel.ALL else set())


@pytest.mark.parametrize(
    ("rulebook", "asked", "zone"),
    [
        pytest.param(
            Rulebook((override("name:www.example"),), allow_only=(PUPILS,)),
            ("www.example", "A"),
            (WWW,),
            id="a-name-among-chosen-ones",
        ),
        pytest.param(
            Rulebook((block("search:google"), override("search:google")), safe_search=(STRICT,)),
            ("www.google.com", "A"),
            GOOGLE,
            id="a-service-in-its-safe-mode",
        ),
        pytest.param(
            Rulebook((block("search:google"), override("search:google")), safe_search=(STRICT,)),
            ("www.google.com", "HTTPS"),
            GOOGLE,
            id="another-way-into-its-safe-mode",
        ),
        pytest.param(LESSON, ("bet.test", "ANY"), BET, id="any-record"),
        pytest.param(
            LESSON,
            ("www.example", "A"),
            ("www.example. 300 CNAME www.bet.test.", *BET),
            id="a-name-that-leads-to-an-open-one",
        ),
        pytest.param(
            Rulebook((block("name:site.localhost"), override("name:site.localhost"))),
            ("site.localhost", "A"),
            (),
            id="a-local-name",
        ),
        pytest.param(
            Rulebook((*LESSON.policies, override("gambling", name="override-o1-2"))),
            ("bet.test", "A"),
            BET,
            id="two-policies-of-one-override",
        ),
    ],
)
def test_what_else_is_owed_to_an_override(rulebook: Rulebook, asked: tuple[str, str], zone: tuple[str, ...]) -> None:
    school = Answering(GAMBLING, rulebook=rulebook, zone=zone)
    for _ in range(3):
        school.resolve(*asked)
    assert school.uses() == {("o1", "0"): 3}


@pytest.mark.parametrize(
    "rulebook",
    [
        pytest.param(Rulebook((block("games"), override("gambling"))), id="what-nobody-blocks"),
        pytest.param(Rulebook((*LESSON.policies, allow("gambling"))), id="what-a-rule-of-the-site-opens"),
        pytest.param(replace(LESSON, guards=frozenset({"gambling"})), id="what-is-always-open"),
        pytest.param(
            Rulebook((block("gambling"), override("gambling", name="suspension-s1"))), id="what-a-suspension-opens"
        ),
    ],
)
def test_what_is_open_anyhow_is_no_use_of_an_override(rulebook: Rulebook) -> None:
    school = Answering(GAMBLING, rulebook=rulebook, zone=BET)
    assert school.resolve("bet.test").addresses == ["192.0.2.1"]
    assert school.uses() == {}


def test_who_asks_for_help_is_not_counted_either() -> None:
    rulebook = Rulebook((block("gambling"), override("gambling")))
    school = Answering(GAMBLING, rulebook=rulebook, zone=BET, snapshot={"unrecorded": frozenset({"gambling"})})
    assert school.resolve("bet.test").addresses == ["192.0.2.1"]
    assert school.uses() == {}


# ---- nothing grows, nothing breaks -------------------------------------------------------------------------------


def test_long_queries_are_answered_and_not_remembered() -> None:
    school = with_gambling()
    for number in range(50):
        padding = dns.edns.GenericOption(dns.edns.OptionType.make(12), number.to_bytes(2, "big") * 2000)
        assert school.ask("bet.test", use_edns=0, options=[padding], udp=False).rcode == "NXDOMAIN"
    assert sum(map(len, school.responder._shapes)) <= MAX_SHAPE_OCTETS
    school.ask("bet.test", use_edns=0)
    assert len(school.responder._shapes) == 1


def test_a_million_ways_of_asking_are_forgotten_again() -> None:
    school = with_gambling()
    cookie = dns.edns.GenericOption(dns.edns.OptionType.make(10), bytes(8))
    octets = query("bet.test", use_edns=0, options=[cookie])
    for number in range(5000):
        for _ in range(2):
            school.responder.respond(octets[:-2] + number.to_bytes(2, "big"), school.client(), udp=True)
    assert len(school.responder._shapes) <= 4096
    rulings = school.client().state.table.values()
    assert max(len(ruling.parts) for ruling in rulings) <= 64


QUERIES = st.builds(
    query,
    st.sampled_from(["bet.test", "www.example", "localhost", "www.google.com", "."]),
    st.sampled_from(["A", "HTTPS", "ANY", "AXFR"]),
    use_edns=st.sampled_from([-1, 0, 1]),
)


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=80),
            QUERIES,
            st.tuples(QUERIES, st.integers(0, 60), st.binary(max_size=4)).map(
                lambda spoilt: spoilt[0][: spoilt[1]] + spoilt[2] + spoilt[0][spoilt[1] + len(spoilt[2]) :]
            ),
        ),
        max_size=12,
    )
)
def test_no_octets_do_harm(messages: list[bytes]) -> None:
    school = Answering(GAMBLING, rulebook=replace(NO_GAMBLING, safe_search=(STRICT,)), zone=(WWW,))
    for octets in messages:
        for udp in (True, True, False):
            school.responder.respond(octets, school.client(), udp=udp)
            school.send(octets, udp=udp)
        for answer in (
            school.responder.refuse_stranger(octets),
            school.responder.restrain(octets, school.client(), refuse=False),
            school.responder.restrain(octets, school.client(), refuse=True),
        ):
            if answer is not None:
                reply_of(answer)
