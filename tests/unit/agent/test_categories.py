"""The categories as the program loads them."""

from agent.categories import load_categories


def test_the_shipped_categories_load_and_are_kept() -> None:
    assert load_categories()["helplines"].recorded is False
    assert load_categories() is load_categories()
