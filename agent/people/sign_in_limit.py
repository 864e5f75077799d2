"""How often one address may try to sign in, beside the lock-out of each account.

Behind one address may stand a staff room, so only what fails counts; within a bound, whatever comes.
"""

import threading
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

_MOST_ADDRESSES: Final = 10_000
# What one device of a network can give itself.
_IPV6_PREFIX: Final = 64


class SignInLimit:
    """Attempts by address in windows of time.

    Args:
        attempts: how many may fail in a window.
        window_seconds: how long a window lasts, from its first attempt.
        monotonic: a clock in seconds that nobody sets.
    """

    def __init__(
        self, *, attempts: int = 20, window_seconds: float = 600, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._attempts = attempts
        self._window_seconds = window_seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        # Begin of the window and attempts in it, the oldest window first.
        self._windows: dict[str, tuple[float, int]] = {}

    def take(self, address: str) -> int:
        """Count an attempt; gives how many are above the bound, so 1 is the first that is refused."""
        key = network_of(address)
        now = self._monotonic()
        with self._lock:
            began_at, attempts = self._windows.get(key, (now, 0))
            if now - began_at >= self._window_seconds:
                self._windows.pop(key)
                began_at, attempts = now, 0
            self._windows[key] = (began_at, attempts + 1)
            if len(self._windows) > _MOST_ADDRESSES:
                self._windows.pop(next(iter(self._windows)))
            return max(0, attempts + 1 - self._attempts)

    def give_back(self, address: str) -> None:
        """Take back an attempt that succeeded."""
        key = network_of(address)
        with self._lock:
            if (window := self._windows.get(key)) is not None:
                self._windows[key] = (window[0], max(0, window[1] - 1))


def network_of(address: str) -> str:
    """Give what stands for all addresses that one device of a network can give itself."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ip_network((parsed, _IPV6_PREFIX), strict=False))
    return str(parsed)
