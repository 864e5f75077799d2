"""One generation of the policy as a worker holds it: for each profile a table of rulings and a cache of replies."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_address
from typing import Final

from agent.dns import canaries
from agent.dns.outcomes import outcome
from agent.dns.snapshot import BlockTexts, Snapshot
from agent.dns.spool import row_code
from agent.sites.site import ActivityLevel, Answers, AnswerStyle
from filters.answer import RawAnswer
from filters.caches import BoundedCache
from filters.classifier import Classifier, Index, Overlay
from filters.decisions import DecisionTable
from filters.reply import Refusal
from filters.safe_search import names_by_tag
from filters.wire import Ede, Rcode
from rules.engine import owed_to
from rules.event import NAME_TAG, WAY_ROUND_TAG, Event
from rules.name import DomainName, to_wire
from rules.policy import Rulebook
from rules.subject import Profile
from rules.verdict import Allow, Block, Reason, ReasonCode, Rewrite, Verdict

# Programs ask for these names to learn whether they may go round the network's resolver; "no such name" is the
# answer that they understand. Source: Mozilla's canary domain, Apple's guidance on Private Relay for networks.
CANARY_TAGS: Final[dict[DomainName, str]] = {
    DomainName("use-application-dns.net"): "encrypted_dns",
    DomainName("mask.icloud.com"): "proxy",
    DomainName("mask-h2.icloud.com"): "proxy",
}
CANARY_NAMES: Final = frozenset(to_wire(name) for name in CANARY_TAGS)
# An answer that somebody has because of an override or a suspension lives no longer, so that everybody knows within a
# minute when it is revoked.
GRANTED_TTL_SECONDS: Final = 60

# A finished reply: its octets without the ID, until when it holds (monotonic), its outcome, its length with the ID,
# and the answer that it was finished from.
Finished = tuple[bytes, float, int, int, RawAnswer]

# By more than that a clock is off when somebody has set it, or when drift has added up for weeks.
CLOCK_JUMP_SECONDS: Final = 1.0

NULL_IPV4 = bytes(4)
NULL_IPV6 = bytes(16)


class Ruling:
    """A verdict with everything that saying it needs, made once for each set of tags.

    `parts` remembers the octets before and after the question by the shape of the query; `row_code` is how the
    query is recorded, None where it is only counted; `overrides` are those without which it would be refused.
    `is_granted` where it would be refused without overrides and suspensions.
    """

    __slots__ = ("is_granted", "outcome", "overrides", "parts", "refusal", "row_code", "tags", "verdict")

    def __init__(
        self,
        verdict: Verdict,
        tags: frozenset[str],
        refusal: Refusal | None,
        outcome: int,
        *,
        row_code: int | None,
        overrides: tuple[bytes, ...] = (),
        is_granted: bool = False,
    ) -> None:
        self.verdict = verdict
        self.tags = tags
        self.refusal = refusal
        self.outcome = outcome
        self.row_code = row_code
        self.overrides = overrides
        self.is_granted = is_granted
        self.parts: dict[object, tuple[bytes, bytes]] = {}


class ProfileState:
    """What all clients of one profile share."""

    __slots__ = ("profile", "replies", "table")

    def __init__(self, profile: Profile, table: DecisionTable[Ruling]) -> None:
        self.profile = profile
        self.table = table
        self.replies: BoundedCache[Finished] = BoundedCache(0, finished_size_bytes, _is_in_use)


def finished_size_bytes(key: bytes, finished: Finished) -> int:
    """Estimate what one finished reply holds: two octet strings, a tuple, a float and its place in a dictionary."""
    return 290 + len(key) + len(finished[0])


def _is_in_use(finished: Finished) -> bool:
    return finished[4].hits > 1


class PolicyState:
    """The policy in force: what it says now, and until when that is sure.

    Args:
        snapshot: the published policy.
        index: the published lists.
        wall_clock: seconds since 1970; read only when tables are made anew.
        monotonic: seconds; the clock that the replies live by.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        index: Index,
        *,
        wall_clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.snapshot = snapshot
        self.classifier = Classifier(index, build_overlay(snapshot.site.rulebook, snapshot.guard_names))
        rulebook = snapshot.site.rulebook
        self._overrides = policies_of_grants(rulebook, "override")
        self._grants = self._overrides | policies_of_grants(rulebook, "suspension")
        granted = frozenset().union(*self._grants.values())
        opened = (policy.tags for policy in rulebook.policies if policy.id in granted)
        self._opened_by_grants = frozenset[str]().union(*opened)
        self._rulebook = replace(rulebook, guards=rulebook.guards | {canaries.PRESENT_TAG})
        self._wall_clock = wall_clock
        self._monotonic = monotonic
        self.profiles: dict[Profile, ProfileState] = {}
        self.boundary = self.boundary_wall = float("inf")
        self._between_clocks = 0.0
        self.decided_at = datetime.fromtimestamp(0, UTC)
        self.advance()

    def advance(self) -> None:
        """Make all tables anew for this instant; every finished reply is forgotten."""
        wall, now = self._wall_clock(), self._monotonic()
        self.decided_at = datetime.fromtimestamp(wall, UTC)
        edge = self.snapshot.site.rulebook.next_boundary(self.decided_at)
        self.boundary_wall = edge.timestamp() if edge else float("inf")
        self.boundary = now + (self.boundary_wall - wall)
        self._between_clocks = wall - now
        for state in self.profiles.values():
            state.table = self._table(state.profile)
            state.replies.clear()

    def is_past_boundary(self) -> bool:
        """Say whether the clock has reached the instant at which verdicts may change, or was set back or on."""
        wall, now = self._wall_clock(), self._monotonic()
        return wall >= self.boundary_wall or abs(wall - now - self._between_clocks) > CLOCK_JUMP_SECONDS

    def profile_state(self, profile: Profile) -> ProfileState:
        """Give the state of a profile, made when its first client turns up."""
        state = self.profiles.get(profile)
        if state is None:
            state = self.profiles[profile] = ProfileState(profile, self._table(profile))
            share = self.snapshot.site.limits.reply_cache_bytes // len(self.profiles)
            for known in self.profiles.values():
                known.replies.set_budget(share)
        return state

    def state_to_try(self, profile: Profile) -> ProfileState:
        """Give the state of a profile; where no client has it, one that takes no room for replies from the others."""
        return self.profiles.get(profile) or ProfileState(profile, self._table(profile))

    def private_ruling(self, profile: Profile, tags: frozenset[str]) -> Ruling:
        """Rule about a public name, with these tags, that has a private address."""
        return self._ruling(profile, Block(Reason(ReasonCode.PRIVATE_ADDRESS)), tags)

    def _table(self, profile: Profile) -> DecisionTable[Ruling]:
        tags_of = partial(self.classifier.tags, wire_name=b"", qtype=0)
        return DecisionTable(
            self._rulebook,
            profile,
            self.decided_at,
            tags_of=tags_of,
            prepare=partial(self._ruling, profile),
        )

    def _ruling(self, profile: Profile, verdict: Verdict, tags: frozenset[str]) -> Ruling:
        refusal = self.refusal(verdict.reason) if isinstance(verdict, Block) else None
        word = {Block: "blocked", Rewrite: "rewritten", Allow: "allowed"}[type(verdict)]
        place = outcome(profile.audience, word, verdict.reason.tag, refusal.rcode if refusal else Rcode.NOERROR)
        return Ruling(
            verdict,
            tags,
            refusal,
            place,
            row_code=self.row_code(place, verdict, tags),
            overrides=() if refusal else self._used(profile, tags),
            is_granted=not refusal and bool(self._owed_to(profile, tags, self._grants)),
        )

    def row_code(self, place: int, verdict: Verdict, tags: frozenset[str]) -> int | None:
        """Say how a query with this verdict is recorded, if the site records it: helplines and canaries never are."""
        wanted = {
            ActivityLevel.COUNTS: False,
            ActivityLevel.BLOCKED: isinstance(verdict, Block),
            ActivityLevel.ALL: True,
        }[self.snapshot.site.retention.activity]
        is_recorded = wanted and canaries.TAG not in tags and not tags & self.snapshot.unrecorded
        return row_code(place, verdict.reason.code) if is_recorded else None

    def _used(self, profile: Profile, tags: frozenset[str]) -> tuple[bytes, ...]:
        """Give the ids of the overrides that a query which is answered makes use of."""
        if canaries.TAG in tags or tags & self.snapshot.unrecorded:
            return ()
        return tuple(each.encode() for each in self._owed_to(profile, tags, self._overrides))

    def _owed_to(
        self, profile: Profile, tags: frozenset[str], grants: Mapping[str, frozenset[str]]
    ) -> tuple[str, ...]:
        """Give those of some grants without which a query that is answered would be refused."""
        if tags.isdisjoint(self._opened_by_grants):
            return ()
        return owed_to(Event(self.decided_at, profile, tags), self._rulebook, grants)

    def refusal(self, reason: Reason) -> Refusal:
        """Say how a block with this reason is told."""
        answers, texts = self.snapshot.site.answers, self.snapshot.texts
        style = answers.by_category.get(reason.tag or "", answers.default)
        if reason.code is ReasonCode.PRIVATE_ADDRESS:
            style = AnswerStyle.NODATA
        ipv4, ipv6 = _addresses(style, answers)
        return Refusal(
            nxdomain=style is AnswerStyle.NXDOMAIN,
            ttl_seconds=answers.blocked_ttl_seconds,
            ede=self._ede(reason),
            text=_text(reason, texts),
            ipv4=ipv4,
            ipv6=ipv6,
        )

    def _ede(self, reason: Reason) -> Ede:
        if reason.code is ReasonCode.STATUTORY:
            return Ede.CENSORED
        if reason.code is ReasonCode.PRIVATE_ADDRESS or reason.tag in self.snapshot.not_askable:
            return Ede.BLOCKED
        return Ede.FILTERED


