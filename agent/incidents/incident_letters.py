"""Letters about an incident, from templates in the school's language: plain words, and never what was visited.

A letter that names somebody is drafted for a purpose, as everything that tells who somebody is. It is kept as text
that can be erased; when it was sent is a fact.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from string import Template
from typing import Final

from babel.dates import format_date

from agent.incidents.incident_access import note_access
from agent.incidents.incident_desk import Desk
from agent.people.attempts import UnknownIdError
from agent.storage.access_rows import Seen
from agent.storage.incident_rows import Filed
from agent.storage.letter_rows import Letter, LetterKind, read_letter, read_letters, write_letter
from agent.storage.state import Act
from agent.storage.timeline_rows import Entry
from agent.texts import load_texts
from rules.category import LANGUAGES
from rules.errors import RefusedRequestError
from rules.incident import State, Track
from rules.subject import Audience

DRAFTED: Final = "incident_letter_drafted"
READ: Final = "incident_letter_read"
SENT: Final = "incident_letter_sent"
# What a letter says of a row where there is none.
_NO_ROW: Final = {
    "en": "something that our rules do not allow",
    "fr": "ce que nos règles n'autorisent pas",
    "nl": "iets wat onze regels niet toestaan",
    "ja": "決まりで認められていないこと",
}
_AUDIENCE_OF: Final = {
    LetterKind.PARENTS: Audience.PUPIL,
    LetterKind.REVIEW_MEETING: Audience.PUPIL,
    LetterKind.LINE_MANAGER: Audience.STAFF,
}
_CALLED: Final = {Audience.PUPIL: "a pupil", Audience.STAFF: "a member of staff"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A letter that somebody wants; `language` is the school's where it is empty, `meeting_at` for a meeting only."""

    kind: LetterKind
    language: str = ""
    meeting_at: datetime | None = None


