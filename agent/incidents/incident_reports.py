"""Reports: anybody says what happened, with or without their name, and gets a number to ask after it.

What somebody wrote stands with the report alone; who may read the incident reads it. A report makes no decision:
its candidate waits as every other does, and goes past whoever it is about.
"""

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.incidents.incident_desk import Desk
from agent.incidents.incident_gate import ABOUT_HEADS
from agent.incidents.incident_routing import first_to_know, route
from agent.incidents.incident_table import risk_of, rows_for
from agent.people.attempts import NOBODY, UnknownIdError, known_person, noting
from agent.people.people import Person
from agent.storage.incident_rows import Filed, read_incident, write_incident
from agent.storage.report_rows import FiledReport, read_receipt, write_report
from agent.storage.state import Act
from agent.storage.timeline_rows import Entry
from rules.errors import RefusedRequestError
from rules.incident import Incident, Level, Reason, State, Track, track_of
from rules.incident_kind import Kind
from rules.observation import Confidence, Place
from rules.reason import check_words
from rules.roles import Role
from rules.subject import Audience

REPORTED: Final = "incident_reported"
MAX_CHARACTERS: Final = 5_000
MAX_KEPT: Final = 10
MAX_NAME_CHARACTERS: Final = 100
# No letter or digit that is taken for another.
_RECEIPT_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_RECEIPT_LENGTH: Final = 12
_POINTS: Final = 100
# What stands where the pseudonym of somebody would.
ABOUT_NOBODY: Final = "report-"


def names_somebody(incident: Incident) -> bool:
    """Say whether an incident is about a person or a device, and not about whom a report left out."""
    return not incident.subject.startswith((ABOUT_NOBODY, ABOUT_HEADS))


class Happened(StrEnum):
    """Whether it happened, or might."""

    ACTUAL = "actual"
    POTENTIAL = "potential"