def _addresses(style: AnswerStyle, answers: Answers) -> tuple[bytes | None, bytes | None]:
    if style is AnswerStyle.NULL:
        return NULL_IPV4, NULL_IPV6
    if style is AnswerStyle.PAGE:
        return _packed(answers.page_ipv4), _packed(answers.page_ipv6)
    return None, None


def _packed(address: str | None) -> bytes | None:
    return ip_address(address).packed if address else None


def _text(reason: Reason, texts: BlockTexts) -> str:
    if reason.tag is not None and reason.tag in texts.by_tag:
        return texts.by_tag[reason.tag]
    return texts.by_reason.get(reason.code, texts.default)


def policies_of_grants(rulebook: Rulebook, kind: str) -> dict[str, frozenset[str]]:
    """Give the ids of the policies of each grant, by its id.

    Args:
        rulebook: the rules; policies of overrides are made by `rules.override.policies_of`, those of suspensions by
            `rules.suspension.policy_of`.
        kind: `override` or `suspension`.
    """
    found: dict[str, frozenset[str]] = {}
    for policy in rulebook.policies:
        word, _, numbered_id = policy.id.partition("-")
        # A rule of the site may be called so, too, but it does not stand there for a time.
        if word == kind and policy.until_at is not None:
            grant = numbered_id.partition("-")[0]
            found[grant] = found.get(grant, frozenset()) | {policy.id}
    return found


def build_overlay(rulebook: Rulebook, guard_names: Mapping[str, Iterable[str]]) -> Overlay:
    """Collect the names that are known beside the lists."""
    mentioned = {tag for policy in rulebook.policies for tag in policy.tags} | rulebook.guards | rulebook.statutory
    subtree: dict[bytes, set[str]] = {}
    for tag in mentioned:
        if tag.startswith(NAME_TAG):
            subtree.setdefault(to_wire(DomainName(tag.removeprefix(NAME_TAG))), set()).add(tag)
    for tag, names in guard_names.items():
        for name in names:
            subtree.setdefault(to_wire(DomainName(name)), set()).add(tag)
    subtree.setdefault(to_wire(canaries.APEX), set()).add(canaries.TAG)
    exact: dict[bytes, set[str]] = {to_wire(name): {tag, WAY_ROUND_TAG} for name, tag in CANARY_TAGS.items()}
    exact.update(canaries.exact_tags())
    for tag, hosts in names_by_tag().items():
        for host in hosts:
            exact.setdefault(to_wire(host), set()).add(tag)
    return Overlay(exact=exact, subtree=subtree)
