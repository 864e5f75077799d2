"""What the reader chose comes before what their browser asks for."""

import pytest
from starlette.requests import Request

from agent.console.languages import COOKIE, texts_for


@pytest.mark.parametrize(
    ("cookie", "header", "language"),
    [("ja", "fr", "ja"), ("", "fr", "fr"), ("", "de", "nl"), ("../fr", "", "nl"), ("de", "fr", "fr")],
)
def test_choice_then_browser_then_school(cookie: str, header: str, language: str) -> None:
    headers = [(b"accept-language", header.encode()), (b"cookie", f"{COOKIE}={cookie}".encode())]
    assert texts_for(Request({"type": "http", "headers": headers}), "nl").language == language
