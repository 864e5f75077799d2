"""A laptop that names more accounts than a class has: it is found, and for a while nobody is behind what it tells."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from laptops_of_test import Laptop, WeighedLaptops, session

from agent.fleet.named_accounts import DOUBTED_FOR, MOST, MOST_DAYS
from agent.storage.fleet_rows import Finding, FindingKind, read_findings
from agent.storage.presence_rows import SignIn
from rules.incident_kind import Kind

NOTHING = timedelta(0)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BYPASS = {"kind": "bypass", "signals": 2, "is_weak": False, "found": [], "unseen": {}}


@pytest.fixture
def laptops(tmp_path: Path) -> Iterator[WeighedLaptops]:
    made = WeighedLaptops(tmp_path)
    yield made
    made.fleet.close()
    made.store.close()


def name(laptop: Laptop, count: int, *, first: int = 0) -> None:
    """Let a laptop name so many accounts, one after the other, of which the school knows none."""
    laptop.tell(*[("session", NOTHING, session(f"guess{first + number}")) for number in range(count)])
    laptop.weighed.look()


def found(laptops: WeighedLaptops) -> list[Finding]:
    with laptops.store.read() as database:
        return [each for each in read_findings(database) if each.kind is FindingKind.MANY_ACCOUNTS]


def kinds(laptops: WeighedLaptops) -> list[str]:
    with laptops.store.read() as database:
        query = "SELECT kind FROM presences ORDER BY from_at, told_at, rowid"
        return [row[0] for row in database.execute(query)]


def bypass(laptops: WeighedLaptops, laptop: Laptop) -> list[str]:
    """Let a laptop tell of a way round the filter; gives whom that is about."""
    laptop.tell(("bypass", NOTHING, BYPASS))
    laptops.look()
    return [each.incident.subject for each in laptops.filed_all() if each.incident.kind is Kind.BYPASS]


def test_a_class_may_use_one_laptop_on_a_day(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    name(laptop, MOST - 1)
    laptop.tell(*[("session", NOTHING, session("teacher"))] * 3)
    laptops.look()
    assert found(laptops) == []
    assert bypass(laptops, laptop) == [laptops.pseudonym("teacher")]


def test_one_more_is_a_matter_of_the_laptop_and_its_word_is_not_taken(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    name(laptop, MOST)
    laptop.tell(("session", NOTHING, session("teacher")))
    laptops.look()
    (finding,) = found(laptops)
    laptops.look()
    assert (finding.device, finding.facts["most"]) == ("laptop1", MOST)
    (filed,) = laptops.filed_all()
    assert filed.incident.kind is Kind.DEVICE_SECURITY
    assert laptops.evidence(filed)[0]["finding"] == "many_accounts"
    assert kinds(laptops)[-1] == SignIn.SHARED
    assert bypass(laptops, laptop) == [], "it may have been anybody"
    assert Kind.BYPASS in {note.kind for note in laptops.notes()}


def test_whoever_is_signed_in_when_it_is_found_is_so_no_more(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    laptop.tell(("session", NOTHING, session("teacher")))
    asked = [("sign_in_answered", NOTHING, {"account": f"guess{number}", "accepted": True}) for number in range(MOST)]
    laptop.tell(*asked)
    laptops.look()
    assert len(found(laptops)) == 1
    assert bypass(laptops, laptop) == []
    assert kinds(laptops) == [SignIn.ATTESTED, SignIn.SHARED]


def test_nobody_has_said_what_such_a_laptop_says_in_their_name(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    answered = ("sign_in_answered", NOTHING, {"account": "teacher", "accepted": True, "aup_version": "2026-09"})
    laptop.tell(answered)
    name(laptop, MOST)
    laptop.tell(answered)
    laptops.look()
    with laptops.store.read() as database:
        actors = [row[0] for row in database.execute("SELECT actor FROM audit WHERE kind = 'rules_answered'")]
    assert actors == [laptops.ids["teacher"], "system"]


def test_after_a_week_it_is_believed_again_unless_it_goes_on(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    name(laptop, MOST + 1)
    name(laptop, 200, first=100)
    assert len(found(laptops)) == 1, "once a day"
    laptops.now += DAY
    name(laptop, MOST + 1)
    assert len(found(laptops)) == 2
    laptops.now += DOUBTED_FOR - DAY
    laptop.tell(("session", NOTHING, session("teacher")))
    laptops.look()
    assert bypass(laptops, laptop) == []
    laptops.now += DAY
    laptop.tell(("session", NOTHING, session("teacher")))
    laptops.look()
    assert bypass(laptops, laptop) == [laptops.pseudonym("teacher")]


def test_each_laptop_and_each_day_counts_by_itself(laptops: WeighedLaptops) -> None:
    one, other = laptops.laptop("laptop1"), laptops.laptop("laptop2")
    for number in range(3):
        name(one, MOST // 2, first=100 * number)
        name(other, MOST // 2)
        laptops.now += DAY
    assert found(laptops) == []


@pytest.mark.parametrize(
    ("days", "count", "is_found"),
    [
        pytest.param(1, MOST + 1, True, id="a-night-is-no-day-more"),
        pytest.param(14, 50, False, id="what-waited-for-two-weeks"),
        pytest.param(3, 3 * MOST, False, id="as-many-as-on-each-of-those-days"),
        pytest.param(3, 3 * MOST + 1, True, id="one-more"),
        pytest.param(40, MOST_DAYS * MOST, False, id="two-weeks-at-most"),
        pytest.param(40, MOST_DAYS * MOST + 1, True, id="however-long-it-was"),
    ],
)
def test_of_days_on_which_it_was_not_heard_it_names_those_accounts_as_well(
    laptops: WeighedLaptops, days: int, count: int, *, is_found: bool
) -> None:
    laptop = laptops.laptop()
    name(laptop, 1)
    laptops.now += days * DAY
    for first in range(0, count, 200):
        name(laptop, min(200, count - first), first=first)
        laptops.now += HOUR
    assert bool(found(laptops)) is is_found


def test_that_is_of_the_day_on_which_it_was_heard_again(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    name(laptop, 1)
    laptops.now += 3 * DAY
    name(laptop, 1)
    laptops.now += DAY
    name(laptop, MOST + 1)
    assert len(found(laptops)) == 1


def test_who_is_heard_on_all_those_days_and_names_nobody_has_no_more(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    name(laptop, 1)
    for _ in range(3):
        laptops.now += DAY
        laptop.beat()
        laptops.look()
    name(laptop, MOST + 1)
    assert len(found(laptops)) == 1


def test_what_it_says_of_the_day_changes_nothing(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    laptop.tell(*[("session", (MOST - number) * DAY / 2, session(f"guess{number}")) for number in range(MOST + 1)])
    laptops.look()
    assert len(found(laptops)) == 1


def test_accounts_are_kept_as_keyed_hashes_and_so_many_at_most(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    many = [{"account": f"guess{number}", "since": None, "local": True, "active": True} for number in range(200)]
    laptop.tell(("session", NOTHING, session("guess1", sessions=many)))
    laptops.look()
    with laptops.store.read() as database:
        (content,) = database.execute("SELECT content FROM device_cases WHERE key = 'laptop'").fetchone()
    assert "guess" not in content
    assert len(content) < 5_000
