"""The memory of the interface: two heaps for all threads, and what is loaded is not walked over again."""

import gc
import platform
from collections.abc import Iterator

import pytest

from agent.api.process_memory import leave_what_is_loaded, share_heaps


@pytest.fixture
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_heaps_are_shared_where_the_c_library_can() -> None:
    assert share_heaps() is (platform.libc_ver()[0] == "glibc")


@pytest.mark.usefixtures("thawed")
def test_what_is_loaded_is_not_walked_over_again() -> None:
    loaded = [[number] for number in range(1000)]
    leave_what_is_loaded()
    assert gc.get_freeze_count() > len(loaded)
    walked = {id(each) for each in gc.get_objects()}
    assert not any(id(each) in walked for each in loaded)
