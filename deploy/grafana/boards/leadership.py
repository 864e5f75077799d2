# ruff: noqa: INP001 (programs, not a package)
"""The board of the senior leadership team: whether all is kept as agreed, and what waits for them."""

from typing import Final

from panels import AMBER, GREEN, NONE_IS_GOOD, NONE_OR_ELSE, RED, Board, bars, figure
from shared_panels import (
    ACCEPTED,
    APPROVERS,
    CLOCKS,
    DECIDED,
    DISKS,
    FILTER,
    FILTERED,
    INCIDENTS,
    REVIEWS,
    SIGN_OUTS,
    SUSPENDED,
    WAITED,
)

SLT: Final = Board(
    "schoolgate-slt",
    "school",
    "Schoolgate: for the senior leadership team",
    "Is the school's filtering kept as it was agreed, and does anything wait for us?",
    (
        FILTER,
        figure(
            "On over the last seven days",
            "governors:filter_on:ratio7d",
            "The share of the time in which filtering was on, or off on record. What the gateway does not say is not"
            " on; time in which Prometheus itself did not run is not counted.",
            unit="percentunit",
            most=1.0,
            decimals=2,
            steps=((RED, None), (AMBER, 0.99), (GREEN, 0.999)),
        ),
        SUSPENDED,
        APPROVERS,
        CLOCKS,
        figure(
            "Legal times within a day",
            "sum(schoolgate_ending_incident_clocks)",
            "Times that end within a day by which something must be done about an incident.",
            steps=NONE_IS_GOOD,
        ),
        figure(
            "Serious alerts",
            'count(ALERTS{alertstate="firing", severity="critical"}) or vector(0)',
            "Alerts that cannot wait until tomorrow. The technician's board says what to do.",
            steps=NONE_OR_ELSE,
        ),
        REVIEWS,
        INCIDENTS,
        DECIDED,
        WAITED,
        bars(
            "Emergency overrides by whether a second person confirmed",
            "sum by (confirmation) (schoolgate_break_glass_overrides)",
            "{{confirmation}}",
            "Taken by one person because it could not wait; a second one says afterwards that it was right.",
        ),
        DISKS,
        FILTERED,
        SIGN_OUTS,
        ACCEPTED,
    ),
    since="now-30d",
)
