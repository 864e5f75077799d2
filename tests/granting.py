"""A school in which people ask and decide: a state file, a filter that knows a few names, and who is who."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

from lists_of_test import Clock

from agent.gateway.control import NotRunningError
from agent.people.people import People
from agent.requests.filter_context import FilterContext
from agent.requests.granted import active_policies
from agent.requests.override_drafts import Written
from agent.requests.overrides import Overrides
from agent.requests.suspensions import Suspensions
from agent.sites.site import NEVER, SENSITIVE
from agent.storage.override_rows import Filed, Use
from agent.storage.state import Act, StateStore, instant_text
from rules.engine import decide
from rules.errors import StorageError
from rules.event import NAME_TAG, Event
from rules.name import DomainName, ancestors
from rules.override import OverrideLimits
from rules.policy import Effect, Policy, Rulebook
from rules.roles import Role
from rules.subject import Audience, Profile, Scope
from rules.verdict import Block

REASON: Final = "A lesson on chance and fair games in mathematics."
LESSON: Final = timedelta(minutes=45)
MORNING: Final = datetime(2026, 11, 24, 10, 15, tzinfo=UTC)

WHO: Final[Mapping[str, tuple[Role, ...]]] = {
    "pupil": (Role.PUPIL,),
    "teacher": (Role.TEACHER,),
    "other-teacher": (Role.CLASS_TEACHER,),
    "technician": (Role.TECHNICIAN,),
    "manager": (Role.NETWORK_MANAGER,),
    "coordinator": (Role.ICT_COORDINATOR,),
    "head": (Role.HEAD_TEACHER,),
    "safeguarding": (Role.SAFEGUARDING_LEAD,),
    "everything": tuple(role for role in Role if role is not Role.PUPIL),
}

ORDINARY: Final = frozenset({"gambling", "games", "nudity", "pornography", "malware", "criminal_activity", "video"})
RULEBOOK: Final = Rulebook(
    policies=(
        Policy("table", Effect.BLOCK, ORDINARY - {"criminal_activity"}, Scope(), "pack"),
        Policy("own", Effect.BLOCK, frozenset({"name:own.example"}), Scope(), "site.yaml:1"),
    ),
    statutory=frozenset({"criminal_activity"}),
)


@dataclass
class Granting:
    """The services on one state file, and a look at what came of them."""

    store: StateStore
    clock: Clock
    tags: dict[str, set[str]] = field(
        default_factory=lambda: {
            "bet.example": {"gambling"},
            "poker.example": {"gambling"},
            "game.example": {"games"},
            "nude.example": {"nudity"},
            "virus.example": {"malware"},
            "crime.example": {"criminal_activity"},
            "film.example": {"video"},
            "pictures.example": {"video"},
        }
    )
    uses: dict[str, Use] = field(default_factory=dict)
    groups: frozenset[str] = frozenset({"year5", "year6"})
    networks: frozenset[str] = frozenset({"classrooms", "library"})
    told: list[tuple[str, str]] = field(default_factory=list)
    changes: int = 0
    is_gateway_gone: bool = False
    is_queue_full: bool = False
    new_id: Callable[[], str] = field(default_factory=lambda: map("o{}".format, count(1)).__next__)

    def __post_init__(self) -> None:
        people = People(self.store)
        self.overrides = Overrides(
            self.store,
            people,
            context=self.context,
            clock=self.clock,
            new_id=self.new_id,
            on_change=self._change,
            tell=self._tell,
            use_of=lambda override, _: self.uses.get(override.id),
        )
        self.suspensions = Suspensions(
            self.store,
            people,
            context=self.context,
            clock=self.clock,
            new_id=self.new_id,
            on_change=self._change,
        )

    @classmethod
    @contextmanager
    def opened(cls, folder: Path) -> "Iterator[Granting]":
        """Open a state file in which these people are."""
        clock = Clock(MORNING)
        store = StateStore(folder / "state.db", clock=clock)
        try:
            with store.act() as act:
                for person, roles in WHO.items():
                    add_person(act, person, *roles)
                add_person(act, "gone", closed=True)
                act.database.execute("INSERT INTO classes VALUES ('class-5b', '5B', 'year5', '', '', NULL)")
            yield cls(store, clock)
        finally:
            store.close()

    @classmethod
    @contextmanager
    def reopened(cls, folder: Path, **parts: Any) -> "Iterator[Granting]":
        """Open a state file that a test has used before."""
        clock = Clock(MORNING)
        store = StateStore(folder / "state.db", clock=clock)
        try:
            yield cls(store, clock, **parts)
        finally:
            store.close()

    def context(self) -> FilterContext:
        """Give the filter of this school."""
        return FilterContext(
            groups=self.groups,
            networks=self.networks,
            categories=ORDINARY,
            statutory=RULEBOOK.statutory,
            never_override=NEVER,
            sensitive=SENSITIVE,
            blocked=frozenset().union(*(policy.tags for policy in RULEBOOK.policies)),
            limits=OverrideLimits(),
            tags_of=self.tags_of,
            needed_with=lambda names: (DomainName("pictures.example"),) if "film.example" in names else (),
        )

    def tags_of(self, name: DomainName) -> frozenset[str]:
        """Give what a name is about."""
        return frozenset(tag for above in ancestors(name) for tag in self.tags.get(above, ()))

    def written(
        self,
        *,
        begins: timedelta = timedelta(),
        lasts: timedelta = LESSON,
        naive: bool = False,
        **parts: Any,
    ) -> Written:
        """Write a request for one name, one group and one lesson; `parts` say what is different."""
        from_at = self.clock() + begins
        until_at = from_at + lasts
        usual: dict[str, Any] = {
            "names": ("bet.example",),
            "groups": ("year5",),
            "reason": REASON,
            "from_at": from_at if begins else None,
            "until_at": until_at.replace(tzinfo=None) if naive else until_at,
        }
        return Written(**(usual | parts))

    def open_for(
        self,
        group: str,
        name: str,
        *,
        at: datetime | None = None,
        audience: Audience = Audience.PUPIL,
    ) -> bool:
        """Say whether somebody is let through to a name, by what the gateway reads in the state file."""
        granted = active_policies(self.store.path, self.clock(), RULEBOOK)
        rulebook = Rulebook(policies=(*RULEBOOK.policies, *granted), statutory=RULEBOOK.statutory)
        names = {NAME_TAG + above for above in ancestors(DomainName(name))}
        mentioned = {tag for policy in rulebook.policies for tag in policy.tags}
        tags = self.tags_of(DomainName(name)) | (names & mentioned)
        profile = Profile(audience, frozenset({group}))
        return not isinstance(decide(Event(at or self.clock(), profile, tags), rulebook), Block)

    def rows(self) -> list[dict[str, Any]]:
        """Give the rows of the record."""
        with self.store.read() as database:
            return [dict(row) for row in database.execute("SELECT * FROM audit ORDER BY number")]

    def kinds(self) -> list[str]:
        """Give what is on record, in order."""
        return [row["kind"] for row in self.rows()]

    def facts(self) -> dict[str, Any]:
        """Give the facts of the last row of the record."""
        facts: dict[str, Any] = json.loads(self.rows()[-1]["facts"])
        return facts

    def _change(self) -> None:
        self.changes += 1
        if self.is_gateway_gone:
            raise NotRunningError("no gateway is running for this site")

    def _tell(self, _act: Act, what: str, filed: Filed) -> None:
        if self.is_queue_full:
            raise StorageError("no room for messages")
        self.told.append((what, filed.override.id))


def add_person(act: Act, person: str, *roles: Role, closed: bool = False) -> None:
    """Add somebody whose id a test chooses; that leaves no row in the record."""
    now = instant_text(act.now)
    act.database.execute(
        "INSERT INTO people (id, name, closed_at, created_at) VALUES (?, ?, ?, ?)",
        (person, person, now if closed else None, now),
    )
    act.database.executemany(
        "INSERT INTO memberships (person, role) VALUES (?, ?)", [(person, role.value) for role in roles]
    )


def add_account(act: Act, person: str) -> None:
    """Give somebody an account, in which nobody can sign in."""
    query = "INSERT INTO accounts (login, person, password_hash, created_at, may_decide) VALUES (?, ?, '', ?, 1)"
    act.database.execute(query, (person, person, instant_text(act.now)))


def leave(school: Granting, person: str) -> None:
    """Let somebody leave the school."""
    with school.store.act() as act:
        People(school.store).close(act, person, actor="system")


def take_role(school: Granting, person: str, role: Role) -> None:
    """Take a role from somebody who stays."""
    with school.store.act() as act:
        query = "DELETE FROM memberships WHERE person = ? AND role = ?"
        act.database.execute(query, (person, role.value))
