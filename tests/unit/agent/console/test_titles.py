"""Every page on the way through the console has a title in every language, and is a page."""

import pytest

from agent.console.page_needs import NAVIGATION, PAGES
from agent.console.titles import title_of
from agent.texts import load_texts
from rules.category import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_on_the_way_has_a_title_of_its_own(language: str) -> None:
    titles = [title_of(path, load_texts(language)) for path in NAVIGATION]
    assert len(set(titles)) == len(titles)


def test_every_page_on_the_way_is_there() -> None:
    assert [path for path in NAVIGATION if ("GET", path) not in PAGES] == []
