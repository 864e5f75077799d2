"""People: who there is, what they are at the school, their accounts, and what waits for a second person."""

from typing import Any, Final

from starlette.responses import Response

from agent.api import account_routes, confirmation_routes, people_routes
from agent.api.paging import page_of
from agent.api.people_schemas import AccountAsked, ClassesAsked, PersonAsked, RolesAsked
from agent.api.versions import SeenThing
from agent.console.account_pages import picture_of
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.people.people_words import spell_right, spell_source
from agent.console.typed import TypedError, build
from agent.packs.pack_words import spell_role
from agent.people.confirmations import What, count_unconfirmed, read_unconfirmed_people, why_not_confirmed
from agent.people.people import Person, SchoolClass
from rules.roles import PRIVILEGED, RIGHTS, Right, Role

_MAX_FIND: Final = 100


def add_people_pages(pages: Pages) -> None:
    """Add the pages of this file; those with a word of their own stand before those that take any for an id."""
    pages.get("/people", list_people)
    pages.post("/people", list_people)
    pages.get("/people/waiting", show_waiting)
    pages.post("/people/waiting", show_waiting)
    pages.get("/people/rights", show_rights)
    pages.get("/people/add", show_add)
    pages.post("/people/add", add, form=show_add)
    pages.get("/people/{id}", show_person)
    pages.post("/people/{id}/roles", set_roles, form=show_person)
    pages.post("/people/{id}/classes", set_classes, form=show_person)
    pages.post("/people/{id}/close", close_person, form=show_person)
    pages.post("/people/{id}/confirm", confirm, form=show_waiting)
    pages.post("/people/{id}/refuse", refuse, form=show_waiting)
    pages.post("/people/{id}/account", make_account, form=show_person, is_kept=True)
    pages.post("/people/{id}/account/close", close_account, form=show_person)


def list_people(page: Page) -> Response:
    """List the people of the school by name, those of a role or called so alone where that is asked for.

    What holds a name comes with a form alone: an address would keep it in a history.
    """
    typed = page.typed
    find, role = typed.get("find")[:_MAX_FIND], typed.get("role") or page.query("role")
    with_closed = "yes" in (typed.get("closed"), page.query("closed"))
    everybody = page.parts.people.list(with_closed=with_closed)
    found = [each for each in everybody if _is_wanted(each, find.casefold(), role)]
    shown, more = page_of(found, lambda each: (each.name, each.id), after=typed.get("after") or None)
    titles = {each.id: each.title for each in page.parts.people.classes()}
    with page.parts.store.read() as database:
        waiting = count_unconfirmed(database)[0]
    return page.render(
        "people/list.html",
        people=[_told(each, titles, page) for each in shown],
        number=len(found),
        waiting=waiting,
        roles=_role_choices(page),
        query={"find": find, "role": role, "closed": "yes" if with_closed else ""},
        more=more,
    )


def _is_wanted(person: Person, find: str, role: str) -> bool:
    return find in person.name.casefold() and (not role or role in {each.value for each in person.given})


def _told(person: Person, titles: dict[str, str], page: Page) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "roles": page.role_words(person.roles),
        "waiting": page.role_words(person.waiting),
        "classes": [titles.get(each, each) for each in person.classes],
        "closed": person.closed,
        "source": spell_source(person.source, page.texts),
    }


def _role_choices(page: Page) -> list[tuple[str, str]]:
    return [(role.value, spell_role(role, page.texts)) for role in Role]


def _class_choices(classes: tuple[SchoolClass, ...]) -> list[tuple[str, str]]:
    return [(each.id, each.title) for each in classes]


def show_waiting(page: Page) -> Response:
    """Show what waits for a second person, and may be decided here."""
    listed = confirmation_routes.list_waiting(page.parts, after=page.typed.get("after") or None)
    told = page.told(
        {
            "confirmed": page.texts.gettext("Confirmed."),
            "refused": page.texts.gettext("Refused; it is taken away."),
        }
    )
    with page.parts.store.read() as database:
        why_not = {
            each.person.id: why_not_confirmed(database, each, page.person)
            for each in read_unconfirmed_people(database)
        }
    items = [
        {
            "each": each,
            "given": [(given, _given_words(given.what, given.name, page)) for given in each.given],
            "why_not": page.words(why_not.get(each.person.id, "")),
        }
        for each in listed.items
    ]
    return page.render("people/waiting.html", items=items, more=listed.next, told=told)


def _given_words(what: What, name: str, page: Page) -> str:
    return spell_role(Role(name), page.texts) if what is What.ROLE else name


