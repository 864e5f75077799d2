"""The form for reports: what it asks, in words that a child of ten understands, and what the answers mean.

Nobody has to say who they are, and nobody picks from the people of the school. What is illegal is no choice here: a
report of it must be readable by whoever deals with it, so people put it there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.incidents.incident_reports import Happened, Report, Standing
from agent.texts import Texts
from rules.errors import RefusedRequestError
from rules.incident_kind import Kind
from rules.observation import Place
from rules.subject import Audience

MAX_TEXT_CHARACTERS: Final = 4_000
MAX_WHO_CHARACTERS: Final = 300
MAX_NAME_CHARACTERS: Final = 100
MAX_KEPT: Final = 5


class About(StrEnum):
    """What a report is about, as whoever reports would say it."""

    UPSETTING = "upsetting"
    NOT_FOR_CHILDREN = "not_for_children"
    MEAN = "mean"
    STRANGER = "stranger"
    SHARED = "shared"
    HURT = "hurt"
    ACCOUNT = "account"
    FILTER = "filter"
    STRANGE = "strange"
    LOST = "lost"
    OTHER = "other"


class Whom(StrEnum):
    """Whom a report is about."""

    ME = "me"
    PUPIL = "pupil"
    ADULT = "adult"
    HEAD = "head"
    OUTSIDE = "outside"
    UNKNOWN = "unknown"


KINDS: Final[Mapping[About, Kind]] = {
    About.UPSETTING: Kind.OFFENSIVE,
    About.NOT_FOR_CHILDREN: Kind.PORNOGRAPHY,
    About.MEAN: Kind.BULLYING,
    About.STRANGER: Kind.GROOMING,
    About.SHARED: Kind.IMAGE_OR_DATA_SHARING,
    About.HURT: Kind.SELF_HARM,
    About.ACCOUNT: Kind.OTHER_ACCOUNT,
    About.FILTER: Kind.BYPASS,
    About.STRANGE: Kind.MALWARE,
    About.LOST: Kind.DATA_BREACH,
    About.OTHER: Kind.OTHER,
}
_STAFF: Final = frozenset({Whom.ADULT, Whom.HEAD})


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to choose."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question: `id` is the key of its answer; without choices the answer is written, `most` characters of it.

    `most_answers` is more than one where the answer is a list.
    """

    id: str
    text: str
    choices: tuple[Choice, ...] = ()
    most: int = 0
    most_answers: int = 1
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """The form in one language; `words_of_standing` are what a receipt tells."""

    language: str
    title: str
    beforehand: tuple[str, ...]
    questions: tuple[Question, ...]
    thanks: str
    words_of_standing: Mapping[Standing, str]


@dataclass(frozen=True, slots=True)
class Answers:
    """What somebody answered; `who` and `name` are their own words, and nobody is looked up by them.

    `is_serious` is what staff say who know; the form does not ask it of children.
    """

    about: About
    text: str
    whom: Whom = Whom.UNKNOWN
    who: str = ""
    happened: Happened = Happened.ACTUAL
    place: Place = Place.UNKNOWN
    keeps: tuple[str, ...] = ()
    name: str = ""
    is_serious: bool | None = None


def report_form(texts: Texts) -> Form:
    """Give the form in a language."""
    _ = texts.gettext
    return Form(
        language=texts.language,
        title=_("Tell us what happened"),
        beforehand=(
            _("You can tell us what happened, or what you are worried about. Nobody is cross with you for telling."),
            _("You do not have to say who you are."),
            _("If somebody is in danger now, tell a grown-up whom you trust straight away."),
        ),
        questions=tuple(_questions(texts)),
        thanks=_("Thank you for telling us. Keep your number: with it you can see whether it has been dealt with."),
        words_of_standing={
            Standing.RECEIVED: _("We have it. Nobody has looked at it yet."),
            Standing.LOOKED_AT: _("Somebody is looking at it."),
            Standing.DEALT_WITH: _("It has been dealt with."),
        },
    )


