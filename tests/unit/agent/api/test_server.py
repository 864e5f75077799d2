"""The process behind the interface: over TLS, with the state as its own, and gone with whoever started it."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_of_test import PASSWORD, REASON, SchoolOfTest
from lists_of_test import Clock

from agent.api.server import Herald, build_parts, channels_of, chores, listen, serve_site
from agent.api.tls import open_certificate
from agent.dns.shared_memory import SharedMemory
from agent.dns.spool import USED, Batch, Row
from agent.filter_changing.canary_check import CanaryCheck
from agent.filter_changing.filter_changes import FilterChanges
from agent.filter_changing.filter_watch import FilterWatch
from agent.gateway.control import NotRunningError
from agent.gateway.gateway_events import events_folder, leave_event
from agent.notices.notify import MAIL, WEBHOOK
from agent.people.accounts import Accounts
from agent.people.people import People
from agent.record.record_status import record_status
from agent.requests.override_drafts import Written
from agent.sites.config import load_site
from agent.sites.site import Endpoint, MailSettings, NotificationSettings, WebhookSettings
from agent.storage.anchors import last_anchor_path, read_last_anchor
from agent.storage.override_rows import Use
from agent.storage.state import StateStore, read_only
from agent.storage.uses import UseStore, uses_path
from rules.errors import ConfigurationError, StorageError
from rules.roles import Role

SITE = """\
school: {{name: School of Test, timezone: Europe/London}}
packs: [uk-esafety]
networks: {{classrooms: {{audience: pupil, cidrs: 192.0.2.0/24}}}}
groups: {{year5: {{cidrs: 192.0.2.16/28}}}}
listeners: {{dns: "127.0.0.1:{dns}", metrics: off, api: {api}}}
"""


def write_site(folder: Path, api: str) -> Path:
    path = folder / "site.yaml"
    path.write_text(SITE.format(dns=free_port(), api=api))
    return path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def clock() -> datetime:
    return datetime.now(UTC)


def do_all(school: SchoolOfTest, folder: Path) -> None:
    changes = FilterChanges(school.store, school.parts.people, clock=clock)
    watch = FilterWatch(changes, folder, folder / "site.yaml")
    chores(school.parts, watch, CanaryCheck(school.store, folder)).do_due()


# --- The parts


def test_the_gateway_is_told_and_says_whether_it_did() -> None:
    told: list[tuple[str, dict[str, Any]]] = []

    def ask(runtime: str, request: dict[str, Any]) -> dict[str, Any]:
        told.append((runtime, request))
        return {"ok": len(told) == 1}

    herald = Herald("/run/schoolgate", ask=ask)
    assert not herald.has_applied()
    herald.tell()
    assert (herald.has_applied(), told) == (True, [("/run/schoolgate", {"do": "policy"})])
    herald.tell()
    assert not herald.has_applied()
    herald.close()


@pytest.mark.parametrize(
    ("workers", "is_in_force"),
    [([(2, 7), [2, 7]], True), ([[2, 7], [2, 6]], False), ([], False), (None, None)],
    ids=["all", "one-late", "no-workers", "an-answer-that-is-none"],
)
def test_the_gateway_says_whether_all_is_in_force(workers: Any, is_in_force: bool | None) -> None:
    answer = {"index_generation": 2, "policy_generation": 7, "workers": workers}
    herald = Herald("/run/schoolgate", ask=lambda *_: answer if workers is not None else {"ok": False})
    assert herald.is_in_force() is is_in_force
    herald.close()


def test_no_gateway_says_nothing_of_what_is_in_force() -> None:
    herald = Herald("/none", wait_seconds=5)
    assert herald.is_in_force() is None
    herald.close()


@pytest.mark.parametrize("error", [NotRunningError("none"), StorageError("full"), ValueError("no JSON")])
def test_an_act_stands_whatever_becomes_of_the_message(error: Exception) -> None:
    def ask(_: str, __: dict[str, Any]) -> dict[str, Any]:
        raise error

    herald = Herald("/run/schoolgate", ask=ask)
    herald.tell()
    assert not herald.has_applied()
    herald.close()


def test_nobody_waits_for_a_gateway_that_hangs() -> None:
    until = threading.Event()

    def ask(_: str, __: dict[str, Any]) -> dict[str, Any]:
        until.wait(10)
        return {"ok": True}

    herald = Herald("/run/schoolgate", ask=ask, wait_seconds=0.01)
    herald.tell()
    assert not herald.has_applied()
    until.set()
    herald.close()


def test_there_are_the_ways_that_the_site_names() -> None:
    assert channels_of(NotificationSettings(), clock=clock) == {}
    mail = MailSettings("mail.example.test", "gate@example.test")
    webhooks = (WebhookSettings("board", "https://board.example.test", "unread"),)
    assert list(channels_of(NotificationSettings(mail), clock=clock)) == [MAIL]
    assert list(channels_of(NotificationSettings(mail, webhooks), clock=clock)) == [MAIL, WEBHOOK]


def test_a_sweep_writes_down_what_is_over_and_signs_the_record(tmp_path: Path) -> None:
    school = SchoolOfTest(tmp_path)
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    body = {"names": ["bet.example"], "groups": ["year5"], "reason": REASON, "until_at": "2026-03-02T09:45:00+00:00"}
    assert manager.post("/overrides", body | {"is_break_glass": True}).status_code == 201
    school.now = datetime(2026, 3, 2, 10, tzinfo=UTC)
    do_all(school, tmp_path)
    assert {"override_ended", "record_anchored"} <= set(school.kinds())
    rows = len(school.kinds())
    do_all(school, tmp_path)
    assert len(school.kinds()) == rows


def test_what_the_gateway_left_is_taken_and_the_end_of_the_record_is_kept(tmp_path: Path) -> None:
    school = SchoolOfTest(tmp_path)
    leave_event(events_folder(tmp_path), "gateway_started", {"version": "1.0"}, at=clock())
    do_all(school, tmp_path)
    assert "gateway_started" in school.kinds()
    last = read_last_anchor(last_anchor_path(school.store.path))
    assert last is not None
    assert last.number == len(school.kinds())


def test_a_fault_of_one_duty_keeps_none_of_the_others(tmp_path: Path) -> None:
    school = SchoolOfTest(tmp_path)
    school.person("Manager", Role.NETWORK_MANAGER)
    with school.store.act() as act:
        act.database.execute("ALTER TABLE suspensions RENAME TO elsewhere")
    do_all(school, tmp_path)
    assert "record_anchored" in school.kinds()


def test_how_an_override_was_used_is_read_where_the_intake_of_the_site_counts_it(tmp_path: Path) -> None:
    site = load_site(write_site(tmp_path, "off")).site
    at = Clock(datetime(2026, 3, 2, 9, tzinfo=UTC))
    with closing(StateStore(tmp_path / "state.db", clock=at)) as store:
        parts = build_parts(lambda: site, store, Herald(str(tmp_path), ask=lambda *_: {"ok": True}), clock=at)
        with store.act() as act:
            manager = parts.people.open(act, "Manager", [Role.NETWORK_MANAGER], actor="system").id
        until_at = at() + timedelta(minutes=30)
        written = Written(until_at, REASON, names=("bet.example",), groups=("year5",), is_break_glass=True)
        override = parts.overrides.request(manager, written).override.id
        row = Row(b"\x7f\0\0\1", override.encode(), USED, 3)
        nanoseconds = int(at().timestamp()) * 10**9
        with closing(
            UseStore(
                uses_path(site.paths.state),
                counters_begun_at=1,
                device_of=bytes.hex,
                nanoseconds=lambda: nanoseconds,
                counts_since=lambda: nanoseconds,
            )
        ) as uses:
            uses.store([Batch("0-1-1.seg", 1, 0.0, [row])], segments=())
        Path(site.paths.runtime).mkdir(parents=True)
        with SharedMemory.create(Path(site.paths.runtime) / "shared.mem", workers=1) as memory:
            memory.tell_intake({"taken_until_nanoseconds": nanoseconds + 3600 * 10**9})
        at.advance(hours=1)
        parts.overrides.sweep()
        assert parts.overrides.get(override).used == Use(3, 1, is_complete=True)


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"127.0.0.1:{port}, which cannot be listened on"):
            listen(Endpoint("127.0.0.1", port))


def test_a_site_without_a_place_to_listen_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="expected an address and port"):
        serve_site(write_site(tmp_path, "off"), clock=clock, is_wanted=lambda: True)


# --- The process


class Running:
    """A server in a process of its own, and a browser that trusts its certificate."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        path = write_site(folder, f"127.0.0.1:{self.port}")
        self.state = Path(load_site(path).site.paths.state)
        self.state.mkdir(parents=True, exist_ok=True)
        store = StateStore(self.state / "state.db", clock=clock)
        people = People(store)
        accounts = Accounts(store)
        with store.act() as act:
            teacher = people.open(act, "Teacher", [Role.TEACHER], actor="system")
            accounts.create(act, "teacher", teacher.id, PASSWORD, actor="system")
        store.close()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "agent.api.server", path], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.told = [self.process.stdout.readline(), self.process.stdout.readline()]

    def client(self) -> httpx.Client:
        certificate = self.state / "tls" / "certificate.pem"
        context = ssl.create_default_context(cafile=str(certificate))
        return httpx.Client(base_url=f"https://127.0.0.1:{self.port}/api/v1", verify=context, timeout=20)


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    server = Running(folder)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()
        if server.process.stdout is not None:
            server.process.stdout.close()


