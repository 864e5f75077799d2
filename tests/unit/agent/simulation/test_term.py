"""A term, as it comes in."""

from collections import Counter
from itertools import pairwise

from agent.simulation.habits import FAMILIAR
from agent.simulation.term import Term

TERM = Term(1, school_days=6)
DAY = TERM.days[0]
OBSERVED = TERM.of(DAY)


def test_the_same_seed_gives_the_same_term_whatever_was_asked_for_before() -> None:
    again = Term(1, school_days=6)
    assert again.stories == TERM.stories
    assert again.of(again.days[3]) == TERM.of(TERM.days[3])
    assert again.of(again.days[0]) == OBSERVED
    assert Term(3, school_days=6, habits=FAMILIAR).of(DAY) != OBSERVED


def test_it_comes_in_the_order_in_which_it_is_received_some_late_and_some_twice() -> None:
    received = [each.received_at for each in OBSERVED]
    assert received == sorted(received)
    assert any(later.at < earlier.at for earlier, later in pairwise(OBSERVED))
    twice = sum(times == 2 for times in Counter(each.id for each in OBSERVED).values())
    assert 0 < twice < len(OBSERVED) / 50


def test_what_is_planted_is_in_it() -> None:
    subjects = {each.subject for day in TERM.days for each in TERM.of(day)}
    planted = {each.user.subject for story in TERM.stories for asked in story.asked.values() for each in asked}
    assert planted <= subjects


def test_for_some_it_is_not_clear_for_a_while_who_they_are() -> None:
    assert any(each.why_identity == ("address_reused",) for day in TERM.days for each in TERM.of(day))
