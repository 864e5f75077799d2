"""When something happened, by clocks that may all be wrong."""

import pytest

from agent.fleet.fleet_times import OLDEST_SECONDS, Clock, Sending, occurred_at

NOW = 1_772_442_900.0
DAY = 86_400.0


@pytest.mark.parametrize(
    ("sent_wall", "told", "expected"),
    [
        pytest.param(NOW, (0.0, 900.0, "now"), (NOW - 100, Clock.BOOT), id="within-a-boot-the-wall-does-not-count"),
        pytest.param(NOW, (NOW, 1001.0, "now"), (NOW, Clock.WALL), id="later-than-it-was-sent-is-not-believed"),
        pytest.param(NOW, (NOW - DAY, 5.0, "then"), (NOW - DAY, Clock.WALL), id="an-earlier-boot-by-the-wall"),
        pytest.param(NOW - 90, (NOW - DAY, 5.0, "then"), (NOW - DAY, Clock.WALL), id="a-little-wrong-is-right"),
        pytest.param(NOW + 200, (NOW + 100, 5.0, "then"), (NOW, Clock.WALL), id="never-after-it-came"),
        pytest.param(
            NOW - 3600,
            (NOW - 3600 - DAY, 5.0, "then"),
            (NOW - DAY, Clock.CORRECTED),
            id="wrong-by-an-hour-is-corrected",
        ),
        pytest.param(NOW, (0.0, 5.0, "then"), (NOW, Clock.RECEIVED), id="1970"),
        pytest.param(NOW, (4.1e9, 5.0, "then"), (NOW, Clock.RECEIVED), id="2099"),
        pytest.param(0.0, (-DAY, 5.0, "then"), (NOW - DAY, Clock.CORRECTED), id="both-in-1970"),
        pytest.param(
            NOW, (NOW - OLDEST_SECONDS - 1, 5.0, "then"), (NOW, Clock.RECEIVED), id="older-than-anything-is-kept"
        ),
    ],
)
def test_an_estimate_and_how_it_was_made(
    sent_wall: float, told: tuple[float, float, str], expected: tuple[float, Clock]
) -> None:
    wall, monotonic, boot = told
    sending = Sending(NOW, sent_wall, 1000.0, "now")
    assert occurred_at(sending, wall=wall, monotonic=monotonic, boot=boot) == expected
