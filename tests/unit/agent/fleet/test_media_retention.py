"""How long media stand with names: what is over is erased at its time or on request, and nothing that is not over."""

from collections.abc import Callable
from pathlib import Path

import pytest
from media_of_test import PURPOSE, TODAY, MediaOfTest

from agent.fleet.media_exceptions import Asked
from agent.fleet.media_lost import Missing
from agent.fleet.media_retention import Erasure
from agent.people.attempts import UnknownIdError
from agent.storage.media_rows import read_moves
from agent.storage.record import verify
from agent.storage.timeline_rows import Entry, add_timeline
from collectors.volume import Crypt
from rules.errors import RefusedRequestError
from rules.incident import Dismissal
from rules.medium import LostHow, Medium, MediumState
from rules.span import Span, Unit

MONTH = Span(1, Unit.MONTHS)
WORDS = "It was in my bag on the train"
REASON = "The person asked for it in a letter of yesterday."


@pytest.fixture
def school(tmp_path: Path) -> MediaOfTest:
    return MediaOfTest(tmp_path, keep=MONTH)


def bring_back(school: MediaOfTest, medium: Medium) -> None:
    permit = school.media.sign_outs.open_of(school.ids["technician"], medium.number)
    school.media.sign_outs.sign_in(school.ids["technician"], permit.number)


def dispose(school: MediaOfTest, medium: Medium) -> None:
    version = school.medium(medium).version
    school.media.register.dispose(
        school.ids["technician"], medium.number, version=version, how="Shredded in the office"
    )


def lose(school: MediaOfTest, medium: Medium | None = None) -> str:
    """Report something as lost; gives the id of the incident."""
    number = None if medium is None else medium.number
    return school.media.lost.report(school.ids["teacher"], Missing(LostHow.LOST, WORDS, medium=number)).incident


def end_case(school: MediaOfTest, incident_id: str) -> None:
    school.incidents.decisions.dismiss(
        school.ids["head"], incident_id, version=1, dismissal=Dismissal.LESSON, words="It was found in the safe"
    )
    school.later(days=62)
    assert school.incidents.keep() == 1


def about(school: MediaOfTest) -> list[str]:
    """Give what of a whole life of a medium nobody may find afterwards, as far as somebody finds it."""
    with school.store.read() as database:
        tables = ("media", "media_moves", "sign_outs", "media_exceptions", "lost_reports", "personal")
        stored = "".join(
            str(tuple(row))
            for table in tables
            for row in database.execute(f"SELECT * FROM {table}")  # noqa: S608 (our own words)
        )
    secrets = (school.ids["teacher"], PURPOSE, "drawer 2", "blue one", "Reports at home", "museum", "Shredded", WORDS)
    return [each for each in secrets if each in stored]


def live(school: MediaOfTest) -> Medium:
    """Let a medium be registered, let pass, taken, brought back and disposed of."""
    medium = school.register(serial="AB-1", label="blue one", place="Office, drawer 2")
    school.prove(medium.serial_key, Crypt.PLAIN)
    school.media.exceptions.ask(school.ids["teacher"], 1, Asked("The museum takes no other", TODAY))
    school.media.exceptions.allow(school.ids["head"], 1, version=1)
    school.out(medium)
    bring_back(school, medium)
    dispose(school, medium)
    school.later(days=1)
    school.media.sweep()
    return medium


def test_at_its_time_nobody_is_left_and_what_happened_when_stays(school: MediaOfTest) -> None:
    medium = live(school)
    assert len(about(school)) == 7
    school.later(days=29)
    assert school.media.keep() == 0
    school.later(days=2)
    assert (school.media.keep(), school.media.keep()) == (3, 0)
    assert about(school) == []
    after = school.medium(medium)
    assert (after.state, after.owner, after.serial_key, after.disposed_at) == (
        MediumState.DISPOSED,
        "",
        "",
        medium.registered_at,
    )
    with school.store.read() as database:
        moves = [move.move for move in read_moves(database, 1)]
        assert verify(database, anchors_key=None).is_whole
    assert moves[-3:] == ["sign_out_erased", "media_exception_erased", "medium_erased"]
    assert school.kinds().count("personal_erased") == 4
    later = school.media.registers.media(school.ids["head"], purpose="The yearly look at media", with_names=True)
    assert later.rows[0][3] == ""


def taken(school: MediaOfTest, medium: Medium) -> None:
    school.out(medium)


def overdue(school: MediaOfTest, medium: Medium) -> None:
    school.out(medium)
    school.later(days=5)
    school.media.sweep()


def taken_and_lost(school: MediaOfTest, medium: Medium) -> None:
    school.out(medium)
    lose(school, medium)


def under_a_case(school: MediaOfTest, medium: Medium) -> None:
    school.out(medium)
    lose(school, medium)
    version = school.medium(medium).version
    find = school.media.register.find
    find(school.ids["technician"], medium.number, version=version, where="Under the seat of the car")
    dispose(school, medium)


def named_in_a_case(school: MediaOfTest, medium: Medium) -> None:
    filed = school.open()
    with school.store.act() as act:
        facts = {"serial_key": medium.serial_key, "crypt": "plain"}
        add_timeline(act, filed.incident.id, Entry(school.now, "observed", "system", facts))
    school.out(medium)
    bring_back(school, medium)
    dispose(school, medium)


