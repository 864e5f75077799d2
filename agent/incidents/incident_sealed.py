"""Illegal content: nothing is opened and nothing is shown; a card says what to do, and two people unseal metadata.

No function here gives a name or an address that was asked for, to nobody. The names stay where they are, held as
evidence, for those who come with the law.
"""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from agent.incidents.incident_access import note_access, revealed
from agent.incidents.incident_desk import Desk
from agent.people.people import Person
from agent.sites.site import ContactCard
from agent.storage.access_rows import Seen
from agent.storage.incident_rows import Filed
from agent.storage.state import Act, instant_text
from agent.storage.timeline_rows import Entry, read_timeline
from rules.errors import RefusedRequestError
from rules.incident import Incident, Track
from rules.observation import Confidence, Place
from rules.words import Words, words

ASKED: Final = "incident_unseal_asked"
UNSEALED: Final = "incident_unsealed"
SHOWN: Final = "incident_card_shown"
METADATA: Final = "incident_metadata_viewed"
# Two people who are in one room ask within so long of each other, and have so long to look.
TOGETHER: Final = timedelta(minutes=10)
OPEN_FOR: Final = timedelta(minutes=30)
_PROCEDURE: Final = "illegal_content"


@dataclass(frozen=True, slots=True)
class Card:
    """What to do, and whom to ask; `contacts` are those that the papers name, `own_contacts` whom the site names."""

    title: Words
    steps: tuple[Words, ...]
    contacts: tuple[Words, ...]
    own_contacts: tuple[ContactCard, ...]


@dataclass(frozen=True, slots=True)
class Unsealing:
    """How far it is: who asked lately, and until when what may be known can be looked at; None while it is sealed."""

    asked_by: tuple[str, ...]
    open_until: datetime | None

    @property
    def is_open(self) -> bool:
        """Say whether two people are looking."""
        return self.open_until is not None


@dataclass(frozen=True, slots=True)
class Metadata:
    """What may be known of a sealed incident: when, how often and on which device; never what."""

    subject: str
    confidence: Confidence
    place: Place
    first_at: datetime
    last_at: datetime
    filed_at: datetime
    times: int
    minutes: int
    evidence: tuple[str, ...]


