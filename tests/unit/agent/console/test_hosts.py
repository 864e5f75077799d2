"""The gateway answers pages by its own names and addresses alone, and sends nobody anywhere else."""

import pytest
from starlette.requests import Request

from agent.console.hosts import comes_from_elsewhere, is_own_host, own_path

NAMES = {"gateway.example", "*.school.example"}


@pytest.mark.parametrize(
    "host",
    [
        "gateway.example",
        "GATEWAY.example:8443",
        "gateway.example.",
        "a.school.example",
        "localhost:8443",
        "192.0.2.1",
        "192.0.2.1:8443",
        "[2001:db8::1]:8443",
    ],
)
def test_its_names_and_any_address_are_its_own(host: str) -> None:
    assert is_own_host(host, NAMES)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evilgateway.example",
        "x.gateway.example",
        "gateway.example.evil.example",
        "school.example",
        "a.b.school.example",
        "gateway.example:port",
        "[2001:db8::1",
        "gateway.example@evil.example",
        "x" * 300,
    ],
)
def test_what_somebody_made_point_here_is_not(host: str) -> None:
    assert not is_own_host(host, NAMES)


@pytest.mark.parametrize("path", ["/", "/day", "/overrides/ask?name=bet.example&x=%2F", "/a//b"])
def test_a_place_of_the_console_is_kept(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "day",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x=y",
        "/a\\..\\b",
        "/" + "x" * 3000,
    ],
)
def test_no_other_place_is(path: str) -> None:
    assert own_path(path) == "/"


@pytest.mark.parametrize(("site", "is_elsewhere"), [("same-origin", False), ("none", False), ("cross-site", True)])
def test_a_browser_says_where_somebody_came_from(site: str, is_elsewhere: bool) -> None:
    request = Request({"type": "http", "headers": [(b"sec-fetch-site", site.encode())]})
    assert comes_from_elsewhere(request) is is_elsewhere
