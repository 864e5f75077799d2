"""A laptop and its gateway, each in its process: a stick, a thousand files, no network, a kill; nothing is lost."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN, RunningGateway, wait_until
from linux_tree_of_test import LinuxTree
from parts import need, need_root
from signed_in import Staff

from agent.commands.client import Client
from agent.endpoint.local_socket import ask_service
from agent.sites.config import load_site
from rules.roles import Role

SECONDS = 30
KILLS = 5
PROGRAM = Path(__file__).with_name("service_on_a_tree.py")


def run(program: str, *arguments: str) -> str:
    done = subprocess.run((need(program), *arguments), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"{program} {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


@dataclass
class LaptopOfStory:
    """A laptop in a folder, whose stick is a real file system on a real loop device."""

    folder: Path
    tree: LinuxTree
    ends: ExitStack
    process: subprocess.Popen[bytes] | None = None
    point: Path = field(init=False)

    def __post_init__(self) -> None:
        self.point = self.folder / "stick"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def socket(self) -> Path:
        return self.folder / "run" / "status.sock"

    def command(self, *words: str, keys: str = "") -> subprocess.CompletedProcess[str]:
        places = {
            "SCHOOLGATE_ENDPOINT_DATA": str(self.data),
            "SCHOOLGATE_ENDPOINT_RUNTIME": str(self.folder / "run"),
        }
        return subprocess.run(
            [BIN / "schoolgate", "endpoint", *words],
            input=keys,
            env={**os.environ, **places},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self) -> None:
        with (self.folder / "service.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, PROGRAM, self.data, self.folder / "run", self.tree.root],
                cwd=PROGRAM.parents[2],
                env={**os.environ, "PYTHONPATH": str(PROGRAM.parents[2])},
                stderr=log,
            )
        self.ends.callback(self.kill)
        wait_until(lambda: self.status() is not None)

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)

    def stop(self) -> float:
        assert self.process is not None
        began = time.monotonic()
        self.process.terminate()
        assert self.process.wait(10) == 0
        return time.monotonic() - began

    def status(self) -> dict[str, Any] | None:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "service.log").read_text()
        try:
            return ask_service(self.socket, {"ask": "status"})
        except Exception:  # noqa: BLE001 -- it is not there yet
            return None

    def spooled(self) -> list[tuple[int, str, dict[str, Any]]]:
        with closing(sqlite3.connect(f"{(self.data / 'spool.db').as_uri()}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT seq, kind, facts FROM event ORDER BY seq").fetchall()
        return [(seq, kind, json.loads(facts)) for seq, kind, facts in rows]

    def files(self) -> int:
        return max((facts["total_files"] for _, kind, facts in self.spooled() if kind == "writes"), default=0)

    # The stick.

    def insert(self) -> None:
        image = self.folder / "stick.img"
        with image.open("wb") as file:
            file.truncate(64 << 20)
        run("mkfs.ext4", "-q", "-L", "PUPILS", str(image))
        self.point.mkdir()
        run("mount", "-o", "loop", str(image), str(self.point))
        self.ends.callback(subprocess.run, ("umount", "--lazy", str(self.point)), capture_output=True, check=False)
        disk = self.tree.usb_disk("sdb", "8:16")
        part = self.tree.partition(disk, 1)
        self.tree.udev("b8:17", ID_FS_LABEL="PUPILS", ID_FS_TYPE="ext4", ID_FS_UUID="1234-ABCD")
        self.tree.mount(part, str(self.point), "ext4")

    def write(self, first: int, last: int) -> None:
        for number in range(first, last):
            (self.point / f"report {number}.docx").write_bytes(bytes(100))

    def eject(self) -> None:
        # It is not busy, though it is watched.
        run("umount", str(self.point))
        self.tree.unmount(str(self.point))
        wait_until(lambda: (self.status() or {}).get("followed") == [], seconds=SECONDS)
        for name in ("sdb1", "sdb"):
            self.tree.unplug(name)


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[LaptopOfStory]:
    need_root()
    for program in ("mount", "umount", "mkfs.ext4", "losetup"):
        need(program)
    with ExitStack() as ends:
        folder = tmp_path / "laptop"
        folder.mkdir(mode=0o700)
        yield LaptopOfStory(folder, LinuxTree(folder / "tree"), ends)


@dataclass
class Arrived:
    """What is on the gateway's disk."""

    path: Path

    def events(self) -> list[tuple[str, int, str, dict[str, Any]]]:
        query = (
            "SELECT epoch, seq, kind, content FROM events JOIN streams ON streams.number = stream ORDER BY epoch, seq"
        )
        return [
            (epoch, seq, kind, json.loads(text)["d"] if text else {}) for epoch, seq, kind, text in self._read(query)
        ]

    def gaps(self) -> list[tuple[Any, ...]]:
        return self._read("SELECT first, last FROM gaps")

    def _read(self, query: str) -> list[tuple[Any, ...]]:
        try:
            with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)) as database:
                return database.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []

    def kinds(self) -> list[str]:
        return [kind for _, _, kind, _ in self.events()]

    def files(self) -> int:
        """How many files were written since the stick was plugged in; one that is written twice is one."""
        return max((facts["total_files"] for _, _, kind, facts in self.events() if kind == "writes"), default=0)


