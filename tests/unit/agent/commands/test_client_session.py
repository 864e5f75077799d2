"""What is remembered of a sign-in, and who can read it."""

import json
import stat
from pathlib import Path

import pytest

from agent.commands.client_session import Server, Session, forget_session, load_session, save_session, session_path
from rules.errors import StorageError

SESSION = Session(
    Server("https://gateway.example:8443", "PEM", is_pinned=True),
    login="ada",
    person="Ada Clay",
    cookies={"name": "value"},
    csrf="c5",
    ends_at="2026-11-23T18:00:00+00:00",
    timezone="Europe/London",
)


@pytest.mark.parametrize(
    ("environment", "path"),
    [
        pytest.param(
            {"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/schoolgate/session.json", id="where-the-desktop-says"
        ),
        pytest.param({"XDG_STATE_HOME": "", "HOME": "/h"}, "/h/.local/state/schoolgate/session.json", id="at-home"),
    ],
)
def test_its_place(environment: dict[str, str], path: str) -> None:
    assert session_path(environment) == Path(path)


def test_what_was_kept_is_read(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "session.json"
    save_session(path, SESSION)
    assert load_session(path) == SESSION


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "schoolgate" / "session.json"
    save_session(path, SESSION)
    save_session(path, SESSION)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["session.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        "{}",
        '{"server": 1}',
        '{"server": {}}',
        json.dumps({"server": {"url": "x"}}),
        "[" * 10_000,
    ],
    ids=["empty", "no-json", "a-list", "no-keys", "no-server", "empty-server", "half", "deep"],
)
def test_a_file_that_cannot_be_used_is_nobody(tmp_path: Path, text: str) -> None:
    path = tmp_path / "session.json"
    path.write_text(text)
    assert load_session(path) is None


def test_no_file_is_nobody(tmp_path: Path) -> None:
    assert load_session(tmp_path / "session.json") is None


def test_forgetting_it_twice_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    save_session(path, SESSION)
    forget_session(path)
    forget_session(path)
    assert not path.exists()


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="The session cannot be kept in"):
        save_session(tmp_path / "file" / "session.json", SESSION)
