from filters.list_entries import Reason
from filters.list_formats.plain import DomainsReader
from filters.list_formats.reader import MAX_BAD_LINES
from filters.list_names import Refused


def test_a_refused_entry_is_counted_and_kept_with_its_place() -> None:
    reader = DomainsReader("list.txt")
    reader.line = 7
    reader.refuse(Refused(Reason.BAD_NAME, "no name"), "x\ty")
    assert reader.chunk.counts == {Reason.BAD_NAME: 1}
    assert [str(line) for line in reader.chunk.bad] == [r"list.txt:7: no name: x\ty"]


def test_only_so_many_bad_lines_are_kept_and_all_are_counted() -> None:
    reader = DomainsReader("list.txt")
    for _ in range(MAX_BAD_LINES + 5):
        reader.refuse(Refused(Reason.BAD_NAME, "no name"), "x")
    assert len(reader.chunk.bad) == MAX_BAD_LINES
    assert reader.chunk.counts.total() == MAX_BAD_LINES + 5


def test_a_cancelled_rule_is_counted_but_it_is_no_bad_line() -> None:
    reader = DomainsReader("list.txt")
    reader.refuse(Refused(Reason.CANCELLED, "cancelled"), "x")
    assert reader.chunk.counts == {Reason.CANCELLED: 1}
    assert not reader.chunk.bad
