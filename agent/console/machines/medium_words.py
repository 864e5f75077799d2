"""Media in words: what each is, how it stands, what people say and laptops have proved of it, and what was done."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

from babel.dates import format_date

from agent.api.media_schemas import ExceptionTold, MediumTold, MoveTold, ProofTold, SignOutTold
from agent.endpoint import code_words
from agent.texts import Texts
from rules.medium import LostHow, MediumKind, Stated

Toned = tuple[str, str]
# What of a move is a number of something else, as people say it.
_NUMBERED: Final = {"sign_out": "S", "exception": "E", "report": "L"}
_UNTOLD: Final = frozenset({"state", "incident", "step", "is_from_laptop"})
_GOOD: Final = frozenset({"encrypted", "encrypted_locked", "on"})
_BAD: Final = frozenset({"plain", "suspended", "off"})
_SHORT: Final = frozenset({"unknown", "maybe_encrypted", "suspended"})


def kind_choices(texts: Texts) -> list[tuple[str, str]]:
    """Give every kind of medium with its word."""
    _ = texts.gettext
    words = {
        MediumKind.STICK: _("stick"),
        MediumKind.DISK: _("disk"),
        MediumKind.CARD: _("card"),
        MediumKind.PHONE: _("telephone"),
        MediumKind.LAPTOP: _("laptop"),
        MediumKind.PAPER: _("paper"),
        MediumKind.OTHER: _("other"),
    }
    return [(kind.value, words[kind]) for kind in MediumKind]


def stated_choices(texts: Texts) -> list[tuple[str, str]]:
    """Give everything that people say of the encryption of a medium."""
    _ = texts.gettext
    return [
        (Stated.ENCRYPTED.value, _("it is encrypted")),
        (Stated.PLAIN.value, _("it is not encrypted")),
        (Stated.UNKNOWN.value, _("I do not know")),
    ]


def words_stated(stated: str, texts: Texts) -> str:
    """Say what somebody said of the encryption of a medium, for others to read."""
    _ = texts.gettext
    return {"encrypted": _("encrypted"), "plain": _("not encrypted"), "unknown": _("not known")}.get(stated, stated)


def state_choices(texts: Texts) -> list[tuple[str, str]]:
    """Give every state of a medium."""
    _ = texts.gettext
    return [("registered", _("on the list")), ("lost", _("lost")), ("disposed", _("disposed of"))]


def words_of_medium(told: MediumTold, texts: Texts) -> Toned:
    """Say how a medium stands."""
    words = dict(state_choices(texts))[told.state]
    return words, {"registered": "good", "lost": "bad"}.get(told.state, "quiet")


def words_of_proof(proof: ProofTold | None, texts: Texts) -> Toned:
    """Say what a laptop has proved of the encryption."""
    if proof is None:
        return texts.gettext("nothing proved"), "quiet"
    return crypt_words(proof.crypt, texts)


def short_proof(proof: ProofTold | None, texts: Texts) -> Toned:
    """Say the same in two words, for a list."""
    _ = texts.gettext
    if proof is not None and proof.crypt in _SHORT:
        return (_("off for now"), "bad") if proof.crypt == "suspended" else (_("not known"), "warn")
    return words_of_proof(proof, texts)


def crypt_words(crypt: str, texts: Texts) -> Toned:
    """Say what a code of a laptop about encryption means; of its own disk, it is on or off."""
    _ = texts.gettext
    of_disks = {"on": _("encrypted"), "partly": _("encrypted in part"), "off": _("not encrypted")}
    words = {**of_disks, **code_words.crypts(_)}.get(crypt, crypt)
    return words, "good" if crypt in _GOOD else "bad" if crypt in _BAD else "warn"


def words_of_sign_out(told: SignOutTold, texts: Texts) -> Toned:
    """Say how a permit stands; what is not the school's is in while it is signed out."""
    _ = texts.gettext
    if told.is_overdue:
        return _("overdue"), "bad"
    return {
        "waiting": (_("waits"), "warn"),
        "out": (_("in the school") if told.is_foreign else _("out"), "good"),
        "refused": (_("refused"), "quiet"),
        "withdrawn": (_("withdrawn"), "quiet"),
        "returned": (_("gone again") if told.is_foreign else _("back"), "quiet"),
        "lost": (_("lost"), "bad"),
    }[told.state]