class Standing(StrEnum):
    """What a receipt tells: never what was found, or about whom."""

    RECEIVED = "received"
    LOOKED_AT = "looked_at"
    DEALT_WITH = "dealt_with"


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody reports, as they wrote it.

    `audience` is whom it is about. `about` is the id of a person, for staff who know them; `is_about_head` says that
    it is about the head teacher. `is_allegation` says that a member of staff did something to a child, or against the
    law. `is_serious` is None where the reporter does not know. `keeps` names what the reporter keeps to show.
    """

    text: str
    kind: Kind = Kind.OTHER
    happened: Happened = Happened.ACTUAL
    place: Place = Place.UNKNOWN
    audience: Audience = Audience.PUPIL
    is_anonymous: bool = False
    is_allegation: bool = False
    is_about_head: bool = False
    about: str = ""
    is_serious: bool | None = None
    keeps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Received:
    """What somebody who reported gets."""

    receipt: str


def _new_receipt() -> str:
    letters = "".join(secrets.choice(_RECEIPT_LETTERS) for _ in range(_RECEIPT_LENGTH))
    return "-".join((letters[:4], letters[4:8], letters[8:]))


class Reports:
    """Reports of anybody.

    Args:
        new_receipt: makes the number that a reporter keeps; whoever has it can ask, so nobody may guess it.
    """

    def __init__(self, desk: Desk, *, new_receipt: Callable[[], str] = _new_receipt) -> None:
        self._desk = desk
        self._new_receipt = new_receipt

    def report(self, person: str | None, report: Report) -> Received:
        """Take a report.

        Args:
            person: the id of who is signed in, or None.

        Raises:
            RefusedRequestError: it says too little or too much, or names somebody whom this person cannot name.
        """
        reporter = None if report.is_anonymous else person
        with noting(self._desk.store, reporter or NOBODY, "incident_report"), self._desk.store.act() as act:
            _check(report)
            subject = self._subject(act.database, person, report)
            filed = route(self._desk, act.database, self._candidate(act, report, subject))
            receipt = self._new_receipt()
            write_incident(act, filed)
            report_id = self._desk.new_id()
            happened = report.happened.value
            write_report(act, FiledReport(report_id, receipt, act.now, filed.incident.id, happened, reporter))
            entry = Entry(
                at=act.now,
                what=REPORTED,
                actor=reporter or NOBODY,
                content={"happened": happened, "place": report.place.value, "is_anonymous": reporter is None},
                personal={"text": report.text.strip(), "keeps": list(report.keeps)},
                evidence=f"report {report_id}",
                observation=f"report {report_id}",
            )
            told = first_to_know(self._desk, act.database, filed)
            self._desk.enter(act, filed, REPORTED, entry, to=told)
        return Received(receipt)

    def status(self, receipt: str) -> Standing:
        """Say how far a report is.

        Raises:
            UnknownIdError: there is none with this number.
        """
        with self._desk.store.read() as database:
            found = read_receipt(database, "-".join(_groups(receipt)))
            filed = None if found is None else self._goes_on_as(database, found.incident)
        if filed is None:
            raise UnknownIdError("There is no report with that number; expected it as it was given to you.")
        if filed.closed_at is not None:
            return Standing.DEALT_WITH
        return Standing.RECEIVED if filed.incident.state is State.CANDIDATE else Standing.LOOKED_AT

    def _goes_on_as(self, database: sqlite3.Connection, incident_id: str) -> Filed | None:
        filed = read_incident(database, incident_id)
        while filed is not None and filed.merged_into:
            filed = read_incident(database, filed.merged_into)
        return filed

    def _subject(self, database: sqlite3.Connection, person: str | None, report: Report) -> Person | None:
        """Give whom a report is about, where it says so."""
        if report.is_about_head:
            heads = self._desk.holders(database, Role.HEAD_TEACHER)
            # Of several nobody knows which one; then none of them reads it.
            return heads[0] if len(heads) == 1 else None
        if not report.about:
            return None
        if person is None or Role.PUPIL in known_person(database, person).roles:
            raise RefusedRequestError(
                "Say whom it is about in your own words; only staff pick somebody from the list."
            )
        return self._desk.person(database, report.about)

    def _candidate(self, act: Act, report: Report, subject: Person | None) -> Filed:
        desk = self._desk
        audience = report.audience
        if report.is_about_head or report.is_allegation:
            audience = Audience.STAFF
        if subject is not None:
            audience = Audience.PUPIL if Role.PUPIL in subject.roles else Audience.STAFF
        table = desk.table_of(audience.value)
        track = track_of(report.kind, audience, is_allegation=report.is_allegation or report.is_about_head)
        incident = Incident(
            id=desk.new_id(),
            kind=report.kind,
            risk=risk_of(table, report.kind),
            audience=audience,
            subject=self._called(subject, report, act),
            level=Level.DEVICE if subject is None else Level.PERSON,
            confidence=Confidence.D if subject is None else Confidence.B,
            track=track,
            state=State.CANDIDATE,
            rows=rows_for(table, report.kind),
            intent=_POINTS,
            reasons=(Reason("report", _POINTS),),
            against=(),
            opened_at=act.now,
            last_at=act.now,
            place=report.place,
            is_serious=report.is_serious,
        )
        return Filed(
            incident,
            number=desk.new_number(act.database),
            version=1,
            filed_at=act.now,
            why_identity=() if subject is None else ("named_in_report",),
            is_allegation=report.is_allegation or report.is_about_head,
            is_held=track is Track.SEALED,
        )

    def _called(self, subject: Person | None, report: Report, act: Act) -> str:
        """Give the pseudonym of whom a report is about; whom nobody named is nobody, and two such reports are two."""
        if subject is not None:
            return self._desk.pseudonyms.person(subject.id, self._desk.day_of(act.now))
        return (ABOUT_HEADS if report.is_about_head else ABOUT_NOBODY) + self._desk.new_id()


def _check(report: Report) -> None:
    """Check what somebody wrote.

    Raises:
        RefusedRequestError: too long, too little, or nothing that can be kept.
    """
    if fault := check_words(report.text, "report", at_most=MAX_CHARACTERS):
        raise RefusedRequestError(fault)
    if len(report.keeps) > MAX_KEPT:
        raise RefusedRequestError(f"Found {len(report.keeps)} things that are kept; expected at most {MAX_KEPT}.")
    for name in report.keeps:
        if (
            not 0 < len(name) <= MAX_NAME_CHARACTERS
            or not name.isprintable()
            or {"/", "\\"} & set(name)
            or ".." in name
        ):
            raise RefusedRequestError(
                "The name of something that you keep is no plain name; expected one such as screenshot.png, without"
                " folders."
            )


def _groups(receipt: str) -> tuple[str, ...]:
    """Give the groups of a receipt, however somebody typed it."""
    letters = "".join(letter for letter in receipt.upper()[:40] if letter.isalnum())
    return letters[:4], letters[4:8], letters[8:]
