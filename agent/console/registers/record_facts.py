"""The facts of a row of the record in words: what each is called, and what is kept of it, on the school's clock.

What is only an id, a name or what somebody wrote stays as it is.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final

from babel.dates import format_date

from agent.categories import load_categories
from agent.console.incidents.timeline_words import fact_titles
from agent.console.people.people_words import spell_right, spell_source
from agent.console.registers.record_words import kind_words
from agent.console.registers.register_words import code_words, title_of_register
from agent.endpoint import code_words as endpoint_words
from agent.observing.identity_words import identity_in_words
from agent.packs.pack_words import spell_kind, spell_role
from agent.page_language import NAMES
from agent.texts import Texts
from rules.incident_kind import Kind
from rules.roles import Right, Role
from rules.subject import Audience

MOST_FACTS: Final = 40
MOST_CHARACTERS: Final = 300
# What proves a row, and says nothing to a person.
_HASHES: Final = frozenset({"evidence", "sha256"})
_CODED: Final = frozenset(
    {"deliberate", "dismissal", "how", "kind", "level", "seen", "state", "stated", "track", "was"}
)
# The record has had the register of looks under another name.
_REGISTERS: Final = {"accesses": "access"}


class FactWords:
    """Writes the facts of rows in one language.

    Args:
        timezone: that of the school.
        actions: what the columns of the school's tables say, by their id.
    """

    def __init__(self, texts: Texts, timezone: str, *, actions: Mapping[str, str] = MappingProxyType({})) -> None:
        self._texts = texts
        self._timezone = timezone
        self._titles = {**fact_titles(texts), **_titles(texts)}
        self._codes = {**_codes(texts), "action": actions.__getitem__}

    def facts(self, kind: str, facts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Give the facts of a row that tell a person something: nothing that is empty does, and no hash."""
        return [
            (self.title(name), self._value(kind, name, value)[:MOST_CHARACTERS])
            for name, value in list(facts.items())[:MOST_FACTS]
            if name not in _HASHES and value not in ("", None, [], {})
        ]

    def title(self, name: str) -> str:
        """Say what a fact is called; one without words comes as it is written."""
        return self._titles.get(name, name.replace("_", " "))

    def _value(self, kind: str, name: str, value: Any) -> str:
        if isinstance(value, bool):
            return self._texts.gettext("yes") if value else self._texts.gettext("no")
        if isinstance(value, list):
            return self._texts.join([self._value(kind, name, each) for each in value])
        if isinstance(value, Mapping):
            # What was counted or opened: of each kind or network.
            found = ((kind_words(key, self._texts) if name == "counts" else key, each) for key, each in value.items())
            _ = self._texts.gettext
            return _("; ").join(f"{key}{_(': ')}{self._value(kind, name, each)}" for key, each in found)
        return self._word(kind, name, value) if isinstance(value, str) else str(value)

    def _word(self, kind: str, name: str, value: str) -> str:
        for key in (f"{kind} {name}", name):
            if key in self._codes:
                with suppress(ValueError, KeyError):
                    return self._codes[key](value)
        with suppress(ValueError):
            if "T" in value and (at := datetime.fromisoformat(value)).tzinfo is not None:
                return self._texts.moment(at, self._timezone)
            if name.endswith("_on"):
                return str(format_date(date.fromisoformat(value), "medium", locale=self._texts.locale))
        return value


