# ruff: noqa: INP001 (programs, not a package)
"""The board of technicians: whether it answers, how fast, by what, and what is about to fail."""

from typing import Final

from panels import AMBER, GREEN, NONE_IS_GOOD, NONE_OR_ELSE, ONE_IS_GOOD, RED, SHARE, YES, Board, bars, figure, lines
from shared_panels import ALERTS, FILTER, SILENT

HERE: Final = 'instance=~"$instance"'
LOOK_UPS: Final = f"rate(schoolgate_cache_lookups_total{{{HERE}}}[$__rate_interval])"
HITS: Final = LOOK_UPS.replace("{", '{result="hit", ')
TECHNICIAN: Final = Board(
    "schoolgate-technician",
    "school",
    "Schoolgate: for technicians",
    "Does it answer, how fast, by what is in force, and what is about to fail?",
    (
        figure(
            "Gateway",
            f'min(up{{job="schoolgate", {HERE}}})',
            "Whether its metrics page answers. If not: systemctl status schoolgate.",
            steps=ONE_IS_GOOD,
            words={0: "silent", 1: "answers"},
        ),
        FILTER,
        figure(
            "Workers alive",
            f"sum(schoolgate_worker_alive{{{HERE}}}) / count(schoolgate_worker_alive{{{HERE}}})",
            "The processes that answer DNS.",
            steps=((RED, None), (GREEN, 1)),
            **SHARE,
        ),
        figure(
            "Generations behind",
            f"max(schoolgate:worker_generations_behind:max{{{HERE}}})",
            "How far the slowest worker is behind the newest policy and lists; 0 but for moments.",
            steps=NONE_IS_GOOD,
        ),
        figure(
            "Rows of activity lost today",
            f"sum(increase(schoolgate_rows_lost_total{{{HERE}}}[1d]))",
            "Rows that found the spool or the disk full.",
            steps=NONE_OR_ELSE,
            decimals=0,
        ),
        figure(
            "Record proved whole",
            f"min(schoolgate_record_intact{{{HERE}}})",
            "What the daily proof found. If it is not whole, change nothing: schoolgate audit verify.",
            steps=ONE_IS_GOOD,
            words=YES,
        ),
        figure(
            "Last proof",
            f"time() - min(schoolgate_record_verified_time_seconds{{{HERE}}})",
            "How long ago the whole record was proved; it is done once a day.",
            unit="s",
            steps=((GREEN, None), (AMBER, 108000), (RED, 172800)),
        ),
        figure(
            "Certificate ends in",
            f"min(schoolgate:certificate_left:seconds{{{HERE}}})",
            "That of the interface or the block page, whichever ends first; below 0 it has ended or cannot be read.",
            unit="s",
            steps=((RED, None), (AMBER, 172800), (GREEN, 2592000)),
        ),
        lines(
            "Queries a second",
            "By how they came.",
            (
                f"sum by (transport) (rate(schoolgate_queries_received_total{{{HERE}}}[$__rate_interval]))",
                "{{transport}}",
            ),
            unit="reqps",
        ),
        lines(
            "Time to an answer, 19 in 20",
            "Hit: answered at once. Miss: waited for a resolver.",
            ("schoolgate:answer_seconds:p95_5m >= 0", "{{path}}"),
            ("schoolgate:upstream_seconds:p95_5m >= 0", "resolvers alone"),
            unit="s",
            empty="nobody asks, or not known",
        ),
        lines(
            "Answers by response code",
            "Much SERVFAIL: resolvers or the line. Much REFUSED: clients of no network in the site file.",
            (f"sum by (rcode) (rate(schoolgate_answers_total{{{HERE}}}[$__rate_interval]))", "{{rcode}}"),
            unit="reqps",
        ),
        lines(
            "Resolvers",
            "1: no worker finds it down. Nothing: nothing to answer yet. The number is its place in the site file.",
            (f"min by (upstream) (schoolgate_upstream_healthy{{{HERE}}})", "resolver {{upstream}}"),
            most=1.0,
            empty="none is set, or not known",
        ),
        lines(
            "How long resolvers take",
            "As the workers find them.",
            (f"max by (upstream) (schoolgate_upstream_usual_seconds{{{HERE}}})", "resolver {{upstream}}"),
            unit="s",
            empty="none is set, or not known",
        ),
        lines(
            "What happens with resolvers",
            "Asked, answered, given up.",
            (
                f"sum by (upstream, event) (rate(schoolgate_upstream_events_total{{{HERE}}}[$__rate_interval]))",
                "{{upstream}} {{event}}",
            ),
            unit="ops",
            empty="none is set, or not known",
        ),
        lines(
            "Answered from the cache",
            "The share of look-ups that found an answer.",
            (f"sum({HITS}) / (sum({LOOK_UPS}) > 0)", "share"),
            empty="nobody asks, or not known",
            **SHARE,
        ),
        lines(
            "In flight and connected",
            "Questions asked of resolvers at this moment, and TCP connections of clients.",
            (f"sum(schoolgate_questions_in_flight{{{HERE}}})", "questions"),
            (f"sum(schoolgate_tcp_connections_open{{{HERE}}})", "connections"),
        ),
        lines(
            "Restrained and not answered",
            "Clients that were refused, slowed or sent to TCP; messages that nobody could answer; faults of our own.",
            (
                f"sum by (action) (rate(schoolgate_restrained_queries_total{{{HERE}}}[$__rate_interval]))",
                "{{action}}",
            ),
            (f"sum(rate(schoolgate_dropped_messages_total{{{HERE}}}[$__rate_interval]))", "dropped"),
            (f"sum(rate(schoolgate_overloaded_queries_total{{{HERE}}}[$__rate_interval]))", "too many at once"),
            (f"sum(rate(schoolgate_unexpected_errors_total{{{HERE}}}[$__rate_interval]))", "faults"),
            unit="ops",
        ),
        lines(
            "Activity record",
            "Rows handed over by workers, and taken by the intake; the two should be one.",
            (f"sum(rate(schoolgate_rows_handed_over_total{{{HERE}}}[$__rate_interval]))", "handed over"),
            (f"sum(rate(schoolgate_rows_taken_total{{{HERE}}}[$__rate_interval]))", "taken"),
            unit="ops",
        ),
        bars(
            "Age of the lists",
            f"max by (list) (schoolgate_list_age_seconds{{{HERE}}})",
            "{{list}}",
            "Since each was last known to be what its source has.",
            unit="s",
        ),
        bars(
            "Names in the lists",
            f"max by (list) (schoolgate_list_names{{{HERE}}})",
            "{{list}}",
            "How many names each gives.",
        ),
        figure(
            "Lists that are out of date",
            f"sum(schoolgate_list_stale{{{HERE}}})",
            "Two refreshes missed, never loaded, or without a source. schoolgate lists status says why.",
            steps=NONE_IS_GOOD,
        ),
        figure(
            "Waiting in the spool",
            f"sum(schoolgate_spool_waiting_bytes{{{HERE}}})",
            "Activity that is not stored yet.",
            unit="bytes",
            steps=((GREEN, None), (AMBER, 10_000_000), (RED, 100_000_000)),
        ),
        figure(
            "Canaries open without a record",
            f"max(schoolgate_unlogged_open_canaries{{{HERE}}})",
            "Test names that must be blocked and are not; -1 where nobody has looked for a minute.",
            steps=((AMBER, None), (GREEN, 0), (RED, 1)),
            words={-1: "not known"},
        ),
        figure(
            "Canaries blocked for nothing",
            f"max(schoolgate_needlessly_blocked_canaries{{{HERE}}})",
            "Test names that the record opens and that are blocked all the same; -1 where nobody has looked.",
            steps=((AMBER, None), (GREEN, 0), (AMBER, 1)),
            words={-1: "not known"},
        ),
        figure(
            "Processes started again today",
            f"sum(increase(schoolgate_worker_restarts_total{{{HERE}}}[1d]))"
            f" + sum(increase(schoolgate_intake_restarts_total{{{HERE}}}[1d]))",
            "Workers and the intake. Now and then is an update; often is a fault: journalctl -u schoolgate.",
            steps=((GREEN, None), (AMBER, 3)),
            decimals=0,
        ),
        figure(
            "Oldest notice that waits",
            f"max(schoolgate_oldest_notice_age_seconds{{{HERE}}})",
            "By mail or to programs. schoolgate notify status says why.",
            unit="s",
            steps=((GREEN, None), (AMBER, 600), (RED, 3600)),
        ),
        figure(
            "Notices that were given up",
            f"sum(schoolgate_notices_given_up{{{HERE}}})",
            "Of the last seven days, by mail or to programs. schoolgate notify status says why.",
            steps=NONE_IS_GOOD,
        ),
        figure(
            "Alerts not sent today",
            "sum(increase(alertmanager_notification_requests_failed_total[1d]))",
            "Attempts that the mail server did not take. journalctl -u schoolgate-alertmanager says why.",
            steps=NONE_OR_ELSE,
            decimals=0,
        ),
        SILENT,
        figure(
            "Fullest spool of a laptop",
            f"max(schoolgate_device_spool_events{{{HERE}}})",
            "The most events that wait on one laptop.",
            empty="no laptops yet, or not known",
        ),
        ALERTS,
        lines(
            "Prometheus and Alertmanager",
            "1: it answers.",
            ('min by (job) (up{job=~"prometheus|alertmanager"})', "{{job}}"),
            most=1.0,
        ),
    ),
    since="now-6h",
    variable=("instance", "Gateway", "label_values(schoolgate_worker_alive, instance)"),
)
