"""The words of a notice: four languages, no blame, and labels that strangers wrote."""

from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

import agent
from agent.endpoint.notice_texts import (
    EXCEPTION_COMMAND,
    LANGUAGES,
    endpoint_texts,
    language_of,
    neutral,
    parse_po,
)
from rules.category import LANGUAGES as LANGUAGES_OF_THE_PRODUCT

LOCALE = Path(agent.__file__).parent / "locale"
STICK = {"label": "PUPILS", "bus": "usb", "crypt": "plain"}


def test_they_are_the_languages_of_the_product() -> None:
    assert set(LANGUAGES) == set(LANGUAGES_OF_THE_PRODUCT)


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_the_catalogue_is_read_as_babel_reads_it(language: str) -> None:
    with (LOCALE / language / "schoolgate.po").open("rb") as lines:
        catalogue = read_po(lines, locale=language)
    expected = {
        message.id: message.string
        for message in catalogue
        if isinstance(message.id, str) and message.id and message.string and not message.fuzzy
    }
    assert parse_po((LOCALE / language / "schoolgate.po").read_text(encoding="utf-8")) == expected


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        pytest.param('msgid "a"\nmsgstr "b"\n', {"a": "b"}, id="one"),
        pytest.param('msgid ""\n"a"\n"b"\nmsgstr ""\n"c\\n"\n', {"ab": "c\n"}, id="on-several-lines"),
        pytest.param('#, fuzzy\nmsgid "a"\nmsgstr "b"\n', {}, id="fuzzy"),
        pytest.param('#~ msgid "a"\n#~ msgstr "b"\n', {}, id="obsolete"),
        pytest.param('msgid "a"\nmsgid_plural "as"\nmsgstr[0] "b"\n', {}, id="with-several-forms"),
        pytest.param('msgid "a"\nmsgstr ""\n', {}, id="not-translated"),
        pytest.param('# x\n#: f.py:3\n#, python-format\nmsgid "a"\nmsgstr "b"\n', {"a": "b"}, id="with-comments"),
    ],
)
def test_entries_of_a_catalogue(text: str, messages: dict[str, str]) -> None:
    assert parse_po(text) == messages


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notice_names_the_stick_and_what_to_do(language: str) -> None:
    words = endpoint_texts(language).medium(STICK, link="https://it.school.example/media", by="14:05")
    assert all(
        part in words.text for part in ("PUPILS", "https://it.school.example/media", "14:05", EXCEPTION_COMMAND)
    )
    assert "%(" not in words.text


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_nothing_of_it_is_left_in_english(language: str) -> None:
    ours, english = endpoint_texts(language), endpoint_texts("en")
    pairs = [
        (
            texts.medium({"label": label, "bus": bus}, link="x", by="y"),
            texts.sign_in("1", link="x"),
            texts.accept,
            texts.decline,
        )
        for texts in (ours, english)
        for label in ("A", "")
        for bus in ("usb", "mmc")
    ]
    half = len(pairs) // 2
    for mine, theirs in zip(pairs[:half], pairs[half:], strict=True):
        mine_lines = {line for words in mine[:2] for line in words.text.splitlines()} | set(mine[2:])
        their_lines = {line for words in theirs[:2] for line in words.text.splitlines()} | set(theirs[2:])
        assert not mine_lines & their_lines


def test_a_notice_in_english() -> None:
    words = endpoint_texts("en").medium(STICK, link="", by="")
    assert words.text == (
        "This medium is not encrypted\n"
        "The USB stick PUPILS is not encrypted. Please do not store pupil information on it.\n"
        "If it has to stay as it is, ask for an exception: schoolgate endpoint exception"
    )


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        pytest.param({"bus": "usb", "label": ""}, "A USB stick is", id="a-stick-without-a-label"),
        pytest.param({"bus": "mmc", "label": "CARD"}, "The medium CARD is", id="a-card"),
        pytest.param({"bus": "mmc"}, "A medium is", id="a-card-without-a-label"),
        pytest.param({"bus": "usb", "label": "\x1b[31m\x00"}, "The USB stick [31m is", id="nothing-but-control"),
        pytest.param({"bus": "usb", "label": "\u202e\u200f"}, "A USB stick is", id="nothing-but-direction"),
    ],
)
def test_how_a_medium_is_called(facts: dict[str, str], words: str) -> None:
    assert words in endpoint_texts("en").medium(facts, link="", by="").body


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        pytest.param("PUPILS", "PUPILS", id="plain"),
        pytest.param("a\x1b]0;x\x07b", "a ]0;x b", id="a-terminal-sequence"),
        pytest.param("a\nb\r\tc", "a b c", id="lines"),
        pytest.param("\u202egpj.exe", "gpj.exe", id="turned-around"),
        pytest.param("a\u2028b\u200bc", "a b c", id="unseen"),
        pytest.param("x" * 80, "x" * 40, id="long"),
        pytest.param("\u05e9\u05dc", "\u2068\u05e9\u05dc\u2069", id="hebrew-keeps-its-direction-to-itself"),
        pytest.param("\ud800", "", id="no-text"),
    ],
)
def test_a_label_changes_nothing_around_it(label: str, shown: str) -> None:
    assert neutral(label) == shown


@given(st.text())
def test_no_label_has_a_character_that_draws_nothing(label: str) -> None:
    assert all(each.isprintable() or each in "\u2068\u2069" for each in neutral(label))


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        pytest.param({}, "en", id="none"),
        pytest.param({"LANG": "fr_FR.UTF-8"}, "fr", id="of-a-country"),
        pytest.param({"LANG": "fr_FR.UTF-8", "LC_ALL": "nl_NL"}, "nl", id="all-before-one"),
        pytest.param({"LANG": "nl_BE", "LANGUAGE": "ja:nl"}, "ja", id="a-list-before-all"),
        pytest.param({"LANG": "de_DE", "LANGUAGE": "de:fr"}, "fr", id="the-first-that-we-have"),
        pytest.param({"LANG": "C"}, "en", id="c"),
        pytest.param({"LANG": "ca@valencia"}, "en", id="one-that-we-do-not-have"),
    ],
)
def test_the_language_of_a_session(environment: dict[str, str], language: str) -> None:
    assert language_of(environment) == language


def test_a_language_that_we_do_not_have_is_english() -> None:
    assert endpoint_texts("de").language == "en"
