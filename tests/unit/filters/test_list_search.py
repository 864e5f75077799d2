import pytest
from hypothesis import given
from hypothesis import strategies as st
from list_reading import names, read

from filters.list_search import find_entries
from rules.name import DomainName

LISTS = {
    "domains": """\
# gambling.test is a comment
gambling.test
mygambling.test
*.gambling.test
Gambling.TEST. # why
x.gambling.test
""",
    "hosts": """\
# gambling.test
0.0.0.0 a.test gambling.test
0.0.0.0 x.gambling.test
192.0.2.1 gambling.test
""",
    "adblock": """\
! gambling.test
||gambling.test^
|gambling.test^
||gamb*.test^
@@||gambling.test^
||other.test^
*amblin*
""",
    "dnsmasq": """\
#/gambling.test/
address=/a.test/gambling.test/
server=/gambling.test/#
server=/gambling.test/192.0.2.1
""",
    "rpz": """\
$TTL 60
@ SOA a. b. (
 1 2 3 4 5 )
gambling.test CNAME .
*.gambling.test CNAME .
a.test CNAME gambling.test.
""",
}


def found(data: str | bytes, list_format: str, name: str) -> list[str]:
    octets = data.encode() if isinstance(data, str) else data
    lines = find_entries(octets, file="list", format=list_format, name=DomainName(name))
    return [f"{line}{' (exception)' if line.exception else ''}" for line in lines]


@pytest.mark.parametrize(
    ("list_format", "name", "expected"),
    [
        pytest.param(
            "domains",
            "gambling.test",
            ["list:2: gambling.test", "list:4: *.gambling.test", "list:5: Gambling.TEST. # why"],
            id="the-name-in-every-way-of-writing",
        ),
        pytest.param(
            "domains",
            "y.x.gambling.test",
            [
                "list:2: gambling.test",
                "list:4: *.gambling.test",
                "list:5: Gambling.TEST. # why",
                "list:6: x.gambling.test",
            ],
            id="names-above-too",
        ),
        pytest.param("domains", "gambling.example", [], id="not-listed"),
        pytest.param("domains", "test", [], id="a-top-level-domain-is-never-listed"),
        pytest.param(
            "hosts",
            "gambling.test",
            ["list:2: 0.0.0.0 a.test gambling.test", "list:4: 192.0.2.1 gambling.test"],
            id="hosts",
        ),
        pytest.param("hosts", "y.gambling.test", [], id="hosts-names-are-exact"),
        pytest.param(
            "adblock",
            "gambling.test",
            [
                "list:2: ||gambling.test^",
                "list:3: |gambling.test^",
                "list:4: ||gamb*.test^",
                "list:5: @@||gambling.test^ (exception)",
                "list:7: *amblin*",
            ],
            id="adblock-rules-patterns-and-exceptions",
        ),
        pytest.param(
            "dnsmasq",
            "gambling.test",
            ["list:2: address=/a.test/gambling.test/", "list:3: server=/gambling.test/# (exception)"],
            id="dnsmasq",
        ),
        pytest.param("rpz", "gambling.test", ["list:4: gambling.test CNAME ."], id="rpz-the-name"),
        pytest.param("rpz", "x.gambling.test", ["list:5: *.gambling.test CNAME ."], id="rpz-a-name-below"),
    ],
)
def test_the_lines_that_list_a_name(list_format: str, name: str, expected: list[str]) -> None:
    assert found(LISTS[list_format], list_format, name) == expected
    assert found(LISTS[list_format].replace("\n", "\r\n").rstrip(), list_format, name) == expected


@pytest.mark.parametrize(
    ("line", "name"),
    [
        pytest.param("bücher.example", "xn--bcher-kva.example", id="u-label"),
        pytest.param("BÜCHER.Example", "www.xn--bcher-kva.example", id="u-label-in-upper-case"),
        pytest.param("bu\u0308cher.example", "xn--bcher-kva.example", id="u-label-decomposed"),
        pytest.param("xn--bcher-kva.example", "xn--bcher-kva.example", id="a-label"),
        pytest.param("日本語.example", "xn--wgv71a119e.example", id="kanji"),
        pytest.param("xn--0000h.example", "xn--0000h.example", id="an-a-label-that-stands-for-nothing"),
    ],
)
def test_internationalised_names_are_found_however_they_are_written(line: str, name: str) -> None:
    assert found(f"a.test\n{line}\n", "domains", name) == [f"list:2: {line}"]


