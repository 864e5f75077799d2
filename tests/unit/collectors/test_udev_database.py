"""What udev wrote down, from made-up entries."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from linux_tree_of_test import LinuxTree

from collectors.machine import Machine
from collectors.udev_database import parse_udev, read_udev, udev_label


def test_properties(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    tree.udev("b8:17", ID_FS_TYPE="vfat", ID_FS_LABEL="A_B", ID_SERIAL="a=b")
    assert read_udev(tree.machine(), "8:17") == {"ID_FS_TYPE": "vfat", "ID_FS_LABEL": "A_B", "ID_SERIAL": "a=b"}


@pytest.mark.parametrize("number", ["8:18", "../../etc/passwd", "", "8:17\n"])
def test_what_udev_knows_nothing_of(tmp_path: Path, number: str) -> None:
    tree = LinuxTree(tmp_path)
    tree.udev("b8:17", ID_FS_TYPE="vfat")
    assert read_udev(tree.machine(), number) == {}
    assert read_udev(Machine(root=tmp_path / "without-udev"), "8:17") == {}


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param({}, "", id="none"),
        pytest.param({"ID_FS_LABEL": "A_B"}, "A_B", id="as-udev-shows-it"),
        pytest.param({"ID_FS_LABEL": "A_B", "ID_FS_LABEL_ENC": r"A\x20B"}, "A B", id="as-it-is"),
        pytest.param({"ID_FS_LABEL_ENC": r"\xe2\x80\xaeexe"}, "\u202eexe", id="turned-around"),
        pytest.param({"ID_FS_LABEL_ENC": r"a\xffb"}, "a\udcffb", id="no-text"),
        pytest.param({"ID_FS_LABEL_ENC": r"a\xzzb"}, r"a\xzzb", id="no-escape"),
        pytest.param({"ID_FS_LABEL_ENC": "élèves"}, "élèves", id="not-escaped"),
    ],
)
def test_labels(properties: dict[str, str], expected: str) -> None:
    assert udev_label(properties) == expected


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_no_text_is_an_error(text: str) -> None:
    parse_udev(text)
    found = parse_udev(f"S:x\nE:{text}\nE:ID_FS_LABEL_ENC={text}\nE:A=1\n")
    assert found["A"] == "1"
    udev_label(found)


@given(st.binary(max_size=200))
def test_no_octets_are_an_error(octets: bytes) -> None:
    text = octets.decode("utf-8", "surrogateescape")
    udev_label(parse_udev(f"E:ID_FS_LABEL_ENC={text}"))
