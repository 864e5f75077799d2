"""What a worker must know to answer without anybody's help, as one file that is replaced whole.

The control plane writes it, workers read it; nothing in it needs checking again, because it came from a checked
site a moment ago.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from agent.dns.clients import Seat
from agent.sites.site import Site
from rules.errors import StorageError


@dataclass(frozen=True, slots=True)
class BlockTexts:
    """What a blocked answer says beside its code, in the school's language; by tag, by reason code, or at all."""

    by_tag: dict[str, str] = field(default_factory=dict)
    by_reason: dict[str, str] = field(default_factory=dict)
    default: str = "Blocked by your school"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The policy of one generation.

    `index_path` is None where the site has no lists. `devices` maps an address to what else its device is known
    by: link-layer address and host name. `not_askable` are tags that no override can lift, `unrecorded` ones that are
    never recorded. `guard_names` are names by tag that are known whatever lists there are. `seats` are groups by
    address that somebody brings who is signed in there.
    """

    generation: int
    site: Site
    index_generation: int = 0
    index_path: str | None = None
    devices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    texts: BlockTexts = field(default_factory=BlockTexts)
    not_askable: frozenset[str] = frozenset()
    unrecorded: frozenset[str] = frozenset()
    guard_names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    seats: dict[str, Seat] = field(default_factory=dict)


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Publish a snapshot by renaming it into place.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
    """
    fresh = path.with_suffix(".new")
    try:
        with fresh.open("wb") as file:
            file.write(msgspec.json.encode(snapshot))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: the policy could not be written ({error.strerror})") from error


def read_snapshot(path: Path) -> Snapshot:
    """Load what the control plane published.

    Raises:
        StorageError: there is no snapshot, or it is not one of this version.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Snapshot)
    except OSError as error:
        raise StorageError(f"{path}: the policy could not be read ({error.strerror})") from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise StorageError(f"{path}: not a policy of this version ({error})") from error
