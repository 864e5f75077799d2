"""Devices that are said to encrypt by themselves."""

import pytest

from collectors.hardware_encrypted import ENTRY, claims, shipped
from collectors.volume import Usb

VAULT = Usb("0951", "160d", serial="A1")


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        ({}, None),
        ({"0951:160d": "Vault"}, "Vault"),
        ({"0951:1666": "Another"}, None),
        ({"0951:160d:A1": "The head's"}, "The head's"),
        ({"0951:160d:A2": "Somebody else's"}, None),
        ({"0951:160d": "Vault", "0951:160d:A1": ""}, None),
        ({"0951:160d": "", "0951:160d:A1": "The head's"}, "The head's"),
    ],
    ids=["none-listed", "model", "another-model", "this-one", "another-one", "not-this-one", "this-one-only"],
)
def test_what_is_claimed(devices: dict[str, str], expected: str | None) -> None:
    assert claims(devices)(VAULT) == expected


@pytest.mark.parametrize("entry", ["0951", "0951:160D", "951:160d", "0951:160d:", "0951:160d:a b", "*:160d"])
def test_an_entry_is_written_in_one_way(entry: str) -> None:
    with pytest.raises(ValueError, match="a device is written as 0951:160d"):
        claims({entry: "x"})


def test_the_shipped_list_names_models_and_never_a_whole_maker() -> None:
    assert len(shipped()) >= 10
    assert all(ENTRY.fullmatch(entry) for entry in shipped())
    assert claims(shipped())(VAULT)
