"""The names that no list may block, collected from where they stand."""

from typing import Final

from agent.lists.list_guard import Guards
from agent.lists.starter import starter_files
from agent.sites.site import Site
from rules.name import DomainName, parse_name

# What half of the net stands on, and suffixes that whole countries stand below: no list about any subject holds them.
_WORLD: Final = (
    "ac.jp",
    "ac.uk",
    "apple.com",
    "bbc.co.uk",
    "cloudflare.com",
    "co.jp",
    "ed.jp",
    "europa.eu",
    "go.jp",
    "google.com",
    "googleapis.com",
    "gouv.fr",
    "gov.uk",
    "gstatic.com",
    "microsoft.com",
    "microsoftonline.com",
    "mozilla.org",
    "ne.jp",
    "or.jp",
    "rijksoverheid.nl",
    "sch.uk",
    "wikipedia.org",
    "windows.com",
    "windowsupdate.com",
)
_NAME_TAG: Final = "name:"


def guards_of(site: Site) -> Guards:
    """Give the names that no list may block: the site's own, and those that everybody needs."""
    own = {tag.removeprefix(_NAME_TAG) for tag in site.rulebook.guards if tag.startswith(_NAME_TAG)}
    own |= {zone.name for zone in site.upstreams.zones}
    starters = {category: _names_in(file.read_text("utf-8")) for category, file in starter_files()}
    essential = {parse_name(name) for name in (*own, *_WORLD)} | starters.get("system_updates", set())
    return Guards(frozenset(essential), frozenset(starters.get("helplines", set())))


def _names_in(text: str) -> set[DomainName]:
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return {parse_name(line) for line in lines if line}
