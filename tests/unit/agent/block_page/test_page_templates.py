"""The templates, and the one stylesheet."""

import re

import pytest
from jinja2 import UndefinedError

from agent.block_page.page_templates import environment, render, style, style_version
from agent.texts import load_texts
from rules.category import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_template_can_be_read(language: str) -> None:
    made = environment(language)
    assert len(made.list_templates()) >= 10
    for name in made.list_templates():
        made.get_template(name)


def test_what_a_template_lacks_is_a_mistake() -> None:
    with pytest.raises(UndefinedError):
        render(load_texts("en"), "recorded.html", {})


def test_nothing_in_them_turns_escaping_off() -> None:
    made = environment("en")
    assert made.autoescape is True
    for name in made.list_templates():
        source, _, _ = made.loader.get_source(made, name) if made.loader else ("", None, None)
        assert "safe" not in re.findall(r"\|\s*(\w+)", source)
        assert "autoescape" not in source


def test_the_stylesheet_asks_nobody_and_knows_the_dark() -> None:
    text = style().decode()
    assert "url(" not in text
    assert "@import" not in text
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert re.fullmatch(r"[0-9a-f]{12}", style_version())


def test_a_browser_of_five_years_ago_understands_it() -> None:
    text = style().decode()
    for word in (":has(", "color-mix", "light-dark", "@container", "@layer", "&"):
        assert word not in text


def luminance(colour: str) -> float:
    def part(octet: str) -> float:
        share = int(octet, 16) / 255
        return share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (part(colour[place : place + 2]) for place in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ink", ["ink", "soft", "accent", "fault"])
@pytest.mark.parametrize("paper", ["paper", "card", "calm"])
def test_every_text_can_be_read_on_every_ground(scheme: int, ink: str, paper: str) -> None:
    found = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", part)) for part in style().decode().split(":root")[1:3]]
    bright, dark = sorted((luminance(found[scheme][ink]), luminance(found[scheme][paper])), reverse=True)
    assert (bright + 0.05) / (dark + 0.05) >= 4.5
