"""Invented sites, on names that are reserved for examples.

Source: RFC 2606 section 2.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from random import Random
from typing import Final

from agent.simulation.habits import Habits

_FIRST: Final = """
amber blue bright clear cosy crystal daily eager early fancy fast first free fresh giant glad gold grand green happy
hidden jolly keen kind little lively loud lucky magic major mellow merry mighty modern neat new night noble open
orange pocket polar prime proud purple quick quiet rapid red royal secret silver simple smart solid sonic spicy star
sunny super sweet swift tiny top true turbo twin ultra urban velvet vivid warm wild wise young zesty
"""
# What a site of each subject is called after.
_LAST: Final[Mapping[str, Sequence[str]]] = {
    "gambling": ("bet", "slots", "casino", "bingo"),
    "pornography": ("xxx", "adult"),
    "violence": ("fight", "gore"),
    "weapons": ("arms", "knives"),
    "drugs": ("weed", "pills"),
    "discrimination": ("rant",),
    "self_harm": ("ana", "cutting"),
    "games": ("games", "arcade", "play"),
    "social_networks": ("social", "friends"),
    "chat": ("chat",),
    "shopping": ("shop", "deals", "outlet"),
    "file_sharing": ("drive", "upload"),
    "piracy": ("streams", "torrents"),
    "proxy": ("proxy", "unblock"),
    "vpn": ("vpn",),
    "hate_speech": ("hate",),
    "helplines": ("helpline",),
    "health_education": ("health",),
    "": ("news", "wiki", "maths", "museum", "atlas", "stories", "science", "weather", "recipes", "sport"),
}
SUBJECTS: Final = tuple(subject for subject in _LAST if subject)
# Nobody may ever be told from these.
PRIVATE: Final = ("helplines", "health_education")
# Of these everybody knows the same few, and every second page carries something of theirs.
FAMOUS: Final = 5


@cache
def sites(subject: str) -> tuple[str, ...]:
    """Give the sites of a subject, the best known first; without a subject those that nobody minds."""
    ends = _LAST[subject]
    return tuple(
        f"{first}{ends[number % len(ends)]}.{'test' if number % 3 else 'example'}"
        for number, first in enumerate(_FIRST.split())
    )


def known_site(random: Random, subject: str) -> str:
    """Pick a site as people come upon them: the best known most often."""
    known = sites(subject)
    return known[min(int(random.expovariate(0.08)), len(known) - 1)]


def different_sites(random: Random, subject: str, number: int) -> list[str]:
    """Pick several different sites."""
    found: list[str] = []
    while len(found) < number:
        site = known_site(random, subject)
        if site not in found:
            found.append(site)
    return found


def as_typed(random: Random, site: str, habits: Habits) -> str:
    """Give a site as somebody types it or follows a link to it."""
    if random.random() < habits.side_doors:
        return f"{random.choice(habits.door_labels)}.{site}"
    return random.choice((site, site, f"www.{site}", f"www.{site}", f"m.{site}", f"en.{site}"))
