"""A school for the tests of what people read: one site, the tags of a few names, and where they are listed."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from agent.categories import load_categories
from agent.dns.clients import ClientResolver
from agent.dns.policy_state import PolicyState
from agent.dns.snapshot import Snapshot
from agent.explaining.explain import Explanation, ListEntry, explain
from agent.explaining.what_if import parse_moment, parse_who
from agent.sites.config import parse_site
from agent.sites.site import Site
from agent.texts import block_texts, load_texts
from filters.classifier import EmptyIndex
from filters.list_entries import ListedLine
from rules.name import DomainName, ancestors, from_wire

SITE = """\
school: {name: School of Test, timezone: Europe/London, language: LANGUAGE, contact: room 7}
packs: [uk-esafety]
networks:
  classrooms: {audience: pupil, cidrs: [192.0.2.0/25]}
  staff-room: {audience: staff, cidrs: [192.0.2.128/25]}
  guests: {audience: guest, cidrs: [198.51.100.0/24]}
groups:
  year5: {cidrs: [192.0.2.16/28]}
  reception: {cidrs: [192.0.2.32/28]}
  media-club: {audience: pupil}
schedules:
  lunch: {windows: [{days: mon-fri, from: "12:15", to: "13:00"}]}
rows:
  gaming_non_educational:
    - {audience: pupil, tick: certain_times, schedule: lunch}
  video_broadcasting:
    - {nominated: [media-club]}
policies:
  year-five-project:
    allow: {names: [shop.example]}
    groups: year5
    reason: the spring fair
  youngest:
    allow_only: [for_children]
    groups: reception
  no-chat:
    block: [chat]
    audiences: [pupil, guest]
  trip:
    block: {names: [late.example]}
    until: 2026-11-25
essentials: [learning.example]
answers:
  by_category: {chat: "null", shopping: nodata, games: page}
  page_ipv4: 192.0.2.1
upstreams:
  servers: [192.0.2.53, "tls://198.51.100.53#resolver.example"]
  zones: {intranet.example: 192.0.2.2}
"""

TAGS = {
    "canary.schoolgate.test": {"canary"},
    "bet.example": {"gambling"},
    "play.bet.example": {"gambling", "games"},
    "game.example": {"games"},
    "film.example": {"video"},
    "shop.example": {"shopping", "name:shop.example"},
    "talk.example": {"chat"},
    "crime.example": {"criminal_activity", "gambling"},
    "help.example": {"helplines", "chat"},
    "update.example": {"system_updates"},
    "kids.example": {"for_children"},
    "learning.example": {"name:learning.example", "games"},
    "late.example": {"name:late.example"},
    "www.google.com": {"search:google"},
}

ENTRIES = {
    "bet.example": ListEntry(
        "gambling",
        "provider",
        ListedLine("gambling/domains", 4, "bet.example"),
        datetime(2026, 11, 23, 5, 30, tzinfo=UTC),
    ),
    "game.example": ListEntry("games", "starter", ListedLine("games.txt", 17, "game.example")),
    "quiet.example": ListEntry("games", "provider", ListedLine("games.txt", 9, "@@||quiet.example^", exception=True)),
}

MONDAY_MORNING = datetime(2026, 11, 23, 10, 14, tzinfo=UTC)


class TagsOfTest:
    """A classifier that knows a few names, each with all below it."""

    def classify(self, wire_name: bytes, qtype: int) -> frozenset[str]:
        assert qtype == 1
        return frozenset(tag for name in ancestors(from_wire(wire_name)) for tag in TAGS.get(name, ()))


@cache
def load_site_of_test(language: str = "en", *, networks: str = "", groups: str = "") -> Site:
    """Load the site; `networks` and `groups` are lines to add to those parts."""
    text = SITE.replace("LANGUAGE", language)
    text = text.replace("groups:\n  year5", f"{networks}groups:\n  year5").replace(
        "schedules:\n", f"{groups}schedules:\n"
    )
    return parse_site(text, path=Path("/etc/schoolgate/site.yaml")).site


def entries_of_test(name: DomainName) -> list[ListEntry]:
    return [ENTRIES[each] for each in ancestors(name) if each in ENTRIES]


def explain_at_test(
    name: str, who: str, at: str = "now", *, language: str = "en", not_askable: frozenset[str] = frozenset()
) -> tuple[Explanation, Site]:
    site = load_site_of_test(language)
    catalogue = load_categories()
    texts = block_texts(catalogue, load_texts(language))
    snapshot = Snapshot(1, site, texts=texts, not_askable=not_askable, unrecorded=catalogue.unrecorded)
    resolver = ClientResolver(site.networks, site.groups)
    explanation = explain(
        site,
        name=DomainName(name),
        who=parse_who(who, site, resolver),
        at=parse_moment(at, site.school.timezone, now=MONDAY_MORNING),
        classifier=TagsOfTest(),
        refusal_of=PolicyState(snapshot, EmptyIndex()).refusal,
        find_entries=entries_of_test,
        catalogue=catalogue,
    )
    return explanation, site
