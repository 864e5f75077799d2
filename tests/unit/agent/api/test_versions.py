"""Whoever changes something says which version they saw."""

import pytest
from fastapi import Response

from agent.api.problems import ProblemError
from agent.api.versions import parse_version, set_version


@pytest.mark.parametrize(("written", "version"), [('"3"', 3), (' "12" ', 12), ('W/"7"', 7)])
def test_a_version(written: str, version: int) -> None:
    assert parse_version(written) == version


def test_what_is_set_can_be_read() -> None:
    response = Response()
    set_version(response, 41)
    assert parse_version(response.headers["etag"]) == 41


@pytest.mark.parametrize(
    ("written", "status"),
    [
        pytest.param(None, 428, id="none"),
        pytest.param("", 412, id="empty"),
        pytest.param("*", 412, id="any"),
        pytest.param("3", 412, id="unquoted"),
        pytest.param('"x"', 412, id="not-ours"),
        pytest.param('"1", "2"', 412, id="several"),
        pytest.param('"' + "9" * 4000 + '"', 412, id="longer-than-any"),
    ],
)
def test_no_version(written: str | None, status: int) -> None:
    with pytest.raises(ProblemError) as refused:
        parse_version(written)
    assert refused.value.status == status
