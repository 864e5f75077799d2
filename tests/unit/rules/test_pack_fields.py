"""Reading parts of a pack: values as they should be, and every fault at its place."""

from collections.abc import Callable
from datetime import date
from enum import StrEnum

import pytest

from rules.document import parse_document
from rules.errors import Problem
from rules.pack_fields import Fields
from rules.span import Span, Unit
from rules.words import NO_WORDS, words


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


def fields_of(text: str) -> tuple[Fields, list[Problem]]:
    problems: list[Problem] = []
    return Fields(parse_document(text, file="p.yaml"), (), problems), problems


def test_everything_that_a_pack_holds_is_read() -> None:
    fields, problems = fields_of(
        "a: text\nb: {nl: woorden, en: words}\nc: [one, {fr: deux, en: two}]\nd: 12\ne: 2026-09-01\nf: true\n"
        "g: 72 h\nh: red\ni: [green]\nj: [x]\nk: [t]\n"
    )
    assert fields.text("a") == "text"
    assert fields.words("b") == words(nl="woorden", en="words")
    assert fields.all_words("c") == (words(en="one"), words(fr="deux", en="two"))
    assert (fields.number("d"), fields.day("e"), fields.flag("f")) == (12, date(2026, 9, 1), True)
    assert fields.span("g") == Span(72, Unit.HOURS)
    assert (fields.choice("h", Colour), fields.choices("i", Colour)) == (Colour.RED, frozenset({Colour.GREEN}))
    assert (fields.names("j", ["x"], "an x"), fields.texts("k")) == (("x",), ("t",))
    fields.done()
    assert not problems


def test_what_may_be_missing_has_a_default() -> None:
    fields, problems = fields_of("a: x")
    assert (fields.text("b", default="y"), fields.words("c", is_needed=False)) == ("y", NO_WORDS)
    assert fields.choice("d", Colour, default=Colour.GREEN) is Colour.GREEN
    assert (fields.flag("e"), fields.texts("f"), fields.each("g", lambda name, _: name)) == (False, (), {})
    assert not problems


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("text: [x]", "p.yaml:1:7: text: found a list; expected text"),
        ("other: x", "p.yaml:1:1: found no text; expected the key text"),
        ("text: x\nwords: {nl: woord}", "words: found no English; expected the English words beside the others"),
        ("text: x\nwords: {de: Wort, en: word}", "words.de: found the language de; expected one of en, fr, nl, ja"),
        ("text: x\nwords: []", "words: found an empty list; expected text, or text by language"),
        ("text: x\nnumber: many", "number: found 'many'; expected a whole number"),
        ("text: x\nday: 31.12.2026", "day: found '31.12.2026'; expected a date, such as 2026-09-01"),
        ("text: x\nflag: yes", "flag: found 'yes'; expected true or false"),
        ("text: x\nspan: 72", "span: found '72'; expected at once, or a number and a unit"),
        ("text: x\nchoice: gren", "choice: found 'gren'; expected green"),
        ("text: x\nnames: [z]", "names[0]: found 'z'; expected x"),
        ("text: x\ntexts: [[]]", "texts[0]: found an empty list; expected text"),
        ("text: x\neach: [y]", "each: found a list; expected a mapping"),
        ("text: x\nspann: 1 h", "p.yaml:2:1: spann: found the unknown key spann; expected span"),
        ("[x]", "p.yaml:1:1: found a list; expected a mapping"),
    ],
)
def test_each_fault_has_a_place_and_a_sentence(text: str, sentence: str) -> None:
    fields, problems = fields_of(text)
    fields.text("text")
    readers: dict[str, Callable[[str], object]] = {
        "words": fields.words,
        "number": fields.number,
        "day": fields.day,
        "flag": fields.flag,
        "span": fields.span,
        "choice": lambda key: fields.choice(key, Colour),
        "names": lambda key: fields.names(key, ["x"], "an x"),
        "texts": fields.texts,
        "each": lambda key: fields.each(key, lambda name, _: name),
    }
    for key, read in readers.items():
        if fields.has(key):
            read(key)
    fields.done()
    assert sentence in str(problems[0])


def test_parts_are_read_by_their_names_and_in_their_order() -> None:
    fields, problems = fields_of("parts: {b: {x: 1}, a: {x: 2, y: 3}}\nlist: [{x: 4}]\nwords: {n: {en: w}}")
    assert fields.each("parts", lambda name, part: (name, part.text("x"), part.location)) == {
        "b": ("b", "1", "p.yaml:1:9"),
        "a": ("a", "2", "p.yaml:1:20"),
    }
    assert fields.items("list", lambda part: part.text("x")) == ("4",)
    assert fields.each_words("words") == {"n": words(en="w")}
    assert [str(problem) for problem in problems] == ["p.yaml:1:30: parts.a.y: found the unknown key y; expected x"]


def test_what_is_left_out_holds_as_it_stands_below() -> None:
    fields, problems = fields_of("a: x\nf: false")
    assert [fields.or_below(key, fields.text, "below") for key in ("a", "b")] == ["x", "below"]
    assert fields.or_below("f", fields.flag, below=True) is False
    assert fields.number("n", default=7) == 7
    fields.done()
    assert not problems
    fields.or_below("c", fields.text, None)
    assert [problem.found for problem in problems] == ["no c"]


def test_what_was_refused_as_a_whole_is_not_refused_again() -> None:
    fields, problems = fields_of("a: x\nb: y")
    fields.leave()
    fields.done()
    assert not problems


def test_a_time_is_text() -> None:
    fields, problems = fields_of("a: [72 h]\nb: 9999 years")
    fields.span("a")
    fields.span("b")
    assert [problem.expected.partition(",")[0] for problem in problems] == ["at once", "at most 150 years"]
