"""What each form of a page is, told by the form itself, for the day when its session ends before it is sent.

Whoever signs in again reads it before they send it: the title of the page, and the words of the button.
"""

import re
from collections.abc import Container
from html import unescape
from typing import Final

from markupsafe import escape

FIELD: Final = "form_about"
_APART: Final = "\t"
_MOST_CHARACTERS: Final = 1000
_BUTTON: Final = re.compile(r"<button\b([^>]*)>(.*?)</button>", re.DOTALL)
_SENDS_NOTHING: Final = 'type="button"'
_TAG: Final = re.compile(r"<[^>]*>")


def tell_about(html: str, mark: str, school: str) -> str:
    """Put what each form is in the place of a mark in it: the title, and each button with how it is told apart.

    Args:
        school: the name of the school, with which each title ends.
    """
    before, *forms = html.split(mark)
    title = _text(before.partition("<title>")[2].partition("</title>")[0]).removesuffix(f" · {school}")
    return before + "".join(f"{escape(_APART.join((title, *_buttons(form))))}{form}" for form in forms)


def read_about(told: str, path: str, sent: Container[str]) -> tuple[str, str]:
    """Give the title of the page and the words of the button that was pressed; nothing of what is not known.

    Args:
        path: where the form was sent.
        sent: the names of its fields.
    """
    title, *buttons = told[:_MOST_CHARACTERS].split(_APART)
    words = dict(zip(buttons[::2], buttons[1::2], strict=False))
    pressed = (each for each in words if each == path or (each.startswith("?") and each[1:] in sent))
    return title, words.get(next(pressed, ""), "")


def of_one(title: str, button: str) -> str:
    """Write what a form with one button is."""
    return _APART.join((title, "", button)) if title else ""


def _buttons(rest: str) -> list[str]:
    """Give each button of a form by its address, else its name, else nothing, and its words."""
    told: list[str] = []
    for how, words in _BUTTON.findall(rest.partition("</form>")[0]):
        if _SENDS_NOTHING not in how:
            name = _value(how, " name")
            told += [_value(how, " formaction") or (f"?{name}" if name else ""), _text(words)]
    return told


def _value(attributes: str, name: str) -> str:
    return unescape(attributes.partition(f'{name}="')[2].partition('"')[0])


def _text(html: str) -> str:
    return " ".join(unescape(_TAG.sub("", html)).split())
