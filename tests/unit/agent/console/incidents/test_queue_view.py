"""What the address of the queue asks for, and what a card of it says."""

import pytest
from api_of_test import SchoolOfTest
from pages_of_test import Browser, browser_of

from agent.console.incidents.queue_view import ON_PAGE, STATES, Asked, Standing, standing_words, weight_words
from agent.texts import load_texts
from rules.incident import State
from rules.incident_kind import Kind
from rules.incident_weight import Weight
from rules.roles import Role

PLAIN = Asked(Standing.WAITING, None, None, "", None)


@pytest.mark.parametrize(
    ("asked", "address"),
    [
        pytest.param(PLAIN, "/incidents", id="what-waits"),
        pytest.param(Asked(Standing.OVER, None, None, "", None), "/incidents?standing=over", id="what-is-over"),
        pytest.param(
            Asked(Standing.WAITING, Weight.HIGH, Kind.GAMES, "p-x", None),
            "/incidents?weight=high&kind=games&subject=p-x",
            id="what-was-chosen",
        ),
    ],
)
def test_a_choice_is_an_address(asked: Asked, address: str) -> None:
    assert asked.address() == address
    assert asked.address("/queue/new", since="2026").startswith("/queue/new?")


def test_a_choice_is_changed_by_one_thing() -> None:
    asked = Asked(Standing.OVER, Weight.HIGH, None, "", None)
    assert asked.address(weight="", kind="games") == "/incidents?standing=over&kind=games"


def test_the_service_is_asked_for_the_same() -> None:
    asked = Asked(Standing.ACCEPTED, Weight.LOW, Kind.GAMES, "p-x", None)
    assert asked.choice.states == (State.ACCEPTED,)
    assert (asked.choice.weights, asked.choice.kinds, asked.choice.subject) == ((Weight.LOW,), (Kind.GAMES,), "p-x")
    assert PLAIN.choice == PLAIN.everything
    assert {state for states in STATES.values() for state in states} == set(State) - {State.MERGED}


@pytest.mark.parametrize("language", ["en", "fr", "nl", "ja"])
def test_everything_has_words_of_its_own(language: str) -> None:
    texts = load_texts(language)
    assert len({standing_words(each, texts) for each in Standing}) == len(Standing)
    assert len({weight_words(each, texts) for each in Weight}) == len(Weight)


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> SchoolOfTest:
    return SchoolOfTest(tmp_path_factory.mktemp("school"))


@pytest.fixture(scope="module")
def grace(school: SchoolOfTest) -> Browser:
    browser = browser_of(school, "Grace", Role.ICT_COORDINATOR)
    with school.store.act() as act:
        pupils = [
            school.parts.people.open(act, f"Pupil {each}", (Role.PUPIL,), actor="system").id
            for each in range(ON_PAGE + 1)
        ]
    for place, pupil in enumerate(pupils):
        school.candidate(about=pupil, intent=90 if place < 2 else 60)
    school.candidate(Kind.GAMES, about=pupils[0], intent=95)
    return browser


@pytest.mark.parametrize(
    ("query", "cards"),
    [
        pytest.param({}, ON_PAGE, id="a-page-of-all"),
        pytest.param({"weight": "high"}, 3, id="of-a-weight"),
        pytest.param({"kind": "games"}, 1, id="of-a-kind"),
        pytest.param({"standing": "over"}, 0, id="of-another-standing"),
        pytest.param({"standing": "<script>", "weight": "x", "kind": "y"}, ON_PAGE, id="of-what-there-is-not"),
        pytest.param({"subject": "p-nobody"}, 0, id="of-nobody"),
    ],
)
def test_a_part_of_the_queue(grace: Browser, query: dict[str, str], cards: int) -> None:
    shown = grace.get("/incidents", None, **query)
    assert shown.status == 200
    assert shown.html.count('<article class="card case"') == cards
    assert "<script>" not in shown.html


def test_the_pages_together_are_the_whole(grace: Browser) -> None:
    first = grace.get("/incidents")
    (later,) = (link for link in first.links if "after=" in link)
    second = grace.get(later)
    assert second.html.count('<article class="card case"') == 2
    assert "/incidents" in second.links
    assert grace.get("/incidents", after="nothing").status == 422


def test_what_is_told_of_a_person_is_their_pseudonym(grace: Browser) -> None:
    shown = grace.get("/incidents", weight="high")
    assert "1 more case of theirs" in shown.text
    assert "Pupil 0" not in shown.html
    assert "hidden.example" not in shown.html
    assert "22 cases" in grace.get("/incidents").text
    assert "3 cases" in shown.text
