"""The resolvers that this machine is set up to use, as its resolv.conf names them.

Source: resolv.conf(5).
"""

import socket
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from agent.sites.site import Endpoint, Upstream

DNS_PORT: Final = 53
CHECK_SECONDS: Final = 5.0
_UNSPECIFIED: Final = frozenset({"0.0.0.0", "::"})


def parse_resolv_conf(text: str) -> tuple[Endpoint, ...]:
    """Read the `nameserver` lines, each address once and in their order; lines that cannot be used are left out."""
    found = (line.split() for line in text.splitlines())
    addresses = (words[1] for words in found if len(words) > 1 and words[0] == "nameserver")
    return tuple(dict.fromkeys(Endpoint(address, DNS_PORT) for address in addresses if _is_address(address)))


def _is_address(text: str) -> bool:
    bare, scoped, scope = text.partition("%")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    if scoped and (family == socket.AF_INET or not scope):
        return False
    try:
        socket.inet_pton(family, bare)
    except (OSError, ValueError):
        return False
    return True


def leads_back(endpoint: Endpoint, own: Collection[Endpoint]) -> bool:
    """Say whether asking this endpoint would be asking ourselves.

    Args:
        own: where this gateway listens; the unspecified address stands for every address of this machine.
    """
    for listener in own:
        if listener.port != endpoint.port:
            continue
        if listener.address == endpoint.address:
            return True
        if listener.address in _UNSPECIFIED and _is_ours(endpoint):
            return True
    return False


def _is_ours(endpoint: Endpoint) -> bool:
    """Say whether the address belongs to this machine: only then can a socket be bound to it."""
    if endpoint.address in _UNSPECIFIED:
        return True
    try:
        family, _, _, _, address = socket.getaddrinfo(
            endpoint.address, 0, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        )[0]
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind(address)
    except OSError:
        return False
    return True


class SystemResolvers:
    """The resolvers of a resolv.conf that may change at any time.

    Args:
        path: usually /etc/resolv.conf.
        own: where this gateway listens.
    """

    def __init__(self, path: Path, own: Sequence[Endpoint]) -> None:
        self._path = path
        self._own = own
        self._seen: tuple[int, int, int] | None = None
        self._checked_at = float("-inf")
        self.upstreams: tuple[Upstream, ...] = ()

    def refresh(self, now: float) -> bool:
        """Look whether the file has changed, every few seconds at most; says whether the resolvers have.

        A file that is missing or cannot be read leaves them as they were.
        """
        if now < self._checked_at + CHECK_SECONDS:
            return False
        self._checked_at = now
        try:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_ino, status.st_size)
            if seen == self._seen:
                return False
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        self._seen = seen
        before = self.upstreams
        endpoints = parse_resolv_conf(text)
        self.upstreams = tuple(Upstream(endpoint) for endpoint in endpoints if not leads_back(endpoint, self._own))
        return self.upstreams != before
