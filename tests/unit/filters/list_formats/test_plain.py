import pytest
from hypothesis import given
from hypothesis import strategies as st
from list_reading import names, read

from filters.list_entries import NOT_FOR_DNS_FORMAT, Reason
from filters.list_formats.plain import DomainsReader, HostsReader

labels = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
last_labels = st.sampled_from(["test", "EXAMPLE", "xn--p1ai", "co.test", "localdomain"])
list_names = st.builds(
    lambda above, last: ".".join([*above, last]), st.lists(labels, min_size=1, max_size=4), last_labels
)
blanks = st.sampled_from(["", " ", "\t", " \t "])


@pytest.mark.parametrize("list_format", ["domains", "squidguard-domains"])
@pytest.mark.parametrize(
    ("line", "listed"),
    [
        pytest.param("example.test", ["example.test"], id="a-name"),
        pytest.param("  Example.TEST. \t", ["example.test"], id="blanks-upper-case-final-dot"),
        pytest.param("*.example.test", ["example.test"], id="star-and-dot-mean-the-same"),
        pytest.param(".example.test", ["example.test"], id="a-dot-in-front-means-the-same"),
        pytest.param("example.test # why", ["example.test"], id="comment-behind"),
        pytest.param("example.test\t#why", ["example.test"], id="comment-behind-a-tab"),
        pytest.param("bücher.example", ["xn--bcher-kva.example"], id="u-labels"),
        pytest.param("_x.example.test", ["_x.example.test"], id="underscore"),
        pytest.param("# a comment", [], id="comment"),
        pytest.param("#", [], id="empty-comment"),
        pytest.param("! a comment", [], id="comment-of-adblock"),
        pytest.param("; a comment", [], id="comment-of-a-zone"),
        pytest.param("", [], id="blank"),
        pytest.param(" \t ", [], id="white-space"),
    ],
)
def test_lines_of_a_list_of_names(list_format: str, line: str, listed: list[str]) -> None:
    chunk = read(f"{line}\n", list_format)
    assert names(chunk.subtree) == listed
    assert not chunk.exact
    assert not chunk.special
    assert not chunk.counts
    assert chunk.ignored == (0 if listed else 1)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param("192.0.2.7", Reason.RAW_ADDRESS, id="address"),
        pytest.param("2001:db8::7", Reason.RAW_ADDRESS, id="ipv6-address"),
        pytest.param("com", Reason.TOO_BROAD, id="top-level-domain"),
        pytest.param("*.com", Reason.TOO_BROAD, id="all-of-a-top-level-domain"),
        pytest.param("*", Reason.TOO_BROAD, id="star"),
        pytest.param(".", Reason.TOO_BROAD, id="root"),
        pytest.param("localhost", Reason.TOO_BROAD, id="single-label"),
        pytest.param("https://example.test/x", Reason.NOT_FOR_DNS, id="web-address"),
        pytest.param("example.test/x", Reason.NOT_FOR_DNS, id="web-address-without-scheme"),
        pytest.param("0.0.0.0 example.test", Reason.BAD_NAME, id="hosts-line"),
        pytest.param("||example.test^", Reason.BAD_NAME, id="adblock-rule"),
        pytest.param("example.test##.advert", Reason.BAD_NAME, id="cosmetic-rule-does-not-list-its-site"),
        pytest.param("ads.*.test", Reason.BAD_NAME, id="star-in-the-middle"),
        pytest.param("a..test", Reason.BAD_NAME, id="two-dots"),
        pytest.param("a" * 64 + ".test", Reason.BAD_NAME, id="label-of-64"),
        pytest.param("a." * 126 + "test", Reason.BAD_NAME, id="name-of-256"),
    ],
)
def test_lines_of_a_list_of_names_that_are_refused(line: str, reason: Reason) -> None:
    chunk = read(f"good.test\n{line}\nfine.test\n", "domains")
    assert names(chunk.subtree) == ["good.test", "fine.test"]
    assert chunk.counts == {reason: 1}
    assert [(bad.line, bad.text) for bad in chunk.bad] == [(2, line if len(line) <= 120 else line[:119] + "…")]


