"""How long the uplink waits after a failure; no clock, no socket.

Source: "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015), full jitter; RFC 9110 section 10.2.3.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

BASE_SECONDS: Final = 5.0
CAP_SECONDS: Final = 15 * 60.0
# What a gateway that refuses this device wants: time for a person to look at it.
REFUSED_SECONDS: Final = 3600.0
START_SECONDS: Final = 60.0
_LEAST_SECONDS: Final = 1.0
_MAX_DOUBLINGS: Final = 16


class Backoff:
    """The waiting of one uplink.

    Args:
        random_share: gives a number from 0 to 1.
    """

    def __init__(self, random_share: Callable[[], float] = random.random) -> None:
        self._random_share = random_share
        self.failures = 0

    def start(self) -> float:
        """Give the seconds before the first contact, so that not all laptops come at a quarter to nine."""
        return START_SECONDS * self._random_share()

    def failed(self) -> float:
        """Note a failure and give the seconds to wait: anything up to a bound that doubles."""
        bound = min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(self.failures, _MAX_DOUBLINGS))
        self.failures += 1
        return max(_LEAST_SECONDS, bound * self._random_share())

    def asked(self, seconds: float) -> float:
        """Note a failure after which the gateway asked for a pause; what it asks is the least.

        Of many that it asked for the same pause not all come back at once, and each time fewer do.
        """
        least = min(max(_LEAST_SECONDS, seconds), REFUSED_SECONDS)
        return max(least * (1 + 0.5 * self._random_share()), self.failed())

    def refused(self) -> float:
        """Note that the gateway does not want this device, and give about an hour."""
        self.failures += 1
        return REFUSED_SECONDS * (0.9 + 0.2 * self._random_share())

    def reset(self) -> None:
        """Begin anew: it worked, or the world is another one."""
        self.failures = 0


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Read Retry-After as seconds from now (seconds since 1970); None where there is none that can be read."""
    if value is None:
        return None
    if value.isascii() and value.isdecimal():
        return float(value[:9])
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.fromtimestamp(now, UTC)).total_seconds())
