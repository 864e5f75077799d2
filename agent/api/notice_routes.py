"""Notices: how their queue stands, and a try whether they arrive; never what they say, nor to whose address."""

from http import HTTPStatus

from fastapi import APIRouter

from agent.api.paging import USUAL, Limit
from agent.api.parts import Asking, WithParts
from agent.api.schemas import NoticesTold, NoticeTold, QueueTold, TriedTold
from agent.notices.notify import read_queue, read_sendings
from agent.people.attempts import known_person


def add_notice_routes(router: APIRouter) -> None:
    """Add the routes of this file."""
    router.get("/notifications")(show_queue)
    router.post("/notifications/test", status_code=HTTPStatus.ACCEPTED)(try_out)


def show_queue(parts: WithParts, limit: Limit = USUAL) -> NoticesTold:
    """Show how the queues stand and what became of the newest notices."""
    with parts.store.read() as database:
        queues = read_queue(database)
        sendings = read_sendings(database, limit=limit)
    return NoticesTold(
        queues=[
            QueueTold(channel=channel, waiting=facts.waiting, oldest_at=facts.oldest_at, given_up=facts.given_up)
            for channel, facts in queues.items()
        ],
        items=[NoticeTold.model_validate(sending) for sending in sendings],
    )


def try_out(call: Asking) -> TriedTold:
    """Queue a test notice for every webhook, and for every address of whoever asks; `GET` shows how it went."""
    with call.parts.store.act() as act:
        tried = call.parts.teller.test(act, known_person(act.database, call.person))
    return TriedTold.model_validate(tried)
