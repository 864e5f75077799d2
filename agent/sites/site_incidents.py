"""What a site says of incidents, checked: who reads what about staff, how long things last, and whom to call.

It may hold names and numbers of people, so no fault repeats what was written.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

from agent.sites.findings import Findings
from agent.sites.site import ContactCard, IncidentSettings
from agent.sites.written_incidents import SCHOOL_YEAR, WrittenIncidents
from agent.sites.written_site import WrittenSite
from rules import document
from rules.incident_kind import Kind
from rules.policy_pack import Pack

OTHERS: Final = "others"
DISMISSED: Final = "dismissed"
_PART: Final = "incidents"


def build_incidents(written: WrittenSite, findings: Findings) -> IncidentSettings:
    """Give the settings; without the part, what holds where a site says nothing."""
    part = written.incidents or WrittenIncidents()
    keep = {kind: length for kind, length in part.keep.items() if _is_kept(kind, findings)}
    given: dict[str, Any] = {
        "second_reader": part.second_reader,
        "chair": part.chair,
        "keep_others": keep.pop(OTHERS, None),
        "keep_dismissed": keep.pop(DISMISSED, None),
        "small_number": part.small_number,
    }
    given = {key: value for key, value in given.items() if value is not None}
    if part.warnings_last is not None:
        given["warnings_last"] = None if part.warnings_last == SCHOOL_YEAR else part.warnings_last
    _check_named(written, part, findings)
    cards = (
        ContactCard(card.title, tuple(card.lines), frozenset(card.procedures)) for card in part.contacts.values()
    )
    return IncidentSettings(keep=keep, contacts=tuple(cards), **given)


def _is_kept(kind: str, findings: Findings) -> bool:
    return findings.is_known((_PART, "keep", kind), kind, (*Kind, OTHERS, DISMISSED), "kind", at_key=True)


def _check_named(written: WrittenSite, part: WrittenIncidents, findings: Findings) -> None:
    """Check that two people read what is about staff, and that the site knows them where it names people."""
    if part.chair is not None and part.chair == part.second_reader:
        found = "the second reader a second time"
        findings.problem((_PART, "chair"), found, "somebody else, who takes the place of the head teacher")
    people = None if written.people is None else findings.written_names("people")
    for key, person in (("second_reader", part.second_reader), ("chair", part.chair)):
        if person is not None and people is not None and person not in people:
            findings.notice(
                (_PART, key), "nobody under people has this id; it may be one that another source of people gives"
            )


def check_contacts(written: WrittenSite, findings: Findings, packs: Sequence[Pack]) -> None:
    """Check that the procedures for which whom to call is written stand in the packs of the site."""
    known: Collection[str] = sorted({name for pack in packs for name in pack.handbook.procedures})
    for name, card in (written.incidents or WrittenIncidents()).contacts.items():
        for index, procedure in enumerate(card.procedures):
            place: document.Path = (_PART, "contacts", name, "for", index)
            findings.is_known(place, procedure, known, "procedure")
