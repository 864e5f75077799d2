"""How many laptops proved that their own disk is encrypted; nothing about any one of them.

What laptops told of it before is not kept as a state, so this is how it stands now.
"""

import json
import sqlite3
from collections import Counter
from dataclasses import dataclass
from typing import Final

from agent.fleet.fleet_metrics import is_encrypted
from agent.fleet.fleet_states import POSTURE
from agent.storage.fleet_rows import DeviceState
from collectors.posture import Check
from rules.small_numbers import Hidden, hide_small

_QUERY: Final = "SELECT device, content FROM device_states WHERE kind = ? AND key = ?"
_ACTIVE: Final = "SELECT id FROM fleet_devices WHERE state = ?"


@dataclass(frozen=True, slots=True)
class Encryption:
    """Laptops on the list by whether their disk is encrypted; that nobody knows is a value of its own."""

    encrypted: int | Hidden
    not_encrypted: int | Hidden
    unknown: int | Hidden
    total: int | Hidden
    small_number: int = 0


def read_encryption(database: sqlite3.Connection, told: sqlite3.Connection, *, small_number: int = 0) -> Encryption:
    """Count the laptops that are on the list.

    Args:
        database: the state, at one moment.
        told: the file of what laptops tell.
        small_number: what is the first number that is told; 0 tells all.
    """
    active = {row[0] for row in database.execute(_ACTIVE, (DeviceState.ACTIVE.value,))}
    disks = read_disks(told)
    counts = Counter(str(disks.get(device)) for device in active)
    found = hide_small({str(each): counts[str(each)] for each in (True, False, None)}, small_number=small_number)
    return Encryption(found.numbers["True"], found.numbers["False"], found.numbers["None"], found.total, small_number)


def read_disks(told: sqlite3.Connection) -> dict[str, bool | None]:
    """Read of each laptop that told something of its disk whether it proved that it is encrypted."""
    return {
        device: is_encrypted(json.loads(content).get("d", {}))
        for device, content in told.execute(_QUERY, (POSTURE, Check.DISK_ENCRYPTION.value))
    }
