"""What the engine goes by when it weighs observations: the defaults of a pack, as a site has tuned them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from rules.incident_kind import Kind, Risk
from rules.programs import Background
from rules.subject import Audience


@dataclass(frozen=True, slots=True)
class KindRules:
    """How one kind of incident is weighed.

    `categories` are those whose names are about it; `weight` are the points that it has by itself; `sites` is how
    many different ones it takes at least.
    """

    kind: Kind
    risk: Risk
    categories: frozenset[str]
    weight: int = 10
    sites: int = 3


@dataclass(frozen=True, slots=True)
class Warned:
    """A recorded warning or sanction that has not expired; `row` is what it was for."""

    incident: str
    row: str
    expires_on: str


@dataclass(frozen=True, slots=True)
class AssessmentRules:
    """The rules of a school.

    A candidate is opened at `open_at` of 100 points. What lies within `window` of each other is looked at together;
    what comes within `gap` of a candidate joins it. Tries without a longer `pause` between them are one after the
    other, and `row` of them count for more. What `crowd` others ask for in the same minutes is no choice of
    one of them. `memory` is how far back other days count. What is in `statutory` is illegal; what is in
    `unattributed` is never kept against a person. `rows` gives the rows of the sanction table of an audience (pupil
    or staff) that a machine may propose for a kind, the likeliest first, and `repeat_rows` the one for whoever goes
    on after a warning.
    """

    kinds: Mapping[Kind, KindRules]
    rows: Mapping[tuple[Audience, Kind], tuple[str, ...]]
    repeat_rows: Mapping[Audience, str] = field(default_factory=dict)
    statutory: frozenset[str] = frozenset()
    unattributed: frozenset[str] = frozenset()
    background: Background = field(default_factory=Background)
    open_at: int = 60
    window: timedelta = timedelta(hours=2)
    gap: timedelta = timedelta(hours=4)
    pause: timedelta = timedelta(minutes=10)
    row: int = 4
    crowd: int = 6
    widespread: int = 15
    memory: timedelta = timedelta(days=14)
    _by_category: Mapping[str, KindRules] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_category = {category: kind for kind in self.kinds.values() for category in kind.categories}
        object.__setattr__(self, "_by_category", by_category)

    def kind_of(self, category: str) -> KindRules | None:
        """Give the kind of incident that a category is about, if any."""
        return self._by_category.get(category)
