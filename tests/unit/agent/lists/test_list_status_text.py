"""How lists are doing, as people and programs read it."""

import json
from datetime import UTC, datetime
from pathlib import Path

from agent.lists.list_faults import Fault
from agent.lists.list_layout import Use
from agent.lists.list_status import CategoryStatus, ListState, ListStatus
from agent.lists.list_status_text import SHOWN_BAD_LINES, as_plain, render_status
from agent.lists.publisher import Generation
from filters.list_entries import BadLine

AT = datetime(2026, 11, 18, 6, 5, tzinfo=UTC)
GENERATION = Generation(
    7,
    Path("/srv/generations/7"),
    {"created_at": "2026-11-18T06:06:00+00:00", "name_count": 1234567, "seconds": 2.34, "peak_memory_bytes": 1.2e8},
)
UT1 = ListStatus(
    "ut1",
    "/srv/ut1",
    ListState.REFUSED,
    fetched_at=AT,
    checked_at=AT,
    next_refresh_at=datetime(2026, 11, 19, 6, 5, tzinfo=UTC),
    names=1_000_000,
    rows=1_000_123,
    generation=6,
    counts={"raw_address": 120, "bad_name": 3},
    bad=tuple(BadLine("games/domains", number, "..", "the name is empty") for number in range(1, 9)),
    categories=(
        CategoryStatus("jeux", "Games", Use.USED, ("games",), 1000, 1001),
        CategoryStatus("gambling", "Gambling", Use.USED, ("gambling",), 5, 5),
        CategoryStatus("malware", "Malware", Use.USED, ("malware", "phishing"), 9, 9),
        CategoryStatus("press", "Press", Use.LEFT_OUT, (), 17, 17),
        CategoryStatus("weather", "Weather", Use.UNKNOWN, (), 2, 2),
    ),
    guard_names=("helpline.example",),
    fault=Fault.SHRANK,
    sentence="half of the names are gone",
)

TEXT = """\
ut1: refused
  source      /srv/ut1
  copy        of 2026-11-18 06:05 UTC, 1,000,000 names from 1,000,123 lines
  in          generation 6
  next look   2026-11-19 06:05 UTC
  last fault  half of the names are gone
  not used    120 raw address, 3 bad name
    games/domains:1: the name is empty: ..
    games/domains:2: the name is empty: ..
    games/domains:3: the name is empty: ..
    games/domains:4: the name is empty: ..
    games/domains:5: the name is empty: ..
  categories  jeux as games (1,000), gambling (5), malware as malware+phishing (9)
  left out    press (17)
  not known   weather (2)
  guarded     helpline.example

other: never loaded
  source      https://lists.example/other.txt

In force: generation 7 of 2026-11-18T06:06:00+00:00, 1,234,567 names, compiled in 2.3 s with 120 MB.
"""


def test_people_read_a_paragraph_a_list() -> None:
    assert render_status([UT1, ListStatus("other", "https://lists.example/other.txt")], GENERATION) == TEXT
    assert TEXT.count("the name is empty") == SHOWN_BAD_LINES


def test_without_lists_and_without_a_generation() -> None:
    assert render_status([], None) == (
        "This site has no lists.\n\nNothing is compiled yet; `schoolgate lists update` does it.\n"
    )


def test_programs_read_values_that_json_knows() -> None:
    plain = as_plain(UT1)
    assert json.loads(json.dumps(plain)) == plain
    assert plain["fetched_at"] == "2026-11-18T06:05:00+00:00"
    assert plain["state"] == "refused"
    assert plain["counts"] == {"raw_address": 120, "bad_name": 3}
    assert plain["bad"][0] == {"file": "games/domains", "line": 1, "text": "..", "why": "the name is empty"}
    assert plain["categories"][2]["tags"] == ["malware", "phishing"]
