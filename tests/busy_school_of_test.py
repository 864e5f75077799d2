"""A `SchoolOfTest` in the middle of a term: people, requests, incidents, laptops, media, and weeks of activity.

Everything is written by the school's own services, from three weeks ago until its clock stands. `examples` says of
each kind of thing by which ids it is found.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from api_of_test import NOW, PASSWORD, SchoolOfTest
from busy_incidents_of_test import write_incidents
from busy_people_of_test import BETTING, PUPILS, STAFF, BusySchool, Member
from day_of_test import answer

from agent.assembly import open_generations
from agent.dns.askers import Askers
from agent.dns.outcomes import outcome
from agent.dns.spool import Batch, Row, row_code
from agent.fleet.media_exceptions import Asked
from agent.fleet.media_lost import Missing
from agent.fleet.media_register import Draft
from agent.fleet.media_sign_outs import Wanted as WantedOut
from agent.lists.list_updater import ListUpdater
from agent.people.people import SchoolClass
from agent.record.record_check import RecordCheck
from agent.requests.override_drafts import Written
from agent.requests.suspensions import AskedSuspension
from agent.sites.config import parse_site
from agent.sites.site import ActivityLevel
from agent.storage.activity import ActivityStore, Keeping
from agent.storage.fleet_rows import Device, DeviceState, write_device
from rules.medium import LostHow, MediumKind, Stated
from rules.name import DomainName, to_wire
from rules.roles import Role
from rules.verdict import ReasonCode

LONDON = ZoneInfo("Europe/London")
SITE = """\
school: {name: Hill School, timezone: Europe/London, contact: Ms Field in room 7}
packs: [uk-esafety]
networks:
  classrooms: {audience: pupil, cidrs: [192.0.2.0/25]}
  staff-room: {audience: staff, cidrs: [192.0.2.128/26]}
  visitors: {audience: guest, cidrs: [192.0.2.192/26]}
groups:
  year5: {devices: [192.0.2.5, 192.0.2.6, 192.0.2.7, 192.0.2.8, 192.0.2.9, 192.0.2.10]}
  year6: {devices: [192.0.2.16, 192.0.2.17, 192.0.2.18, 192.0.2.19, 192.0.2.20]}
policies:
  chat-in-lessons: {block: [chat], audiences: [pupil]}
  project: {allow: {names: [maths.bets.example]}, groups: year5}
lists:
  bets: {source: bets.txt, category: gambling, refresh: 1d}