def test_a_name_behind_a_byte_order_mark_is_found() -> None:
    assert found("\ufeffgambling.test\n", "domains", "gambling.test") == ["list:1: gambling.test"]


def test_a_cancelled_rule_is_not_found() -> None:
    assert found("||a.test^\n||a.test^$badfilter\n", "adblock", "a.test") == []


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        pytest.param("$ORIGIN rpz.test.\na.test CNAME .\n", ["list:2: a.test CNAME ."], id="relative-to-the-zone"),
        pytest.param(
            "$ORIGIN rpz.test.\na.test.rpz.test. CNAME .\n", ["list:2: a.test.rpz.test. CNAME ."], id="absolute"
        ),
        pytest.param(
            "rpz.test. SOA a b (\n1 2 3 4 5)\na.test.rpz.test. CNAME .\n",
            ["list:3: a.test.rpz.test. CNAME ."],
            id="absolute-behind-a-soa",
        ),
        pytest.param(
            "$ORIGIN rpz.test.\n$ORIGIN test.rpz.test.\na CNAME .\n", ["list:3: a CNAME ."], id="relative-to-a-part"
        ),
        pytest.param("a.test TXT (\n x )\n", ["list:1: a.test TXT ("], id="a-record-over-lines"),
        pytest.param("b.test CNAME c.test.\n  TXT a.test\n", [], id="a-name-that-is-only-data"),
    ],
)
def test_the_lines_of_a_zone_are_found_whatever_they_are_relative_to(zone: str, expected: list[str]) -> None:
    assert found(zone, "rpz", "a.test") == expected


labels = st.sampled_from(["a", "b", "xa", "a-b"])
some_names = st.builds(".".join, st.lists(labels, min_size=2, max_size=4))
some_lines = {
    "domains": st.builds(
        "{}{}{}".format, st.sampled_from(["", "*.", " ", "# "]), some_names, st.sampled_from(["", ".", " # c"])
    ),
    "hosts": st.builds("{} {} {}".format, st.sampled_from(["0.0.0.0", "#", "::1"]), some_names, some_names),
    "adblock": st.builds(
        "{}{}{}".format,
        st.sampled_from(["||", "|", "", "! ", "||*.", "||aaa*", "||a*aa"]),
        some_names,
        st.sampled_from(["^", "", "^$important", "^$badfilter", "*", "^$dnstype=A"]),
    ),
    "dnsmasq": st.builds("{}=/{}/{}/".format, st.sampled_from(["address", "local", "#"]), some_names, some_names),
    "rpz": st.builds(
        "{}{} CNAME {}".format,
        st.sampled_from(["", "*.", ";", "$ORIGIN "]),
        some_names,
        st.sampled_from([".", "a.b.", "*."]),
    ),
}


@pytest.mark.parametrize("list_format", sorted(some_lines))
@given(st.data())
def test_a_name_is_found_exactly_when_the_whole_list_lists_it(list_format: str, data: st.DataObject) -> None:
    text = "\n".join(data.draw(st.lists(some_lines[list_format], max_size=8)))
    name = data.draw(some_names)
    chunk = read(text, list_format)
    listed = (
        name in names(chunk.exact)
        or any(name == above or name.endswith(f".{above}") for above in names(chunk.subtree))
        or any(rule.covers(DomainName(name)) for rule in chunk.special)
    )
    assert bool(found(text, list_format, name)) is listed


@given(st.binary(max_size=200), st.sampled_from(["domains", "hosts", "adblock", "dnsmasq", "rpz", "squidguard-urls"]))
def test_no_octets_make_the_search_fail(data: bytes, list_format: str) -> None:
    find_entries(
        b"a.test " + data + b"\na.test\n$origin a\n" + data, file="f", format=list_format, name=DomainName("x.a.test")
    )


@pytest.mark.timeout(20)
def test_a_big_list_is_searched_without_parsing_it() -> None:
    data = b"".join(b"host-number-%d.example\n" % number for number in range(500_000)) + b"gambling.test\n"
    assert found(data, "domains", "www.gambling.test") == ["list:500001: gambling.test"]
