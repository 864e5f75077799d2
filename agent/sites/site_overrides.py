"""What people may ask to have opened for a while: categories that exist, and none that is illegal anyway."""

from collections.abc import Iterable
from typing import Final

from agent.categories import load_categories
from agent.sites.findings import Findings
from agent.sites.site import NEVER, SENSITIVE, OverrideSettings
from agent.sites.written_site import WrittenOverrides
from rules import document

_PART: Final = "overrides"


def build_overrides(written: WrittenOverrides, findings: Findings, *, statutory: frozenset[str]) -> OverrideSettings:
    """Say what may be asked for; `statutory` categories are blocked whatever a site says here."""
    limits = written.given()
    never = _read("never", limits.pop("never", NEVER), findings) - statutory
    sensitive = _read("sensitive", limits.pop("sensitive", SENSITIVE), findings)
    if open_now := NEVER - never - statutory:
        told = ", ".join(sorted(open_now))
        findings.notice((_PART, "never"), f"people can ask for {told}, because they are not among these")
    for index, category in enumerate(written.sensitive or ()):
        path: document.Path = (_PART, "sensitive", index)
        if category in statutory:
            findings.problem(path, f"the category {category}, which is illegal", "one that somebody can ask for")
        elif category in never:
            findings.notice(path, f"nobody can ask for {category}, so nobody decides about it")
    return OverrideSettings(**limits, never=never, sensitive=sensitive - statutory - never)


def _read(key: str, categories: Iterable[str], findings: Findings) -> frozenset[str]:
    catalogue = load_categories()
    for index, category in enumerate(categories):
        path: document.Path = (_PART, key, index)
        if findings.is_known(path, category, catalogue.ids, "category") and category in catalogue.guards:
            findings.problem(path, f"the category {category}", "one that may be blocked")
    return frozenset(categories)
