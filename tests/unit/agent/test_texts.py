"""The words of four languages: complete, with the same placeholders, short enough where they travel in answers."""

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as CatalogMessage
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

import agent
from agent.categories import load_categories
from agent.sites.config import load_packs
from agent.texts import MAX_BLOCK_TEXT_CHARACTERS, OTHERWISE_READ, block_texts, load_texts
from rules.category import LANGUAGES
from rules.subject import Audience, Scope

AGENT = Path(agent.__file__).parent
TRANSLATED = [language for language in LANGUAGES if language != "en"]
Message = str | tuple[str, ...]
# As `agent.console` and `agent.block_page` read their templates.
TEMPLATE_OPTIONS: dict[str, object] = {"silent": "false", "trimmed": "true"}


def messages_of_the_source() -> set[Message]:
    """Give every message that the program asks for, the rows of the packs among them."""
    found: set[Message] = {row.label for pack in load_packs().values() for row in pack.rows}
    for suffix, method in (("py", "python"), ("html", "jinja2.ext:babel_extract")):
        for file in AGENT.rglob(f"*.{suffix}"):
            found |= {
                message if isinstance(message, str) else tuple(map(str, message))
                for _, message, _, _ in extract_from_file(method, str(file), options=TEMPLATE_OPTIONS)
            }
    return found


def catalogues_of(language: str) -> dict[str, Catalog]:
    """Give what each file of a language holds."""
    found = {}
    for file in sorted((AGENT / "locale" / language).glob("*.po")):
        if file.name in OTHERWISE_READ:
            continue
        with file.open("rb") as lines:
            found[file.name] = read_po(lines, locale=language, abort_invalid=True)
    return found


def catalogue_of(language: str) -> list[CatalogMessage]:
    return [message for each in catalogues_of(language).values() for message in each if message.id]


def forms_of(message: CatalogMessage) -> list[str]:
    """Give the translations of a message, one for each number that the language tells apart."""
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


def placeholders(text: str) -> Counter[str]:
    return Counter(re.findall(r"%\([a-z_]+\)[sd]|%[^(]", text))


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated_and_none_is_left_over(language: str) -> None:
    written = {
        message.id if isinstance(message.id, str) else tuple(message.id)
        for message in catalogue_of(language)
        if message.id and all(forms_of(message)) and not message.fuzzy
    }
    assert sorted(messages_of_the_source() - written, key=str) == []
    assert sorted(written - messages_of_the_source(), key=str) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_placeholders_are_those_of_the_source(language: str) -> None:
    for message in catalogue_of(language):
        written = [message.id] if isinstance(message.id, str) else message.id
        sources = [placeholders(source) for source in written]
        forms = [placeholders(form) for form in forms_of(message)]
        assert forms[-1] == sources[-1], message.id
        assert all(form in sources for form in forms), message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_plural_forms_are_those_of_the_language(language: str) -> None:
    forms = {"fr": 2, "nl": 2, "ja": 1}[language]
    assert {each.num_plurals for each in catalogues_of(language).values()} == {forms}
    counted = [message for message in catalogue_of(language) if isinstance(message.id, tuple)]
    assert {len(forms_of(message)) for message in counted} == {forms}


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_two_files_translate_the_same_message(language: str) -> None:
    ids = Counter(str(message.id) for message in catalogue_of(language))
    assert [message for message, times in ids.items() if times > 1] == []


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["everybody", "0 days", "1 day", "2 days"]),
        ("fr", ["tout le monde", "0 jour", "1 jour", "2 jours"]),
        ("nl", ["iedereen", "0 dagen", "1 dag", "2 dagen"]),
        ("ja", ["全員", "0 日間", "1 日間", "2 日間"]),
    ],
)
def test_words_come_in_the_language_and_in_its_number(language: str, words: list[str]) -> None:
    texts = load_texts(language)
    days = [texts.ngettext("%(days)d day", "%(days)d days", number) % {"days": number} for number in (0, 1, 2)]
    assert [texts.gettext("everybody"), *days] == words


