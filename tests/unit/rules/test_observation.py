"""Observations: what is known of who is behind them."""

from rules.observation import Confidence


def test_only_a_sign_in_or_a_log_on_is_about_a_person() -> None:
    assert [each for each in Confidence if each.is_personal] == [Confidence.A, Confidence.B]
