"""What services refuse, in four languages: every sentence that reaches people, with its values as they are."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st
from refusals_of_source import (
    LEFT_OUT,
    LEFT_OUT_CALLS,
    LEFT_OUT_FUNCTIONS,
    PARTS,
    ROOT,
    SPREAD,
    all_messages,
    sentences,
)

import agent
from agent.refusals import FILE_NAME, MAX_CHARACTERS, PLACE, load_refusals, spell_refusal
from agent.texts import load_texts
from rules.category import LANGUAGES

LOCALE = Path(agent.__file__).parent / "locale"
TRANSLATED = [language for language in LANGUAGES if language != "en"]
HOW_TO_ADD = (
    "Each of these reaches people through the console. Add it to agent/locale/{fr,nl,ja}/refusals.po, with {1}, {2} …"
    " for its values in their order; write {1:words} in a translation where a value is a word of ours, such as a"
    " state. Where nobody reads it in the console, name it in tests/refusals_of_source.py with the reason."
)


def messages_of(language: str, *, of_refusals: bool) -> Iterator[str]:
    for file in sorted((LOCALE / language).glob("*.po")):
        if (file.name == FILE_NAME) is of_refusals:
            with file.open("rb") as lines:
                for each in read_po(lines, locale=language, abort_invalid=True):
                    if each.id and each.string and not each.fuzzy:
                        yield each.id if isinstance(each.id, str) else each.id[0]


def numbers(text: str) -> set[str]:
    return {place[0] for place in PLACE.findall(text)}


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_that_reaches_people_is_translated_and_none_is_left_over(language: str) -> None:
    wanted = all_messages()
    own, others = set(messages_of(language, of_refusals=True)), set(messages_of(language, of_refusals=False))
    elsewhere = others & sentences().keys()
    missing = [f"{wanted[each]}: {each}" for each in wanted if each not in own | elsewhere]
    assert missing == [], HOW_TO_ADD
    assert sorted(own - wanted.keys()) == [], "Nobody says these any more: take them out of refusals.po."
    assert sorted(own & elsewhere) == [], "Another file of the catalogue has these: take them out of refusals.po."


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_places_of_its_sentence(language: str) -> None:
    for message, said in load_refusals(language).whole.items():
        assert numbers(message) == numbers(said), message
        assert "{" not in PLACE.sub("", said), message


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_places_of_a_sentence_are_numbered_in_order_and_stand_apart(language: str) -> None:
    for message in load_refusals(language).whole:
        found = [place[0] for place in PLACE.findall(message)]
        assert found == [str(number) for number in range(1, len(found) + 1)], message
        assert "}{" not in message, message


def test_what_is_left_out_of_the_scan_is_there_and_has_a_reason() -> None:
    for file, reason in LEFT_OUT.items():
        assert (ROOT / file).is_file()
        assert reason
    assert all(LEFT_OUT_CALLS.values())
    assert all(LEFT_OUT_FUNCTIONS.values())
    for file, names in PARTS.items():
        source = (ROOT / file).read_text(encoding="utf-8")
        assert [name for name in names if not re.search(rf"^(class |def )?{name}\b", source, re.MULTILINE)] == []
    assert {each for spread in SPREAD.values() for each in spread} <= set(sentences())


@pytest.mark.parametrize(
    ("language", "sentence", "said"),
    [
        pytest.param("en", "year5 is no group of this school.", "year5 is no group of this school.", id="english"),
        pytest.param("nl", "year5 is no group of this school.", "year5 is geen groep van deze school.", id="a-value"),
        pytest.param(
            "nl",
            "manifest.csv: found 'x' as file.users; expected bulk, delta or absent.",
            "manifest.csv: file.users: 'x'; verwacht werd bulk, delta of absent.",
            id="values-in-another-order",
        ),
        pytest.param(
            "ja",
            "This request is revoked, so it cannot be approved.",
            "この申請の状態は「取り消し」です。「承認」にはできません。",
            id="states-as-words",
        ),
        pytest.param(
            "nl",
            "None of your roles has the right to decide override, which this takes.",
            "Geen van uw rollen geeft het recht dat hiervoor nodig is: beslissen wat opengaat.",
            id="a-right-as-words",
        ),
        pytest.param(
            "nl",
            "'a..b' is no name of a site (two dots stand together or the name begins with a dot);"
            " expected a name such as www.example.com.",
            "'a..b' is geen naam van een site (er staan twee punten naast elkaar of de naam begint met een punt);"
            " verwacht werd een naam zoals www.example.com.",
            id="parts-as-words",
        ),
        pytest.param(
            "nl",
            "a is no group of this school. b is no group of this school. The end lies in the past.",
            "a is geen groep van deze school. b is geen groep van deze school. Het einde ligt in het verleden.",
            id="several-sentences",
        ),
        pytest.param(
            "ja",
            "The end lies in the past. b is no group of this school.",
            "終了が過去の日時です。b はこの学校のグループではありません。",
            id="several-sentences-without-a-space",
        ),
        pytest.param(
            "nl",
            "Mx. A. Sample decides and has the account asample already; close that one first.",
            "Mx. A. Sample neemt beslissingen en heeft al het account asample; sluit dat eerst.",
            id="a-full-stop-in-a-value",
        ),
        pytest.param(
            "ja", "Nobody has translated this. At all.", "Nobody has translated this. At all.", id="unknown"
        ),
        pytest.param("fr", "The end lies in the past.", "La fin est passée.", id="nothing-varies"),
        pytest.param("fr", "", "", id="nothing"),
        pytest.param(
            "nl",
            "Please tick that you mean it.",
            load_texts("nl").gettext("Please tick that you mean it."),
            id="from-the-catalogue-of-the-pages",
        ),
    ],
)
def test_a_refusal_in_the_language_of_the_page(language: str, sentence: str, said: str) -> None:
    assert spell_refusal(sentence, load_texts(language)) == said


def test_the_message_with_most_words_of_its_own_wins() -> None:
    said = spell_refusal("users.csv: found 3 MB; expected an archive of at most 2 MB.", load_texts("nl"))
    assert said == "users.csv: 3 MB; verwacht werd een archief van hoogstens 2 MB."


@pytest.mark.parametrize("value", ["{2}", "{1:words}", "{9}", "\\1", "%(name)s", "<b>", "{", "a {1} b", "\u202ex"])
@pytest.mark.parametrize("language", TRANSLATED)
def test_a_value_is_no_place(language: str, value: str) -> None:
    said = spell_refusal(
        f"{value} decides and has the account {value} already; close that one first.", load_texts(language)
    )
    assert said.count(value) == 2
    assert "decides" not in said


def test_what_is_too_long_comes_out_as_it_is() -> None:
    sentence = f"{'x' * MAX_CHARACTERS} is no group of this school."
    assert spell_refusal(sentence, load_texts("fr")) == sentence


@given(st.text(max_size=200), st.sampled_from(TRANSLATED))
def test_no_text_raises(text: str, language: str) -> None:
    assert bool(spell_refusal(text, load_texts(language))) is bool(text)


# What a sentence or a word of ours is made of stands in no value here, so that it is told from the sentence.
VALUES = st.text(
    st.characters(exclude_characters=".!? ;:,()", exclude_categories=["Cs", "Cc"]), min_size=12, max_size=30
).filter(lambda value: all(value not in load_refusals(language).whole for language in TRANSLATED))


@given(st.data())
def test_values_are_kept_as_they_are(data: st.DataObject) -> None:
    language = data.draw(st.sampled_from(TRANSLATED))
    whole = load_refusals(language).whole
    message = data.draw(st.sampled_from(sorted(each for each in whole if PLACE.search(each))))
    values = [data.draw(VALUES) for _ in PLACE.findall(message)]
    sentence = PLACE.sub(lambda place: values[int(place[1]) - 1], message)
    said = spell_refusal(sentence, load_texts(language))
    assert said == PLACE.sub(lambda place: values[int(place[1]) - 1], whole[message])


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_found_by_what_it_says(language: str) -> None:
    for message, said in load_refusals(language).whole.items():
        sentence = PLACE.sub(lambda place: f"«{place[1]}»", message)
        assert spell_refusal(sentence, load_texts(language)) == PLACE.sub(lambda place: f"«{place[1]}»", said)
