"""The one evaluator: live answers, `explain` and the compiled tables all come from `decide`."""

from collections.abc import Mapping
from dataclasses import replace

from rules.event import NAME_TAG, SEARCH_TAG, Event
from rules.name import DomainName, is_at_or_below
from rules.policy import Effect, Policy, Rulebook
from rules.verdict import Allow, Block, Reason, ReasonCode, Rewrite, Verdict


def decide(event: Event, rulebook: Rulebook) -> Verdict:
    """Decide about one question.

    The only precedence in the product:
    1. statutory tags are blocked, always, for everybody;
    2. guard tags (helplines, abuse support, system updates, the school's essentials) are allowed;
    3. a block stands unless its own category or name is lifted by a policy whose scope and time cover the
       event; one standing block is enough, and nothing depends on the order of policies;
    4. whoever is restricted gets only what the restriction leaves, an allow-only profile only what a policy allows;
       everybody else is allowed by default.
    """
    if statutory := event.tags & rulebook.statutory:
        return Block(Reason(ReasonCode.STATUTORY, min(statutory)))
    if guards := event.tags & rulebook.guards:
        return Allow(Reason(ReasonCode.GUARD, min(guards)))

    speaking = [policy for policy in rulebook.policies if policy.tags & event.tags and policy.covers(event)]
    lifting = [policy for policy in speaking if policy.effect is Effect.ALLOW]
    blocking = sorted(
        (tag, policy.id) for policy in speaking if policy.effect is Effect.BLOCK for tag in policy.tags & event.tags
    )
    standing = [(tag, policy_id) for tag, policy_id in blocking if _lifter(tag, event, lifting) is None]
    if standing:
        tag, policy_id = standing[0]
        return Block(Reason(ReasonCode.POLICY, tag, policy_id))
    if (restriction := _restriction(event, rulebook)) is not None:
        return Block(Reason(ReasonCode.ALLOW_ONLY, policy_id=restriction))
    if rulebook.is_allow_only(event.profile) and not any(policy.chooses for policy in lifting):
        return Block(Reason(ReasonCode.ALLOW_ONLY))
    return _allowed(event, rulebook, blocking, lifting)


def _allowed(
    event: Event, rulebook: Rulebook, blocking: list[tuple[str, str]], lifting: list[Policy]
) -> Allow | Rewrite:
    for tag in sorted(event.tags):
        if tag.startswith(SEARCH_TAG) and (mode := safe_mode(tag, event, rulebook)) is not None:
            return Rewrite(Reason(ReasonCode.SAFE_SEARCH, tag), mode)
    if blocking and (lifter := _lifter(blocking[0][0], event, lifting)) is not None:
        return Allow(Reason(ReasonCode.LIFTED, blocking[0][0], lifter.id))
    if lifting:
        policy = min(lifting, key=lambda policy: policy.id)
        return Allow(Reason(ReasonCode.POLICY, min(policy.tags & event.tags), policy.id))
    return Allow(Reason(ReasonCode.NO_POLICY))


def _restriction(event: Event, rulebook: Rulebook) -> str | None:
    """Find the restriction that leaves nothing of this name."""
    leaving_nothing = (
        policy.id
        for policy in rulebook.policies
        if policy.effect is Effect.RESTRICT and not policy.tags & event.tags and policy.covers(event)
    )
    return min(leaving_nothing, default=None)


def _lifter(blocked_tag: str, event: Event, lifting: list[Policy]) -> Policy | None:
    """Find the policy that lifts this block: it names the same category, or the name itself."""
    lifters = (
        policy
        for policy in lifting
        if any(_lifts(tag, blocked_tag, policy.lifts) for tag in policy.tags & event.tags)
    )
    return min(lifters, key=lambda policy: policy.id, default=None)


def _lifts(allowed_tag: str, blocked_tag: str, categories: frozenset[str] | None) -> bool:
    """Say whether allowing one tag undoes the block of another.

    A category lifts itself alone. A name lifts those of its categories that are in `categories`, all of them where
    that is None, and a block of itself or of a name above it; never the block of a name below, which somebody wrote
    more exactly.
    """
    if allowed_tag == blocked_tag:
        return True
    if not allowed_tag.startswith(NAME_TAG):
        return False
    if not blocked_tag.startswith(NAME_TAG):
        return categories is None or blocked_tag in categories
    return is_at_or_below(DomainName(allowed_tag[len(NAME_TAG) :]), DomainName(blocked_tag[len(NAME_TAG) :]))


def owed_to(event: Event, rulebook: Rulebook, grants: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Say by which of several grants a question gets an answer that it would not get without any of them.

    Args:
        event: a question that is not blocked.
        rulebook: the rules, with the policies of the grants among them.
        grants: the ids of the policies of each grant.

    Returns:
        The grants that are enough together and each needed for it; of several that would do, the first by their ids.
    """
    speaking = {policy.id for policy in rulebook.policies if policy.tags & event.tags and policy.covers(event)}
    needed = tuple(grant for grant in sorted(grants) if not speaking.isdisjoint(grants[grant]))
    for grant in reversed(needed):
        fewer = tuple(each for each in needed if each != grant)
        taken_away = frozenset().union(*(grants[each] for each in grants if each not in fewer))
        kept = tuple(policy for policy in rulebook.policies if policy.id not in taken_away)
        if not isinstance(decide(event, replace(rulebook, policies=kept)), Block):
            needed = fewer
    return needed


def safe_mode(tag: str, event: Event, rulebook: Rulebook) -> str | None:
    """Give the safe mode for a search tag.

    Where two scopes speak, the stricter holds: of `moderate` and `strict`, the later in the alphabet.
    """
    modes = (
        rule.modes[tag] for rule in rulebook.safe_search if tag in rule.modes and rule.scope.covers(event.profile)
    )
    return max(modes, default=None)
