"""What people are told when something happens: plain words, with what to do next.

Mail and webhooks are read by whoever carries them, so no notice says who asked, for what or why: whoever signs in
sees that. Instants are on the clock of the school.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from agent.notices.notify import Notice
from agent.sites.site import NoticeKind
from agent.storage.state import instant_text
from rules.override import Override
from rules.suspension import Suspension

_SIGN_IN: Final = "Sign in to Schoolgate"
# The subject, and what there is to say of a version.
_OF_THE_FILTER: Final[Mapping[NoticeKind, tuple[str, str]]] = {
    NoticeKind.FILTER_CHANGE_DRAFTED: (
        "A change of the filter waits for approval",
        "was drafted. Somebody else has to approve or refuse it.",
    ),
    NoticeKind.FILTER_CHANGE_APPROVED: ("A change of the filter was approved", "was approved and is in force."),
    NoticeKind.FILTER_CHANGE_REFUSED: ("A change of the filter was refused", "was refused; nothing has changed."),
    NoticeKind.FILTER_CHANGED_ON_DISK: (
        "The site file was changed, and nobody approved that",
        "is a changed site file that came into force. Nobody approved it; the record says what is different.",
    ),
    NoticeKind.FILTER_REVIEW_DUE: (
        "A change of the filter is due for review",
        "is due for review. Is it still needed?",
    ),
}
# The subject, what there is to say of a case, and the command that shows more. Mail passes through many hands, so the
# notice of a confidential one does not say what it is.
_OF_INCIDENTS: Final[Mapping[NoticeKind, tuple[str, str, str]]] = {
    NoticeKind.INCIDENT_WAITS: (
        "An incident waits for your decision",
        "Case {case} waits for somebody to look at it and decide.",
        "incident list",
    ),
    NoticeKind.INCIDENT_SAFEGUARDING: (
        "A child may be at risk: please look within the hour",
        "Case {case} may be about a child at risk. Please look at it by {by}.",
        "incident list",
    ),
    NoticeKind.INCIDENT_RESTRICTED: (
        "Something in Schoolgate waits for you alone",
        "Case {case} waits for you, and for nobody who was not named for it. Please do not pass this on.",
        "incident list",
    ),
    NoticeKind.INCIDENT_SEALED: (
        "Something in Schoolgate needs two people, by {by}",
        (
            "Case {case} is sealed: nothing of it is shown, and nothing may be opened, searched for or copied.\n"
            "The card says what to do first and whom to call; it takes two people to see when it happened."
        ),
        "incident card {case}",
    ),
    NoticeKind.INCIDENT_UNSEAL_ASKED: (
        "Somebody waits for you at what is sealed",
        (
            "Somebody asks to unseal when case {case} happened, and on which device.\n"
            "A second person has to be present, and to ask for the same by {by}."
        ),
        "incident unseal {case} --purpose ...",
    ),
    NoticeKind.INCIDENT_STEPS: (
        "You have something to do about an incident",
        "A step of case {case} is yours.",
        "incident step list",
    ),
    NoticeKind.INCIDENT_CLOCK: (
        "The time for something about an incident runs out",
        "Something about case {case} has to be done by a time that is nearly over, or is. The case says what.",
        "incident list",
    ),
    NoticeKind.INCIDENT_OVERDUE: (
        "Something about an incident is overdue",
        "Something about case {case} was not done in time, and now comes to you.",
        "incident step list",
    ),
}
_ALARMS: Final[Mapping[NoticeKind, tuple[str, str]]] = {
    NoticeKind.RECORD_BROKEN: (
        "The record of what was done is not whole",
        "A row of the record was altered, removed, inserted or moved. To see which:\n  schoolgate audit verify\n",
    ),
    NoticeKind.FILTER_OFF_WITHOUT_RECORD: (
        "Filtering is off, and nobody agreed to that",
        (
            "A name that has to be blocked was answered, and no suspension on record explains it.\n"
            "Somebody may have gone round the filter, or switched it off without a record.\n"
        ),
    ),
    NoticeKind.DEVICE_FOUND: (
        "Something about a laptop has to be looked at",
        (
            "A laptop came with another key, may be a copy of another one's disk, names too many people,\n"
            "tells of too many media, or its events are missing.\n"
            "Sign in to Schoolgate to see which, and what was found:\n  schoolgate device list\n"
        ),
    ),
}

# The subject, what there is to say, and the command that shows more.
_OF_MEDIA: Final[Mapping[NoticeKind, tuple[str, str, str]]] = {
    NoticeKind.MEDIA_WAITS: (
        "Somebody asks to use or take a medium",
        "{what}{of} waits for a second person, who allows or refuses it.",
        "media {seen}",
    ),
    NoticeKind.MEDIA_DECIDED: (
        "Something about a medium of yours was decided, or is over",
        "{what}{of} is decided, or its time is over.",
        "media {seen}",
    ),
    NoticeKind.MEDIA_OVERDUE: (
        "A medium is not back yet",
        "{what} of medium {medium} was due on {on}. Please have it signed in, or say what became of it.",
        "media show {medium}",
    ),
    NoticeKind.MEDIA_PURGE_DUE: (
        "A medium should have been cleared",
        (
            "Medium {medium} should have been cleared by {on}. Please delete what is on it, and say\n"
            "how with `schoolgate media purge`."
        ),
        "media show {medium}",
    ),
    NoticeKind.MEDIA_ATTEST: (
        "How is a medium of yours protected?",
        (
            "Nobody could tell whether medium {medium} is encrypted. Please say in your own words how it is\n"
            "protected, with `schoolgate media attest`; it is kept as you say it."
        ),
        "media show {medium}",
    ),
    NoticeKind.MEDIA_LOST: (
        "Something that may hold personal data is gone: please look at once",
        "Report {what} says that something is lost or stolen; it holds what was on record, and what was proved.",
        "media lost --show {what}",
    ),
}
# The subject, what there is to say, the command that shows more, and what that shows.
_OF_PEOPLE: Final[Mapping[NoticeKind, tuple[str, str, str, str]]] = {
    NoticeKind.PEOPLE_WAITING: (
        "Somebody who is to decide waits for a second person",
        (
            "Somebody was given a role that decides, or an account for one. It takes effect once somebody else who\n"
            "manages people has confirmed it: ask the person themselves first, not whoever gave it."
        ),
        "people waiting",
        "who",
    ),
    NoticeKind.PEOPLE_CONFIRMED: (
        "Somebody who decides was confirmed",
        "A second person has confirmed a role that decides, or an account for one.",
        "people list",
        "who decides",
    ),
    NoticeKind.PEOPLE_REFUSED: (
        "Somebody who was to decide was refused",
        "A role that decides, or an account for one, was refused and taken away.",
        "people list",
        "who decides",
    ),
    NoticeKind.PEOPLE_BOOTSTRAPPED: (
        "An account that manages people was made on the gateway itself",
        "Whoever runs the gateway made an account that manages people. It takes effect without a second person.",
        "people waiting",
        "whose it is",
    ),
    NoticeKind.DECIDER_CLOSED: (
        "Somebody who decides has less to decide with",
        "Somebody who decides was closed, or lost a role or an account. One person is enough for that.",
        "people list",
        "who decides",
    ),
}


@dataclass(frozen=True, slots=True)
class Notices:
    """The notices of a school; `now` is the instant at which something happened, aware."""

    timezone: str
    now: datetime

    # ---- overrides -----------------------------------------------------------------------------------------

    def request_waits(self, override: Override, step: int) -> Notice:
        """Tell those who can decide; `step` is 0 for the first, then one more for each wait."""
        kind = NoticeKind.OVERRIDE_ESCALATED if step else NoticeKind.OVERRIDE_WAITS
        return Notice(
            kind,
            f"An override request {'still ' if step else ''}waits for a decision",
            f"Request {override.id} was made at {self._at(override.requested_at)} and nobody has decided it yet.\n"
            f"{_SIGN_IN} to see what it asks for, and approve, narrow or refuse it:\n"
            f"  schoolgate override show {override.id}\n",
            {"override": override.id, "requested_at": instant_text(override.requested_at), "step": step},
        )

    def approved(self, override: Override, everywhere_at: datetime, *, is_narrowed: bool) -> Notice:
        """Tell the requester from when it is open, and for how long."""
        lift = override.lift
        begins = "Active now" if lift.from_at <= self.now else f"Active from {self._at(lift.from_at)}"
        less = ", for less than you asked" if is_narrowed else ""
        return Notice(
            NoticeKind.OVERRIDE_NARROWED if is_narrowed else NoticeKind.OVERRIDE_APPROVED,
            f"Your override request was approved{less}",
            f"Request {override.id} was approved{less}.\n"
            f"{begins}; every device by {self._at(everywhere_at, seconds=True)}."
            f" It ends at {self._at(lift.until_at)}.\n" + self._see(f"override show {override.id}", "what it opens"),
            {
                "override": override.id,
                "from_at": instant_text(lift.from_at),
                "until_at": instant_text(lift.until_at),
                "everywhere_by": instant_text(everywhere_at),
            },
        )

    def refused(self, override: Override) -> Notice:
        """Tell the requester that it stays closed."""
        return Notice(
            NoticeKind.OVERRIDE_REFUSED,
            "Your override request was refused",
            f"Request {override.id} was refused.\n" + self._see(f"override show {override.id}", "why"),
            {"override": override.id},
        )

    def undecided(self, override: Override) -> Notice:
        """Tell the requester that nobody decided in time."""
        return Notice(
            NoticeKind.OVERRIDE_UNDECIDED,
            "Your override request was not decided in time",
            f"Request {override.id} ended at {self._at(override.lift.until_at)} without a decision.\n"
            "If you still need it, ask again for a later time.\n",
            {"override": override.id},
        )

    def revoked(self, override: Override, everywhere_at: datetime) -> Notice:
        """Tell the requester that it is closed before its time."""
        return Notice(
            NoticeKind.OVERRIDE_REVOKED,
            "Your override was ended before its time",
            f"Override {override.id} was revoked. It is closed now; every device by"
            f" {self._at(everywhere_at, seconds=True)}.\n" + self._see(f"override show {override.id}", "why"),
            {"override": override.id, "everywhere_by": instant_text(everywhere_at)},
        )

    def ends_soon(self, override: Override) -> Notice:
        """Remind the requester."""
        until_at = override.lift.until_at
        return Notice(
            NoticeKind.OVERRIDE_ENDS_SOON,
            "Your override ends soon",
            f"Override {override.id} ends at {self._at(until_at)}.\n"
            "If you need it for longer, make a new request: somebody else decides about that one too.\n",
            {"override": override.id, "until_at": instant_text(until_at)},
        )

    def broke_glass(self, override: Override, due_at: datetime) -> Notice:
        """Tell those who answer for the filter that somebody opened it alone."""
        return Notice(
            NoticeKind.OVERRIDE_BROKE_GLASS,
            "An override was taken in an emergency",
            f"Override {override.id} was taken at {self._at(override.requested_at)} without anybody's approval, and"
            f" lasts until {self._at(override.lift.until_at)}.\n"
            f"Somebody else has to countersign it by {self._at(due_at)}; otherwise it is marked as never confirmed.\n"
            + self._see(f"override show {override.id}", "what it opens and why, and to countersign or revoke it"),
            {
                "override": override.id,
                "until_at": instant_text(override.lift.until_at),
                "due_at": instant_text(due_at),
            },
        )

    def countersign_due(self, override: Override, due_at: datetime) -> Notice:
        """Remind those who can countersign an emergency."""
        return Notice(
            NoticeKind.OVERRIDE_COUNTERSIGN_DUE,
            "An emergency override waits to be countersigned",
            f"Override {override.id} was taken in an emergency at {self._at(override.requested_at)}, and nobody has"
            f" countersigned it yet.\n"
            f"That is due by {self._at(due_at)}; otherwise it is marked as never confirmed.\n"
            + self._see(f"override show {override.id}", "what it opened and why, and to countersign it"),
            {"override": override.id, "due_at": instant_text(due_at)},
        )

    def unconfirmed(self, override: Override) -> Notice:
        """Tell those who answer for the filter that nobody countersigned an emergency."""
        return Notice(
            NoticeKind.OVERRIDE_UNCONFIRMED,
            "An emergency override was never countersigned",
            f"Override {override.id} was taken in an emergency at {self._at(override.requested_at)}. Nobody has"
            " countersigned it in time, and the record says so.\n"
            + self._see(f"override show {override.id}", "what it opened and why"),
            {"override": override.id},
        )

    # ---- suspensions ---------------------------------------------------------------------------------------

    def suspension_requested(self, suspension: Suspension) -> Notice:
        """Tell those who can agree."""
        return self._suspension(
            NoticeKind.SUSPENSION_REQUESTED,
            "Somebody asks for filtering to be switched off",
            suspension,
            f"Request {suspension.id} asks for filtering to be off {self._where_and_when(suspension)}."
            " A second person has to agree to it.",
            "why, and to agree or refuse",
        )

    def suspension_agreed(self, suspension: Suspension, everywhere_at: datetime) -> Notice:
        """Tell that filtering is or will be off."""
        is_now = suspension.from_at <= self.now
        return self._suspension(
            NoticeKind.SUSPENSION_AGREED,
            "Filtering is switched off for a while" if is_now else "Filtering will be switched off for a while",
            suspension,
            f"Suspension {suspension.id} is agreed: filtering is off {self._where_and_when(suspension)};"
            f" every device by {self._at(everywhere_at, seconds=True)}. What is illegal stays blocked.",
            "why, and to end it before its time",
        )

    def suspension_refused(self, suspension: Suspension) -> Notice:
        """Tell that filtering stays on."""
        return self._suspension(
            NoticeKind.SUSPENSION_REFUSED,
            "A request to switch filtering off was refused",
            suspension,
            f"Request {suspension.id} was refused; filtering stays on.",
            "why",
        )

    def suspension_undecided(self, suspension: Suspension) -> Notice:
        """Tell that nobody agreed in time."""
        return self._suspension(
            NoticeKind.SUSPENSION_UNDECIDED,
            "A request to switch filtering off was not decided in time",
            suspension,
            f"Request {suspension.id} ended without a decision; filtering stayed on.",
            "the whole of it",
        )

    def suspension_over(self, suspension: Suspension, *, is_stopped: bool) -> Notice:
        """Tell that filtering is on again."""
        how = "was ended before its time" if is_stopped else "ended"
        at = self._at(suspension.ended_at or self.now)
        return self._suspension(
            NoticeKind.SUSPENSION_STOPPED if is_stopped else NoticeKind.SUSPENSION_ENDED,
            "Filtering is on again",
            suspension,
            f"Suspension {suspension.id} {how} at {at}. Filtering is on again where no other one holds.",
            "the whole of it",
        )

    def _suspension(
        self, kind: NoticeKind, subject: str, suspension: Suspension, text: str, what_is_seen: str
    ) -> Notice:
        facts = {
            "suspension": suspension.id,
            "is_for_school": suspension.extent.is_for_school,
            "from_at": instant_text(suspension.from_at),
            "until_at": instant_text(suspension.until_at),
        }
        return Notice(kind, subject, f"{text}\n" + self._see(f"suspend show {suspension.id}", what_is_seen), facts)

    def _where_and_when(self, suspension: Suspension) -> str:
        where = "in the whole school" if suspension.extent.is_for_school else "in a part of the school"
        return f"{where}, from {self._at(suspension.from_at)} to {self._at(suspension.until_at)}"

    # ---- incidents -----------------------------------------------------------------------------------------

    def incident(self, kind: NoticeKind, case: int, *, by: datetime) -> Notice:
        """Tell of an incident by its number; `by` is when somebody should have looked."""
        subject, text, command = (part.format(case=case, by=self._at(by)) for part in _OF_INCIDENTS[kind])
        return Notice(kind, subject, f"{text}\n" + self._see(command, "more"), {"case": case})

    # ---- media ---------------------------------------------------------------------------------------------

    def medium(self, kind: NoticeKind, medium: str = "", *, what: str = "", on: date | None = None) -> Notice:
        """Tell of a medium by its number, and of `what` by its own (`S-3`); `on` is the day that has gone by."""
        values = {"medium": medium, "what": what, "on": on}
        # What a laptop asks for may be about a medium that is on no register.
        values |= (
            {"of": f" of medium {medium}", "seen": f"show {medium}"} if medium else {"of": "", "seen": "exceptions"}
        )
        subject, text, command = (part.format(**values) for part in _OF_MEDIA[kind])
        facts = {"medium": medium, "what": what, "on": None if on is None else on.isoformat()}
        return Notice(kind, subject, f"{text}\n" + self._see(command, "more"), facts)

    # ---- the filter and the record -------------------------------------------------------------------------

    def filter_change(self, kind: NoticeKind, number: int, *, review_on: date | None = None) -> Notice:
        """Tell of a version of the filter; `review_on` is when it is looked at again."""
        subject, text = _OF_THE_FILTER[kind]
        reviewed = "" if review_on is None else f" The day of its review is {review_on}."
        facts = {"version": number, "review_on": None if review_on is None else review_on.isoformat()}
        seen = self._see(f"filter show {number}", "what it changes")
        return Notice(kind, subject, f"Version {number} of the filter {text}{reviewed}\n{seen}", facts)

    def alarm(self, kind: NoticeKind) -> Notice:
        """Tell of what must never happen."""
        subject, text = _ALARMS[kind]
        return Notice(kind, subject, text, {"found_at": instant_text(self.now)})

    def people(self, kind: NoticeKind) -> Notice:
        """Tell of who decides; whoever signs in sees who."""
        subject, text, command, shown = _OF_PEOPLE[kind]
        return Notice(kind, subject, f"{text}\n" + self._see(command, shown), {"at": instant_text(self.now)})

    def test(self) -> Notice:
        """Try the way."""
        return Notice(
            NoticeKind.TEST,
            "A test of Schoolgate's notices",
            f"Somebody who manages people tried at {self._at(self.now)} whether notices arrive.\n"
            "There is nothing to do.\n",
        )

    # ---- words ---------------------------------------------------------------------------------------------

    def _see(self, command: str, what: str) -> str:
        return f"{_SIGN_IN} to see {what}:\n  schoolgate {command}\n"

    def _at(self, at: datetime, *, seconds: bool = False) -> str:
        """Write an instant; with seconds, its day only where that is another one."""
        zone = ZoneInfo(self.timezone)
        local = at.astimezone(zone)
        if not seconds:
            return f"{local:%Y-%m-%d %H:%M}"
        is_today = local.date() == self.now.astimezone(zone).date()
        return f"{local:%H:%M:%S}" if is_today else f"{local:%Y-%m-%d %H:%M:%S}"
