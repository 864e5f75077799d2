"""What is done about incidents: steps, letters, restricted access, warnings, and what is sealed.

Whoever has a step to do says how it was done, without being among those who read incidents.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path

from agent.api.incident_looks import Looking
from agent.api.incident_schemas import LookAsked
from agent.api.incident_telling import Names, somebody
from agent.api.incident_work_schemas import (
    CardTold,
    ContactTold,
    LetterAsked,
    LetterSentAsked,
    LettersTold,
    LetterTold,
    MetadataTold,
    OwnStepsTold,
    OwnStepTold,
    RestrictAsked,
    RestrictionsTold,
    RestrictionTold,
    StepAddAsked,
    StepDoneAsked,
    StepsTold,
    StepTold,
    UnsealTold,
    WarningsTold,
    WarningTold,
)
from agent.api.parts import Asking, Call, named, names_of
from agent.api.schemas import Id, Reasoned, texts
from agent.incidents.incident_letters import Wanted
from agent.incidents.incident_steps import Referral
from agent.storage.incident_rows import read_incident
from agent.storage.letter_rows import Letter
from agent.storage.restriction_rows import Restriction
from agent.storage.step_rows import FiledStep
from agent.storage.warning_rows import GivenWarning
from rules.errors import RefusedRequestError
from rules.span import Span, parse_span
from rules.steps import StepState
from rules.words import Words

_LAST_STEP: Final = 1_000

Incident = Annotated[Id, Path()]
StepNumber = Annotated[int, Path(ge=1, le=_LAST_STEP)]


def add_incident_work_routes(router: APIRouter) -> None:
    """Add the routes of this file; those of fixed names come before those of an id."""
    router.get("/incidents/steps")(list_own_steps)
    router.get("/incidents/{id}/steps")(list_steps)
    router.post("/incidents/{id}/steps", status_code=HTTPStatus.CREATED)(add_step)
    router.post("/incidents/{id}/steps/{number}/done")(do_step)
    router.post("/incidents/{id}/steps/{number}/skip")(skip_step)
    router.get("/incidents/{id}/restrictions")(list_restrictions)
    router.post("/incidents/{id}/steps/{number}/restrict", status_code=HTTPStatus.CREATED)(restrict)
    router.post("/incidents/restrictions/{id}/end")(end_restriction)
    router.get("/incidents/{id}/warnings")(list_warnings)
    router.post("/incidents/warnings/{id}/withdraw")(withdraw_warning)
    router.get("/incidents/{id}/letters")(list_letters)
    router.post("/incidents/{id}/letters", status_code=HTTPStatus.CREATED)(draft_letter)
    router.get("/incidents/letters/{id}")(show_letter)
    router.post("/incidents/letters/{id}/sent")(note_sent)
    router.get("/incidents/{id}/card")(show_card)
    router.post("/incidents/{id}/unseal")(unseal)
    router.post("/incidents/{id}/metadata")(show_metadata)


# ---- steps ---------------------------------------------------------------------------------------------------------


def list_own_steps(call: Asking) -> OwnStepsTold:
    """List the open steps that one has to do oneself, the first due first; none says whom it is about."""
    own = call.parts.incidents.steps.mine(call.person)
    told = _tell_steps(call, [each.step for each in own])
    return OwnStepsTold(
        items=[
            OwnStepTold(**step.model_dump(), incident=each.step.incident, case=each.case, track=each.track)
            for each, step in zip(own, told, strict=True)
        ]
    )


def list_steps(id: Incident, call: Asking) -> StepsTold:  # noqa: A002 (it is the name in the address)
    """List the checklist of an incident that one may read."""
    return StepsTold(items=_tell_steps(call, call.parts.incidents.steps.of(call.person, id)))


def add_step(id: Incident, asked: StepAddAsked, call: Asking) -> StepTold:  # noqa: A002 (it is the name in the address)
    """Add a step that the row does not tick, with a reason."""
    step = call.parts.incidents.steps.add(
        call.person,
        id,
        # Of a column the table says what it is.
        label=asked.label or (f"{_plain(asked.action)}, as in the table" if asked.action else ""),
        role=asked.role,
        within=_span(asked.within),
        reason=asked.reason,
        step=asked.kind,
        action=asked.action,
    )
    return _told(call, step)


def do_step(id: Incident, number: StepNumber, asked: StepDoneAsked, call: Asking) -> StepTold:  # noqa: A002 (it is the name in the address)
    """Say that a step was done: when, how, and what came of it."""
    return do_seen_step(id, number, asked, call, seen=None)


def do_seen_step(incident: str, number: int, asked: StepDoneAsked, call: Call, *, seen: int | None) -> StepTold:
    """Say that a step was done, at the version at which somebody saw it, where that is known."""
    referral = Referral(asked.referred_to, asked.reference)
    step = call.parts.incidents.steps.done(
        call.person,
        incident,
        number,
        how=asked.how,
        outcome=asked.outcome,
        at=asked.at,
        referral=referral,
        seen=seen,
    )
    return _told(call, step)


def skip_step(id: Incident, number: StepNumber, asked: Reasoned, call: Asking) -> StepTold:  # noqa: A002 (it is the name in the address)
    """Leave a step of the table out, with a reason."""
    return skip_seen_step(id, number, asked, call, seen=None)


def skip_seen_step(incident: str, number: int, asked: Reasoned, call: Call, *, seen: int | None) -> StepTold:
    """Leave a step out, at the version at which somebody saw it, where that is known."""
    steps = call.parts.incidents.steps
    return _told(call, steps.skip(call.person, incident, number, reason=asked.reason, seen=seen))


def _told(call: Call, step: FiledStep) -> StepTold:
    call.parts.follower.look()
    return _tell_steps(call, [step])[0]


def _tell_steps(call: Call, steps: Sequence[FiledStep]) -> list[StepTold]:
    with call.parts.store.read() as database:
        names = names_of(database, (person for step in steps for person in (*step.owners, step.done_by) if person))
        found = {step.incident: read_incident(database, step.incident) for step in steps}
    audiences = {each.incident.id: each.incident.audience.value for each in found.values() if each is not None}
    return [_tell_step(call, step, audiences[step.incident], names) for step in steps]


def _tell_step(call: Call, step: FiledStep, audience: str, names: Names) -> StepTold:
    desk = call.parts.incidents.desk
    table, roles = desk.table_of(audience), desk.roles_of(audience)
    action = table.actions.get(step.action) if table is not None else None
    return StepTold(
        number=step.number,
        action=step.action,
        label=_in_language(call, action.label) if action is not None else step.label or _plain(step.action),
        kind=step.step,
        role=step.role,
        role_title=_in_language(call, roles[step.role].title) if step.role in roles else _plain(step.role),
        owners=[named(person, names) for person in step.owners],
        due_at=step.due_at,
        is_overdue=step.state is StepState.OPEN and step.due_at < call.parts.clock(),
        state=step.state,
        is_of_table=step.is_of_table,
        done_at=step.done_at,
        done_by=somebody(step.done_by, names),
        how=step.how,
        outcome=step.outcome,
        referred_to=step.referred_to,
        reference=step.reference,
        deviation=step.deviation,
    )


def _plain(word: str) -> str:
    return word.replace("_", " ")


def _in_language(call: Call, words: Words) -> str:
    return words.in_language(call.parts.incidents.desk.site().school.language)


def _span(written: str) -> Span:
    try:
        return parse_span(written)
    except ValueError as error:
        raise RefusedRequestError(f"The time for it is {error}.") from None


# ---- restricted access ---------------------------------------------------------------------------------------------


def list_restrictions(id: Incident, call: Asking) -> RestrictionsTold:  # noqa: A002 (it is the name in the address)
    """List the restrictions of access that follow from an incident."""
    found = call.parts.incidents.restrictions.of(call.person, id)
    return RestrictionsTold(items=[_tell_restriction(each) for each in found])


def restrict(id: Incident, number: StepNumber, asked: RestrictAsked, call: Asking) -> RestrictionTold:  # noqa: A002 (it is the name in the address)
    """Restrict access as a step says: a profile in the filter, with an end, that leaves what everybody needs."""
    return restrict_seen_step(id, number, asked, call, seen=None)


def restrict_seen_step(
    incident: str, number: int, asked: RestrictAsked, call: Call, *, seen: int | None
) -> RestrictionTold:
    """Restrict access, where a step has as many restrictions as somebody saw, if that is known."""
    restriction = call.parts.incidents.restrictions.begin(
        call.person,
        incident,
        number,
        groups=asked.groups,
        devices=asked.devices,
        until_at=asked.until_at,
        review_on=asked.review_on,
        reason=asked.reason,
        seen=seen,
    )
    call.parts.follower.look()
    return _tell_restriction(restriction)


def end_restriction(id: Annotated[Id, Path()], asked: Reasoned, call: Asking) -> RestrictionTold:  # noqa: A002 (it is the name in the address)
    """Give access back before its time."""
    restriction = call.parts.incidents.restrictions.end(call.person, id, reason=asked.reason)
    call.parts.follower.look()
    return _tell_restriction(restriction)


def _tell_restriction(found: Restriction) -> RestrictionTold:
    return RestrictionTold(
        id=found.id,
        incident=found.incident,
        step=found.step,
        groups=texts(found.groups),
        devices=texts(found.devices),
        from_at=found.from_at,
        until_at=found.until_at,
        review_on=found.review_on,
        ended_at=found.ended_at,
    )


# ---- warnings ------------------------------------------------------------------------------------------------------


def list_warnings(id: Incident, call: Asking) -> WarningsTold:  # noqa: A002 (it is the name in the address)
    """List the warnings that were given for an incident that one may read."""
    return WarningsTold(items=_tell_warnings(call, call.parts.incidents.warnings.of(call.person, id)))


def withdraw_warning(id: Annotated[Id, Path()], asked: Reasoned, call: Asking) -> WarningTold:  # noqa: A002 (it is the name in the address)
    """Take a warning back, with a reason; nothing is proposed because of it any more."""
    warning = call.parts.incidents.warnings.withdraw(call.person, id, reason=asked.reason)
    call.parts.follower.look()
    return _tell_warnings(call, [warning])[0]


def _tell_warnings(call: Call, warnings: Sequence[GivenWarning]) -> list[WarningTold]:
    with call.parts.store.read() as database:
        people = (person for each in warnings for person in (each.given_by, each.withdrawn_by) if person)
        names = names_of(database, people)
    today = call.parts.incidents.desk.day_of(call.parts.clock())
    return [
        WarningTold(
            id=each.id,
            incident=each.incident,
            row=each.row,
            given_at=each.given_at,
            given_by=named(each.given_by, names),
            expires_on=each.expires_on,
            standing=each.standing_on(today),
            withdrawn_at=each.withdrawn_at,
            withdrawn_by=somebody(each.withdrawn_by, names),
        )
        for each in warnings
    ]


# ---- letters -------------------------------------------------------------------------------------------------------


def list_letters(id: Incident, call: Asking) -> LettersTold:  # noqa: A002 (it is the name in the address)
    """List the letters about an incident, without what stands in them."""
    return LettersTold(items=[_tell_letter(call, each) for each in call.parts.incidents.letters.of(call.person, id)])


def draft_letter(id: Incident, asked: LetterAsked, call: Asking) -> LetterTold:  # noqa: A002 (it is the name in the address)
    """Draft a letter from a template, for a person to read and send; that somebody did, and why, is on record."""
    wanted = Wanted(asked.kind, asked.language, asked.meeting_at)
    letter = call.parts.incidents.letters.draft(call.person, id, wanted, purpose=asked.purpose, case=asked.case)
    call.parts.follower.look()
    return _tell_letter(call, letter)


def show_letter(id: Annotated[Id, Path()], look: Looking, call: Asking) -> LetterTold:  # noqa: A002 (it is the name in the address)
    """Show a letter with its text; that somebody read it, and why, is on record."""
    return _tell_letter(
        call, call.parts.incidents.letters.read(call.person, id, purpose=look.purpose, case=look.case)
    )


def note_sent(id: Annotated[Id, Path()], asked: LetterSentAsked, call: Asking) -> LetterTold:  # noqa: A002 (it is the name in the address)
    """Say on which day a letter was sent."""
    incidents = call.parts.incidents
    letter = incidents.letters.sent(call.person, id, on=asked.on or incidents.desk.day_of(call.parts.clock()))
    call.parts.follower.look()
    return _tell_letter(call, letter)


def _tell_letter(call: Call, letter: Letter) -> LetterTold:
    with call.parts.store.read() as database:
        names = names_of(database, [letter.made_by])
    return LetterTold(
        id=letter.id,
        kind=letter.kind,
        language=letter.language,
        made_at=letter.made_at,
        made_by=named(letter.made_by, names),
        sent_on=letter.sent_on,
        text=letter.text,
    )


# ---- what is sealed ------------------------------------------------------------------------------------------------


def show_card(id: Incident, call: Asking) -> CardTold:  # noqa: A002 (it is the name in the address)
    """Show what to do about a sealed incident, and whom to call."""
    card = call.parts.incidents.sealed.card(call.person, id)
    return CardTold(
        title=_in_language(call, card.title),
        steps=[_in_language(call, step) for step in card.steps],
        to_call=[_in_language(call, contact) for contact in card.contacts],
        contacts=[ContactTold(title=each.title, lines=list(each.lines)) for each in card.own_contacts],
    )


def unseal(id: Incident, asked: LookAsked, call: Asking) -> UnsealTold:  # noqa: A002 (it is the name in the address)
    """Ask to unseal what may be known: it is open once a second person has asked within ten minutes."""
    now = call.parts.incidents.sealed.unseal(call.person, id, purpose=asked.purpose, case=asked.case)
    call.parts.follower.look()
    with call.parts.store.read() as database:
        names = names_of(database, now.asked_by)
    people = [named(person, names) for person in now.asked_by]
    return UnsealTold(is_open=now.is_open, asked_by=people, open_until=now.open_until)


def show_metadata(id: Incident, asked: LookAsked, call: Asking) -> MetadataTold:  # noqa: A002 (it is the name in the address)
    """Show when, how often and for whom, to the two who unsealed it; never what."""
    found = call.parts.incidents.sealed.metadata(call.person, id, purpose=asked.purpose, case=asked.case)
    return MetadataTold.model_validate(found)
