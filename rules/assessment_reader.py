"""The written form of what observations are weighed by.

assessment:
  open_at: 60                       # points of 100 at which a candidate is opened
  window: 2 h                       # what is looked at together
  gap: 4 h                          # what comes so soon after a candidate joins it
  pause: 10 minutes                 # tries without a longer one between them are one after the other
  row: 4                            # and so many of them count for more
  crowd: 6                          # what so many others ask for in the same minutes is nobody's choice
  widespread: 20                    # nor is what so many others ask for on a day
  memory: 14 days                   # how far back other days count
  unattributed: [helplines]         # categories that are never kept against a person
  background:
    labels: [cdn, telemetry]        # labels of names that programs ask for by themselves
    names: [pixel.example]          # such names, with everything below
  kinds:
    gambling: {categories: [gambling], risk: commerce, weight: 15, sites: 3}
"""

from collections.abc import Collection, Mapping
from datetime import timedelta

from rules.assessment import AssessmentRules, KindRules
from rules.crowd import MOST_OTHERS
from rules.incident_kind import Kind, Risk
from rules.name import DomainName, InvalidNameError, parse_name
from rules.pack_fields import Fields
from rules.programs import Background
from rules.sanction import SanctionTable
from rules.subject import Audience
from rules.visibility import Visibility

_MOST_POINTS = 100
_MOST_SITES = 50


def read_assessment(
    fields: Fields, *, categories: Collection[str], sanctions: Mapping[str, SanctionTable], statutory: frozenset[str]
) -> AssessmentRules | None:
    """Read the rules of a pack; nothing where it has none.

    Args:
        fields: those of the whole pack.
        categories: the ids that exist.
        sanctions: the tables whose rows are proposed.
        statutory: the categories that are illegal.
    """
    if not fields.has("assessment"):
        return None
    part = fields.inner("assessment")
    kinds = part.each("kinds", lambda name, rules: _kind(name, rules, categories))
    defaults = AssessmentRules({}, {})
    rules = AssessmentRules(
        kinds={each.kind: each for each in kinds.values()},
        rows=proposed_rows(sanctions),
        repeat_rows=repeat_rows(sanctions),
        statutory=statutory,
        unattributed=frozenset(part.names("unattributed", categories, "a category that exists")),
        background=_background(part.inner("background")) if part.has("background") else Background(),
        open_at=_number(part, "open_at", defaults.open_at, _MOST_POINTS),
        window=_time(part, "window", defaults.window),
        gap=_time(part, "gap", defaults.gap),
        pause=_time(part, "pause", defaults.pause),
        row=_number(part, "row", defaults.row, _MOST_SITES),
        crowd=_number(part, "crowd", defaults.crowd, MOST_OTHERS),
        widespread=_number(part, "widespread", defaults.widespread, MOST_OTHERS),
        memory=_time(part, "memory", defaults.memory),
    )
    part.done()
    return rules


def proposed_rows(sanctions: Mapping[str, SanctionTable]) -> dict[tuple[Audience, Kind], tuple[str, ...]]:
    """Give the rows that a machine may propose for a kind; a row that nobody can see is for people alone."""
    found: dict[tuple[Audience, Kind], tuple[str, ...]] = {}
    for name, table in sanctions.items():
        for row in table.rows.values():
            if row.visibility is not Visibility.NONE and not row.is_repeat:
                for kind in row.kinds:
                    key = Audience(name), kind
                    found[key] = (*found.get(key, ()), row.id)
    return found


def repeat_rows(sanctions: Mapping[str, SanctionTable]) -> dict[Audience, str]:
    """Give the row of each table that is for whoever goes on after a warning."""
    return {
        Audience(name): row.id for name, table in sanctions.items() for row in table.rows.values() if row.is_repeat
    }


def _kind(name: str, part: Fields, categories: Collection[str]) -> KindRules:
    try:
        kind = Kind(name)
    except ValueError:
        part.fault("", f"the kind {name}", "one of " + ", ".join(Kind))
        kind = Kind.OTHER
    return KindRules(
        kind,
        part.choice("risk", Risk),
        frozenset(part.names("categories", categories, "a category that exists")),
        weight=_number(part, "weight", 10, _MOST_POINTS),
        sites=_number(part, "sites", 3, _MOST_SITES),
    )


def _background(part: Fields) -> Background:
    names: list[DomainName] = []
    for index, text in enumerate(part.texts("names")):
        try:
            names.append(parse_name(text))
        except InvalidNameError as error:
            part.fault("names", f"name {index + 1}: {error}", "names of programs and parts of pages")
    read = Background(frozenset(part.texts("labels")), frozenset(names))
    part.done()
    return read


def _number(part: Fields, key: str, default: int, most: int) -> int:
    if not part.has(key):
        return default
    number = part.number(key)
    if not 0 < number <= most:
        part.fault(key, str(number), f"1 to {most}")
        return default
    return number


def _time(part: Fields, key: str, default: timedelta) -> timedelta:
    if not part.has(key):
        return default
    length = part.span(key).typical()
    if not length:
        part.fault(key, "no time", "some time, such as 2 h")
        return default
    return length
