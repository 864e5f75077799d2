"""What a gateway leaves on a machine, made by hand for a `SchoolOfTest`: workers, their looks, lists, activity."""

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from api_of_test import SchoolOfTest

from agent.assembly import open_generations
from agent.dns import askers
from agent.dns.canary_looks import Look, Report, report_path
from agent.dns.shared_memory import SharedMemory
from agent.lists.list_updater import ListUpdater
from agent.sites.config import parse_site
from agent.sites.site import ActivityLevel, Site
from agent.storage.activity import ActivityStore, Keeping
from rules.subject import Audience

LONDON = ZoneInfo("Europe/London")
SITE = """\
school: {name: School of Test, timezone: Europe/London, contact: room 7}
packs: [uk-esafety]
networks:
  classrooms: {audience: pupil, cidrs: [192.0.2.0/25]}
  staff-room: {audience: staff, cidrs: [192.0.2.128/26]}
  visitors: {audience: guest, cidrs: [192.0.2.192/26]}
groups: {year5: {devices: [192.0.2.5]}, year6: {devices: [192.0.2.6]}}
policies:
  chat-in-lessons: {block: [chat], audiences: [pupil]}
  project: {allow: {names: [maths.bets.example]}, groups: year5}
lists:
  bets: {source: bets.txt, category: gambling, refresh: 1d}
upstreams: {servers: [192.0.2.53]}
paths: {state: ., runtime: run}
"""


def move_in(school: SchoolOfTest, folder: Path, *, text: str = SITE) -> Site:
    """Give a school a site with a list, in a folder; the list is taken and compiled as a gateway does it."""
    (folder / "bets.txt").write_text("# bets\nother.example\nbets.example\n")
    (folder / "run").mkdir(exist_ok=True)
    site = parse_site(text, path=folder / "site.yaml").site
    ListUpdater(site, index=open_generations(site), now=lambda: school.now).update()
    school.site = site
    school.parts.filter_changes.observe(text, site, os_user="schoolgate")
    return site


def watch(school: SchoolOfTest, since: datetime, asked: Mapping[str, datetime] | None = None) -> None:
    """Leave what a worker tells of who asked, which it has seen since an instant: of a network when last."""
    networks = {network: int(at.timestamp()) for network, at in (asked or {}).items()}
    report = askers.Report(school.now.timestamp(), since=since.timestamp(), networks=networks)
    askers.report_path(Path(school.site.paths.runtime), 0).write_bytes(msgspec.msgpack.encode(report))


def answer(
    school: SchoolOfTest,
    *,
    workers: int = 2,
    behind: int = 0,
    silent: int = 0,
    is_open: Mapping[str, tuple[str, ...]] | None = None,
) -> None:
    """Leave what workers leave that answer.

    Args:
        behind: so many of them by older rules.
        silent: so many of them said nothing for a long time.
        is_open: the categories that each network finds open.
    """
    site, runtime = school.site, Path(school.site.paths.runtime)
    with SharedMemory.create(runtime / "shared.mem", workers=workers) as memory:
        memory.publish(index_generation=3, policy_generation=12)
        for slot in memory.workers():
            slot.begin(pid=1000 + slot.number, started_at_nanoseconds=1)
            slot.beat(1 if slot.number < silent else time.monotonic_ns())
            slot.acknowledge(index_generation=3, policy_generation=11 if slot.number >= workers - behind else 12)
    at = school.now.timestamp()
    looks = tuple(
        Look(
            each.name,
            Audience(each.audience),
            each.groups,
            (is_open or {}).get(each.name, ()),
            is_unlisted_open=False,
        )
        for each in site.networks
    )
    for worker in range(workers):
        report = Report(12, at - 1, at, 1.0, 2.0, index_names=2, index_gives=(), looks=looks)
        report_path(runtime, worker).write_bytes(msgspec.json.encode(report))


def count(school: SchoolOfTest, day: date, hour: int, *, asked: int, blocked: int) -> None:
    """Count what was asked in an hour of the school's clock."""
    at = datetime(day.year, day.month, day.day, hour, tzinfo=LONDON).astimezone(UTC)
    keeping = Keeping(ActivityLevel.COUNTS, frozenset())
    store = ActivityStore(school.parts.activity, timezone=LONDON, keeping=keeping, pseudonym_of=lambda *_: "")
    with closing(store):
        counts = {("pupil", "allowed", ""): asked - blocked, ("pupil", "blocked", "gambling"): blocked}
        store.store_counts(at.timestamp(), counts, {})


def without_lists(site: Site) -> Site:
    """Give a site that goes by its own rules alone."""
    return replace(site, lists=())
