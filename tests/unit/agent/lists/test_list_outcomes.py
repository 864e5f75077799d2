"""The sentence at the end of a look at a list."""

import pytest
from lists_of_test import EARLY

from agent.lists.list_faults import Fault
from agent.lists.list_guard import Finding, GuardHit
from agent.lists.list_layout import Kind, SourceFile, Use
from agent.lists.list_outcomes import Outcome, Refused, Taken, Unavailable, Unchanged, UpdateReport
from agent.lists.list_store import Copy, StoredFile
from rules.name import DomainName


def copy(names: int, *hits: GuardHit) -> Copy:
    source = SourceFile("games.txt", Kind.NAMES, "games")
    file = StoredFile(source, Use.USED, ("games",), 9, "00", "domains", names, names)
    return Copy("some", "v1", "/games.txt", "auto", EARLY, "00", (file,), guard_hits=hits)


SHRANK = Finding(Fault.SHRANK, "it has 5 names, the last good copy 1,500; max_change_share allows 50%")
HTML = Finding(Fault.HTML, "list.txt is a web page")
HIT = GuardHit(DomainName("helpline.example"), "games.txt:7")


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        pytest.param(Taken("some", copy(1500)), "1,500 names taken", id="first-load"),
        pytest.param(Taken("some", copy(1500), copy(1400)), "1,500 names taken (before: 1,400)", id="update"),
        pytest.param(
            Taken("some", copy(5), copy(1500), (SHRANK,)),
            f"5 names taken (before: 1,500); forced although {SHRANK.sentence}",
            id="forced",
        ),
        pytest.param(
            Taken("some", copy(5, HIT)),
            "5 names taken; it lists names that stay open all the same, 1 in all: helpline.example in games.txt:7",
            id="guard-names",
        ),
        pytest.param(Unchanged("some", copy(5)), "unchanged; 5 names of 2026-09-01 06:00 UTC", id="unchanged"),
        pytest.param(
            Unchanged("some", copy(5), was_asked=False), "not asked; 5 names of 2026-09-01 06:00 UTC", id="offline"
        ),
        pytest.param(
            Refused("some", (SHRANK,), copy(1500)),
            f"refused: {SHRANK.sentence}; the copy of 2026-09-01 06:00 UTC stays in force; --force takes it once",
            id="refused",
        ),
        pytest.param(
            Refused("some", (HTML,), None),
            "refused: list.txt is a web page; there is no earlier copy, so this list filters nothing",
            id="refused-on-first-load",
        ),
        pytest.param(
            Unavailable("some", Fault.TIME_OUT, "lists.example stayed silent for too long", copy(5)),
            "failed: lists.example stayed silent for too long; the copy of 2026-09-01 06:00 UTC stays in force",
            id="unavailable",
        ),
    ],
)
def test_the_sentence(outcome: Outcome, sentence: str) -> None:
    assert str(outcome) == sentence


def test_a_report_is_good_if_every_list_and_the_index_are() -> None:
    assert UpdateReport((Taken("some", copy(5)), Unchanged("some", copy(5)))).is_good
    assert not UpdateReport((Unchanged("some", copy(5)),), fault="disk full").is_good
    assert not UpdateReport((Refused("some", (HTML,), None),)).is_good
