"""YAML with places: what is read, where it stands, and what is refused."""

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.document import MAX_DEPTH, Document, describe, parse_document, spell_path, suggest
from rules.errors import ConfigurationError

TEXT = """\
school:
  name: Example
  open: 12:30
lists:
  - off
  - {source: 007, until: 2026-09-01}
  -
  - 'null'
"""


def read(text: str) -> Document:
    return parse_document(text, file="site.yaml")


def test_scalars_stay_the_text_that_was_written() -> None:
    assert read(TEXT).value == {
        "school": {"name": "Example", "open": "12:30"},
        "lists": ["off", {"source": "007", "until": "2026-09-01"}, None, "null"],
    }


@pytest.mark.parametrize(
    ("path", "value_at", "key_at"),
    [
        pytest.param((), (1, 1), (1, 1), id="the-file"),
        pytest.param(("school", "open"), (3, 9), (3, 3), id="a-value-in-a-mapping"),
        pytest.param(("lists", 1, "until"), (6, 26), (6, 19), id="a-value-in-a-mapping-in-a-list"),
        pytest.param(("lists", 0), (5, 5), (5, 5), id="a-value-in-a-list-has-no-key"),
        pytest.param(("school", "missing"), (2, 3), (1, 1), id="what-is-missing-stands-where-it-should-be"),
        pytest.param(("school", 0, "open"), (3, 9), (3, 3), id="an-index-that-a-reader-made-up-is-left-out"),
    ],
)
def test_places(path: tuple[str | int, ...], value_at: tuple[int, int], key_at: tuple[int, int]) -> None:
    document = read(TEXT)
    assert document.position(path) == value_at
    assert document.key_position(path) == key_at


def test_a_problem_says_where_what_and_what_else() -> None:
    problem = read(TEXT).problem(("lists", 1, "source"), "'007'", "a path")
    assert str(problem) == "site.yaml:6:14: lists[1].source: found '007'; expected a path"


def test_a_key_that_stands_twice_is_reported_and_the_rest_is_read() -> None:
    document = read("a: 1\nb: 2\na: 3\n")
    assert [str(problem) for problem in document.problems] == [
        "site.yaml:3:1: a: found the key a a second time (first in line 1); expected each key once"
    ]
    assert document.value == {"a": "3", "b": "2"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(
            "a:\n\t- b", "site.yaml:2:1: found a tab; expected spaces before the first word of a line", id="tab"
        ),
        pytest.param(
            "a: &x 1\n", "site.yaml:1:4: found the anchor &x; expected the value without an anchor", id="anchor"
        ),
        pytest.param(
            "b: *x", "site.yaml:1:4: found the alias *x; expected the value itself, written out", id="alias"
        ),
        pytest.param("a: !!python/name:os.system x", "site.yaml:1:4: found the tag", id="tag"),
        pytest.param(
            "? [a]\n: b", "site.yaml:1:3: found a list or mapping as a key; expected a word as a key", id="odd-key"
        ),
        pytest.param(
            "a: 1\n---\nb: 2", "site.yaml:2:1: found a second document; expected one document", id="two-documents"
        ),
        pytest.param("a: 'b", "site.yaml:1:6: found text that is not YAML", id="open-quote"),
        pytest.param("a: [1", "while parsing a flow sequence that begins in line 1: did not find", id="open-bracket"),
        pytest.param("a: b: c", "site.yaml:1:5: found text that is not YAML", id="two-colons"),
        pytest.param(
            "é: \x07", "site.yaml:1:4: found the control character U+0007; expected readable text", id="control"
        ),
        pytest.param("[" * 100_000, "levels inside each other", id="nested-without-end"),
    ],
)
def test_refused(text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    assert sentence in str(caught.value)
    assert len(caught.value.problems) == 1


def test_levels_up_to_the_bound_are_read() -> None:
    assert read("[" * MAX_DEPTH + "]" * MAX_DEPTH).value is not None


@pytest.mark.alone
def test_a_bomb_of_aliases_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    started = time.monotonic()
    with pytest.raises(ConfigurationError):
        read("\n".join(lines))
    assert time.monotonic() - started < 1


def test_paths_and_values_in_words() -> None:
    assert spell_path(("lists", "ut1", "categories", 2)) == "lists.ut1.categories[2]"
    assert [describe(value) for value in (None, dict[str, str](), [1], "x", "y" * 100)] == [
        "nothing", "an empty mapping", "a list", "'x'", f"'{'y' * 60}…'",
    ]  # fmt: skip
    assert suggest("gamblng", ("games", "gambling"), "one of") == "gambling"
    assert suggest("zebra", ("games", "gambling"), "one of") == "one of games, gambling"


yaml_pieces = st.one_of(
    st.sampled_from("-?:,[]{}#&*!|>'\"%@` \n\t\0aé"), st.sampled_from(["a: ", "- ", "---\n", "<<: "])
)


@given(st.one_of(st.text(max_size=200), st.lists(yaml_pieces, max_size=40).map("".join)))
@settings(max_examples=300)
def test_any_text_is_a_value_or_a_sentence(text: str) -> None:
    with contextlib.suppress(ConfigurationError):
        assert read(text).position(()) >= (1, 1)
