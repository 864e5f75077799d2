"""Which collectors run, on a computer in a folder, and what the policy changes about them."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from linux_tree_of_test import LinuxTree
from volumes_of_test import mounted_volume, needs_root

from agent.endpoint.endpoint_policy import KEPT, PolicySettings
from agent.endpoint.probes import (
    BYPASS,
    COLLECTORS,
    FILTER,
    MEDIA,
    POSTURE,
    PROGRAMS,
    RESOLVER,
    WRITES,
    Collectors,
    Following,
    Intervals,
    Surroundings,
    _has_files,
    look_at_volumes,
    verifier_of,
)
from collectors.machine import Output
from collectors.observed import Observed
from collectors.program_signature import Signature, verify_nothing
from collectors.volume import Attach, Bus, Crypt, Volume


@dataclass
class Laptop:
    tree: LinuxTree
    folder: Path
    settings: PolicySettings = field(default_factory=PolicySettings)
    is_on_site: bool = True
    programs: float = 0.0

    def __post_init__(self) -> None:
        around = Surroundings(
            settings=lambda: self.settings,
            names_key=b"k" * 32,
            addresses=lambda: ("192.0.2.7",),
            is_on_site=lambda: self.is_on_site,
            gateway=lambda: "gateway.school.example",
            is_stopping=threading.Event().is_set,
        )
        quick = Intervals(writes=0.0, media=0.0, programs=self.programs)
        self.collectors = Collectors(self.tree.machine(), around, intervals=quick, events=False)

    def look(self, name: str) -> tuple[Observed, ...]:
        lanes = (self.collectors.media_lane(), self.collectors.writes_lane(), self.collectors.slow_lane())
        if not hasattr(self, "probes"):
            self.probes = {timed.probe.name: timed.probe for lane in lanes for timed in lane}
        found = self.probes[name].run()
        assert self.probes[name].why == ""
        return found

    def insert(self) -> Path:
        """Plug in a stick whose files are those of a folder, so that only inventories see them."""
        point = self.folder / "stick"
        point.mkdir()
        part = self.tree.partition(self.tree.usb_disk("sdb", "8:16"), 1)
        self.tree.mount(part, str(point))
        return point


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    made = Laptop(LinuxTree(tmp_path / "tree"), tmp_path)
    yield made
    made.collectors.close()


def test_every_collector_runs_in_one_lane(laptop: Laptop) -> None:
    collectors = laptop.collectors
    names = [
        timed.probe.name
        for lane in (collectors.media_lane(), collectors.writes_lane(), collectors.slow_lane())
        for timed in lane
    ]
    assert sorted(names) == sorted(COLLECTORS)


def test_a_stick_is_seen_and_followed(laptop: Laptop) -> None:
    laptop.look(MEDIA)
    laptop.look(WRITES)
    laptop.insert()
    (inserted,) = laptop.look(MEDIA)
    assert inserted.kind == "media_inserted"
    # It is no file system of its own here, and of the computer's own disk nothing is told.
    laptop.look(WRITES)
    assert laptop.collectors.sources in ({}, {str(laptop.folder / "stick"): "fanotify"})
    laptop.tree.unmount(str(laptop.folder / "stick"))
    laptop.look(MEDIA)
    laptop.look(WRITES)
    assert laptop.collectors.sources == {}


def test_how_often_posture_is_looked_at_the_policy_says(laptop: Laptop) -> None:
    (timed,) = (each for each in laptop.collectors.slow_lane() if each.probe.name == POSTURE)
    laptop.settings = PolicySettings(posture_seconds=77)
    assert timed.seconds() == 77


def test_who_names_files_is_made_anew_when_the_policy_says_otherwise(laptop: Laptop) -> None:
    laptop.look(MEDIA)
    laptop.look(WRITES)
    before = laptop.collectors._last_writes
    laptop.settings = replace(laptop.settings, posture_seconds=999)
    laptop.look(WRITES)
    assert laptop.collectors._last_writes is before
    laptop.settings = replace(laptop.settings, file_names=KEPT, file_names_reason="asked by the head")
    laptop.look(WRITES)
    assert laptop.collectors._last_writes is not before
    assert laptop.collectors._last_writes is not None
    assert laptop.collectors._last_writes._naming.with_names


def test_a_resolver_that_is_not_ours_is_a_sign_on_site_alone(laptop: Laptop) -> None:
    laptop.tree.file("etc/resolv.conf", "nameserver 8.8.8.8\n")
    laptop.settings = PolicySettings(resolvers=("192.0.2.53",))
    (told,) = laptop.look(RESOLVER)
    assert told.facts["found"] == [{"signal": "resolver_not_ours", "what": "8.8.8.8", "weak": True}]
    laptop.is_on_site = False
    assert laptop.look(RESOLVER) == ()


def test_without_a_list_of_ours_any_resolver_is_right(laptop: Laptop) -> None:
    laptop.tree.file("etc/resolv.conf", "nameserver 8.8.8.8\n")
    (told,) = laptop.look(RESOLVER)
    assert told.facts["found"] == []


def test_the_gateways_own_name_in_the_hosts_file_is_a_sign(laptop: Laptop) -> None:
    laptop.tree.file("etc/hosts", "203.0.113.1 gateway.school.example\n")
    (told,) = laptop.look(RESOLVER)
    assert told.facts["found"] == [{"signal": "hosts_override", "what": "gateway.school.example", "weak": False}]


def test_the_filter_is_asked_by_names_of_ours_and_by_the_categories_of_the_policy(laptop: Laptop) -> None:
    laptop.settings = PolicySettings(closed=("gambling", "of a newer gateway", "helplines"))
    canaries = laptop.collectors.filter_look._canaries
    assert (canaries.present, canaries.closed) == (
        "present.canary.schoolgate.test",
        {"gambling": "gambling.canary.schoolgate.test"},
    )
    assert canaries.addresses == {"192.0.2.1", "2001:db8::1"}


def test_away_from_the_school_nobody_is_asked_whether_it_filters(laptop: Laptop) -> None:
    laptop.is_on_site = False
    assert laptop.look(FILTER) == ()
    assert laptop.collectors.filter_look.asked_at is None


def test_signs_of_the_resolver_count_with_the_others(laptop: Laptop) -> None:
    laptop.tree.file("etc/hosts", "203.0.113.1 gateway.school.example\n")
    laptop.look(RESOLVER)
    found = laptop.look(BYPASS)
    assert any("hosts_override" in str(each.facts["found"]) for each in found)


def test_the_school_s_own_devices_are_taken_at_their_word(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    part = tree.partition(tree.usb_disk("sdb", "8:16", ids="abcd:1234"), 1)
    tree.mount(part, "/media/stick")

    def crypt(*own: str) -> Crypt:
        (volume,) = (each for each in look_at_volumes(tree.machine(), own) if each.device == "sdb1")
        return volume.crypt

    assert crypt() is Crypt.PLAIN
    assert crypt("ABCD:1234") is Crypt.CLAIMED_HARDWARE
    assert crypt("abcd:1234:001CC0") is Crypt.CLAIMED_HARDWARE
    assert crypt("abcd:1234:another", "no entry at all", "") is Crypt.PLAIN


def test_something_made_follows_its_part_of_the_policy() -> None:
    made: list[PolicySettings] = []

    def make(settings: PolicySettings) -> int:
        made.append(settings)
        return len(made)

    following: Following[int] = Following(make, lambda settings: settings.vpn)
    assert [
        following.of(PolicySettings()),
        following.of(PolicySettings(aup_version="2")),
        following.of(PolicySettings(vpn=("School",))),
    ] == [1, 1, 2]


def test_new_programs_among_downloads_are_told(laptop: Laptop) -> None:
    downloads = laptop.tree.root / "home/anna/Downloads"
    downloads.mkdir(parents=True)
    laptop.look(PROGRAMS)
    (downloads / "setup.exe").write_bytes(b"MZ" + bytes(100))
    (told,) = laptop.look(PROGRAMS)
    assert (told.facts["place"], told.facts["form"]) == ("downloads", "pe")
    assert "setup" not in str(told.facts)


@needs_root
def test_a_stick_is_looked_through_when_it_is_plugged_in_and_nothing_else_is(tmp_path: Path) -> None:
    laptop = Laptop(LinuxTree(tmp_path / "tree"), tmp_path, programs=3600.0)
    downloads = laptop.tree.root / "home/anna/Downloads"
    downloads.mkdir(parents=True)
    laptop.look(MEDIA)
    laptop.look(PROGRAMS)
    with mounted_volume(tmp_path) as volume:
        (volume / "setup.exe").write_bytes(b"MZ" + bytes(100))
        (downloads / "come.exe").write_bytes(b"MZ" + bytes(100))
        part = laptop.tree.partition(laptop.tree.usb_disk("sdb", "8:16"), 1)
        laptop.tree.mount(part, str(volume))
        laptop.look(MEDIA)
        (told,) = laptop.look(PROGRAMS)
        assert (told.kind, told.facts["device"], told.facts["files"]) == ("programs_present", "sdb1", 1)
        assert laptop.look(PROGRAMS) == ()
    laptop.collectors.close()


def test_what_a_locked_medium_shows_is_how_to_open_it(laptop: Laptop) -> None:
    shown = Volume("sdb1", Attach.REMOVABLE, Bus.USB, Crypt.PLAIN, mount_points=("/media/stick",))
    assert _has_files(shown)
    assert _has_files(replace(shown, is_read_only=True)), "they can be started from there"
    assert not _has_files(replace(shown, crypt=Crypt.ENCRYPTED_LOCKED))
    assert not _has_files(replace(shown, mount_points=()))


def test_what_checks_signatures_is_that_of_the_system(laptop: Laptop) -> None:
    assert verifier_of(laptop.tree.machine()) is verify_nothing
    mac = replace(laptop.tree.machine(), platform="darwin", programs=lambda _command, _seconds: Output(0))
    assert verifier_of(mac)(laptop.folder, "mach_o") is Signature.VERIFIED
