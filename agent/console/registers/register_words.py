"""What registers are called and hold, and each of their columns and codes, in the language of the reader."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from markupsafe import Markup

from agent.categories import load_categories
from agent.incidents.register_parts import Cell
from agent.packs.pack_words import spell_kind, spell_role
from agent.texts import Texts
from rules.incident_kind import Kind
from rules.roles import Role
from rules.subject import Audience

# The order in which they are shown.
KINDS: Final = (
    "incidents",
    "warnings",
    "referrals",
    "overrides",
    "suspensions",
    "media",
    "sign-outs",
    "rules",
    "access",
    "roles",
)
# What is a name of a site, a group, a laptop: shown apart from words.
_NAMES: Final = frozenset({"names", "groups", "networks", "laptop"})
_CATEGORIES: Final = frozenset({"categories", "lifts"})
_INSTANTS: Final = frozenset({"at", "since"})
_OF_INCIDENTS: Final = frozenset({"incidents", "referrals"})
_CODED: Final = frozenset(
    {
        "deliberate", "dismissal", "kind", "level", "place", "proved", "risk", "seen", "standing", "state", "stated",
        "track", "worst_proved",
    }
)  # fmt: skip


def title_of_register(kind: str, texts: Texts) -> str:
    """Name a register."""
    _ = texts.gettext
    return {
        "incidents": _("Incidents"),
        "warnings": _("Warnings"),
        "referrals": _("Referrals"),
        "overrides": _("Overrides"),
        "suspensions": _("Filtering off"),
        "media": _("Media"),
        "sign-outs": _("Media taken out"),
        "rules": _("Rules accepted"),
        "access": _("Who looked at what"),
        "roles": _("Roles"),
    }[kind]


def sentence_of_register(kind: str, texts: Texts) -> str:
    """Say in a sentence what a register holds."""
    _ = texts.gettext
    return {
        "incidents": _("Every incident that you may read, with what was decided about it."),
        "warnings": _("Every warning for an incident that you may read, and until when it counts."),
        "referrals": _("Who outside the school was brought in about which case, and what came of it."),
        "overrides": _("Every request to open something, who decided it, and how often it was used."),
        "suspensions": _("Every time that filtering was off or was to be, for how long, and who agreed."),
        "media": _("Every stick, disk and card that is on the list, with what was last proved of it."),
        "sign-outs": _("Which media left the school, with whom, and when they came back."),
        "rules": _("Who accepted or declined which version of the rules, at which laptop."),
        "access": _("Who looked at what is kept about somebody, when, and for what purpose."),
        "roles": _("Who holds which role since when, and which roles nobody holds."),
    }[kind]


def column_words(column: str, texts: Texts) -> str:
    """Name a column; one that nobody named comes as it is written."""
    _ = texts.gettext
    return {
        "number": _("Case"),
        "case": _("Case"),
        "filed_at": _("Filed"),
        "kind": _("Kind"),
        "risk": _("Risk"),
        "audience": _("Audience"),
        "subject": _("About"),
        "level": _("Person or device"),
        "confidence": _("How sure"),
        "place": _("Place"),
        "track": _("Track"),
        "state": _("State"),
        "row": _("Row of the table"),
        "proposed_rows": _("Proposed rows"),
        "intent": _("Points"),
        "deliberate": _("On purpose"),
        "decided_by": _("Decided by"),
        "decided_at": _("Decided"),
        "dismissal": _("Why dismissed"),
        "closed_at": _("Closed"),
        "is_held": _("Kept longer"),
        "erased_at": _("Erased"),
        "given_at": _("Given"),
        "given_by": _("Given by"),
        "expires_on": _("Counts until"),
        "standing": _("Standing"),
        "warning": _("Warning"),
        "step": _("Step"),
        "referred_to": _("Brought in"),
        "reference": _("Reference"),
        "at": _("Day and time"),
        "by": _("By"),
        "outcome": _("Outcome"),
        "person": _("Person"),
        "seen": _("Looked at"),
        "purpose": _("Purpose"),
        "role": _("Role"),
        "name": _("Name"),
        "since": _("Since"),
        "is_vacant": _("Nobody holds it"),
        "id": _("Number"),
        "requested_at": _("Asked"),
        "requester": _("Asked by"),
        "names": _("Names"),
        "categories": _("Categories"),
        "lifts": _("Opens"),
        "audiences": _("Audiences"),
        "groups": _("Groups"),
        "networks": _("Networks"),
        "is_for_school": _("Whole school"),
        "from_at": _("Begins"),
        "until_at": _("Ends"),
        "is_break_glass": _("Emergency"),
        "approvers": _("Approved by"),
        "times_used": _("Times used"),
        "devices": _("Devices"),
        "agreed_by": _("Agreed by"),
        "ended_at": _("Ended"),
        "medium": _("Medium"),
        "registered_at": _("Registered"),
        "owner": _("Answers for it"),
        "is_foreign": _("From outside"),
        "stated": _("Said"),
        "proved": _("Proved"),
        "proved_at": _("Proved when"),
        "worst_proved": _("Worst that was proved"),
        "attested_at": _("Confirmed"),
        "holds_personal_data": _("Personal data"),
        "checked_on": _("Checked"),
        "purge_on": _("To be wiped"),
        "has_serial": _("Known by serial number"),
        "disposed_at": _("Disposed of"),
        "disposed_by": _("Disposed of by"),
        "sign_out": _("Permit"),
        "asked_at": _("Asked"),
        "due_on": _("Due back"),
        "is_overdue": _("Overdue"),
        "returned_at": _("Came back"),
        "returned_by": _("Brought back by"),
        "answered_at": _("Answered"),
        "is_known": _("Known person"),
        "version": _("Version"),
        "is_accepted": _("Consent"),
        "laptop": _("Laptop"),
        "how": _("How"),
        "language": _("Language"),
    }.get(column, column)


def code_words(texts: Texts) -> dict[str, str]:
    """Give the words of codes that mean the same wherever they stand."""
    _ = texts.gettext
    return {
        "candidate": _("candidate"),
        "accepted": _("accepted"),
        "dismissed": _("dismissed"),
        "merged": _("put together with another"),
        "closed": _("was closed"),
        "device": _("a device"),
        "level person": _("a person"),
        "dismissal allowed": _("allowed after all"),
        "seen subject": _("who it is about"),
        "laptop": _("laptop"),
        "ordinary": _("ordinary"),
        "safeguarding": _("safeguarding"),
        "restricted": _("restricted"),
        "sealed": _("sealed"),
        "deliberate": _("on purpose"),
        "accidental": _("by accident"),
        "unclear": _("unclear"),
        "background": _("nobody did it: in the background"),
        "lesson": _("part of a lesson"),
        "wrong_person": _("about somebody else"),
        "too_little": _("too little speaks for it"),
        "dealt_with": _("dealt with already"),
        "test": _("a test"),
        "waiting": _("waits"),
        "half_approved": _("waits for a second person"),
        "approved": _("was approved"),
        "uncountersigned": _("Emergency, waits to be countersigned"),
        "undecided": _("Over before it was decided"),
        "refused": _("was refused"),
        "withdrawn": _("withdrawn"),
        "revoked": _("revoked"),
        "ended": _("ended"),
        "unconfirmed": _("not confirmed in time"),
        "agreed": _("agreed"),
        "stopped": _("ended early"),
        "stick": _("stick"),
        "disk": _("disk"),
        "card": _("card"),
        "phone": _("telephone"),
        "paper": _("paper"),
        "encrypted": _("encrypted"),
        "plain": _("not encrypted"),
        "unknown": _("not known"),
        "registered": _("on the list"),
        "lost": _("was lost"),
        "disposed": _("disposed of"),
        "out": _("out"),
        "returned": _("back"),
        "on_site": _("at school"),
        "off_site": _("outside the school"),
        "content": _("content"),
        "contact": _("contact"),
        "conduct": _("conduct"),
        "commerce": _("commerce"),
        "holds": _("counts"),
        "expired": _("time is over"),
        "incident": _("an incident"),
        "metadata": _("what a sealed case may show"),
        "letter": _("a letter"),
        "report": _("a report"),
        "export": _("a register or an export"),
        "other": _("other"),
    }


def state_of_request(kind: str, row: Mapping[str, Cell]) -> Cell:
    """Give the code of how a row stands; the state alone does not tell what nobody countersigned or decided."""
    state = row.get("state")
    if kind == "overrides" and state in ("approved", "ended"):
        if row["is_break_glass"] and not row["approvers"]:
            return "uncountersigned"
        return "undecided" if state == "ended" and row["decided_at"] is None else state
    if kind == "suspensions" and state == "ended" and not row["agreed_by"]:
        return "undecided"
    return state


class CellWords:
    """Writes the cells of one register.

    Args:
        kind: which register it is.
        timezone: that of the school.
    """

    def __init__(self, kind: str, texts: Texts, timezone: str) -> None:
        self._kind = kind
        self._texts = texts
        self._zone = ZoneInfo(timezone)
        self._codes = code_words(texts)
        self._kinds = {each.value: spell_kind(each, texts) for each in Kind}
        self._roles = {each.value: spell_role(each, texts) for each in Role}
        self._categories = {each.id: each.name(texts.language) for each in load_categories()}
        self._audiences = {each.value: texts.audience(each) for each in Audience}

    def cell(self, column: str, value: Cell) -> str | Markup:
        """Write one cell; nothing where there is nothing."""
        if value is None or value == "":
            return ""
        if isinstance(value, bool):
            return self._texts.gettext("yes") if value else self._texts.gettext("no")
        if not isinstance(value, str):
            return str(value)
        if column in _INSTANTS or column.endswith("_at"):
            return self._moment(value)
        if column.endswith("_on"):
            return self._day(value)
        if column in _NAMES:
            return Markup('<span class="name">%s</span>') % value
        return self._word(column, value)

    def _word(self, column: str, value: str) -> str:
        if column == "role":
            return self._roles.get(value, value)
        if column == "kind" and self._kind in _OF_INCIDENTS:
            return self._kinds.get(value, value)
        if column in ("audience", "audiences"):
            return self._texts.join([self._audiences.get(each, each) for each in value.split()])
        if column in _CATEGORIES:
            return self._texts.join([self._categories.get(each, each) for each in value.split()])
        if column not in _CODED:
            return value
        return self._codes.get(f"{column} {value}") or self._codes.get(value, value)

    def _moment(self, value: str) -> Markup | str:
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return value
        written = format_datetime(at, "short", tzinfo=self._zone, locale=self._texts.locale)
        return Markup('<time datetime="%s">%s</time>') % (value, written)

    def _day(self, value: str) -> Markup | str:
        try:
            on = date.fromisoformat(value)
        except ValueError:
            return value
        return Markup('<time datetime="%s">%s</time>') % (value, format_date(on, "short", locale=self._texts.locale))
