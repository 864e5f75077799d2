"""What may be illegal: no name to nobody, metadata to two people together, and a card that says what to do."""

from dataclasses import fields
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW, PEOPLE, PURPOSE, IncidentsOfTest, on_track

from agent.incidents.incident_sealed import Metadata
from agent.people.attempts import UnknownIdError
from agent.sites.site import ContactCard
from agent.storage.incident_rows import Filed
from agent.storage.timeline_rows import read_timeline
from rules.errors import RefusedRequestError
from rules.incident import Track
from rules.incident_kind import Kind
from rules.name import DomainName
from rules.observation import Confidence, Place

VISITED = "secret-name.example"
POLICE = ContactCard("Police", ("room 7 has the number",), frozenset({"illegal_content"}))
OTHERS = ContactCard("Office", ("for lost laptops",), frozenset({"lost_device"}))


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path, contacts=(POLICE, OTHERS))


@pytest.fixture
def filed(school: IncidentsOfTest) -> Filed:
    filed = school.open(Kind.ILLEGAL, rows=("P01",), name=DomainName(VISITED), times=2)
    return school.join(filed, id="o-2", at=NOW + timedelta(minutes=3), name=DomainName(VISITED))


def unseal(school: IncidentsOfTest, name: str, filed: Filed) -> Any:
    return school.incidents.sealed.unseal(school.ids[name], filed.incident.id, purpose=PURPOSE, case=filed.number)


def metadata(school: IncidentsOfTest, name: str, filed: Filed) -> Any:
    return school.incidents.sealed.metadata(school.ids[name], filed.incident.id, purpose=PURPOSE, case=filed.number)


def test_one_alone_unseals_nothing(school: IncidentsOfTest, filed: Filed) -> None:
    for _ in range(2):
        assert not unseal(school, "head", filed).is_open
    with pytest.raises(RefusedRequestError, match="two people who may both read it"):
        metadata(school, "head", filed)


@pytest.mark.parametrize(("first", "second"), list(permutations(("head", "coordinator", "lead"), 2)))
def test_two_who_may_read_it_unseal_it(school: IncidentsOfTest, filed: Filed, first: str, second: str) -> None:
    assert unseal(school, first, filed).asked_by == (school.ids[first],)
    school.later(minutes=10)
    now = unseal(school, second, filed)
    assert now.is_open
    assert now.open_until == school.now + timedelta(minutes=30)
    for name in (first, second):
        found = metadata(school, name, filed)
    assert (found.subject, found.confidence, found.place) == (filed.incident.subject, Confidence.A, Place.ON_SITE)
    assert (found.first_at, found.last_at) == (NOW, NOW + timedelta(minutes=3))
    assert (found.times, found.minutes, len(found.evidence)) == (3, 2, 2)


def test_the_third_who_was_not_there_sees_nothing(school: IncidentsOfTest, filed: Filed) -> None:
    unseal(school, "head", filed)
    unseal(school, "lead", filed)
    with pytest.raises(RefusedRequestError, match="is sealed"):
        metadata(school, "coordinator", filed)


def test_two_who_were_not_together_unseal_nothing(school: IncidentsOfTest, filed: Filed) -> None:
    unseal(school, "head", filed)
    school.later(minutes=10, seconds=1)
    now = unseal(school, "lead", filed)
    assert (now.is_open, now.asked_by) == (False, (school.ids["lead"],))


def test_it_closes_by_itself(school: IncidentsOfTest, filed: Filed) -> None:
    unseal(school, "head", filed)
    unseal(school, "lead", filed)
    school.later(minutes=29)
    metadata(school, "head", filed)
    school.later(minutes=1)
    with pytest.raises(RefusedRequestError, match="is sealed"):
        metadata(school, "head", filed)


@pytest.mark.parametrize("name", sorted(set(PEOPLE) - {"head", "lead", "coordinator"}))
def test_nobody_else_comes_near(school: IncidentsOfTest, filed: Filed, name: str) -> None:
    sealed, known_as = school.incidents.sealed, filed.incident.id
    with pytest.raises(UnknownIdError):
        unseal(school, name, filed)
    with pytest.raises(UnknownIdError):
        sealed.card(school.ids[name], known_as)
    assert school.kinds()[-1] == "rule_refused"


