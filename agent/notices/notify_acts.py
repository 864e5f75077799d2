"""Who is told of what: each act says what it did, and within its transaction the notices of it are queued.

Nobody is asked to decide about what they asked for themselves. Somebody who cannot be told, because no address is
known, keeps nobody from acting: whoever signs in sees what waits.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Final

from agent.filter_changing.filter_found import FIRST_ON_RECORD, NOTHING_FOLLOWS
from agent.incidents.incident_sealed import TOGETHER
from agent.notices.notices import Notices
from agent.notices.notify import MAIL, WEBHOOK, Notice, addresses_of, announce, enqueue
from agent.notices.notify_escalation import tell_due
from agent.people.people import Person, read_holders, read_person
from agent.requests.filter_context import FilterContext
from agent.sites.site import NoticeKind, NotificationSettings
from agent.storage.filter_rows import Version
from agent.storage.incident_rows import Filed as FiledIncident
from agent.storage.override_rows import Filed, read_moves, read_unconfirmed, write_move
from agent.storage.state import Act, StateStore
from agent.storage.suspension_rows import FiledSuspension
from rules.errors import RefusedRequestError
from rules.incident import READERS, Level, Track
from rules.override import Move, Override, check_decision
from rules.roles import MANAGERS, PRIVILEGED, Right, Role, rights_of
from rules.subject import Audience

SYSTEM: Final = "system"
# What is written down of a reminder, beside the moves of the override.
REMINDED: Final = "countersign_due"
# The second reminder comes so long before the time is over; the first after half of it.
LAST_REMINDER: Final = timedelta(hours=2)
ANSWERABLE: Final = frozenset({Role.HEAD_TEACHER, Role.ICT_COORDINATOR})
_OF_EMERGENCIES: Final = ANSWERABLE | {Role.SAFEGUARDING_LEAD}
_OF_ALARMS: Final = {
    NoticeKind.RECORD_BROKEN: ANSWERABLE | {Role.NETWORK_MANAGER, Role.DATA_PROTECTION_OFFICER, Role.AUDITOR},
    NoticeKind.FILTER_OFF_WITHOUT_RECORD: _OF_EMERGENCIES | {Role.NETWORK_MANAGER},
    NoticeKind.DEVICE_FOUND: frozenset({Role.ICT_COORDINATOR, Role.NETWORK_MANAGER}),
}
# So soon somebody looks at what is about a child at risk.
WITHIN_THE_HOUR: Final = timedelta(hours=1)
# By the kind of the row in the record; None is told to nobody, and whatever is not here by who deals with it.
_OF_INCIDENTS: Final[Mapping[str, NoticeKind | None]] = {
    "incident_accepted": NoticeKind.INCIDENT_STEPS,
    "incident_step_added": NoticeKind.INCIDENT_STEPS,
    "incident_step_overdue": NoticeKind.INCIDENT_OVERDUE,
    "incident_overdue": NoticeKind.INCIDENT_OVERDUE,
    "incident_clock_runs_out": NoticeKind.INCIDENT_CLOCK,
    "incident_clock_ended": NoticeKind.INCIDENT_CLOCK,
    "incident_unseal_asked": NoticeKind.INCIDENT_UNSEAL_ASKED,
    "incident_unsealed": None,
}
_OF_TRACKS: Final[Mapping[Track, NoticeKind]] = {
    Track.ORDINARY: NoticeKind.INCIDENT_WAITS,
    Track.SAFEGUARDING: NoticeKind.INCIDENT_SAFEGUARDING,
    Track.RESTRICTED: NoticeKind.INCIDENT_RESTRICTED,
    Track.SEALED: NoticeKind.INCIDENT_SEALED,
}
_NOT_NEWS: Final = frozenset({FIRST_ON_RECORD, NOTHING_FOLLOWS})


@dataclass(frozen=True, slots=True)
class Tried:
    """What was queued to try the ways there are: the ids of the notices, and how many ways there are of each kind."""

    ids: tuple[str, ...]
    webhooks: int
    mails: int
    has_mail: bool


class Teller:
    """Queues what people and programs are told.

    Args:
        settings: says who is told what, at this moment.
        context: gives the filter as it is at this moment.
        timezone: that of the school.
    """

    def __init__(
        self,
        settings: Callable[[], NotificationSettings],
        context: Callable[[], FilterContext],
        *,
        timezone: str,
    ) -> None:
        self._settings = settings
        self._context = context
        self._timezone = timezone

    # ---- acts ----------------------------------------------------------------------------------------------

    def override(self, act: Act, kind: str, filed: Filed) -> None:
        """Tell of a move of an override, by the kind of its row in the record; most kinds are told to nobody."""
        override, notices = filed.override, self._notices(act)
        match kind:
            case "override_requested":
                self._tell_due(act)
            case NoticeKind.OVERRIDE_APPROVED | NoticeKind.OVERRIDE_NARROWED:
                at = self._context().open_everywhere_at(override.lift.from_at, now=act.now)
                notice = notices.approved(override, at, is_narrowed=kind == NoticeKind.OVERRIDE_NARROWED)
                self._tell(act, notice, _one(act, override.requester))
            case NoticeKind.OVERRIDE_REFUSED:
                self._tell(act, notices.refused(override), _one(act, override.requester))
            case NoticeKind.OVERRIDE_REVOKED:
                at = self._context().closed_everywhere_at(override.lift.until_at, now=act.now)
                is_own = read_moves(act.database, override.id)[-1].person == override.requester
                self._tell(act, notices.revoked(override, at), () if is_own else _one(act, override.requester))
            case NoticeKind.OVERRIDE_ENDS_SOON:
                self._tell(act, notices.ends_soon(override), _one(act, override.requester))
            case "override_ended" if override.decided_at is None:
                self._tell(act, notices.undecided(override), _one(act, override.requester))
            case NoticeKind.OVERRIDE_BROKE_GLASS:
                staff = _staff(act, but=override.requester)
                others = (each for each in staff if self._is_emergency_of(override, each))
                self._tell(act, notices.broke_glass(override, self._due_at(override)), others)
            case NoticeKind.OVERRIDE_UNCONFIRMED:
                told = chain(_with_roles(act, _OF_EMERGENCIES), _one(act, override.requester))
                self._tell(act, notices.unconfirmed(override), told)

    def suspension(self, act: Act, kind: str, filed: FiledSuspension) -> None:
        """Tell of a move of a suspension, by the kind of its row in the record."""
        suspension, notices = filed.suspension, self._notices(act)
        requester = suspension.requester
        match kind:
            case NoticeKind.SUSPENSION_REQUESTED:
                told = _with_right(act, Right.AGREE_SUSPENSION, but=requester)
                self._tell(act, notices.suspension_requested(suspension), told)
            case NoticeKind.SUSPENSION_AGREED:
                at = self._context().open_everywhere_at(suspension.from_at, now=act.now)
                others = _with_right(act, Right.AGREE_SUSPENSION, but=suspension.agreed_by or "")
                self._tell(act, notices.suspension_agreed(suspension, at), chain(others, _one(act, requester)))
            case NoticeKind.SUSPENSION_REFUSED:
                self._tell(act, notices.suspension_refused(suspension), _one(act, requester))
            case NoticeKind.SUSPENSION_ENDED if suspension.ended_at is None:
                self._tell(act, notices.suspension_undecided(suspension), _one(act, requester))
            case NoticeKind.SUSPENSION_ENDED | NoticeKind.SUSPENSION_STOPPED:
                told = chain(_with_right(act, Right.AGREE_SUSPENSION, but=""), _one(act, requester))
                is_stopped = kind == NoticeKind.SUSPENSION_STOPPED
                self._tell(act, notices.suspension_over(suspension, is_stopped=is_stopped), told)

    def filter_change(self, act: Act, kind: str, version: Version) -> None:
        """Tell of a version of the filter, by the kind of its row in the record."""
        match kind:
            case NoticeKind.FILTER_CHANGE_DRAFTED:
                told = _with_right(act, Right.APPROVE_FILTER_CHANGE, but=version.drafted_by)
            case NoticeKind.FILTER_CHANGE_APPROVED:
                others = (each for each in _with_roles(act, ANSWERABLE) if each.id != version.approved_by)
                told = chain(_one(act, version.drafted_by), _one(act, version.owner), others)
            case NoticeKind.FILTER_CHANGE_REFUSED:
                told = _one(act, version.drafted_by)
            case NoticeKind.FILTER_CHANGED_ON_DISK if not _NOT_NEWS.issuperset(version.changes):
                told = _with_right(act, Right.APPROVE_FILTER_CHANGE, but="")
            case NoticeKind.FILTER_REVIEW_DUE:
                told = chain(_one(act, version.owner), _with_roles(act, {Role.ICT_COORDINATOR}))
            case _:
                return
        notice = self._notices(act).filter_change(NoticeKind(kind), version.number, review_on=version.review_on)
        self._tell(act, notice, told)

    def incident(self, act: Act, kind: str, filed: FiledIncident, people: Sequence[str]) -> None:
        """Tell these people, by their ids, of an incident, by the kind of its row in the record.

        What is not ordinary goes to nobody else: to no webhook, and to the address of a role only where everybody who
        holds that role is among them. So does what is ordinary where it is about somebody at the school who reads the
        address of a role, or what a webhook is for: staff.
        """
        track = filed.incident.track
        notice_kind = _OF_INCIDENTS.get(kind, _OF_TRACKS[track])
        if notice_kind is None:
            return
        lasts = TOGETHER if notice_kind is NoticeKind.INCIDENT_UNSEAL_ASKED else WITHIN_THE_HOUR
        notice = self._notices(act).incident(notice_kind, filed.number, by=act.now + lasts)
        told = [person for each in people for person in _one(act, each)]
        as_roles = None
        if track is not Track.ORDINARY:
            as_roles = {role for role in READERS[track] if _is_told_whole(act, role, people)}
        elif filed.incident.audience is Audience.STAFF and filed.incident.level is Level.PERSON:
            as_roles = {role for each in told for role in each.roles if _is_told_whole(act, role, people)}
        announce(act, self._settings(), notice, to=told, as_roles=as_roles)

    def medium(
        self,
        act: Act,
        kind: NoticeKind,
        medium: str = "",
        *,
        what: str = "",
        on: date | None = None,
        people: Iterable[str] = (),
        roles: Collection[Role] = (),
        right: Right | None = None,
        but: Collection[str] = (),
    ) -> None:
        """Tell of a medium these people by their ids, whoever holds one of these roles, and whoever has this right.

        Args:
            what: the number of what it is about, as people say it (`S-3`).
            but: the ids of those who are passed by.
        """
        named = [person for each in people for person in _one(act, each)]
        able = () if right is None else _with_right(act, right, but="")
        told = {each.id: each for each in chain(named, _with_roles(act, roles), able) if each.id not in but}
        self._tell(act, self._notices(act).medium(kind, medium, what=what, on=on), told.values())

    def alarm(self, act: Act, kind: NoticeKind) -> None:
        """Tell of what must never happen: a broken record, or filtering that is off without a record.

        Whoever finds it calls this in the act that records it, once each time that it begins.
        """
        self._tell(act, self._notices(act).alarm(kind), _with_roles(act, _OF_ALARMS[kind]))

    def people(self, act: Act, kind: NoticeKind, *, but: Collection[str] = ()) -> None:
        """Tell those who manage people, other than these by their ids, that somebody decides or does not any more."""
        tell_of_people(act, self._settings(), kind, timezone=self._timezone, but=but)

    def test(self, act: Act, person: Person) -> Tried:
        """Queue a notice for every webhook and every address of a person.

        Raises:
            RefusedRequestError: the site tells nobody.
        """
        settings = self._settings()
        if settings.mail is None and not settings.webhooks:
            raise RefusedRequestError("This site tells nobody; expected mail or webhooks under `notifications`.")
        addresses = addresses_of(settings.mail, person) if settings.mail is not None else ()
        ways = [(WEBHOOK, webhook.name) for webhook in settings.webhooks]
        ways += [(MAIL, address) for address in addresses]
        notice = self._notices(act).test()
        queued = (enqueue(act, channel, target, notice) for channel, target in ways)
        ids = tuple(each for each in queued if each is not None)
        facts = {"webhooks": len(settings.webhooks), "mails": len(addresses)}
        act.note("notices_tested", actor=person.id, facts=facts)
        return Tried(ids, len(settings.webhooks), len(addresses), has_mail=settings.mail is not None)

    # ---- by the clock --------------------------------------------------------------------------------------

    def remind(self, store: StateStore) -> None:
        """Tell the next person of what waits too long, and those who can of an emergency to be countersigned."""
        # What the lists say may take a moment to read; no act waits for that.
        self._context()
        with store.act() as act:
            self._tell_due(act)
            for filed in read_unconfirmed(act.database, before=act.now):
                self._remind_of_emergency(act, filed.override)

    def _tell_due(self, act: Act) -> None:
        tell_due(act, self._settings(), timezone=self._timezone, sensitive=self._context().sensitive)

    def _remind_of_emergency(self, act: Act, override: Override) -> None:
        waits, lasts = act.now - override.requested_at, self._countersign_within()
        steps = sorted({lasts / 2, max(lasts - LAST_REMINDER, lasts / 2)})
        reached = sum(waits >= step for step in steps)
        reminded = sum(moved.move == REMINDED for moved in read_moves(act.database, override.id))
        if reached <= reminded or waits >= lasts:
            return
        for _ in range(reached - reminded):
            write_move(act.database, override.id, at=act.now, person=SYSTEM, move=REMINDED)
        told = (each for each in _staff(act, but=override.requester) if self._may_countersign(override, each))
        self._tell(act, self._notices(act).countersign_due(override, self._due_at(override)), told)

    # ---- parts of each -------------------------------------------------------------------------------------

    def _notices(self, act: Act) -> Notices:
        return Notices(self._timezone, act.now)

    def _tell(self, act: Act, notice: Notice, people: Iterable[Person]) -> None:
        announce(act, self._settings(), notice, to=people)

    def _countersign_within(self) -> timedelta:
        return timedelta(hours=self._context().limits.countersign_hours)

    def _due_at(self, override: Override) -> datetime:
        return override.requested_at + self._countersign_within()

    def _is_emergency_of(self, override: Override, person: Person) -> bool:
        return not person.roles.isdisjoint(_OF_EMERGENCIES) or self._may_countersign(override, person)

    def _may_countersign(self, override: Override, person: Person) -> bool:
        try:
            check_decision(
                override,
                person=person.id,
                roles=person.roles,
                sensitive=self._context().sensitive,
                move=Move.COUNTERSIGN,
            )
        except RefusedRequestError:
            return False
        return True


def tell_of_people(
    act: Act, settings: NotificationSettings, kind: NoticeKind, *, timezone: str, but: Collection[str] = ()
) -> None:
    """Tell those who manage people, other than these by their ids, that somebody decides or does not any more."""
    told = (each for each in _with_roles(act, MANAGERS) if each.id not in but)
    announce(act, settings, Notices(timezone, act.now).people(kind), to=told)


def _one(act: Act, person_id: str) -> Iterator[Person]:
    """Give a person who has not left, if there is one."""
    person = read_person(act.database, person_id)
    if person is not None and not person.closed:
        yield person


def _is_told_whole(act: Act, role: Role, people: Collection[str]) -> bool:
    """Say whether everybody who holds a role is among these people."""
    return all(each.id in people for each in _with_roles(act, {role}) if not each.closed)


def _staff(act: Act, *, but: str) -> Iterator[Person]:
    return (each for each in read_holders(act.database, PRIVILEGED) if each.id != but)


def _with_roles(act: Act, roles: Iterable[Role]) -> Iterator[Person]:
    return iter(read_holders(act.database, roles))


def _with_right(act: Act, right: Right, *, but: str) -> Iterator[Person]:
    return (each for each in _staff(act, but=but) if right in rights_of(each.roles))
