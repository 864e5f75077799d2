"""What Prometheus is told of media: how many there are and how they stand, never whose or which one."""

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric

from agent.storage.state import instant_text
from collectors.volume import Crypt
from rules.medium import MediumKind, MediumState

NOT_PROVED: Final = "none"
_TABLES: Final = ("media", "sign_outs", "media_exceptions", "media_proofs")
_BY_KIND: Final = "SELECT kind, state, count(*) FROM media GROUP BY kind, state"
_PROVED: Final = f"""SELECT coalesce(crypt, '{NOT_PROVED}'), count(*) FROM media
    LEFT JOIN media_proofs ON media_proofs.serial_key = media.serial_key AND which = 'latest'
    WHERE state = 'registered' AND kind <> 'paper' GROUP BY 1"""  # noqa: S608 (our own words)
_OVERDUE: Final = "SELECT count(*) FROM sign_outs WHERE state = 'out' AND due_on < ?"
_IN_FORCE: Final = "SELECT count(*) FROM media_exceptions WHERE state = 'allowed' AND until_at > ?"


def media_metrics(database: sqlite3.Connection, now: datetime) -> Iterator[Metric]:
    """Give the metrics; none where the state is of a program that knew no media.

    Args:
        now: aware UTC.
    """
    marks = ", ".join("?" * len(_TABLES))
    known = f"SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ({marks})"  # noqa: S608 (marks only)
    if database.execute(known, _TABLES).fetchone()[0] == len(_TABLES):
        yield from _media(database, now)


def _media(database: sqlite3.Connection, now: datetime) -> Iterator[Metric]:
    numbers = {(kind, state): number for kind, state, number in database.execute(_BY_KIND)}
    labels = ["kind", "state"]
    by_kind = GaugeMetricFamily("schoolgate_media", "Media on the register, by kind and state.", labels=labels)
    for kind in MediumKind:
        for state in MediumState:
            by_kind.add_metric([kind.value, state.value], numbers.get((kind.value, state.value), 0))
    yield by_kind
    found = dict(map(tuple, database.execute(_PROVED)))
    proved = GaugeMetricFamily(
        "schoolgate_media_proved", "Media in use by what was last proved of their encryption.", labels=["crypt"]
    )
    for crypt in (*(each.value for each in Crypt), NOT_PROVED):
        proved.add_metric([crypt], found.get(crypt, 0))
    yield proved
    (overdue,) = database.execute(_OVERDUE, (now.date().isoformat(),)).fetchone()
    yield GaugeMetricFamily("schoolgate_sign_outs_overdue", "Media that should be back, or gone again.", overdue)
    (in_force,) = database.execute(_IN_FORCE, (instant_text(now),)).fetchone()
    yield GaugeMetricFamily(
        "schoolgate_media_exceptions_in_force", "Media that may be used although nothing protects them.", in_force
    )
