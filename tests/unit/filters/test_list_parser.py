import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from list_reading import names, read

from filters.list_formats.reader import MAX_BAD_LINES
from filters.list_parser import BLOCK_OCTETS, FORMATS, MAX_LINE_OCTETS, NOT_FOR_DNS_FORMAT, Chunk, Reason, parse_list
from rules.name import from_wire, parse_name, to_wire

ALL_FORMATS = (*FORMATS, NOT_FOR_DNS_FORMAT)
UT1 = Path(__file__).parents[4] / "shared" / "lists" / "ut1"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"a.test\nb.test\n", id="unix"),
        pytest.param(b"a.test\nb.test", id="no-line-end-at-the-end"),
        pytest.param(b"a.test\r\nb.test\r\n", id="crlf"),
        pytest.param(b"a.test\r\nb.test", id="crlf-but-at-the-end"),
        pytest.param(b"\xef\xbb\xbfa.test\nb.test\n", id="byte-order-mark"),
        pytest.param(b"a.test\n\xef\xbb\xbfb.test\n", id="byte-order-mark-where-files-were-joined"),
        pytest.param(b"\ta.test \n  b.test\t\n", id="white-space"),
        pytest.param(b"A.TEST.\nB.Test\n", id="upper-case-and-final-dot"),
    ],
)
def test_text_as_it_comes(text: bytes) -> None:
    chunk = read(text, "domains")
    assert names(chunk.subtree) == ["a.test", "b.test"]
    assert chunk.lines == 2
    assert not chunk.counts


@pytest.mark.parametrize(
    ("line", "reason", "shown"),
    [
        pytest.param(b"b\0.test", Reason.NUL_BYTE, r"b\x00.test", id="nul"),
        pytest.param(b"a" * 5_000 + b".test", Reason.TOO_LONG, "a" * 119 + "…", id="5000-octets"),
        pytest.param(b"caf\xe9.test", Reason.BAD_NAME, r"caf\xe9.test", id="latin-1"),
        pytest.param(b"b\x1b[2J.test", Reason.BAD_NAME, r"b\x1b[2J.test", id="control-characters"),
    ],
)
@pytest.mark.parametrize("list_format", ["domains", "hosts", "adblock"])
def test_a_bad_line_is_told_and_the_others_are_used(
    list_format: str, line: bytes, reason: Reason, shown: str
) -> None:
    chunk = read(b"a.test\n" + line + b"\nc.test\n", list_format)
    assert names(chunk.subtree + chunk.exact) == ["a.test", "c.test"]
    assert chunk.counts == {reason: 1}
    assert [(bad.file, bad.line, bad.text) for bad in chunk.bad] == [("list.txt", 2, shown)]


def test_a_carriage_return_within_a_line_ends_no_line() -> None:
    (bad,) = read(b"a.test\nb\rc.test\n", "domains").bad
    assert (bad.line, bad.text) == (2, r"b\rc.test")


def test_a_comment_may_be_in_any_encoding() -> None:
    assert read(b"# caf\xe9\na.test # caf\xe9\n", "domains").counts == {}


@pytest.mark.parametrize(
    ("text", "reason", "why"),
    [
        pytest.param(b"<!DOCTYPE html>\n<p>a.test\n", Reason.HTML, "a web page", id="html"),
        pytest.param(b"\x1f\x8b\x08\x00a.test\n", Reason.BINARY, "gzip data", id="gzip"),
        pytest.param("a.test\nb.test\n".encode("utf-16"), Reason.BINARY, "UTF-16 text, where UTF-8", id="utf-16"),
    ],
)
@pytest.mark.parametrize("list_format", ALL_FORMATS)
def test_what_is_no_list_is_one_clear_sentence(list_format: str, text: bytes, reason: Reason, why: str) -> None:
    (chunk,) = parse_list(text, file="list.txt", format=list_format)
    assert chunk.counts == {reason: 1}
    (bad,) = chunk.bad
    assert str(bad).startswith(f"list.txt:1: {why}")


@pytest.mark.parametrize("list_format", ALL_FORMATS)
def test_an_empty_list_says_nothing(list_format: str) -> None:
    assert read(b"", list_format) == Chunk()


def test_an_unknown_format_is_the_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="unknown list format 'csv', expected one of domains, hosts"):
        read(b"", "csv")


