"""Which forms were sent lately, so that one that is sent a second time as it was gives the receipt of the first.

There is no account: a form is known by the number that its page gave it, for an hour, in memory alone. Of what was
typed a digest is kept.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, NamedTuple

MOST_KNOWN: Final = 500
KNOWN_FOR: Final = timedelta(hours=1)


class SentForm(NamedTuple):
    """A form as it was sent; who writes something else in it sends another one."""

    number: str
    digest: bytes


@dataclass(slots=True)
class SentForms:
    """The receipts of the newest of them."""

    _known: OrderedDict[SentForm, tuple[datetime, str]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def known(self, form: SentForm, now: datetime) -> str | None:
        """Give the receipt of a form that was sent before; none where it has no number."""
        with self._lock:
            return self._find(form, now)

    def do(self, form: SentForm, now: datetime, report: Callable[[], str]) -> str:
        """Report what is in a form, unless that was done; give its receipt. What fails is not known."""
        if not form.number:
            return report()
        # One after another, as they are written: the second of two that come at once finds the first.
        with self._lock:
            receipt = self._find(form, now)
            if receipt is None:
                receipt = report()
                self._known[form] = now, receipt
                if len(self._known) > MOST_KNOWN:
                    self._known.popitem(last=False)
            return receipt

    def _find(self, form: SentForm, now: datetime) -> str | None:
        while self._known and next(iter(self._known.values()))[0] + KNOWN_FOR <= now:
            self._known.popitem(last=False)
        at_and_receipt = self._known.get(form)
        return at_and_receipt[1] if at_and_receipt else None