upstreams: {servers: [192.0.2.53]}
paths: {state: ., runtime: run}
"""
REASON = "We compare how odds are advertised in maths today."
LESSON = timedelta(minutes=45)


def busy_school(folder: Path) -> BusySchool:
    """Let three weeks of a school go by."""
    school = SchoolOfTest(folder)
    busy = BusySchool(school)
    school.now = NOW - timedelta(days=21)
    _open_people(busy)
    _settle(busy, folder)
    _write_activity(busy)
    for write in (_requests, write_incidents, _laptops, _media, _filter):
        write(busy)
    school.now = NOW
    _settle(busy, folder)
    _look_at_the_record(busy)
    keep_answering(busy)
    return busy


# ---- people and the site -----------------------------------------------------------------------------------------


def _open_people(busy: BusySchool) -> None:
    people, accounts = busy.school.parts.people, busy.school.parts.accounts
    with busy.school.store.act() as act:
        for known_as, title, group in (("c5", "Year 5", "year5"), ("c6", "Year 6", "year6")):
            people.set_class(act, SchoolClass(known_as, title, group), actor="system")
        for login, (name, roles) in STAFF.items():
            classes = ("c5",) if login in ("tess", "theo") else ()
            person = people.open(act, name, roles, actor="system", classes=classes)
            made = accounts.create(act, login, person.id, PASSWORD, actor="system")
            busy.members[login] = Member(person.id, name, made.totp_secret)
        for place, name in enumerate(PUPILS):
            classes = ("c5",) if place < len(PUPILS) // 2 else ("c6",)
            busy.pupils.append(people.open(act, name, (Role.PUPIL,), actor="system", classes=classes).id)
    busy.examples["person"] = {"id": busy.id("theo")}


def _settle(busy: BusySchool, folder: Path) -> None:
    """Put the site there, with its list taken and compiled as a gateway does it."""
    (folder / "site.yaml").write_text(SITE)
    (folder / "bets.txt").write_text("\n".join(("# bets", *BETTING, "")))
    (folder / "run").mkdir(exist_ok=True)
    school = busy.school
    school.site = parse_site(SITE, path=folder / "site.yaml").site
    ListUpdater(school.site, index=open_generations(school.site), now=lambda: school.now).update()
    school.parts.filter_changes.observe(SITE, school.site, os_user="schoolgate")


def _look_at_the_record(busy: BusySchool) -> None:
    """Let the record be proved, as every day."""
    check = RecordCheck(busy.school.store)
    deadline = time.monotonic() + 30
    while "record_verified" not in busy.school.kinds() and time.monotonic() < deadline:
        check.look()
        time.sleep(0.02)
    check.close()


def keep_answering(busy: BusySchool) -> None:
    """Leave what workers leave that answer now, and what they see of who asks."""
    answer(busy.school)
    askers = Askers(
        Path(busy.school.site.paths.runtime), 0, network_of=_network_of, wall_clock=busy.school.now.timestamp
    )
    askers.seen |= {ip_address(address).packed for address in ("192.0.2.5", "192.0.2.130", "192.0.2.200")}
    askers.tick()


def _network_of(address: bytes) -> str:
    return ("classrooms", "staff-room", "visitors")[min(2, address[3] // 64 - 1 if address[3] >= 128 else 0)]


# ---- what was asked ------------------------------------------------------------------------------------------------


def _school_days(until: date) -> Iterator[date]:
    for back in range(21, -1, -1):
        day = until - timedelta(days=back)
        if day.weekday() < 5:
            yield day


def _write_activity(busy: BusySchool) -> None:
    """Write what was blocked and how much was asked in three weeks, and in this lesson."""
    chance, zone = Random(5), LONDON
    known = busy.school.parts.observing.known()
    pupils = tuple(ip_address(f"192.0.2.{number}").packed for number in (*range(5, 11), *range(16, 21)))
    codes = tuple(
        row_code(outcome("pupil", "blocked", category, 0), ReasonCode.POLICY)
        for category in ("gambling", "games", "games", "chat")
    )
    names = {
        code: to_wire(DomainName(name)) for code, name in zip(codes, ("bet.example", "play.example"), strict=False)
    }
    other = to_wire(DomainName("talk.example"))
    with closing(
        ActivityStore(
            busy.school.parts.activity,
            timezone=zone,
            keeping=Keeping(ActivityLevel.BLOCKED, frozenset()),
            pseudonym_of=lambda address, day: known.pseudonym(str(ip_address(address)), day),
        )
    ) as store:
        for day in _school_days(NOW.date()):
            hours = (8, 9) if day == NOW.date() else range(8, 16)
            batches: list[Batch] = []
            for hour in hours:
                minutes = (0, 3, 6, 9, 12) if day == NOW.date() and hour == 9 else (5, 20, 35, 50)
                for minute in minutes:
                    at = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)
                    rows = []
                    for _ in range(chance.randrange(6, 12)):
                        code = chance.choice(codes)
                        rows.append(Row(chance.choice(pupils), names.get(code, other), code, 1))
                    batches.append(Batch(f"day {day}", len(batches) + 1, at.timestamp(), rows))
                at = datetime(day.year, day.month, day.day, hour, tzinfo=zone).astimezone(UTC)
                asked = chance.randrange(2100, 3900) // (4 if day == NOW.date() and hour == 9 else 1)
                counts = {
                    ("pupil", "allowed", ""): asked,
                    ("pupil", "blocked", "gambling"): chance.randrange(8, 40),
                    ("pupil", "blocked", "games"): chance.randrange(20, 90),
                    ("staff", "allowed", ""): asked // 4,
                    ("staff", "blocked", "shopping"): chance.randrange(0, 9),
                }
                store.store_counts(at.timestamp(), counts, {})
            store.store_rows(day, batches)


# ---- requests ------------------------------------------------------------------------------------------------------


def _requests(busy: BusySchool) -> None:
    school, overrides = busy.school, busy.school.parts.overrides

    def ask(login: str, *names: str, topic: str = "Probability", lasts: timedelta = LESSON, **more: object) -> str:
        written = Written(school.now + lasts, REASON, names=names, groups=("year5",), topic=topic)
        return overrides.request(busy.id(login), replace(written, **more)).override.id  # type: ignore[arg-type]  # what a request has

    def decide(how: Callable[..., object], login: str, override: str, **more: str) -> None:
        how(busy.id(login), override, version=overrides.get(override).version, **more)

    for back, login, name in ((20, "tess", "bet.example"), (17, "theo", "bet.example"), (13, "tess", "bet.example")):
        school.now = NOW - timedelta(days=back)
        past = ask(login, name)
        school.now += timedelta(minutes=6 + back)
        decide(overrides.approve, "cora", past)
        school.now += LESSON
        overrides.sweep()
    school.now = NOW - timedelta(days=11)
    decide(overrides.refuse, "hana", ask("theo", "bet.example"), reason="Please use the worksheet of last year.")
    school.now = NOW - timedelta(days=10)
    decide(overrides.withdraw, "tess", ask("tess", "cdn.bet.example"))
    school.now = NOW - timedelta(days=6)
    ended = ask("theo", "bet.example")
    decide(overrides.approve, "cora", ended)
    decide(overrides.revoke, "hana", ended, reason="The lesson ended earlier.")
    school.now = NOW - timedelta(days=4)
    ask("theo", "bet.example")
    school.now += 2 * LESSON
    overrides.sweep()
    school.now = NOW - timedelta(minutes=25)
    busy.examples["running"] = {"id": ask("tess", "cdn.bet.example", topic="Adverts")}
    decide(overrides.approve, "cora", busy.examples["running"]["id"])
    school.now = NOW - timedelta(minutes=12)
    busy.examples["request"] = {"id": ask("tess", "https://bet.example/odds", lasts=timedelta(minutes=57))}
    ask("theo", topic="Games in other languages", categories=("games",), names=(), groups=("year6",))
    ask("theo", "hate.example", topic="Propaganda in the 1930s", groups=("year6",), lasts=timedelta(hours=3))
    written = Written(
        NOW + LESSON, "The examination board moved its page.", names=("exams.bet.example",), groups=("year6",)
    )
    emergency = overrides.request(busy.id("nora"), replace(written, is_break_glass=True))
    busy.examples["emergency"] = {"id": emergency.override.id}
    _suspensions(busy)


def _suspensions(busy: BusySchool) -> None:
    school, suspensions = busy.school, busy.school.parts.suspensions
    why = "The tablets need an update that the filter keeps back."
    school.now = NOW - timedelta(days=8)
    past = suspensions.request(
        busy.id("tim"), AskedSuspension(school.now + timedelta(hours=1), why, networks=("classrooms",))
    )
    suspensions.agree(busy.id("hana"), past.suspension.id, version=past.version)
    school.now += timedelta(minutes=50)
    suspensions.end(busy.id("tim"), past.suspension.id, version=suspensions.get(past.suspension.id).version)
    school.now = NOW - timedelta(minutes=9)
    asked = suspensions.request(
        busy.id("tim"), AskedSuspension(NOW + timedelta(hours=1), why, networks=("classrooms",))
    )
    busy.examples["suspension"] = {"id": asked.suspension.id}


# ---- laptops, media, the filter ------------------------------------------------------------------------------------


def _laptops(busy: BusySchool) -> None:
    school = busy.school
    school.now = NOW - timedelta(days=19)
    with school.store.act() as act:
        for number, login in enumerate(("hana", "cora", "tess", "theo", "sky", "nora"), 1):
            host = {"system": "linux", "release": "6.1", "name": f"laptop-{number}"}
            device = Device(
                f"laptop{number}", 1, DeviceState.ACTIVE, f"Laptop {number}", busy.id(login), f"m{number}", host,
                school.now,
            )  # fmt: skip
            write_device(act.database, device)
    school.parts.fleet.devices.refresh()
    busy.examples["laptop"] = {"id": "laptop1"}


def _media(busy: BusySchool) -> None:
    school, media = busy.school, busy.school.parts.media
    school.now = NOW - timedelta(days=9)

    def register(login: str, purpose: str, **said: object) -> int:
        draft = Draft(MediumKind.STICK, purpose)
        return media.register.register(busy.id(login), replace(draft, **said)).number  # type: ignore[arg-type]  # what a draft has

    mine = register("tess", "Marks of Year 5", label="the red one", stated=Stated.ENCRYPTED, holds_personal_data=True)
    trip = register("theo", "Pictures of the trip", label="blue", kind=MediumKind.CARD)
    spare = register("cora", "Backups of the timetable", kind=MediumKind.DISK, stated=Stated.ENCRYPTED, place="Safe")
    gone = register("tess", "Worksheets for science", label="the green one")
    out = media.sign_outs.sign_out(
        busy.id("cora"), spare, WantedOut("Timetable at home", NOW.date() - timedelta(days=2))
    )
    media.sign_outs.allow(busy.id("hana"), out.number, version=out.version)
    school.now = NOW - timedelta(hours=1)
    asked = media.sign_outs.sign_out(
        busy.id("tess"), mine, WantedOut("Reports at home", NOW.date() + timedelta(days=1))
    )
    wish = media.exceptions.ask(
        busy.id("theo"), trip, Asked("The camera cannot encrypt.", NOW.date() + timedelta(days=9))
    )
    lost = media.lost.report(
        busy.id("tess"), Missing(LostHow.LOST, "I had it on the bus, and at school it was gone.", medium=gone)
    )
    busy.examples |= {
        "medium": {"number": str(mine)},
        "lost medium": {"number": str(gone)},
        "sign-out": {"number": str(asked.number)},
        "exception": {"number": str(wish.number)},
        "lost": {"number": str(lost.number)},
    }


def _filter(busy: BusySchool) -> None:
    school, changes = busy.school, busy.school.parts.filter_changes
    school.now = NOW - timedelta(days=3)
    allow = "policies: {open-maths: {allow: {names: [bets.example]}, audiences: [pupil]}}"
    soon = NOW.date() + timedelta(days=60)
    drafted = changes.draft(
        busy.id("nora"), allow, reason="Odds are part of the maths course.", owner=busy.id("nora"), review_on=soon
    )
    busy.examples["version"] = {"id": str(drafted.number)}
    busy.examples["row"] = {"number": "5"}
