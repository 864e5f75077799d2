"""A school that lives: a gateway that answers, people who are signed in, and what was asked a while ago."""

import json
import re
import secrets
import sqlite3
import subprocess
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from string import Template
from typing import Any, Final
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from conftest import RunningGateway, Upstream, make_gateway, wait_until
from parts import need
from signed_in import CLASSES, Staff

from agent.commands.client import Client
from agent.dns.outcomes import outcome
from agent.dns.spool import Batch, Row, row_code
from agent.people.accounts import Accounts
from agent.people.people import People, SchoolClass
from agent.people.pseudonyms import Pseudonyms, device_of
from agent.sites.site import ActivityLevel
from agent.storage.activity import ActivityStore, Keeping
from agent.storage.state import StateStore
from rules.errors import SchoolgateError
from rules.name import DomainName, to_wire
from rules.roles import Role
from rules.verdict import ReasonCode

LONDON: Final = ZoneInfo("Europe/London")
MINUTE: Final = timedelta(minutes=1)
PURPOSE: Final = "I look into what happened in class 5B."
# When, by which device, which name.
Asked = tuple[datetime, str, str]


class School:
    """A gateway with its interface, members of staff who are signed in, and pupils of one class, by their ids."""

    def __init__(self, gateway: RunningGateway, staff: Staff, pupils: Sequence[str]) -> None:
        self.gateway = gateway
        self.staff = staff
        self.pupils = pupils
        self.clients: dict[str, Client] = {}

    @property
    def coordinator(self) -> Client:
        return self.clients["cora"]

    @cached_property
    def pseudonyms(self) -> Pseudonyms:
        return Pseudonyms(self.gateway.folder / "state" / "keys")

    # ---- what machines tell --------------------------------------------------------------------------------

    def sign_in(self, pupil: str, device: str, *, from_at: datetime) -> None:
        """Let a machine tell who signed in."""
        item = {
            "id": secrets.token_hex(8),
            "device": device,
            "account": pupil,
            "kind": "logon",
            "from_at": from_at.isoformat(),
        }
        assert self.coordinator.post("/sign-ins", {"items": [item]})["accepted"] == 1

    def store(self, asked: Iterable[Asked], *, category: str = "gambling") -> None:
        """Write down what was asked a while ago, as the intake does."""
        code = row_code(outcome("pupil", "blocked", category, 0), ReasonCode.POLICY)
        by_day: dict[Any, dict[int, list[Row]]] = {}
        for at, device, name in asked:
            minutes = by_day.setdefault(at.astimezone(LONDON).date(), {})
            row = Row(ip_address(device).packed, to_wire(DomainName(name)), code, 1)
            minutes.setdefault(int(at.timestamp()) // 60 * 60, []).append(row)
        with closing(
            ActivityStore(
                self.gateway.folder / "state" / "activity",
                timezone=LONDON,
                keeping=Keeping(ActivityLevel.BLOCKED, frozenset()),
                pseudonym_of=lambda address, day: self.pseudonyms.pseudonym(device_of(address, {}), day),
            )
        ) as store:
            for day, minutes in by_day.items():
                source = f"by-hand-{secrets.token_hex(4)}"
                batches = [Batch(source, number, at, rows) for number, (at, rows) in enumerate(minutes.items(), 1)]
                store.store_rows(day, batches)

    def ask_a_while_ago(self, device: str, names: Sequence[str], *, ago: timedelta) -> None:
        """Let a device ask for names over the wire, and put what is on file of it back, to one name a minute."""
        for name in names:
            self.gateway.ask(name, source=device)
        wait_until(lambda: len(self._on_file(device, names)) == len(names))
        first = int((datetime.now(UTC) - ago).timestamp()) // 60 * 60
        for place, (path, number) in enumerate(self._on_file(device, names)):
            with closing(sqlite3.connect(path, timeout=10)) as database, database:
                query = "UPDATE queries SET minute_at = ? WHERE rowid = ?"
                database.execute(query, (first + 60 * place, number))

    def _on_file(self, device: str, names: Sequence[str]) -> list[tuple[Path, int]]:
        """Give where it is on file that a device asked for these names just now, in their order."""
        found: dict[str, tuple[Path, int]] = {}
        lately = (datetime.now(UTC) - 2 * MINUTE).timestamp()
        query = "SELECT name, rowid FROM queries WHERE pseudonym = ? AND minute_at >= ?"
        for path in (self.gateway.folder / "state" / "activity").glob("*.db"):
            # A file that has just been made has no table yet.
            with suppress(sqlite3.OperationalError), closing(sqlite3.connect(path, timeout=10)) as database:
                rows = database.execute(query, (self.device(device), lately))
                found |= {name: (path, number) for name, number in rows}
        return [found[name] for name in names if name in found]

    # ---- what people do ------------------------------------------------------------------------------------

    def candidates(self, who: str = "cora", **parameters: str) -> list[dict[str, Any]]:
        """Give the queue of somebody."""
        items: list[dict[str, Any]] = self.clients[who].get("/incidents", parameters)["items"]
        return items

    def act(self, who: str, case: Mapping[str, Any], what: str, **body: Any) -> Any:
        """Let somebody decide about a case as it stands at this moment."""
        path = f"/incidents/{case['id']}"
        version = self.read("SELECT version FROM incidents WHERE id = ?", case["id"])[0][0]
        return self.clients[who].post(f"{path}/{what}", body, version=version)

    def look(self, who: str, case: Mapping[str, Any]) -> dict[str, Any]:
        """Show a case to somebody, for a purpose."""
        found: dict[str, Any] = self.clients[who].get(f"/incidents/{case['id']}", self.purpose(case))
        return found

    def purpose(self, case: Mapping[str, Any]) -> dict[str, Any]:
        return {"purpose": PURPOSE, "case": case["number"]}

    # ---- what is there -------------------------------------------------------------------------------------

    def device(self, address: str) -> str:
        """Give the pseudonym of a device today."""
        return self.pseudonyms.pseudonym(device_of(ip_address(address).packed, {}), datetime.now(LONDON).date())

    def person(self, person: str) -> str:
        """Give the pseudonym of a person today."""
        return self.pseudonyms.person(person, datetime.now(LONDON).date())

    def read(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.staff.state}?mode=ro", uri=True, timeout=10)) as database:
            return database.execute(query, values).fetchall()

    def everything(self) -> dict[str, str]:
        """Give all that is stored, by table."""
        tables = [row[0] for row in self.read("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {table: "\n".join(map(str, self.read(f"SELECT * FROM {table}"))) for table in tables}  # noqa: S608 (names of tables)

    def interface(self) -> int | None:
        """Give the process of the interface, if there is one."""
        return next(iter(self.gateway.children("agent.api.server")), None)

    def dig(self, name: str, *, source: str) -> str:
        """Give the status that dig reads of an answer."""
        words = ("@127.0.0.1", "-p", str(self.gateway.port), "-b", source, name, "A")
        told = subprocess.run([need("dig"), *words], capture_output=True, text=True, timeout=10, check=True).stdout
        (status,) = re.findall(r"status: (\w+)", told)
        return str(status)


def open_school(
    folder: Path,
    upstream: Upstream,
    stack: ExitStack,
    *,
    people: Mapping[str, Role],
    pupils: int = 1,
    lists: Mapping[str, Sequence[str]] | None = None,
    extra: str = "",
    authenticators: Sequence[str] = (),
) -> School:
    """Start a school with people who have accounts, pupils who have none, and lists beside those of every site.

    Args:
        stack: closes it.
        extra: more of the site; `$login` stands for the id of somebody.
        authenticators: who has one that none of their roles asks for.
    """
    gateway = make_gateway(folder, upstream, change=CLASSES)
    for category, names in (lists or {}).items():
        (gateway.folder / "lists" / f"{category}.txt").write_text("\n".join(names))
    staff = Staff.of(gateway, **people)
    with closing(StateStore(staff.state, clock=lambda: datetime.now(UTC))) as store, store.act() as act:
        known = People(store)
        known.set_class(act, SchoolClass("c5", "5B", "year5"), actor="system")
        opened = [
            known.open(act, f"Pupil {number}", (Role.PUPIL,), actor="system", classes=("c5",)).id
            for number in range(pupils)
        ]
        for login in (login for login, role in people.items() if role is Role.CLASS_TEACHER):
            row = (staff.people[login], Role.CLASS_TEACHER.value, "c5")
            act.database.execute("INSERT INTO memberships VALUES (?, ?, ?)", row)
        for login in authenticators:
            secret = Accounts(store).enrol_totp(act, login, actor="system").totp_secret
            staff.know(login, staff.people[login], secret or "")
    with gateway.site.open("a") as site:
        site.write(f"workers: 1\n{Template(extra).substitute(staff.people)}")
    stack.callback(gateway.stop)
    gateway.start()
    staff.wait_for_interface()
    school = School(gateway, staff, opened)
    school.clients |= {login: stack.enter_context(staff.client(login)) for login in people}
    return school


def told_to(client: Client, path: str, parameters: Mapping[str, Any] | None = None) -> str:
    """Give what somebody is told at an address, which may ask for something, be it a refusal."""
    path, _, asked = path.partition("?")
    try:
        return json.dumps(client.get(path, dict(parse_qsl(asked)) | dict(parameters or {})))
    except SchoolgateError as refusal:
        return str(refusal)


class Events:
    """What somebody who follows is told, as text, from when this is made until it is asked for."""

    def __init__(self, client: Client) -> None:
        self.text = ""
        self._began = threading.Event()
        self._thread = threading.Thread(target=self._follow, args=(client,), daemon=True)
        self._thread.start()
        assert self._began.wait(10)

    def _follow(self, client: Client) -> None:
        # Closing the client, or the end of the gateway, ends it.
        with suppress(SchoolgateError), client.chunks("/events") as chunks:
            for chunk in chunks:
                self._began.set()
                self.text += chunk.decode()

    def kinds_of(self, subject: str) -> list[str]:
        """Give what was told of one thing."""
        told = (json.loads(data) for data in re.findall(r"^data: (.*)$", self.text, re.MULTILINE))
        return [event["kind"] for event in told if event["subject"] == subject]
