"""Words for people who are not technicians, in the language of the school.

English is the language of the source; the files `agent/locale/<language>/*.po` hold the others, one for each part
of the product, and are read as they are, once a process. Errors in a site file are for technicians and stay
English. Workers get finished sentences in their snapshot and never import this module.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.lists import format_list
from babel.messages.catalog import Catalog as MessageCatalogue
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.units import format_unit

from agent.dns.snapshot import BlockTexts
from rules.category import LANGUAGES, Catalogue
from rules.subject import Audience, Scope
from rules.verdict import ReasonCode

DOMAIN: Final = "schoolgate"
SOURCE_LANGUAGE: Final = "en"
# Its messages have places of their own: `agent.refusals`.
OTHERWISE_READ: Final = frozenset({"refusals.po"})
# What fits into a small answer and onto one line of a browser's error page.
MAX_BLOCK_TEXT_CHARACTERS: Final = 60

_MOMENT: Final = {
    "en": "EEEE d MMMM y, HH:mm",
    "fr": "EEEE d MMMM y 'à' HH:mm",
    "nl": "EEEE d MMMM y, HH:mm 'uur'",
    "ja": "y年M月d日(E) HH:mm",
}


class Texts:
    """The words of one language; a message that it lacks comes out in English.

    `locale` is what Babel knows the language by.
    """

    def __init__(self, language: str, translations: NullTranslations) -> None:
        self.language = language
        self.locale = "en_GB" if language == SOURCE_LANGUAGE else language
        self._translations = translations

    def gettext(self, message: str) -> str:
        """Give a message in this language."""
        return self._translations.gettext(message)

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """Give a message in the form that goes with a number."""
        return self._translations.ngettext(singular, plural, number)

    def moment(self, at: datetime, timezone: str) -> str:
        """Write an instant as the wall clock of the school shows it."""
        return format_datetime(at, _MOMENT[self.language], tzinfo=ZoneInfo(timezone), locale=self.locale)

    def amount(self, number: float, unit: str) -> str:
        """Write so many of a unit of time: `72 hours`.

        Args:
            unit: as CLDR calls it (`hour`, `month`).
        """
        name = f"duration-{unit}"
        written = format_unit(number, name, locale=self.locale)
        # Babel lacks a long name that is the same as the short one, and writes what the unit is called instead.
        return format_unit(number, name, length="short", locale=self.locale) if name in written else written

    def join(self, words: Sequence[str]) -> str:
        """Write words as one list: `pupils and guests`."""
        return format_list(words, locale=self.locale) if words else ""

    def audience(self, audience: Audience) -> str:
        """Name everybody of an audience."""
        _ = self.gettext
        return {Audience.PUPIL: _("pupils"), Audience.STAFF: _("staff"), Audience.GUEST: _("guests")}[audience]

    def mode(self, mode: str) -> str:
        """Name a safe mode."""
        _ = self.gettext
        return {"strict": _("strict"), "moderate": _("moderate")}.get(mode, mode)

    def whom(self, scope: Scope) -> str:
        """Say whom a policy addresses."""
        _ = self.gettext
        groups = self.join(sorted(scope.groups))
        text = self.join([self.audience(audience) for audience in Audience if audience in scope.audiences])
        if text and groups:
            text = _("%(audience)s (%(groups)s)") % {"audience": text, "groups": groups}
        text = text or groups or _("everybody")
        if scope.except_groups:
            rest = self.join(sorted(scope.except_groups))
            text = _("%(whom)s except %(groups)s") % {"whom": text, "groups": rest}
        return text


@cache
def load_texts(language: str) -> Texts:
    """Load the words of a language; of `fr-CA` those of `fr`, and English for one that we do not have."""
    language = language.partition("-")[0].partition("_")[0]
    if language == SOURCE_LANGUAGE or language not in LANGUAGES:
        return Texts(SOURCE_LANGUAGE, NullTranslations())
    compiled = BytesIO()
    write_mo(compiled, _read_catalogue(language))
    compiled.seek(0)
    return Texts(language, GNUTranslations(compiled))


def _read_catalogue(language: str) -> MessageCatalogue:
    whole = MessageCatalogue(locale=language, domain=DOMAIN)
    folder = files("agent") / "locale" / language
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".po") and file.name not in OTHERWISE_READ:
            with file.open("rb") as lines:
                for message in read_po(lines, locale=language, domain=DOMAIN):
                    if message.id:
                        whole.add(message.id, message.string)
    return whole


def block_texts(catalogue: Catalogue, texts: Texts) -> BlockTexts:
    """Word what a blocked answer says beside its code (RFC 8914 EXTRA-TEXT), for every category and reason."""
    _ = texts.gettext
    return BlockTexts(
        by_tag={
            category.id: _("Blocked by your school: %(category)s") % {"category": category.name(texts.language)}
            for category in catalogue
        },
        by_reason={
            ReasonCode.ALLOW_ONLY: _("Not among the sites that your school has chosen"),
            ReasonCode.PRIVATE_ADDRESS: _("Blocked by your school: points into its own network"),
        },
        default=_("Blocked by your school"),
    )
