"""Who looked at what is kept about somebody, the newest first."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from storage_of_test import INCIDENT, NOW, store_with_incidents

from agent.storage.access_rows import Access, Seen, read_accesses, write_access

FIRST = Access(NOW, "p1", INCIDENT, Seen.SUBJECT, "To write to the parents")
SECOND = Access(NOW + timedelta(hours=1), "p2", "", Seen.EXPORT, None)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    with closing(store_with_incidents(tmp_path)) as store:
        with store.act() as act:
            write_access(act, FIRST)
            write_access(act, SECOND)
        first, second = replace(FIRST, number=1), replace(SECOND, number=2)
        with store.read() as database:
            assert read_accesses(database) == [second, first]
            assert read_accesses(database, incident=INCIDENT) == [first]
            assert read_accesses(database, since=NOW + timedelta(hours=1)) == [second]
            assert read_accesses(database, until=NOW + timedelta(hours=1)) == [first]
            assert read_accesses(database, since=NOW, until=NOW + timedelta(hours=2)) == [second, first]
            assert read_accesses(database, limit=1, offset=1) == [first]
