# ruff: noqa: INP001 (programs, not a package)
"""The board of the ICT Co-ordinator: whether filtering is on and right, and what waits for them."""

from typing import Final

from panels import AMBER, GREEN, NONE_IS_GOOD, RED, Board, bars, figure, lines
from shared_panels import ACCEPTED, ALERTS, APPROVERS, FILTER, OVERDUE, REVIEWS, SIGN_OUTS, SILENT, SUSPENDED, WAITED

BLOCKED: Final = 'verdict="blocked", audience=~"$audience"'
COORDINATOR: Final = Board(
    "schoolgate-coordinator",
    "school",
    "Schoolgate: the Co-ordinator's day",
    "Is filtering on and right, what needs me, what is different from usual?",
    (
        FILTER,
        SUSPENDED,
        figure(
            "Waiting for a second person",
            "sum(schoolgate_requests_waiting)",
            "Overrides, suspensions, changes of the filter and people, together.",
            steps=NONE_IS_GOOD,
        ),
        figure(
            "Longest wait",
            "max(schoolgate_oldest_request_age_seconds)",
            "How long the oldest of these has waited.",
            unit="s",
            steps=((GREEN, None), (AMBER, 1800), (RED, 3600)),
        ),
        figure(
            "Candidates to look at",
            # Where nothing is told of requests either, nobody knows of candidates.
            'sum(schoolgate_incidents{state="candidate"}) or 0 * sum(schoolgate_requests_waiting)',
            "What the rules think a person should look at. Nobody is judged before somebody has.",
            steps=NONE_IS_GOOD,
        ),
        OVERDUE,
        figure(
            "Overrides in force",
            "sum(schoolgate_active_overrides)",
            "Blocks that are lifted for a lesson at this moment.",
        ),
        APPROVERS,
        lines(
            "Blocked queries a minute",
            "By category. A page that fetches much counts often: this is no number of pupils, nor of visits.",
            (
                f"sum by (category) (60 * rate(schoolgate_queries_total{{{BLOCKED}}}[$__rate_interval]))",
                "{{category}}",
            ),
        ),
        lines(
            "All queries a minute, and a week ago",
            "Whether today is like the same day of last week.",
            ('sum(60 * schoolgate:queries:rate5m{audience=~"$audience"})', "now"),
            ('sum(60 * (schoolgate:queries:rate5m{audience=~"$audience"} offset 1w))', "a week ago"),
        ),
        bars("What waits", "sum by (what) (schoolgate_requests_waiting)", "{{what}}", "By what was asked for."),
        bars(
            "Open incidents by row of the school's table",
            "sum by (row) (schoolgate_incidents)",
            "row {{row}}",
            "The row that was accepted, or is the likeliest; without what is restricted or sealed.",
            empty="none is open, or not known",
        ),
        WAITED,
        ALERTS,
        bars(
            "Age of the lists",
            "max by (list) (schoolgate_list_age_seconds)",
            "{{list}}",
            "Since each was last known to be what its source has.",
            unit="s",
        ),
        ACCEPTED,
        REVIEWS,
        SILENT,
        SIGN_OUTS,
    ),
    variable=("audience", "Who asks", "label_values(schoolgate_queries_total, audience)"),
)
