"""Who has which address: the lease files of dnsmasq, ISC dhcpd and Kea.

These files are written by programs and read while they are being written: a line that cannot be read is counted
and left out. Where an address stands several times, the last entry holds.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Literal

from rules.name import InvalidNameError, parse_name

LeaseFormat = Literal["dnsmasq", "isc", "kea"]

_MAX_OCTETS: Final = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Lease:
    """An address that a device holds until `expires_at`; without that, for ever."""

    address: str
    link_layer: str | None
    host_name: str | None
    expires_at: datetime | None

    def is_valid(self, at: datetime) -> bool:
        """Say whether the lease has not ended."""
        return self.expires_at is None or at < self.expires_at


@dataclass(frozen=True, slots=True)
class Leases:
    """What a lease file says, by address, and how many entries of it could not be read."""

    by_address: Mapping[str, Lease]
    bad_entries: int = 0


class _BadEntryError(ValueError):
    """An entry that is not what its format says."""


def read_leases(path: Path, lease_format: LeaseFormat) -> Leases:
    """Read a lease file.

    Kea moves old leases to a file beside it before it tidies them up; those count too.

    Raises:
        OSError: the file does not exist or cannot be read.
    """
    texts = [_read_text(path)]
    if lease_format == "kea":
        # Source: Kea Administrator Reference Manual, "Why Is Lease File Cleanup Necessary?".
        older = [path.with_name(path.name + suffix) for suffix in (".2", ".1")]
        if (completed := path.with_name(path.name + ".completed")).exists():
            older = [completed]
        texts = [*(_read_text(file) for file in older if file.exists()), *texts]
    return parse_leases("\n".join(texts), lease_format)


def _read_text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_MAX_OCTETS).decode("utf-8", "replace")


def parse_leases(text: str, lease_format: LeaseFormat) -> Leases:
    """Read the text of a lease file."""
    entries = {"dnsmasq": _dnsmasq_entries, "isc": _isc_entries, "kea": _kea_entries}[lease_format](text)
    by_address: dict[str, Lease] = {}
    bad_entries = 0
    for entry in entries:
        if entry is None:
            bad_entries += 1
            continue
        address, lease = entry
        by_address.pop(address, None)
        if lease is not None:
            by_address[address] = lease
    return Leases(by_address, bad_entries)


# An address with its lease, an address that was given back, or an entry that could not be read.
_Entry = tuple[str, Lease | None] | None


# --- dnsmasq


def _dnsmasq_entries(text: str) -> Iterator[_Entry]:
    """Read lines of expiry, link-layer address or IAID, address, host name, client id or DUID.

    Source: dnsmasq, lease.c, `lease_update_file`.
    """
    for line in text.splitlines():
        fields = line.split()
        if not fields or fields[0] == "duid":
            continue
        try:
            expiry, hardware, address, host_name, client = (*fields[:5], *("*",) * (5 - len(fields)))
            link_layer = _link_layer(hardware) or _link_layer_of_duid(client)
            # 0 means a lease without end.
            expires_at = None if expiry == "0" else _instant(expiry)
            yield _entry(address, link_layer, host_name, expires_at)
        except ValueError:
            yield None


# --- ISC dhcpd

_ISC_OPENING: Final = re.compile(r'(lease|ia-na|ia-ta|iaaddr)\s+("(?:[^"\\]|\\.)*"|\S+)\s*\{')
_ISC_STATEMENT: Final = re.compile(r"(binding state|client-hostname|ends|hardware ethernet)\s+([^;]*);")
_ISC_TIME: Final = re.compile(r"\d+\s+(\d{4})/(\d{1,2})/(\d{1,2})\s+(\d{1,2}):(\d{1,2}):(\d{1,2})")


@dataclass(slots=True)
class _IscBlock:
    """A block whose end has not come yet."""

    kind: str
    key: str
    values: dict[str, str] = field(default_factory=dict)


def _isc_entries(text: str) -> Iterator[_Entry]:
    """Read `lease` blocks, and the `iaaddr` blocks of DHCPv6. Source: dhcpd.leases(5)."""
    blocks: list[_IscBlock] = []
    for line in map(str.strip, text.splitlines()):
        if line.endswith("{"):
            opening = _ISC_OPENING.fullmatch(line)
            blocks.append(_IscBlock(opening[1], opening[2]) if opening else _IscBlock("", ""))
        elif line == "}" and blocks:
            block = blocks.pop()
            if block.kind == "lease":
                yield _isc_entry(block, _link_layer(block.values.get("hardware ethernet", "")))
            elif block.kind == "iaaddr" and blocks:
                # The key of the block around it is the IAID, four octets, and the DUID.
                yield _isc_entry(block, _link_layer_of_duid(_isc_octets(blocks[-1].key[1:-1])[4:].hex(":")))
        elif blocks and (statement := _ISC_STATEMENT.match(line)) is not None:
            blocks[-1].values[statement[1]] = statement[2]
    if blocks:
        yield None


def _isc_entry(block: _IscBlock, link_layer: str | None) -> _Entry:
    try:
        if block.values.get("binding state", "active") != "active":
            return str(ip_address(block.key)), None
        host_name = block.values.get("client-hostname", "*").strip('"')
        return _entry(block.key, link_layer, host_name, _isc_expiry(block.values.get("ends")))
    except ValueError:
        return None


def _isc_expiry(text: str | None) -> datetime | None:
    if text is None or text == "never":
        return None
    if text.startswith("epoch "):
        return _instant(text.split()[1])
    if (match := _ISC_TIME.fullmatch(text)) is None:
        raise _BadEntryError(text)
    year, month, day, hour, minute, second = map(int, match.groups())
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def _isc_octets(text: str) -> bytes:
    r"""Undo the escapes of dhcpd's quoted strings: `\052` is an octet in octal."""
    octets = bytearray()
    for match in re.finditer(r"\\([0-7]{3})|\\(.)|(.)", text, re.DOTALL):
        octal, escaped, plain = match.groups()
        octets += bytes((int(octal, 8) & 0xFF,)) if octal else (escaped or plain).encode("utf-8", "replace")
    return bytes(octets)


