"""Stylesheets and scripts come from a closed list, at addresses that change with them."""

import gzip
import re
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from pages_of_test import Browser

from agent.console import assets
from agent.console.assets import address_of, load_asset

NAMES = sorted(assets._SOURCES)
STATIC = Path(assets.__file__).parent / "static"
# What browsers of five years ago do not know.
TOO_NEW_CSS = re.compile(
    r":has\(|@container|@layer|color-mix|light-dark\(|@starting-style|:is\(|\bdvh\b|\binset:|^\s+&", re.MULTILINE
)
TOO_NEW_JS = re.compile(
    r"\?\?=|\|\|=|&&=|\?\.|\?\?|\.at\(|replaceAll|structuredClone|import\(|\bawait\b|#\w+\s*[=(;]"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    return Browser(SchoolOfTest(tmp_path_factory.mktemp("school")))


@pytest.mark.parametrize("name", NAMES)
def test_each_is_served_for_ever_compressed_or_not(browser: Browser, name: str) -> None:
    plain = browser.get(address_of(name), headers={"Accept-Encoding": "identity"})
    small = browser.get(address_of(name), headers={"Accept-Encoding": "gzip"})
    assert plain.status == small.status == 200
    assert plain.html == small.html == load_asset(name).plain.decode()
    assert small.headers["content-encoding"] == "gzip"
    assert "immutable" in plain.headers["cache-control"]
    assert plain.headers["x-content-type-options"] == "nosniff"
    assert gzip.decompress(load_asset(name).compressed) == load_asset(name).plain


@pytest.mark.parametrize(
    "path",
    [
        "/static/x/console.css",
        "/static/x/../../access.py",
        "/static/x/..%2f..%2faccess.py",
        "/static/x/%2e%2e/access.py",
        "/static//etc/passwd",
        "/static/x/nothing.css",
    ],
)
def test_there_is_nothing_else(browser: Browser, path: str) -> None:
    assert browser.get(path).status == 404


def test_the_first_view_is_light() -> None:
    first = ("console.css", "charts.css", "console.js", "htmx.js", "icon.svg")
    assert sum(len(load_asset(name).compressed) for name in first) < 60_000


@pytest.mark.parametrize("file", sorted(STATIC.glob("*.css")), ids=lambda file: file.name)
def test_stylesheets_ask_nothing_of_others_and_nothing_too_new(file: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", file.read_text(), flags=re.DOTALL)
    assert TOO_NEW_CSS.findall(text) == []
    assert re.findall(r"@import|https?:|url\((?!#)", text) == []


@pytest.mark.parametrize("file", sorted(STATIC.glob("*.js")), ids=lambda file: file.name)
def test_scripts_ask_nothing_of_others_and_nothing_too_new(file: Path) -> None:
    text = re.sub(r"//.*|/\*.*?\*/", "", file.read_text())
    assert TOO_NEW_JS.findall(text) == []
    assert re.findall(r"https?:|\beval\b|innerHTML|document\.write|new Function", text) == []
