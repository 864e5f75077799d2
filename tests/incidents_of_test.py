"""A school in which things happen: real parts on files of their own, a clock that stands, people of every role."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from school_of_test import load_site_of_test

from agent.incidents.incidents import Incidents
from agent.people.people import People, SchoolClass
from agent.people.pseudonyms import Pseudonyms
from agent.sites.site import IncidentSettings, Site
from agent.sites.site_packs import load_pack
from agent.storage.incident_rows import Filed, read_incident
from agent.storage.state import Act, StateStore
from agent.storage.step_rows import FiledStep, read_steps
from rules.assess import Assessment, Outcome
from rules.assessment import Warned
from rules.incident import Intent, Level, Reason, Track, track_of
from rules.incident_kind import Kind, Risk
from rules.name import DomainName
from rules.observation import Confidence, Observation, Place, Source
from rules.policy_pack import Pack
from rules.roles import Role
from rules.subject import Audience

# A Monday, at the second lesson.
NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
PURPOSE = "Deciding about this case"
WHY = "He said that he wanted to see what it was"
REASON = "We looked at it together with the class"
# Who is there, by the name that tests call them.
PEOPLE = {
    "head": (Role.HEAD_TEACHER,),
    "deputy": (Role.SLT,),
    "coordinator": (Role.ICT_COORDINATOR,),
    "lead": (Role.SAFEGUARDING_LEAD,),
    "network": (Role.NETWORK_MANAGER,),
    "technician": (Role.TECHNICIAN,),
    "leader": (Role.KEY_STAGE_LEADER,),
    "five": (Role.CLASS_TEACHER,),
    "six": (Role.CLASS_TEACHER,),
    "teacher": (Role.TEACHER,),
    "chair": (Role.ESAFETY_GOVERNOR,),
    "officer": (Role.DATA_PROTECTION_OFFICER,),
    "pupil": (Role.PUPIL,),
    "other_pupil": (Role.PUPIL,),
}
CLASSES = {"five": "class5", "pupil": "class5", "six": "class6", "other_pupil": "class6"}


class IncidentsOfTest:
    """A school with its incidents; `told` is who was told what, `changed` how often the filter was."""

    def __init__(self, folder: Path, *, packs: Sequence[Pack] | None = None, **settings: Any) -> None:
        self.now = NOW
        self.changed = 0
        self.told: list[tuple[str, int, tuple[str, ...]]] = []
        numbers, drawn = count(1), count(1)
        self._observed = count(1)
        self.store = StateStore(folder / "state.db", clock=lambda: self.now)
        self.people = People(self.store, new_id=lambda: f"p{next(numbers)}")
        self.pseudonyms = Pseudonyms(folder / "keys")
        self.ids: dict[str, str] = {}
        with self.store.act() as act:
            for known_as in sorted(set(CLASSES.values())):
                self.people.set_class(act, SchoolClass(known_as, known_as, "year5"), actor="system")
            for name, roles in PEOPLE.items():
                classes = (CLASSES[name],) if name in CLASSES else ()
                person = self.people.open(act, name.title(), roles, actor="system", classes=classes)
                self.ids[name] = person.id
        named = {"second_reader": self.ids["deputy"], "chair": self.ids["chair"]}
        self.site: Site = load_site_of_test()
        private = replace(self.site.private, incidents=IncidentSettings(**{**named, **settings}))
        self.site = replace(self.site, private=private)
        shipped = (load_pack("uk-esafety"),) if packs is None else tuple(packs)
        self.incidents = Incidents(
            self.store,
            self.people,
            self.pseudonyms,
            packs=lambda: shipped,
            site=lambda: self.site,
            clock=lambda: self.now,
            new_id=lambda: f"i{next(numbers)}",
            tell=self._tell,
            on_change=self._change,
            draw=lambda _digits: next(drawn),
        )

    def _tell(self, act: Act, what: str, filed: Filed, people: Sequence[str]) -> None:
        assert act.database.in_transaction
        names = {person: name for name, person in self.ids.items()}
        self.told.append((what, filed.number, tuple(sorted(names.get(each, each) for each in people))))

    def _change(self) -> None:
        self.changed += 1

    # ---- the engine's side ---------------------------------------------------------------------------------

    def pseudonym(self, name: str) -> str:
        """Give the pseudonym of somebody in this school year."""
        return self.pseudonyms.person(self.ids[name], self.now.date())

    def observation(self, about: str = "pupil", **changes: Any) -> Observation:
        """Give something observed of somebody, or of the device that nobody is known to have used (`""`)."""
        roles = PEOPLE.get(about, (Role.PUPIL,))
        values: dict[str, Any] = {
            "id": f"o-{about}-{changes.get('at', self.now).isoformat()}-{changes.get('name', '')}",
            "source": Source.BLOCKED,
            "at": self.now,
            "received_at": self.now,
            "subject": self.pseudonym(about) if about else "device7",
            "confidence": Confidence.A if about else Confidence.D,
            "audience": Audience.PUPIL if Role.PUPIL in roles else Audience.STAFF,
            "groups": frozenset({"year5"}),
            "category": "gambling",
            "name": DomainName("bet.example"),
            "place": Place.ON_SITE,
            "evidence": "activity 2026-03-02 09:15",
        }
        return Observation(**{**values, **changes})

    def open(
        self,
        kind: Kind = Kind.GAMBLING,
        about: str = "pupil",
        *,
        rows: tuple[str, ...] = ("P02",),
        warnings: tuple[Warned, ...] = (),
        **changes: Any,
    ) -> Filed:
        """File a candidate of a kind about somebody, or about a device (`""`)."""
        observation = self.observation(about, **{"id": f"o{next(self._observed)}", **changes})
        with self.store.act() as act:
            return self.incidents.open(act, observation, self.assessment(observation, kind, rows, warnings))

    def join(self, filed: Filed, *, rows: tuple[str, ...] = ("P02",), intent: int = 70, **changes: Any) -> Filed:
        """Let what is observed join an incident."""
        observation = self.observation(**changes)
        assessment = replace(self.assessment(observation, filed.incident.kind, rows), intent=intent)
        with self.store.act() as act:
            return self.incidents.join(act, filed.incident.id, observation, assessment)

    def assessment(
        self, observation: Observation, kind: Kind, rows: tuple[str, ...], warnings: tuple[Warned, ...] = ()
    ) -> Assessment:
        """Give what the engine proposes."""
        return Assessment(
            outcome=Outcome.OPENS,
            kind=kind,
            risk=Risk.CONDUCT,
            rows=rows,
            level=Level.PERSON if observation.confidence.is_personal else Level.DEVICE,
            track=track_of(kind, observation.audience),
            intent=70,
            reasons=(Reason("sites", 40, {"sites": 5, "minutes": 6}),),
            against=(Reason("one_minute", -25, {"sites": 5}),),
            warnings=warnings,
        )

    # ---- people's side -------------------------------------------------------------------------------------

    def accept(self, filed: Filed, by: str = "coordinator", row: str | None = "P02") -> Filed:
        """Accept an incident as a row."""
        return self.incidents.decisions.accept(
            self.ids[by],
            filed.incident.id,
            version=self.filed(filed).version,
            row=row,
            deliberate=Intent.UNCLEAR,
            why=WHY,
        )

    def do_all(self, filed: Filed, by: str = "head") -> None:
        """Do every step that is open."""
        for step in self.steps(filed):
            if step.state.value == "open":
                self.incidents.steps.done(self.ids[by], filed.incident.id, step.number, how="Talked to everybody")

    def warned(self, about: str = "pupil", by: str = "head") -> Filed:
        """Give an incident for which somebody got a warning."""
        filed = self.open(Kind.BYPASS, about, rows=("P13",) if about == "pupil" else ("S17",))
        self.accept(filed, by, "P13")
        warning = next(step for step in self.steps(filed) if step.action == "warning")
        self.incidents.steps.done(self.ids[by], filed.incident.id, warning.number, how="Told him what follows")
        return self.filed(filed)

    def filed(self, filed: Filed) -> Filed:
        """Give an incident as it is on file now."""
        with self.store.read() as database:
            found = read_incident(database, filed.incident.id)
        assert found is not None
        return found

    def steps(self, filed: Filed) -> list[FiledStep]:
        """Give the checklist of an incident."""
        with self.store.read() as database:
            return read_steps(database, filed.incident.id)

    def names(self, people: Sequence[str]) -> set[str]:
        """Give the names by which tests call people."""
        known = {person: name for name, person in self.ids.items()}
        return {known[each] for each in people}

    def record(self) -> list[tuple[str, str, str]]:
        """Give kind, actor and facts of every row of the record, without who is who."""
        with self.store.read() as database:
            rows = database.execute(
                "SELECT kind, actor, facts FROM audit WHERE kind <> 'people_changed' ORDER BY number"
            )
            return [(row["kind"], row["actor"], row["facts"]) for row in rows]

    def kinds(self) -> list[str]:
        """Give what the record tells, the oldest first."""
        return [kind for kind, _, _ in self.record()]

    def everything_stored(self) -> str:
        """Give every cell of every table, to look for what must not be there."""
        with self.store.read() as database:
            tables = [row["name"] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            queries = [f"SELECT * FROM {table}" for table in tables]  # noqa: S608 (names of our own tables)
            return "\n".join(str(tuple(row)) for query in queries for row in database.execute(query))

    def later(self, **length: float) -> datetime:
        """Let time go by."""
        self.now += timedelta(**length)
        return self.now


Make = Callable[[IncidentsOfTest], Filed]
TRACKS = {
    Track.ORDINARY: (Kind.GAMBLING, "pupil", "P02"),
    Track.SAFEGUARDING: (Kind.SELF_HARM, "pupil", "P15"),
    Track.RESTRICTED: (Kind.PORNOGRAPHY, "teacher", "S15"),
    Track.SEALED: (Kind.ILLEGAL, "pupil", "P01"),
}


def on_track(school: IncidentsOfTest, track: Track) -> Filed:
    """File a candidate on a track."""
    kind, about, row = TRACKS[track]
    return school.open(kind, about, rows=(row,))
