"""What the school wants of the service on a laptop: data, signed, with a version that only rises.

There is no setting that runs anything, and none can be added by a gateway: what is not in `_READERS` is ignored
with a warning. The last good policy stays when a new one is not good.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agent.endpoint.keys import write_private
from agent.endpoint.wire_batch import MAX_ANSWER_BYTES, BadAnswerError, signed_object

FILE: Final = "policy.json"
HASHED: Final = "hashed"
KEPT: Final = "kept"
# Of the form of the policy itself, not settings.
_MEMBERS: Final = frozenset({"v", "version", "issued", "expires"})
_MAX_LIST: Final = 500
_MAX_TEXT: Final = 300
_MAX_WARNINGS: Final = 20


class BadPolicyError(ValueError):
    """A policy that is not taken; the sentence says why."""


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """What can be set; these are the values without any policy.

    Args:
        vpn: names of tunnels and programs that are the school's own.
        resolvers: addresses of our own DNS; none means that any is right.
        file_names: whether names of files leave the laptop as text (`kept`) or as keyed hashes (`hashed`).
        file_names_reason: why they do; without a reason they do not.
        grace_seconds: how long somebody has, after the notice, before it becomes an incident.
        hardware_encrypted: VID:PID or VID:PID:SERIAL of media that the school takes at their word.
        closed: categories that the filter should close for whoever uses a laptop in the school.
    """

    vpn: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()
    file_names: str = HASHED
    file_names_reason: str = ""
    heartbeat_seconds: int = 300
    posture_seconds: int = 900
    grace_seconds: int = 900
    hardware_encrypted: tuple[str, ...] = ()
    register_url: str = ""
    aup_version: str = ""
    closed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EndpointPolicy:
    """A policy in force.

    Args:
        version: 0 is none at all.
        expires: seconds since 1970, or 0 for never.
        warnings: what in it was not understood, as sentences.
    """

    version: int = 0
    expires: int = 0
    settings: PolicySettings = field(default_factory=PolicySettings)
    warnings: tuple[str, ...] = ()

    def is_expired(self, now: float) -> bool:
        """Say whether its time is over; it stays in force, and the status says so."""
        return 0 < self.expires <= now

    def settings_at(self, now: float) -> PolicySettings:
        """Give what holds now: the permission to keep names of files ends with the policy that gave it."""
        if self.is_expired(now):
            return replace(self.settings, file_names=HASHED)
        return self.settings


def _number(least: int, most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise BadPolicyError(f"expected a whole number from {least} to {most}")
        return value

    return read


def _how_names_leave(value: object) -> str:
    if value not in (HASHED, KEPT):
        raise BadPolicyError(f"expected {HASHED} or {KEPT}")
    return str(value)


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT or not value.isprintable():
        raise BadPolicyError(f"expected a text of at most {_MAX_TEXT} characters")
    return value


def _address_of_page(value: object) -> str:
    text = _text(value)
    if text and not text.startswith("https://"):
        raise BadPolicyError("expected an address that starts with https://")
    return text


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _MAX_LIST:
        raise BadPolicyError(f"expected a list of at most {_MAX_LIST} texts")
    return tuple(_text(item) for item in value)


def _addresses(value: object) -> tuple[str, ...]:
    try:
        return tuple(str(ip_address(item)) for item in _texts(value))
    except BadPolicyError:
        raise
    except ValueError:
        raise BadPolicyError("expected a list of IP addresses") from None


_READERS: Final[Mapping[str, Callable[[object], Any]]] = {
    "vpn": _texts,
    "resolvers": _addresses,
    "file_names": _how_names_leave,
    "file_names_reason": _text,
    "heartbeat_seconds": _number(30, 3600),
    "posture_seconds": _number(60, 86_400),
    "grace_seconds": _number(0, 86_400 * 7),
    "hardware_encrypted": _texts,
    "register_url": _address_of_page,
    "aup_version": _text,
    "closed": _texts,
}


def decode_policy(octets: bytes, key: Ed25519PublicKey) -> EndpointPolicy:
    """Read a policy that the holder of `key` signed.

    Raises:
        BadPolicyError: it is none, or not theirs.
    """
    try:
        values = signed_object(octets, key)
    except BadAnswerError as error:
        raise BadPolicyError(str(error)) from None
    return _read(values)


class PolicyStore:
    """The policy in force on this laptop, and the file that keeps it over a restart."""

    def __init__(self, folder: Path, key: Ed25519PublicKey) -> None:
        self._path = folder / FILE
        self._key = key
        self.fault = ""
        self.policy = self._load()

    def take(self, octets: bytes, now: float) -> EndpointPolicy:
        """Put a new policy into force and keep it.

        Raises:
            BadPolicyError: the one in force stays.
            OSError: it could not be kept; the one in force stays.
        """
        policy = decode_policy(octets, self._key)
        if policy.version <= self.policy.version:
            raise BadPolicyError(
                f"The policy has version {policy.version}; expected more than {self.policy.version}."
            )
        if policy.is_expired(now):
            raise BadPolicyError("The policy's time is over already.")
        write_private(self._path, octets)
        self.policy, self.fault = policy, ""
        return policy

    def _load(self) -> EndpointPolicy:
        try:
            with self._path.open("rb") as file:
                octets = file.read(MAX_ANSWER_BYTES + 1)
            return decode_policy(octets, self._key)
        except FileNotFoundError:
            return EndpointPolicy()
        except (OSError, BadPolicyError) as error:
            self.fault = f"The policy on this laptop cannot be used: {error}"
            return EndpointPolicy()


def _read(values: Mapping[str, Any]) -> EndpointPolicy:
    version: Any = values.get("version")
    expires: Any = values.get("expires")
    for name, value, least in (("version", version, 1), ("expires", expires, 0)):
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 2**53:
            raise BadPolicyError(f"The {name} of a policy is a whole number of at least {least}.")
    known: dict[str, Any] = {}
    warnings: list[str] = []
    for name in sorted(values.keys() - _MEMBERS):
        if (reader := _READERS.get(name)) is None:
            warnings.append(f"The setting {name[:40]!r} is not known to this agent and is ignored.")
            continue
        try:
            known[name] = reader(values[name])
        except BadPolicyError as error:
            warnings.append(f"The setting {name!r} is ignored: {error}.")
    if known.get("file_names") == KEPT and not known.get("file_names_reason"):
        known["file_names"] = HASHED
        warnings.append("Names of files stay hashed: file_names_reason does not say why they should leave as text.")
    return EndpointPolicy(version, expires, PolicySettings(**known), tuple(warnings[:_MAX_WARNINGS]))
