"""What a site says of the block page."""

from pathlib import Path

import pytest

from agent.sites.config import LoadedSite, parse_site
from agent.sites.site import Endpoint
from rules.errors import ConfigurationError

BASE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {pupils: {audience: pupil, cidrs: 10.1.0.0/16}}
"""
PAGE = "answers: {blocked: page, page_ipv4: 192.0.2.80}\n"
API = "api: '127.0.0.1:8443'"


def load(text: str, path: Path = Path("/nowhere/site.yaml")) -> LoadedSite:
    return parse_site(BASE + text, path=path)


def test_it_is_shown_nowhere_until_a_site_says_so() -> None:
    listeners = load("").site.listeners
    assert (listeners.block_page, listeners.block_page_https) == (None, None)
    assert load(f"listeners: {{{API}, block_page: off}}").site.listeners.block_page is None


def test_where_it_is_said(tmp_path: Path) -> None:
    for name in ("page.pem", "key.pem"):
        (tmp_path / name).touch()
    text = f"""{PAGE}
listeners:
  {API}
  block_page: 192.0.2.80:80
  block_page_https: 192.0.2.80:443
  block_page_certificate: page.pem
  block_page_key: key.pem
"""
    loaded = load(text, tmp_path / "site.yaml")
    listeners = loaded.site.listeners
    assert listeners.block_page == Endpoint("192.0.2.80", 80)
    assert listeners.block_page_https == Endpoint("192.0.2.80", 443)
    assert listeners.block_page_certificate == str(tmp_path / "page.pem")
    assert listeners.block_page_key == str(tmp_path / "key.pem")
    assert not [notice for notice in loaded.warnings if "block" in str(notice)]


@pytest.mark.parametrize(
    ("listeners", "sentence"),
    [
        pytest.param(
            "block_page: '192.0.2.80:80'",
            "found block_page without api; expected api beside it: the same process shows the page",
            id="without-the-process-that-shows-it",
        ),
        pytest.param(
            f"{API}, block_page_https: '192.0.2.80:443'",
            "found block_page_https without block_page_certificate; expected block_page_certificate: that of a"
            " certificate that the school brings, or block_page alone",
            id="https-without-a-certificate",
        ),
        pytest.param(
            f"{API}, block_page_https: '192.0.2.80:443', block_page_certificate: page.pem",
            "found block_page_https without block_page_key",
            id="https-without-a-key",
        ),
        pytest.param(
            f"{API}, block_page: '192.0.2.80:80', block_page_certificate: page.pem",
            "found block_page_certificate without block_page_https; expected both, or neither",
            id="a-certificate-for-nothing",
        ),
        pytest.param(
            f"{API}, block_page: '127.0.0.1:8443'", "where something else is answered", id="that-of-the-api"
        ),
        pytest.param(
            f"{API}, block_page: '127.0.0.1:9253'", "where something else is answered", id="that-of-the-metrics"
        ),
        pytest.param(f"{API}, block_page: '0.0.0.0:53'", "where something else is answered", id="that-of-dns"),
    ],
)
def test_what_cannot_be(listeners: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(f"{PAGE}listeners: {{{listeners}}}")
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(
            f"listeners: {{{API}, block_page: '192.0.2.80:80'}}",
            "nobody is led to the block page",
            id="no-name-is-answered-with-it",
        ),
        pytest.param(
            f"{PAGE}listeners: {{{API}, block_page: '192.0.2.80:8080'}}",
            "browsers ask port 80 for a page, and this is port 8080",
            id="a-port-that-no-browser-asks",
        ),
        pytest.param(
            f"{PAGE}listeners: {{{API}, block_page_https: '192.0.2.80:443', block_page_certificate: page.pem,"
            " block_page_key: key.pem}",
            "/nowhere/page.pem does not exist; no page is shown by HTTPS until it does",
            id="a-certificate-that-is-not-there",
        ),
    ],
)
def test_what_may_not_be_meant(text: str, sentence: str) -> None:
    assert any(sentence in str(notice) for notice in load(text).warnings)


def test_the_school_says_where_its_console_is_and_whom_a_child_can_call() -> None:
    text = BASE.replace("London}", "London, console: 'https://filter.school.example:8443', helplines: Room 4}")
    school = parse_site(text, path=Path("/nowhere/site.yaml")).site.school
    assert school.console == "https://filter.school.example:8443"
    assert school.helplines == ("Room 4",)
    with pytest.raises(ConfigurationError, match="http://"):
        parse_site(text.replace("https://", "http://"), path=Path("/nowhere/site.yaml"))
