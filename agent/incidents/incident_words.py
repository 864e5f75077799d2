"""What speaks for and against a candidate, in words for whoever decides."""

from collections.abc import Callable, Mapping
from typing import Final

from agent.texts import Texts
from rules.incident import Reason
from rules.incident_kind import Kind

_OF_KIND: Final = "kind_"


def subject_in_words(kind: Kind, texts: Texts) -> str:
    """Name what a kind of incident is about, as far as names that are asked for can show it."""
    _ = texts.gettext
    return {
        Kind.PORNOGRAPHY: _("pornography"),
        Kind.OFFENSIVE: _("violence, hatred, weapons or drugs"),
        Kind.SELF_HARM: _("self-harm"),
        Kind.GAMBLING: _("gambling"),
        Kind.GAMES: _("games"),
        Kind.SOCIAL: _("social networks and chat"),
        Kind.SHOPPING: _("shopping"),
        Kind.FILE_TRANSFER: _("sending files"),
        Kind.PIRACY: _("films and music without paying"),
        Kind.BYPASS: _("getting round the filter"),
    }.get(kind, kind.value.replace("_", " "))


def reason_in_words(reason: Reason, kind: Kind, texts: Texts) -> str:
    """Word one thing that speaks for or against a candidate of a kind."""
    if reason.code.startswith(_OF_KIND):
        return texts.gettext("What it is about: %(subject)s") % {"subject": subject_in_words(kind, texts)}
    wording = _counted(texts).get(reason.code)
    if wording is not None:
        return wording(reason.numbers) % {**reason.numbers, "subject": subject_in_words(kind, texts)}
    return _plain(texts).get(reason.code, reason.code.replace("_", " "))


def _plain(texts: Texts) -> Mapping[str, str]:
    _ = texts.gettext
    return {
        "typed": _("Names that were typed or clicked, no parts of pages"),
        "lesson": _("During a lesson"),
        "statutory": _("On a list of what is illegal; nobody opens it to look"),
        "report": _("Somebody reported it"),
        "filter_off": _("Filtering was off, and nothing on record explains it"),
        "single_site": _("One site only"),
        "override": _("An override for this subject was in force"),
        "used_by_another": _(
            "Or somebody else uses the account at the other device: who that is, nobody knows; decided as that, it is"
            " about the device"
        ),
        "not_signed_out": _("They may only have forgotten to sign out at one of the devices"),
        "own_account": _("The member of staff may have signed in there themselves"),
        "signature_none": _("Nobody has signed the program"),
        "signature_not_valid": _("The signature of the program does not hold"),
        "medium_had_programs": _(
            "One of the signs is a medium with programs that were on it before; whoever plugged it in need not know"
        ),
        "closed": _("At a time when nobody is expected in the school"),
        "dismissed": _("Another candidate like this one was dismissed of late"),
    }


def _counted(texts: Texts) -> Mapping[str, Callable[[Mapping[str, int]], str]]:
    _, ngettext = texts.gettext, texts.ngettext
    return {
        "sites": lambda _numbers: _("%(sites)d different names (%(subject)s) in %(minutes)d minutes"),
        "row": lambda _numbers: _("%(tries)d tries one after the other, without a long pause"),
        "persistence": lambda _numbers: _("Went on after the block page, in %(minutes)d different minutes"),
        "days": lambda numbers: ngettext(
            "Several tries on %(days)d other day of late",
            "Several tries on each of %(days)d other days of late",
            numbers["days"],
        ),
        "signals": lambda numbers: ngettext(
            "Told by a device, by %(signals)d sign", "Told by a device, by %(signals)d signs", numbers["signals"]
        ),
        "identity_lost": lambda _numbers: _("It is no longer certain who it was (%(entries)d of %(of)d entries)"),
        "parts": lambda numbers: ngettext(
            "%(parts)d query beside them that pages and programs make by themselves",
            "%(parts)d queries beside them that pages and programs make by themselves",
            numbers["parts"],
        ),
        "class": lambda numbers: ngettext(
            "%(others)d other of the same class asked for the same subject in that lesson",
            "%(others)d others of the same class asked for the same subject in that lesson",
            numbers["others"],
        ),
    }
