"""What a form does once: sent again as it was, such as by loading an answer again, it gets the first answer.

Each form has the number of its page. What was typed is known as a digest, and who goes back and writes something else
sends something else. Only the newest are known, for an hour, in memory alone.
"""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import Final, Generic, TypeVar

from agent.console.page import Page
from agent.console.typed import UNSENT

Answer = TypeVar("Answer")

FIELD: Final = "form_number"
MOST_KNOWN: Final = 500
KNOWN_FOR: Final = timedelta(hours=1)
# What a page shows of the state of things is out of date soon, and a secret is not there to be read again.
SHOWN_FOR: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class _Sent(Generic[Answer]):
    at: datetime
    digest: bytes
    answer: "Future[Answer]" = field(default_factory=Future)


@dataclass(slots=True)
class Once(Generic[Answer]):
    """The last answer to each form that was sent lately."""

    _known: "OrderedDict[tuple[str, ...], _Sent[Answer]]" = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def do(
        self, page: Page, act: Callable[[], Answer], *, is_kept: Callable[[Answer], bool] = lambda _: True
    ) -> tuple[Answer, bool]:
        """Do something unless this form did it already; give its answer, and whether it was done now.

        What fails is not known, nor an answer that is not to be kept. A form without a number is done each time.
        """
        number = page.typed.get(FIELD)[:60]
        if not number:
            return act(), True
        form = (page.person, page.request.url.path, number)
        sent: _Sent[Answer] = _Sent(page.now, _digest(page))
        with self._lock:
            self._forget(page.now)
            first = self._known.get(form)
            if first is None or first.digest != sent.digest:
                self._known.pop(form, None)
                self._known[form], first = sent, None
                if len(self._known) > MOST_KNOWN:
                    self._known.popitem(last=False)
        if first is not None:
            # A second one that comes while the first is done waits for it.
            return first.answer.result(), False
        return self._done(form, sent, act, is_kept), True

    def done_at(self, page: Page, *, is_shown: Callable[[Answer], bool]) -> datetime | None:
        """Give when a form did what it does, if its answer is not to be shown again.

        That is where it is old, or who sent it did something else since.
        """
        form = (page.person, page.request.url.path, page.typed.get(FIELD)[:60])
        with self._lock:
            self._forget(page.now)
            first = self._known.get(form)
            last = next((each for each in reversed(self._known) if each[0] == page.person), None)
        if first is None or not first.answer.done() or first.digest != _digest(page):
            return None
        is_new = page.now < first.at + SHOWN_FOR and last == form
        return None if is_new or not is_shown(first.answer.result()) else first.at

    def _done(
        self, form: tuple[str, ...], sent: _Sent[Answer], act: Callable[[], Answer], is_kept: Callable[[Answer], bool]
    ) -> Answer:
        kept = False
        try:
            answer = act()
            kept = is_kept(answer)
            sent.answer.set_result(answer)
        except BaseException as error:
            sent.answer.set_exception(error)
            raise
        finally:
            if not kept:
                with self._lock:
                    if self._known.get(form) is sent:
                        del self._known[form]
        return answer

    def _forget(self, now: datetime) -> None:
        while self._known and next(iter(self._known.values())).at + KNOWN_FOR <= now:
            self._known.popitem(last=False)


def _digest(page: Page) -> bytes:
    """Tell apart what was typed, secrets and files too, without keeping it."""
    typed = page.typed
    fields = sorted((name, tuple(values)) for name, values in typed.fields.items() if name not in UNSENT)
    files = sorted((name, sha256(octets).digest()) for name, octets in typed.files.items())
    return sha256(repr((fields, files)).encode()).digest()
