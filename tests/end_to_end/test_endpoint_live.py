"""A laptop and its gateway, each in its process: a stick, a thousand files, no network, a kill; nothing is lost."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import RunningGateway, wait_until
from laptop_of_story import SECONDS, Arrived, LaptopOfStory, enrolled
from linux_tree_of_test import LinuxTree
from parts import need, need_root
from signed_in import Staff

from agent.sites.config import load_site
from rules.roles import Role

KILLS = 5


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[LaptopOfStory]:
    need_root()
    for program in ("mount", "umount", "mkfs.ext4", "losetup"):
        need(program)
    with ExitStack() as ends:
        folder = tmp_path / "laptop"
        folder.mkdir(mode=0o700)
        yield LaptopOfStory(folder, LinuxTree(folder / "tree"), ends)


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


@pytest.mark.parametrize("source", ["fanotify", "inotify"])
def test_what_is_written_just_before_the_end_is_told(laptop: LaptopOfStory, source: str) -> None:
    if source == "inotify":
        # As an account that may not use the other.
        laptop.prefix = (need("setpriv"), "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")
    laptop.start()
    laptop.insert()
    wait_until(lambda: (laptop.status() or {}).get("followed") == [source], seconds=SECONDS)
    laptop.write(0, 50)
    (laptop.point / "report 0.docx").rename(laptop.point / "report.docx")
    assert laptop.stop() < 5
    assert laptop.files() == 51
    assert laptop.spooled()[-1][1] == "service_stopped"


def test_what_was_on_a_stick_is_told_once_however_often_the_service_is_killed(laptop: LaptopOfStory) -> None:
    laptop.insert()
    for name in ("setup.exe", "update.exe"):
        (laptop.point / name).write_bytes(b"MZ" + bytes(100))

    def told(kind: str) -> list[dict[str, Any]]:
        return [facts for _, each, facts in laptop.spooled() if each == kind]

    def is_told(number: int) -> Callable[[], bool]:
        return lambda: len(told("program_new")) == number

    for start in range(3):
        laptop.start()
        wait_until(lambda: (laptop.status() or {}).get("followed") == ["fanotify"], seconds=SECONDS)
        wait_until(partial(looked_since, laptop, time.monotonic()), seconds=SECONDS)
        (laptop.point / f"brought {start}.exe").write_bytes(b"MZ" + bytes(start))
        wait_until(is_told(start + 1), seconds=SECONDS)
        laptop.kill()
    (there,) = told("programs_present")
    assert (there["files"], there["signatures"], "setup" in json.dumps(there)) == (2, {"unknown": 2}, False)


def looked_since(laptop: LaptopOfStory, began: float) -> bool:
    """Say whether programs were looked for since an instant; what is followed is known to that look.

    The service says how long ago that was to a tenth of a second, at some instant after it is asked.
    """
    asked = time.monotonic()
    rows = (laptop.status() or {"collectors": []})["collectors"]
    ago = next((row["looked_seconds_ago"] for row in rows if row["name"] == "new_programs"), None)
    return ago is not None and asked - ago - 0.05 > began


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
