"""The language of a page: what was chosen, then what the browser asks for, then that of the school."""

import pytest

from agent.page_language import choose_texts


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        pytest.param("", "", "nl", id="that-of-the-school-where-nobody-says-anything"),
        pytest.param("", "fr-CA,fr;q=0.9,en;q=0.8", "fr", id="the-first-that-a-browser-asks-for"),
        pytest.param("", "de, en;q=0.5, ja;q=0.7", "ja", id="the-one-that-it-likes-best-of-ours"),
        pytest.param("", "de,es;q=0.9", "nl", id="that-of-the-school-where-we-have-none-of-them"),
        pytest.param("", "fr;q=0, en;q=0.1", "en", id="never-one-that-is-not-wanted"),
        pytest.param("", "fr;q=high, ja;q=2, en;q=nan", "nl", id="nothing-that-cannot-be-read"),
        pytest.param("", "xx," * 5000 + "fr", "nl", id="nothing-behind-ten-thousand-characters"),
        pytest.param("", ";;;,,,q=, fr", "fr", id="what-stands-behind-rubbish"),
        pytest.param("ja", "fr", "ja", id="what-the-address-says-before-the-browser"),
        pytest.param("../fr", "fr", "fr", id="nothing-else-that-stands-in-the-address"),
    ],
)
def test_the_language(chosen: str, accepted: str, language: str) -> None:
    assert choose_texts(chosen, accepted, "nl").language == language
