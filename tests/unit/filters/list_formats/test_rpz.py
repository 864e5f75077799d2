import dns.name
import dns.rdataclass
import dns.zone
import pytest
from hypothesis import given
from hypothesis import strategies as st
from list_reading import covers, names, only_rule, read

from filters.list_entries import Reason, RpzAnswer, SpecialRule
from filters.list_formats.rpz import RpzReader
from rules.name import DomainName, parse_name, to_wire

HEADER = """\
$TTL 60
@ IN SOA localhost. hostmaster.localhost. (
    2026010101 ; serial
    3600 900 86400
    60 )
  IN NS localhost.
"""
EXAMPLE = to_wire(parse_name("example.test"))


@pytest.mark.parametrize("header", ["", HEADER, "$ORIGIN rpz.test.\n" + HEADER, HEADER.replace("@", "rpz.test.")])
@pytest.mark.parametrize(
    ("records", "subtree", "exact", "below"),
    [
        pytest.param("example.test CNAME .\n", [], ["example.test"], [], id="a-name-alone"),
        pytest.param("*.example.test CNAME .\n", [], [], ["example.test"], id="the-names-below"),
        pytest.param("example.test CNAME .\n*.example.test CNAME .\n", ["example.test"], [], [], id="both"),
        pytest.param(
            "*.example.test CNAME .\nexample.test CNAME .\n", ["example.test"], [], [], id="both-turned-round"
        ),
        pytest.param("example.test 60 IN CNAME . ; why\n", [], ["example.test"], [], id="ttl-class-comment"),
        pytest.param("Example.TEST\tIN\tcname\t.\n", [], ["example.test"], [], id="tabs-and-case"),
        pytest.param("a.test CNAME .\nb.test CNAME .\n*.a.test CNAME .\n", ["a.test"], ["b.test"], [], id="apart"),
        pytest.param("a.test CNAME .\n@ TXT x\n*.b.test CNAME .\n", [], ["a.test"], ["b.test"], id="apex-is-no-rule"),
        pytest.param("a.test CNAME .\na.test RRSIG x y\n", [], ["a.test"], [], id="signatures-are-no-rules"),
        pytest.param("bücher.example CNAME .\n", [], ["xn--bcher-kva.example"], [], id="u-labels"),
    ],
)
def test_names_that_are_listed(
    header: str, records: str, subtree: list[str], exact: list[str], below: list[str]
) -> None:
    chunk = read(header + records, "rpz")
    assert names(chunk.subtree) == subtree
    assert names(chunk.exact) == exact
    assert names(rule.name for rule in chunk.special) == below
    assert not chunk.counts


def test_the_names_below_do_not_include_the_name_itself() -> None:
    chunk = read("*.example.test CNAME .\n", "rpz")
    assert covers(chunk, "x.example.test")
    assert not covers(chunk, "example.test")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("$ORIGIN rpz.test.\nexample.test CNAME .\n", id="relative-to-the-zone"),
        pytest.param("$ORIGIN rpz.test.\nexample.test.rpz.test. CNAME .\n", id="absolute"),
        pytest.param(
            "$ORIGIN rpz.test.\n$ORIGIN test.rpz.test.\nexample CNAME .\n", id="relative-to-a-part-of-the-zone"
        ),
        pytest.param(
            "$ORIGIN .\nrpz.test SOA a b 1 2 3 4 5\n$ORIGIN rpz.test.\nexample.test CNAME .\n", id="as-dumped"
        ),
        pytest.param("rpz.test. SOA a b 1 2 3 4 5\nexample.test.rpz.test. CNAME .\n", id="absolute-behind-a-soa"),
        pytest.param("example.test. CNAME .\n", id="absolute-without-a-header"),
    ],
)
def test_triggers_are_what_stands_before_the_name_of_the_zone(text: str) -> None:
    chunk = read(text, "rpz")
    assert names(chunk.exact) == ["example.test"]
    assert not chunk.counts


def local(*records: tuple[int, int, str]) -> RpzAnswer:
    return RpzAnswer("local", records)


