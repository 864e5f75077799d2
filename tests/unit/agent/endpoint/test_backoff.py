import pytest

from agent.endpoint.backoff import Backoff, parse_retry_after

NOW = 1_763_713_531.0  # Fri, 21 Nov 2025 08:25:31 GMT


def test_the_bound_doubles_up_to_a_quarter_of_an_hour() -> None:
    backoff = Backoff(lambda: 1.0)
    assert [backoff.failed() for _ in range(10)] == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]
    backoff.reset()
    assert backoff.failed() == 5


def test_it_never_overflows() -> None:
    backoff = Backoff(lambda: 1.0)
    for _ in range(5000):
        assert backoff.failed() <= 900


def test_anything_up_to_the_bound_may_come() -> None:
    backoff = Backoff(iter([0.0, 0.5, 0.25]).__next__)
    assert [backoff.failed() for _ in range(3)] == [1.0, 5.0, 5.0]


def test_laptops_do_not_all_start_at_once() -> None:
    assert [Backoff(lambda share=share: share).start() for share in (0.0, 0.5, 1.0)] == [0, 30, 60]  # type: ignore[misc]


@pytest.mark.parametrize(("asked", "least", "most"), [(40, 40, 60), (0, 1, 5), (10**6, 3600, 5400)])
def test_the_pause_that_the_gateway_asks_for_is_the_least(asked: float, least: float, most: float) -> None:
    assert Backoff(lambda: 0.0).asked(asked) == least
    assert Backoff(lambda: 1.0).asked(asked) == most


def test_many_that_a_gateway_sends_away_spread_out_more_and_more() -> None:
    backoff = Backoff(lambda: 1.0)
    assert [backoff.asked(1) for _ in range(4)] == [5, 10, 20, 40]


def test_a_refused_laptop_asks_again_in_about_an_hour() -> None:
    assert Backoff(lambda: 0.0).refused() == pytest.approx(3240)
    assert Backoff(lambda: 1.0).refused() == pytest.approx(3960)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("7", 7.0),
        ("-7", None),
        ("٣", None),
        ("9" * 400, 999_999_999.0),
        ("soon", None),
        ("Fri, 21 Nov 2025 08:26:31 GMT", 60.0),
        ("Fri, 21 Nov 2025 08:26:31", 60.0),
        ("Fri, 21 Nov 2025 08:00:00 GMT", 0.0),
        ("Fri, 99 Nov 2025 08:00:00 GMT", None),
        ("Fri, 01 Jan 99999999999 08:00:00 GMT", None),
        ("Fri, 01 Jan 99999999999999999999 08:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds
