"""Text of one list in, names and bad lines out; every format that lists come in is known behind this door only.

A list is read in blocks of about 64 KB, so that its size does not matter. In each block a regular expression finds
the runs of plain lines, which are taken as a whole; what stands between them is read line by line.
"""

from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from filters.list_detection import BOM, detect_format, find_other_content
from filters.list_entries import (
    FORMATS,
    NOT_FOR_DNS_FORMAT,
    BadLine,
    Chunk,
    Reason,
    RpzAnswer,
    SpecialRule,
)
from filters.list_formats.adblock import AdblockReader
from filters.list_formats.dnsmasq import DnsmasqReader
from filters.list_formats.plain import DomainsReader, HostsReader, NotForDnsReader
from filters.list_formats.reader import Reader
from filters.list_formats.rpz import RpzReader
from filters.list_names import Refused

__all__ = [
    "FORMATS",
    "NOT_FOR_DNS_FORMAT",
    "BadLine",
    "Chunk",
    "Reason",
    "RpzAnswer",
    "SpecialRule",
    "detect_format",
    "parse_list",
]

MAX_LINE_OCTETS: Final = 4_096
BLOCK_OCTETS: Final = 65_536

# A list whole, or its octets in blocks that may be cut anywhere.
ListText: TypeAlias = bytes | memoryview | Iterable[bytes]


def parse_list(
    blocks: ListText,
    *,
    file: str,
    format: str,  # noqa: A002 (the word of the site file)
) -> Iterator[Chunk]:
    """Parse a list.

    Args:
        blocks: the octets of the list, whole or cut anywhere. Adblock lists are read twice, because a rule can be
            cancelled far behind it; of these an iterator, which cannot be read twice, is kept in memory.
        file: what to call the list in bad lines.
        format: one of `FORMATS`, or `NOT_FOR_DNS_FORMAT`.
    """
    if format == "adblock" and isinstance(blocks, Iterator):
        blocks = b"".join(blocks)
    reader = make_reader(format, file, blocks)
    for block in _whole_lines(blocks):
        if reader.line == 0 and (other_content := find_other_content(block)):
            reader.line = reader.chunk.lines = 1
            reader.refuse(other_content, block[:MAX_LINE_OCTETS].decode("utf-8", "replace"))
            yield reader.chunk
            return
        _take_block(reader, block)
        reader.close_chunk()
        yield reader.chunk
        reader.chunk = Chunk()
    close_list(reader)
    if reader.chunk != Chunk():
        yield reader.chunk


def make_reader(format_: str, file: str, blocks: ListText) -> Reader:
    """Make the reader of a format; of the text it needs at most what one line says about others."""
    match format_:
        case "domains" | "squidguard-domains":
            return DomainsReader(file)
        case "hosts":
            return HostsReader(file)
        case "adblock":
            return AdblockReader(file, badfilter_lines=_badfilter_lines(blocks))
        case "dnsmasq":
            return DnsmasqReader(file)
        case "rpz":
            return RpzReader(file)
        case "squidguard-urls":
            return NotForDnsReader(file)
    raise ValueError(f"unknown list format {format_!r}, expected one of {', '.join(FORMATS)}")


def _badfilter_lines(blocks: ListText) -> Iterator[bytes]:
    for block in _whole_lines(blocks):
        if b"badfilter" in block.lower():
            yield from (line for line in block.split(b"\n") if b"badfilter" in line.lower())


def _whole_lines(blocks: ListText) -> Iterator[bytes]:
    """Give blocks that end where a line ends; of a line that is far too long only the beginning is kept."""
    rest = bytearray()
    at_start = True
    for piece in _pieces(blocks):
        rest += piece
        if len(rest) < BLOCK_OCTETS:
            continue
        end = rest.rfind(b"\n") + 1
        if end:
            yield _with_unix_lines(bytes(rest[:end]), at_start=at_start)
            at_start = False
            del rest[:end]
        del rest[MAX_LINE_OCTETS + 1 :]
    if rest:
        yield _with_unix_lines(bytes(rest.removesuffix(b"\n")) + b"\n", at_start=at_start)


def _pieces(blocks: ListText) -> Iterator[bytes | memoryview]:
    for block in (blocks,) if isinstance(blocks, bytes | memoryview) else blocks:
        for start in range(0, len(block), BLOCK_OCTETS):
            yield block[start : start + BLOCK_OCTETS]


def _with_unix_lines(block: bytes, *, at_start: bool) -> bytes:
    return (block.removeprefix(BOM) if at_start else block).replace(b"\r\n", b"\n")


def _take_block(reader: Reader, block: bytes) -> None:
    """Read a block of whole lines: runs of plain lines in one go, all others one by one."""
    lowered = block.lower()
    match_run = reader.plain.match
    position = 0
    while position < len(block):
        if run := match_run(lowered, position):
            end = run.end()
            if reader.take_run(lowered[position:end]):
                reader.line += lowered.count(b"\n", position, end)
            else:
                for line in block[position : end - 1].split(b"\n"):
                    take_line(reader, line)
        else:
            end = block.index(b"\n", position) + 1
            take_line(reader, block[position : end - 1])
        position = end
    reader.chunk.lines += block.count(b"\n")


def take_line(reader: Reader, line: bytes) -> None:
    """Read one line, whatever stands in it."""
    reader.line += 1
    text = line[: MAX_LINE_OCTETS + 1].removeprefix(BOM).decode("utf-8", "surrogateescape").rstrip()
    try:
        _check_octets(line)
        reader.take_line(text)
    except Refused as refused:
        reader.refuse(refused, text)


def _check_octets(line: bytes) -> None:
    if len(line) > MAX_LINE_OCTETS:
        raise Refused(Reason.TOO_LONG, f"a line of more than {MAX_LINE_OCTETS} octets")
    if b"\0" in line:
        raise Refused(Reason.NUL_BYTE, "a NUL octet, which text never has")


def close_list(reader: Reader) -> None:
    """End a list, also one that ends where it should not."""
    try:
        reader.close_list()
    except Refused as refused:
        reader.refuse(refused, "")
