"""What machines tell: who signed in where, and what they saw. A token with the right of its own is all it takes.

Each thing is taken or refused by itself, in a sentence, so that one of them never holds up the others; the same
thing told again changes nothing.
"""

from fastapi import APIRouter

from agent.api.observation_schemas import (
    Batch,
    EventAsked,
    SignInAsked,
    TakenTold,
    read_items,
    tell_taken,
)
from agent.api.parts import WithParts


def add_observation_routes(router: APIRouter) -> None:
    """Add the routes of this file."""
    router.post("/sign-ins")(tell_sign_ins)
    router.post("/observations")(tell_observations)


def tell_sign_ins(asked: Batch, parts: WithParts) -> TakenTold:
    """Tell who signed in where, from when until when; again with the same id to say that it goes on, or has ended."""
    read, refused = read_items(asked.items, SignInAsked)
    taken = parts.observing.sign_ins.take([each.told() for each in read.values()], unreadable=len(refused))
    return tell_taken(taken, list(read), refused)


def tell_observations(asked: Batch, parts: WithParts) -> TakenTold:
    """Tell what a machine saw; it is kept before the answer comes, and weighed soon after."""
    read, refused = read_items(asked.items, EventAsked)
    taken = parts.observing.events.take([each.told() for each in read.values()], unreadable=len(refused))
    return tell_taken(taken, list(read), refused)
