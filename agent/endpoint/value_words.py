"""Amounts, lengths of time and plain values in words, as everything that a laptop tells is made of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any, Final

from agent.endpoint.notice_texts import EndpointTexts

# What ends so is a moment, in seconds since 1970; 0 is none.
_MOMENTS: Final = ("_at", "since", "until", "_before")


class ValueWords:
    """The words of one language.

    Args:
        when: writes an instant, in seconds since 1970, on the clock of whoever reads it.
    """

    def __init__(self, texts: EndpointTexts, when: Callable[[float], str]) -> None:
        self.gettext = texts.gettext
        self.when = when

    def size(self, octets: int) -> str:
        """Write an amount of data as it is printed on media, by thousands."""
        _ = self.gettext
        units = (
            _("%(number)s bytes"),
            _("%(number)s kB"),
            _("%(number)s MB"),
            _("%(number)s GB"),
            _("%(number)s TB"),
        )
        number, unit = float(octets), 0
        while number >= 999.5 and unit < len(units) - 1:
            number, unit = number / 1000, unit + 1
        is_small = number < 9.95 and unit > 0
        return units[unit] % {"number": self._decimal(f"{number:.1f}") if is_small else f"{number:.0f}"}

    def share(self, share: float) -> str:
        """Write a share of a whole in hundredths."""
        return f"{self._decimal(f'{share * 100:.2f}')}%"

    def _decimal(self, written: str) -> str:
        whole, _point, part = written.partition(".")
        return self.gettext("%(whole)s.%(part)s") % {"whole": whole, "part": part}

    def time(self, seconds: float) -> str:
        """Write a length of time in the largest unit that it has two of."""
        _ = self.gettext
        for length, words in ((86_400, _("%(number)s days")), (3600, _("%(number)s h")), (60, _("%(number)s min"))):
            if seconds >= 2 * length:
                return words % {"number": f"{seconds / length:.0f}"}
        return _("%(number)s s") % {"number": f"{seconds:.0f}"}

    def named(self, name: str, words: str) -> str:
        """Write what is said of something behind its name."""
        return self.gettext("%(name)s: %(words)s") % {"name": name, "words": words}

    def aside(self, words: str, more: str) -> str:
        """Write more about something in brackets."""
        return self.gettext("%(words)s (%(more)s)") % {"words": words, "more": more}

    def row(self, parts: Iterable[str]) -> str:
        """Write what belongs together closely."""
        return reduce(lambda one, other: self.gettext("%(one)s, %(other)s") % {"one": one, "other": other}, parts)

    def parts(self, parts: Iterable[str]) -> str:
        """Write what stands one beside the other."""
        return reduce(lambda one, other: self.gettext("%(one)s; %(other)s") % {"one": one, "other": other}, parts)

    def span(self, since: float, until: float) -> str:
        """Write from when to when something was."""
        return self.gettext("from %(since)s to %(until)s") % {"since": self.when(since), "until": self.when(until)}

    def rest(self, facts: Mapping[str, Any]) -> list[str]:
        """Write facts for which there are no words; those that say nothing are left out."""
        shown = (
            (key, self._moment(value) if key.endswith(_MOMENTS) else self.plain(value))
            for key, value in facts.items()
        )
        return [f"{key.replace('_', ' ')} {value}" for key, value in shown if value]

    def _moment(self, value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self.plain(value)
        return self.when(value) if value else ""

    def plain(self, value: object) -> str:
        """Give a value for which there are no words."""
        if isinstance(value, bool):
            return self.gettext("yes") if value else self.gettext("no")
        if isinstance(value, Mapping):
            return ", ".join(self.rest(value))
        if isinstance(value, Sequence) and not isinstance(value, str):
            return "/".join(filter(None, map(self.plain, value)))
        return "" if value is None else str(value)
