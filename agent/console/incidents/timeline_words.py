"""One entry of a timeline in words of the reader's language: what happened, and what is kept of it.

A fact that nobody here has words for comes out under its own name, so that nothing that is kept is hidden.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from babel.dates import format_date

from agent.categories import load_categories
from agent.console.incidents.case_words import CaseWords
from agent.endpoint import code_words
from agent.observing.report_form import report_form
from agent.page_language import NAMES
from agent.storage.letter_rows import LetterKind
from agent.storage.timeline_rows import Entry
from agent.texts import Texts
from rules.incident import Dismissal, Incident, Intent
from rules.incident_kind import Kind
from rules.observation import Place

# Said of the whole incident already, where they are the same; of each entry only what differs.
_IN_HEAD: Final = ("kind", "place", "confidence")
_MOST_CHARACTERS: Final = 2_000
OBSERVED: Final = "observed"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is kept of an entry; `is_name` is what was asked for or where, set apart as such."""

    title: str
    value: str
    is_name: bool = False


def entry_in_words(what: str, texts: Texts) -> str:
    """Say what happened; what nobody has words for comes out as it is written."""
    return _happened(texts).get(what, what.removeprefix("incident_").replace("_", " "))


def facts_in_words(
    entry: Entry,
    incident: Incident,
    texts: Texts,
    timezone: str,
    *,
    actions: Mapping[str, str] = MappingProxyType({}),
) -> list[Fact]:
    """Give what is kept of an entry, what it was about first.

    Args:
        actions: what the columns of the school's table say, by their id.
    """
    kept: dict[str, Any] = {**(entry.personal or {}), **entry.content}
    head = {"kind": incident.kind, "place": incident.place, "confidence": incident.confidence}
    said = (pair for pair in kept.items() if not (pair[0] in _IN_HEAD and pair[1] == head[pair[0]]))
    titles, codes = fact_titles(texts), {**_codes(texts), "action": actions.__getitem__}
    return [
        Fact(
            titles.get(name, name.removeprefix("is_").removeprefix("has_").replace("_", " ")),
            "" if value is True else _value(name, value, codes, texts, timezone)[:_MOST_CHARACTERS],
            name in _NAMES,
        )
        for name, value in said
        if value not in ("", None, [], {}, False) and not (name == "times" and value == 1)
    ]


# What came from outside, or is called by a pseudonym.
_NAMES: Final = frozenset({"name", "device", "other_device", "page", "keeps", "file", "program"})
# Gives a code of a closed set in words; another one is a KeyError or a ValueError.
Codes: TypeAlias = Mapping[str, Callable[[str], str]]


def _value(name: str, value: Any, codes: Codes, texts: Texts, timezone: str) -> str:
    if isinstance(value, list):
        return texts.join([_value(name, each, codes, texts, timezone) for each in value])
    if isinstance(value, Mapping):
        _ = texts.gettext
        pairs = (f"{key}{_(': ')}{_value(key, each, codes, texts, timezone)}" for key, each in value.items())
        return _("; ").join(pairs)
    if not isinstance(value, str):
        return str(value)
    if name in codes:
        with suppress(ValueError, KeyError):
            return codes[name](value)
    if name in {"evidence", "proof"} and (lines := _rows(value)):
        return texts.gettext("; ").join(lines)
    with suppress(ValueError):
        if "T" in value and (at := datetime.fromisoformat(value)).tzinfo is not None:
            return texts.moment(at, timezone)
        if name.endswith("_on"):
            return str(format_date(date.fromisoformat(value), "long", locale=texts.locale))
    return value


@cache
def _codes(texts: Texts) -> Codes:
    words, _ = CaseWords(texts), texts.gettext
    categories = {each.id: each for each in load_categories()}
    happened = next(each.choices for each in report_form(texts).questions if each.id == "happened")
    return {
        "category": lambda code: categories[code].name(texts.language),
        "kind": lambda code: words.kind(Kind(code)),
        "was": lambda code: words.kind(Kind(code)),
        "place": lambda code: words.place(Place(code)),
        "deliberate": lambda code: words.deliberate(Intent(code)),
        "dismissal": lambda code: words.dismissal(Dismissal(code)),
        "letter": lambda code: words.letter(LetterKind(code)),
        "language": NAMES.__getitem__,
        "happened": {each.value: each.text for each in happened}.__getitem__,
        "source": _sources(texts).__getitem__,
        "crypt": code_words.crypts(_).__getitem__,
        "signature": code_words.signatures(_).__getitem__,
        "finding": code_words.findings(_).__getitem__,
    }