@pytest.mark.parametrize(
    ("language", "used"),
    [("fr-CA", "fr"), ("nl_BE", "nl"), ("cy", "en"), ("", "en"), ("../fr", "en"), ("en-GB", "en")],
)
def test_a_variant_has_the_words_of_its_language_and_another_language_those_of_english(
    language: str, used: str
) -> None:
    assert load_texts(language).language == used
    assert load_texts(language).gettext("pupils") == load_texts(used).gettext("pupils")


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_word_that_bends_with_what_it_goes_with_never_stands_alone(language: str) -> None:
    """French has another "none" for a role than for a request, and Japanese another "all" for a choice."""
    assert {"all", "any", "none"}.isdisjoint(str(message.id) for message in catalogue_of(language))


def test_what_is_not_translated_comes_out_in_english() -> None:
    assert load_texts("ja").gettext("words that nobody has translated") == "words that nobody has translated"


def test_a_language_is_read_once_a_process() -> None:
    assert load_texts("fr") is load_texts("fr")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Tuesday 24 November 2026, 10:14"),
        ("fr", "mardi 24 novembre 2026 à 10:14"),
        ("nl", "dinsdag 24 november 2026, 10:14 uur"),
        ("ja", "2026年11月24日(火) 10:14"),
    ],
)
def test_a_moment_is_written_on_the_clock_of_the_school(language: str, words: str) -> None:
    at = datetime(2026, 11, 24, 9, 14, tzinfo=UTC)
    assert load_texts(language).moment(at, "Europe/Amsterdam") == words


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["1 hour", "4 hours", "2 days", "1 month", "2 years"]),
        ("fr", ["1 heure", "4 heures", "2 jours", "1 mois", "2 ans"]),
        ("nl", ["1 uur", "4 uur", "2 dagen", "1 maand", "2 jaar"]),
        ("ja", ["1 時間", "4 時間", "2 日", "1 か月", "2 年"]),
    ],
)
def test_so_many_of_a_unit(language: str, words: list[str]) -> None:
    texts = load_texts(language)
    amounts = ((1, "hour"), (4, "hour"), (2, "day"), (1, "month"), (2, "year"))
    assert [texts.amount(*each).replace("\xa0", " ") for each in amounts] == words


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (Scope(), "everybody"),
        (Scope(audiences=frozenset(Audience)), "pupils, staff and guests"),
        (Scope(groups=frozenset({"year5", "choir"})), "choir and year5"),
        (Scope(audiences=frozenset({Audience.PUPIL}), groups=frozenset({"year5"})), "pupils (year5)"),
        (Scope(except_groups=frozenset({"year5"})), "everybody except year5"),
    ],
)
def test_a_scope_in_words(scope: Scope, words: str) -> None:
    assert load_texts("en").whom(scope) == words


def test_modes_have_words_and_unknown_ones_stay() -> None:
    assert load_texts("nl").mode("strict") == "streng"
    assert load_texts("nl").mode("other") == "other"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_blocked_answer_says_is_short_and_exists_for_every_category(language: str) -> None:
    words = block_texts(load_categories(), load_texts(language))
    assert set(words.by_tag) == set(load_categories().ids)
    everything = [*words.by_tag.values(), *words.by_reason.values(), words.default]
    assert max(map(len, everything)) <= MAX_BLOCK_TEXT_CHARACTERS


def test_a_blocked_answer_names_the_category_in_the_language_of_the_school() -> None:
    assert block_texts(load_categories(), load_texts("en")).by_tag["gambling"] == "Blocked by your school: Gambling"
    words = block_texts(load_categories(), load_texts("fr"))
    assert words.by_tag["games"] == "Bloqué par votre école : Jeux vidéo"
    assert words.by_reason["allow_only"] == "Pas parmi les sites que votre école a choisis"
    assert words.default == "Bloqué par votre école"
