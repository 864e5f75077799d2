"""Why a name is blocked or open, for somebody, at some moment: the same evaluation as live, with its evidence.

Nothing here decides: the tags come from the classifier, the verdict from `rules.engine.decide`, the answer from
the policy in force. What is added is where each of them comes from and what would change it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, Final, Protocol

from agent.dns import canaries
from agent.explaining.what_if import Who
from agent.requests.granted import Grant
from agent.sites.site import Site
from filters.list_entries import ListedLine
from filters.reply import Refusal
from filters.safe_search import target
from filters.wire import Type
from rules.category import Catalogue, Category
from rules.engine import decide
from rules.event import Event
from rules.name import DomainName, is_at_or_below, to_wire
from rules.pack import TableRow, Tick
from rules.policy import Effect, Policy, Rulebook
from rules.subject import Scope
from rules.verdict import Block, Reason, ReasonCode, Rewrite, Verdict

# How far into the future a change of the verdict is looked for: a school year of five changes a day.
_MAX_BOUNDARIES: Final = 1000


class Classifying(Protocol):
    """What is needed of `filters.classifier.Classifier`."""

    def classify(self, wire_name: bytes, qtype: int) -> frozenset[str]:
        """Give every tag that applies to a question."""


@dataclass(frozen=True, slots=True)
class ListEntry:
    """The literal line of a list that gives a name a tag; `dated_at` is when that copy was fetched or written."""

    tag: str
    list_name: str
    line: ListedLine
    dated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StandingBlock:
    """One block that stands, and the rules that open the same for others at this moment."""

    tag: str
    policy: Policy
    open_for: tuple[Policy, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """The next moment at which the clock alone changes the verdict."""

    at: datetime
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that there is to say about one question.

    `policy` is the one that the verdict names; `row` the row of the school's table where that says more;
    `blocks` every block that stands, the decisive one first; `refusal` what a blocked client gets; `safe_host`
    where a service is held to its safe mode; `upstreams` who is asked about an open name; `grant` what somebody was
    granted, where the policy is of that.
    Where `is_untold`, why it is blocked is not for whoever asks.
    """

    name: DomainName
    who: Who
    at: datetime
    verdict: Verdict
    tags: frozenset[str]
    categories: tuple[Category, ...] = ()
    entries: tuple[ListEntry, ...] = ()
    policy: Policy | None = None
    row: TableRow | None = None
    blocks: tuple[StandingBlock, ...] = ()
    refusal: Refusal | None = None
    safe_host: DomainName | None = None
    upstreams: tuple[str, ...] = ()
    change: Change | None = None
    grant: Grant | None = None
    is_untold: bool = False

    @property
    def is_blocked(self) -> bool:
        """Say whether the client is refused."""
        return isinstance(self.verdict, Block)


def explain(
    site: Site,
    *,
    name: DomainName,
    who: Who,
    at: datetime,
    classifier: Classifying,
    refusal_of: Callable[[Reason], Refusal],
    find_entries: Callable[[DomainName], Iterable[ListEntry]],
    catalogue: Catalogue,
    grant_of: Callable[[str], Grant | None] = lambda _: None,
) -> Explanation:
    """Explain the verdict about a name for somebody at an instant.

    Args:
        site: the site in force.
        name: the name in question; its address is what is asked for.
        who: on whose behalf.
        at: aware UTC.
        classifier: gives the tags, from the lists in force.
        refusal_of: how a block is told to a client (`PolicyState.refusal`).
        find_entries: the literal lines of the lists about a name.
        catalogue: the categories.
        grant_of: what stands behind a policy, if somebody was granted it.
    """
    tags = classifier.classify(to_wire(name), Type.A)
    event = Event(at, who.profile, tags)
    verdict = decide(event, site.rulebook)
    reason = verdict.reason
    return Explanation(
        name=name,
        who=who,
        at=at,
        verdict=verdict,
        tags=tags,
        categories=tuple(category for category in catalogue if category.id in tags),
        entries=tuple(entry for entry in find_entries(name) if entry.tag in tags or entry.line.exception),
        policy=next((policy for policy in site.rulebook.policies if policy.id == reason.policy_id), None),
        row=_find_row(reason, site.table),
        blocks=tuple(_standing_blocks(event, site.rulebook)),
        refusal=refusal_of(reason) if isinstance(verdict, Block) else None,
        safe_host=target(reason.tag or "", verdict.mode) if isinstance(verdict, Rewrite) else None,
        upstreams=() if isinstance(verdict, Block) or canaries.TAG in tags else _upstreams(site, name),
        change=_next_change(event, site.rulebook, verdict),
        grant=grant_of(reason.policy_id) if reason.policy_id else None,
    )


def _find_row(reason: Reason, table: Iterable[TableRow]) -> TableRow | None:
    """Find the row of the table that makes a tag statutory; no policy stands for it, because none can lift it."""
    if reason.code is not ReasonCode.STATUTORY:
        return None
    illegal = (each for each in table if each.row.tick is Tick.UNACCEPTABLE_ILLEGAL)
    return next((each for each in illegal if reason.tag in each.row.categories), None)


