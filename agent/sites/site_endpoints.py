"""What a site says of laptops, checked: names of files are kept for a reason, or not at all."""

from typing import Final

from agent.dns.canaries import CATEGORIES
from agent.sites.findings import Findings
from agent.sites.site import EndpointSettings
from agent.sites.written_endpoints import WrittenEndpoints
from agent.sites.written_site import WrittenSite

_PART: Final = "endpoints"


def build_endpoints(written: WrittenSite, findings: Findings) -> EndpointSettings:
    """Give the settings; without the part, what holds where a site says nothing."""
    part = written.endpoints or WrittenEndpoints()
    is_kept = part.file_names == "kept"
    if is_kept and part.file_names_reason is None:
        findings.problem((_PART, "file_names"), "names of files kept without a reason", "a reason beside it")
    if part.file_names_reason is not None and not is_kept:
        findings.problem((_PART, "reason"), "a reason to keep names of files", "file_names: kept, or no reason")
    for number, category in enumerate(part.closed):
        findings.is_known((_PART, "closed", number), category, CATEGORIES, "category")
    given = part.given()
    lists = ("vpn", "resolvers", "hardware_encrypted", "closed")
    return EndpointSettings(**{**given, **{name: tuple(dict.fromkeys(given[name])) for name in lists}})
