"""Reports by anybody: the form, a report with or without a name, and what a receipt tells.

Nobody needs an account. What is written is text and stays text: nothing in it is looked at as a page, and nobody is
looked up by a name in it.
"""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, Field, StrictBool
from pydantic_core import PydanticCustomError

from agent.api.parts import Asking, Parts, WithParts
from agent.api.schemas import Asked, Text, Told
from agent.incidents.incident_reports import Happened, Report, Standing
from agent.observing.report_form import (
    MAX_KEPT,
    MAX_NAME_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    MAX_WHO_CHARACTERS,
    About,
    Answers,
    Whom,
    report_form,
    report_of,
)
from agent.texts import Texts, load_texts
from rules.observation import Place
from rules.roles import Role

_MAX_LANGUAGE: Final = 20
_MAX_RECEIPT: Final = 40


def _of_length(least: int, most: int) -> AfterValidator:
    """Check how long a text is; who reads what is wrong may be a child."""

    def check(text: str) -> str:
        if not least <= len(text) <= most:
            found = f"{len(text):,} characters" if text else "nothing"
            detail = f"found {found}; expected {'some words, and ' if least else ''}at most {most:,} characters"
            raise PydanticCustomError("schoolgate", "{detail}", {"detail": detail})
        return text

    return AfterValidator(check)


Language = Annotated[
    str | None, Query(max_length=_MAX_LANGUAGE, description="en, fr, nl or ja; that of the school if not given.")
]
Receipt = Annotated[str, Path(max_length=_MAX_RECEIPT)]
_KeptName = Annotated[Text, _of_length(1, MAX_NAME_CHARACTERS)]
Kept = Annotated[list[_KeptName], Field(max_length=MAX_KEPT)]


class ReportAsked(Asked):
    """What somebody reports; only what it is about and their own words are needed."""

    about: About
    text: Annotated[Text, _of_length(1, MAX_TEXT_CHARACTERS)]
    whom: Whom = Whom.UNKNOWN
    who: Annotated[Text, _of_length(0, MAX_WHO_CHARACTERS)] = ""
    happened: Happened = Happened.ACTUAL
    place: Place = Place.UNKNOWN
    keeps: Kept = Field(default_factory=list)
    name: Annotated[Text, _of_length(0, MAX_NAME_CHARACTERS)] = ""
    is_serious: StrictBool | None = None

    def answers(self) -> Answers:
        """Give it as the form means it."""
        return Answers(
            about=self.about,
            text=self.text,
            whom=self.whom,
            who=self.who,
            happened=self.happened,
            place=self.place,
            keeps=tuple(self.keeps),
            name=self.name,
            is_serious=self.is_serious,
        )


class OwnReportAsked(ReportAsked):
    """The same by somebody who is signed in: their name stands with it unless they do not want that."""

    is_anonymous: StrictBool = False


class ChoiceTold(Told):
    """One answer to choose."""

    value: str
    text: str


class QuestionTold(Told):
    """One question of the form; without choices the answer is written, at most so many characters."""

    id: str
    text: str
    choices: list[ChoiceTold]
    most: int
    most_answers: int
    is_optional: bool


class FormTold(Told):
    """The form in one language."""

    language: str
    title: str
    beforehand: list[str]
    questions: list[QuestionTold]


class ReceivedTold(Told):
    """What somebody who reported gets: a number to ask after it, and thanks."""

    receipt: str
    thanks: str


class StandingTold(Told):
    """How far a report is, and nothing else."""

    standing: Standing
    in_words: str


def add_report_routes(router: APIRouter) -> None:
    """Add the routes of this file."""
    router.get("/reports/form")(show_form)
    router.post("/reports", status_code=HTTPStatus.CREATED)(report)
    router.post("/me/reports", status_code=HTTPStatus.CREATED)(report_as_oneself)
    router.get("/reports/{receipt}")(show_standing)


def show_form(parts: WithParts, language: Language = None) -> FormTold:
    """Show what the form asks, in words that a child of ten understands."""
    return FormTold.model_validate(report_form(_texts(parts, language)))


def report(asked: ReportAsked, parts: WithParts, language: Language = None) -> ReceivedTold:
    """Report something without an account."""
    return _take(parts, None, report_of(asked.answers(), _texts(parts), is_anonymous=True), language)


def report_as_oneself(asked: OwnReportAsked, call: Asking, language: Language = None) -> ReceivedTold:
    """Report something as somebody who is signed in."""
    made = report_of(
        asked.answers(),
        _texts(call.parts),
        is_anonymous=asked.is_anonymous,
        is_by_staff=bool(call.caller.roles - {Role.PUPIL}),
    )
    return _take(call.parts, call.person, made, language)


def show_standing(receipt: Receipt, parts: WithParts, language: Language = None) -> StandingTold:
    """Show whether a report has been dealt with, to whoever has its number."""
    standing = parts.incidents.reports.status(receipt)
    return StandingTold(standing=standing, in_words=report_form(_texts(parts, language)).words_of_standing[standing])


def _take(parts: Parts, person: str | None, made: Report, language: str | None) -> ReceivedTold:
    received = parts.incidents.reports.report(person, made)
    return ReceivedTold(receipt=received.receipt, thanks=report_form(_texts(parts, language)).thanks)


def _texts(parts: Parts, language: str | None = None) -> Texts:
    """Give the words of a language, or those of the school."""
    return load_texts(language or parts.incidents.desk.site().school.language)
