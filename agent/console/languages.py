"""The language that the reader of the console chose, which their browser keeps."""

from typing import Final

from starlette.requests import Request

from agent.page_language import choose_texts
from agent.texts import Texts

COOKIE: Final = "__Host-schoolgate-language"


def chosen_before(request: Request) -> str:
    """Give what a browser says that was chosen; anything may stand there."""
    return request.cookies.get(COOKIE, "")


def texts_for(request: Request, school: str) -> Texts:
    """Choose the words of a page.

    Args:
        school: the language of the school.
    """
    return choose_texts(chosen_before(request), request.headers.get("accept-language", ""), school)