@pytest.mark.parametrize(
    ("line", "listed"),
    [
        pytest.param("0.0.0.0 example.test", ["example.test"], id="null-address"),
        pytest.param("127.0.0.1\tExample.TEST", ["example.test"], id="loopback-tab-upper-case"),
        pytest.param("::1 example.test", ["example.test"], id="ipv6-loopback"),
        pytest.param(":: example.test", ["example.test"], id="ipv6-null-address"),
        pytest.param("0 example.test", ["example.test"], id="short-null-address"),
        pytest.param("192.0.2.1 example.test", ["example.test"], id="any-address-lists-the-name"),
        pytest.param("0.0.0.0 a.test b.test  c.test", ["a.test", "b.test", "c.test"], id="several-names"),
        pytest.param("0.0.0.0 example.test#why", ["example.test"], id="comment-without-a-blank"),
        pytest.param("0.0.0.0 example.test # why", ["example.test"], id="comment"),
        pytest.param("example.test", ["example.test"], id="a-name-without-an-address"),
        pytest.param("0.0.0.0 bücher.example", ["xn--bcher-kva.example"], id="u-labels"),
        pytest.param("0.0.0.0 x.localdomain.test", ["x.localdomain.test"], id="a-name-like-the-boilerplate"),
        pytest.param("127.0.0.1 localhost", [], id="localhost"),
        pytest.param("127.0.0.1 localhost.localdomain", [], id="localhost-with-a-domain"),
        pytest.param("127.0.0.1 local", [], id="local"),
        pytest.param("255.255.255.255 broadcasthost", [], id="broadcasthost"),
        pytest.param("::1 ip6-localhost ip6-loopback", [], id="ipv6-boilerplate"),
        pytest.param("fe80::1%lo0 localhost", [], id="address-with-a-zone"),
        pytest.param("0.0.0.0 0.0.0.0", [], id="null-address-of-itself"),
        pytest.param("# comment", [], id="comment-line"),
        pytest.param("", [], id="blank"),
    ],
)
def test_lines_of_a_hosts_file_list_exact_names(line: str, listed: list[str]) -> None:
    chunk = read(f"{line}\n", "hosts")
    assert names(chunk.exact) == listed
    assert not chunk.subtree
    assert not chunk.counts
    assert chunk.ignored == (0 if listed else 1)


@pytest.mark.parametrize(
    ("line", "reason", "listed"),
    [
        pytest.param("0.0.0.0", Reason.RAW_ADDRESS, [], id="address-alone"),
        pytest.param("0.0.0.0 printer", Reason.TOO_BROAD, [], id="single-label"),
        pytest.param("0.0.0.0 192.0.2.1", Reason.RAW_ADDRESS, [], id="address-of-an-address"),
        pytest.param("0.0.0.0 a.test com b.test", Reason.TOO_BROAD, ["a.test", "b.test"], id="one-bad-name-of-three"),
        pytest.param("a.test b.test", Reason.BAD_SYNTAX, [], id="names-without-an-address"),
        pytest.param("999.0.0.1 a.test", Reason.BAD_SYNTAX, [], id="what-only-looks-like-an-address"),
    ],
)
def test_lines_of_a_hosts_file_that_are_refused(line: str, reason: Reason, listed: list[str]) -> None:
    chunk = read(f"{line}\n", "hosts")
    assert names(chunk.exact) == listed
    assert chunk.counts == {reason: 1}
    assert chunk.bad[0].text == line


def test_urls_and_expressions_are_only_counted() -> None:
    chunk = read("# urls\nexample.test/a\n\nother.test/b?c\n(casino|poker)\n", NOT_FOR_DNS_FORMAT)
    assert chunk.counts == {Reason.NOT_FOR_DNS: 3}
    assert chunk.ignored == 2
    assert not chunk.subtree


@given(
    st.lists(
        st.builds(
            lambda a, dots, name, dot, b: a + dots + name + dot + b,
            blanks,
            st.sampled_from(["", "*.", "."]),
            list_names,
            st.sampled_from(["", "."]),
            blanks,
        ),
        min_size=1,
    )
)
def test_a_run_of_names_says_what_its_lines_say(lines: list[str]) -> None:
    run = "".join(f"{line}\n" for line in lines).lower().encode()
    assert DomainsReader.plain.fullmatch(run)
    at_once, one_by_one = DomainsReader("f"), DomainsReader("f")
    assert at_once.take_run(run)
    for line in lines:
        one_by_one.take_line(line)
    assert at_once.chunk == one_by_one.chunk


@given(
    st.lists(
        st.builds(
            lambda address, gap, name, end: address + gap + name + end,
            st.sampled_from(["0.0.0.0", "127.0.0.1", "::", "::1"]),
            st.sampled_from([" ", "\t", "  "]),
            list_names,
            blanks,
        ),
        min_size=1,
    )
)
def test_a_run_of_hosts_lines_says_what_its_lines_say(lines: list[str]) -> None:
    run = "".join(f"{line}\n" for line in lines).lower().encode()
    assert HostsReader.plain.fullmatch(run)
    at_once, one_by_one = HostsReader("f"), HostsReader("f")
    for line in lines:
        one_by_one.take_line(line)
    if at_once.take_run(run):
        assert at_once.chunk == one_by_one.chunk
    else:
        assert b".localdomain" in run
