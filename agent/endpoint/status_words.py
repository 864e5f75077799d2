"""The answer of the service to whoever asks it what it does and what it has recorded, in words."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from agent.endpoint import code_words
from agent.endpoint.fact_words import FactWords
from agent.endpoint.notice_texts import EndpointTexts
from agent.endpoint.value_words import ValueWords

Found = Mapping[str, Any]


class StatusWords:
    """The words of one language.

    Args:
        when: writes an instant, in seconds since 1970, on the clock of whoever reads it.
    """

    def __init__(self, texts: EndpointTexts, when: Callable[[float], str]) -> None:
        self._ = texts.gettext
        self._when = when
        self._values = ValueWords(texts, when)
        self._texts = texts

    def facts(self, found: Found) -> Iterator[tuple[str, str]]:
        """Say how the service and its contact stand, with what each is called."""
        _ = self._
        policy, usage = found["policy"], found["usage"]
        standing = _standings(_).get(found["standing"], found["standing"])
        nameless = _("without a name")
        yield _("laptop"), self._values.row((found["device"] or nameless, standing))
        yield _("code"), found["code"]
        yield _("gateway"), found["gateway"]
        yield _("last heard"), self._heard(found)
        yield _("problem"), found["problem"]
        yield _("waiting"), self._waiting(found)
        if found["missing"] or found["quarantined"]:
            lost = {"missing": found["missing"], "aside": found["quarantined"]}
            yield _("lost"), _("missing at the gateway: %(missing)s; put aside: %(aside)s") % lost
        if not found["spool_usable"]:
            yield _("store"), _("cannot be used now; only what is urgent is kept")
        yield _("policy"), self._policy(policy)
        yield "", policy["fault"] or found["policy_problem"]
        for warning in policy["warnings"]:
            yield "", warning
        kept = _("kept as text: %(reason)s") % {"reason": policy["file_names_reason"]}
        yield _("file names"), kept if policy["file_names"] == "kept" else _("never leave this laptop")
        account = found["account"] or _("no account")
        owner = _("whose laptop this is, the register of the gateway says")
        yield _("you"), self._values.parts((account, owner))
        shows = _("a helper shows them") if found["helper"] else _("nobody shows them: no helper runs in a session")
        yield _("notices"), shows
        yield _("filter"), self._filter(found["filter"])
        used = {"share": self._values.share(usage["cpu_average"]), "memory": self._values.size(usage["rss_bytes"])}
        yield _("uses"), _("%(share)s of a processor on average, %(memory)s of memory") % used
        yield _("program"), found["agent"]

    def looks(self, found: Found) -> Iterator[str]:
        """Say of everything that is looked at how that goes, what can be seen and what cannot; a line each."""
        _ = self._
        for row in found["collectors"]:
            yield ""
            name = code_words.collectors(_).get(row["name"], row["name"])
            ago = row["looked_seconds_ago"]
            looked = _("has not looked yet")
            if ago is not None:
                looked = _("looked %(time)s ago") % {"time": self._values.time(ago)}
            health = FactWords(self._texts, self._when).health(row["health"], row["why"])
            yield self._values.named(name, self._values.parts((health, looked)))
            sees = row["sees"]
            yield "  " + _("sees: %(what)s") % {"what": _(sees)}
            for each in row["cannot"]:
                what = code_words.reworded(each, code_words.blind, _)
                yield "  " + _("does not see: %(what)s") % {"what": _(what)}

    def recorded(self, found: Found) -> Iterator[str]:
        """Say what is recorded now; a line each."""
        _ = self._
        media = [each["facts"] for each in found["recorded"] if each["kind"] == "media"]
        words = FactWords(self._texts, self._when, media=media)
        yield ""
        yield _("Recorded now:") if found["recorded"] else _("Nothing is recorded yet.")
        for each in found["recorded"]:
            yield f"  {self._when(each['at'])}  {words.of(each['kind'], each['facts'])}"

    def _heard(self, found: Found) -> str:
        _ = self._
        if found["last_contact"]:
            return self._when(found["last_contact"])
        before = found["heard_before"]
        if not before or before >= found["started_at"]:
            return self._when(before) if before else _("never")
        said = _("not since the service started at %(start)s; before that at %(time)s, as far as was noted")
        return said % {"start": self._when(found["started_at"]), "time": self._when(before)}

    def _waiting(self, found: Found) -> str:
        _ = self._
        if not found["waiting"]:
            return _("nothing")
        told = {"number": found["waiting"], "time": self._values.time(found["oldest_seconds"])}
        return _("events: %(number)s, the oldest for %(time)s") % told

    def _policy(self, policy: Found) -> str:
        _ = self._
        if not policy["version"]:
            return _("none yet; what holds without one")
        said = _("version %(version)s") % {"version": policy["version"]}
        if policy["expires"]:
            said = self._values.row((said, _("until %(time)s") % {"time": self._when(policy["expires"])}))
        over = _("over; it stays until there is another")
        return self._values.aside(said, over) if policy["is_expired"] else said

    def _filter(self, found: Found) -> str:
        said = FactWords(self._texts, self._when).answered(found)
        return self._values.aside(said, self._when(found["asked_at"])) if found["asked_at"] else said


def _standings(_: code_words.Gettext) -> code_words.Table:
    return {
        "active": _("let in"),
        "pending": _("waits to be let in: compare the code with the one that the gateway shows"),
        "refused": _("refused by the gateway; please speak to whoever looks after laptops"),
        "not_enrolled": _("not enrolled; what is observed waits here"),
    }
