"""The model of a volume: which state is worse, and what is handed on."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.volume import Attach, Bus, Crypt, Evidence, Usb, Volume, no_hardware_claim, printed, worst

STICK = Volume(
    device="sdb1",
    disk="sdb",
    attach=Attach.REMOVABLE,
    bus=Bus.USB,
    crypt=Crypt.PLAIN,
    evidence=(Evidence("mountinfo.filesystem", "vfat"),),
    filesystem="vfat",
    label="PUPILS",
    uuid="8BAB-6547",
    size_bytes=64 << 20,
    is_read_only=False,
    mount_points=("/media/staff/PUPILS",),
    usb=Usb("0951", "1666", "001CC0", "DataTraveler"),
    insertion_id="17",
    has_container=False,
)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        pytest.param([Crypt.ENCRYPTED, Crypt.PLAIN], Crypt.PLAIN, id="one-plain-device-makes-it-plain"),
        pytest.param([Crypt.UNKNOWN, Crypt.PLAIN], Crypt.PLAIN, id="plain-is-worse-than-unknown"),
        pytest.param([Crypt.ENCRYPTED, Crypt.UNKNOWN], Crypt.UNKNOWN, id="unknown-is-worse-than-encrypted"),
        pytest.param(
            [Crypt.ENCRYPTED, Crypt.SUSPENDED], Crypt.SUSPENDED, id="a-key-in-clear-is-worse-than-a-kept-one"
        ),
        pytest.param([Crypt.ENCRYPTED_LOCKED, Crypt.ENCRYPTED], Crypt.ENCRYPTED, id="open-is-worse-than-locked"),
        pytest.param([Crypt.CLAIMED_HARDWARE, Crypt.ENCRYPTED], Crypt.CLAIMED_HARDWARE, id="a-claim-is-no-proof"),
        pytest.param([], Crypt.UNKNOWN, id="nothing-known"),
    ],
)
def test_the_worst_counts(states: list[Crypt], expected: Crypt) -> None:
    assert worst(states) is expected
    assert worst(reversed(states)) is expected


@given(st.lists(st.sampled_from(Crypt), min_size=1))
def test_every_state_has_its_place(states: list[Crypt]) -> None:
    assert worst(states) in states


def test_the_facts_hold_everything() -> None:
    assert STICK.facts() == {
        "device": "sdb1",
        "disk": "sdb",
        "attach": "removable",
        "bus": "usb",
        "crypt": "plain",
        "why": "",
        "evidence": [{"source": "mountinfo.filesystem", "value": "vfat", "privilege": "user"}],
        "filesystem": "vfat",
        "label": "PUPILS",
        "label_marks": [],
        "uuid": "8BAB-6547",
        "size_bytes": 67108864,
        "read_only": False,
        "mounted": True,
        "mount_points": ["/media/staff/PUPILS"],
        "usb": {"vendor": "0951", "product": "1666", "serial": "001CC0", "name": "DataTraveler"},
        "insertion": "17",
        "system": False,
        "container": False,
        "medium": True,
    }


def test_another_insertion_is_another_key() -> None:
    assert STICK.key == "sdb1#17"


@pytest.mark.parametrize(
    ("label", "text", "marks"),
    [
        pytest.param("PUPILS", "PUPILS", (), id="plain"),
        pytest.param("<b>Year 5</b>", "<b>Year 5</b>", (), id="html-is-text"),
        pytest.param("élèves 児童", "élèves 児童", (), id="any-script"),
        pytest.param("תלמידים", "תלמידים", (), id="a-script-from-right-to-left-is-nothing-odd"),
        pytest.param("a\x1b[31m\nb", "a\x1b[31m\nb", ("control",), id="control-characters"),
        pytest.param("gpj\u202eexe", "gpj\u202eexe", ("direction",), id="right-to-left-override"),
        pytest.param("a\u200fb", "a\u200fb", ("direction",), id="right-to-left-mark"),
        pytest.param("a\udcffb", "a\ufffd\ufffd\ufffdb", ("not_text",), id="octets-that-are-no-text"),
        pytest.param("x" * 65, "x" * 64, ("cut",), id="too-long"),
    ],
)
def test_labels(label: str, text: str, marks: tuple[str, ...]) -> None:
    assert printed(label) == (text, marks)


@given(st.text(st.characters(), max_size=400))
def test_any_text_can_be_written(text: str) -> None:
    usb = Usb("0951", "1666", text, text)
    volume = Volume(
        device=text,
        attach=Attach.UNKNOWN,
        bus=Bus.UNKNOWN,
        crypt=Crypt.UNKNOWN,
        why=text,
        label=text,
        uuid=text,
        mount_points=(text,) * 40,
        evidence=(Evidence("header", text),) * 40,
        usb=usb,
    )
    written = json.dumps(volume.facts(), ensure_ascii=False).encode()
    assert len(written) < 200_000


def test_without_a_list_nothing_claims_to_encrypt() -> None:
    assert no_hardware_claim(Usb("1953", "0202")) is None
