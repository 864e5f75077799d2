import pytest
from hypothesis import given
from hypothesis import strategies as st
from list_reading import names, only_rule, read

from filters.list_entries import Reason
from filters.list_formats.dnsmasq import DnsmasqReader
from rules.name import DomainName


@pytest.mark.parametrize(
    ("line", "listed"),
    [
        pytest.param("address=/example.test/0.0.0.0", ["example.test"], id="null-address"),
        pytest.param("address=/example.test/", ["example.test"], id="no-address"),
        pytest.param("address=/example.test/#", ["example.test"], id="hash-for-null-addresses"),
        pytest.param("address=/example.test/::", ["example.test"], id="ipv6-null-address"),
        pytest.param("address=/example.test/192.0.2.1", ["example.test"], id="any-address-lists-the-name"),
        pytest.param("local=/example.test/", ["example.test"], id="local"),
        pytest.param("server=/example.test/", ["example.test"], id="server-without-address"),
        pytest.param("address=/a.test/b.test/c.test/0.0.0.0", ["a.test", "b.test", "c.test"], id="several-names"),
        pytest.param("server=/A.test/b.TEST./", ["a.test", "b.test"], id="several-names-upper-case"),
        pytest.param("address=/.example.test/", ["example.test"], id="a-dot-in-front"),
        pytest.param("address=/bücher.example/", ["xn--bcher-kva.example"], id="u-labels"),
        pytest.param("  address=/example.test/0.0.0.0  # why", ["example.test"], id="blanks-and-comment"),
        pytest.param("# address=/example.test/", [], id="comment"),
        pytest.param("", [], id="blank"),
    ],
)
def test_options_that_list_names_with_all_below(line: str, listed: list[str]) -> None:
    chunk = read(f"{line}\n", "dnsmasq")
    assert names(chunk.subtree) == listed
    assert not chunk.exact
    assert not chunk.special
    assert not chunk.counts
    assert chunk.ignored == (0 if listed else 1)


@pytest.mark.parametrize("option", ["server", "local"])
def test_asking_as_usual_is_an_exception(option: str) -> None:
    rule = only_rule(read(f"{option}=/good.example.test/#\n", "dnsmasq"))
    assert rule.exception
    assert rule.covers(DomainName("x.good.example.test"))


def test_a_star_lists_the_names_below_alone() -> None:
    rule = only_rule(read("address=/*.example.test/\n", "dnsmasq"))
    assert rule.covers(DomainName("x.example.test"))
    assert not rule.covers(DomainName("example.test"))


@pytest.mark.parametrize(
    ("line", "reason", "listed"),
    [
        pytest.param("server=/example.test/192.0.2.1", Reason.FORWARDING, [], id="forwarding-a-zone"),
        pytest.param("server=/example.test/192.0.2.1#5353", Reason.FORWARDING, [], id="forwarding-to-a-port"),
        pytest.param("server=192.0.2.1", Reason.FORWARDING, [], id="forwarding-everything"),
        pytest.param("server=//192.0.2.1", Reason.FORWARDING, [], id="forwarding-single-labels"),
        pytest.param("address=/#/0.0.0.0", Reason.TOO_BROAD, [], id="every-name"),
        pytest.param("address=/com/", Reason.TOO_BROAD, [], id="top-level-domain"),
        pytest.param(
            "address=/a.test/com/b.test/", Reason.TOO_BROAD, ["a.test", "b.test"], id="one-bad-name-of-three"
        ),
        pytest.param("address=/192.0.2.1/", Reason.RAW_ADDRESS, [], id="an-address-as-name"),
        pytest.param("address=//0.0.0.0", Reason.BAD_NAME, [], id="no-name"),
        pytest.param("address=/*ample.test/", Reason.BAD_NAME, [], id="star-within-a-label"),
        pytest.param("address=/example.test", Reason.BAD_SYNTAX, [], id="no-second-slash"),
        pytest.param("address=0.0.0.0", Reason.BAD_SYNTAX, [], id="no-slashes"),
        pytest.param("address=/example.test/nonsense", Reason.BAD_SYNTAX, [], id="no-address-behind"),
        pytest.param("cache-size=1000", Reason.UNSUPPORTED_RULE, [], id="another-option"),
        pytest.param("conf-file=/etc/x", Reason.UNSUPPORTED_RULE, [], id="a-file-to-include"),
        pytest.param("example.test", Reason.UNSUPPORTED_RULE, [], id="a-bare-name"),
    ],
)
def test_options_that_are_refused(line: str, reason: Reason, listed: list[str]) -> None:
    chunk = read(f"{line}\n", "dnsmasq")
    assert names(chunk.subtree) == listed
    assert chunk.counts == {reason: 1}
    assert chunk.bad[0].text == line


def test_forwarding_is_sent_to_where_it_belongs() -> None:
    (bad,) = read("server=/example.test/192.0.2.1\n", "dnsmasq", file="dnsmasq.conf").bad
    assert str(bad) == (
        "dnsmasq.conf:1: forwards queries to another server, which belongs in the site file under upstreams:"
        " server=/example.test/192.0.2.1"
    )


options = st.one_of(
    st.builds(
        "address=/{}/{}{}".format,
        *(
            names_and_ends := (
                st.from_regex(r"([A-Za-z0-9_-]{1,9}\.){1,3}[A-Za-z]{2,5}", fullmatch=True),
                st.sampled_from(["", "#", "0.0.0.0", "::", "::1", "127.0.0.1"]),
                st.sampled_from(["", " ", "\t"]),
            )
        ),
    ),
    st.builds("{}=/{}/".format, st.sampled_from(["local", "server", "LOCAL"]), names_and_ends[0]),
)


@given(st.lists(options, min_size=1))
def test_a_run_of_options_says_what_its_lines_say(lines: list[str]) -> None:
    run = "".join(f"{line}\n" for line in lines).lower().encode()
    assert DnsmasqReader.plain.fullmatch(run)
    at_once, one_by_one = DnsmasqReader("f"), DnsmasqReader("f")
    assert at_once.take_run(run)
    for line in lines:
        one_by_one.take_line(line)
    assert at_once.chunk == one_by_one.chunk
