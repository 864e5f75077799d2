"""An explanation in plain words, in the language of the school; one fact a line."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from pathlib import PurePath

from agent.dns import canaries
from agent.explaining.explain import Change, Explanation, StandingBlock
from agent.requests.granted import Grant
from agent.sites.site import Site
from agent.texts import Texts
from filters.reply import Refusal
from filters.safe_search import service_title
from filters.wire import Ede
from rules.category import Catalogue, Kind
from rules.event import NAME_TAG, SEARCH_TAG
from rules.subject import Audience, Profile
from rules.verdict import Reason, ReasonCode, Rewrite


@dataclass(frozen=True, slots=True)
class Worded:
    """An explanation in sentences: the verdict, why, what the name is known for, what comes back, what changes it."""

    heading: str
    why: tuple[str, ...]
    known: tuple[str, ...]
    rules: tuple[str, ...]
    answer: tuple[str, ...]
    changes: tuple[str, ...]


def render(explanation: Explanation, site: Site, catalogue: Catalogue, texts: Texts) -> str:
    """Word an explanation, a fact a line."""
    worded = word(explanation, site, catalogue, texts)
    facts = (*worded.why, *worded.known, *worded.rules, *worded.answer, *worded.changes)
    return "\n".join((worded.heading, *(f"  {fact}" for fact in facts))) + "\n"


def word(explanation: Explanation, site: Site, catalogue: Catalogue, texts: Texts) -> Worded:
    """Word an explanation."""
    return _Wording(explanation, site, catalogue, texts).worded()


class _Wording:
    def __init__(self, explanation: Explanation, site: Site, catalogue: Catalogue, texts: Texts) -> None:
        self.explanation = explanation
        self.site = site
        self.catalogue = catalogue
        self.texts = texts

    def worded(self) -> Worded:
        """Give the sentences."""
        _ = self.texts.gettext
        explanation = self.explanation
        if explanation.is_blocked:
            heading = _("%(name)s is blocked.")
        elif isinstance(explanation.verdict, Rewrite):
            heading = _("%(name)s is open in its safe mode.")
        else:
            heading = _("%(name)s is open.")
        return Worded(
            heading % {"name": explanation.name or "."},
            why=(*self._question(), *self._because()),
            known=(*self._categories(), *self._listed()),
            rules=tuple(self._rules()),
            answer=tuple(self._answer()),
            changes=tuple(self._what_changes_it()),
        )

    def _question(self) -> Iterator[str]:
        _ = self.texts.gettext
        who, words = self.explanation.who, self._profile(self.explanation.who.profile)
        if who.address is not None:
            words = _("%(address)s, %(profile)s") % {"address": who.address, "profile": words}
        yield _("Asked by: %(who)s") % {"who": words}
        yield _("Asked at: %(moment)s") % {"moment": self._moment(self.explanation.at)}

    def _because(self) -> Iterator[str]:
        verdict, policy = self.explanation.verdict, self.explanation.policy
        if self.explanation.is_untold:
            yield self.texts.gettext("Why: %(reason)s") % {
                "reason": self.texts.gettext("it is closed at the moment.")
            }
            return
        values = {
            "what": self._what(verdict.reason.tag),
            "whom": "" if policy is None else self.texts.whom(policy.scope),
            "mode": self.texts.mode(verdict.mode) if isinstance(verdict, Rewrite) else "",
        }
        yield self.texts.gettext("Why: %(reason)s") % {"reason": self._reason(verdict.reason) % values}

    def _reason(self, reason: Reason) -> str:
        _ = self.texts.gettext
        match reason.code:
            case ReasonCode.STATUTORY:
                return _("unacceptable and illegal, so blocked for everybody, always: %(what)s.")
            case ReasonCode.GUARD:
                return self._guarded(reason.tag)
            case ReasonCode.LIFTED:
                return _("a rule opens %(what)s for %(whom)s; it would be blocked otherwise.")
            case ReasonCode.POLICY if self.explanation.is_blocked:
                return _("a rule blocks %(what)s for %(whom)s.")
            case ReasonCode.POLICY:
                return _("a rule allows %(what)s for %(whom)s.")
            case ReasonCode.ALLOW_ONLY if reason.policy_id is not None:
                return _("access is restricted for a while, and this name is not among what stays open.")
            case ReasonCode.ALLOW_ONLY:
                return _("only what a rule allows is open here, and no rule allows this name.")
            case ReasonCode.SAFE_SEARCH:
                return _("%(what)s is kept in its safe mode (%(mode)s).")
            case ReasonCode.PRIVATE_ADDRESS:
                return _("the answer points into the school's own network.")
            case ReasonCode.NO_POLICY:
                return _("no rule blocks it.")

    def _guarded(self, tag: str | None) -> str:
        _ = self.texts.gettext
        category = self.catalogue.get(tag)
        if category is None or category.kind is not Kind.GUARD:
            return _("the school itself needs this name; no rule can block it.")
        if category.recorded:
            return _("always open, no rule can block it: %(what)s.")
        return _("always open and never recorded against a person, no rule can block it: %(what)s.")

    def _categories(self) -> Iterator[str]:
        _ = self.texts.gettext
        for category in self.explanation.categories:
            yield _("Category: %(name)s. %(description)s") % {
                "name": category.name(self.texts.language),
                "description": category.description(self.texts.language),
            }
        if not self.explanation.categories:
            yield _("Category: none")

    def _listed(self) -> Iterator[str]:
        _ = self.texts.gettext
        for entry in self.explanation.entries:
            values = {
                "list": entry.list_name,
                "file": entry.line.file,
                "line": entry.line.line,
                "text": entry.line.text,
                "what": self._what(entry.tag),
            }
            if entry.line.exception:
                text = _("Excepted from %(what)s: list %(list)s, file %(file)s, line %(line)d: %(text)s")
            elif entry.dated_at is None:
                text = _("Listed as %(what)s: list %(list)s, file %(file)s, line %(line)d: %(text)s")
            else:
                text = _("Listed as %(what)s: list %(list)s of %(moment)s, file %(file)s, line %(line)d: %(text)s")
                values["moment"] = self._moment(entry.dated_at)
            yield text % values

    def _rules(self) -> Iterator[str]:
        """Name the rule that decided, then the others that block as well."""
        _ = self.texts.gettext
        row = self.explanation.row
        if row is not None:
            yield self._rule(f"{row.pack}/{row.row.id}", row.row.location, row.clause)
        policies = [self.explanation.policy, *(block.policy for block in self.explanation.blocks)]
        for policy in dict.fromkeys(policy for policy in policies if policy is not None):
            if self.explanation.grant is not None and policy is self.explanation.policy:
                yield from self._granted(self.explanation.grant)
                continue
            yield self._rule(policy.id, policy.location, policy.clause)
            if policy.schedule is not None:
                yield _("Hours of this rule: %(schedule)s") % {"schedule": policy.schedule.name}

    def _granted(self, grant: Grant) -> Iterator[str]:
        _ = self.texts.gettext
        if grant.is_suspension:
            text = _("Filtering is off: suspension %(id)s, asked for by %(requester)s, agreed by %(approvers)s")
        elif grant.approvers:
            text = _("Override: %(id)s, asked for by %(requester)s, approved by %(approvers)s")
        else:
            text = _("Override: %(id)s, taken in an emergency by %(requester)s, countersigned by nobody yet")
        people = {"requester": grant.requester, "approvers": self.texts.join(grant.approvers)}
        yield text % {"id": grant.id, **people}
        yield _("Reason given: %(reason)s") % {"reason": grant.reason}

    def _rule(self, name: str, location: str, clause: str) -> str:
        _ = self.texts.gettext
        text = _("Rule: %(rule)s, written in %(location)s")
        if clause:
            text = _("Rule: %(rule)s, written in %(location)s (%(clause)s)")
        return text % {"rule": name, "location": location, "clause": clause}

    def _answer(self) -> Iterator[str]:
        _ = self.texts.gettext
        explanation = self.explanation
        if explanation.is_untold:
            return
        if explanation.refusal is not None:
            yield from self._refusal(explanation.refusal)
            return
        if explanation.safe_host is not None:
            yield _("Answer: the addresses of %(host)s") % {"host": explanation.safe_host}
        elif canaries.TAG in explanation.tags:
            yield _("Answer: from %(upstreams)s") % {"upstreams": "Schoolgate"}
        elif self.site.upstreams.use_system and not explanation.upstreams:
            yield _("Answer: from the resolver of this machine")
        else:
            yield _("Answer: from %(upstreams)s") % {"upstreams": ", ".join(explanation.upstreams)}

    def _refusal(self, refusal: Refusal) -> Iterator[str]:
        _ = self.texts.gettext
        addresses = ", ".join(str(ip_address(each)) for each in (refusal.ipv4, refusal.ipv6) if each)
        if refusal.nxdomain:
            answer = _("no such name (NXDOMAIN)")
        elif addresses:
            answer = addresses
        else:
            answer = _("no address (NODATA)")
        yield _("Answer: %(answer)s, for %(seconds)d seconds") % {"answer": answer, "seconds": refusal.ttl_seconds}
        yield _("Note in the answer: %(code)d %(word)s, “%(text)s”") % {
            "code": refusal.ede,
            "word": Ede(refusal.ede).name.capitalize(),
            "text": refusal.text,
        }

    def _what_changes_it(self) -> Iterator[str]:
        _ = self.texts.gettext
        explanation = self.explanation
        if explanation.change is not None:
            yield self._change(explanation.change)
        for block in explanation.blocks:
            yield from self._open_for(block)
        if not explanation.is_blocked or explanation.is_untold:
            return
        values = {"site": PurePath(self.site.path).name, "what": self._other_ways()}
        if explanation.verdict.reason.code is ReasonCode.STATUTORY:
            yield _("What opens it: nothing.")
        elif explanation.verdict.reason.code is ReasonCode.ALLOW_ONLY and explanation.verdict.reason.policy_id:
            yield _("What opens it: the end of the restriction; whoever deals with the case can end it before.")
        elif explanation.refusal is None or explanation.refusal.ede != Ede.FILTERED:
            yield _("What opens it: a change of the school's rules; nobody can ask for an exception.")
        else:
            if explanation.verdict.reason.code is ReasonCode.ALLOW_ONLY:
                text = _("What opens it: a rule in %(site)s that allows this name or a category that it has.")
            elif values["what"]:
                text = _("What opens it: a rule in %(site)s that allows this name, or allows %(what)s.")
            else:
                text = _("What opens it: a rule in %(site)s that allows this name.")
            yield text % values
            if self.site.school.contact:
                yield _("Whom to ask: %(contact)s") % {"contact": self.site.school.contact}

    def _other_ways(self) -> str:
        """Name what else than the name itself a rule could allow: all that blocks it, together."""
        blocked = (self._what(block.tag) for block in self.explanation.blocks)
        return self.texts.join([what for what in blocked if what != self.explanation.name])

    def _change(self, change: Change) -> str:
        _ = self.texts.gettext
        text = _("Opens: %(moment)s") if self.explanation.is_blocked else _("Closes: %(moment)s")
        return text % {"moment": self._moment(change.at)}

    def _open_for(self, block: StandingBlock) -> Iterator[str]:
        _ = self.texts.gettext
        for policy in block.open_for:
            yield _("Open at that time for %(whom)s: %(what)s (%(location)s)") % {
                "what": self._what(block.tag),
                "whom": self.texts.whom(policy.scope),
                "location": policy.location,
            }

    # --- Words for parts of a sentence

    def _what(self, tag: str | None) -> str:
        category = self.catalogue.get(tag)
        if category is not None:
            return category.name(self.texts.language)
        tag = tag or ""
        if tag.startswith(SEARCH_TAG):
            return service_title(tag)
        return tag.removeprefix(NAME_TAG)

    def _profile(self, profile: Profile) -> str:
        _ = self.texts.gettext
        audience = {Audience.PUPIL: _("pupil"), Audience.STAFF: _("member of staff"), Audience.GUEST: _("guest")}
        groups = ", ".join(sorted(profile.groups))
        if not groups:
            return audience[profile.audience]
        return _("%(audience)s (%(groups)s)") % {"audience": audience[profile.audience], "groups": groups}

    def _moment(self, at: datetime) -> str:
        return self.texts.moment(at, self.site.school.timezone)
