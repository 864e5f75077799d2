"""The templates: Jinja2, always escaped, in the language of the reader; what a template lacks is a mistake."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from agent.texts import Texts, load_texts

STYLE_NAME: Final = "page.css"


@cache
def style() -> bytes:
    """Read the one stylesheet."""
    return (files("agent.block_page") / "static" / STYLE_NAME).read_bytes()


@cache
def style_version() -> str:
    """Give what stands in its address, so that a browser may keep it."""
    return hashlib.sha256(style()).hexdigest()[:12]


@cache
def environment(language: str) -> Environment:
    """Give the templates in a language, compiled once a process."""
    texts = load_texts(language)
    made = Environment(
        loader=PackageLoader("agent.block_page"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_callables(texts.gettext, texts.ngettext, newstyle=False)  # type: ignore[attr-defined] # of the extension
    return made


def render(texts: Texts, template: str, values: Mapping[str, Any]) -> str:
    """Make a page."""
    return environment(texts.language).get_template(template).render(values)
