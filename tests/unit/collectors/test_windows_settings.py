"""What Windows is asked, on the one that runs this; elsewhere the module can at least be loaded."""

import sys

import pytest

from collectors import windows_settings


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has one")
def test_elsewhere_there_is_no_windows_to_ask() -> None:
    assert not hasattr(windows_settings, "ThisWindows")


if sys.platform == "win32":

    def test_this_windows_answers() -> None:
        here = windows_settings.ThisWindows()
        assert here.registry("HKLM", "SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion", "ProductName")
        assert here.subkeys("HKLM", "SOFTWARE\\No such key") is None
        assert here.password_rules() is not None
