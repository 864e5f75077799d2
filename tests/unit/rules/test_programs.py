"""What programs ask for by themselves."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.name import DomainName
from rules.programs import Background, is_beat, is_door, site_of

START = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("bet.example", "bet.example"),
        ("www.bet.example", "bet.example"),
        ("a.b.c.bet.example", "bet.example"),
        ("www.bet.co.uk", "bet.co.uk"),
        ("bet.co.uk", "bet.co.uk"),
        ("www.company.com", "company.com"),
        ("example", "example"),
    ],
)
def test_a_site_is_what_somebody_registered(name: str, site: str) -> None:
    assert site_of(DomainName(name)) == site


@pytest.mark.parametrize(
    ("name", "is_covered"),
    [
        ("cdn.bet.example", True),
        ("eu.cdn.bet.example", True),
        ("cdn.example", False),
        ("bet.example", False),
        ("pixel.social.test", True),
        ("social.test", False),
    ],
)
def test_parts_of_pages_are_known_by_a_label_or_by_name(name: str, *, is_covered: bool) -> None:
    background = Background(frozenset({"cdn"}), frozenset({DomainName("pixel.social.test")}))
    assert background.covers(DomainName(name)) is is_covered


@pytest.mark.parametrize(
    ("name", "is_so"),
    [
        pytest.param("bet.example", True, id="the-site-itself"),
        pytest.param("www.bet.example", True, id="as-typed"),
        pytest.param("en.bet.co.uk", True, id="in-a-language"),
        pytest.param("play.bet.example", True, id="a-part-that-people-go-to"),
        pytest.param("media-eu.bet.example", False, id="a-label-that-only-its-maker-knows"),
        pytest.param("www.media-eu.bet.example", False, id="deep-in-a-site"),
    ],
)
def test_people_come_in_at_the_front(name: str, *, is_so: bool) -> None:
    assert is_door(DomainName(name)) is is_so


def every(minutes: int, times: int) -> list[datetime]:
    return [START + timedelta(minutes=minutes * number) for number in range(times)]


def test_a_program_asks_at_even_distances() -> None:
    assert is_beat(every(15, 6))
    assert not is_beat(every(15, 5))
    assert not is_beat(every(1, 10))
    assert not is_beat([*every(15, 6), START + timedelta(minutes=20)])
