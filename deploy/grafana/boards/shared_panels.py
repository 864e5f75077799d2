# ruff: noqa: INP001 (programs, not a package)
"""Panels that stand on more than one board."""

from typing import Final

from panels import (
    AMBER,
    FEW,
    GREEN,
    NONE_IS_GOOD,
    NONE_OR_ELSE,
    ON,
    ONE_IS_GOOD,
    RED,
    SHARE,
    Panel,
    bars,
    figure,
    lines,
)

FILTER: Final = figure(
    "Is filtering on?",
    "min(schoolgate:filter_on:bool)",
    "On: every test name that must be blocked is blocked in every network, or the record says why it is open. Off, or"
    " not known: run schoolgate status.",
    steps=ONE_IS_GOOD,
    words=ON,
)
# A table is in the order of its numbers, which nobody sees: 0 for what is critical, 1 for the rest.
KINDS: Final = "count by (severity, alertname)"
WORST_FIRST: Final = (
    f'sort(0 * {KINDS} (ALERTS{{alertstate="firing", severity="critical"}})'
    f' or 1 + 0 * {KINDS} (ALERTS{{alertstate="firing"}}))'
)
ALERTS: Final = Panel(
    "What is wrong now",
    "Alerts that fire, the worst first. Each says in its notice what to look at and which command to run.",
    ((WORST_FIRST, ""),),
    kind="table",
    empty="nothing",
    wide=12,
    high=8,
)
SUSPENDED: Final = figure(
    "Filtering off by agreement",
    "sum(schoolgate_active_suspensions)",
    "Suspensions of this moment: two people agreed, and each has an end. schoolgate suspend list shows them.",
    steps=NONE_IS_GOOD,
)
APPROVERS: Final = figure(
    "People who can decide",
    "min(schoolgate_approvers)",
    "Nobody decides about what they asked for themselves, so it takes two at the least.",
    steps=((RED, None), (AMBER, 2), (GREEN, 3)),
)
OVERDUE: Final = figure(
    "Overdue steps",
    "sum(schoolgate_overdue_incident_steps)",
    "Steps of open incidents that should have been done. What is sealed or restricted is in no number here.",
    steps=NONE_IS_GOOD,
)
CLOCKS: Final = figure(
    "Legal times that have ended",
    "sum(schoolgate_overdue_incident_clocks)",
    "Times by which something had to be done about an incident, such as a notice to the regulator.",
    steps=NONE_OR_ELSE,
)
WAITED: Final = lines(
    "How long people wait for a decision",
    "Half of the overrides of the last ninety days were decided within this time, nine in ten within the other.",
    ("schoolgate:override_waiting_seconds:p50", "half of them"),
    ("histogram_quantile(0.9, sum by (le) (schoolgate_override_waiting_seconds_bucket))", "nine in ten"),
    unit="s",
    empty="nobody has asked yet, or not known",
)
DISKS: Final = figure(
    "Laptops with an encrypted disk",
    "schoolgate:disks_encrypted:ratio",
    "Of the laptops with the endpoint service; where nothing is proved, the disk counts as not encrypted.",
    steps=((RED, None), (AMBER, 0.9), (GREEN, 1)),
    empty="no laptops yet, or not known",
    **SHARE,
)
FILTERED: Final = figure(
    "Laptops that our filter answers",
    "schoolgate:laptops_filtered:ratio",
    "Of the laptops with the endpoint service, when they last asked in the school.",
    steps=((RED, None), (AMBER, 0.9), (GREEN, 1)),
    empty="no laptops yet, or not known",
    **SHARE,
)
SILENT: Final = figure(
    "Silent laptops",
    "sum(schoolgate_silent_devices)",
    "Laptops that should have said something and have not: away, broken, or without their service.",
    steps=NONE_IS_GOOD,
    empty="no laptops yet, or not known",
)
SIGN_OUTS: Final = figure(
    "Media that should be back",
    "sum(schoolgate_sign_outs_overdue)",
    "Sticks, disks and papers out of the school past their day.",
    steps=NONE_IS_GOOD,
)
REVIEWS: Final = figure(
    "Filter changes to look at again",
    "sum(schoolgate_filter_reviews_overdue)",
    "Changes whose day of review has passed. schoolgate filter list shows them.",
    steps=NONE_IS_GOOD,
)
ACCEPTED: Final = figure(
    "Candidates that were accepted",
    "schoolgate:candidates_accepted:ratio",
    "Of the candidates that somebody has decided about. A low share means that the rules cry wolf.",
    empty="none was decided yet, or not known",
    **SHARE,
)

INCIDENTS: Final = bars(
    "Open incidents by row of the school's table",
    "governors:incidents_open:fives",
    "row {{row}}",
    "Rounded down to full fives, as of midnight; rows with fewer than five are together as others, and left out if"
    " they are fewer than five even so. What is restricted or sealed is not counted.",
    empty="fewer than 5 of every row, or not known",
)
DECIDED: Final = bars(
    "Overrides by what was decided",
    "governors:overrides_decided:fives",
    "{{decision}}",
    "Rounded down to full fives, as of midnight: blocks lifted for a lesson, or not.",
    words=FEW,
)