def _questions(texts: Texts) -> Iterator[Question]:
    _ = texts.gettext
    yield Question("about", _("What is it about?"), tuple(_abouts(texts)))
    yield Question("whom", _("Whom is it about?"), tuple(_whoms(texts)))
    yield Question(
        "who", _("Do you want to say who it is? Write it here."), most=MAX_WHO_CHARACTERS, is_optional=True
    )
    yield Question(
        "happened",
        _("Has it happened?"),
        (
            Choice(Happened.ACTUAL, _("Yes, it has happened")),
            Choice(Happened.POTENTIAL, _("Not yet, but I am worried")),
        ),
    )
    yield Question(
        "place",
        _("Where was it?"),
        (
            Choice(Place.ON_SITE, _("At school")),
            Choice(Place.OFF_SITE, _("At home or somewhere else")),
            Choice(Place.UNKNOWN, _("I do not know")),
        ),
    )
    yield Question("text", _("What did you see or hear, and when? Use your own words."), most=MAX_TEXT_CHARACTERS)
    yield Question(
        "keeps",
        _(
            "Do you have a message or a picture of it? Keep it, do not answer it and send it to nobody."
            " Write here what it is called."
        ),
        most=MAX_NAME_CHARACTERS,
        most_answers=MAX_KEPT,
        is_optional=True,
    )
    yield Question("name", _("Your name, if you want to say it."), most=MAX_NAME_CHARACTERS, is_optional=True)


def _abouts(texts: Texts) -> Iterator[Choice]:
    _ = texts.gettext
    yield Choice(About.UPSETTING, _("I saw something nasty or frightening"))
    yield Choice(About.NOT_FOR_CHILDREN, _("I saw pictures or films that are not for children"))
    yield Choice(About.MEAN, _("Somebody is mean to me or to somebody else"))
    yield Choice(About.STRANGER, _("Somebody whom I do not know writes to me, or wants to meet me"))
    yield Choice(About.SHARED, _("Somebody showed a picture or a secret of somebody to others"))
    yield Choice(About.HURT, _("Somebody may hurt themselves"))
    yield Choice(About.ACCOUNT, _("Somebody uses my account, or knows my password"))
    yield Choice(About.FILTER, _("Somebody gets round the filter of the school"))
    yield Choice(About.STRANGE, _("A device, a program or a message is strange"))
    yield Choice(About.LOST, _("Something with names of people is lost, or went to the wrong person"))
    yield Choice(About.OTHER, _("Something else"))


def _whoms(texts: Texts) -> Iterator[Choice]:
    _ = texts.gettext
    yield Choice(Whom.ME, _("Me"))
    yield Choice(Whom.PUPIL, _("Another child"))
    yield Choice(Whom.ADULT, _("A grown-up who works at the school"))
    yield Choice(Whom.HEAD, _("The head teacher"))
    yield Choice(Whom.OUTSIDE, _("Somebody who is not at this school"))
    yield Choice(Whom.UNKNOWN, _("I do not know"))


def report_of(answers: Answers, texts: Texts, *, is_anonymous: bool, is_by_staff: bool = False) -> Report:
    """Give answers as a report; what is said of whoever works at the school is for few to read.

    Args:
        texts: the language of those who read it.
        is_by_staff: whoever answered is known to work at the school.

    Raises:
        RefusedRequestError: there is not one word in what they wrote. More is not asked of anybody.
    """
    if not any(character.isalpha() for character in answers.text):
        raise RefusedRequestError("There are no words in the report; write in your own words what happened.")
    is_of_staff = answers.whom in _STAFF
    kind = KINDS[answers.about]
    if is_of_staff and kind is Kind.OTHER:
        kind = Kind.STAFF_CONDUCT
    own = is_by_staff and answers.whom is Whom.ME
    return Report(
        text="\n\n".join(_written(answers, texts)),
        kind=kind,
        happened=answers.happened,
        place=answers.place,
        audience=Audience.STAFF if is_of_staff or own else Audience.PUPIL,
        is_anonymous=is_anonymous,
        is_allegation=is_of_staff,
        is_about_head=answers.whom is Whom.HEAD,
        keeps=answers.keeps,
        is_serious=answers.is_serious,
    )


def _written(answers: Answers, texts: Texts) -> Iterator[str]:
    """Give what was written, with the answers that have no place of their own below it."""
    yield answers.text.strip()
    questions = {question.id: question for question in _questions(texts)}
    whom = next(each.text for each in questions["whom"].choices if each.value == answers.whom)
    yield f"{questions['whom'].text} {whom}"
    for known_as, answer in (("who", answers.who), ("name", answers.name)):
        if answer.strip():
            yield f"{questions[known_as].text} {answer.strip()}"
