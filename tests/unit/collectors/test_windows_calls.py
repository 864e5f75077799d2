"""How Windows is asked: what of it can be held without a Windows."""

import ctypes

from collectors import windows_calls


def test_a_guid_lies_in_memory_as_windows_reads_it() -> None:
    guid = windows_calls._guid("{00112233-4455-6677-8899-AABBCCDDEEFF}")
    assert bytes(guid) == bytes.fromhex("33221100 5544 7766 8899aabbccddeeff")


def test_a_property_key_has_the_size_that_windows_expects() -> None:
    assert ctypes.sizeof(windows_calls._PropertyKey) == 20
