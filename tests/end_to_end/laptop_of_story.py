"""A laptop in a process of its own, with its computer in a folder, and what of it is on the gateway's disk."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conftest import BIN, RunningGateway, wait_until
from linux_tree_of_test import LinuxTree
from parts import need

from agent.commands.client import Client
from agent.endpoint.local_channel import ask_service
from agent.sites.config import load_site

SECONDS = 30
PROGRAM = Path(__file__).with_name("service_on_a_tree.py")


def run(program: str, *arguments: str) -> str:
    done = subprocess.run((need(program), *arguments), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"{program} {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


@dataclass
class LaptopOfStory:
    """A laptop in a folder, whose stick is a real file system on a real loop device; `prefix` starts its service."""

    folder: Path
    tree: LinuxTree
    ends: ExitStack
    prefix: tuple[str, ...] = ()
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

    def command(self, *words: str, keys: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        places = {
            "SCHOOLGATE_ENDPOINT_DATA": str(self.data),
            "SCHOOLGATE_ENDPOINT_RUNTIME": str(self.folder / "run"),
        }
        return subprocess.run(
            [BIN / "schoolgate", "endpoint", *words],
            input=keys,
            env={**os.environ, **places, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self) -> None:
        with (self.folder / "service.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, sys.executable, PROGRAM, self.data, self.folder / "run", self.tree.root],
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