class Letters:
    """Letters about incidents; who may read an incident, or has one of its steps to do, may write them.

    Errors as for steps.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def draft(self, person: str, incident_id: str, wanted: Wanted, *, purpose: str, case: int) -> Letter:
        """Draft a letter; a notice that something was dealt with names nobody."""
        desk = self._desk
        with desk.attempt(person, "letter", incident_id), desk.store.act() as act:
            filed = desk.existing(act.database, incident_id)
            desk.reader_or_owner(act.database, person, filed.incident)
            language = self._language(wanted)
            _check(filed, wanted, act.now)
            note_access(desk, act, filed, person, Seen.LETTER, purpose=purpose, case=case, kind=DRAFTED)
            letter = Letter(
                id=desk.new_id(),
                incident=incident_id,
                kind=wanted.kind,
                language=language,
                made_at=act.now,
                made_by=person,
                text=self._write(act, filed, wanted, language),
            )
            write_letter(act, letter)
            facts = {"letter": wanted.kind.value, "language": language}
            desk.add(act, filed, Entry(act.now, DRAFTED, person, facts))
            return letter

    def of(self, person: str, incident_id: str) -> list[Letter]:
        """Give the letters about an incident without their text."""
        desk = self._desk
        with desk.attempt(person, "letters", incident_id), desk.store.read() as database:
            filed = desk.existing(database, incident_id)
            desk.reader_or_owner(database, person, filed.incident)
            return [replace(letter, text=None) for letter in read_letters(database, incident_id)]

    def read(self, person: str, letter_id: str, *, purpose: str, case: int) -> Letter:
        """Give a letter with its text."""
        desk, letter = self._desk, self._existing(letter_id)
        with desk.attempt(person, "letter_read", letter.incident), desk.store.act() as act:
            filed = desk.existing(act.database, letter.incident)
            desk.reader_or_owner(act.database, person, filed.incident)
            note_access(desk, act, filed, person, Seen.LETTER, purpose=purpose, case=case, kind=READ)
            return read_letter(act.database, letter_id) or letter

    def sent(self, person: str, letter_id: str, *, on: date) -> Letter:
        """Say on which day a letter was sent or handed over."""
        desk, letter = self._desk, self._existing(letter_id)
        with desk.attempt(person, "letter_sent", letter.incident), desk.store.act() as act:
            filed = desk.existing(act.database, letter.incident)
            desk.reader_or_owner(act.database, person, filed.incident)
            letter = read_letter(act.database, letter_id) or letter
            if letter.sent_on is not None:
                raise RefusedRequestError(f"This letter was sent on {letter.sent_on} already.")
            if not desk.day_of(letter.made_at) <= on <= desk.day_of(act.now):
                raise RefusedRequestError("A letter is sent once it is drafted, and not later than today.")
            letter = replace(letter, sent_on=on, sent_by=person)
            write_letter(act, letter)
            facts = {"letter": letter.kind.value, "sent_on": on.isoformat()}
            desk.enter(act, filed, SENT, Entry(act.now, SENT, person, facts), facts=facts)
            return replace(letter, text=None)

    def _existing(self, letter_id: str) -> Letter:
        with self._desk.store.read() as database:
            letter = read_letter(database, letter_id)
        if letter is None:
            raise UnknownIdError("There is no letter with that id that you may read.")
        return letter

    def _language(self, wanted: Wanted) -> str:
        language = wanted.language or self._desk.site().school.language.partition("-")[0]
        if language not in LANGUAGES:
            expected = ", ".join(sorted(LANGUAGES))
            raise RefusedRequestError(f"There is no letter in {language[:20]!r}; expected one of {expected}.")
        return language

    def _write(self, act: Act, filed: Filed, wanted: Wanted, language: str) -> str:
        """Fill a template.

        Raises:
            RefusedRequestError: nobody is known whom the letter would be about.
        """
        desk, incident = self._desk, filed.incident
        name = ""
        if wanted.kind is not LetterKind.DEALT_WITH:
            subject = desk.subject_of(act.database, incident)
            if subject is None:
                raise RefusedRequestError("Nobody is known whom this incident is about, so nobody can be written to.")
            name = subject.name
        table = desk.table_of(incident.audience.value)
        row = table.rows.get(incident.row or "") if table is not None else None
        texts, school = load_texts(language), desk.site().school

        def day(at: datetime) -> str:
            return format_date(desk.day_of(at), "long", locale=texts.locale)

        meeting_at = wanted.meeting_at
        return _template(wanted.kind, language).substitute(
            school=school.name,
            today=day(act.now),
            number=filed.number,
            day=day(incident.opened_at),
            name=name,
            row=_NO_ROW[language] if row is None else row.label.in_language(language),
            meeting="" if meeting_at is None else texts.moment(meeting_at, school.timezone),
            contact=school.contact or "",
        )


@cache
def _template(kind: LetterKind, language: str) -> Template:
    file = files("agent") / "data" / "letters" / f"{kind}.{language}.txt"
    return Template(file.read_text(encoding="utf-8"))


def _check(filed: Filed, wanted: Wanted, now: datetime) -> None:
    incident = filed.incident
    if incident.track is Track.SEALED and wanted.kind is not LetterKind.DEALT_WITH:
        raise RefusedRequestError(
            "This incident is sealed; the police say who is told of it, and nobody writes a letter."
        )
    if wanted.kind is LetterKind.DEALT_WITH:
        if incident.state is not State.CLOSED:
            raise RefusedRequestError("This is not closed, so nobody can say yet that it was dealt with.")
        return
    if incident.state not in {State.ACCEPTED, State.CLOSED}:
        raise RefusedRequestError("Nobody has accepted this, so nobody is written to about it.")
    audience = _AUDIENCE_OF[wanted.kind]
    if incident.audience is not audience:
        raise RefusedRequestError(f"Such a letter is about {_CALLED[audience]}, which this incident is not.")
    if (wanted.kind is LetterKind.REVIEW_MEETING) is (wanted.meeting_at is None):
        raise RefusedRequestError("A letter about a meeting says when it is, and no other does.")
    if wanted.meeting_at is not None and (wanted.meeting_at.tzinfo is None or wanted.meeting_at <= now):
        raise RefusedRequestError("The meeting is still to come; expected such an instant, with its time zone.")
