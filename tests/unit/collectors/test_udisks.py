"""What UDisks says of block devices: the form is that of a real UDisks 2.9.4 on loop devices."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.machine import Machine, Output
from collectors.udisks import parse_udisks, read_udisks

BLOCK = "org.freedesktop.UDisks2.Block"


def block(number: object, kind: object) -> dict[str, Any]:
    return {BLOCK: {"DeviceNumber": {"type": "t", "data": number}, "IdType": {"type": "s", "data": kind}}}


def answer(*interfaces: object) -> str:
    objects = {f"/org/freedesktop/UDisks2/block_devices/{place}": each for place, each in enumerate(interfaces)}
    return json.dumps({"type": "a{oa{sa{sv}}}", "data": [objects]})


def test_kinds_by_device_number() -> None:
    text = answer(block(1792, "crypto_LUKS"), block(1793, ""), {"org.freedesktop.UDisks2.Manager": {}})
    assert parse_udisks(text) == {"7:0": "crypto_LUKS"}


@pytest.mark.parametrize("major", [8, 259, 5000], ids=["small", "more", "large"])
@pytest.mark.parametrize("minor", [1, 273, 70_000], ids=["few", "several", "many"])
def test_device_numbers_are_written_as_the_kernel_does(major: int, minor: int) -> None:
    number = os.makedev(major, minor)
    assert parse_udisks(answer(block(number, "exfat"))) == {f"{major}:{minor}": "exfat"}


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", '{"data": 7}', '{"data": []}', '{"data": [7]}', '{"data": [{"/x": 7}]}', "[" * 100_000,
        answer(block("1792", "exfat")), answer(block(1792, 7)), answer(block(-1, "exfat")), answer({BLOCK: 7}),
    ],
    ids=[
        "empty", "null", "list", "number", "nothing", "no-objects", "no-interfaces", "deep", "number-as-text",
        "kind-as-number", "negative", "no-properties",
    ],
)  # fmt: skip
def test_what_is_not_as_expected_tells_nothing(text: str) -> None:
    assert parse_udisks(text) == {}


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    parse_udisks(text)


def test_it_is_never_started_by_being_asked() -> None:
    asked: list[tuple[str, ...]] = []

    def programs(command: tuple[str, ...], _seconds: float) -> Output:
        asked.append(command)
        return Output(1, err=b"Call failed: The name is not activatable")

    assert read_udisks(Machine(root=Path("/nowhere"), programs=programs)) == {}
    assert "--auto-start=no" in asked[0]
