from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.usage_catalogue import Usage, parse_catalogue, parse_usage

UT1 = Path(__file__).parents[4] / "shared" / "lists" / "ut1"

CATALOGUE = """\
#
# NAME : a comment
#
NAME:\tgambling
DEFAULT_TYPE: black
SOURCE: https://lists.example
DESC EN: Betting, casinos.
DESC FR: Jeux d'argent.
NAME EN: Gambling
NAME FR: Jeux casino

NAME: child
DEFAULT_TYPE:\twhite
NAME EN : For children
NAME NL:
"""


def test_a_category_has_its_type_and_its_texts_by_language() -> None:
    catalogue = parse_catalogue(CATALOGUE.encode(), file="global_usage")
    assert list(catalogue.entries) == ["gambling", "child"]
    gambling = catalogue.entries["gambling"]
    assert gambling.usage is Usage.BLOCK
    assert gambling.names == {"en": "Gambling", "fr": "Jeux casino"}
    assert gambling.descriptions == {"en": "Betting, casinos.", "fr": "Jeux d'argent."}
    assert gambling.source == "https://lists.example"
    assert catalogue.entries["child"].usage is Usage.ALLOW
    assert catalogue.bad == ()


@pytest.mark.parametrize(
    ("category", "language", "name"),
    [
        pytest.param("gambling", "fr", "Jeux casino", id="in-the-language"),
        pytest.param("gambling", "ja", "Gambling", id="else-in-english"),
        pytest.param("child", "nl", "For children", id="an-empty-name-is-none"),
    ],
)
def test_the_name_for_a_person(category: str, language: str, name: str) -> None:
    assert parse_catalogue(CATALOGUE.encode(), file="f").entries[category].name_in(language) == name


def test_a_category_without_names_goes_by_the_word_of_the_provider() -> None:
    entry = parse_catalogue(b"NAME: warez\n", file="f").entries["warez"]
    assert entry.usage is None
    assert entry.name_in("en") == "warez"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(CATALOGUE.replace("\n", "\r\n").encode(), id="crlf"),
        pytest.param(CATALOGUE.encode("utf-8-sig"), id="byte-order-mark"),
        pytest.param(CATALOGUE.encode("latin-1"), id="latin-1"),
    ],
)
def test_text_as_it_comes(text: bytes) -> None:
    assert parse_catalogue(text, file="f") == parse_catalogue(CATALOGUE.encode(), file="f")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param("nonsense", "was expected", id="no-field"),
        pytest.param("COLOUR: red", "was expected", id="unknown-field"),
        pytest.param("DEFAULT_TYPE: grey", "DEFAULT_TYPE: black", id="unknown-type"),
        pytest.param("DESC: in which language?", "with a language", id="description-without-language"),
    ],
)
def test_a_bad_line_is_told_and_the_others_are_used(line: str, why: str) -> None:
    catalogue = parse_catalogue(f"NAME: a\n{line}\nDEFAULT_TYPE: black\n".encode(), file="global_usage")
    assert catalogue.entries["a"].usage is Usage.BLOCK
    (bad,) = catalogue.bad
    assert (bad.file, bad.line, bad.text) == ("global_usage", 2, line)
    assert why in bad.why


def test_texts_before_the_first_category_belong_to_none() -> None:
    catalogue = parse_catalogue(b"NAME EN: x\n", file="f")
    assert catalogue.entries == {}
    assert len(catalogue.bad) == 1


@pytest.mark.parametrize(
    ("text", "usage"),
    [
        pytest.param(b"black\n", {Usage.BLOCK}, id="black"),
        pytest.param(b"White \r\nchild\r\n", {Usage.ALLOW}, id="white-and-another-word"),
        pytest.param(b"black\nwhite\n", {Usage.BLOCK, Usage.ALLOW}, id="both"),
        pytest.param(b"# not a black list\n", set(), id="a-comment-says-nothing"),
        pytest.param(b"", set(), id="empty"),
    ],
)
def test_the_usage_file_of_one_category(text: bytes, usage: set[Usage]) -> None:
    assert parse_usage(text) == usage


@given(st.one_of(st.binary(max_size=200), st.text(alphabet="NAMEDSC_:\n #en", max_size=80).map(str.encode)))
def test_no_octets_make_it_fail(data: bytes) -> None:
    parse_usage(data)
    assert all(bad.why for bad in parse_catalogue(data, file="f").bad)


@pytest.mark.skipif(not UT1.is_dir(), reason="the UT1 lists are not beside this repository")
def test_the_catalogue_of_ut1_names_every_category_of_the_tree() -> None:
    catalogue = parse_catalogue((UT1 / "global_usage").read_bytes(), file="global_usage")
    assert catalogue.bad == ()
    assert {path.parent.name for path in UT1.glob("*/domains")} <= set(catalogue.entries)
    assert all(entry.usage and entry.names["en"] and entry.names["fr"] for entry in catalogue.entries.values())