def test_a_teacher_asks_over_tls_and_follows_what_happens(tmp_path: Path) -> None:
    with running(tmp_path) as server, server.client() as client:
        made = open_certificate(server.state / "tls", names=(), now=clock())
        assert server.told[0] == f"People: https://127.0.0.1:{server.port}/ (programs: /api/v1)\n"
        assert made.fingerprint in server.told[1]
        signed_in = client.post("/session", json={"login": "teacher", "password": PASSWORD})
        assert signed_in.status_code == 201, signed_in.text
        assert "server" not in signed_in.headers
        headers = {"X-CSRF-Token": signed_in.json()["csrf"]}
        until = datetime.fromtimestamp(time.time() + 3600, UTC).isoformat()
        asked = {"names": ["www.example.com"], "groups": ["year5"], "reason": REASON, "until_at": until}
        with client.stream("GET", "/events") as events:
            assert events.headers["content-type"].startswith("text/event-stream")
            lines = events.iter_lines()
            assert next(lines) == "retry: 3000"
            response = client.post("/overrides", json=asked, headers=headers)
            assert response.status_code == 201, response.text
            data = json.loads(next(line for line in lines if line.startswith("data: ")).removeprefix("data: "))
        assert (data["kind"], data["subject"]) == ("override_requested", response.json()["id"])


