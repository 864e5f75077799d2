"""Names that lead nowhere and tell whether the filter is on: one for each category that can be blocked, and two more.

A Schoolgate answers them like any name of their category: blocked as the category is blocked, or with an address that
nobody else gives (`ADDRESSES`). Whoever looks one up learns in this way, without a visit to anybody:

- `PRESENT_NAME` gives an address: a Schoolgate answered. Anybody else says that there is no such name (RFC 6761,
  section 6.2), or gives another address.
- `canary_name(category)` gives an address: the category is open for whoever asked. Anything else: it is blocked.
- `UNLISTED_NAME` gives an address: names in no category are open. Anything else: only chosen names are.

The workers look them up (`agent.dns.canary_looks`). Whoever else wants to know imports this module: it stays light.
"""

from typing import Final

from agent.dns.outcomes import CATEGORY_IDS
from rules.name import DomainName, to_wire

APEX: Final = DomainName("canary.schoolgate.test")
# RFC 5737 and RFC 3849: addresses for documentation, which belong to nobody.
IPV4: Final = "192.0.2.1"
IPV6: Final = "2001:db8::1"
ADDRESSES: Final = frozenset({IPV4, IPV6})
# Short, so that an answer says how the filter is and not how it was.
TTL_SECONDS: Final = 10

PRESENT_NAME: Final = DomainName(f"present.{APEX}")
UNLISTED_NAME: Final = DomainName(f"unlisted.{APEX}")

# Every name at or below the apex has this tag, so that no query for one is kept against anybody.
TAG: Final = "canary"
# No policy blocks the name that says who answers, not even where only chosen names are open.
PRESENT_TAG: Final = "canary:present"

_GUARDS: Final = frozenset({"helplines", "system_updates", "health_education", "for_children", "school_essentials"})
CATEGORIES: Final = tuple(category for category in CATEGORY_IDS if category not in _GUARDS)


def canary_name(category: str) -> DomainName:
    """Give the name that tries the filter for a category."""
    return DomainName(f"{category.replace('_', '-')}.{APEX}")


def exact_tags() -> dict[bytes, set[str]]:
    """Give the canaries in wire form with what they are about; a name below one is no canary."""
    return {to_wire(canary_name(category)): {category} for category in CATEGORIES} | {
        to_wire(PRESENT_NAME): {PRESENT_TAG}
    }
