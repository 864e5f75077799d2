"""What is lost or stolen: reported by anybody on the staff, with what was on record about it at that moment.

It opens one incident, about nobody: that something is gone accuses no one. Whoever opens a case of a breach of
personal data finds it by the number of the report.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from agent.fleet.media_desk import MediaDesk, called, manages
from agent.fleet.media_sign_outs import SignOuts
from agent.incidents.incident_desk import Desk
from agent.incidents.incident_reports import ABOUT_NOBODY, REPORTED
from agent.incidents.incident_routing import first_to_know, route
from agent.incidents.incident_table import risk_of, rows_for
from agent.people.attempts import UnknownIdError, noting
from agent.people.people import Person
from agent.sites.site import NoticeKind
from agent.storage.incident_rows import Filed, write_incident
from agent.storage.media_rows import Proof, Which, read_proofs, write_medium
from agent.storage.permit_rows import LostReport, exception_of, read_lost, read_sign_outs, write_lost
from agent.storage.state import Act
from agent.storage.timeline_rows import Entry
from rules.errors import RefusedRequestError
from rules.incident import Incident, Level, Reason, State, track_of
from rules.incident_kind import Kind
from rules.medium import LostHow, Medium, MediumMove, SignOut, SignOutState, check_said, next_medium_state
from rules.observation import Confidence, Place
from rules.roles import Right, Role, rights_of
from rules.subject import Audience

NO_REPORT: Final = "There is no report with that number that you may see."
# Told at once, whatever the chains of the packs say.
_TOLD: Final = frozenset({Role.HEAD_TEACHER, Role.DATA_PROTECTION_OFFICER, Role.ICT_COORDINATOR})
_POINTS: Final = 100
_MOST_OUT: Final = 50
_READS: Final = frozenset({Right.MANAGE_MEDIA, Right.READ_INCIDENTS, Right.READ_RECORD})
# Gives what is known of a laptop by its id, or None where there is none.
OfLaptop = Callable[[sqlite3.Connection, str], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Missing:
    """What somebody says is gone: a medium by its number, a laptop by its id, or else what their words tell of."""

    how: LostHow
    text: str
    medium: int | None = None
    device: str | None = None
    missed_on: date | None = None


class MediaLost:
    """Reports of what is lost or stolen.

    Args:
        incidents: the desk at which incidents are opened.
    """

    def __init__(self, desk: MediaDesk, sign_outs: SignOuts, incidents: Desk, *, of_laptop: OfLaptop) -> None:
        self._desk = desk
        self._sign_outs = sign_outs
        self._incidents = incidents
        self._of_laptop = of_laptop

    def report(self, person: str, missing: Missing) -> LostReport:
        """Take a report; head teacher and data protection officer are told at once.

        Raises:
            RefusedRequestError: it says too little, or the medium is gone already.
            UnknownIdError: there is no such medium or laptop.
        """
        desk = self._desk
        with noting(desk.store, person, "media_lost"), desk.store.act() as act:
            who = desk.staff(act.database, person)
            check_said(missing.text, "report")
            if missing.medium is not None and missing.device is not None:
                raise RefusedRequestError("Found a medium and a laptop; expected one report for each.")
            if missing.missed_on is not None and missing.missed_on > desk.day_of(act.now):
                raise RefusedRequestError(f"The day on which it was missed is {missing.missed_on}, which is to come.")
            on_record = self._on_record(act, missing)
            filed = self._incident(act)
            write_incident(act, filed)
            report = write_lost(
                act,
                LostReport(
                    at=act.now,
                    reporter=who.id,
                    how=missing.how,
                    incident=filed.incident.id,
                    text=missing.text.strip(),
                    medium=missing.medium,
                    device=missing.device,
                    missed_on=missing.missed_on,
                    on_record=on_record,
                ),
            )
            self._enter(act, filed, report)
            if missing.medium is not None:
                self._lose(act, who.id, missing.medium, report)
            desk.tell(act, NoticeKind.MEDIA_LOST, _medium_of(report), what=f"L-{report.number}", roles=_TOLD)
            return report

    def get(self, person: str, number: int) -> LostReport:
        """Give a report: all of it to whoever answers for the medium, manages media, or reads cases or the record.

        Raises:
            UnknownIdError: there is none that this person may see.
        """
        with self._desk.store.read() as database:
            who = self._desk.person(database, person)
            found = read_lost(database, number, limit=1)
            shown = self._shown(who, found)
        if not shown:
            raise UnknownIdError(NO_REPORT)
        return shown[0]

    def all(self, person: str, *, before: int | None = None, limit: int) -> list[LostReport]:
        """Give the reports that somebody may see, the newest first."""
        with self._desk.store.read() as database:
            who = self._desk.person(database, person)
            reporter = None if _reads(who) else who.id
            return self._shown(who, read_lost(database, reporter=reporter, before=before, limit=limit))

    # ---- parts of each -------------------------------------------------------------------------------------

    def _shown(self, who: Person, reports: Iterable[LostReport]) -> list[LostReport]:
        """Give reports as somebody may see them; whoever reported something of another sees what was proved alone."""
        found = []
        for report in reports:
            owner = report.on_record.get("owner")
            if _reads(who) or (owner is not None and owner == who.id):
                found.append(report)
            elif report.reporter == who.id:
                part = {name: report.on_record[name] for name in _FOR_REPORTER if name in report.on_record}
                found.append(replace(report, on_record=part))
        return found

    def _lose(self, act: Act, person: str, number: int, report: LostReport) -> None:
        medium = self._desk.existing(act.database, number)
        state = next_medium_state(medium, MediumMove.LOSE)
        write_medium(act, replace(medium, state=state, version=medium.version + 1))
        facts = {"report": report.number, "how": report.how.value, "incident": report.incident}
        self._desk.note(act, "medium_lost", person, number, facts=facts)
        self._sign_outs.lose(act, number, person)

    def _incident(self, act: Act) -> Filed:
        incidents, kind, audience = self._incidents, Kind.DATA_BREACH, Audience.STAFF
        table = incidents.table_of(audience.value)
        incident = Incident(
            id=incidents.new_id(),
            kind=kind,
            risk=risk_of(table, kind),
            audience=audience,
            subject=ABOUT_NOBODY + incidents.new_id(),
            level=Level.DEVICE,
            confidence=Confidence.D,
            track=track_of(kind, audience),
            state=State.CANDIDATE,
            rows=rows_for(table, kind),
            intent=_POINTS,
            reasons=(Reason("report", _POINTS),),
            against=(),
            opened_at=act.now,
            last_at=act.now,
            place=Place.UNKNOWN,
        )
        filed = Filed(incident, number=incidents.new_number(act.database), version=1, filed_at=act.now)
        return route(incidents, act.database, filed)

    def _enter(self, act: Act, filed: Filed, report: LostReport) -> None:
        """Write into the timeline of the incident what was reported, and what was proved."""
        proof = report.on_record.get("proved") or {}
        content = {
            "happened": "actual",
            "how": report.how.value,
            "medium": _medium_of(report),
            "device": report.device or "",
            "proved": proof.get("crypt", ""),
            "proved_at": proof.get("at", ""),
        }
        known_as = f"lost L-{report.number}"
        entry = Entry(
            at=act.now,
            what=REPORTED,
            actor=report.reporter,
            content={name: value for name, value in content.items() if value},
            personal={"text": report.text},
            evidence=known_as,
            observation=known_as,
        )
        facts = {"report": report.number, "how": report.how.value}
        to = first_to_know(self._incidents, act.database, filed)
        self._incidents.enter(act, filed, REPORTED, entry, to=to, facts=facts)

    def _on_record(self, act: Act, missing: Missing) -> dict[str, Any]:
        """Give what is known of what is gone, at this moment.

        Raises:
            RefusedRequestError: it is gone already.
            UnknownIdError: there is no such medium or laptop.
        """
        if missing.medium is not None:
            medium = self._desk.existing(act.database, missing.medium)
            next_medium_state(medium, MediumMove.LOSE)
            return self._of_medium(act, medium)
        if missing.device is not None:
            known = self._of_laptop(act.database, missing.device)
            if known is None:
                raise UnknownIdError("There is no laptop with that id; expected one of the list of laptops.")
            out = _out_with(act.database, str(known.get("owner") or ""))
            return {**known, "signed_out_to_holder": out}
        return {}

    def _of_medium(self, act: Act, medium: Medium) -> dict[str, Any]:
        proofs = read_proofs(act.database, medium.serial_key)
        exception = exception_of(act.database, medium, act.now)
        open_ = read_sign_outs(
            act.database, medium=medium.number, states=(SignOutState.OUT, SignOutState.WAITING), limit=1
        )
        holder = open_[0].person if open_ else medium.owner
        return {
            "medium": called(medium.number),
            "kind": medium.kind.value,
            "label": medium.label,
            "owner": medium.owner,
            "purpose": medium.purpose,
            "place": medium.place,
            "holds_personal_data": medium.holds_personal_data,
            "stated": medium.stated.value,
            "attested": medium.attested,
            "attested_at": _text(medium.attested_at),
            "checked_on": _text(medium.checked_on),
            "purge_on": _text(medium.purge_on),
            "registered_at": _text(medium.registered_at),
            "proved": _proof(proofs.get(Which.LATEST)),
            "worst_proved": _proof(proofs.get(Which.WORST)),
            "exception": None if exception is None else f"E-{exception.number}",
            "signed_out": next((_out(each) for each in open_), None),
            "signed_out_to_holder": _out_with(act.database, holder, but=medium.number),
        }


# What whoever found out sees of a medium that is not theirs.
_FOR_REPORTER: Final = ("medium", "device", "kind", "proved", "disk")


def _reads(who: Person) -> bool:
    return manages(who) or not _READS.isdisjoint(rights_of(who.roles))


def _medium_of(report: LostReport) -> str:
    return "" if report.medium is None else called(report.medium)


def _proof(proof: Proof | None) -> dict[str, Any] | None:
    if proof is None:
        return None
    evidence = [dict(each) for each in proof.evidence]
    return {"crypt": proof.crypt, "at": _text(proof.at), "device": proof.device, "evidence": evidence}


def _out(permit: SignOut) -> dict[str, Any]:
    return {
        "sign_out": f"S-{permit.number}",
        "medium": called(permit.medium),
        "person": permit.person,
        "due_on": permit.due_on.isoformat(),
        "state": permit.state.value,
    }


def _out_with(database: sqlite3.Connection, person: str, *, but: int | None = None) -> list[dict[str, Any]]:
    """Give what somebody has out, without a medium that is told of beside it."""
    found = read_sign_outs(database, person=person, states=(SignOutState.OUT,), limit=_MOST_OUT) if person else []
    return [_out(each) for each in found if each.medium != but]


def _text(at: date | None) -> str | None:
    return None if at is None else at.isoformat()