def test_it_stops_when_it_is_told_to_and_says_so_in_the_record(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        leave_event(events_folder(server.state), "gateway_stopped", {"why": "SIGTERM"}, at=clock())
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(15) == 0
        last = read_last_anchor(server.state / "last-anchor.txt")
        store = StateStore(server.state / "state.db", clock=clock)
        with store.read() as database:
            kinds = [row["kind"] for row in database.execute("SELECT kind FROM audit ORDER BY number")]
        store.close()
    assert kinds[-1] == "api_stopped"
    assert {"api_started", "gateway_stopped"} <= set(kinds)
    assert kinds.count("packs_in_force") == 1
    assert last is not None
    assert last.number == len(kinds)


def test_it_verifies_its_whole_record_when_it_starts(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        deadline = time.monotonic() + 30
        found = None
        while found is None:
            assert time.monotonic() < deadline
            time.sleep(0.1)
            with read_only(server.state / "state.db") as database:
                found = record_status(database).is_intact
    assert found


def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    path = write_site(tmp_path, f"127.0.0.1:{free_port()}")
    told = tmp_path / "told"
    until_told = f"while [ ! -s {told} ]; do sleep 0.1; done"
    command = f"{sys.executable} -P -m agent.api.server {path} > {told} & echo $!; {until_told}"
    done = subprocess.run(
        [shutil.which("sh") or "sh", "-c", command], stdout=subprocess.PIPE, text=True, check=True, timeout=60
    )
    pid = int(done.stdout.split()[0])
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and _is_there(pid):
        time.sleep(0.1)
    assert not _is_there(pid)


def test_what_it_cannot_use_is_told_and_ends_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "agent.api.server", write_site(tmp_path, "off")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "api_cannot_start" in done.stderr


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
