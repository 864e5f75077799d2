"""How a school weighs what is observed: what its packs say, as the site tunes it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from agent.categories import load_categories
from agent.sites.findings import Findings
from agent.sites.site import AssessmentSettings, KindTuning, Site
from agent.sites.written_incidents import WrittenAssessment, WrittenBackground
from agent.sites.written_site import WrittenSite
from rules import document
from rules.assessment import AssessmentRules, KindRules
from rules.assessment_reader import proposed_rows, repeat_rows
from rules.incident_kind import Kind
from rules.name import DomainName
from rules.policy_pack import Pack

_PART: Final = "assessment"


def build_assessment(written: WrittenSite, findings: Findings) -> AssessmentSettings:
    """Give the settings; without the part, the packs alone hold."""
    part = written.assessment or WrittenAssessment()
    catalogue = load_categories()
    for index, category in enumerate(part.unattributed):
        findings.is_known((_PART, "unattributed", index), category, catalogue.ids, "category")
    for kind in part.kinds:
        findings.is_known((_PART, "kinds", kind), kind, tuple(Kind), "kind", at_key=True)
    background = part.background or WrittenBackground()
    return AssessmentSettings(
        open_at=part.open_at,
        kinds={kind: KindTuning(tuning.weight, tuning.sites) for kind, tuning in part.kinds.items()},
        background_labels=frozenset(background.labels),
        background_names=frozenset(background.names),
        unattributed=frozenset(part.unattributed),
    )


def check_assessment(
    written: WrittenSite, findings: Findings, packs: Sequence[Pack], *, statutory: frozenset[str]
) -> None:
    """Check what a site tunes against its packs: kinds that are weighed, and nothing illegal that is never looked at.

    Args:
        statutory: the categories that are illegal.
    """
    part = written.assessment or WrittenAssessment()
    weighed = rules_of(packs).kinds
    for kind in part.kinds:
        if kind in tuple(Kind) and kind not in weighed:
            expected = "one of " + ", ".join(weighed) if weighed else "a pack that says how observations are weighed"
            findings.problem((_PART, "kinds", kind), f"the kind {kind}, which no pack weighs", expected, at_key=True)
    for index, category in enumerate(part.unattributed):
        if category in statutory:
            place: document.Path = (_PART, "unattributed", index)
            findings.problem(place, f"the category {category}, which is illegal", "one that is not")


def rules_of(packs: Sequence[Pack]) -> AssessmentRules:
    """Give the rules of the last pack that has some; of several tables for an audience, the first is gone by."""
    tables = {audience: table for pack in reversed(packs) for audience, table in pack.sanctions.items()}
    found = (pack.assessment for pack in reversed(packs) if pack.assessment is not None)
    rules = next(found, AssessmentRules({}, {}))
    return replace(rules, rows=proposed_rows(tables), repeat_rows=repeat_rows(tables))


def site_assessment(site: Site, packs: Sequence[Pack]) -> AssessmentRules:
    """Give the rules that the site in force goes by.

    Args:
        packs: those of the site, with what its own ones replace.
    """
    rules, tuned = rules_of(packs), site.private.assessment
    background = rules.background
    return replace(
        rules,
        statutory=site.rulebook.statutory,
        unattributed=(rules.unattributed | load_categories().unrecorded | tuned.unattributed)
        - site.rulebook.statutory,
        background=replace(
            background,
            labels=background.labels | tuned.background_labels,
            suffixes=background.suffixes | {DomainName(name) for name in tuned.background_names},
        ),
        open_at=tuned.open_at or rules.open_at,
        kinds={kind: _tuned(weighed, tuned.kinds.get(kind)) for kind, weighed in rules.kinds.items()},
    )


def _tuned(rules: KindRules, tuning: KindTuning | None) -> KindRules:
    if tuning is None:
        return rules
    return replace(rules, weight=tuning.weight or rules.weight, sites=tuning.sites or rules.sites)
