"""How Windows is asked: what of it can be held without a Windows."""

import ctypes

import pytest

from collectors import windows_calls


def test_a_guid_lies_in_memory_as_windows_reads_it() -> None:
    guid = windows_calls._guid("{00112233-4455-6677-8899-AABBCCDDEEFF}")
    assert bytes(guid) == bytes.fromhex("33221100 5544 7766 8899aabbccddeeff")


def test_a_property_key_has_the_size_that_windows_expects() -> None:
    assert ctypes.sizeof(windows_calls._PropertyKey) == 20


@pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="counted for 64 bits")
def test_what_trust_is_asked_with_lies_in_memory_as_windows_reads_it() -> None:
    data = windows_calls._trust_data(r"E:\setup.exe")
    assert (ctypes.sizeof(windows_calls._TrustFile), ctypes.sizeof(windows_calls._TrustData)) == (32, 88)
    fields = {name: getattr(windows_calls._TrustData, name).offset for name, _ in windows_calls._TrustData._fields_}
    assert (fields["ui"], fields["file"], fields["state_data"], fields["flags"]) == (24, 40, 56, 72)
    assert (data.size, data.file.contents.size, data.file.contents.path) == (88, 32, r"E:\setup.exe")


def test_nothing_is_shown_and_nothing_fetched() -> None:
    data = windows_calls._trust_data("x")
    assert (data.ui, data.revocation, data.choice, data.state, data.flags) == (2, 0, 1, 1, 0x1010)


@pytest.mark.parametrize(
    ("status", "last_error", "said"),
    [
        pytest.param(0, 5, 0, id="good-whatever-was-before"),
        pytest.param(-2146762496, -2146762496, 0x800B0100, id="not-signed"),
        pytest.param(-2146762496, -2146762749, 0x800B0003, id="of-a-form-that-is-never-signed"),
        pytest.param(-2146762496, 0, 0x800B0100, id="not-signed-and-no-reason"),
        pytest.param(-2146762496, -2146885629, 0x80092003, id="could-not-be-read"),
        pytest.param(-2146869232, 0, 0x80096010, id="changed"),
    ],
)
def test_what_windows_said_of_a_signature(status: int, last_error: int, said: int) -> None:
    assert windows_calls._trust_said(status, last_error) == said
