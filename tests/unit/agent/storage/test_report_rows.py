"""Reports come out of the file by their receipts, and who made them can be erased."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from storage_of_test import ANOTHER, INCIDENT, NOW, store_with_incidents

from agent.storage.report_rows import FiledReport, erase_reporters, read_receipt, read_reports, write_report
from rules.errors import StorageError

NAMED = FiledReport("r1", "AAAA-BBBB-CCCC", NOW, INCIDENT, "actual", "p1")
ANONYMOUS = FiledReport("r2", "AAAA-BBBB-DDDD", NOW + timedelta(hours=1), INCIDENT, "potential")


def test_what_is_written_is_read_and_reporters_can_be_erased(tmp_path: Path) -> None:
    with closing(store_with_incidents(tmp_path)) as store:
        with store.act() as act:
            write_report(act, ANONYMOUS)
            write_report(act, NAMED)
        with store.read() as database:
            assert read_reports(database, INCIDENT) == [NAMED, ANONYMOUS]
            assert read_receipt(database, ANONYMOUS.receipt) == ANONYMOUS
            assert read_receipt(database, "nothing") is None
        with store.act() as act:
            assert erase_reporters(act, INCIDENT) == 1
            assert act.erases
            assert erase_reporters(act, ANOTHER) == 0
        with store.read() as database:
            assert read_reports(database, INCIDENT) == [replace(NAMED, reporter=None), ANONYMOUS]


def test_no_receipt_is_given_twice(tmp_path: Path) -> None:
    with closing(store_with_incidents(tmp_path)) as store:
        with store.act() as act:
            write_report(act, NAMED)
        with pytest.raises(StorageError, match="UNIQUE"), store.act() as act:
            write_report(act, replace(ANONYMOUS, receipt=NAMED.receipt))