def test_a_line_of_ten_megabytes_is_one_bad_line_and_takes_no_memory() -> None:
    def blocks() -> Iterator[bytes]:
        yield b"a.test\n"
        for _ in range(160):
            yield b"x" * BLOCK_OCTETS
        yield b"\nb.test\n"

    tracemalloc.start()
    try:
        chunk = read(blocks(), "domains")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert names(chunk.subtree) == ["a.test", "b.test"]
    assert chunk.counts == {Reason.TOO_LONG: 1}
    assert [(bad.line, bad.text) for bad in chunk.bad] == [(2, "x" * 119 + "…")]
    assert chunk.lines == 3
    assert peak < 10 * BLOCK_OCTETS


@pytest.mark.parametrize("octets", [MAX_LINE_OCTETS, MAX_LINE_OCTETS + 1])
def test_where_a_line_begins_to_be_too_long(octets: int) -> None:
    chunk = read(b"a.test #".ljust(octets, b"x") + b"\n", "domains")
    assert chunk.counts == ({} if octets <= MAX_LINE_OCTETS else {Reason.TOO_LONG: 1})


def test_of_very_many_bad_lines_all_are_counted_and_the_first_are_kept() -> None:
    lines = 30_000
    chunk = read(b"no name\n" * lines, "domains")
    assert chunk.counts == {Reason.BAD_NAME: lines}
    assert [bad.line for bad in chunk.bad] == list(range(1, MAX_BAD_LINES + 1))


def test_a_big_list_comes_in_chunks() -> None:
    text = b"".join(b"host-%d.test\n" % number for number in range(20_000))
    chunks = list(parse_list(text, file="f", format="domains"))
    assert len(chunks) > 3
    assert all(chunk.lines < 10_000 for chunk in chunks)
    assert [name for chunk in chunks for name in names(chunk.subtree)] == [
        f"host-{number}.test" for number in range(20_000)
    ]


def test_a_view_of_a_file_in_memory_is_read_too() -> None:
    text = b"||a.test^\n||b.test^\n||a.test^$badfilter\n"
    assert read(memoryview(text), "adblock") == read(text, "adblock")


SAMPLES = {
    "domains": "# list\na.test\nb.test # c\n192.0.2.1\nbücher.example\ncom\n\n*.c.test\n",
    "squidguard-domains": "a.test\n192.0.2.1\n.b.test\n",
    "hosts": "127.0.0.1 localhost\n0.0.0.0 a.test\n0.0.0.0 b.test c.test\n::1 ip6-localhost\n0.0.0.0 printer\n",
    "adblock": (
        "! t\n||a.test^\n@@||x.a.test^\n||b.test^$popup\n||casi*.test^$important\nd.test##.x\n|e.test^\n"
        "||a.test^$badfilter\n"
    ),
    "dnsmasq": "# t\naddress=/a.test/0.0.0.0\nserver=/b.test/c.test/\nserver=/d.test/192.0.2.1\nlocal=/e.test/#\n",
    "rpz": (
        "$TTL 1\n@ SOA a. b. (\n1 2 3 4 5 )\na.test CNAME .\n*.a.test CNAME .\nb.test CNAME *.\n1.rpz-ip CNAME .\n"
        "c.test A 192.0.2.1\n"
    ),
    "squidguard-urls": "a.test/x\n# c\nb.test/y\n",
}


@pytest.mark.parametrize(
    ("list_format", "listed", "counts", "ignored"),
    [
        pytest.param("domains", (4, 0, 0), {Reason.RAW_ADDRESS: 1, Reason.TOO_BROAD: 1}, 2, id="domains"),
        pytest.param("squidguard-domains", (2, 0, 0), {Reason.RAW_ADDRESS: 1}, 0, id="squidguard-domains"),
        pytest.param("hosts", (0, 3, 0), {Reason.TOO_BROAD: 1}, 2, id="hosts"),
        pytest.param(
            "adblock",
            (0, 1, 2),
            {Reason.UNSUPPORTED_MODIFIER: 1, Reason.UNSUPPORTED_RULE: 1, Reason.CANCELLED: 1},
            2,
            id="adblock",
        ),
        pytest.param("dnsmasq", (3, 0, 1), {Reason.FORWARDING: 1}, 1, id="dnsmasq"),
        pytest.param("rpz", (1, 0, 2), {Reason.UNSUPPORTED_TRIGGER: 1}, 3, id="rpz"),
        pytest.param("squidguard-urls", (0, 0, 0), {Reason.NOT_FOR_DNS: 2}, 1, id="squidguard-urls"),
    ],
)
def test_what_a_sample_of_each_format_comes_to(
    list_format: str, listed: tuple[int, int, int], counts: dict[Reason, int], ignored: int
) -> None:
    chunk = read(SAMPLES[list_format], list_format)
    assert (len(chunk.subtree), len(chunk.exact), len(chunk.special)) == listed
    assert chunk.counts == counts
    assert chunk.ignored == ignored


