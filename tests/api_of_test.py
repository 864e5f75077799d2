"""The HTTP interface of a school of test: real parts on a file of their own, a clock that stands, no sockets."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher

from agent.api.app import create_app
from agent.api.events import Follower, Hub
from agent.api.parts import Parts
from agent.api.security import COOKIE, Limits, RateLimit
from agent.filter_changing.filter_changes import FilterChanges
from agent.fleet.fleet import Fleet
from agent.fleet.media import Media
from agent.fleet.rules_register import RulesRegister
from agent.incidents.incidents import Incidents
from agent.notices.notify_acts import Teller
from agent.observing.observing import Observing
from agent.people.accounts import Accounts
from agent.people.people import People
from agent.people.pseudonyms import Pseudonyms
from agent.people.totp import _totp
from agent.requests.filter_context import FilterContext
from agent.requests.overrides import Overrides
from agent.requests.request_registers import RequestRegisters
from agent.requests.suspensions import Suspensions
from agent.sites.config import parse_site
from agent.sites.site import NoticeKind, Private, Site
from agent.sites.site_packs import load_pack
from agent.storage.incident_rows import Filed
from agent.storage.state import StateStore
from rules.assess import Assessment, Outcome
from rules.incident import Level, Reason, track_of
from rules.incident_kind import Kind, Risk
from rules.name import DomainName
from rules.observation import Confidence, Observation, Source
from rules.override import OverrideLimits
from rules.roles import Role
from rules.schedule import Schedule, Window
from rules.subject import Audience

# A Monday in term, at the second lesson.
NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
LESSONS = Schedule("lessons", "Europe/London", (Window(frozenset(range(5)), 540, 600),))
PASSWORD = "seven green kettles 7"  # noqa: S105 (of nobody)
REASON = "We compare how odds are advertised in maths today."
TAGS = {
    "bet.example": {"gambling"},
    "cdn.bet.example": {"gambling"},
    "crime.example": {"criminal_activity"},
    "hate.example": {"hate_speech"},
}


SITE = """\
school: {name: School of Test, timezone: Europe/London, contact: room 7}
packs: [uk-esafety]
networks: {classrooms: {audience: pupil, cidrs: [192.0.2.0/24]}}
groups: {year5: {devices: [192.0.2.5]}, year6: {devices: [192.0.2.6]}}
"""


@cache
def site_of_test() -> Site:
    """Give a site that names a pack and says nothing of people."""
    return parse_site(SITE, path=Path("site.yaml")).site


def filter_of_test() -> FilterContext:
    """Give a filter that blocks a little for everybody."""
    return FilterContext(
        groups=frozenset({"year5", "year6"}),
        networks=frozenset({"classrooms"}),
        categories=frozenset({"gambling", "games", "hate_speech"}),
        statutory=frozenset({"criminal_activity"}),
        never_override=frozenset({"malware", "vpn"}),
        sensitive=frozenset({"hate_speech"}),
        blocked=frozenset({"gambling", "games", "hate_speech", "criminal_activity", "malware"}),
        limits=OverrideLimits(),
        tags_of=lambda name: frozenset(TAGS.get(str(DomainName(name)), ())),
    )


class SchoolOfTest:
    """A school with its interface; `told` counts how often the filter was told of a change."""

    def __init__(self, folder: Path, *, limits: Limits | None = None) -> None:
        self.now = NOW
        self.told = 0
        numbers = count(1)
        self.store = StateStore(folder / "state.db", clock=lambda: self.now)
        people = People(self.store, new_id=lambda: f"p{next(numbers)}")
        service: dict[str, Any] = {
            "context": filter_of_test,
            "clock": lambda: self.now,
            "new_id": lambda: f"x{next(numbers)}",
            "on_change": self._tell,
        }
        self.private = Private()
        self.site = site_of_test()
        self.packs: tuple[str, ...] = ("uk-esafety",)
        teller = Teller(lambda: self.private.notifications, filter_of_test, timezone="Europe/London")
        hub = Hub()
        pseudonyms = Pseudonyms(folder / "keys")
        self.numbers = numbers
        drawn = count(1)
        incidents = Incidents(
            self.store,
            people,
            pseudonyms,
            packs=lambda: [load_pack(each) for each in self.packs],
            site=lambda: replace(self.site, private=self.private),
            clock=lambda: self.now,
            new_id=service["new_id"],
            tell=teller.incident,
            on_change=self._tell,
            draw=lambda _digits: next(drawn),
        )
        hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        self.parts = Parts(
            store=self.store,
            people=people,
            accounts=Accounts(self.store, hasher=hasher),
            overrides=Overrides(self.store, people, tell=teller.override, **service),
            suspensions=Suspensions(self.store, people, tell=teller.suspension, **service),
            filter_changes=FilterChanges(
                self.store, people, clock=lambda: self.now, on_change=self._tell, tell=teller.filter_change
            ),
            incidents=incidents,
            observing=Observing(
                incidents, folder / "activity", tell=partial(teller.alarm, kind=NoticeKind.DEVICE_FOUND)
            ),
            request_registers=RequestRegisters(self.store, pseudonyms),
            rules_register=RulesRegister(self.store, pseudonyms),
            fleet=Fleet(
                self.store,
                lambda: replace(self.site, private=self.private),
                pin="A" * 52,
                new_id=service["new_id"],
            ),
            media=Media(
                self.store,
                lambda: replace(self.site, private=self.private),
                tell=teller.medium,
                incidents=incidents.desk,
            ),
            context=filter_of_test,
            activity=folder / "activity",
            teller=teller,
            hub=hub,
            follower=Follower(self.store, hub),
            clock=lambda: self.now,
            timezone="Europe/London",
            has_applied=lambda: self.told > 0,
            is_in_force=lambda: self.told > 0,
            schedules=lambda: (LESSONS,),
            private=lambda: self.private,
        )
        self.app = create_app(self.parts, limits=limits or generous(), names=frozenset({"gateway.example"}))

    def _tell(self) -> None:
        self.told += 1

    def person(self, name: str, *roles: Role) -> "Visitor":
        """Open somebody with an account, and sign them in."""
        login = name.lower()
        with self.store.act() as act:
            person = self.parts.people.open(act, name, roles, actor="system")
            enrolment = self.parts.accounts.create(act, login, person.id, PASSWORD, actor="system")
        visitor = Visitor(self, person.id, login, enrolment.totp_secret)
        visitor.sign_in()
        return visitor

    def candidate(
        self, kind: Kind = Kind.GAMBLING, *, about: str = "", audience: Audience = Audience.PUPIL, intent: int = 70
    ) -> Filed:
        """Open a candidate about a person by their id, or about a device that nobody is known to have used."""
        incidents = self.parts.incidents
        person = incidents.desk.pseudonyms.person(about, self.now.date()) if about else "devicedevicedevi"
        confidence = Confidence.B if about else Confidence.D
        observed = Observation(
            id=f"seen {next(self.numbers)}",
            source=Source.BLOCKED,
            at=self.now,
            received_at=self.now,
            subject=person,
            confidence=confidence,
            audience=audience,
            category=kind,
            name=DomainName("hidden.example"),
            evidence="activity 2026-03-02 09:15",
        )
        table = load_pack("uk-esafety").sanctions[audience].rows.values()
        assessment = Assessment(
            Outcome.OPENS,
            kind=kind,
            risk=Risk.CONDUCT,
            rows=tuple(row.id for row in table if kind in row.kinds),
            level=Level.PERSON if about else Level.DEVICE,
            track=track_of(kind, audience),
            intent=intent,
            reasons=(Reason("sites", 40, {"sites": 9, "minutes": 6}),),
        )
        with self.store.act() as act:
            return incidents.open(act, observed, assessment)

    def stranger(self) -> "Visitor":
        """Give somebody who is not known."""
        return Visitor(self, "", "", None)

    def kinds(self) -> list[str]:
        """Give what the record tells, the oldest first."""
        with self.store.read() as database:
            return [row["kind"] for row in database.execute("SELECT kind FROM audit ORDER BY number")]


class Visitor:
    """Somebody with a browser."""

    def __init__(
        self,
        school: SchoolOfTest,
        person: str,
        login: str,
        totp_secret: str | None,
        *,
        password: str = PASSWORD,
    ) -> None:
        self.school = school
        self.password = password
        self.person = person
        self.login = login
        self._totp_secret = totp_secret
        self.headers: dict[str, str] = {}

    def sign_in(self) -> httpx.Response:
        """Sign in, and keep the cookie."""
        body = {"login": self.login, "password": self.password}
        if self._totp_secret is not None:
            body["totp"] = _totp(self._totp_secret).generate(int(self.school.now.timestamp())).decode()
        response = self.post("/session", body)
        assert response.status_code == 201, response.text
        self.headers = {
            "Cookie": f"{COOKIE}={response.cookies[COOKIE]}",
            "X-CSRF-Token": response.json()["csrf"],
        }
        return response

    def with_token(self, scopes: Iterable[str]) -> "Visitor":
        """Give a program that acts in one's name."""
        made = self.post("/tokens", {"label": "a board", "scopes": list(scopes)})
        assert made.status_code == 201, made.text
        program = Visitor(self.school, self.person, self.login, None)
        program.headers = {"Authorization": f"Bearer {made.json()['secret']}"}
        return program

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        """Read something."""
        return self.ask("GET", path, params=parameters)

    def post(self, path: str, body: Any = None, *, version: int | None = None) -> httpx.Response:
        """Do something, at the version at which it was seen."""
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        return self.ask("POST", path, json={} if body is None else body, headers=headers)

    def ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **request: Any) -> httpx.Response:
        """Send a request."""

        async def converse() -> httpx.Response:
            transport = httpx.ASGITransport(self.school.app)
            async with httpx.AsyncClient(transport=transport, base_url="https://gateway.example") as client:
                is_whole = path == "/health" or path.startswith("/endpoint/")
                address = path if is_whole else f"/api/v1{path}"
                return await client.request(method, address, headers=self.headers | (headers or {}), **request)

        return asyncio.run(converse())


def generous() -> Limits:
    """Give limits that nobody meets."""
    return Limits(*(RateLimit(rate=1e6, burst=10**6) for _ in range(3)))


def lesson(**changes: Any) -> dict[str, Any]:
    """Give a request of a teacher for this lesson."""
    return {
        "names": ["https://bet.example/odds"],
        "groups": ["year5"],
        "reason": REASON,
        "topic": "Probability",
        "until_at": "2026-03-02T10:00:00+00:00",
    } | changes
