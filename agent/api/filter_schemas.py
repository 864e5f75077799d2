"""Changes of the filter as they come in and go out."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from agent.api.schemas import Asked, Day, Effect, Id, PersonNamed, Prose, Text, Told
from agent.filter_changing.filter_overlay import MAX_OVERLAY_CHARACTERS

Changes = Annotated[Text, StringConstraints(max_length=MAX_OVERLAY_CHARACTERS)]


class FilterChangesAsked(Asked):
    """Changes as YAML: parts of a site as they shall be, `null` for what shall go."""

    text: Changes


class Answered(Asked):
    """Why the filter changes, who answers for it (oneself if nobody is named), and when it is looked at again."""

    reason: Prose = ""
    owner: Id | None = None
    review_on: Day


class FilterDraftAsked(Answered):
    """Changes as YAML, to be approved by somebody else."""

    text: Changes


class FilterVersionListed(Told):
    """A version of the filter as a list shows it; `changes` are the first of `changes_in_all` sentences.

    Without `approved_by`, nobody approved it. `fault` says why what was approved is not in force. `owner` answers for
    it, `restores` is the version that it brings back, `os_user` whose the site file is. `version` is its ETag.
    """

    number: int
    version: int
    at: datetime
    source: str
    state: str
    changes: list[str]
    changes_in_all: int
    drafted_by: PersonNamed | None
    approved_by: PersonNamed | None
    decided_at: datetime | None
    reason: str
    review_on: date | None
    owner: PersonNamed | None
    restores: int | None
    os_user: str
    fault: str


class FilterVersionTold(FilterVersionListed):
    """A version of the filter; `text` is what was written, for those who change the filter."""

    decision_reason: str
    text: str | None = None
    effect: Effect | None = None


class FilterPage(Told):
    """A part of a list; `next` asks for the part after it."""

    items: list[FilterVersionListed]
    next: str | None = None


class FilterPreviewTold(Told):
    """What changes would do, in words."""

    changes: list[str]


class FigureTold(Told):
    """How much would turn for an audience; where it is not sure, for some of them only, or maybe."""

    audience: str
    turn: str
    is_sure: bool
    names: Annotated[
        int | None,
        Field(description="Distinct names that are kept, rounded to fives or two digits; null where none is known."),
    ]
    questions: Annotated[int, Field(description="With or without their name, rounded like the names.")]


class TurnedNameTold(Told):
    """A name that would turn for an audience; where it is not sure, for some of them only, or maybe."""

    name: str
    audience: str
    turn: str
    is_sure: bool
    devices: Annotated[int, Field(description="How many asked for it on the day on which most did, rounded.")]
    questions: int


class DryRunTold(Told):
    """What a draft would have meant in these days; `sentences` are the figures in words and what they do not show.

    What fewer than five devices stand behind is in none of them, nor what fewer do than the small number of the site.
    `names` are those that enough devices asked for; null for whoever is told no names.
    """

    first_on: date
    last_on: date
    days_kept: int
    figures: list[FigureTold]
    sentences: list[str]
    names: list[TurnedNameTold] | None = None
