"""Why a name is blocked or open, for whom and when: answered by the one evaluator, as `schoolgate explain` does.

Whoever asks for an override may ask for audiences, groups and networks. An address is one device, and often one
person: that is for those who look after devices or the filter. People behind a grant are for those who read them.
Where few devices are in a group, that their access is restricted tells of a person, and is for who reads incidents.
"""

from dataclasses import replace
from http import HTTPStatus
from ipaddress import ip_address, ip_network
from typing import Annotated, Final

from fastapi import APIRouter, Query

from agent.api.explain_schemas import ExplainedTold
from agent.api.filter_routes import small_number_of
from agent.api.parts import Asking, Call
from agent.api.problems import ProblemError, sentence
from agent.api.schemas import Instant
from agent.categories import load_categories
from agent.explaining.explain import Explanation, as_json
from agent.explaining.explain_site import explain_site
from agent.explaining.explain_text import Worded, word
from agent.texts import Texts, load_texts
from rules.errors import ConfigurationError
from rules.policy import Effect
from rules.roles import Right
from rules.subject import Profile
from rules.verdict import ReasonCode

# As an address of a page may be long, of which only the name counts.
MAX_NAME_CHARACTERS: Final = 2_000
MAX_WHO_CHARACTERS: Final = 300
NOT_FOR_ADDRESSES: Final = "An address is one device; ask for an audience, a group or a network."


def add_explain_routes(router: APIRouter) -> None:
    """Add the routes of this file."""
    router.get("/explain")(show_explanation)


def show_explanation(
    call: Asking,
    *,
    name: Annotated[str, Query(max_length=MAX_NAME_CHARACTERS, description="The name, or the address of a page.")],
    who: Annotated[
        str,
        Query(
            max_length=MAX_WHO_CHARACTERS, description="An audience, a group, `network:` with its name, an address."
        ),
    ],
    at: Annotated[Instant | None, Query(description="When; now if it is not given.")] = None,
) -> ExplainedTold:
    """Say why a name is blocked or open for somebody at an instant, to the literal line of the list."""
    try:
        explanation = explained(call, name=name, who=who, at=None if at is None else at.isoformat())
    except ConfigurationError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "not-understood", sentence(str(error))) from None
    texts = load_texts(call.parts.incidents.desk.site().school.language)
    worded = worded_for(call, explanation, texts)
    facts = [*worded.why, *worded.known, *worded.rules, *worded.answer, *worded.changes]
    return ExplainedTold(heading=worded.heading, facts=facts, evidence=as_json(explanation, language=texts.language))


def explained(call: Call, *, name: str, who: str, at: str | None) -> Explanation:
    """Explain a verdict, as far as it is for whoever asks.

    Args:
        name, who: as a person wrote them.
        at: an instant as text; now if it is not given.

    Raises:
        ConfigurationError: the name, the person or the instant cannot be read.
        IndexUnusableError: the compiled lists are damaged.
        ProblemError: who asks may not ask about one device.
        StorageError: what people were granted cannot be read.
    """
    if _is_address(who) and not may_ask_addresses(call):
        raise ProblemError(HTTPStatus.FORBIDDEN, "not-for-you", NOT_FOR_ADDRESSES)
    site = call.parts.incidents.desk.site()
    found = explain_site(site, name=name, who=who.strip(), at=at, now=call.parts.clock())
    if found.who.address is not None and not may_ask_addresses(call):
        # As it was understood, whatever it looked like before.
        raise ProblemError(HTTPStatus.FORBIDDEN, "not-for-you", NOT_FOR_ADDRESSES)
    return told_to(call, found)


def told_to(call: Call, found: Explanation) -> Explanation:
    """Leave out whose request it was, and by which case access is restricted, where who asks may not know it."""
    if not call.may(Right.READ_OVERRIDES):
        found = replace(found, grant=None)
    if call.may(Right.READ_INCIDENTS):
        return found
    if _are_few(call, found.who.profile):
        return _untold(found)
    return replace(found, policy=None) if is_restricted(found) else found


def _untold(found: Explanation) -> Explanation:
    """Leave out what only a rule about a few people says, and when that begins or ends."""
    if found.change is not None and found.change.verdict.reason.code is ReasonCode.ALLOW_ONLY:
        found = replace(found, change=None)
    if found.verdict.reason.code is not ReasonCode.ALLOW_ONLY:
        return found
    return replace(found, policy=None, row=None, blocks=(), refusal=None, change=None, is_untold=True)


def _are_few(call: Call, profile: Profile) -> bool:
    """Say whether one of the groups of a profile has few devices, as far as addresses of the site tell."""
    site = call.parts.incidents.desk.site()
    places = {group.name: [*group.devices, *group.cidrs] for group in site.groups if group.name in profile.groups}
    for network in site.networks:
        for name in profile.groups.intersection(network.groups):
            places.setdefault(name, []).extend(network.cidrs)
    few = small_number_of(call.parts)
    return any(sum(map(_most_devices, places.get(name, ()))) < few for name in profile.groups)


def _most_devices(place: str) -> int:
    """Give how many devices may be in a place: of a prefix its addresses, of anything else one."""
    return ip_network(place, strict=False).num_addresses if "/" in place else 1


def is_restricted(found: Explanation) -> bool:
    """Say whether it is a restriction of somebody's access that closes the name."""
    return found.policy is not None and found.policy.effect is Effect.RESTRICT


def may_ask_addresses(call: Call) -> bool:
    """Say whether somebody may ask what a single device gets."""
    return call.may(Right.DRAFT_FILTER_CHANGE) or call.may(Right.READ_DEVICES)


def worded_for(call: Call, explanation: Explanation, texts: Texts) -> Worded:
    """Word an explanation in a language."""
    return word(explanation, call.parts.incidents.desk.site(), load_categories(), texts)


def _is_address(who: str) -> bool:
    try:
        ip_address(who.strip())
    except ValueError:
        return False
    return True
