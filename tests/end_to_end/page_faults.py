"""What is wrong with a page that a browser shows: for whoever reads it, listens to it, or has a small screen."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe
from babel.messages.pofile import read_po
from parts import without
from playwright.sync_api import Page as Tab

from agent.texts import load_texts

TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
LOOK: Final = ("color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size")
RUN: Final = """only => axe.run(document, {runOnly: only, resultTypes: ['violations']})
    .then(found => found.violations)"""
# What reaches over the right edge of the screen, where the page as a whole does.
TOO_WIDE: Final = """() => {
    const width = document.documentElement.clientWidth;
    const wide = Math.max(document.documentElement.scrollWidth, document.body.scrollWidth);
    if (wide <= width) return [];
    const over = [...document.body.querySelectorAll('*')].filter(each => {
        const box = each.getBoundingClientRect();
        return box.width > 0 && box.right > width + 0.5;
    }).map(each => each.outerHTML.slice(0, 120));
    return over.slice(0, 4).concat('is ' + wide + ' wide, not ' + width);
}"""
# Text that its own box cuts off, where nobody can scroll to it; what is there for screen readers alone is no such.
CUT: Final = """() => [...document.querySelectorAll('body *')].filter(each => {
    const style = getComputedStyle(each);
    const box = each.getBoundingClientRect();
    return each.textContent.trim() && box.width > 2 && box.height > 2 && style.clip === 'auto'
        && style.overflowX === 'hidden' && each.scrollWidth > each.clientWidth + 1;
}).map(each => each.outerHTML.slice(0, 120))"""
HEADINGS: Final = """() => [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')]
    .filter(each => each.getClientRects().length)
    .map(each => [Number(each.tagName[1]), each.textContent.trim().slice(0, 60)])"""
TEXTS: Final = """() => {
    const found = new Set();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (element.closest('script, style, textarea, .name, [lang]:not(html)')) continue;
        found.add(walker.currentNode.nodeValue);
    }
    for (const each of document.querySelectorAll('[aria-label], [placeholder], [title], [alt]'))
        for (const name of ['aria-label', 'placeholder', 'title', 'alt'])
            if (each.hasAttribute(name) && !each.matches('[lang]')) found.add(each.getAttribute(name));
    found.add(document.title.split(' · ')[0]);
    return [...found].map(each => each.replace(/\\s+/g, ' ').trim()).filter(each => each);
}"""
_PLACE: Final = re.compile(r"%\(\w+\)[sd]")


def axe_faults(tab: Tab, *, of_its_look: bool = False) -> list[str]:
    """Say what axe has against the page, as rule, element and why.

    Args:
        of_its_look: by the rules alone that colours and the size of the screen matter to.
    """
    if not tab.evaluate("typeof axe === 'object'"):
        tab.evaluate(Axe().axe_script)
    violations = tab.evaluate(RUN, list(LOOK if of_its_look else TAGS))
    return [
        f"axe {rule['id']}: {node['html'][:160]} ({' '.join(node['failureSummary'].split())[:200]})"
        for rule in violations
        for node in rule["nodes"][:3]
    ]


def need_letters(tab: Tab, language: str) -> None:
    """Go on only where a language has its letters; what stands in for them is narrower, and fits anywhere."""
    width = tab.evaluate(
        "() => { const drawn = document.createElement('canvas').getContext('2d'); drawn.font = '100px sans-serif';"
        " return drawn.measureText('\u6f22').width; }"
    )
    if language == "ja" and width < 95:
        without("no font has the letters of Japanese; on Debian: sudo apt install fonts-ipafont-gothic")


def fit_faults(tab: Tab) -> list[str]:
    """Say what does not fit on the screen."""
    wide: list[str] = tab.evaluate(TOO_WIDE)
    cut: list[str] = tab.evaluate(CUT)
    size = tab.viewport_size
    width = size["width"] if size else 0
    return [f"too wide at {width}: {each}" for each in wide] + [f"cut at {width}: {each}" for each in cut]


def frame_faults(tab: Tab, language: str = "en") -> list[str]:
    """Say what is wrong with title, language and headings."""
    headings: list[Any] = tab.evaluate(HEADINGS)
    levels = [level for level, _ in headings]
    faults = []
    if levels.count(1) != 1:
        faults.append(f"{levels.count(1)} headings of the first level: {headings}")
    faults += [
        f"heading {headings[place][1]!r} skips a level after {headings[place - 1][1]!r}"
        for place in range(1, len(levels))
        if levels[place] > levels[place - 1] + 1
    ]
    if (said := tab.evaluate("document.documentElement.lang")) != language:
        faults.append(f"lang is {said!r}, not {language!r}")
    if not tab.title().strip():
        faults.append("no title")
    return faults


def left_in_english(tab: Tab, language: str, allowed: Sequence[str] = ()) -> list[str]:
    """Give the sentences of the catalogue that stand on a page as they are in the source."""
    texts: list[str] = tab.evaluate(TEXTS)
    return [each for each in texts if each not in allowed and _is_source(each, language)]


@cache
def _is_source(text: str, language: str) -> bool:
    exact, patterns = _source(language)
    return text in exact or any(pattern.fullmatch(text) for pattern in patterns)


@cache
def _source(language: str) -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    """Give what must not be on a page in a language: sentences, and those with something to fill in."""
    exact, patterns = set(), []
    texts = load_texts(language)
    # "Over" is the Dutch for "About".
    right = {" ".join(texts.gettext(message).split()) for message in _messages(language)}
    for message in _messages(language):
        words = " ".join(message.split())
        if words in right:
            continue
        parts = _PLACE.split(words)
        if len(parts) == 1:
            exact.add(words)
        elif sum(len(re.findall(r"[A-Za-z]{2,}", part)) for part in parts) > 1:
            patterns.append(re.compile(".+?".join(re.escape(part.replace("%%", "%")) for part in parts)))
    return frozenset(exact), tuple(patterns)


def _messages(language: str) -> Iterator[str]:
    """Give the messages whose translation is another text, and both forms of those with a number."""
    texts = load_texts(language)
    for file in (files("agent") / "locale" / language).iterdir():
        if not file.name.endswith(".po"):
            continue
        with file.open("rb") as lines:
            for message in read_po(lines, locale=language):
                if not isinstance(message.id, str):
                    yield from message.id
                elif message.id and texts.gettext(message.id) != message.id:
                    yield message.id
