"""The register of media: what is stated, what is proved, and what was done."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from media_of_test import PURPOSE, TODAY, MediaOfTest

from agent.people.attempts import ConflictError, UnknownIdError
from agent.storage.media_rows import Which, read_media, read_moves, read_proofs
from collectors.volume import Crypt, Evidence
from rules.errors import RefusedRequestError
from rules.medium import Medium, MediumState, Stated


@pytest.fixture
def school(tmp_path: Path) -> MediaOfTest:
    return MediaOfTest(tmp_path)


def proofs(school: MediaOfTest, key: str) -> dict[Which, str]:
    with school.store.read() as database:
        return {which: proof.crypt for which, proof in read_proofs(database, key).items()}


def key_of(school: MediaOfTest, serial: str = "AB-1") -> str:
    return school.media.register.serial_key("0951", "177f", serial)


def stick(school: MediaOfTest, **said: Any) -> Medium:
    return school.register(**{"vendor": "0951", "product": "177F", "serial": "ab-1", **said})


# ---- on the register -------------------------------------------------------------------------------------------


def test_media_have_running_numbers_and_a_history_and_the_record_has_no_word_of_people(school: MediaOfTest) -> None:
    first = stick(school, place="Office, drawer 2", stated=Stated.ENCRYPTED, purge_on=TODAY)
    second = school.register("technician", for_="five")
    assert (first.number, second.number) == (1, 2)
    assert (second.owner, second.registered_by) == (school.ids["five"], school.ids["technician"])
    with school.store.read() as database:
        moves = read_moves(database, 1)
    assert [(move.move, dict(move.words)) for move in moves] == [
        ("medium_registered", {"owner": school.ids["teacher"], "purpose": PURPOSE, "place": "Office, drawer 2"})
    ]
    kind, actor, facts = school.record()[-2]
    assert (kind, actor) == ("medium_registered", school.ids["teacher"])
    assert json.loads(facts) == {
        "kind": "stick",
        "stated": "encrypted",
        "holds_personal_data": False,
        "is_foreign": False,
        "checked_on": None,
        "purge_on": "2026-03-02",
        "has_serial": True,
    }


def test_the_serial_number_itself_is_stored_nowhere(school: MediaOfTest) -> None:
    stick(school, serial="SECRETSERIAL77")
    assert "SECRETSERIAL77" not in school.everything_stored().upper()


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        pytest.param(("0951", "177f", "AB-1"), ("0951", "177F", " ab-1 "), True, id="the-same-however-it-is-written"),
        pytest.param(("", "", "AB-1"), ("0951", "177f", "AB-1"), True, id="first-without-its-maker"),
        pytest.param(("0951", "177f", "AB-1"), ("", "", "AB-1"), True, id="second-without-its-maker"),
        pytest.param(("0951", "177f", "AB-1"), ("0781", "5567", "AB-1"), False, id="two-makers-one-number"),
        pytest.param(("0951", "177f", "AB-1"), ("0951", "177f", "AB-2"), False, id="two-numbers"),
    ],
)
def test_one_serial_number_stands_once(
    school: MediaOfTest, first: tuple[str, str, str], second: tuple[str, str, str], is_same: bool
) -> None:
    names = ("vendor", "product", "serial")
    school.register(**dict(zip(names, first, strict=True)))
    if is_same:
        with pytest.raises(RefusedRequestError, match="stands on the register as M-1; expected another one"):
            school.register("five", **dict(zip(names, second, strict=True)))
    else:
        assert school.register("five", **dict(zip(names, second, strict=True))).number == 2


def test_a_medium_that_was_disposed_of_by_mistake_is_registered_again(school: MediaOfTest) -> None:
    medium = stick(school)
    school.media.register.dispose(school.ids["technician"], 1, version=1, how="Shredded in the office")
    assert stick(school).number == medium.number + 1


@pytest.mark.parametrize(
    ("by", "said", "why"),
    [
        ("pupil", {}, "the right to use media"),
        ("officer", {}, "the right to use media"),
        ("teacher", {"for_": "five"}, "the right to manage media"),
        ("technician", {"for_": "pupil"}, "is on the staff; this person is not"),
        ("teacher", {"serial": "AB\x071"}, "a control character"),
        ("teacher", {"vendor": "0951", "serial": "A1"}, "expected both, or none"),
        ("teacher", {"vendor": "095", "product": "177f", "serial": "A1"}, "four hexadecimal digits"),
        ("teacher", {"vendor": "0951", "product": "177f"}, "no letter or digit"),
        ("teacher", {"purge_on": date(2026, 3, 1)}, "which is past"),
        ("teacher", {"purpose": "?"}, "The purpose is missing"),
    ],
    ids=[
        "a-pupil", "who-only-watches", "for-somebody-else", "for-a-pupil", "control-character", "half-of-the-ids",
        "no-usb-id", "ids-without-a-number", "purge-in-the-past", "no-purpose",
    ],
)  # fmt: skip
def test_what_cannot_be_registered(school: MediaOfTest, by: str, said: dict[str, Any], why: str) -> None:
    with pytest.raises(RefusedRequestError, match=why):
        school.register(by, **said)
    assert school.kinds() == ["rule_refused"]


def test_nobody_who_left_has_a_medium(school: MediaOfTest) -> None:
    with school.store.act() as act:
        school.people.close(act, school.ids["five"], actor=school.ids["head"])
    with pytest.raises(RefusedRequestError, match="is not known or has left"):
        school.register("technician", for_="five")


# ---- changes ---------------------------------------------------------------------------------------------------


def test_a_change_says_what_is_new_and_only_that(school: MediaOfTest) -> None:
    stick(school)
    changes = {"place": "Safe", "stated": Stated.PLAIN, "purpose": PURPOSE}
    after = school.media.register.change(school.ids["teacher"], 1, version=1, changes=changes)
    assert (after.place, after.stated, after.version) == ("Safe", Stated.PLAIN, 2)
    with school.store.read() as database:
        move = read_moves(database, 1)[-1]
    assert (dict(move.content), dict(move.words)) == ({"stated": "plain"}, {"place": "Safe"})


def test_who_changes_what(school: MediaOfTest) -> None:
    stick(school)
    change = school.media.register.change
    with pytest.raises(UnknownIdError):
        change(school.ids["five"], 1, version=1, changes={"place": "Safe"})
    with pytest.raises(RefusedRequestError, match="the right to manage media"):
        change(school.ids["teacher"], 1, version=1, changes={"owner": school.ids["five"]})
    with pytest.raises(ConflictError):
        change(school.ids["teacher"], 1, version=7, changes={"place": "Safe"})
    with pytest.raises(RefusedRequestError, match="Nothing of M-1 would change"):
        change(school.ids["teacher"], 1, version=1, changes={"purpose": PURPOSE})
    assert change(school.ids["technician"], 1, version=1, changes={"owner": school.ids["five"]}).version == 2
    assert change(school.ids["five"], 1, version=2, changes={"place": "Safe"}).place == "Safe"


def test_a_serial_number_that_comes_later_joins_what_was_proved_from_then_on(school: MediaOfTest) -> None:
    school.register()
    key = key_of(school)
    school.prove(key, Crypt.PLAIN)
    school.later(hours=1)
    school.prove(key, Crypt.ENCRYPTED)
    changes = {"vendor": "0951", "product": "177f", "serial": "AB-1"}
    assert school.media.register.change(school.ids["teacher"], 1, version=1, changes=changes).serial_key == key
    assert proofs(school, key) == {Which.LATEST: "encrypted"}


def test_who_has_a_medium_of_another_sees_it_and_changes_nothing(school: MediaOfTest) -> None:
    medium = stick(school)
    school.take(medium, "technician", for_="five")
    with pytest.raises(RefusedRequestError, match="Only whoever answers for M-1"):
        school.media.register.change(school.ids["five"], 1, version=1, changes={"place": "Safe"})


def test_a_medium_is_cleared_and_the_next_day_is_set(school: MediaOfTest) -> None:
    stick(school, purge_on=TODAY, holds_personal_data=True)
    purge, teacher = school.media.register.purge, school.ids["teacher"]
    with pytest.raises(RefusedRequestError, match="which is past"):
        purge(teacher, 1, version=1, how="Overwritten in the office", next_on=date(2026, 3, 1))
    again = purge(teacher, 1, version=1, how="Overwritten in the office", next_on=date(2026, 7, 1))
    assert (again.purge_on, again.holds_personal_data) == (date(2026, 7, 1), True)
    after = purge(teacher, 1, version=2, how="Overwritten in the office")
    assert (after.purge_on, after.holds_personal_data) == (None, False)


def test_how_it_is_protected_is_for_its_owner_to_say_and_proves_nothing(school: MediaOfTest) -> None:
    stick(school)
    attest = school.media.register.attest
    with pytest.raises(RefusedRequestError, match="Only whoever answers for M-1"):
        attest(school.ids["technician"], 1, version=1, how="A password of mine")
    after = attest(school.ids["teacher"], 1, version=1, how="A password of mine")
    assert (after.attested, after.attested_at, after.stated) == ("A password of mine", school.now, Stated.UNKNOWN)
    assert proofs(school, after.serial_key) == {}


def test_a_medium_is_disposed_of_by_whoever_manages_them_once_it_is_there(school: MediaOfTest) -> None:
    medium = stick(school)
    dispose, technician = school.media.register.dispose, school.ids["technician"]
    with pytest.raises(RefusedRequestError, match="the right to manage media"):
        dispose(school.ids["teacher"], 1, version=1, how="Shredded in the office")
    asked = school.take(medium)
    with pytest.raises(RefusedRequestError, match=r"Somebody asks to take M-1 \(S-1\)"):
        dispose(technician, 1, version=1, how="Shredded in the office")
    school.media.sign_outs.allow(technician, asked.number, version=1)
    with pytest.raises(RefusedRequestError, match=r"M-1 is signed out \(S-1\), so it cannot be disposed of"):
        dispose(technician, 1, version=1, how="Shredded in the office")
    school.media.sign_outs.sign_in(technician, asked.number)
    after = dispose(technician, 1, version=1, how="Shredded in the office")
    assert (after.state, after.disposed_by, after.disposal) == (
        MediumState.DISPOSED,
        technician,
        "Shredded in the office",
    )
    with pytest.raises(RefusedRequestError, match="M-1 is disposed of, so it cannot be changed"):
        school.media.register.change(school.ids["teacher"], 1, version=2, changes={"place": "Safe"})


# ---- what laptops tell -----------------------------------------------------------------------------------------


def test_the_latest_and_the_worst_since_registration_are_kept(school: MediaOfTest) -> None:
    key = key_of(school)
    school.prove(key, Crypt.PLAIN)
    school.later(days=1)
    stick(school)
    assert proofs(school, key) == {Which.LATEST: "plain"}
    for hours, crypt in ((1, Crypt.ENCRYPTED), (1, Crypt.SUSPENDED), (1, Crypt.ENCRYPTED), (1, Crypt.ENCRYPTED)):
        school.later(hours=hours)
        school.prove(key, crypt)
    assert proofs(school, key) == {Which.LATEST: "encrypted", Which.WORST: "suspended"}
    assert school.kinds().count("medium_proved") == 3


def test_what_comes_late_counts_for_the_worst_and_never_as_the_latest(school: MediaOfTest) -> None:
    medium = stick(school)
    school.later(days=2)
    school.prove(medium.serial_key, Crypt.ENCRYPTED)
    school.prove(medium.serial_key, Crypt.PLAIN, at=school.now - timedelta(days=1))
    assert proofs(school, medium.serial_key) == {Which.LATEST: "encrypted", Which.WORST: "plain"}
    school.prove(medium.serial_key, Crypt.PLAIN, at=school.now - timedelta(days=9))
    assert proofs(school, medium.serial_key)[Which.LATEST] == "encrypted"


def test_a_clock_that_is_ahead_does_not_keep_others_from_being_the_latest(school: MediaOfTest) -> None:
    medium = stick(school)
    school.prove(medium.serial_key, Crypt.PLAIN, at=school.now + timedelta(days=900))
    school.later(hours=1)
    school.prove(medium.serial_key, Crypt.ENCRYPTED)
    assert proofs(school, medium.serial_key)[Which.LATEST] == "encrypted"


def test_evidence_is_bounded_and_readable(school: MediaOfTest) -> None:
    medium = stick(school)
    evidence = [Evidence("s" * 900, "v\x1b[2J\ud800" + "x" * 900, "user")] * 500
    school.prove(medium.serial_key, Crypt.UNKNOWN, evidence=evidence)
    with school.store.read() as database:
        kept = read_proofs(database, medium.serial_key)[Which.LATEST].evidence
    assert len(kept) == 8
    assert all(text.isprintable() and len(text) <= 120 for each in kept for text in each.values())


def test_a_laptop_finds_the_medium_that_people_know_by_its_number_alone(school: MediaOfTest) -> None:
    medium = school.register(serial="AB-1")
    with school.store.read() as database:
        assert school.media.register.known_key(database, "0951", "177f", "ab-1") == medium.serial_key
        assert school.media.register.known_key(database, "0951", "177f", "AB-9") == key_of(school, "AB-9")


def test_what_was_proved_of_strange_media_is_forgotten_after_a_year(school: MediaOfTest) -> None:
    medium = stick(school)
    school.prove(medium.serial_key, Crypt.PLAIN)
    school.prove(key_of(school, "STRANGE"), Crypt.PLAIN)
    school.later(days=300)
    assert school.media.keep() == 0
    school.later(days=100)
    assert school.media.keep() == 2
    assert proofs(school, medium.serial_key)


# ---- reminders -------------------------------------------------------------------------------------------------


def test_what_should_have_been_cleared_reminds_and_climbs_and_each_step_once(school: MediaOfTest) -> None:
    stick(school, purge_on=TODAY, stated=Stated.ENCRYPTED)
    told = []
    for _ in range(9):
        school.media.sweep()
        school.media.sweep()
        told.append(len(school.notices))
        school.later(days=1)
    assert told == [0, 1, 1, 2, 2, 2, 2, 3, 3]
    teacher = frozenset({"teacher"})
    assert school.notices[0] == ("media_purge_due", "M-1", "", teacher, frozenset({"ict_coordinator"}))
    assert school.notices[2][4] == {"ict_coordinator", "head_teacher"}


@pytest.mark.parametrize(
    ("stated", "crypt", "is_asked"),
    [
        pytest.param(Stated.UNKNOWN, None, True, id="nobody-knows"),
        pytest.param(Stated.ENCRYPTED, None, False, id="its-owner-says-so"),
        pytest.param(Stated.ENCRYPTED, Crypt.UNKNOWN, True, id="a-laptop-could-not-tell"),
        pytest.param(Stated.PLAIN, Crypt.MAYBE_ENCRYPTED, True, id="a-laptop-is-not-sure"),
        pytest.param(Stated.UNKNOWN, Crypt.ENCRYPTED, False, id="proved"),
        pytest.param(Stated.UNKNOWN, Crypt.PLAIN, False, id="proved-to-be-plain"),
    ],
)
def test_whoever_answers_for_it_is_asked_once_where_nobody_can_tell(
    school: MediaOfTest, stated: Stated, crypt: Crypt | None, is_asked: bool
) -> None:
    medium = stick(school, stated=stated)
    if crypt is not None:
        school.prove(medium.serial_key, crypt)
    school.media.sweep()
    school.media.sweep()
    nobody: frozenset[str] = frozenset()
    asked = [("media_attest", "M-1", "", frozenset({"teacher"}), nobody)]
    assert school.notices == (asked if is_asked else [])


def test_ten_thousand_media_are_listed_and_reminded_of_in_bounded_steps(school: MediaOfTest) -> None:
    with school.store.act() as act:
        act.database.executemany(
            "INSERT INTO media (kind, owner, state, stated, holds_personal_data, is_foreign, purge_on, registered_at,"
            " registered_by, words) VALUES ('stick', ?, 'registered', 'plain', 0, 0, '2026-02-01', ?, 'x', '{}')",
            [(school.ids["teacher"], school.now.isoformat())] * 10_000,
        )
    assert school.media.sweep() == 200
    with school.store.read() as database:
        page = read_media(database, before=9_000, limit=50)
        assert ([each.number for each in page][:2], len(page)) == ([8_999, 8_998], 50)
        assert len(read_media(database, owner=school.ids["teacher"], limit=20_000)) == 10_000
    medium = stick(school)
    assert medium.number == 10_001
    with pytest.raises(RefusedRequestError, match="M-10001"):
        stick(school)
