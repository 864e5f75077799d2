"""The services about media put together: what happens by itself, and what is known of a laptop."""

import json
from pathlib import Path

import pytest
from media_of_test import TODAY, MediaOfTest

from agent.fleet.fleet_events import FILE_NAME, FleetEvents
from agent.fleet.media import Media
from agent.fleet.media_lost import Missing
from agent.storage.fleet_rows import Device, DeviceState, write_device
from rules.medium import LostHow, Stated


@pytest.fixture
def school(tmp_path: Path) -> MediaOfTest:
    return MediaOfTest(tmp_path)


def test_one_sweep_does_everything_that_is_due_and_then_nothing(school: MediaOfTest) -> None:
    school.register(purge_on=TODAY, stated=Stated.PLAIN)
    school.out(school.register(stated=Stated.PLAIN))
    school.register()
    school.later(days=1)
    assert (school.media.sweep(), school.media.sweep()) == (3, 0)


def test_what_a_laptop_proved_of_its_own_disk_stands_in_the_report(school: MediaOfTest, tmp_path: Path) -> None:
    events = FleetEvents(tmp_path / FILE_NAME)
    try:
        facts = {"check": "disk_encryption", "state": "on", "evidence": [{"source": "sysfs.dm_uuid"}]}
        with events.read():
            pass
        with events._transaction() as database:
            row = ("d7", "posture", "disk_encryption", 1772442000.0, 1772442000.0, json.dumps({"d": facts}))
            database.execute("INSERT INTO device_states VALUES (?, ?, ?, ?, ?, ?)", row)
        media = Media(
            school.store,
            lambda: school.site,
            tell=school.tell_media,
            incidents=school.incidents.desk,
            events=events,
        )
        with school.store.act() as act:
            device = Device("d7", 1, DeviceState.ACTIVE, "Laptop 7", None, "m", {}, school.now)
            write_device(act.database, device)
        made = media.lost.report(school.ids["teacher"], Missing(LostHow.LOST, "It stood in the library", device="d7"))
    finally:
        events.close()
    assert made.on_record["disk"] == {
        "state": "on",
        "at": "2026-03-02T09:00:00+00:00",
        "evidence": [{"source": "sysfs.dm_uuid"}],
    }
    assert made.on_record["proved"] == {"crypt": "on", "at": "2026-03-02T09:00:00+00:00"}
