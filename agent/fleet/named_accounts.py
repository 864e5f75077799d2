"""How many accounts one laptop names on a day: where they are more than a class has, its word on them is not taken.

Whoever has a laptop in their power can let it name anybody at its own address. That is bounded here: it is found, and
for a while nobody is put behind what happens there.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, Final, Protocol

from agent.people.pseudonyms import Pseudonyms
from agent.storage.fleet_rows import FindingKind, write_finding
from agent.storage.state import Act

# No class is larger, and no laptop goes from hand to hand more often on a day.
MOST: Final = 40
DOUBTED_FOR: Final = timedelta(days=7)
_SYSTEM: Final = "system"


class Naming(Protocol):
    """What is known of a laptop that names accounts: those of the day on which it was heard last, by keyed hash."""

    named: dict[str, Any]
    doubted_until: str


class NamedAccounts:
    """Where they are counted."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms

    def are_too_many(self, act: Act, device: str, laptop: Naming, accounts: Iterable[str], *, on: date) -> bool:
        """Note which accounts a laptop names; says whether it has just named too many.

        Args:
            on: the day on which that came in: on which day it was, is the word of the laptop again.
        """
        of_today = laptop.named.get("on") == on.isoformat()
        before: list[str] = laptop.named["keys"] if of_today else []
        keys = dict.fromkeys(before)
        for account in accounts:
            if len(keys) > MOST:
                break
            keys[self._pseudonyms.pseudonym(f"account {account}", on)] = None
        laptop.named = {"on": on.isoformat(), "keys": list(keys)}
        if len(keys) <= MOST or len(before) > MOST:
            return False
        laptop.doubted_until = (act.now + DOUBTED_FOR).isoformat()
        facts = {"most": MOST, "until": laptop.doubted_until}
        act.note("device_accounts_doubted", actor=_SYSTEM, subject=device, facts=facts)
        write_finding(act.database, device, FindingKind.MANY_ACCOUNTS, at=act.now, facts=facts)
        return True


def is_doubted(laptop: Naming, now: datetime) -> bool:
    """Say whether whom a laptop names is not taken at its word."""
    return bool(laptop.doubted_until) and now < datetime.fromisoformat(laptop.doubted_until)
