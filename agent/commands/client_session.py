"""What the command line remembers of a sign-in: one file, readable by its owner only."""

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from rules.errors import StorageError


@dataclass(frozen=True, slots=True)
class Server:
    """A gateway's API.

    `certificate` is PEM text of whom to trust; None means the authorities of this machine. Where it `is_pinned`, it
    is the very certificate of the gateway, by whatever name that is reached.
    """

    url: str
    certificate: str | None = None
    is_pinned: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in; `cookies` and `csrf` are secrets, `timezone` is that of the school."""

    server: Server
    login: str
    person: str
    cookies: dict[str, str]
    csrf: str
    ends_at: str
    timezone: str = "UTC"


def session_path(environment: Mapping[str, str]) -> Path:
    """Give the place of the session file of whoever runs the command."""
    state = environment.get("XDG_STATE_HOME") or str(
        Path(environment.get("HOME") or "~").expanduser() / ".local/state"
    )
    return Path(state) / "schoolgate" / "session.json"


def load_session(path: Path) -> Session | None:
    """Read who is signed in; nobody, where there is no file or none that can be used."""
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        return Session(**{**tree, "server": Server(**tree["server"])})
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def save_session(path: Path, session: Session) -> None:
    """Write who is signed in, whole or not at all.

    Raises:
        StorageError: the file cannot be written.
    """
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(asdict(session), file)
            scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"The session cannot be kept in {path} ({error.strerror or error}).") from error


def forget_session(path: Path) -> None:
    """Take the file away."""
    with suppress(OSError):
        path.unlink(missing_ok=True)
