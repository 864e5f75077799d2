"""The form for reports: the same questions in four languages, and what the answers mean for whom."""

from typing import Any

import pytest

from agent.incidents.incident_reports import Happened, Standing
from agent.observing.report_form import KINDS, About, Answers, Whom, report_form, report_of
from agent.texts import load_texts
from rules.category import LANGUAGES
from rules.incident import Track, track_of
from rules.incident_kind import Kind
from rules.observation import Place
from rules.subject import Audience

ENGLISH = load_texts("en")


def answers(**changes: Any) -> Answers:
    values: dict[str, Any] = {"about": About.MEAN, "text": "They laugh at me in the chat."}
    return Answers(**{**values, **changes})


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_form_is_whole_in_every_language(language: str) -> None:
    form, english = report_form(load_texts(language)), report_form(ENGLISH)
    assert form.language == language
    shape = [(each.id, [choice.value for choice in each.choices], each.most) for each in form.questions]
    assert shape == [(each.id, [choice.value for choice in each.choices], each.most) for each in english.questions]
    assert set(form.words_of_standing) == set(Standing)
    texts = [form.title, form.thanks, *form.beforehand, *(each.text for each in form.questions)]
    assert all(texts)
    if language != "en":
        assert form.title != english.title


def test_it_asks_what_a_child_can_answer() -> None:
    form = report_form(ENGLISH)
    sentences = [each.text for each in form.questions] + [
        choice.text for each in form.questions for choice in each.choices
    ]
    words = [word.strip(".,?") for text in sentences for word in text.split()]
    assert max(map(len, words)) <= 11
    assert sum(map(len, words)) / len(words) < 4.5


def test_there_is_a_choice_for_every_answer() -> None:
    choices = {each.id: {choice.value for choice in each.choices} for each in report_form(ENGLISH).questions}
    assert choices["about"] == {each.value for each in About}
    assert choices["whom"] == {each.value for each in Whom}
    assert choices["happened"] == {each.value for each in Happened}
    assert choices["place"] == {each.value for each in Place}


def test_nobody_has_to_say_who_they_are_or_whom_it_is_about() -> None:
    assert [each.id for each in report_form(ENGLISH).questions if each.is_optional] == ["who", "keeps", "name"]


@pytest.mark.parametrize("about", About)
@pytest.mark.parametrize("whom", Whom)
def test_each_answer_goes_to_those_who_deal_with_it(about: About, whom: Whom) -> None:
    made = report_of(answers(about=about, whom=whom), ENGLISH, is_anonymous=True)
    track = track_of(made.kind, made.audience, is_allegation=made.is_allegation)
    if whom in (Whom.ADULT, Whom.HEAD):
        assert track is Track.RESTRICTED
        assert made.is_about_head == (whom is Whom.HEAD)
    else:
        safeguarding = {About.MEAN, About.STRANGER, About.SHARED, About.HURT}
        assert track is (Track.SAFEGUARDING if about in safeguarding else Track.ORDINARY)


def test_nothing_that_is_reported_is_sealed_off_from_those_who_deal_with_it() -> None:
    assert Kind.ILLEGAL not in KINDS.values()


@pytest.mark.parametrize(
    ("whom", "is_by_staff", "audience"),
    [
        (Whom.ME, False, Audience.PUPIL),
        (Whom.ME, True, Audience.STAFF),
        (Whom.PUPIL, True, Audience.PUPIL),
        (Whom.ADULT, False, Audience.STAFF),
        (Whom.UNKNOWN, False, Audience.PUPIL),
    ],
)
def test_whom_it_is_about(whom: Whom, audience: Audience, *, is_by_staff: bool) -> None:
    made = report_of(answers(whom=whom), ENGLISH, is_anonymous=False, is_by_staff=is_by_staff)
    assert made.audience is audience


def test_own_words_come_first_and_are_left_as_they_are() -> None:
    given = answers(text=" <b>Look</b> & laugh ", whom=Whom.PUPIL, who="Somebody in 6B", name="Ada")
    made = report_of(given, ENGLISH, is_anonymous=True)
    assert made.text == (
        "<b>Look</b> & laugh\n\nWhom is it about? Another child\n\n"
        "Do you want to say who it is? Write it here. Somebody in 6B\n\nYour name, if you want to say it. Ada"
    )
    assert made.about == "", "nobody is looked up by what somebody wrote"
