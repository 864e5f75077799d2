"""Kinds of rows of the record in words, every kind that the product writes among them."""

import ast
from pathlib import Path

import pytest

import agent
from agent.console.registers.record_words import kind_words, known_kinds
from agent.gateway.gateway_events import KINDS
from agent.texts import load_texts


def noted() -> set[str]:
    """Give the kinds that stand in the source where a row is written."""
    found = set(KINDS)
    for file in Path(agent.__file__).parent.rglob("*.py"):
        if "endpoint" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "note":
                found |= {
                    each.value
                    for each in node.args[:2]
                    if isinstance(each, ast.Constant) and isinstance(each.value, str) and "_" in each.value
                }
    return found


@pytest.mark.parametrize("kind", sorted(noted()))
def test_each_kind_that_is_written_has_words_in_every_language(kind: str) -> None:
    assert kind_words(kind, load_texts("ja")) not in (kind, kind.replace("_", " "))


def test_what_was_done_about_a_case_says_so() -> None:
    assert kind_words("incident_accepted", load_texts("en")) == "Case: It was accepted"


def test_a_kind_without_words_comes_as_it_is() -> None:
    assert kind_words("moon_rose", load_texts("en")) == "moon rose"


def test_kinds_to_choose_from_are_in_the_order_of_their_words_and_none_twice() -> None:
    known = known_kinds(load_texts("en"))
    words = [each for _, each in known]
    assert [each.casefold() for each in words] == sorted(each.casefold() for each in words)
    assert len({kind for kind, _ in known}) == len(known) == len(set(words))
