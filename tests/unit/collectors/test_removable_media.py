"""What is plugged in, changed and taken away, by looks at made-up volumes."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from linux_tree_of_test import LinuxTree
from volume_images_of_test import luks, noise

from collectors.linux_volumes import look
from collectors.observed import Observed, Priority
from collectors.removable_media import RemovableMedia
from collectors.volume import Attach, Bus, Crypt, Evidence, Usb, Volume

STICK = Volume(
    device="sdb1",
    disk="sdb",
    attach=Attach.REMOVABLE,
    bus=Bus.USB,
    crypt=Crypt.PLAIN,
    evidence=(Evidence("mountinfo.filesystem", "vfat"),),
    filesystem="vfat",
    label="PUPILS",
    is_read_only=False,
    mount_points=("/media/staff/PUPILS",),
    usb=Usb("0951", "1666", "001CC0", "DataTraveler"),
    insertion_id="17",
)
UNMOUNTED = replace(STICK, mount_points=())
DISK = Volume("sda2", Attach.FIXED, Bus.SATA, Crypt.PLAIN, mount_points=("/",), is_system=True)
PHONE = Volume("1-4", Attach.PHONE, Bus.USB, Crypt.UNKNOWN, insertion_id="7", usb=Usb("18d1", "4ee1"))


def story(*looks: Iterable[Volume]) -> list[tuple[Observed, ...]]:
    """Give what is observed at each look."""
    waiting = [tuple(volumes) for volumes in looks]
    media = RemovableMedia(lambda: waiting.pop(0), seeks=lambda _: False)
    return [media.observe() for _ in looks]


def kinds(observed: tuple[Observed, ...]) -> list[str]:
    return [one.kind for one in observed]


def test_what_is_there_at_the_start_is_present_and_not_inserted() -> None:
    ((present,),) = story([DISK, STICK])
    assert (present.kind, present.key, present.priority) == (
        "media_present",
        "media_present/sdb1#17",
        Priority.INCIDENT,
    )
    assert present.facts == replace(STICK, has_container=False).facts()


def test_a_whole_life() -> None:
    nothing, inserted, mounted, same, unmounted, gone = story(
        [DISK], [DISK, UNMOUNTED], [DISK, STICK], [DISK, STICK], [DISK, UNMOUNTED], [DISK]
    )
    assert [kinds(one) for one in (nothing, inserted, mounted, same, unmounted, gone)] == [
        [],
        ["media_inserted"],
        ["media_changed"],
        [],
        ["media_changed"],
        ["media_removed"],
    ]
    assert mounted[0].facts["changed"] == {"mounted": False, "mount_points": []}
    assert mounted[0].facts["mount_points"] == ["/media/staff/PUPILS"]
    assert gone[0].facts["crypt"] == "plain"


def test_unlocking_is_a_change_and_says_what_was_before() -> None:
    locked = replace(UNMOUNTED, crypt=Crypt.ENCRYPTED_LOCKED)
    open_one = replace(STICK, crypt=Crypt.ENCRYPTED)
    _, (changed,) = story([locked], [open_one])
    before = changed.facts["changed"]
    assert isinstance(before, dict)
    assert (changed.facts["crypt"], before["crypt"]) == ("encrypted", "encrypted_locked")
    assert changed.priority is Priority.STATE


def test_other_evidence_for_the_same_is_no_news() -> None:
    assert kinds(story([STICK], [replace(STICK, evidence=())])[1]) == []


def test_another_stick_in_the_same_place_between_two_looks_is_told() -> None:
    _, second = story([UNMOUNTED], [replace(UNMOUNTED, insertion_id="18")])
    assert kinds(second) == ["media_removed", "media_inserted"]


@pytest.mark.parametrize(
    ("last", "after", "kind", "proof"),
    [
        pytest.param(UNMOUNTED, [], "media_removed", None, id="unmounted-before"),
        pytest.param(replace(STICK, is_read_only=True), [], "media_removed", None, id="nothing-could-be-written"),
        pytest.param(STICK, [], "media_unclean", "not_seen_unmounted", id="gone-without-being-seen-unmounted"),
        pytest.param(
            STICK,
            [Volume("8:17", Attach.UNKNOWN, Bus.UNKNOWN, Crypt.UNKNOWN, mount_points=STICK.mount_points)],
            "media_unclean",
            "mount_left",
            id="gone-and-still-mounted",
        ),
    ],
)
def test_removing(last: Volume, after: list[Volume], kind: str, proof: str | None) -> None:
    _, (removed,) = story([last], after)
    assert (removed.kind, removed.facts.get("proof")) == (kind, proof)
    assert removed.priority is Priority.STATE


@pytest.mark.parametrize(
    ("volume", "priority"),
    [
        pytest.param(STICK, Priority.INCIDENT, id="plain-and-mounted"),
        pytest.param(replace(STICK, crypt=Crypt.SUSPENDED), Priority.INCIDENT, id="the-key-lies-in-clear"),
        pytest.param(UNMOUNTED, Priority.STATE, id="plain-and-not-mounted"),
        pytest.param(replace(STICK, crypt=Crypt.UNKNOWN, why="?"), Priority.STATE, id="unknown"),
        pytest.param(replace(STICK, crypt=Crypt.ENCRYPTED), Priority.STATE, id="encrypted"),
    ],
)
def test_what_must_not_wait(volume: Volume, priority: Priority) -> None:
    _, (inserted,) = story([], [volume])
    assert inserted.priority is priority


@pytest.mark.parametrize(
    "volume",
    [
        pytest.param(DISK, id="the-disk-inside"),
        pytest.param(replace(STICK, has_medium=False), id="an-empty-reader"),
        pytest.param(replace(STICK, is_system=True), id="what-the-computer-runs-from"),
        pytest.param(replace(STICK, attach=Attach.OPTICAL), id="a-disc"),
        pytest.param(replace(STICK, attach=Attach.NETWORK), id="a-share"),
        pytest.param(replace(STICK, attach=Attach.VIRTUAL), id="an-image"),
    ],
)
def test_what_is_no_removable_medium(volume: Volume) -> None:
    assert story([], [volume], []) == [(), (), ()]


def test_a_card_put_into_a_reader_is_inserted() -> None:
    empty = replace(UNMOUNTED, has_medium=False)
    assert [kinds(one) for one in story([empty], [UNMOUNTED], [empty])] == [[], ["media_inserted"], ["media_removed"]]


def test_a_phone_is_told_once_as_long_as_it_stays() -> None:
    again = replace(PHONE, insertion_id="8")
    told = story([PHONE], [PHONE], [], [again])
    assert [kinds(one) for one in told] == [["phone_present"], [], [], ["phone_present"]]


def test_containers_are_sought_once_and_only_where_files_are_in_clear() -> None:
    asked: list[Path] = []

    def seeks(folder: Path) -> bool:
        asked.append(folder)
        return True

    vault = replace(STICK, device="sdc1", crypt=Crypt.ENCRYPTED, mount_points=("/media/vault",))
    looks = iter([(UNMOUNTED, vault), (STICK, vault), (STICK, vault)])
    media = RemovableMedia(lambda: next(looks), seeks=seeks)
    media.observe()
    (changed,) = media.observe()
    media.observe()
    assert asked == [Path("/media/staff/PUPILS")]
    assert changed.facts["container"] is True
    assert [volume.device for volume in media.media] == ["sdb1", "sdc1"]


def test_a_look_that_fails_changes_nothing() -> None:
    looks: list[tuple[Volume, ...] | None] = [(STICK,), None, (STICK,)]

    def look_or_fail() -> tuple[Volume, ...]:
        found = looks.pop(0)
        if found is None:
            raise OSError("the reader hangs")
        return found

    media = RemovableMedia(look_or_fail, seeks=lambda _: False)
    media.observe()
    with pytest.raises(OSError, match="the reader hangs"):
        media.observe()
    assert media.observe() == ()


def test_a_stick_in_a_made_up_computer(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    media = RemovableMedia(lambda: look(tree.machine()), seeks=lambda _: None)
    assert media.observe() == ()
    name = tree.partition(tree.usb_disk("sdb", "8:16"), 1)
    tree.content(name, luks())
    (inserted,) = media.observe()
    assert inserted.facts["crypt"] == "encrypted_locked"
    tree.mount(tree.mapping(0, "luks-9f3c", "CRYPT-LUKS2-9f3c-luks-9f3c", name), "/media/staff/VAULT", "ext4")
    (changed,) = media.observe()
    assert (changed.kind, changed.facts["crypt"], changed.facts["mounted"]) == ("media_changed", "encrypted", True)
    tree.unplug(name)
    tree.unplug("sdb")
    (gone,) = media.observe()
    assert (gone.kind, gone.facts["proof"]) == ("media_unclean", "mount_left")


def test_a_real_folder_with_a_container(tmp_path: Path) -> None:
    (tmp_path / "x.hc").write_bytes(noise())
    stick = replace(STICK, mount_points=(str(tmp_path),))
    (present,) = RemovableMedia(lambda: (stick,)).observe()
    assert present.facts["container"] is True


@given(
    st.lists(
        st.lists(st.sampled_from([STICK, UNMOUNTED, DISK, PHONE, replace(STICK, insertion_id="18")])), min_size=1
    )
)
def test_what_was_told_adds_up_to_what_is_there(looks: list[list[Volume]]) -> None:
    here: dict[object, object] = {}
    for observed in story(*looks):
        for one in observed:
            place = (one.facts["device"], one.facts["insertion"])
            if one.kind in {"media_removed", "media_unclean"}:
                del here[place]
            elif one.kind != "phone_present":
                here[place] = one.facts["mounted"]
    last = {(v.device, v.insertion_id): v.is_mounted for v in looks[-1] if v.attach is Attach.REMOVABLE}
    assert here == last
