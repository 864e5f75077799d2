"""An endpoint service of test: the real one in a thread, on a computer in a folder, quick about everything."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from linux_tree_of_test import LinuxTree

from agent.endpoint.probes import Intervals
from agent.endpoint.service import Folders, Service, World

SECONDS = 20.0
QUICK = Intervals(media=0.1, media_polled=0.1, writes=0.1, programs=0.5, session=0.1, signs=0.2)


class ServiceOfTest:
    """A service in a thread."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.tree = LinuxTree(folder / "tree")
        self.folders = Folders(folder / "data", folder / "run")
        self.more = more
        self.stop = threading.Event()

    def start(self) -> None:
        world: dict[str, Any] = {
            "machine": self.tree.machine(),
            "intervals": QUICK,
            "random_share": lambda: 0.0,
            "trusted": (),
            "heartbeat_seconds": 0.2,
            "pulse_seconds": 0.05,
            "events": False,
        }
        self.service = Service(self.folders, World(**{**world, **self.more}))
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.service.run, args=(self.stop,))
        self.thread.start()

    def end(self) -> float:
        began = time.monotonic()
        self.stop.set()
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()
        return time.monotonic() - began

    def spooled(self) -> list[tuple[str, dict[str, Any]]]:
        path = self.folders.data / "spool.db"
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT kind, facts FROM event ORDER BY seq").fetchall()
        return [(kind, json.loads(facts)) for kind, facts in rows]

    def kinds(self) -> set[str]:
        return {kind for kind, _ in self.spooled()}

    def heartbeat(self) -> dict[str, Any]:
        return [facts for kind, facts in self.spooled() if kind == "heartbeat"][-1]


def wait_until(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)
