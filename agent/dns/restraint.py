"""What happens to a client that asks far more than a classroom: slowed, then sent to TCP, then refused.

The bound is for an address, and behind one address may be a whole class: it is meant to be met by a broken or
hostile device only. Counting costs the hot path one addition; the reckoning is done between batches.
"""

from collections.abc import Iterable
from typing import Final

from agent.dns.queries import Client

FREE: Final = 0
SLOWED: Final = 1
TRUNCATED: Final = 2
REFUSED: Final = 3

# Seconds' worth of queries above the rate at which each step begins, and at which no more debt is added.
_STEPS: Final = ((4.0, REFUSED), (2.0, TRUNCATED), (1.0, SLOWED))
_MOST_SECONDS: Final = 6.0


def find_nothing(_message: bytes) -> None:
    """Look for a finished reply on behalf of a client whose every query must be looked at."""


def reckon(clients: Iterable[Client], *, rate: int, seconds: float, seen: set[bytes]) -> int:
    """Set every client's restraint by what it asked in the last `seconds`; gives how many are restrained.

    Args:
        rate: queries a second that a client may ask for good.
        seen: takes the addresses of those that asked.
    """
    restrained = 0
    for client in clients:
        asked = client.asked
        if not asked and not client.debt:
            continue
        if asked:
            seen.add(client.address)
        client.asked = 0
        client.debt = min(max(client.debt + asked - rate * seconds, 0.0), rate * _MOST_SECONDS)
        deserved = next((step for above, step in _STEPS if client.debt > rate * above), FREE)
        # However sudden the flood: nobody is refused who was not slowed and truncated before.
        restraint = min(deserved, client.restraint + 1)
        if restraint != client.restraint:
            client.restraint = restraint
            client.find = find_nothing if restraint else client.state.replies.entries.get
        restrained += restraint != FREE
    return restrained