def confirm(page: Page) -> Response:
    """Put in force what somebody was given."""
    confirmation_routes.confirm_person(_seen(page), page.call)
    return page.go("/people/waiting", told="confirmed")


def refuse(page: Page) -> Response:
    """Take away what somebody was given."""
    confirmation_routes.refuse_person(_seen(page), page.call)
    return page.go("/people/waiting", told="refused")


def _seen(page: Page) -> SeenThing:
    return SeenThing(page.named("id"), page.typed.version())


def show_rights(page: Page) -> Response:
    """Show who may do what, as a table."""
    texts = page.texts
    return page.render(
        "people/rights.html",
        roles=[(role.value, spell_role(role, texts), role in PRIVILEGED) for role in Role],
        rows=[(spell_right(right, texts), [right in RIGHTS[role] for role in Role]) for right in Right],
    )


def show_add(page: Page) -> Response:
    """Show the form for somebody new."""
    classes = page.parts.people.classes()
    return page.render("people/add.html", roles=_role_choices(page), classes=_class_choices(classes))


def add(page: Page) -> Response:
    """Add somebody who is not known yet."""
    typed = page.typed
    asked = build(
        PersonAsked, name=typed.get("name"), roles=_roles_of(page), classes=list(dict.fromkeys(typed.many("classes")))
    )
    made = people_routes.add(asked, page.call)
    return page.go(f"/people/{made.id}", told="added")


def _roles_of(page: Page) -> list[Role]:
    """Give the roles that are ticked.

    Raises:
        TypedError: something else is.
    """
    known = {each.value for each in Role}
    if not known.issuperset(written := page.typed.many("roles")):
        raise TypedError({"roles": page.texts.gettext("There is no such role.")})
    return [role for role in Role if role.value in written]


def show_person(page: Page) -> Response:
    """Show somebody: roles, classes, account, and what may be changed of them.

    Raises:
        UnknownThingError: there is nobody of this id.
    """
    told = people_routes.show(page.named("id"), page.call)
    classes = page.parts.people.classes()
    person = page.parts.people.get(told.id)
    assert person is not None
    with page.parts.store.read() as database:
        warnings = list(people_routes.warnings_of(database, person))
        accounts = database.execute(
            "SELECT login, created_at, totp_secret IS NOT NULL AS has_code FROM accounts"
            " WHERE person = ? AND closed_at IS NULL ORDER BY login",
            (person.id,),
        ).fetchall()
    return page.render(
        "people/person.html",
        person=person,
        about=_told(person, {each.id: each.title for each in classes}, page),
        version=told.version,
        roles=_role_choices(page),
        given={each.value for each in person.given},
        classes=_class_choices(classes),
        accounts=accounts,
        warnings=[page.words(each) for each in warnings],
        told=_told_of(page),
    )


def _told_of(page: Page) -> str:
    _ = page.texts.gettext
    return page.told(
        {
            "added": _("Added. An account is a step of its own, below."),
            "roles": _("The roles are changed."),
            "classes": _("The classes are changed."),
            "closed": _("Closed: roles, classes, accounts and tokens have ended. The record keeps what was done."),
            "account-closed": _("The account is closed."),
        }
    )


def set_roles(page: Page) -> Response:
    """Give somebody these roles and no others."""
    people_routes.set_roles(_seen(page), build(RolesAsked, roles=_roles_of(page)), page.call)
    return page.go(f"/people/{page.named('id')}", told="roles")


def set_classes(page: Page) -> Response:
    """Put somebody into these classes and no others."""
    asked = build(ClassesAsked, classes=list(dict.fromkeys(page.typed.many("classes"))))
    people_routes.set_classes(_seen(page), asked, page.call)
    return page.go(f"/people/{page.named('id')}", told="classes")


def close_person(page: Page) -> Response:
    """Close somebody who leaves."""
    if not page.typed.has("sure"):
        raise TypedError({"sure": page.texts.gettext("Please tick that you mean it.")})
    people_routes.close(_seen(page), page.call)
    return page.go(f"/people/{page.named('id')}", told="closed")


def make_account(page: Page) -> Response:
    """Make an account for somebody; its first password and authenticator are shown this once."""
    asked = build(AccountAsked, login=page.typed.get("login"), person=page.named("id"))
    made = account_routes.create(asked, page.caller, page.parts)
    picture = picture_of(made) if made.totp_uri else None
    return page.render("people/account.html", made=made, picture=picture, person=page.parts.people.get(made.person))


def close_account(page: Page) -> Response:
    """Close an account of somebody; the person stays."""
    account_routes.close(page.typed.get("login"), page.caller, page.parts)
    return page.go(f"/people/{page.named('id')}", told="account-closed")