def enrolled(laptop: LaptopOfStory, gateway: RunningGateway, client: Client) -> str:
    """Enrol with a token, and be let in by the code that both show; gives the id."""
    api = load_site(gateway.site).site.listeners.api
    token = client.post("/devices/tokens", {"label": "Office", "uses": 2})["token"]
    said = laptop.command("enrol", f"https://{api}", keys=f"{token}\n")
    assert said.returncode == 0, said.stderr
    assert token not in said.stdout
    (device,) = client.get("/devices")["items"]
    assert device["code"] in said.stdout
    laptop.start()
    wait_until(lambda: (laptop.status() or {}).get("standing") == "pending")
    status = laptop.status()
    assert status is not None
    assert status["code"] == device["code"]
    path = f"/devices/{device['id']}"
    client.post(f"{path}/approve", {"code": status["code"]}, version=client.get(path)["version"])
    laptop.stop()
    laptop.start()
    wait_until(lambda: (laptop.status() or {}).get("standing") == "active", seconds=SECONDS)
    return str(device["id"])


@pytest.mark.timeout(240)
def test_nothing_is_lost_between_a_stick_and_the_gateway(own_gateway: RunningGateway, laptop: LaptopOfStory) -> None:
    staff = Staff.of(own_gateway, nadia=Role.NETWORK_MANAGER)
    own_gateway.start()
    staff.wait_for_interface()
    client = laptop.ends.enter_context(staff.client("nadia"))
    device = enrolled(laptop, own_gateway, client)
    arrived = Arrived(Path(load_site(own_gateway.site).site.paths.state) / "fleet.db")
    laptop.insert()
    wait_until(lambda: "media_inserted" in arrived.kinds(), seconds=SECONDS)
    wait_until(lambda: (laptop.status() or {}).get("followed") == ["fanotify"], seconds=SECONDS)
    laptop.write(0, 300)
    wait_until(lambda: arrived.files() == 300, seconds=SECONDS)
    own_gateway.stop()

    laptop.write(300, 1000)
    wait_until(lambda: laptop.files() == 1000, seconds=SECONDS)
    laptop.kill()
    before = laptop.spooled()
    laptop.start()
    wait_until(lambda: {"service_started", "media_present"} <= {kind for _, kind, _ in laptop.spooled()})
    assert {seq for seq, kind, _ in before if kind != "heartbeat"} <= {seq for seq, _, _ in laptop.spooled()}
    laptop.eject()
    wait_until(lambda: "media_removed" in {kind for _, kind, _ in laptop.spooled()}, seconds=SECONDS)

    own_gateway.start()
    staff.wait_for_interface()
    wait_until(lambda: "media_removed" in arrived.kinds(), seconds=60)
    wait_until(lambda: (laptop.status() or {"waiting": 99})["waiting"] <= 1, seconds=SECONDS)
    assert laptop.stop() < 5

    events = arrived.events()
    numbers = [(epoch, seq) for epoch, seq, _, _ in events]
    assert len(set(numbers)) == len(numbers)
    assert len({epoch for epoch, _ in numbers}) == 1
    assert arrived.gaps() == []
    assert arrived.files() == 1000
    (inserted,) = (facts for _, _, kind, facts in events if kind == "media_inserted")
    assert (inserted["crypt"], inserted["label"], inserted["usb"]["serial"]) == ("plain", "PUPILS", "001CC0")
    starts = [facts for _, _, kind, facts in events if kind == "service_started"]
    assert [(facts["why"], facts["clean"]) for facts in starts] == [
        ("first", True),
        ("stopped", True),
        ("killed", False),
    ]
    told = [facts for _, _, kind, facts in events if kind == "writes"]
    assert not any("report" in json.dumps(facts) for facts in told)
    found = client.get(f"/devices/{device}")
    assert found["state"] == "active"
    assert not [each for each in found["findings"] if each["kind"] == "events_missing"]


def test_what_is_written_just_before_the_end_is_told(laptop: LaptopOfStory) -> None:
    laptop.start()
    laptop.insert()
    wait_until(lambda: (laptop.status() or {}).get("followed") == ["fanotify"], seconds=SECONDS)
    laptop.write(0, 50)
    assert laptop.stop() < 5
    assert laptop.files() == 50
    assert laptop.spooled()[-1][1] == "service_stopped"


def test_it_is_killed_again_and_again_and_keeps_what_it_told(laptop: LaptopOfStory) -> None:
    seen: dict[int, tuple[str, dict[str, Any]]] = {}
    for _ in range(KILLS):
        laptop.start()
        wait_until(lambda: (laptop.status() or {"waiting": 0})["waiting"] > 2, seconds=SECONDS)
        laptop.kill()
        spooled = {seq: (kind, facts) for seq, kind, facts in laptop.spooled()}
        lasting = {seq: told for seq, told in seen.items() if told[0] == "service_started"}
        assert lasting.items() <= spooled.items()
        seen = spooled
    assert [facts["why"] for kind, facts in seen.values() if kind == "service_started"] == ["first"] + ["killed"] * (
        KILLS - 1
    )
