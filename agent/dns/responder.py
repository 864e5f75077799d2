"""One query, from its octets to its answer: classify, decide, reply, or ask upstream and decide again.

The hot loop in `agent.dns.dns_worker` finds finished replies by itself; everything else comes here. Messages are
without their ID throughout. `respond` does no I/O of its own: it gives the answer, or the waiter for a question
that is now in flight.

Source: RFC 6891, RFC 8482, RFC 8767, RFC 8906, RFC 9520.
"""

from collections import Counter
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

import xxhash

from agent.dns import canaries
from agent.dns.outcomes import outcome, rcode_index
from agent.dns.policy_state import CANARY_NAMES, GRANTED_TTL_SECONDS, Finished, PolicyState, Ruling
from agent.dns.queries import NO_QUESTIONS, NOT_IMPLEMENTED, Client, Shape, Waiter
from agent.dns.resolution import PREFETCH_SHARE, Forwarding, Resolution
from agent.dns.shared_memory import Counters
from agent.dns.spool import USED, RowKey
from agent.sites.site import ActivityLevel
from filters.answer import RawAnswer, Remarks
from filters.list_index import ListIndex
from filters.local_zones import TTL_SECONDS, LocalZone, local_zone
from filters.reply import (
    Refusal,
    as_zone_says,
    compose_bare_error,
    compose_error,
    compose_minimal_any,
    compose_nodata,
    compose_safe_mode,
    compose_text,
    compose_truncated,
    header,
    opt_record,
    refusal_parts,
)
from filters.safe_search import target
from filters.wire import (
    CLASS_CH,
    FLAG_AD,
    FLAG_RD,
    HEADER_OCTETS,
    Ede,
    MalformedError,
    Query,
    Rcode,
    Type,
    parse_query,
)
from rules.name import MAX_WIRE_OCTETS, to_wire
from rules.verdict import Allow, Rewrite

# RFC 8767 section 5: an answer past its time goes out with 30 seconds.
STALE_TTL_SECONDS: Final = 30
SAFE_MODE_TTL_SECONDS: Final = 300

# A query with more behind its question (padding, cookies by the hundred) is read anew each time.
MAX_SHAPE_OCTETS: Final = 128
# TTLs count down by the second. Where thousands of replies a second would have to be finished anew for that, those
# with minutes left hold for some seconds more, and say what is left at the end of them: never more than the truth.
BUSY_REFRESHES: Final = 2000
MAX_STRETCH_SECONDS: Final = 8

MAX_SHAPES: Final = 4096
MAX_PARTS: Final = 64
MAX_MESSAGE_OCTETS: Final = 65_535

# A service with a safe mode is found by its addresses; these lead to it by another way, and are said not to exist.
_ADDRESSES: Final = frozenset({Type.A, Type.AAAA})
_OTHER_WAYS_IN: Final = frozenset({Type.CNAME, Type.DNAME, Type.SVCB, Type.HTTPS})
_CANARIES: Final = LocalZone(
    to_wire(canaries.APEX),
    ipv4=ip_address(canaries.IPV4).packed,
    ipv6=ip_address(canaries.IPV6).packed,
    everywhere=True,
)
_VERSION_NAMES: Final = (b"\x07version\x04bind", b"\x07version\x06server")


