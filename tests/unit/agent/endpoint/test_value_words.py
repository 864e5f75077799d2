"""Amounts, lengths of time and plain values in words."""

from typing import Any

import pytest

from agent.endpoint.notice_texts import endpoint_texts
from agent.endpoint.value_words import ValueWords


def words(language: str = "en") -> ValueWords:
    return ValueWords(endpoint_texts(language), lambda at: f"@{at:g}")


@pytest.mark.parametrize(
    ("octets", "language", "said"),
    [
        (0, "en", "0 bytes"),
        (999, "fr", "999 octets"),
        (1_000, "en", "1.0 kB"),
        (3_149_000, "fr", "3,1 Mo"),
        (9_960_000, "en", "10 MB"),
        (33_554_432, "en", "34 MB"),
        (999_600_000, "en", "1.0 GB"),
        (32_010_928_128, "nl", "32 GB"),
        (2_000_398_934_016, "ja", "2.0 TB"),
        (5 * 10**18, "en", "5000000 TB"),
    ],
)
def test_a_size_is_that_which_is_printed_on_media(octets: int, language: str, said: str) -> None:
    assert words(language).size(octets) == said


@pytest.mark.parametrize(("language", "said"), [("en", "0.45%"), ("fr", "0,45%")])
def test_a_share(language: str, said: str) -> None:
    assert words(language).share(0.0045) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (119.6, "120 s"), (120, "2 min"), (7_199, "120 min"), (7_200, "2 h"), (172_800, "2 days")],
)
def test_a_length_of_time(seconds: float, said: str) -> None:
    assert words().time(seconds) == said


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        pytest.param({"sky": "blue", "is_new": True, "old": False}, ["sky blue", "is new yes", "old no"], id="plain"),
        pytest.param({"a": None, "b": "", "c": [], "d": {}}, [], id="nothing"),
        pytest.param({"seen_at": 5.0, "since": 0, "until": "noon"}, ["seen at @5", "until noon"], id="moments"),
        pytest.param({"all": ["a", 1, None], "of": {"a_b": 2}}, ["all a/1", "of a b 2"], id="parts"),
        pytest.param({"count": 0}, ["count 0"], id="none-of-them"),
    ],
)
def test_what_has_no_words_is_shown_as_it_is(facts: dict[str, Any], said: list[str]) -> None:
    assert words().rest(facts) == said


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "a: b (c), d; e"),
        ("fr", "a : b (c), d ; e"),
        ("nl", "a: b (c), d; e"),
        ("ja", "a：b（c）、d；e"),  # noqa: RUF001 (meant)
    ],
)
def test_parts_are_joined_as_the_language_does(language: str, said: str) -> None:
    of = words(language)
    assert of.parts([of.row([of.named("a", of.aside("b", "c")), "d"]), "e"]) == said
