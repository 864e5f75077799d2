"""Who is told of an incident, and when, by the chains of packs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from rules.handbook import Case, Chain, ChainStep, Citation, PackRole
from rules.incident_kind import Kind
from rules.ladder import OfPack, asks_whether_serious, at_once, ladder, roles_on, to_do
from rules.roles import Role
from rules.span import Span, Unit
from rules.words import NO_WORDS

START = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
CITES = Citation("5", 1, NO_WORDS, "")
NOW, HOUR, FOUR = Span(0, Unit.MINUTES), Span(1, Unit.HOURS), Span(4, Unit.HOURS)
OFFICER, HEAD, LEADER = Role.DATA_PROTECTION_OFFICER, Role.HEAD_TEACHER, Role.SLT


def chain(*steps: tuple[Role | None, Span, Case]) -> OfPack:
    parts = enumerate(steps)
    held = {f"r{at}": PackRole(f"r{at}", NO_WORDS, role, role is None, CITES) for at, (role, *_) in parts}
    made = tuple(ChainStep(f"r{place}", within, case=case) for place, (_, within, case) in enumerate(steps))
    return held, Chain("c", frozenset({Kind.DATA_BREACH}), made, CITES)


def told(chains: Sequence[OfPack], *, is_serious: bool = False) -> list[tuple[float, set[Role]]]:
    rungs = ladder(chains, START, is_serious=is_serious, due=lambda start, span: start + span.typical())
    return [((rung.at - START) / timedelta(hours=1), set(rung.roles)) for rung in rungs]


ALWAYS, UNDECIDED, SERIOUS, LESSER, FOUND = Case


@pytest.mark.parametrize(
    ("chains", "rungs"),
    [
        pytest.param([chain((OFFICER, FOUR, ALWAYS))], [(0, {OFFICER})], id="the-first-at-once-whatever-its-time"),
        pytest.param(
            [chain((OFFICER, FOUR, FOUND), (HEAD, HOUR, ALWAYS))],
            [(0, {OFFICER}), (1, {HEAD})],
            id="the-first-whatever-somebody-has-to-find",
        ),
        pytest.param(
            [chain((OFFICER, NOW, ALWAYS), (LEADER, NOW, ALWAYS), (HEAD, FOUR, UNDECIDED))],
            [(0, {OFFICER, LEADER}), (4, {HEAD})],
            id="whoever-else-is-told-at-once",
        ),
        pytest.param(
            [chain((OFFICER, NOW, ALWAYS), (None, HOUR, ALWAYS), (LEADER, HOUR, FOUND), (HEAD, FOUR, ALWAYS))],
            [(0, {OFFICER}), (4, {HEAD})],
            id="past-who-is-outside-and-what-somebody-has-to-find",
        ),
        pytest.param(
            [chain((OFFICER, NOW, ALWAYS), (HEAD, FOUR, ALWAYS)), chain((LEADER, NOW, ALWAYS), (HEAD, HOUR, ALWAYS))],
            [(0, {OFFICER, LEADER}), (1, {HEAD})],
            id="of-two-packs-the-stricter",
        ),
        pytest.param([], [], id="no-pack"),
    ],
)
def test_who_is_told_when(chains: Sequence[OfPack], rungs: list[tuple[float, set[Role]]]) -> None:
    assert told(chains) == rungs


def test_what_is_serious_is_told_at_once_and_no_more_in_its_own_time() -> None:
    chains = [chain((OFFICER, NOW, ALWAYS), (HEAD, FOUR, SERIOUS), (LEADER, HOUR, LESSER))]
    assert told(chains) == [(0, {OFFICER}), (1, {LEADER})]
    assert told(chains, is_serious=True) == [(0, {OFFICER, HEAD})]
    assert at_once(chains, is_serious=False) == {OFFICER}
    assert at_once(chains, is_serious=True) == {OFFICER, HEAD}
    assert asks_whether_serious(chains)
    assert not asks_whether_serious([chain((OFFICER, NOW, ALWAYS))])


def test_every_step_is_left_to_people_but_what_is_for_the_other_case() -> None:
    (_, steps) = chain((OFFICER, NOW, ALWAYS), (HEAD, NOW, SERIOUS), (HEAD, FOUR, LESSER), (None, FOUR, FOUND))
    assert [each.case for each in to_do(steps, is_serious=False)] == [ALWAYS, LESSER, FOUND]
    assert [each.case for each in to_do(steps, is_serious=True)] == [ALWAYS, SERIOUS, FOUND]


def test_to_whom_an_incident_may_come() -> None:
    chains = [chain((OFFICER, NOW, FOUND), (HEAD, NOW, SERIOUS), (LEADER, FOUR, FOUND), (None, FOUR, ALWAYS))]
    assert roles_on(chains) == {OFFICER, HEAD}
