# ruff: noqa: INP001 (programs, not a package)
"""The board of governors: without names, and without small numbers."""

from typing import Final

from panels import AMBER, FEW, GREEN, NONE_IS_GOOD, ON, ONE_IS_GOOD, RED, SHARE, YES, Board, bars, figure
from shared_panels import DECIDED, INCIDENTS

GOVERNORS: Final = Board(
    "schoolgate-governors",
    "governors",
    "Schoolgate: for governors",
    "Does the school keep to what it agreed? Without names; small numbers are not shown.",
    (
        figure(
            "Is filtering on?",
            "governors:filter_on:bool",
            "On: everything that must be blocked is blocked, or the record says who agreed that it is open.",
            steps=ONE_IS_GOOD,
            words=ON,
        ),
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
        figure(
            "Filter as people approved it",
            "governors:filter_as_approved:bool",
            "Whether what two people approved is what is in force.",
            steps=ONE_IS_GOOD,
            words=YES,
        ),
        figure(
            "Filtering off by agreement",
            "governors:suspended:bool",
            "Whether filtering is off somewhere at this moment, because two people agreed for a while.",
            steps=NONE_IS_GOOD,
            words=YES,
        ),
        figure(
            "Lists that are up to date",
            "governors:lists_fresh:ratio",
            "The share of the lists of unsuitable sites that came in time.",
            steps=((RED, None), (AMBER, 0.9), (GREEN, 1)),
            **SHARE,
        ),
        figure(
            "Record whole",
            "governors:record_intact:bool",
            "Whether the last proof found the record of every act unchanged.",
            steps=ONE_IS_GOOD,
            words=YES,
        ),
        figure(
            "Last proof of the record",
            "governors:record_proved:seconds_ago",
            "It is proved once a day.",
            unit="s",
            steps=((GREEN, None), (AMBER, 108000), (RED, 172800)),
        ),
        figure(
            "Two people can decide",
            "governors:two_can_decide:bool",
            "Nobody decides about what they asked for themselves.",
            steps=ONE_IS_GOOD,
            words=YES,
        ),
        INCIDENTS,
        bars(
            "Blocked queries of seven days, by category",
            "governors:blocked_queries:hundreds7d",
            "{{category}}",
            "Rounded down to full hundreds, as of midnight; below a hundred a category is left out. A page that"
            " fetches much counts often: this is no number of pupils, nor of visits.",
            empty="fewer than 100 of every category, or not known",
        ),
        DECIDED,
        bars(
            "Candidates by what was decided",
            "governors:candidates_decided:fives",
            "{{decision}}",
            "What the rules thought somebody should look at, rounded down to full fives, as of midnight.",
            words=FEW,
        ),
        figure(
            "Half of the requests were decided within",
            "governors:override_waiting_seconds:p50",
            "How long teachers wait for a second person; shown where at least five have asked in ninety days.",
            unit="s",
            empty="fewer than 5 requests, or not known",
        ),
        figure(
            "Overdue steps",
            "governors:incident_steps_overdue:fives",
            "Steps of incidents that should have been done, rounded down to full fives, as of midnight.",
            words=FEW,
        ),
        figure(
            "Reviews of the filter overdue",
            "governors:reviews_overdue:bool",
            "Whether a change of the filter should have been looked at again by now.",
            steps=NONE_IS_GOOD,
            words=YES,
        ),
        figure(
            "Laptops with an encrypted disk",
            "governors:disks_encrypted:tenths",
            "Rounded down to a full tenth, as of midnight; shown where there are at least twenty.",
            empty="fewer than 20 laptops, or not known",
            **SHARE,
        ),
        figure(
            "Laptops that our filter answers",
            "governors:laptops_filtered:tenths",
            "Rounded down to a full tenth, as of midnight; shown where there are at least twenty.",
            empty="fewer than 20 laptops, or not known",
            **SHARE,
        ),
    ),
    since="now-30d",
)