def _rows(text: str) -> list[str]:
    """Read a list of facts that a laptop told."""
    with suppress(ValueError, RecursionError):
        found = json.loads(text)
        if isinstance(found, list) and all(isinstance(each, dict) for each in found):
            return [" ".join(map(str, each.values())) for each in found]
    return []


def _sources(texts: Texts) -> Mapping[str, str]:
    _ = texts.gettext
    return {
        "blocked": _("the filter blocked it"),
        "override_used": _("an override was used"),
        "filter_off": _("filtering was off"),
        "endpoint": _("a school laptop told it"),
        "report": _("somebody reported it"),
    }


@cache
def _happened(texts: Texts) -> Mapping[str, str]:
    _ = texts.gettext
    return {
        OBSERVED: _("Observed"),
        "incident_reported": _("Reported"),
        "incident_opened": _("Put into the queue"),
        "incident_joined": _("More was observed"),
        "incident_grew": _("Another case became part of it"),
        "incident_accepted": _("It was accepted"),
        "incident_reclassified": _("Put under another kind or row"),
        "incident_dismissed": _("Dismissed"),
        "incident_merged": _("Made part of another case"),
        "incident_split": _("A part became a case of its own"),
        "incident_closed": _("Closed"),
        "incident_reopened": _("Opened again"),
        "incident_corrected": _("Corrected: it was somebody else"),
        "incident_subject_named": _("Somebody said whom it is about"),
        "incident_held": _("Kept until further notice"),
        "incident_released": _("Not kept any longer than usual"),
        "incident_identity_doubted": _("It became uncertain who it was"),
        "incident_undecided": _("Nobody had decided; somebody else was told"),
        "incident_step_done": _("A step was done"),
        "incident_step_skipped": _("A step was left out"),
        "incident_step_added": _("A step was added"),
        "incident_step_overdue": _("A step was overdue; somebody else was told"),
        "incident_warning_given": _("A warning was given"),
        "incident_warning_withdrawn": _("A warning was taken back"),
        "incident_warning_expired": _("A warning ran out"),
        "incident_warning_fell": _("A warning that this rested on counts no longer"),
        "incident_access_restricted": _("Access was restricted"),
        "incident_access_restored": _("Access was given back"),
        "incident_clock_runs_out": _("Time is running out"),
        "incident_clock_ended": _("The time was over"),
        "incident_letter_drafted": _("A letter was drafted"),
        "incident_letter_sent": _("A letter was sent"),
        "incident_card_shown": _("The card with what to do was shown"),
        "incident_unsealed": _("Two people unsealed what may be known"),
        "incident_exported": _("Evidence was handed out"),
        "incident_decision_undone": _("A decision was taken back"),
        "incident_erased": _("What was personal was erased"),
    }


@cache
def fact_titles(texts: Texts) -> Mapping[str, str]:
    """Say what each fact of an entry is called."""
    _ = texts.gettext
    return {
        "name": _("name"),
        "source": _("how it is known"),
        "category": _("category"),
        "times": _("times"),
        "place": _("where"),
        "confidence": _("how sure"),
        "device": _("device"),
        "other_device": _("other device"),
        "kind": _("what it is about"),
        "was": _("was before"),
        "in_lesson": _("during a lesson"),
        "is_closed": _("when nobody is expected in the school"),
        "is_weak": _("a weak sign"),
        "is_attested": _("told by the device itself"),
        "signals": _("signs"),
        "others": _("others of the class"),
        "peers": _("in the class"),
        "row": _("row"),
        "deliberate": _("what somebody thinks it was"),
        "dismissal": _("why it was none"),
        "is_serious": _("serious"),
        "explanation": _("why"),
        "reason": _("reason"),
        "outcome": _("outcome"),
        "outcome_of_the_appeal": _("outcome of the appeal"),
        "lesson_learnt": _("what the school learnt"),
        "by": _("by"),
        "how": _("how"),
        "step": _("step"),
        "action": _("action"),
        "label": _("what is to be done"),
        "referred_to": _("referred to"),
        "reference": _("their reference"),
        "expires_on": _("counts until"),
        "sent_on": _("sent on"),
        "letter": _("letter"),
        "language": _("language"),
        "into": _("part of case"),
        "of": _("out of"),
        "entries": _("entries"),
        "text": _("in their words"),
        "keeps": _("what they kept"),
        "happened": _("what happened"),
        "is_anonymous": _("without a name"),
        "restriction": _("restriction"),
        "due_at": _("due"),
        "crypt": _("encryption"),
        "finding": _("what was found"),
        "evidence": _("signs"),
        "proof": _("proof"),
        "program": _("program"),
        "signature": _("signature"),
        "with_names": _("with names"),
    }