def words_of_exception(told: ExceptionTold, texts: Texts) -> Toned:
    """Say how an exception stands."""
    _ = texts.gettext
    if told.state == "allowed" and not told.holds:
        return _("its time is over"), "quiet"
    return {
        "waiting": (_("waits"), "warn"),
        "allowed": (_("allowed"), "good"),
        "refused": (_("refused"), "quiet"),
        "withdrawn": (_("withdrawn"), "quiet"),
        "revoked": (_("ended by somebody"), "quiet"),
        "ended": (_("its time is over"), "quiet"),
    }[told.state]


def words_of_loss(how: str, texts: Texts) -> str:
    """Say what became of something."""
    _ = texts.gettext
    return {LostHow.LOST.value: _("lost"), LostHow.STOLEN.value: _("stolen")}.get(how, how)


def words_of_move(move: str, texts: Texts) -> str:
    """Say what was done with a medium; a word that nobody knows comes as it is."""
    _ = texts.gettext
    return {
        "medium_registered": _("put on the list"),
        "medium_changed": _("changed"),
        "medium_purged": _("cleared"),
        "medium_attested": _("said how it is protected"),
        "medium_attestation_asked": _("asked how it is protected"),
        "medium_disposed": _("disposed of"),
        "medium_lost": _("reported as lost or stolen"),
        "medium_found": _("found again"),
        "medium_proved": _("a laptop looked at it"),
        "medium_had_programs": _("a laptop found programs on it"),
        "medium_purge_due": _("reminded that it is to be cleared"),
        "medium_signed_out": _("taken out"),
        "medium_signed_in": _("came back"),
        "sign_out_asked": _("asked to take it"),
        "sign_out_refused": _("refused to let it be taken"),
        "sign_out_withdrawn": _("asked no longer to take it"),
        "sign_out_overdue": _("reminded that it should be back"),
        "sign_out_lost": _("did not come back"),
        "media_exception_asked": _("asked for an exception"),
        "media_exception_allowed": _("allowed the exception"),
        "media_exception_refused": _("refused the exception"),
        "media_exception_withdrawn": _("gave the exception up"),
        "media_exception_revoked": _("ended the exception"),
        "media_exception_ended": _("the time of the exception was over"),
    }.get(move, move.replace("_", " "))


def details_of_move(told: MoveTold, texts: Texts, timezone: str) -> Iterator[str]:
    """Give what else is known of something that was done, each as a few words."""
    for key, value in {**told.content, **told.words}.items():
        if key not in _UNTOLD and value not in ("", None, False) and (said := _detail(key, value, texts, timezone)):
            yield said


def _detail(key: str, value: Any, texts: Texts, timezone: str) -> str:
    _ = texts.gettext
    if key in _NUMBERED:
        return f"{_NUMBERED[key]}-{value}"
    label = _labels(texts).get(key)
    if value is True:
        return label or key
    written = _value(key, value, texts, timezone)
    return _("%(name)s: %(words)s") % {"name": label, "words": written} if label else written


def _value(key: str, value: Any, texts: Texts, timezone: str) -> str:
    if key == "kind":
        return dict(kind_choices(texts)).get(value, str(value))
    if key == "stated":
        return words_stated(str(value), texts)
    if key == "crypt":
        return crypt_words(str(value), texts)[0]
    if key == "how" and value in tuple(LostHow):
        return words_of_loss(value, texts)
    if key.endswith("_on") and (on := _day(value)):
        return format_date(on, "medium", locale=texts.locale)
    if key == "at" and (at := _instant(value)):
        return texts.moment(at, timezone)
    return str(value)


def _labels(texts: Texts) -> Mapping[str, str]:
    _ = texts.gettext
    return {
        "owner": _("Answers for it"),
        "person": _("Who has it"),
        "purpose": _("What for"),
        "place": _("Kept"),
        "label": _("Label"),
        "stated": _("Said"),
        "holds_personal_data": _("Holds personal data"),
        "is_foreign": _("Not the school's"),
        "has_serial": _("Known by its serial number"),
        "checked_on": _("Checked for viruses"),
        "purge_on": _("To be cleared"),
        "next_on": _("To be cleared again"),
        "due_on": _("Due back"),
        "until_on": _("Until"),
        "reason": _("Why"),
        "where": _("Where"),
        "device": _("Laptop"),
    }


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def _instant(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
