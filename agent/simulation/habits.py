"""How often what happens at a school, in sets of numbers: rules are also tried at schools that they do not know."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from random import Random
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Habits:
    """The habits of a school: shares and chances are of 1, rates so many a day, pairs from-to, times minutes.

    `lessons` is the chance that a pupil uses a device in a lesson (`tablet_lessons` a shared one), `pages` how many
    they look at then. `social_pages`, `ad_pages` and `carrying_pages` are the shares of pages that carry something,
    `rare_pages` of those that hardly anybody else ever sees. A part of a page has a bare name (`bare_parts`), a label
    that only its maker knows (`own_labels`), or one that gives it away. People come to a site by its name, and now
    and then (`side_doors`) by a part of it that has a label of its own (`door_labels`). `result_pages` is the chance
    that a page is a list of results whose names the browser asks for ahead. `slips` and `tries` are the chances that
    somebody clicks once, or two or three times, on a day; `mistyped` that a name is, and belongs to somebody who
    waits for that. `late` and `twice` are shares of what comes in.
    """

    lessons: float = 0.14
    tablet_lessons: float = 0.05
    pages: tuple[int, int] = (3, 10)
    staff_pages: tuple[int, int] = (4, 13)
    social_pages: float = 0.2
    ad_pages: float = 0.15
    carrying_pages: float = 0.06
    rare_pages: float = 0.3
    bare_parts: float = 0.25
    own_labels: float = 0.25
    giving_labels: Sequence[str] = ("cdn", "static", "api", "ads", "pixel", "widgets", "connect", "img", "platform")
    maker_labels: Sequence[str] = ("edge3", "v2", "gw", "s1", "media-eu", "app", "go", "r", "d2fx8", "x")
    side_doors: float = 0.08
    door_labels: Sequence[str] = ("play", "shop", "forum", "video", "live", "web", "de", "old", "vip", "hot")
    result_pages: float = 0.01
    results: tuple[int, int] = (2, 8)
    start_pages: float = 0.03
    slips: float = 0.03
    tries: float = 0.008
    mistyped: float = 0.004
    class_pages: float = 3
    topic_lessons: float = 0.4
    override_lessons: float = 0.15
    swaps: float = 2
    address_changes: float = 4
    stray_illegal: float = 0.015
    help: float = 2
    pupil_apps: float = 0.04
    tablet_apps: float = 0.015
    staff_apps: float = 0.16
    stranger_apps: float = 0.3
    beat: tuple[int, int] = (15, 150)
    jitter: int = 1
    irregular_apps: float = 0.35
    retries: float = 0.2
    left_on: float = 0.1
    late: float = 0.005
    twice: float = 0.005


FAMILIAR: Final = Habits()
UNFAMILIAR: Final = Habits(
    lessons=0.17,
    tablet_lessons=0.04,
    pages=(2, 14),
    staff_pages=(3, 17),
    social_pages=0.25,
    ad_pages=0.2,
    carrying_pages=0.09,
    rare_pages=0.4,
    bare_parts=0.32,
    own_labels=0.33,
    giving_labels=("stats", "embed", "tags", "telemetry", "assets", "metrics", "fonts"),
    maker_labels=("node7", "lb", "p16", "w3", "feed", "in", "q", "eu-west", "k9z", "one"),
    side_doors=0.1,
    door_labels=("store", "watch", "us", "beta", "chat", "my", "classic", "tv", "best", "zone"),
    result_pages=0.014,
    results=(3, 10),
    start_pages=0.05,
    slips=0.04,
    tries=0.011,
    mistyped=0.006,
    class_pages=4,
    topic_lessons=0.6,
    override_lessons=0.2,
    swaps=3,
    address_changes=7,
    pupil_apps=0.06,
    tablet_apps=0.012,
    staff_apps=0.2,
    stranger_apps=0.25,
    beat=(10, 110),
    jitter=2,
    irregular_apps=0.5,
    retries=0.3,
    left_on=0.15,
    late=0.01,
    twice=0.01,
)
_FAMILIAR_SEED: Final = 1
# The rules were never tuned on this one.
HELD_BACK: Final = 2
# A rate of any other school is the familiar one, up to so many times as much or as little.
_MOST: Final = 2.0
_GIVING_LABELS: Final = (
    "analytics", "beacon", "collect", "events", "geo", "images", "log", "plugins", "sync", "thumbs",
)  # fmt: skip
_DOOR_LABELS: Final = (
    "games", "news", "mobile", "fr", "uk", "login", "online", "club", "free", "new", "world", "home", "blog", "start",
)  # fmt: skip
_MAKER_LABELS: Final = (
    "up", "sfe", "c1", "zz", "box", "geo2", "mob", "hub", "nx", "t4", "cache", "webp", "q7", "ui", "l3", "host9",
)  # fmt: skip


def habits_of(seed: int) -> Habits:
    """Give the habits that go with a seed: those of the first two are written down, of all others drawn."""
    return {_FAMILIAR_SEED: FAMILIAR, HELD_BACK: UNFAMILIAR}.get(seed) or _drawn(Random(f"habits {seed}"))


def _drawn(random: Random) -> Habits:
    labels: dict[str, Any] = {
        "giving_labels": tuple(random.sample(_GIVING_LABELS, 6)),
        "door_labels": tuple(random.sample(_DOOR_LABELS, 8)),
        "maker_labels": tuple(random.sample(_MAKER_LABELS, 8)),
    }
    others = (field.name for field in fields(Habits) if field.name not in labels)
    return Habits(**labels, **{name: _other(getattr(FAMILIAR, name), random) for name in others})


def _other(familiar: Any, random: Random) -> Any:
    """Draw another rate, share or number, or range of numbers."""
    if isinstance(familiar, tuple):
        return tuple(sorted(max(1, _other(bound, random)) for bound in familiar))
    drawn = familiar * _MOST ** random.uniform(-1, 1)
    return round(drawn) if isinstance(familiar, int) else drawn
