"""What a query is to those who answer it: who asks, in what shape, and what waits for an upstream."""

from collections.abc import Callable

from agent.dns.policy_state import Finished, ProfileState, Ruling
from filters.wire import CLASS_IN, FLAG_CD, FLAG_QR, HEADER_OCTETS, MIN_UDP_OCTETS, Query, Type
from rules.subject import Profile

# Questions about a server and its zones, which nobody asks a filter for a good reason.
REFUSED_TYPES = frozenset({Type.AXFR, Type.IXFR})
NO_QUESTIONS = frozenset({0, Type.OPT})
NOT_IMPLEMENTED = frozenset({Type.TKEY, Type.TSIG, Type.MAILA, Type.MAILB})
_UNUSUAL = REFUSED_TYPES | NO_QUESTIONS | NOT_IMPLEMENTED


class Client:
    """One address that asks; `find` looks into its profile's finished replies, or into nothing while limited."""

    __slots__ = ("address", "asked", "debt", "find", "profile", "restraint", "state")

    def __init__(self, address: bytes, profile: Profile, state: ProfileState) -> None:
        self.address = address
        self.profile = profile
        self.state = state
        self.find: Callable[[bytes], Finished | None] = state.replies.entries.get
        self.asked = 0
        self.debt = 0.0
        self.restraint = 0


class Shape:
    """Everything about a query but the name: one object for all queries that look alike."""

    __slots__ = ("dnssec_ok", "edns", "flags", "key_tail", "plain", "qclass", "qtype", "udp_octets")

    def __init__(self, query: Query, udp_limit: int) -> None:
        self.flags = query.flags
        self.qtype = query.qtype
        self.qclass = query.qclass
        self.edns = query.edns
        self.dnssec_ok = query.dnssec_ok
        asked = query.edns.udp_octets if query.edns else MIN_UDP_OCTETS
        self.udp_octets = min(asked, max(udp_limit, MIN_UDP_OCTETS))
        checking_disabled = bool(query.flags & FLAG_CD)
        self.key_tail = query.question[-4:] + bytes((self.dnssec_ok << 1 | checking_disabled,))
        self.plain = (
            query.qclass == CLASS_IN
            and not query.flags & FLAG_QR
            and query.qtype not in _UNUSUAL
            and (query.edns is None or query.edns.version == 0)
        )


class Waiter:
    """A client's query that waits for an upstream; whoever sent it in sets `deliver`."""

    __slots__ = ("asked_at", "client", "deliver", "epoch", "message", "name", "name_end", "ruling", "shape", "udp")

    deliver: Callable[[bytes], None]

    def __init__(
        self,
        client: Client,
        message: bytes,
        name: bytes,
        shape: Shape,
        ruling: Ruling,
        *,
        udp: bool,
        epoch: int,
        asked_at: float,
    ) -> None:
        self.client = client
        self.message = message
        self.name = name
        self.name_end = HEADER_OCTETS + len(name)
        self.shape = shape
        self.ruling = ruling
        self.udp = udp
        self.epoch = epoch
        self.asked_at = asked_at

    @property
    def question(self) -> bytes:
        """Give the question section as the client wrote it."""
        return self.message[HEADER_OCTETS : self.name_end + 5]
