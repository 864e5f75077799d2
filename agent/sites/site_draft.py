"""A draft of the site file, part by part: set up in the console, put in place by somebody on the gateway.

Nothing here changes what is in force. A part stands in the file as a block of its own; the rest of the text, with its
comments, stays as it is.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from agent.sites.config import MAX_SITE_OCTETS, parse_site
from rules.errors import ConfigurationError, Problem, RefusedRequestError, StorageError

DRAFT_NAME: Final = "site-draft.yaml"
BY_HAND: Final = (
    "The site file is written in a way that the guide cannot change in part; please change it by hand, or begin with"
    " one that `schoolgate init` writes."
)


class _AsWritten(yaml.SafeDumper):
    """Writes text plainly where it can stand so: `off` and `10 s` mean to the site what they look like."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (as its base has it)


def replace_part(text: str, key: str, value: Any) -> str:
    """Give the text of a site with another value for one of its parts, such as `networks`.

    Comments within the part are gone; all others stay.

    Args:
        value: mappings, lists and text; None takes the part out.

    Raises:
        RefusedRequestError: the text is none that can be changed in part.
    """
    before = _read(text)
    lines = text.removesuffix("\n").split("\n") if text else []
    first = next((number for number, line in enumerate(lines) if re.match(rf"{re.escape(key)}\s*:", line)), None)
    block = [] if value is None else _block(key, value)
    if first is None:
        changed = [*lines, *([""] if block else []), *block]
    else:
        changed = [*lines[:first], *block, *lines[_end_of(lines, first) :]]
    result = "\n".join(changed) + "\n"
    expected = {name: part for name, part in before.items() if name != key} | ({} if value is None else {key: value})
    if (first is None) == (key in before) or _read(result) != expected:
        raise RefusedRequestError(BY_HAND)
    return result


def part_of(text: str, key: str) -> Any:
    """Give the value of a part, None where it has none.

    Raises:
        RefusedRequestError: the text is none that can be changed in part.
    """
    return _read(text).get(key)


def problems_of(text: str, path: Path) -> tuple[Problem, ...]:
    """Give what is wrong with the text of a site; nothing where it can be used."""
    try:
        parse_site(text, path=path, with_own_packs=True)
    except ConfigurationError as error:
        return error.problems
    return ()


def read_draft(state: Path) -> str | None:
    """Read the draft; nothing where nobody began one.

    Raises:
        StorageError: it is there and cannot be read.
    """
    try:
        octets = (state / DRAFT_NAME).read_bytes()[: MAX_SITE_OCTETS + 1]
        return octets.decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{state / DRAFT_NAME}: the draft of the site cannot be read ({error}).") from error


def leave_draft(state: Path, text: str) -> None:
    """Keep a draft in place of the one before.

    Raises:
        RefusedRequestError: it is too long for a site.
        StorageError: it cannot be written.
    """
    octets = text.encode()
    if len(octets) > MAX_SITE_OCTETS:
        raise RefusedRequestError(f"Found {len(octets):,} octets; expected a site of at most {MAX_SITE_OCTETS:,}.")
    write_whole(state / DRAFT_NAME, octets, mode=0o600)


def drop_draft(state: Path) -> None:
    """Forget the draft."""
    (state / DRAFT_NAME).unlink(missing_ok=True)


def put_in_place(path: Path, text: str) -> Path:
    """Write a site file, as whole as the one before, which stays beside it; gives where that is.

    Raises:
        StorageError: one of the two cannot be written.
    """
    kept = path.with_name(f"{path.name}.before")
    try:
        status, before = path.stat(), path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path}: the site file cannot be read ({error.strerror or error}).") from error
    mode = status.st_mode & 0o777
    for place, octets in ((kept, before), (path, text.encode())):
        write_whole(place, octets, mode=mode, owner=(status.st_uid, status.st_gid))
    return kept


def write_whole(path: Path, octets: bytes, *, mode: int, owner: tuple[int, int] | None = None) -> None:
    """Write a file so that nobody ever finds half of it.

    Raises:
        StorageError: it cannot be written.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            if owner is not None and owner != (os.geteuid(), os.getegid()) and os.geteuid() == 0:
                os.fchown(file.fileno(), *owner)
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: it cannot be written ({error.strerror or error}).") from error


def _end_of(lines: list[str], first: int) -> int:
    """Give where the block ends that begins at a line: before the next key, and what stands above that key."""
    end = first + 1
    for number in range(first + 1, len(lines)):
        line = lines[number]
        if line and not line[0].isspace() and not line.startswith("#"):
            # A list may stand as far left as its key.
            if not line.startswith("- "):
                break
            end = number + 1
        elif line.strip() and line[0].isspace():
            end = number + 1
    return end


def _block(key: str, value: Any) -> list[str]:
    written = yaml.dump({key: value}, Dumper=_AsWritten, sort_keys=False, allow_unicode=True, width=110)
    return str(written).rstrip("\n").split("\n")


def _read(text: str) -> Mapping[str, Any]:
    try:
        # Every scalar as it is written, whatever a reader makes of it.
        value = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 (text alone)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise RefusedRequestError(BY_HAND) from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RefusedRequestError(BY_HAND)
    return value
