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
# A laptop that was not heard for days may name the accounts of so many at once.
MOST_DAYS: Final = 14
DOUBTED_FOR: Final = timedelta(days=7)
_SYSTEM: Final = "system"


class Naming(Protocol):
    """What is known of a laptop that names accounts: those of the day on which it was heard last, by keyed hash.

    On the day `back_on` it was heard again, so many `away_days` after the day on which it was heard last before.
    """

    named: dict[str, Any]
    doubted_until: str
    away_days: int
    back_on: str


class NamedAccounts:
    """Where they are counted."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms

    def are_too_many(self, act: Act, device: str, laptop: Naming, accounts: Iterable[str], *, on: date) -> bool:
        """Note which accounts a laptop names; says whether it has just named too many.

        Args:
            on: the day on which that came in: on which day it was, is the word of the laptop again.
        """
        days = laptop.away_days if laptop.back_on == on.isoformat() else 1
        most = MOST * min(days, MOST_DAYS)
        of_today = laptop.named.get("on") == on.isoformat()
        before: list[str] = laptop.named["keys"] if of_today else []
        keys = dict.fromkeys(before)
        for account in accounts:
            if len(keys) > most:
                break
            keys[self._pseudonyms.pseudonym(f"account {account}", on)] = None
        laptop.named = {"on": on.isoformat(), "keys": list(keys)}
        if len(keys) <= most or len(before) > most:
            return False
        laptop.doubted_until = (act.now + DOUBTED_FOR).isoformat()
        facts = {"most": most, "until": laptop.doubted_until}
        act.note("device_accounts_doubted", actor=_SYSTEM, subject=device, facts=facts)
        write_finding(act.database, device, FindingKind.MANY_ACCOUNTS, at=act.now, facts=facts)
        return True


def is_doubted(laptop: Naming, now: datetime) -> bool:
    """Say whether whom a laptop names is not taken at its word."""
    return bool(laptop.doubted_until) and now < datetime.fromisoformat(laptop.doubted_until)
