"""Who is told of a stick that is not encrypted: once a device and day, and what goes on record."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.endpoint.endpoint_policy import PolicySettings
from agent.endpoint.local_channel import Caller
from agent.endpoint.notice import (
    UNTOLD_SECONDS,
    NoticeBoard,
    bounded,
    is_due,
    observe_answer,
    observe_exception,
)
from agent.endpoint.service_state import ServiceState
from collectors.observed import Observed, Priority

NOON = 1_795_262_400.0
DAY = 86_400.0
ANNA = Caller(1000, "anna")
SAID = {"language": "fr", "text": "La clé", "how": "notify-send", "presentation": "no:x11"}
STICK: dict[str, Any] = {
    "device": "sdb1",
    "insertion": "17",
    "uuid": "1234-ABCD",
    "label": "PUPILS",
    "bus": "usb",
    "usb": {"vendor": "0951", "product": "1666", "serial": "001CC0", "name": "DataTraveler"},
    "crypt": "plain",
    "mounted": True,
    "read_only": False,
    "system": False,
}


class Board:
    """A board with clocks that a test turns."""

    def __init__(self, folder: Path) -> None:
        self.wall, self.monotonic = NOON, 0.0
        self.state = ServiceState(folder)
        self.board = NoticeBoard(
            self.state,
            b"k" * 32,
            lambda: PolicySettings(grace_seconds=600),
            wall=lambda: self.wall,
            monotonic=lambda: self.monotonic,
        )

    def sees(self, kind: str = "media_inserted", **more: Any) -> list[Observed]:
        return self.board.see(Observed(kind, Priority.INCIDENT, {**STICK, **more}))

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds

    def shows(self) -> Observed:
        (waiting,) = self.board.waiting()
        (told,) = self.board.note_shown(str(waiting["number"]), ANNA, SAID)
        return told


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Board]:
    board = Board(tmp_path)
    yield board
    board.state.close()


@pytest.mark.parametrize(
    ("more", "due"),
    [
        pytest.param({}, True, id="plain-and-writable"),
        pytest.param({"crypt": "suspended"}, True, id="its-key-lies-open"),
        pytest.param({"crypt": "encrypted"}, False, id="encrypted"),
        pytest.param({"crypt": "unknown"}, False, id="not-known-is-not-plain"),
        pytest.param({"crypt": "claimed_hardware"}, False, id="said-to-encrypt-by-itself"),
        pytest.param({"crypt": "converting"}, False, id="being-encrypted"),
        pytest.param({"mounted": False}, False, id="not-mounted"),
        pytest.param({"read_only": True}, False, id="read-only"),
        pytest.param({"read_only": None}, True, id="nothing-says-read-only"),
        pytest.param({"system": True}, False, id="what-the-computer-runs-from"),
    ],
)
def test_who_is_to_be_told(more: dict[str, Any], due: bool) -> None:
    assert is_due({**STICK, **more}) is due


def test_a_notice_that_was_shown_says_to_whom_when_and_until_when(here: Board) -> None:
    assert here.sees() == []
    told = here.shows()
    assert (told.kind, told.priority) == ("notice_shown", Priority.INCIDENT)
    assert {name: told.facts[name] for name in ("shown", "account", "language", "text", "how", "presentation")} == {
        "shown": True,
        "account": "anna",
        **SAID,
    }
    assert (told.facts["notified_at"], told.facts["grace_until"]) == (NOON, NOON + 600)
    assert (told.facts["device"], told.facts["insertion"]) == ("sdb1", "17")
    assert here.board.waiting() == []


def test_it_is_shown_once_a_day_though_it_is_plugged_in_again(here: Board) -> None:
    here.sees()
    here.shows()
    here.passes(60)
    here.sees("media_removed")
    (again,) = here.sees(insertion="18", device="sdc1")
    assert (again.facts["shown"], again.facts["why"]) == (False, "told_today")
    assert (again.facts["notified_at"], again.facts["grace_until"]) == (NOON, NOON + 600)
    assert here.board.waiting() == []


def test_the_next_day_it_is_shown_again(here: Board) -> None:
    here.sees()
    here.shows()
    here.sees("media_removed")
    here.passes(DAY)
    assert here.sees(insertion="18") == []
    assert len(here.board.waiting()) == 1


def test_another_stick_is_another_notice(here: Board) -> None:
    here.sees()
    here.shows()
    here.sees(insertion="19", device="sdc1", usb={**STICK["usb"], "serial": "other"})
    assert len(here.board.waiting()) == 1


def test_two_parts_of_one_stick_are_one_notice_that_is_on_record_for_both(here: Board) -> None:
    here.sees()
    here.sees(device="sdb2")
    (waiting,) = here.board.waiting()
    told = here.board.note_shown(str(waiting["number"]), ANNA, SAID)
    assert [each.facts["device"] for each in told] == ["sdb1", "sdb2"]
    assert here.board.waiting() == []


def test_that_nobody_was_told_goes_on_record_once(here: Board) -> None:
    here.sees()
    here.passes(UNTOLD_SECONDS - 1)
    assert here.board.look() == []
    here.passes(1)
    (told,) = here.board.look()
    assert (told.facts["shown"], told.facts["why"], told.facts["notified_at"]) == (False, "no_helper", None)
    assert here.board.look() == []


def test_a_helper_that_did_not_show_it_is_told_from_none(here: Board) -> None:
    here.sees()
    here.passes(UNTOLD_SECONDS)
    here.board.waiting()
    (told,) = here.board.look()
    assert told.facts["why"] == "not_shown"


def test_whoever_signs_in_later_is_still_told(here: Board) -> None:
    here.sees()
    here.passes(UNTOLD_SECONDS)
    here.board.look()
    told = here.shows()
    assert told.facts["notified_at"] == here.wall


def test_a_presentation_is_not_disturbed_and_that_is_said_once(here: Board) -> None:
    here.sees()
    number = str(here.board.waiting()[0]["number"])
    (told,) = here.board.note_deferred(number, ANNA, {"presentation": "yes:d-bus"})
    assert (told.facts["shown"], told.facts["why"], told.facts["grace_until"]) == (False, "presenting", None)
    assert here.board.note_deferred(number, ANNA, {}) == []
    here.passes(UNTOLD_SECONDS)
    assert here.board.look() == []
    assert here.shows().facts["shown"] is True


@pytest.mark.parametrize("kind", ["media_removed", "media_unclean"])
def test_what_is_gone_is_not_due_any_more(here: Board, kind: str) -> None:
    here.sees()
    here.sees(kind)
    here.passes(UNTOLD_SECONDS)
    assert (here.board.waiting(), here.board.look()) == ([], [])


def test_what_is_encrypted_meanwhile_is_not_due_any_more(here: Board) -> None:
    here.sees()
    here.sees("media_changed", crypt="encrypted")
    assert here.board.waiting() == []


def test_a_number_that_nobody_gave_changes_nothing(here: Board) -> None:
    here.sees()
    assert here.board.note_shown("made up", ANNA, SAID) == []
    assert here.board.note_deferred("made up", ANNA, SAID) == []


def test_its_file_names_no_device(here: Board, tmp_path: Path) -> None:
    here.sees()
    here.shows()
    text = (tmp_path / "service.json").read_text()
    assert not any(word in text for word in ("001CC0", "PUPILS", "1234-ABCD"))


def test_a_clock_that_was_set_back_makes_no_new_day_by_itself(here: Board) -> None:
    here.sees()
    here.shows()
    here.sees("media_removed")
    here.wall -= 600
    assert here.sees(insertion="20") != []


def test_a_thousand_media_are_bounded(here: Board) -> None:
    for number in range(1000):
        here.sees(device=f"sd{number}", usb=None, uuid=str(number))
    assert len(here.board.waiting()) == 64


def test_an_exception_names_the_media_that_it_is_for(here: Board) -> None:
    here.sees()
    media = here.board.plain_media()
    told = observe_exception(ANNA, words="Exam\x1b[2J papers", until="2026-12-18", media=media, wall=NOON)
    assert (told.kind, told.facts["words"], told.facts["account"]) == ("exception_asked", "Exam [2J papers", "anna")
    assert told.facts["media"] == media
    assert media[0]["usb"] == STICK["usb"]


def test_an_answer_names_the_version_and_the_account() -> None:
    told = observe_answer(ANNA, version="2026-09", accepted=False, said=SAID, wall=NOON)
    assert (told.kind, told.facts["aup_version"], told.facts["accepted"]) == ("sign_in_answered", "2026-09", False)


@pytest.mark.parametrize("value", [None, 3, [], {}, "\ud800", "a" * 5000, "\x00\x1b"])
def test_whatever_another_program_says_becomes_a_text(value: object) -> None:
    text = bounded(value, 100)
    assert len(text) <= 100
    text.encode()
