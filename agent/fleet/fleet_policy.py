"""What laptops are told by the gateway: settings as data, signed, with a version that only rises; never a command.

A laptop keeps the last good policy, takes none with a lower version, and knows the key since it enrolled.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.endpoint.message_signatures import sign_values
from agent.sites.site import EndpointSettings
from agent.storage.state import StateStore, instant_text

LASTS: Final = timedelta(days=365)
# So long before its end a policy is published again, for laptops that come back after a summer.
RENEWED_BEFORE: Final = timedelta(days=180)
_SYSTEM: Final = "system"


class FleetPolicy:
    """The policy in force, published anew when the settings change.

    Args:
        settings: those of the site in force.
        key: gives the policy key.
    """

    def __init__(
        self, store: StateStore, settings: Callable[[], EndpointSettings], *, key: Callable[[], Ed25519PrivateKey]
    ) -> None:
        self._store = store
        self._settings = settings
        self._key = key
        self._version = 0
        self._signed: bytes = b""

    @property
    def version(self) -> int:
        """The version in force."""
        return self._version

    def signed(self) -> bytes:
        """Give the policy in force as it travels: JSON with its signature `sig`."""
        if not self._signed:
            self.look()
        return self._signed

    def look(self) -> None:
        """Publish a new version where the settings have changed, or the one in force ends within half a year."""
        wanted = policy_of(self._settings())
        with self._store.read() as database:
            row = database.execute("SELECT * FROM fleet_policies ORDER BY version DESC LIMIT 1").fetchone()
        if row is None or _is_due(json.loads(row["content"]), wanted, self._store.clock()):
            self._publish(wanted)
        elif row["version"] != self._version:
            self._version, self._signed = row["version"], row["content"].encode()

    def _publish(self, wanted: dict[str, Any]) -> None:
        with self._store.act() as act:
            (last,) = act.database.execute("SELECT coalesce(max(version), 0) FROM fleet_policies").fetchone()
            version = last + 1
            times = {"issued": int(act.now.timestamp()), "expires": int((act.now + LASTS).timestamp())}
            values = sign_values(self._key(), {**wanted, "v": 1, "version": version, **times})
            signed = json.dumps(values, separators=(",", ":")).encode()
            row = (version, instant_text(act.now), signed.decode())
            act.database.execute("INSERT INTO fleet_policies VALUES (?, ?, ?)", row)
            act.note("endpoint_policy_published", actor=_SYSTEM, facts={"version": version})
        self._version, self._signed = version, signed


def policy_of(settings: EndpointSettings) -> dict[str, Any]:
    """Give the settings by the names that laptops know them by."""
    return {
        "vpn": list(settings.vpn),
        "resolvers": list(settings.resolvers),
        "file_names": settings.file_names,
        "file_names_reason": settings.file_names_reason,
        "heartbeat_seconds": settings.heartbeat_seconds,
        "posture_seconds": settings.posture_seconds,
        "grace_seconds": settings.grace_seconds,
        "hardware_encrypted": list(settings.hardware_encrypted),
        "register_url": settings.register_url,
        "aup_version": settings.aup_version,
        "closed": list(settings.closed),
    }


def _is_due(content: Mapping[str, Any], wanted: Mapping[str, Any], now: datetime) -> bool:
    is_ending = bool(content["expires"] - now.timestamp() < RENEWED_BEFORE.total_seconds())
    return is_ending or any(content.get(name) != value for name, value in wanted.items())