@pytest.mark.parametrize(
    ("records", "rule"),
    [
        pytest.param(
            "example.test CNAME *.", SpecialRule(EXAMPLE, subtree=False, answer=RpzAnswer("nodata")), id="nodata"
        ),
        pytest.param(
            "example.test CNAME rpz-passthru.", SpecialRule(EXAMPLE, subtree=False, exception=True), id="passthru"
        ),
        pytest.param(
            "example.test CNAME example.test.", SpecialRule(EXAMPLE, subtree=False, exception=True), id="old-passthru"
        ),
        pytest.param(
            "example.test CNAME rpz-passthru.\n*.example.test CNAME rpz-passthru.",
            SpecialRule(EXAMPLE, exception=True),
            id="passthru-for-a-name-and-all-below",
        ),
        pytest.param(
            "example.test 30 A 192.0.2.1",
            SpecialRule(EXAMPLE, subtree=False, answer=local((1, 30, "192.0.2.1"))),
            id="a",
        ),
        pytest.param(
            "example.test AAAA 2001:DB8:0::1",
            SpecialRule(EXAMPLE, subtree=False, answer=local((28, 3600, "2001:db8::1"))),
            id="aaaa",
        ),
        pytest.param(
            "example.test CNAME Safe.Example.",
            SpecialRule(EXAMPLE, subtree=False, answer=local((5, 3600, "safe.example."))),
            id="cname",
        ),
        pytest.param(
            'example.test TXT "two words" one',
            SpecialRule(EXAMPLE, subtree=False, answer=local((16, 3600, '"two words" "one"'))),
            id="txt",
        ),
        pytest.param(
            "example.test MX 10 mail.test.",
            SpecialRule(EXAMPLE, subtree=False, answer=local((15, 3600, "10 mail.test."))),
            id="mx",
        ),
        pytest.param(
            "example.test SRV 1 2 443 .",
            SpecialRule(EXAMPLE, subtree=False, answer=local((33, 3600, "1 2 443 ."))),
            id="srv-without-a-target",
        ),
        pytest.param(
            "example.test A 192.0.2.1\n  A 192.0.2.2\n TXT x",
            SpecialRule(
                EXAMPLE,
                subtree=False,
                answer=local((1, 3600, "192.0.2.1"), (1, 3600, "192.0.2.2"), (16, 3600, '"x"')),
            ),
            id="several-records",
        ),
        pytest.param(
            "*.example.test A 192.0.2.1\nexample.test A 192.0.2.1",
            SpecialRule(EXAMPLE, answer=local((1, 3600, "192.0.2.1"))),
            id="the-same-for-a-name-and-all-below",
        ),
    ],
)
def test_rules_with_an_answer_or_an_exception(records: str, rule: SpecialRule) -> None:
    chunk = read(f"{records}\n", "rpz")
    assert only_rule(chunk) == rule
    assert not chunk.counts


def test_a_target_is_relative_to_the_origin() -> None:
    chunk = read("$ORIGIN rpz.test.\nexample.test CNAME garden\n", "rpz")
    assert only_rule(chunk).answer == local((5, 3600, "garden.rpz.test."))


def test_different_answers_for_a_name_and_the_names_below_stay_apart() -> None:
    chunk = read("example.test A 192.0.2.1\n*.example.test A 192.0.2.2\n", "rpz")
    own, below = chunk.special
    assert own.covers(DomainName("example.test"))
    assert not own.covers(DomainName("x.example.test"))
    assert below.covers(DomainName("x.example.test"))
    assert not below.covers(DomainName("example.test"))


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        pytest.param("32.1.2.0.192.rpz-ip CNAME .", Reason.UNSUPPORTED_TRIGGER, id="answer-address"),
        pytest.param("32.1.2.0.192.rpz-client-ip CNAME .", Reason.UNSUPPORTED_TRIGGER, id="client-address"),
        pytest.param("32.1.2.0.192.rpz-nsip CNAME .", Reason.UNSUPPORTED_TRIGGER, id="name-server-address"),
        pytest.param("ns.example.test.rpz-nsdname CNAME .", Reason.UNSUPPORTED_TRIGGER, id="name-server-name"),
        pytest.param("example.test CNAME rpz-drop.", Reason.UNSUPPORTED_ACTION, id="drop"),
        pytest.param("example.test CNAME rpz-tcp-only.", Reason.UNSUPPORTED_ACTION, id="tcp-only"),
        pytest.param("example.test CNAME *.garden.test.", Reason.UNSUPPORTED_ACTION, id="wildcard-target"),
        pytest.param("example.test DNAME other.test.", Reason.UNSUPPORTED_ACTION, id="dname"),
        pytest.param("com CNAME .", Reason.TOO_BROAD, id="top-level-domain"),
        pytest.param("*.com CNAME .", Reason.TOO_BROAD, id="all-of-a-top-level-domain"),
        pytest.param("* CNAME .", Reason.TOO_BROAD, id="everything"),
        pytest.param("a..test CNAME .", Reason.BAD_NAME, id="two-dots"),
        pytest.param("a\\.b.test CNAME .", Reason.BAD_NAME, id="escaped-dot"),
        pytest.param("x.*.test CNAME .", Reason.BAD_NAME, id="star-in-the-middle"),
        pytest.param("example.test A 192.0.2.256", Reason.BAD_SYNTAX, id="bad-address"),
        pytest.param("example.test AAAA 192.0.2.1", Reason.BAD_SYNTAX, id="ipv4-address-as-ipv6"),
        pytest.param("example.test A 192.0.2.1 192.0.2.2", Reason.BAD_SYNTAX, id="two-addresses"),
        pytest.param("example.test CNAME a.test. b.test.", Reason.BAD_SYNTAX, id="two-targets"),
        pytest.param("example.test MX ten mail.test.", Reason.BAD_SYNTAX, id="bad-number"),
        pytest.param("example.test SRV 1 2 65536 a.test.", Reason.BAD_SYNTAX, id="number-out-of-range"),
        pytest.param(f"example.test TXT {'x' * 256}", Reason.BAD_SYNTAX, id="text-of-256-octets"),
        pytest.param("example.test CNAME", Reason.BAD_SYNTAX, id="no-data"),
        pytest.param('example.test TXT "x', Reason.BAD_SYNTAX, id="quotation-mark-not-closed"),
        pytest.param("example.test.other. CNAME .", Reason.BAD_SYNTAX, id="outside-of-the-zone"),
        pytest.param("$INCLUDE other", Reason.UNSUPPORTED_RULE, id="include"),
    ],
)
def test_records_that_are_refused(record: str, reason: Reason) -> None:
    chunk = read(f"$ORIGIN rpz.test.\ngood.test CNAME .\n{record}\nfine.test CNAME .\n", "rpz")
    assert names(chunk.exact) == ["good.test", "fine.test"]
    assert not chunk.special
    assert chunk.counts == {reason: 1}
    assert [bad.line for bad in chunk.bad] == [3]