class Sealed:
    """What people do with what is sealed; errors as for decisions."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def card(self, person: str, incident_id: str) -> Card:
        """Give the card that says what to do; when it was shown first is in the timeline."""
        desk = self._desk
        with desk.attempt(person, "card", incident_id), desk.store.act() as act:
            filed = self._sealed(act, person, incident_id)
            entries = read_timeline(act.database, incident_id)
            if all(entry.what != SHOWN or entry.actor != person for entry in entries):
                desk.enter(act, filed, SHOWN, Entry(act.now, SHOWN, person))
        found = (pack.handbook.procedures.get(_PROCEDURE) for pack in desk.packs())
        procedure = next((each for each in found if each is not None), None)
        asked = (each for each in desk.settings.contacts if not each.procedures or _PROCEDURE in each.procedures)
        contacts = tuple(asked)
        if procedure is None:
            return Card(_TITLE, _STEPS, (), contacts)
        return Card(procedure.title, procedure.steps, procedure.contacts, contacts)

    def unseal(self, person: str, incident_id: str, *, purpose: str, case: int) -> Unsealing:
        """Ask to unseal what may be known; it is open once a second person has asked within ten minutes."""
        desk = self._desk
        with desk.attempt(person, "unseal", incident_id), desk.store.act() as act:
            filed = self._sealed(act, person, incident_id)
            note_access(desk, act, filed, person, Seen.METADATA, purpose=purpose, case=case, kind=ASKED)
            act.database.execute("INSERT INTO unseals VALUES (?, ?, ?)", (incident_id, person, instant_text(act.now)))
            now = unsealing_of(act.database, incident_id, act.now)
            if now.is_open:
                desk.enter(act, filed, UNSEALED, Entry(act.now, UNSEALED, person, {"by": sorted(now.asked_by)}))
            others = [each.id for each in desk.readers(act.database, filed.incident) if each.id != person]
            desk.tell_of(act, UNSEALED if now.is_open else ASKED, filed, others)
            return now

    def metadata(self, person: str, incident_id: str, *, purpose: str, case: int) -> Metadata:
        """Give what may be known, to one of the two who unsealed it."""
        desk = self._desk
        with desk.attempt(person, "metadata", incident_id), desk.store.act() as act:
            filed = self._sealed(act, person, incident_id)
            check_opened_by(act, filed, person)
            note_access(desk, act, filed, person, Seen.METADATA, purpose=purpose, case=case, kind=METADATA)
            return _metadata(act.database, filed)

    def reveal(self, person: str, incident_id: str, *, purpose: str, case: int) -> Person:
        """Say whom it is about, to one of the two who unsealed it."""
        desk = self._desk
        with desk.attempt(person, "reveal", incident_id), desk.store.act() as act:
            filed = self._sealed(act, person, incident_id)
            check_opened_by(act, filed, person)
            return revealed(desk, act, filed, person, purpose=purpose, case=case)

    def _sealed(self, act: Act, person: str, incident_id: str) -> Filed:
        filed = self._desk.existing(act.database, incident_id)
        self._desk.reader(act.database, person, filed.incident)
        if filed.incident.track is not Track.SEALED:
            raise RefusedRequestError("This incident is not sealed; look at it as at any other.")
        return filed


STILL_SEALED: Final = (
    "This incident is sealed; two people who may both read it ask to unseal it within ten minutes of each other."
)


def unsealing_of(database: sqlite3.Connection, incident_id: str, now: datetime) -> Unsealing:
    """Say how far the unsealing of an incident is at an instant."""
    since = instant_text(now - OPEN_FOR - TOGETHER)
    query = "SELECT person, at FROM unseals WHERE incident = ? AND at >= ? ORDER BY at"
    asks = [(person, datetime.fromisoformat(at)) for person, at in database.execute(query, (incident_id, since))]
    pairs = [
        (max(first_at, second_at), {first, second})
        for place, (first, first_at) in enumerate(asks)
        for second, second_at in asks[place + 1 :]
        if first != second and second_at - first_at <= TOGETHER
    ]
    open_now = [(at, people) for at, people in pairs if now < at + OPEN_FOR]
    if not open_now:
        lately = dict.fromkeys(person for person, at in asks if at >= now - TOGETHER)
        return Unsealing(tuple(lately), None)
    people = sorted(set().union(*(people for _, people in open_now)))
    return Unsealing(tuple(people), max(at for at, _ in open_now) + OPEN_FOR)


def check_opened_by(act: Act, filed: Filed, person: str) -> None:
    """Check that somebody is one of the two who unsealed what may be known.

    Raises:
        RefusedRequestError: they are not, or it is sealed.
    """
    unsealing = unsealing_of(act.database, filed.incident.id, act.now)
    if not unsealing.is_open or person not in unsealing.asked_by:
        raise RefusedRequestError(STILL_SEALED)


def check_unsealed(act: Act, filed: Filed) -> None:
    """Check that two people were there before what is sealed is put aside.

    Raises:
        RefusedRequestError: it is sealed.
    """
    incident: Incident = filed.incident
    if incident.track is Track.SEALED and not unsealing_of(act.database, incident.id, act.now).is_open:
        raise RefusedRequestError(STILL_SEALED)


def _metadata(database: sqlite3.Connection, filed: Filed) -> Metadata:
    incident = filed.incident
    observed = [entry for entry in read_timeline(database, incident.id, limit=-1) if entry.observation]
    return Metadata(
        subject=incident.subject,
        confidence=incident.confidence,
        place=incident.place,
        first_at=incident.opened_at,
        last_at=incident.last_at,
        filed_at=filed.filed_at,
        times=sum(int(entry.content.get("times", 1)) for entry in observed) + filed.further,
        minutes=len({entry.at.replace(second=0, microsecond=0) for entry in observed}),
        evidence=tuple(entry.hash for entry in observed),
    )


_TITLE: Final = words(
    en="What may be illegal",
    fr="Ce qui est peut-être illégal",
    nl="Wat mogelijk strafbaar is",
    ja="違法のおそれがあるもの",
)
# What holds everywhere, for a school whose papers say nothing of it.
_STEPS: Final = (
    words(
        en="Stop. Open nothing, search for nothing, and print or send nothing.",
        fr="Arrêtez. N'ouvrez rien, ne cherchez rien, n'imprimez et n'envoyez rien.",
        nl="Stop. Open niets, zoek niets op, en druk of stuur niets af.",
        ja="作業を止める。開かない、検索しない、印刷しない、送らない。",
    ),
    words(
        en="Take the device out of use and lock it away. Do not switch it off or on again.",
        fr="Mettez l'appareil hors service et sous clé, sans l'éteindre ni le rallumer.",
        nl="Neem het apparaat uit gebruik en berg het achter slot op, zonder het uit of aan te zetten.",
        ja="機器の使用をやめ、鍵のかかる場所に置く。電源は切らず、入れ直さない。",
    ),
    words(
        en="Tell the head teacher and the safeguarding lead at once, and write down when.",
        fr="Prévenez aussitôt la direction et la personne chargée de la protection, et notez l'heure.",
        nl="Waarschuw meteen de schoolleiding en de aandachtsfunctionaris, en schrijf op hoe laat.",
        ja="校長と安全担当者にすぐ知らせ、その時刻を書き留める。",
    ),
    words(
        en="Call the police, and do only what they say.",
        fr="Appelez la police et ne faites que ce qu'elle dit.",
        nl="Bel de politie, en doe alleen wat zij zegt.",
        ja="警察に連絡し、その指示だけに従う。",
    ),
)