def in_use(_school: MediaOfTest, _medium: Medium) -> None:
    """Leave it where it is."""


@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(in_use, id="in-use"),
        pytest.param(taken, id="signed-out"),
        pytest.param(overdue, id="overdue"),
        pytest.param(taken_and_lost, id="lost"),
        pytest.param(under_a_case, id="found-while-its-case-is-kept"),
        pytest.param(named_in_a_case, id="named-in-a-case-that-is-kept"),
    ],
)
def test_what_is_not_over_stays_however_long_and_whoever_asks(
    school: MediaOfTest, happens: Callable[[MediaOfTest, Medium], None]
) -> None:
    medium = school.register(serial="AB-1")
    happens(school, medium)
    school.later(days=4000)
    before = about(school)
    assert school.media.keep() == 0
    asked = school.media.retention.erase_of(school.ids["head"], school.ids["teacher"], reason=REASON)
    assert asked.erased == 0
    assert asked.kept >= 1
    assert about(school) == before
    assert school.medium(medium).owner == school.ids["teacher"]


def test_a_report_goes_with_its_case_and_what_it_held_back_after_it(school: MediaOfTest) -> None:
    medium = school.register(serial="AB-1")
    school.prove(medium.serial_key, Crypt.PLAIN)
    school.out(medium)
    case = lose(school, medium)
    school.later(days=62)
    assert school.media.keep() == 0
    end_case(school, case)
    # It is lost still, so that nothing goes; then it is written off.
    assert school.media.keep() == 0
    dispose(school, medium)
    assert school.media.keep() == 2
    (told,) = school.media.lost.all(school.ids["head"], limit=9)
    assert (told.reporter, told.text) == ("", "")
    assert told.on_record["proved"] == {"crypt": "plain", "at": "2026-03-02T09:15:00+00:00"}
    assert school.ids["teacher"] not in str(told.on_record)
    school.later(days=31)
    assert school.media.keep() == 1
    assert about(school) == []
    with school.store.read() as database:
        assert verify(database, anchors_key=None).is_whole


def test_a_report_of_something_that_is_on_no_register_goes_with_its_case(school: MediaOfTest) -> None:
    end_case(school, lose(school))
    assert school.media.keep() == 1
    assert about(school) == []
    assert school.kinds()[-1] == "lost_report_erased"


def test_what_a_laptop_asked_for_goes_too(school: MediaOfTest) -> None:
    with school.store.act() as act:
        asked = Asked("The museum takes no other", TODAY)
        school.media.exceptions.ask_from_laptop(act, school.ids["teacher"], "k7", asked, device="d7")
    school.later(days=1)
    school.media.sweep()
    school.later(days=31)
    assert school.media.keep() == 1
    assert about(school) == []


def test_what_a_laptop_asked_for_stays_as_long_as_a_case_rests_on_it(school: MediaOfTest) -> None:
    filed = school.open()
    with school.store.act() as act:
        asked = Asked("The museum takes no other", TODAY)
        school.media.exceptions.ask_from_laptop(act, school.ids["teacher"], "k7", asked, device="d7")
        add_timeline(act, filed.incident.id, Entry(school.now, "observed", "system", {"serial_key": "k7"}))
    school.later(days=1)
    school.media.sweep()
    school.later(days=31)
    assert school.media.keep() == 0
    end_case(school, filed.incident.id)
    assert school.media.keep() == 1
    assert about(school) == []


# ---- on request ------------------------------------------------------------------------------------------------


def test_whoever_asks_is_erased_from_what_is_over_at_once(school: MediaOfTest) -> None:
    live(school)
    school.register()
    other = school.register("five")
    erase_of = school.media.retention.erase_of
    assert erase_of(school.ids["head"], school.ids["teacher"], reason=REASON) == Erasure(erased=3, kept=1)
    assert erase_of(school.ids["head"], school.ids["teacher"], reason=REASON) == Erasure(erased=0, kept=1)
    kind, actor, _ = school.record()[-1]
    assert (kind, actor) == ("medium_erased", school.ids["head"])
    assert school.kinds().count("personal_erased") == 4
    assert school.medium(other).owner == school.ids["five"]


@pytest.mark.parametrize(
    ("who", "reason", "why"),
    [
        pytest.param("technician", REASON, "the right to erase personal", id="who-manages-media"),
        pytest.param("teacher", REASON, "the right to erase personal", id="oneself"),
        pytest.param("head", "no", "reason", id="without-a-reason"),
    ],
)
def test_who_erases_nothing(school: MediaOfTest, who: str, reason: str, why: str) -> None:
    with pytest.raises(RefusedRequestError, match=why):
        school.media.retention.erase_of(school.ids[who], school.ids["teacher"], reason=reason)
    assert school.kinds()[-1] == "rule_refused"


def test_nobody_is_nobody(school: MediaOfTest) -> None:
    with pytest.raises(UnknownIdError):
        school.media.retention.erase_of(school.ids["head"], "p999", reason=REASON)
