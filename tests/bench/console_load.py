"""How long each page of the console takes at a school after a year, how much it weighs, and memory over a day.

A school in a folder of its own: a million rows of activity, thousands of incidents, people, requests and rows of the
record, written by the product's own writers. The pages are asked for one after the other, in this process, over the
application itself: what is measured is what the server computes, without TLS and without a browser, so that others on
the machine hardly count. Then thirty people do a day of looking in a minute, open pages and follow what happens, and
the memory of the process must not grow. Ended by a time limit.
"""

import argparse
import asyncio
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parents[1]))

from api_of_test import SITE, SchoolOfTest, lesson
from pages_of_test import Browser, browser_of

from agent.api.process_memory import leave_what_is_loaded, share_heaps
from agent.dns.outcomes import outcome
from agent.dns.spool import Batch, Row, row_code
from agent.sites.site import ActivityLevel, Paths
from agent.storage.activity import ActivityStore, Keeping
from rules.incident_kind import Kind
from rules.name import DomainName, to_wire
from rules.roles import Role
from rules.verdict import ReasonCode

LONDON: Final = ZoneInfo("Europe/London")
SCHOOL_DAYS: Final = 190
PEOPLE, TENTHS = 30, 10
# Four times a second so much time goes by: nobody is away so long meanwhile that their session ends.
TICK_SECONDS: Final = 20.0
# After so many tenths every page was opened; what memory may grow by from then on is what allocators waste.
WARM_TENTHS, MOST_GROWTH_MIB = 3, 12.0
HOURS: Final = (9, 10, 11, 12, 13, 14, 15)
ROLES: Final = {
    "cora": (Role.ICT_COORDINATOR,),
    "hana": (Role.HEAD_TEACHER,),
    "tess": (Role.TEACHER,),
    "sam": (Role.SAFEGUARDING_LEAD,),
    "gus": (Role.ESAFETY_GOVERNOR,),
    "dora": (Role.DATA_PROTECTION_OFFICER,),
}
# The others may not follow what happens.
FOLLOWING: Final = frozenset({"cora", "hana", "tess", "sam"})
PAGES: Final = {
    "cora": ("/day", "/incidents", "/incidents/{incident}", "/overrides", "/overrides/ask", "/filter", "/people",
             "/registers", "/registers/overrides", "/explain?name=bet.example&audience=pupil"),
    "hana": ("/day", "/record", "/registers/incidents", "/governor", "/governor?span=year",
             "/overrides/{request}/evidence"),
    "tess": ("/teaching", "/overrides"),
    "sam": ("/incidents", "/tasks"),
    "gus": ("/governor", "/record"),
    "dora": ("/record", "/registers/access"),
}  # fmt: skip


def days_before(now: datetime) -> Iterator[datetime]:
    """Give the school days of a year, the last one first."""
    day = now.replace(hour=0, minute=0)
    found = 0
    while found < SCHOOL_DAYS:
        if day.weekday() < 5:
            found += 1
            yield day
        day -= timedelta(days=1)


