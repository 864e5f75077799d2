"""Whom a child can talk to, by country. Every name here stands on the list of helplines, which nothing blocks."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Helpline:
    """One of them; `number` is what to dial, where it has one for children."""

    title: str
    site: str
    number: str = ""

    @property
    def address(self) -> str:
        """The address of its page."""
        return f"https://{self.site}/"


EVERYWHERE: Final = (Helpline("Find A Helpline", "findahelpline.com"),)
_UNITED_KINGDOM: Final = (
    Helpline("Childline", "www.childline.org.uk", "0800 1111"),
    Helpline("CEOP", "www.ceop.police.uk"),
)
_FRANCE: Final = (
    Helpline("119 Allô Enfance en danger", "www.allo119.gouv.fr", "119"),
    Helpline("3018", "3018.fr", "3018"),
)
_NETHERLANDS: Final = (
    Helpline("De Kindertelefoon", "www.kindertelefoon.nl", "0800-0432"),
    Helpline("Helpwanted", "www.helpwanted.nl"),
)
_BELGIUM: Final = (
    Helpline("Awel", "awel.be", "102"),
    Helpline("103 Écoute-Enfants", "www.103ecoute.be", "103"),
)
_CANADA: Final = (Helpline("Jeunesse, J'écoute / Kids Help Phone", "kidshelpphone.ca", "1-800-668-6868"),)
_QUEBEC: Final = (Helpline("Tel-jeunes", "www.teljeunes.com", "1-800-263-2266"), *_CANADA)
# Toronto shares its zone with Québec.
_ELSEWHERE_IN_CANADA: Final = (
    *("Atikokan", "Cambridge_Bay", "Creston", "Dawson", "Dawson_Creek", "Edmonton", "Fort_Nelson", "Glace_Bay"),
    *("Goose_Bay", "Inuvik", "Iqaluit", "Moncton", "Rankin_Inlet", "Regina", "Resolute", "St_Johns", "Swift_Current"),
    *("Vancouver", "Whitehorse", "Winnipeg", "Yellowknife"),
)
_JAPAN: Final = (Helpline("チャイルドライン", "childline.or.jp", "0120-99-7777"),)

BY_TIMEZONE: Final[Mapping[str, tuple[Helpline, ...]]] = MappingProxyType(
    {
        "Europe/London": _UNITED_KINGDOM,
        "Europe/Belfast": _UNITED_KINGDOM,
        "Europe/Paris": _FRANCE,
        "Europe/Amsterdam": _NETHERLANDS,
        "Europe/Brussels": _BELGIUM,
        **{f"America/{place}": _CANADA for place in _ELSEWHERE_IN_CANADA},
        # The Magdalen Islands keep the time of Halifax.
        **{f"America/{place}": _QUEBEC for place in ("Montreal", "Toronto", "Blanc-Sablon", "Halifax")},
        "Asia/Tokyo": _JAPAN,
    }
)


def helplines_of(timezone: str) -> tuple[Helpline, ...]:
    """Give the helplines where a school is; where we know none, the way to find one."""
    return BY_TIMEZONE.get(timezone, EVERYWHERE)
