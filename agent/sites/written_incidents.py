"""What a person may write in `site.yaml` about incidents: how they are weighed, who reads them, whom to call."""

import re
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field

from agent.sites.written_part import Categories, Ids, Nothing, Text, Written
from agent.sites.written_values import Domain, Id, OneOrMore, fault, reader
from rules.span import Span, parse_span

SCHOOL_YEAR: Final = "school year"


def _parse_span(value: Any) -> Span:
    try:
        return parse_span(value if isinstance(value, str) else "")
    except ValueError as error:
        raise fault(str(error).rpartition("; expected ")[2]) from None


def _parse_warnings_last(value: Any) -> Span | str:
    return SCHOOL_YEAR if value == SCHOOL_YEAR else _parse_span(value)


def _parse_label(value: Any) -> str:
    if not isinstance(value, str) or re.fullmatch(r"[a-z0-9_][a-z0-9_-]{0,62}", value) is None:
        raise fault("one part of a name, in small letters, such as cdn")
    return value


Length = Annotated[Span, reader(_parse_span)]
WarningsLast: TypeAlias = Annotated[Span | Literal["school year"], reader(_parse_warnings_last)]
Labels = Annotated[list[Annotated[str, reader(_parse_label)]], OneOrMore]


class WrittenKind(Written):
    """`kinds: {kind: ...}` how one kind of incident is weighed here."""

    weight: Annotated[int, Field(ge=1, le=100)] | None = None
    sites: Annotated[int, Field(ge=1, le=50)] | None = None


class WrittenBackground(Written):
    """`background:` what programs at this school ask for by themselves, beside what the packs know."""

    labels: Labels = []
    names: Annotated[list[Domain], OneOrMore] = []


class WrittenAssessment(Written):
    """`assessment:` how this school weighs what is observed, where it differs from its packs."""

    open_at: Annotated[int, Field(ge=1, le=100)] | None = None
    kinds: Annotated[dict[Text, WrittenKind], Nothing] = {}
    background: WrittenBackground | None = None
    unattributed: Categories = []


class WrittenContact(Written):
    """`contacts: {name: ...}` whom to call, as it stands on the cards of procedures."""

    title: Text
    lines: Annotated[list[Text], OneOrMore, Field(min_length=1, max_length=20)]
    procedures: Ids = Field(default=[], alias="for")


class WrittenIncidents(Written):
    """`incidents:` who reads what about staff, how long warnings count and records last, and whom to call."""

    second_reader: Text | None = None
    chair: Text | None = None
    warnings_last: WarningsLast | None = None
    keep: Annotated[dict[Text, Length], Nothing] = {}
    small_number: Annotated[int, Field(ge=2, le=50)] | None = None
    contacts: Annotated[dict[Id, WrittenContact], Nothing] = {}
