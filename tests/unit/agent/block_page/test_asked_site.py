"""Which site a browser thought that it asked, from what anybody may send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.block_page.asked_site import read_host, read_site


@pytest.mark.parametrize(
    ("written", "name", "shown"),
    [
        pytest.param("Bet.Example", "bet.example", "bet.example", id="any-case"),
        pytest.param("bet.example:8080", "bet.example", "bet.example", id="with-a-port"),
        pytest.param("bet.example.", "bet.example", "bet.example", id="with-the-final-dot"),
        pytest.param("xn--caf-dma.example", "xn--caf-dma.example", "café.example", id="accents-are-decoded"),
        pytest.param("xn--p8j9a0d9c9a.example", "xn--p8j9a0d9c9a.example", "はじめよう.example", id="so-is-japanese"),
        pytest.param("xn--80ak6aa92e.example", *["xn--80ak6aa92e.example"] * 2, id="no-cyrillic-that-looks-latin"),
        pytest.param("xn--i-7iq.example", *["xn--i-7iq.example"] * 2, id="no-emoji"),
        pytest.param("xn--ab-69b.example", *["xn--ab-69b.example"] * 2, id="no-greek-among-latin"),
        pytest.param("xn--8hbb.example", *["xn--8hbb.example"] * 2, id="no-digits-of-another-script"),
        pytest.param("xn--ls8h.example", *["xn--ls8h.example"] * 2, id="no-emoji-alone"),
        pytest.param("xn--a.example", *["xn--a.example"] * 2, id="nothing-that-is-not-punycode"),
    ],
)
def test_a_host_that_names_a_site(written: str, name: str, shown: str) -> None:
    site = read_host(written)
    assert site is not None
    assert (site.name, site.shown, site.is_decoded) == (name, shown, name != shown)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("", id="none"),
        pytest.param("192.0.2.80", id="an-address"),
        pytest.param("[2001:db8::80]:80", id="an-address-of-ipv6"),
        pytest.param("localhost:8080", id="this-machine"),
        pytest.param("<script>alert(1)</script>", id="html"),
        pytest.param("bet.example\u202egro", id="a-mark-from-right-to-left"),
        pytest.param("😀.example", id="an-emoji"),
        pytest.param("a" * 10_000, id="ten-thousand-characters"),
        pytest.param("a" * 64 + ".example", id="a-label-too-long"),
        pytest.param("user@bet.example", id="a-name-before-it"),
        pytest.param("bet.example:port", id="a-port-that-is-none"),
        pytest.param("[::1", id="half-an-address"),
        pytest.param("..", id="dots"),
    ],
)
def test_a_host_that_names_none(written: str) -> None:
    assert read_host(written) is None


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("https://Bet.example/odds?x=1", "bet.example"),
        ("bet.example/odds", "bet.example"),
        (" bet.example ", "bet.example"),
        ("café.example", "xn--caf-dma.example"),
    ],
)
def test_what_somebody_wrote(written: str, name: str) -> None:
    site = read_site(written)
    assert site is not None
    assert site.name == name


@pytest.mark.parametrize("written", ["", "<b>", "http://[", "x" * 3000, "two words"])
def test_what_is_no_site(written: str) -> None:
    assert read_site(written) is None


@given(st.text(max_size=80) | st.from_regex(r"(xn--[a-z0-9-]{1,20}\.){1,3}[a-z]{2,5}(:[0-9]{1,6})?", fullmatch=True))
def test_whatever_is_sent_is_a_site_or_none(written: str) -> None:
    for site in (read_host(written), read_site(written)):
        assert site is None or (site.name.isascii() and site.shown.isprintable())