@pytest.mark.parametrize("list_format", sorted(SAMPLES))
@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_it_does_not_matter_where_blocks_are_cut(list_format: str, size: int) -> None:
    text = SAMPLES[list_format].replace("\n", "\r\n").encode()
    assert read((text[start : start + size] for start in range(0, len(text), size)), list_format) == read(
        SAMPLES[list_format], list_format
    )


@pytest.mark.parametrize("list_format", sorted(SAMPLES))
def test_it_does_not_matter_how_long_a_list_is(list_format: str) -> None:
    times = 1_000
    once, often = (read(SAMPLES[list_format] * count, list_format) for count in (1, times))
    assert set(often.subtree) == set(once.subtree)
    assert set(often.exact) == set(once.exact)
    assert len(often.special) in {len(once.special), times * len(once.special)}
    assert often.counts == Counter({reason: count * times for reason, count in once.counts.items()})
    assert often.lines == times * once.lines
    assert often.ignored == times * once.ignored


def assert_well_formed(chunk: Chunk, lines: int) -> None:
    listed = chunk.subtree + chunk.exact
    ruled = [rule.name for rule in chunk.special]
    for wire in listed + ruled:
        text = from_wire(wire)
        assert to_wire(parse_name(text) if text else text) == wire
    assert all("." in from_wire(wire) for wire in listed)
    assert len(chunk.bad) == min(chunk.counts.total() - chunk.counts[Reason.CANCELLED], MAX_BAD_LINES)
    assert all(1 <= bad.line <= lines and len(bad.text) <= 120 and bad.text.isprintable() for bad in chunk.bad)


@pytest.mark.parametrize("list_format", ALL_FORMATS)
@given(data=st.binary(max_size=300))
def test_no_octets_make_the_parser_fail(list_format: str, data: bytes) -> None:
    assert_well_formed(read(data, list_format), max(data.count(b"\n") + 1, 1))


SCRAPS = """
    a.test *.b.test || | ^ $ important badfilter dnstype=A denyallow= @@ ## 0.0.0.0 ::1 address=/ server=/ / # * com
    $ORIGIN $TTL SOA CNAME . A TXT " ( ) ; \\ rpz-passthru. xn-- xn--bcher-kva.example bücher
""".encode().split()
tokens = st.sampled_from([*SCRAPS, b"\xff", b"\0", b" ", b"\t", b"\n", b"\r\n", b"a" * 64])


@pytest.mark.parametrize("list_format", ALL_FORMATS)
@given(parts=st.lists(tokens, max_size=40))
def test_no_scraps_of_lists_make_the_parser_fail(list_format: str, parts: list[bytes]) -> None:
    data = b"# \n" + b"".join(parts)
    chunk = read(data, list_format)
    assert_well_formed(chunk, data.count(b"\n") + 1)
    if list_format in {"domains", "squidguard-domains", NOT_FOR_DNS_FORMAT}:
        assert chunk.lines == len(chunk.subtree) + chunk.counts.total() + chunk.ignored


@pytest.mark.skipif(not UT1.is_dir(), reason="the UT1 lists are not beside this repository")
def test_the_lines_of_every_ut1_list_add_up() -> None:
    united: Counter[Reason] = Counter()
    for path in sorted(UT1.glob("*/domains")):
        text = path.read_bytes()
        chunk = read(text, "squidguard-domains", file=path.parent.name)
        assert chunk.lines == len(text.splitlines()) == len(chunk.subtree) + chunk.counts.total() + chunk.ignored
        assert_well_formed(chunk, chunk.lines)
        united += chunk.counts
    assert set(united) <= {Reason.RAW_ADDRESS, Reason.BAD_NAME, Reason.TOO_BROAD, Reason.NOT_FOR_DNS}
    assert united[Reason.RAW_ADDRESS] > 10_000
    for path in sorted(UT1.glob("*/urls")):
        text = path.read_bytes()
        chunk = read(text, NOT_FOR_DNS_FORMAT, file=path.parent.name)
        assert chunk.lines == len(text.splitlines()) == chunk.counts[Reason.NOT_FOR_DNS] + chunk.ignored
