"""Files of text that people wrote."""

from pathlib import Path

import pytest

from agent.text_file import read_text_file
from rules.errors import ConfigurationError

MEGABYTE = 1024 * 1024


def read(path: Path) -> str:
    return read_text_file(path, name="ours.yaml", what="a pack", max_octets=MEGABYTE)


def test_text_is_read_and_a_mark_in_front_of_it_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes("\ufeffpack: école\n".encode())
    assert read(tmp_path / "a") == "pack: école\n"


@pytest.mark.parametrize(
    ("octets", "sentence"),
    [
        pytest.param(None, "ours.yaml: found no such file or directory; expected a file that can be read", id="gone"),
        pytest.param(b"#" * (MEGABYTE + 1), "ours.yaml: found more than 1 MB; expected a pack", id="too-large"),
        pytest.param(b"a: b\nc: \xe9\n", "a:2: found the octet 0xE9; expected text in UTF-8", id="not-utf-8"),
    ],
)
def test_what_is_no_text_is_refused_in_a_sentence(tmp_path: Path, octets: bytes | None, sentence: str) -> None:
    if octets is not None:
        (tmp_path / "a").write_bytes(octets)
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path / "a")
    assert sentence in str(caught.value)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="found is a directory; expected a file that can be read"):
        read(tmp_path)
