"""Invented sites, on reserved names only."""

from random import Random

import pytest

from agent.simulation.habits import Habits
from agent.simulation.sites import SUBJECTS, as_typed, different_sites, known_site, sites
from rules.name import parse_name


@pytest.mark.parametrize("subject", [*SUBJECTS, ""])
def test_every_site_is_on_a_name_reserved_for_examples(subject: str) -> None:
    assert len(sites(subject)) == len(set(sites(subject))) >= 70
    assert all(parse_name(site).rpartition(".")[2] in {"test", "example"} for site in sites(subject))


def test_no_site_is_of_two_subjects() -> None:
    every = [site for subject in (*SUBJECTS, "") for site in sites(subject)]
    assert len(every) == len(set(every))


def test_the_best_known_come_most_often_and_all_of_them_some_time() -> None:
    random = Random(1)
    found = [known_site(random, "games") for _ in range(20_000)]
    assert found.count(sites("games")[0]) > found.count(sites("games")[20])
    assert len(set(found)) > 60


def test_different_sites_are_different() -> None:
    found = different_sites(Random(1), "gambling", 9)
    assert len(set(found)) == 9


def test_a_site_is_typed_in_several_ways() -> None:
    random = Random(1)
    habits = Habits(side_doors=0.3, door_labels=("play", "hot"))
    typed = {as_typed(random, "bet.test", habits) for _ in range(100)}
    assert typed == {"bet.test", *(f"{label}.bet.test" for label in ("www", "m", "en", "play", "hot"))}
