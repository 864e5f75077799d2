import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.list_detection import SAMPLE_OCTETS, detect_format, find_other_content
from filters.list_entries import FORMATS, Reason

ADBLOCK = "! Title: a list\n||ads.test^\n||casino.example^$important\n@@||good.test^\n"
HOSTS = "# hosts\n127.0.0.1 localhost\n::1 ip6-localhost\n\n0.0.0.0 ads.test\n0.0.0.0 casino.example # bad\n"
DNSMASQ = "# comment\naddress=/ads.test/0.0.0.0\nserver=/casino.example/\nlocal=/x.test/\n"
RPZ = "$TTL 60\n@ IN SOA ns. hostmaster. (\n 1 2 3 4 5 )\n @ NS ns.\nads.test CNAME .\n*.ads.test CNAME .\n"
DOMAINS = "# list\nads.test\ncasino.example # comment\n*.wild.test\nbücher.example\n"


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        pytest.param(DOMAINS, "domains", id="names"),
        pytest.param(DOMAINS.replace("\n", "\r\n"), "domains", id="names-with-crlf"),
        pytest.param("\ufeff" + DOMAINS, "domains", id="names-behind-a-byte-order-mark"),
        pytest.param(" ads.test\n\tx.test  \n", "domains", id="indented-names"),
        pytest.param(
            "192.0.2.1\n192.0.2.2\n192.0.2.3\nads.test\n", "domains", id="addresses-among-names-say-nothing"
        ),
        pytest.param(HOSTS, "hosts", id="hosts"),
        pytest.param("0 ads.test\n0 x.test\n", "hosts", id="hosts-with-a-short-null-address"),
        pytest.param("fe80::1%lo0 localhost\n", "hosts", id="hosts-with-a-zone"),
        pytest.param(ADBLOCK, "adblock", id="adblock"),
        pytest.param("[Adblock Plus 2.0]\nads.test\n", "adblock", id="adblock-by-its-header"),
        pytest.param("example.test##.ad\nexample.test#@#.ad\n", "adblock", id="adblock-with-cosmetic-rules"),
        pytest.param("||ads.test^\n||b.test^\nx.test\n", "adblock", id="adblock-with-a-bare-name"),
        pytest.param(DNSMASQ, "dnsmasq", id="dnsmasq"),
        pytest.param(RPZ, "rpz", id="zone-with-its-header"),
        pytest.param("ads.test. CNAME .\n*.ads.test. 60 IN CNAME .\n", "rpz", id="records-without-a-header"),
        pytest.param("$ORIGIN rpz.test.\n", "rpz", id="only-an-origin"),
        pytest.param("", None, id="empty"),
        pytest.param("# only\n! comments\n\n", None, id="only-comments"),
        pytest.param("192.0.2.1\n192.0.2.2\n", None, id="only-addresses"),
        pytest.param("https://a.test/x\nhttps://b.test/y\n", None, id="web-addresses"),
        pytest.param("some prose about\nnothing at all\na.test\n", None, id="prose"),
        pytest.param('{"error": "not found"}\n', None, id="json"),
        pytest.param("com\nnet\n", None, id="single-labels"),
        pytest.param("<!DOCTYPE html>\n<html>ads.test</html>", None, id="web-page"),
    ],
)
def test_the_format_is_told_from_the_first_octets(sample: str, expected: str | None) -> None:
    assert detect_format(sample.encode()) == expected


def test_a_name_cut_off_by_the_end_of_the_sample_does_not_count() -> None:
    sample = b"a.test\n" + b"#" * (SAMPLE_OCTETS - 12) + b"\n||ads.test^\n"
    assert detect_format(sample) == "domains"


@pytest.mark.parametrize(
    ("sample", "reason", "what"),
    [
        pytest.param(b"<!DOCTYPE html><html>", Reason.HTML, "web page", id="doctype"),
        pytest.param(b"\xef\xbb\xbf\r\n  <HTML lang=en>", Reason.HTML, "web page", id="html-tag-in-upper-case"),
        pytest.param(b"<!-- moved --><p>", Reason.HTML, "web page", id="html-comment"),
        pytest.param(b"<?xml version='1.0'?>", Reason.HTML, "web page", id="xml"),
        pytest.param(b"\x1f\x8b\x08\x00abc", Reason.BINARY, "gzip", id="gzip"),
        pytest.param(b"PK\x03\x04abc", Reason.BINARY, "ZIP", id="zip"),
        pytest.param("a.test\n".encode("utf-16"), Reason.BINARY, "UTF-16", id="utf-16"),
        pytest.param(b"\x00\x01\x02\x03a", Reason.BINARY, "binary", id="control-octets"),
    ],
)
def test_what_is_no_list_is_called_by_its_name(sample: bytes, reason: Reason, what: str) -> None:
    other = find_other_content(sample)
    assert other is not None
    assert other.reason is reason
    assert what in other.why


@pytest.mark.parametrize("sample", [b"", b"a.test\n", b"a.test\nb\0.test\n", b"<b.test\n", "日本語.test\n".encode()])
def test_text_is_not_called_something_else(sample: bytes) -> None:
    assert find_other_content(sample) is None


@given(st.binary(max_size=400))
def test_any_octets_have_a_format_or_none(sample: bytes) -> None:
    assert detect_format(sample) in {None, *FORMATS}
