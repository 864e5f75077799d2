"""Restricted access: for a while a device or group gets only what nobody may be without.

Source: UN Convention on the Rights of the Child, articles 17 and 28: information and learning stay.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from rules.policy import Effect, Policy
from rules.subject import Scope

# What stays beside the guards, which no rule can block.
MINIMUM: Final = frozenset({"school_essentials", "for_children", "games_educational", "health_education"})
LONGEST: Final = timedelta(days=92)


def device_group(device: str) -> str:
    """Name the group of one device; no group that a school names has a colon."""
    return f"device:{device}"


def device_of_group(group: str) -> str | None:
    """Give the device whose group this is, or nothing where it is another group."""
    kind, colon, device = group.partition(":")
    return device if kind == "device" and colon else None


def policy_of(
    restriction_id: str,
    *,
    groups: Iterable[str],
    devices: Iterable[str],
    from_at: datetime,
    until_at: datetime,
) -> Policy:
    """Say what the gateway must do while access is restricted.

    Raises:
        ValueError: it is for nobody; an empty scope would mean everybody.
    """
    scope = frozenset(groups).union(map(device_group, devices))
    if not scope:
        raise ValueError("a restriction of nobody")
    return Policy(
        id=f"restriction-{restriction_id}",
        effect=Effect.RESTRICT,
        tags=MINIMUM,
        scope=Scope(groups=scope),
        location=f"restriction {restriction_id}",
        from_at=from_at,
        until_at=until_at,
    )
