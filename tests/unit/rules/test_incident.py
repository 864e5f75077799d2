"""The life cycle of incidents, who deals with them, and who may read them."""

from datetime import UTC, datetime

import pytest

from rules.errors import RefusedRequestError
from rules.incident import (
    READERS,
    TRANSITIONS,
    Incident,
    Level,
    Move,
    Reason,
    State,
    Track,
    may_read,
    next_state,
    track_of,
)
from rules.incident_kind import SAFEGUARDING, Kind, Risk
from rules.observation import Confidence
from rules.roles import Role
from rules.subject import Audience

LEGAL = {
    State.CANDIDATE: "accept reclassify dismiss merge split correct",
    State.ACCEPTED: "reclassify merge split close correct",
    State.DISMISSED: "reopen",
    State.MERGED: "",
    State.CLOSED: "reopen correct",
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("move", Move)
def test_every_move_is_legal_or_refused_in_a_sentence(state: State, move: Move) -> None:
    if move.value in LEGAL[state].split():
        assert next_state(state, move) is TRANSITIONS[state, move]
    else:
        with pytest.raises(RefusedRequestError, match=r"^This incident is .*, so it cannot be .*\.$"):
            next_state(state, move)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("audience", Audience)
def test_what_is_illegal_is_sealed_whoever_it_is_about(kind: Kind, audience: Audience) -> None:
    assert (track_of(kind, audience) is Track.SEALED) is (kind is Kind.ILLEGAL)


@pytest.mark.parametrize("kind", sorted(SAFEGUARDING))
def test_who_is_at_risk_is_for_the_safeguarding_lead(kind: Kind) -> None:
    assert track_of(kind, Audience.PUPIL) is Track.SAFEGUARDING
    assert Role.ICT_COORDINATOR not in READERS[Track.SAFEGUARDING]


def test_allegations_against_staff_are_for_the_head_teacher_alone() -> None:
    assert track_of(Kind.GAMBLING, Audience.STAFF) is Track.ORDINARY
    assert track_of(Kind.GAMBLING, Audience.STAFF, is_allegation=True) is Track.RESTRICTED
    assert track_of(Kind.CONTACT_WITH_PUPILS, Audience.STAFF) is Track.RESTRICTED
    assert track_of(Kind.GROOMING, Audience.STAFF) is Track.RESTRICTED
    assert READERS[Track.RESTRICTED] == {Role.HEAD_TEACHER}


@pytest.mark.parametrize("track", Track)
def test_nobody_reads_what_is_about_themselves(track: Track) -> None:
    assert not may_read(track, person="p1", roles=tuple(Role), subject="p1", named=("p1",))


@pytest.mark.parametrize("role", Role)
def test_a_technician_and_an_auditor_read_no_incident(role: Role) -> None:
    readable = {track for track in Track if may_read(track, person="p1", roles=(role,), subject=None, named=("p2",))}
    expected = {
        Role.HEAD_TEACHER: set(Track),
        Role.SAFEGUARDING_LEAD: {Track.ORDINARY, Track.SAFEGUARDING, Track.SEALED},
        Role.ICT_COORDINATOR: {Track.ORDINARY, Track.SEALED},
    }
    assert readable == expected.get(role, set())


def test_whoever_was_named_reads_restricted_incidents_and_no_others() -> None:
    readable = {
        track for track in Track if may_read(track, person="p2", roles=(Role.SLT,), subject="p1", named=["p2"])
    }
    assert readable == {Track.RESTRICTED}


@pytest.mark.parametrize("track", Track)
def test_who_is_first_in_a_chain_reads_what_is_ordinary_and_no_more(track: Track) -> None:
    def reads(subject: str | None) -> bool:
        roles, chain = (Role.DATA_PROTECTION_OFFICER,), {Role.DATA_PROTECTION_OFFICER}
        return may_read(track, person="p1", roles=roles, subject=subject, named=(), chain=chain)

    assert reads(None) == (track is Track.ORDINARY)
    assert not reads("p1")


def incident(kind: Kind, codes: tuple[str, ...]) -> Incident:
    at = datetime(2026, 11, 23, 10, tzinfo=UTC)
    return Incident(
        id="i1",
        kind=kind,
        risk=Risk.COMMERCE,
        audience=Audience.PUPIL,
        subject="p-1",
        level=Level.PERSON,
        confidence=Confidence.B,
        track=Track.ORDINARY,
        state=State.CANDIDATE,
        rows=("P02",),
        intent=70,
        reasons=tuple(map(Reason, codes)),
        against=(),
        opened_at=at,
        last_at=at,
    )


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (("kind_gambling", "sites"), 70),
        (("signals",), 70),
        (("report",), None),
        (("filter_off",), None),
        (("statutory",), None),
        ((), None),
        (("report", "kind_gambling"), 70),
    ],
    ids=["weighed", "signals", "report", "filter-off", "statutory", "sealed", "both"],
)
def test_what_somebody_said_is_no_intent_of_somebody_else(codes: tuple[str, ...], expected: int | None) -> None:
    assert incident(Kind.GAMBLING, codes).weighed_intent == expected


def test_what_a_laptop_is_found_to_be_is_nobodys_intent() -> None:
    assert incident(Kind.DEVICE_SECURITY, ("signals",)).weighed_intent is None