def _standing_blocks(event: Event, rulebook: Rulebook) -> Iterator[StandingBlock]:
    """Give every block that stands, found by asking what would be decided if the ones before were lifted."""
    policies = {policy.id: policy for policy in rulebook.policies}
    lifted = rulebook
    while isinstance(verdict := decide(event, lifted), Block):
        tag, policy_id = verdict.reason.tag, verdict.reason.policy_id
        if tag is None or policy_id is None:
            return
        openers = (
            policy
            for policy in rulebook.policies
            if policy.effect is Effect.ALLOW
            and tag in policy.tags
            and policy.is_in_force(event.at)
            and policy.spares.isdisjoint(event.tags)
        )
        yield StandingBlock(tag, policies[policy_id], tuple(openers))
        lift = Policy("", Effect.ALLOW, frozenset({tag}), Scope(), location="")
        lifted = replace(lifted, policies=(*lifted.policies, lift))


def _next_change(event: Event, rulebook: Rulebook, verdict: Verdict) -> Change | None:
    """Find the next moment at which blocked becomes open, or open blocked, by the clock alone."""
    timed = [
        policy
        for policy in rulebook.policies
        if policy.tags & event.tags and policy.scope.covers(event.profile) and _is_timed(policy)
    ]
    at = event.at
    for _ in range(_MAX_BOUNDARIES if timed else 0):
        edges = [edge for policy in timed if (edge := policy.next_boundary(at)) is not None]
        if not edges:
            return None
        at = min(edges)
        later = decide(replace(event, at=at), rulebook)
        if isinstance(later, Block) != isinstance(verdict, Block):
            return Change(at, later)
    return None


def _is_timed(policy: Policy) -> bool:
    return policy.schedule is not None or policy.from_at is not None or policy.until_at is not None


def _upstreams(site: Site, name: DomainName) -> tuple[str, ...]:
    zones = [zone for zone in site.upstreams.zones if is_at_or_below(name, DomainName(zone.name))]
    servers = max(zones, key=lambda zone: len(zone.name)).upstreams if zones else site.upstreams.servers
    return tuple(map(str, servers))


def as_json(explanation: Explanation, *, language: str) -> dict[str, Any]:
    """Give an explanation as plain values; names and descriptions of categories are in this language."""
    reason, policy, refusal = explanation.verdict.reason, explanation.policy, explanation.refusal
    return {
        "name": explanation.name,
        "address": explanation.who.address,
        "audience": explanation.who.profile.audience.value,
        "groups": sorted(explanation.who.profile.groups),
        "at": _instant(explanation.at),
        "verdict": type(explanation.verdict).__name__.lower(),
        "reason": None if explanation.is_untold else reason.code.value,
        "tag": reason.tag,
        "tags": sorted(explanation.tags),
        "categories": [
            {"id": each.id, "name": each.name(language), "description": each.description(language)}
            for each in explanation.categories
        ],
        "listed": [
            {
                "category": entry.tag,
                "list": entry.list_name,
                "file": entry.line.file,
                "line": entry.line.line,
                "text": entry.line.text,
                "is_exception": entry.line.exception,
                "dated_at": _instant(entry.dated_at),
            }
            for entry in explanation.entries
        ],
        "policy": None if policy is None else _policy_as_json(policy),
        "grant": None if explanation.grant is None else _grant_as_json(explanation.grant),
        "statutory_row": None
        if explanation.row is None
        else {
            "id": explanation.row.row.id,
            "location": explanation.row.row.location,
            "clause": explanation.row.clause,
        },
        "standing_blocks": [
            {
                "tag": block.tag,
                "policy": _policy_as_json(block.policy),
                "open_for": [_policy_as_json(each) for each in block.open_for],
            }
            for block in explanation.blocks
        ],
        "answer": None if refusal is None else _refusal_as_json(refusal),
        "safe_host": explanation.safe_host,
        "upstreams": list(explanation.upstreams),
        "changes_at": None if explanation.change is None else _instant(explanation.change.at),
    }


def _policy_as_json(policy: Policy) -> dict[str, Any]:
    return {
        "id": policy.id,
        "effect": policy.effect.value,
        "location": policy.location,
        "clause": policy.clause,
        "schedule": None if policy.schedule is None else policy.schedule.name,
        "audiences": sorted(policy.scope.audiences),
        "groups": sorted(policy.scope.groups),
        "except_groups": sorted(policy.scope.except_groups),
        "from_at": _instant(policy.from_at),
        "until_at": _instant(policy.until_at),
    }


def _grant_as_json(grant: Grant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "kind": "suspension" if grant.is_suspension else "override",
        "requester": grant.requester,
        "approvers": list(grant.approvers),
        "reason": grant.reason,
        "until_at": _instant(grant.until_at),
    }


def _refusal_as_json(refusal: Refusal) -> dict[str, Any]:
    return {
        "rcode": refusal.rcode.name,
        "ipv4": None if refusal.ipv4 is None else str(ip_address(refusal.ipv4)),
        "ipv6": None if refusal.ipv6 is None else str(ip_address(refusal.ipv6)),
        "ttl_seconds": refusal.ttl_seconds,
        "ede": int(refusal.ede),
        "ede_text": refusal.text,
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()
