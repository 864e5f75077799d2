"""The figures of a term."""

from agent.simulation.replay import Replay
from agent.simulation.scoring import Score, score
from agent.simulation.term import Term
from agent.sites.site_packs import load_pack
from rules.assessment import AssessmentRules

SCORE = Score(
    seed=1,
    school_days=3,
    observations=9_000,
    planted=(("a hunt for proxies", 3), ("bullying, reported", 1)),
    missed=("a hunt for proxies",),
    per_day=(2, 0, 3),
    about_stories=4,
    others=(("games", 1),),
    notes=2,
    forbidden=0,
)


def test_the_figures_follow_from_each_other() -> None:
    assert (SCORE.to_find, SCORE.raised, SCORE.precision) == (4, 5, 0.8)


def test_people_read_sentences() -> None:
    assert SCORE.lines() == [
        ("school", "1,200 pupils and 150 staff, 3 school days, seed 1"),
        ("observed", "9,000 queries that were blocked, events and reports"),
        ("planted", "4 stories: a hunt for proxies 3, bullying, reported"),
        ("found", "3 of 4"),
        ("missed", "a hunt for proxies"),
        ("raised", "5 candidates, 1.7 a day, 3 at most"),
        ("day by day", "2 0 3"),
        ("about stories", "4 of 5, which is 80%"),
        ("the rest", "games"),
        ("device notes", "2, about devices that nobody is known to have used"),
        ("must not be", "0 records"),
    ]


def test_programs_read_the_same() -> None:
    found = SCORE.as_json()
    assert (found["found"], found["raised"], found["precision"], found["most_a_day"]) == (3, 5, 0.8, 3)


def test_rules_that_know_nothing_find_only_what_is_told() -> None:
    term = Term(1, school_days=2)
    blind = score(1, term, Replay(term, AssessmentRules({}, {})).run())
    seeing = score(1, term, Replay(term, load_pack("uk-esafety").assessment or AssessmentRules({}, {})).run())
    assert (blind.to_find, blind.school_days) == (seeing.to_find, 2)
    assert len(blind.missed) > len(seeing.missed)
    assert "a hunt for proxies" in blind.missed
    assert "bullying, reported" not in blind.missed
