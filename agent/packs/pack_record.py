"""The packs that a school goes by, on the record: which they are and the hash of each file, never a word of them.

What a school's own pack says changes who deals with what; whoever reads the record later can prove from the file
which one was in force.
"""

import json
import sqlite3
from typing import Any, Final

from agent.incidents.incident_desk import SYSTEM
from agent.sites.site_packs import PacksInForce
from agent.storage.state import StateStore

IN_FORCE: Final = "packs_in_force"
_LAST: Final = "SELECT facts FROM audit WHERE kind = ? ORDER BY number DESC LIMIT 1"


class PackRecord:
    """Writes a row when the packs in force differ from those that were written down last."""

    def __init__(self, store: StateStore, packs: PacksInForce) -> None:
        self._store = store
        self._packs = packs
        self._written: dict[str, Any] | None = None

    def look(self) -> bool:
        """Write down what is new; says whether something was.

        Raises:
            StorageError: it could not be written, and is looked at again.
        """
        hashes = self._packs.laid().hashes
        # Lists, because the order of the packs decides which table holds.
        facts: dict[str, Any] = {"packs": list(hashes), "sha256": list(hashes.values())}
        if facts == self._written:
            return False
        with self._store.read() as database:
            is_known = facts == _last(database)
        if not is_known:
            with self._store.act() as act:
                act.note(IN_FORCE, actor=SYSTEM, facts=facts)
        self._written = facts
        return not is_known


def _last(database: sqlite3.Connection) -> Any:
    row = database.execute(_LAST, (IN_FORCE,)).fetchone()
    return None if row is None else json.loads(row["facts"])
