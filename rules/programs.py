"""What programs ask for by themselves: parts of pages, advertising, updates and what apps report home.

A name alone never proves it; it makes an observation weigh nothing. The lists are data of a pack and of a site.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from rules.name import DomainName, is_at_or_below

# So many times in a row at the same distance, and it is a clock and no hand.
BEATS = 6
_BEAT_TOLERANCE = timedelta(seconds=60)
# The second level under which names are given out, beside country codes: `example.co.uk` is one site.
_SHARED_SECOND_LEVELS = frozenset(
    {"ac", "co", "com", "edu", "gov", "ltd", "me", "net", "nhs", "or", "org", "plc", "sch"}
)
_COUNTRY_CODE_LETTERS = 2
# How people come to a site: what they type, what a link that they follow begins with, and languages and countries.
_DOORS = frozenset({
    "www", "m", "mobile", "web", "my", "app", "go", "home", "play", "watch", "live", "tv", "video", "videos", "store",
    "shop", "forum", "forums", "chat", "blog", "news", "login", "account", "accounts", "online", "games",
    "ar", "be", "br", "cn", "cs", "da", "de", "el", "en", "es", "eu", "fi", "fr", "hi", "it", "ja", "jp", "ko", "nl",
    "no", "pl", "pt", "ru", "sv", "tr", "uk", "us", "zh",
})  # fmt: skip
_CACHED_NAMES = 20_000


@dataclass(frozen=True, slots=True)
class Background:
    """What gives a machine away: labels (`cdn`, `telemetry`) anywhere but at the end, and names with all below."""

    labels: frozenset[str] = frozenset()
    suffixes: frozenset[DomainName] = frozenset()

    def covers(self, name: DomainName) -> bool:
        """Say whether a name is one that programs ask for by themselves."""
        return _covers(self.labels, self.suffixes, name)


@lru_cache(_CACHED_NAMES)
def _covers(telling: frozenset[str], suffixes: frozenset[DomainName], name: DomainName) -> bool:
    labels = name.split(".")
    own = labels[: len(labels) - len(site_of(name).split("."))]
    return not telling.isdisjoint(own) or any(is_at_or_below(name, suffix) for suffix in suffixes)


@lru_cache(_CACHED_NAMES)
def site_of(name: DomainName) -> DomainName:
    """Give the part of a name that somebody registered: its last two labels, or three under `co.uk` and its like."""
    labels = name.split(".")
    is_shared = len(labels) > 2 and len(labels[-1]) == _COUNTRY_CODE_LETTERS and labels[-2] in _SHARED_SECOND_LEVELS
    return DomainName(".".join(labels[-3:] if is_shared else labels[-2:]))


@lru_cache(_CACHED_NAMES)
def is_door(name: DomainName) -> bool:
    """Say whether people come to a site by this name; only the pages of others ask for what lies deeper in it."""
    site = site_of(name)
    return name == site or name.removesuffix(f".{site}") in _DOORS


def is_beat(instants: Collection[datetime]) -> bool:
    """Say whether something came at even distances, as a program asks that has nobody in front of it."""
    ordered: Sequence[datetime] = sorted(set(instants))
    if len(ordered) < BEATS:
        return False
    gaps = [later - earlier for earlier, later in pairwise(ordered)]
    return max(gaps) - min(gaps) <= _BEAT_TOLERANCE and min(gaps) > _BEAT_TOLERANCE