# --- Kea


def _kea_entries(text: str) -> Iterator[_Entry]:
    """Read rows under a heading that names the columns. Source: Kea, `CSVLeaseFile4` and `CSVLeaseFile6`."""
    columns: list[str] = []
    for row in _csv_rows(text):
        if row[:1] == ["address"]:
            columns = row
            continue
        fields = dict(zip(columns, row, strict=False))
        try:
            yield _kea_entry(fields)
        except (ValueError, KeyError):
            yield None


def _csv_rows(text: str) -> Iterable[list[str]]:
    # Kea writes no quotes; a comma inside a field is written as an entity.
    lines = (line for line in text.splitlines() if line)
    return csv.reader(lines, quoting=csv.QUOTE_NONE)


def _kea_entry(fields: Mapping[str, str]) -> _Entry:
    address = fields["address"]
    # State 0 is a lease in use; a prefix for another router is no device.
    is_in_use = fields.get("state", "0") == "0" and fields["valid_lifetime"] != "0"
    if not is_in_use or fields.get("lease_type") == "2":
        return str(ip_address(address)), None
    link_layer = _link_layer(fields.get("hwaddr", "")) or _link_layer_of_duid(fields.get("duid", ""))
    # The largest lifetime means for ever.
    expires_at = None if fields["valid_lifetime"] == "4294967295" else _instant(fields["expire"])
    return _entry(address, link_layer, fields.get("hostname", ""), expires_at)


# --- Parts of an entry


def _entry(address: str, link_layer: str | None, host_name: str, expires_at: datetime | None) -> _Entry:
    normal = str(ip_address(address))
    return normal, Lease(normal, link_layer, _host_name(host_name), expires_at)


def _instant(text: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (OverflowError, OSError) as error:
        raise _BadEntryError(text) from error


def _link_layer(text: str) -> str | None:
    """Bring an Ethernet address to small letters; nothing, if it is none."""
    return text.lower() if re.fullmatch(r"[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}", text) else None


def _link_layer_of_duid(text: str) -> str | None:
    """Give the Ethernet address in a DUID of type 1 or 3. Source: RFC 8415 sections 11.2 and 11.4."""
    octets = text.lower().split(":")
    if octets[:4] == ["00", "01", "00", "01"] and len(octets) == 14:
        return _link_layer(":".join(octets[8:]))
    if octets[:4] == ["00", "03", "00", "01"] and len(octets) == 10:
        return _link_layer(":".join(octets[4:]))
    return None


def _host_name(text: str) -> str | None:
    try:
        return str(parse_name(text)) or None
    except InvalidNameError:
        return None