def test_no_function_gives_the_name_to_anybody(school: IncidentsOfTest, filed: Filed) -> None:
    incidents, known_as = school.incidents, filed.incident.id
    for name in ("head", "lead"):
        unseal(school, name, filed)
    purpose: dict[str, Any] = {"purpose": PURPOSE, "case": filed.number}
    head = school.ids["head"]
    told: list[Any] = [
        incidents.looking.queue(head),
        incidents.looking.get(head, known_as, **purpose),
        incidents.sealed.card(head, known_as),
        incidents.sealed.metadata(head, known_as, **purpose),
        incidents.sealed.reveal(head, known_as, **purpose),
        incidents.registers.incidents(head, purpose=PURPOSE, with_names=True),
        school.accept(filed, "head", "P01"),
        incidents.steps.of(head, known_as),
        school.record(),
    ]
    with school.store.read() as database:
        told += [read_timeline(database, known_as, with_personal=True), list(database.execute("SELECT * FROM audit"))]
    assert all(VISITED not in str(each) for each in told)
    # It is kept, as evidence, where only the file itself gives it away.
    assert VISITED in school.everything_stored()


def test_whom_it_is_about_is_for_the_two_alone(school: IncidentsOfTest, filed: Filed) -> None:
    reveal = school.incidents.sealed.reveal
    with pytest.raises(RefusedRequestError, match="is sealed"):
        reveal(school.ids["head"], filed.incident.id, purpose=PURPOSE, case=1)
    unseal(school, "head", filed)
    unseal(school, "lead", filed)
    assert reveal(school.ids["head"], filed.incident.id, purpose=PURPOSE, case=1).id == school.ids["pupil"]


def test_every_step_of_it_is_recorded_with_its_time(school: IncidentsOfTest, filed: Filed) -> None:
    before = len(school.kinds())
    school.incidents.sealed.card(school.ids["coordinator"], filed.incident.id)
    school.incidents.sealed.card(school.ids["coordinator"], filed.incident.id)
    unseal(school, "head", filed)
    unseal(school, "lead", filed)
    metadata(school, "head", filed)
    assert school.kinds()[before:] == [
        "incident_card_shown",
        "incident_unseal_asked",
        "incident_unseal_asked",
        "incident_unsealed",
        "incident_metadata_viewed",
    ]
    assert [what for what, _, _ in school.told[1:]] == ["incident_unseal_asked", "incident_unsealed"]
    with school.store.read() as database:
        timeline = read_timeline(database, filed.incident.id)
    assert [entry.at for entry in timeline if entry.what == "incident_card_shown"] == [NOW]


def test_the_card_has_the_contacts_that_the_site_wrote_for_it(school: IncidentsOfTest, filed: Filed) -> None:
    card = school.incidents.sealed.card(school.ids["head"], filed.incident.id)
    assert card.own_contacts == (POLICE,)
    assert card.steps
    assert str(card.title)


def test_there_is_a_card_without_any_pack(tmp_path: Path) -> None:
    school = IncidentsOfTest(tmp_path, packs=())
    card = school.incidents.sealed.card(school.ids["head"], on_track(school, Track.SEALED).incident.id)
    assert [step.in_language(language).strip() != "" for step in card.steps for language in ("en", "fr", "nl", "ja")]
    assert str(card.steps[0]).startswith("Stop.")


def test_what_is_not_sealed_is_looked_at_as_any_other(school: IncidentsOfTest) -> None:
    filed = on_track(school, Track.ORDINARY)
    with pytest.raises(RefusedRequestError, match="is not sealed"):
        unseal(school, "head", filed)


def test_metadata_has_no_room_for_a_name() -> None:
    assert {each.name for each in fields(Metadata)} == {
        "subject",
        "confidence",
        "place",
        "first_at",
        "last_at",
        "filed_at",
        "times",
        "minutes",
        "evidence",
    }
