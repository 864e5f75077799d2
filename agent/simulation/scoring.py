"""How the engine did on a term: what was planted, found and missed, and what people had to read for it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent.simulation.replay import Outcomes, Raised
from agent.simulation.school import PUPILS, STAFF
from agent.simulation.stories import Expected, Story
from agent.simulation.term import Term


@dataclass(frozen=True, slots=True)
class Score:
    """The figures of one term.

    `planted` are the stories by title, all of those that have to be found; `missed` the titles of those that were
    not. `per_day` are the candidates of each school day, and `about_stories` how many of all are about a story.
    `others` are the rest, by kind. `notes` are devices that something was noted about, one for each day and kind.
    """

    seed: int
    school_days: int
    observations: int
    planted: tuple[tuple[str, int], ...]
    missed: tuple[str, ...]
    per_day: tuple[int, ...]
    about_stories: int
    others: tuple[tuple[str, int], ...]
    notes: int
    forbidden: int

    @property
    def to_find(self) -> int:
        """How many stories have to be found."""
        return sum(number for _, number in self.planted)

    @property
    def raised(self) -> int:
        """How many candidates there were."""
        return self.about_stories + sum(number for _, number in self.others)

    @property
    def precision(self) -> float:
        """The share of candidates that are about a story."""
        return self.about_stories / self.raised if self.raised else 1.0

    def as_json(self) -> dict[str, Any]:
        """Give everything for programs."""
        return {
            "seed": self.seed,
            "school_days": self.school_days,
            "pupils": PUPILS,
            "staff": STAFF,
            "observations": self.observations,
            "planted": dict(self.planted),
            "to_find": self.to_find,
            "found": self.to_find - len(self.missed),
            "missed": list(self.missed),
            "raised": self.raised,
            "about_stories": self.about_stories,
            "others": dict(self.others),
            "precision": round(self.precision, 3),
            "per_day": list(self.per_day),
            "most_a_day": max(self.per_day, default=0),
            "device_notes": self.notes,
            "forbidden": self.forbidden,
        }

    def lines(self) -> list[tuple[str, str]]:
        """Give what people read, a heading and a sentence each."""
        mean = self.raised / self.school_days
        return [
            ("school", f"{PUPILS:,} pupils and {STAFF} staff, {self.school_days} school days, seed {self.seed}"),
            ("observed", f"{self.observations:,} queries that were blocked, events and reports"),
            ("planted", f"{self.to_find} stories: " + _listed(self.planted)),
            ("found", f"{self.to_find - len(self.missed)} of {self.to_find}"),
            ("missed", ", ".join(self.missed) or "none"),
            ("raised", f"{self.raised} candidates, {mean:.1f} a day, {max(self.per_day, default=0)} at most"),
            ("day by day", " ".join(map(str, self.per_day))),
            ("about stories", f"{self.about_stories} of {self.raised}, which is {self.precision:.0%}"),
            ("the rest", _listed(self.others) or "none"),
            ("device notes", f"{self.notes}, about devices that nobody is known to have used"),
            ("must not be", f"{self.forbidden} records"),
        ]


def score(seed: int, term: Term, outcomes: Outcomes) -> Score:
    """Work out the figures of a term."""
    to_find = [story for story in term.stories if story.expected is Expected.FOUND]
    a_day = Counter(raised.day.on for raised in outcomes.raised)
    others = Counter(raised.incident.kind.value for raised in outcomes.raised if raised.story is None)
    return Score(
        seed=seed,
        school_days=sum(day.number is not None for day in term.days),
        observations=outcomes.observations,
        planted=tuple(Counter(story.title for story in to_find).items()),
        missed=tuple(_missed(term.stories, outcomes.raised)),
        per_day=tuple(a_day[day.on] for day in term.days if day.number is not None or a_day[day.on]),
        about_stories=sum(raised.story is not None for raised in outcomes.raised),
        others=tuple(others.most_common()),
        notes=len(outcomes.notes),
        forbidden=outcomes.forbidden,
    )


def _missed(stories: Sequence[Story], raised: Sequence[Raised]) -> list[str]:
    """Give the stories of which not everybody was found."""
    found = {(each.story, each.incident.subject) for each in raised}
    return [
        story.title
        for number, story in enumerate(stories)
        if story.expected is Expected.FOUND and any((number, subject) not in found for subject in story.subjects)
    ]


def _listed(counts: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {number}" if number > 1 else name for name, number in counts)
