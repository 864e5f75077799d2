"""Laptops in words: every state has some."""

import pytest
from api_of_test import NOW

from agent.api.device_schemas import DeviceTold
from agent.console.machines.device_words import words_of_disk, words_of_key, words_of_laptop
from agent.storage.fleet_rows import DeviceState, KeyState
from agent.texts import load_texts

ENGLISH = load_texts("en")


def told(state: DeviceState, *, is_waiting: bool = False, is_silent: bool = False) -> DeviceTold:
    return DeviceTold(
        id="d1", version=1, state=state, label="Trolley 1", owner=None, host={}, enrolled_at=NOW, decided_at=None,
        is_waiting=is_waiting, code=None, is_silent=is_silent, contact=None,
    )  # fmt: skip


@pytest.mark.parametrize("state", list(DeviceState))
def test_every_state_has_words(state: DeviceState) -> None:
    assert words_of_laptop(told(state), ENGLISH)[0]


def test_what_waits_and_what_is_silent_are_said_first() -> None:
    assert words_of_laptop(told(DeviceState.ACTIVE, is_waiting=True), ENGLISH) == (
        "on the list; another key waits",
        "warn",
    )
    assert words_of_laptop(told(DeviceState.ACTIVE, is_silent=True), ENGLISH) == ("silent", "warn")


def test_of_a_disk_that_nothing_is_known_is_a_value_of_its_own() -> None:
    assert [words_of_disk(each, ENGLISH)[0] for each in (True, False, None)] == [
        "encrypted", "not encrypted", "not known",
    ]  # fmt: skip


@pytest.mark.parametrize("state", list(KeyState))
def test_every_key_has_words(state: KeyState) -> None:
    assert words_of_key(state, ENGLISH)[0]
