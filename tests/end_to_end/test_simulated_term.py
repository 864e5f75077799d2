"""A term at a school that does not exist: all that was planted is found, and people have little to read for it.

The rules were tuned on other terms of a school with the habits of the first; on the second, which is a school with
other habits, they never were.
"""

import pytest

from agent.simulation.habits import HELD_BACK
from agent.simulation.replay import Replay
from agent.simulation.scoring import score
from agent.simulation.term import Term
from agent.sites.site_packs import load_pack
from rules.memory import MOST_OF_BEFORE, MOST_OF_LATE
from rules.subject import Audience

TUNED_ON = 1
MOST_A_DAY = 10
LEAST_PRECISION = 0.8


@pytest.mark.parametrize("seed", [TUNED_ON, HELD_BACK], ids=["tuned-on", "held-back"])
def test_a_term(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    rules = load_pack("uk-esafety").assessment
    assert rules is not None
    term = Term(seed)
    replay = Replay(term, rules)
    outcomes = replay.run()
    found = score(seed, term, outcomes)
    with capsys.disabled():
        print("", *(f"{title:<14} {text}" for title, text in found.lines()), sep="\n")  # noqa: T201 - the figures are for people
    assert found.missed == ()
    assert max(found.per_day) <= MOST_A_DAY
    assert found.precision >= LEAST_PRECISION
    assert found.forbidden == 0
    again = [raised for raised in outcomes.raised if raised.warnings]
    assert again
    assert all(rules.repeat_rows[Audience.PUPIL] in raised.incident.rows for raised in again)
    assert replay.remembered < len(term.school.users) * (MOST_OF_LATE + MOST_OF_BEFORE) / 5