def write_activity(school: SchoolOfTest, folder: Path, rows: int, chance: random.Random) -> None:
    """Write a year of what was blocked and counted."""
    a_day = rows // SCHOOL_DAYS
    code = row_code(outcome("pupil", "blocked", "gambling", 0), ReasonCode.POLICY)
    names = [to_wire(DomainName(f"site{number}.example")) for number in range(400)]
    addresses = [bytes((192, 0, 2, number)) for number in range(1, 255)]
    pseudonyms = school.parts.incidents.desk.pseudonyms
    keeping = Keeping(ActivityLevel.BLOCKED, frozenset())

    def pseudonym_of(address: bytes, day: date) -> str:
        return pseudonyms.pseudonym(address.hex(), day)

    with closing(ActivityStore(folder, timezone=LONDON, keeping=keeping, pseudonym_of=pseudonym_of)) as store:
        for number, day in enumerate(days_before(school.now)):
            batches = [
                Batch(
                    f"day-{number}",
                    place + 1,
                    (day + timedelta(hours=hour)).timestamp(),
                    [
                        Row(chance.choice(addresses), chance.choice(names), code, 1)
                        for _ in range(a_day // len(HOURS))
                    ],
                )
                for place, hour in enumerate(HOURS)
            ]
            store.store_rows(day.date(), batches)


def write_incidents(school: SchoolOfTest, count: int, chance: random.Random) -> str:
    """Open incidents over a year; gives the number of one of them."""
    now, kinds = school.now, (Kind.GAMBLING, Kind.BULLYING)
    last = ""  # of a kind that those who read most incidents may read
    for number in range(count):
        school.now = now - timedelta(minutes=30 * (count - number))
        about = f"pupil-{chance.randrange(300)}"
        filed = school.candidate(chance.choice(kinds), about=about, intent=chance.randrange(60, 100))
        last = str(filed.incident.id) if filed.incident.kind is Kind.GAMBLING else last
    school.now = now
    return last


def say(line: str) -> None:
    """Print one line."""
    sys.stdout.write(line + "\n")


def show(name: str, seconds: list[float], octets: int) -> None:
    """Print one line."""
    ranked = sorted(seconds)
    p95 = ranked[int(len(ranked) * 0.95)] * 1000
    say(f"{name:48} p50 {statistics.median(ranked) * 1000:7.1f} ms   p95 {p95:7.1f} ms   {octets / 1024:7.1f} kB")


def resident_mib() -> float:
    """Give the memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


# What somebody is called here, their browser, and whom of ROLES they are like.
Person: TypeAlias = tuple[str, Browser, str]


class Timed:
    """An application, and how many seconds this process computed for its last answer."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.computed = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.app, name)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        began = time.process_time()
        await self.app(scope, receive, send)
        self.computed = time.process_time() - began


# ---- a day -----------------------------------------------------------------------------------------------------


async def ask(school: SchoolOfTest, browser: Browser, path: str, *, closed: asyncio.Event | None = None) -> int:
    """Ask for a page, or follow what never ends until it is closed; gives the status."""
    path, _, query = path.partition("?")
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = {"host": "gateway.example", "accept": "text/html", "cookie": cookie}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "https",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 40_000), "server": ("gateway.example", 443), "state": {},
    }  # fmt: skip
    found = [0]
    messages = iter(({"type": "http.request", "body": b"", "more_body": False},))

    async def receive() -> MutableMapping[str, Any]:
        for message in messages:
            return message
        await (closed or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        found[0] = message.get("status", found[0])

    await school.app(scope, receive, send)
    return found[0]


async def sit(school: SchoolOfTest, person: Person, pages: list[str], until: float) -> list[int]:
    """Let somebody open pages and follow what happens on each, until an instant of the event loop."""
    name, browser, login = person
    chance, statuses = random.Random(name), []
    while asyncio.get_running_loop().time() < until:
        statuses.append(await ask(school, browser, chance.choice(pages)))
        closed = asyncio.Event()
        address = "/api/v1/events" if login in FOLLOWING else pages[0]
        stream = asyncio.create_task(ask(school, browser, address, closed=closed))
        await asyncio.sleep(chance.uniform(0.2, 1.5))
        closed.set()
        # One that was closed before it began has no status.
        statuses += [status for status in (await stream,) if status]
    return statuses


async def happen(school: SchoolOfTest, until: float) -> None:
    """Let time go by, with something to tell now and then."""
    while asyncio.get_running_loop().time() < until:
        school.now += timedelta(seconds=TICK_SECONDS)
        await asyncio.to_thread(school.candidate, Kind.GAMBLING, about="pupil-1")
        await asyncio.to_thread(school.parts.follower.look)
        await asyncio.sleep(0.25)


def spend_day(school: SchoolOfTest, seconds: float, known: Mapping[str, str]) -> bool:
    """Look at as much as in a school day; says whether all was answered, and memory stayed as it was in use."""
    people = [
        (f"{login}{number}", browser_of(school, f"{login.title()}{number}", *ROLES[login]), login)
        for number, login in enumerate((tuple(ROLES) * PEOPLE)[:PEOPLE])
    ]

    async def tenth() -> list[int]:
        until = asyncio.get_running_loop().time() + seconds / TENTHS
        sitting = [
            sit(school, person, [each.format(**known) for each in PAGES[person[2]]], until) for person in people
        ]
        *found, _ = await asyncio.gather(*sitting, happen(school, until))
        return [status for statuses in found for status in statuses or ()]

    async def day() -> tuple[list[float], int]:
        memory, views, refused = [resident_mib()], 0, 0
        for number in range(1, TENTHS + 1):
            statuses = await tenth()
            views += len(statuses)
            memory.append(resident_mib())
            refused += sum(status != 200 for status in statuses)
            say(f"day {number}/{TENTHS}: {memory[-1]:.0f} MiB, {views} pages and streams, {refused} of them not 200")
        return memory, refused

    memory, refused = asyncio.run(day())
    say(f"memory over a day of {PEOPLE} people: {memory[0]:.0f} MiB before, {memory[-1]:.0f} MiB after")
    return not refused and memory[-1] - memory[WARM_TENTHS] <= MOST_GROWTH_MIB


def main() -> int:
    """Measure; gives 1 where a page is slower than the bar."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--incidents", type=int, default=5_000)
    parser.add_argument("--views", type=int, default=40)
    parser.add_argument("--bar", type=float, default=100.0, help="milliseconds at the 95th percentile")
    parser.add_argument("--day", type=float, default=60.0, help="seconds for the day of thirty people")
    parser.add_argument("--seconds", type=float, default=300.0, help="the most that it may take")
    asked = parser.parse_args()
    chance, began = random.Random(1), time.monotonic()
    # As the server does.
    share_heaps()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        school = SchoolOfTest(path)
        (path / "site.yaml").write_text(SITE)
        school.site = replace(school.site, path=str(path / "site.yaml"), paths=Paths(state=folder, runtime=folder))
        browsers = {login: browser_of(school, login.title(), *roles) for login, roles in ROLES.items()}
        write_activity(school, path / "activity", asked.rows, chance)
        incident = write_incidents(school, asked.incidents, chance)
        say(f"written in {time.monotonic() - began:.0f} s: {asked.rows:,} rows, {asked.incidents:,} incidents")
        made = school.person("Olive", Role.TEACHER).post("/overrides", lesson(names=["site7.example"])).json()
        known = {"incident": incident, "request": made["id"]}
        app = school.app = Timed(school.app)  # type: ignore[assignment]  # an application around the application
        leave_what_is_loaded()
        before, slow = resident_mib(), 0
        for login, pages in PAGES.items():
            for each in pages:
                address = each.format(**known)
                seconds, octets, status = [], 0, 0
                for _ in range(asked.views):
                    if time.monotonic() - began > asked.seconds:
                        say("out of time")
                        return 1
                    shown = browsers[login].get(address)
                    seconds.append(app.computed)
                    octets, status = len(shown.html.encode()), shown.status
                if status != 200:
                    say(f"{login} {address}: {status}")
                    slow = 1
                    continue
                show(f"{login} {each}", seconds, octets)
                slow |= sorted(seconds)[int(len(seconds) * 0.95)] * 1000 > asked.bar
        say(f"memory: {before:.0f} MiB before, {resident_mib():.0f} MiB after {asked.views} views of each page")
        slow |= not spend_day(school, asked.day, known)
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