def test_a_zone_that_ends_within_parentheses_is_told_and_the_rest_is_used() -> None:
    chunk = read("example.test CNAME .\n@ SOA a. b. ( 1 2\n", "rpz")
    assert names(chunk.exact) == ["example.test"]
    assert chunk.counts == {Reason.BAD_SYNTAX: 1}


def test_pairs_are_found_over_the_border_of_two_blocks() -> None:
    pairs = "".join(
        f"host-number-{number}.test CNAME .\n*.host-number-{number}.test CNAME .\n" for number in range(5_000)
    )
    chunk = read(HEADER + pairs, "rpz")
    assert names(chunk.subtree) == [f"host-number-{number}.test" for number in range(5_000)]
    assert not chunk.exact
    assert not chunk.special
    assert chunk.lines == 10_006
    assert chunk.ignored == 6


list_names = st.from_regex(r"([a-z0-9_-]{1,9}\.){1,3}[a-z]{2,5}", fullmatch=True)
record_lines = st.builds(
    "{}{}{}{}CNAME .".format,
    st.sampled_from(["", "*."]),
    list_names,
    st.sampled_from([" ", "\t", "  "]),
    st.sampled_from(["", "60 ", "IN ", "60 IN\t"]),
)


@given(st.lists(record_lines, min_size=1), st.sampled_from(["", "$ORIGIN rpz.test.", "$ORIGIN ."]))
def test_a_run_of_records_says_what_its_lines_say(lines: list[str], header: str) -> None:
    run = "".join(f"{line}\n" for line in lines).lower().encode()
    assert RpzReader.plain.fullmatch(run)
    at_once, one_by_one = RpzReader("f"), RpzReader("f")
    for reader in (at_once, one_by_one):
        reader.take_line(header)
    assert at_once.take_run(run)
    for line in lines:
        one_by_one.take_line(line)
    for reader in (at_once, one_by_one):
        reader.take_line(" TXT x")  # belongs to the owner before it
        reader.close_chunk()
        reader.close_list()
    assert at_once.chunk == one_by_one.chunk


@given(st.lists(record_lines, min_size=1, max_size=20, unique_by=lambda line: line.split()[0]))
def test_triggers_are_the_owner_names_that_an_independent_reader_sees(lines: list[str]) -> None:
    text = "$ORIGIN rpz.test.\n" + HEADER + "\n".join(lines) + "\n"
    zone = dns.zone.from_text(text, origin="rpz.test.", check_origin=False)
    expected = {str(name) for name in zone if name not in (dns.name.empty, dns.name.from_text("@", None))}
    chunk = read(text, "rpz")
    own = {*names(chunk.exact), *names(chunk.subtree)}
    below = {f"*.{name}" for name in (*names(chunk.subtree), *names(rule.name for rule in chunk.special))}
    assert own | below == expected
