"""Letters come out of the file as they went in, and their text can be erased."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from storage_of_test import ANOTHER, INCIDENT, NOW, store_with_incidents

from agent.storage.letter_rows import Letter, LetterKind, erase_letters, read_letter, read_letters, write_letter

DRAFT = Letter("l1", INCIDENT, LetterKind.PARENTS, "fr", NOW, "p1", "Madame, Monsieur,")
SENT = replace(DRAFT, id="l2", made_at=NOW + timedelta(hours=1), sent_on=NOW.date(), sent_by="p2")
OTHER = replace(DRAFT, id="l3", incident=ANOTHER)


def test_what_is_written_is_read_and_the_text_can_be_erased(tmp_path: Path) -> None:
    with closing(store_with_incidents(tmp_path)) as store:
        with store.act() as act:
            for each in (SENT, DRAFT, OTHER):
                write_letter(act, each)
        with store.read() as database:
            assert read_letters(database, INCIDENT) == [DRAFT, SENT]
            assert read_letter(database, "l2") == SENT
            assert read_letter(database, "l9") is None
        with store.act() as act:
            assert erase_letters(act, INCIDENT) == 2
            assert act.erases
        with store.act() as act:
            assert erase_letters(act, INCIDENT) == 0
            assert not act.erases
        with store.read() as database:
            assert read_letters(database, INCIDENT) == [replace(DRAFT, text=None), replace(SENT, text=None)]
            assert read_letters(database, ANOTHER) == [OTHER]
