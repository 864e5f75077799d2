"""A file of text that a person wrote: bounded, in UTF-8, and refused in one sentence."""

from pathlib import Path

from rules.errors import ConfigurationError, Problem


def read_text_file(path: Path, *, name: str, what: str, max_octets: int) -> str:
    """Read a file.

    Args:
        name: what to call it where it cannot be read.
        what: what it should be (`a site`).
        max_octets: whole megabytes.

    Raises:
        ConfigurationError: there is no such file, it cannot be read, is too large or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            octets = file.read(max_octets + 1)
    except (OSError, ValueError) as error:
        found = getattr(error, "strerror", None) or str(error)
        raise _refusal(name, found[:1].lower() + found[1:], "a file that can be read") from None
    if len(octets) > max_octets:
        raise _refusal(name, f"more than {max_octets >> 20} MB", f"{what}, which is a few pages of text")
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        where = f"{path.name}:{line}"
        raise _refusal(where, f"the octet 0x{octets[error.start]:02X}", "text in UTF-8") from None


def _refusal(where: str, found: str, expected: str) -> ConfigurationError:
    return ConfigurationError((Problem(where, found, expected),))