def _codes(texts: Texts) -> dict[str, Callable[[str], str]]:
    """Give what writes a code of a closed set in words; of another one that is a KeyError or a ValueError."""
    categories = {each.id: each.name(texts.language) for each in load_categories()}
    known = {**code_words(texts), **_states(texts)}

    def of_case(code: str) -> str:
        with suppress(ValueError):
            return spell_kind(Kind(code), texts)
        return known[code]

    codes: dict[str, Callable[[str], str]] = {
        name: lambda code, name=name: known.get(f"{name} {code}") or known[code]  # type: ignore[misc]
        for name in _CODED
    }
    return codes | {
        "kind": of_case,
        "was": of_case,
        "roles": lambda code: spell_role(Role(code), texts),
        "roles_before": lambda code: spell_role(Role(code), texts),
        "audiences": lambda code: texts.audience(Audience(code)),
        "lifts": categories.__getitem__,
        "categories": categories.__getitem__,
        "opens": categories.__getitem__,
        "crypt": endpoint_words.crypts(texts.gettext).__getitem__,
        "language": NAMES.__getitem__,
        "register": lambda code: title_of_register(_REGISTERS.get(code) or code, texts),
        "wanted": lambda code: "; ".join(spell_right(Right(each), texts) for each in code.split(" or ")),
        "scopes": lambda code: spell_right(Right(code), texts),
        "undone": lambda code: kind_words(code, texts),
        "why": _reasons(texts).__getitem__,
        "incident_identity_doubted why": lambda code: identity_in_words(code, texts),
        "cause": _causes(texts).__getitem__,
        "change": _changes(texts).__getitem__,
        "source": lambda code: _sources(texts).get(code) or spell_source(code, texts),
    }


def _states(texts: Texts) -> dict[str, str]:
    _ = texts.gettext
    return {
        "active": _("in use"),
        "pending": _("waits to be let in"),
        "allowed": _("allowed"),
        "drafted": _("drafted"),
        "superseded": _("replaced by a later one"),
        "on_disk": _("found on the gateway"),
        "stolen": _("stolen"),
    }


def _reasons(texts: Texts) -> dict[str, str]:
    _ = texts.gettext
    return {
        "used_up": _("used up"),
        "ended": _("its time was over"),
        "locked": _("too many attempts, locked for a while"),
        "no_authenticator": _("no authenticator set"),
        "too_many_from_one_address": _("too many attempts from one address"),
        "wrong": _("wrong password or code"),
        "unknown": _("no such account"),
        "closed": _("the account is closed"),
        "group_gone": _("the group is no more"),
        "place_gone": _("the network or group is no more"),
        "requester_left": _("whoever asked has left the school"),
    }


def _causes(texts: Texts) -> dict[str, str]:
    _ = texts.gettext
    return {"workers": _("workers answer otherwise than agreed"), "site_file": _("the site file was changed")}


def _changes(texts: Texts) -> dict[str, str]:
    _ = texts.gettext
    return {
        "opened": _("added to the people"),
        "opened_again": _("added again"),
        "changed": _("something about the person"),
        "closed": _("taken off the people"),
        "class_set": _("a class was set"),
        "class_closed": _("a class was closed"),
    }


def _sources(texts: Texts) -> dict[str, str]:
    _ = texts.gettext
    return {"disk": _("the site file on the gateway"), "api": _("the console")}