class Responder:
    """The answers of one worker under one policy.

    Args:
        policy: the policy in force; `adopt` replaces it.
        index: the lists in force.
        forwarder: asks the upstreams.
        counters: what the worker counts.
        monotonic: seconds.
    """

    def __init__(
        self,
        policy: PolicyState,
        index: ListIndex,
        *,
        forwarder: Forwarding,
        counters: Counters,
        monotonic: Callable[[], float],
    ) -> None:
        self.counters = counters
        self._outcomes: list[int] | Counter[int] = counters.outcomes
        self._uncounted = Counter[int]()
        self.resolution = Resolution(forwarder, self, counters=counters, monotonic=monotonic)
        self._now = self._second_ends_at = 0.0
        self._at_most_this_second = 0
        self._ends = [0.0]
        self._refreshed = self._stretch_seconds = 0
        # Thousands of finished replies hold these numbers, and the processor's cache has room for few objects.
        self._places: dict[int, int] = {}
        # What is to be recorded, in the order of the queries; adding it up can wait until the tick.
        self.noted: list[RowKey] = []
        self._shapes: dict[bytes, Shape] = {}
        self.epoch = 0
        self.adopt(policy, index)

    def adopt(self, policy: PolicyState, index: ListIndex) -> None:
        """Answer by another policy from the next query on.

        Answers of upstreams are kept unless the site's zones have changed, finished replies are not.
        """
        site = policy.snapshot.site
        self.policy = policy
        self.epoch += 1
        self._second_ends_at = 0.0
        self._index = index
        self._classifier = policy.classifier
        self._limits = site.limits
        # Where every query is recorded none may be answered without being looked at.
        self._records_all = site.retention.activity is ActivityLevel.ALL
        self._tells_devices_apart = site.retention.activity is not ActivityLevel.COUNTS
        self._answers_config = site.answers
        self._granted_ttl_seconds = min(site.answers.max_ttl_seconds, GRANTED_TTL_SECONDS)
        self._shapes.clear()
        self.resolution.adopt(site)
        self._exact, self._subtree = index.exact_masks, index.subtree_masks
        self._conditional = index.conditional_mask
        overlay = policy.classifier.overlay
        self._overlay_exact = overlay.exact
        self._look_up_by = (
            index.cells,
            index.cell_count,
            overlay.subtree,
            index.root_mask,
            xxhash.xxh3_64_intdigest,
            int(index.has_top_level_rules),
        )

    def advance(self) -> None:
        """Decide anew because the clock has passed a boundary."""
        self.policy.advance()
        self.epoch += 1
        self._second_ends_at = 0.0

    def take_rows(self) -> Counter[RowKey]:
        """Give what is to be recorded since the last time, and how often each came."""
        noted, self.noted = self.noted, []
        return Counter(noted)

    @property
    def index(self) -> ListIndex:
        """The lists in force."""
        return self._index

    @property
    def now(self) -> float:
        """The instant at which queries are answered, in monotonic seconds: read once for a whole batch."""
        return self._now

    @now.setter
    def now(self, now: float) -> None:
        self._now = now
        if now >= self._second_ends_at:
            # All replies that are finished within one second hold until its end, and share the number that says so.
            self._second_ends_at = float(int(now) + 1)
            self._ends = [self._second_ends_at + further for further in range(MAX_STRETCH_SECONDS + 1)]
            self._stretch_seconds = MAX_STRETCH_SECONDS if self._refreshed > BUSY_REFRESHES else 0
            self._refreshed = 0
            left = min(self.policy.boundary - self._second_ends_at, self._answers_config.max_ttl_seconds)
            self._at_most_this_second = max(0, int(left))

    # ---- queries -------------------------------------------------------------------------------------------

    def respond(self, message: bytes, client: Client, *, udp: bool) -> bytes | Waiter | None:
        """Answer a query, or say what it waits for; nothing where no answer can be given.

        One longer function on purpose: blocked names never repeat under random labels, so this is the path of
        every one of them.
        """
        end = message.find(0, HEADER_OCTETS)
        shape = self._shapes.get(message[:HEADER_OCTETS] + message[end + 1 :])
        if shape is None or not shape.plain:
            return self._respond_carefully(message, client, udp=udp)
        name = message[HEADER_OCTETS:end].lower()
        length = end - HEADER_OCTETS
        if length > MAX_WIRE_OCTETS:
            return self._respond_carefully(message, client, udp=udp)

        # The look-up of `ListIndex.look_up` and `Overlay.look_up`, in line; few lists have anything to say of a
        # name of one label.
        cells, cell_count, overlay, mask, digest_of, last_label = self._look_up_by
        reach = length + last_label
        listed = b""
        position = matches = 0
        while position < length:
            suffix = name[position:]
            step = name[position]
            following = position + step + 1
            if following < reach:
                digest = digest_of(suffix)
                slot = digest % cell_count
                while cell := cells[slot]:
                    if cell ^ digest < 65536:
                        bits = self._subtree[cell & 65535]
                        if position == 0:
                            bits |= self._exact[cell & 65535]
                        if bits:
                            mask |= bits
                            matches += 1
                            listed = listed or suffix
                        break
                    slot += 1
                    if slot == cell_count:
                        slot = 0
            if suffix in overlay:
                mask |= overlay[suffix] << self._classifier.shift
                matches += 2
            if step > 63:
                return self._respond_carefully(message, client, udp=udp)
            position = following
        if position != length:
            return self._respond_carefully(message, client, udp=udp)
        over = self._overlay_exact.get(name)
        if over is not None:
            mask |= over << self._classifier.shift
            matches += 2

        if mask & self._conditional:
            ruling = client.state.table.rule(self._classifier.tags(mask, name, shape.qtype))
            matches = 2
        else:
            ruling = client.state.table[mask]
        refusal = ruling.refusal
        if refusal is None:
            return self._answer_allowed(message, client, name, shape, ruling, udp=udp)
        if matches > 1:
            return self._refuse_exactly(message, client, name, shape, ruling)
        parts = ruling.parts.get(shape)
        if parts is None:
            parts = self._remember_parts(ruling, refusal, shape)
        self._outcomes[ruling.outcome] += 1
        if ruling.row_code is not None:
            if not listed:
                listed = self._unlisted(name)
            self.noted.append((client.address, listed, ruling.row_code))
        return parts[0] + message[HEADER_OCTETS : end + 5] + parts[1]

    def _remember_parts(self, ruling: Ruling, refusal: Refusal, shape: Shape) -> tuple[bytes, bytes]:
        if len(ruling.parts) >= MAX_PARTS:
            ruling.parts.clear()
        parts = refusal_parts(refusal, shape.flags, shape.qtype, shape.edns)
        ruling.parts[shape] = parts
        return parts

    def _respond_carefully(self, message: bytes, client: Client, *, udp: bool) -> bytes | Waiter | None:
        """Answer a query of a shape that was not seen before, or that is not as it should be."""
        query = self._read_query(message, client.profile.audience)
        if not isinstance(query, Query):
            return query
        shape = Shape(query, self._limits.udp_payload_bytes)
        if not shape.plain:
            return self._answer_unusual(query, client)
        end = HEADER_OCTETS + len(query.name)
        if message.find(0, HEADER_OCTETS) == end and len(message) - end <= MAX_SHAPE_OCTETS:
            if len(self._shapes) >= MAX_SHAPES:
                self._shapes.clear()
            self._shapes[message[:HEADER_OCTETS] + message[end + 1 :]] = shape
        ruling = self._rule(client, query.name, query.qtype)
        if ruling.refusal is not None:
            return self._refuse_exactly(message, client, query.name, shape, ruling)
        return self._answer_allowed(message, client, query.name, shape, ruling, udp=udp)

    def _read_query(self, message: bytes, audience: str | None) -> Query | bytes | None:
        """Read a query, or give what somebody gets who sent something else."""
        if len(message) < HEADER_OCTETS or message[0] & 0x80:
            # RFC 1035 section 7.3; nobody answers a response, or two servers could keep each other busy for ever.
            self.counters.plain["dropped"] += 1
            return None
        try:
            query = parse_query(message)
        except MalformedError:
            self.counters.plain["malformed"] += 1
            self._count(audience, "malformed", Rcode.FORMERR)
            return compose_bare_error(message[0] << 8 | message[1], Rcode.FORMERR)
        if query.opcode:
            self._count(audience, "malformed", Rcode.NOTIMP)
            return compose_bare_error(query.flags, Rcode.NOTIMP)
        return query

    def _rule(self, client: Client, name: bytes, qtype: int) -> Ruling:
        table = client.state.table
        mask = self._classifier.mask(name)
        if mask & self._conditional:
            return table.rule(self._classifier.tags(mask, name, qtype))
        return table[mask]

    def _answer_unusual(self, query: Query, client: Client) -> bytes:
        """Answer what is not a question about names of the Internet."""
        if query.edns is not None and query.edns.version != 0:
            return self._error(query, client, Rcode.BADVERS)
        if query.qtype in NO_QUESTIONS:
            return self._error(query, client, Rcode.FORMERR)
        if query.qtype in NOT_IMPLEMENTED:
            return self._error(query, client, Rcode.NOTIMP)
        wants_version = query.qclass == CLASS_CH and query.qtype == Type.TXT and query.name in _VERSION_NAMES
        if wants_version and self._answers_config.chaos:
            self._count(client.profile.audience, "local", Rcode.NOERROR)
            return compose_text(query.flags, query.question, query.edns, "Schoolgate", rclass=CLASS_CH)
        return self._error(query, client, Rcode.REFUSED, Ede.PROHIBITED)

    def _error(self, query: Query, client: Client, rcode: Rcode, ede: Ede | None = None) -> bytes:
        self._count(client.profile.audience, "refused" if rcode is Rcode.REFUSED else "malformed", rcode)
        return compose_error(query.flags, rcode, query.question, query.edns, ede=ede)

    def refuse_stranger(self, message: bytes) -> bytes | None:
        """Answer somebody who is in none of the configured networks."""
        self.counters.plain["clients_refused"] += 1
        query = self._read_query(message, None)
        if not isinstance(query, Query):
            return query
        self._count(None, "refused", Rcode.REFUSED)
        return compose_error(query.flags, Rcode.REFUSED, query.question, query.edns, ede=Ede.PROHIBITED)

    def restrain(self, message: bytes, client: Client, *, refuse: bool) -> bytes | None:
        """Answer a client that asks far too much: over TCP please, or not at all for the moment."""
        query = self._read_query(message, client.profile.audience)
        if not isinstance(query, Query):
            return query
        self._count(client.profile.audience, "refused", Rcode.REFUSED if refuse else Rcode.NOERROR)
        if refuse:
            self.counters.plain["clients_limited"] += 1
            return compose_error(query.flags, Rcode.REFUSED, query.question, query.edns, ede=Ede.PROHIBITED)
        self.counters.plain["clients_truncated"] += 1
        return compose_truncated(query.flags, Rcode.NOERROR, query.question, query.edns)

    def _count(self, audience: str | None, word: str, rcode: int) -> None:
        self._outcomes[outcome(audience, word, None, rcode)] += 1

    def _record(self, waiter: Waiter) -> None:
        """Record a query that is answered, and which overrides it makes use of; of those never the name."""
        address, ruling = waiter.client.address, waiter.ruling
        if ruling.row_code is not None:
            self.noted.append((address, waiter.name, ruling.row_code))
        for override in ruling.overrides:
            self.noted.append((address if self._tells_devices_apart else b"", override, USED))

    def rehearse(self, message: bytes, client: Client) -> bytes | Waiter | None:
        """Answer a query of our own as `respond` does; it is counted nowhere."""
        counted, self._outcomes = self._outcomes, self._uncounted
        try:
            return self.respond(message, client, udp=True)
        finally:
            self._outcomes = counted

    # ---- blocked -------------------------------------------------------------------------------------------

    def _refuse_exactly(
        self, message: bytes, client: Client, name: bytes, shape: Shape, ruling: Ruling, *, about: bytes | None = None
    ) -> bytes:
        """Refuse a name that more than one source knows, or whose refusal depends on the name itself.

        Args:
            about: the name that is blocked, where the answer leads there from the name that was asked.
        """
        refusal = ruling.refusal
        if refusal is None:
            raise AssertionError("only a block is refused")
        if name in CANARY_NAMES:
            refusal = Refusal(nxdomain=True, ttl_seconds=refusal.ttl_seconds, ede=refusal.ede, text=refusal.text)
        elif (answer := self._index.answer_for(name)) is not None:
            refusal = as_zone_says(refusal, answer)
        head, tail = refusal_parts(refusal, shape.flags, shape.qtype, shape.edns)
        tag = ruling.verdict.reason.tag
        self._outcomes[outcome(client.profile.audience, "blocked", tag, refusal.rcode)] += 1
        if ruling.row_code is not None:
            listed = self._listed_name(about or name, shape.qtype, tag)
            self.noted.append((client.address, listed, ruling.row_code))
        return head + message[HEADER_OCTETS : HEADER_OCTETS + len(name) + 5] + tail

    def _listed_name(self, name: bytes, qtype: int, tag: str | None) -> bytes:
        """Find the shortest name above that has the tag: what the list says, not what was asked."""
        listed = self._unlisted(name)
        position = 0
        while tag is not None and position < len(name):
            suffix = name[position:]
            if tag in self._classifier.classify(suffix, qtype):
                listed = suffix
            position += name[position] + 1
        return listed

    def _unlisted(self, name: bytes) -> bytes:
        """Give what is recorded of a name that no list and no policy mentions: nothing, unless all queries are."""
        return name if self._records_all else b""

    # ---- allowed -------------------------------------------------------------------------------------------

    def _answer_allowed(
        self, message: bytes, client: Client, name: bytes, shape: Shape, ruling: Ruling, *, udp: bool
    ) -> bytes | Waiter | None:
        waiter = Waiter(client, message, name, shape, ruling, udp=udp, epoch=self.epoch, asked_at=self.now)
        return self._proceed(waiter)

    def _proceed(self, waiter: Waiter) -> bytes | Waiter:
        """Answer from what is known, or put the question in flight."""
        shape, name, verdict = waiter.shape, waiter.name, waiter.ruling.verdict
        if canaries.TAG in waiter.ruling.tags:
            return self._answer_locally(waiter, _CANARIES, at_most_seconds=canaries.TTL_SECONDS)
        # All records of a service are a way round its safe mode, too.
        if shape.qtype == Type.ANY and (self._answers_config.minimal_any or isinstance(verdict, Rewrite)):
            self._count_allowed(waiter, Rcode.NOERROR)
            at_most = self._at_most_seconds(waiter.ruling)
            return compose_minimal_any(shape.flags, waiter.question, shape.edns, at_most)
        if isinstance(verdict, Rewrite):
            if shape.qtype in _OTHER_WAYS_IN:
                self._count_allowed(waiter, Rcode.NOERROR)
                at_most = self._at_most_seconds(waiter.ruling)
                return compose_nodata(shape.flags, waiter.question, shape.edns, at_most)
            if shape.qtype in _ADDRESSES:
                name = to_wire(target(verdict.reason.tag or "", verdict.mode))
        zone = self.resolution.zone_of(name)
        if zone is None and (local := local_zone(name)) is not None:
            return self._answer_locally(waiter, local)
        if not shape.flags & FLAG_RD:
            # RFC 1034 section 4.3.2: recursion that is not asked for is not done; what others asked is not told.
            self._count(waiter.client.profile.audience, "refused", Rcode.REFUSED)
            return compose_error(shape.flags, Rcode.REFUSED, waiter.question, shape.edns, ede=Ede.NOT_AUTHORITATIVE)
        return self.resolution.resolve(waiter, name, zone)

    def _answer_locally(self, waiter: Waiter, zone: LocalZone, *, at_most_seconds: int = TTL_SECONDS) -> bytes:
        shape = waiter.shape
        at_most = min(at_most_seconds, self._at_most_seconds(waiter.ruling))
        answer = zone.compose(shape.flags, waiter.question, shape.edns, shape.qtype, at_most_seconds=at_most)
        self._record(waiter)
        self._count(waiter.client.profile.audience, "local", answer[1] & 0xF)
        return answer

    # ---- finishing -----------------------------------------------------------------------------------------

    def finish(self, waiter: Waiter, raw: RawAnswer, *, stale: bool) -> bytes | Waiter:
        """Look at an upstream's answer with the eyes of one profile, and compose what it may see of it."""
        if waiter.epoch != self.epoch:
            waiter.epoch = self.epoch
            before = waiter.ruling.verdict
            waiter.client.state = self.policy.profile_state(waiter.client.profile)
            waiter.ruling = self._rule(waiter.client, waiter.name, waiter.shape.qtype)
            if waiter.ruling.refusal is not None:
                return self._refuse_exactly(waiter.message, waiter.client, waiter.name, waiter.shape, waiter.ruling)
            if before != waiter.ruling.verdict and Rewrite in (type(before), type(waiter.ruling.verdict)):
                # What was asked for is another name than the one that is wanted now.
                return self._proceed(waiter)
        if raw.remarks is not None:
            about, ruling = self._rule_answer(waiter, raw.remarks)
            if ruling.refusal is not None:
                return self._refuse_exactly(
                    waiter.message, waiter.client, waiter.name, waiter.shape, ruling, about=about
                )
            if isinstance(ruling.verdict, Rewrite) and not isinstance(waiter.ruling.verdict, Rewrite):
                waiter.ruling = ruling
                return self._proceed(waiter)
            if isinstance(waiter.ruling.verdict, Allow) or ruling.verdict == waiter.ruling.verdict:
                waiter.ruling = ruling
        raw.hits += 1
        self._count_allowed(waiter, raw.rcode)
        if isinstance(waiter.ruling.verdict, Rewrite) and waiter.shape.qtype in _ADDRESSES:
            return self._finish_safe_mode(waiter, raw, waiter.ruling.verdict)
        return self._finish_plain(waiter, raw, stale=stale)

    def fail(self, waiter: Waiter, ede: Ede) -> bytes:
        """Say that there is no answer."""
        self._count_allowed(waiter, Rcode.SERVFAIL)
        shape = waiter.shape
        return compose_error(shape.flags, Rcode.SERVFAIL, waiter.question, shape.edns, ede=ede)

    def _rule_answer(self, waiter: Waiter, remarks: Remarks) -> tuple[bytes, Ruling]:
        """Decide again about every name that the answer leads to; a private address is a refusal of its own."""
        own = waiter.ruling
        if remarks.has_private_address and self.resolution.zone_of(waiter.name) is None:
            return waiter.name, self.policy.private_ruling(waiter.client.profile, own.tags)
        decisive = waiter.name, own
        for name in remarks.targets:
            tags = self._classifier.classify(name, waiter.shape.qtype)
            if tags <= own.tags:
                continue
            ruling = waiter.client.state.table.rule(tags | own.tags)
            if ruling.refusal is not None:
                return name, ruling
            leads_to_safe_mode = isinstance(ruling.verdict, Rewrite) and not isinstance(own.verdict, Rewrite)
            if leads_to_safe_mode or (ruling.is_granted and decisive[1] is own):
                decisive = name, ruling
        return decisive

    def _at_most_seconds(self, ruling: Ruling) -> int:
        """Say how long an allowed answer may live: no longer than the policy that allowed it.

        A finished reply goes out for up to a second after it was made.
        """
        left = int(min(self.policy.boundary - self.now, 86_400)) - 1
        longest = self._granted_ttl_seconds if ruling.is_granted else self._answers_config.max_ttl_seconds
        return max(0, min(longest, left))

    def _finish_plain(self, waiter: Waiter, raw: RawAnswer, *, stale: bool) -> bytes:
        shape = waiter.shape
        at_most = self._at_most_seconds(waiter.ruling)
        if stale:
            self.counters.plain["stale_answers"] += 1
            body = raw.stale_body(min(STALE_TTL_SECONDS, at_most))
            code = Ede.STALE_NXDOMAIN if raw.rcode == Rcode.NXDOMAIN else Ede.STALE_ANSWER
            opt = opt_record(shape.edns, ede=code, udp_octets=self._limits.udp_payload_bytes)
        else:
            body = raw.body_at(self.now, at_most_seconds=at_most)
            ede = b"" if raw.remarks is None else raw.remarks.ede
            opt = opt_record(shape.edns, options=ede, udp_octets=self._limits.udp_payload_bytes)
        head = bytearray(header(shape.flags, raw.rcode))
        flags, counts, _ = raw.layout
        head[4:10] = counts
        if opt:
            head[8:10] = (int.from_bytes(counts[4:], "big") + 1).to_bytes(2, "big")
        # RFC 6840 section 5.8: AD goes only to clients that can make something of it.
        if flags & FLAG_AD and (shape.flags & FLAG_AD or shape.dnssec_ok):
            head[1] |= FLAG_AD
        question = waiter.question
        reply = bytes(head) + question + body + opt
        if not self._fits(waiter, reply):
            return self._truncate(waiter, raw.rcode)
        if waiter.udp and not stale:
            self._keep(waiter, raw, reply)
        return reply

    def _fits(self, waiter: Waiter, reply: bytes) -> bool:
        return len(reply) + 2 <= (waiter.shape.udp_octets if waiter.udp else MAX_MESSAGE_OCTETS)

    def _truncate(self, waiter: Waiter, rcode: int) -> bytes:
        self.counters.plain["truncated"] += 1
        return compose_truncated(waiter.shape.flags, rcode, waiter.question, waiter.shape.edns)

    def _finish_safe_mode(self, waiter: Waiter, raw: RawAnswer, verdict: Rewrite) -> bytes:
        shape = waiter.shape
        if raw.rcode != Rcode.NOERROR:
            return compose_error(shape.flags, raw.rcode, waiter.question, shape.edns)
        safe = to_wire(target(verdict.reason.tag or "", verdict.mode)) + b"\0"
        width = 4 if shape.qtype == Type.A else 16
        left = max(0, int(raw.expires_at - self.now))
        ttl = min(SAFE_MODE_TTL_SECONDS, left, self._at_most_seconds(waiter.ruling))
        addresses = [address for address in raw.addresses() if len(address) == width]
        reply = compose_safe_mode(shape.flags, waiter.question, shape.edns, safe, addresses, ttl_seconds=ttl)
        return reply if self._fits(waiter, reply) else self._truncate(waiter, Rcode.NOERROR)

    def _keep(self, waiter: Waiter, raw: RawAnswer, reply: bytes) -> None:
        """Keep a finished reply until its TTLs have to change."""
        until = min(self._second_ends_at, raw.expires_at, self.policy.boundary)
        has_plain_name = waiter.message.find(0, HEADER_OCTETS) == waiter.name_end
        # Every use of an override counts, by whichever device it was; and what was granted has a TTL of its own.
        is_looked_at = self._records_all or waiter.ruling.is_granted
        if until <= self._now or is_looked_at or not has_plain_name:
            return
        place = waiter.ruling.outcome + rcode_index(raw.rcode)
        place = self._places.setdefault(place, place)
        waiter.client.state.replies.put(waiter.message, (reply, until, place, len(reply) + 2, raw))

    def refresh(self, message: bytes, client: Client, finished: Finished) -> bytes | None:
        """Count the TTLs of a finished reply down, where the answer behind it is still good and not due."""
        reply, _, place, octets, raw = finished
        now = self._now
        expires_at = raw.stored_at + raw.lifetime_seconds
        left = expires_at - now
        if left <= raw.lifetime_seconds * PREFETCH_SHARE:
            return None
        stretch = min(self._stretch_seconds, int(left) >> 5)
        counted_at = self._second_ends_at + stretch if stretch else now
        until = min(self._ends[stretch], expires_at, self.policy.boundary)
        if until <= now:
            return None
        raw.hits += 1
        self._refreshed += 1
        at_most = max(0, self._at_most_this_second - stretch)
        body_at = message.find(0, HEADER_OCTETS) + 5
        places = raw.layout.ttl_places
        if len(places) == 1:
            place_in_body = places[0]
            first_ttl = int.from_bytes(raw.body[place_in_body : place_in_body + 4], "big")
            ttl = min(first_ttl - int(counted_at - raw.stored_at), at_most)
            ttl_at = body_at + place_in_body
            reply = reply[:ttl_at] + ttl.to_bytes(4, "big") + reply[ttl_at + 4 :]
        else:
            body = raw.body_at(counted_at, at_most_seconds=at_most)
            reply = reply[:body_at] + body + reply[body_at + len(body) :]
        client.state.replies.entries[message] = (reply, until, place, octets, raw)
        self._outcomes[place] += 1
        return reply

    def _count_allowed(self, waiter: Waiter, rcode: int) -> None:
        self._record(waiter)
        self._outcomes[waiter.ruling.outcome + rcode_index(rcode)] += 1
