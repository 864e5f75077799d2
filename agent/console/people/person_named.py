"""Somebody whom a form names: by what they are called, or by their id."""

from typing import Final

from agent.console.page import Page
from agent.console.typed import TypedError
from agent.people.people import Person
from rules.roles import Right

_MOST_TOLD: Final = 5


def person_named(page: Page, field: str) -> str | None:
    """Give the id of whom a field names; None where it is empty. Who may not read people writes an id.

    Raises:
        TypedError: nobody is called so, or several people are.
    """
    written = page.typed.get(field)
    if not written:
        return None
    people = page.parts.people.list() if page.may(Right.READ_PEOPLE) else ()
    if not people or any(each.id == written for each in people):
        return written
    found = [each for each in people if each.name.casefold() == written.casefold()]
    if len(found) == 1:
        return found[0].id
    raise TypedError({field: _fault(page, found)})


def _fault(page: Page, found: list[Person]) -> str:
    texts = page.texts
    _ = texts.gettext
    if not found:
        return _("Nobody at the school is called so; write the whole name as it stands under “People”.")
    shown = found[:_MOST_TOLD]
    about = [_told_apart(page, each) for each in shown]
    them = "; ".join(
        f"{each.id} ({words if about.count(words) == 1 or not each.external_id else f'{words}, {each.external_id}'})"
        for each, words in zip(shown, about, strict=True)
    )
    sentence = _("Several people are called so. Choose one, and write the number before the brackets: %(people)s.")
    more = len(found) - len(shown)
    rest = texts.ngettext("%(count)d more stands under “People”.", "%(count)d more stand under “People”.", more)
    return sentence % {"people": them} + (f" {rest % {'count': more}}" if more else "")


def _told_apart(page: Page, person: Person) -> str:
    """Say what somebody is and in which class: what a reader knows one of two Adas by."""
    titles = {each.id: each.title for each in page.parts.people.classes()}
    classes = [titles[each] for each in person.classes if each in titles]
    return ", ".join([page.role_words(person.given) or page.texts.gettext("no role"), *classes])