def _titles(texts: Texts) -> dict[str, str]:
    _ = texts.gettext
    return {
        "accepted": _("accepted the rules"),
        "account": _("an account"),
        "accounts": _("accounts"),
        "added": _("added"),
        "agreed_before": _("had agreed before"),
        "agreed_by": _("agreed by"),
        "appealed_on": _("appealed on"),
        "approved_by": _("approved by"),
        "approvers": _("agreed to by"),
        "at": _("when"),
        "attempt": _("what was tried"),
        "attempts": _("attempts"),
        "audiences": _("for whom"),
        "by_token": _("by a program"),
        "categories": _("categories"),
        "cause": _("how it came about"),
        "change": _("what was changed"),
        "changed": _("changed"),
        "changes": _("changes"),
        "changes_in_all": _("changes in all"),
        "channel": _("way of telling"),
        "checked_on": _("checked on"),
        "classes": _("classes"),
        "classes_before": _("classes before"),
        "climbed": _("how often it was passed on"),
        "clock": _("period"),
        "closed": _("closed, in number"),
        "count": _("how often"),
        "counts": _("how many of what"),
        "damaged_frames": _("pieces that were damaged"),
        "devices": _("devices"),
        "drafted_by": _("drafted by"),
        "due_on": _("due on"),
        "ends_at": _("ends"),
        "epoch": _("count of the laptop begun anew"),
        "event": _("what was to be told"),
        "exception": _("exception"),
        "fault": _("what was wrong"),
        "files_set_aside": _("files set aside"),
        "fingerprint": _("fingerprint of the certificate"),
        "first": _("the first of them"),
        "format": _("format"),
        "from_at": _("begins"),
        "from_on": _("first day"),
        "gaps": _("gaps"),
        "given_by": _("given by"),
        "group": _("group"),
        "groups": _("groups"),
        "has_serial": _("known by a serial number"),
        "hash": _("proof of the text"),
        "holds_personal_data": _("holds personal data"),
        "id": _("id"),
        "in_force_hash": _("proof of what is in force"),
        "incident": _("case"),
        "intake_died": _("intake ended, how often"),
        "intent": _("how much speaks for it"),
        "is_break_glass": _("an emergency"),
        "is_complete": _("counted completely"),
        "is_confidential": _("confidential"),
        "is_first": _("the first on record"),
        "is_for_school": _("for the whole school"),
        "is_foreign": _("from outside the school"),
        "is_from_laptop": _("asked on the laptop"),
        "is_whole": _("with every row whole"),
        "is_without_lists": _("lists not in force"),
        "kept_aside": _("old file kept as"),
        "key": _("key"),
        "last": _("the last of them"),
        "last_run_ended": _("the run before came to its end"),
        "last_seen_at": _("last seen"),
        "level": _("about"),
        "lifts": _("what is opened"),
        "login": _("login"),
        "mails": _("mails"),
        "managers": _("people who manage people"),
        "most": _("the most that is followed"),
        "names": _("names"),
        "networks": _("networks"),
        "next_on": _("next time on"),
        "not_handed_over": _("rows not handed over"),
        "number": _("number"),
        "numbers": _("missing numbers"),
        "opens": _("what it opens"),
        "os_user": _("user of the machine"),
        "owner": _("answered for by"),
        "packs": _("policy documents"),
        "profiles": _("groups of devices"),
        "purge_on": _("to be wiped on"),
        "register": _("register"),
        "remark": _("remark"),
        "report": _("report of the loss"),
        "restores": _("brings back version"),
        "review_on": _("looked at again on"),
        "roles": _("roles"),
        "roles_before": _("roles before"),
        "route": _("page or command"),
        "rows": _("rows"),
        "rows_lost": _("rows lost"),
        "scopes": _("allows"),
        "seconds": _("seconds"),
        "seconds_ahead": _("seconds ahead"),
        "seconds_back": _("seconds back"),
        "seen": _("what was looked at"),
        "sign_out": _("permit"),
        "since": _("since"),
        "state": _("how it stands"),
        "source": _("where it comes from"),
        "stated": _("said of its encryption"),
        "switches_off": _("switches filtering off in"),
        "title": _("title"),
        "token": _("id of the token"),
        "tokens": _("tokens"),
        "told": _("who was told"),
        "track": _("who deals with it"),
        "undone": _("decision taken back"),
        "unconfirmed": _("waits to be confirmed"),
        "unconfirmed_start": _("given before two could confirm it"),
        "until": _("until"),
        "until_at": _("until"),
        "until_on": _("until and with"),
        "uses": _("how often it can be used"),
        "version": _("version"),
        "waiting": _("wait for a second person"),
        "wanted": _("right that was missing"),
        "warnings": _("warnings"),
        "webhooks": _("webhooks"),
        "what": _("what was found"),
        "where": _("where it was seen"),
        "why": _("why"),
        "withdraws_warnings": _("takes back its warnings"),
        "worker_died": _("workers ended, how often"),
        "workers": _("workers"),
    }
