"""Response policy zones: a DNS zone whose owner names are triggers and whose records are what to answer.

`name CNAME .` lists the name alone and `*.name CNAME .` the names below it; both together, which is usual, list the
name with all below it. `CNAME *.` and other records are rules with an answer, `CNAME rpz-passthru.` is an exception.
Only names in questions can trigger here: triggers by address or name server are counted as not supported.

Source: draft-vixie-dnsop-dns-rpz-00 sections 3, 4 and 6.
"""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Final, TypeAlias

from filters.list_entries import Reason, RpzAnswer, SpecialRule
from filters.list_formats.reader import Reader
from filters.list_formats.rr_types import RR_TYPES
from filters.list_formats.zone_file import ZoneFile, ZoneRecord
from filters.list_names import LABEL, Refused, below_only, read_any_name, read_name, to_wire_names
from rules.name import DomainName, from_wire, to_wire

# What a trigger is about: a name, and whether it is the names below it (`*.name`) or the name itself.
_Trigger: TypeAlias = tuple[DomainName, bool]
_Record: TypeAlias = tuple[int, int, str]

_NAME: Final = rb"(?:" + LABEL + rb"\.(?![ \t]))++(?!rpz-)[a-z][a-z0-9_-]{0,62}+\.?+"
_CNAME_TO_ROOT: Final = rb"[ \t]++(?:\d++[ \t]++)?+(?:in[ \t]++)?+cname[ \t]++\.[ \t]*+"
_OWNER: Final = re.compile(rb"^[^ \t]++", re.MULTILINE)
_NOT_BY_NAME: Final = frozenset({"rpz-ip", "rpz-client-ip", "rpz-nsip", "rpz-nsdname"})
# Section 4: records that a zone needs for itself are no rules.
_ZONE_TYPES: Final = frozenset(
    {"SOA", "NS", "DNSKEY", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "CDS", "CDNSKEY", "ZONEMD"}
)
_NODATA: Final = RpzAnswer("nodata")
MAX_TXT_OCTETS: Final = 255


class RpzReader(Reader):
    """The reading of one zone."""

    plain = re.compile(rb"(?:(?:\*\.)?+" + _NAME + _CNAME_TO_ROOT + rb"\n)++")

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.zone = ZoneFile()
        self._names: dict[bytes, None] = {}
        self._below: dict[bytes, None] = {}
        self._other: dict[_Trigger, RpzAnswer | None] = {}
        self._local: dict[_Trigger, list[_Record]] = {}

    @property
    def is_open(self) -> bool:
        """Say whether a parenthesis waits for its end."""
        return self.zone.is_open

    def take_run(self, run: bytes) -> bool:
        """Take a run of `CNAME .` records."""
        owners = _OWNER.findall(run)
        text = b"\n".join(owners) + b"\n"
        is_absolute = b".\n" in text
        if not self.zone.is_flat or (is_absolute and (self.zone.apex or b".rpz-" in text)):
            return False
        if is_absolute:
            owners = text.replace(b".\n", b"\n").split()
        themselves = [owner for owner in owners if owner[0] != ord("*")]
        below = [owner[2:] for owner in owners if owner[0] == ord("*")]
        wire_names = to_wire_names(b"\n".join([*themselves, *below]) + b"\n")
        self._names.update(dict.fromkeys(wire_names[: len(themselves)]))
        self._below.update(dict.fromkeys(wire_names[len(themselves) :]))
        self.zone.owner = self.zone.absolute(owners[-1].decode())
        return bool(wire_names)

    def take_line(self, text: str) -> None:
        """Take a line of the zone file."""
        record = self.zone.take_line(text)
        if record is None or record.type in _ZONE_TYPES or not (trigger := self._trigger(record.owner)):
            self.ignore()
        else:
            self._take_record(trigger, record)

    def close_chunk(self) -> None:
        """List the names of the chunk; the last one waits, its other half may be the first of the next chunk."""
        self._list_names(
            keep=dict.fromkeys(list(self._names)[-1:]),
            keep_below=dict.fromkeys(list(self._below)[-1:]),
        )

    def close_list(self) -> None:
        """Hand over what waited, and the answers, whose records may have stood far apart."""
        self._list_names(keep={}, keep_below={})
        for trigger, records in self._local.items():
            self._other[trigger] = RpzAnswer("local", tuple(records))
        self.chunk.special += _to_rules(self._other)
        self._other, self._local = {}, {}
        self.zone.close()

    def _list_names(self, *, keep: dict[bytes, None], keep_below: dict[bytes, None]) -> None:
        names, below = self._names, self._below
        keep = {name: None for name in keep if name not in below}
        keep_below = {name: None for name in keep_below if name not in names}
        self.chunk.subtree += [name for name in names if name in below]
        self.chunk.exact += [name for name in names if name not in below and name not in keep]
        self.chunk.special += [
            below_only(from_wire(name)) for name in below if name not in names and name not in keep_below
        ]
        self._names, self._below = keep, keep_below

    def _trigger(self, owner: str) -> str:
        """Give what stands before the name of the zone; nothing for the zone itself."""
        apex = self.zone.apex
        if owner == apex:
            return ""
        if not apex:
            return owner
        if not owner.endswith("." + apex):
            raise Refused(Reason.BAD_SYNTAX, f"an owner name outside of the zone {apex}")
        return owner.removesuffix("." + apex)

    def _take_record(self, trigger_text: str, record: ZoneRecord) -> None:
        if not _NOT_BY_NAME.isdisjoint(trigger_text.split(".")):
            raise Refused(Reason.UNSUPPORTED_TRIGGER, "a trigger by address or name server, not by name")
        below = trigger_text.startswith("*.")
        name = read_name(trigger_text.removeprefix("*."))
        target = self._target(record) if record.type == "CNAME" else None
        if target == "":
            (self._below if below else self._names)[to_wire(name)] = None
        elif target == "*":
            self._other[name, below] = _NODATA
        # Section 3.3: a CNAME to the trigger itself is the old way to write PASSTHRU.
        elif target in {"rpz-passthru", name}:
            self._other[name, below] = None
        elif target is not None and target.startswith(("rpz-", "*.")):
            raise Refused(Reason.UNSUPPORTED_ACTION, f"action {target!r}, where '.', '*.', rpz-passthru. or data do")
        else:
            answer = self._local_record(record)
            self._local.setdefault((name, below), []).append(answer)

    def _target(self, record: ZoneRecord) -> str:
        if len(record.data) != 1:
            raise Refused(Reason.BAD_SYNTAX, "one target was expected behind CNAME")
        return self.zone.absolute(record.data[0]).lower()

    def _local_record(self, record: ZoneRecord) -> _Record:
        data = record.data
        match record.type, len(data):
            case "A", 1:
                return self._made(record, _address(data[0], IPv4Address))
            case "AAAA", 1:
                return self._made(record, _address(data[0], IPv6Address))
            case "CNAME" | "PTR", 1:
                return self._made(record, self._name(data[0]))
            case "MX", 2:
                return self._made(record, _number(data[0]), self._name(data[1]))
            case "SRV", 4:
                return self._made(record, *map(_number, data[:3]), self._name(data[3]))
            case "TXT", _:
                return self._made(record, *map(_quoted, data))
            case "A" | "AAAA" | "CNAME" | "PTR" | "MX" | "SRV", count:
                raise Refused(Reason.BAD_SYNTAX, f"{count} values behind {record.type}")
        raise Refused(Reason.UNSUPPORTED_ACTION, f"local data of type {record.type}")

    def _made(self, record: ZoneRecord, *data: str) -> _Record:
        return RR_TYPES[record.type], record.ttl_seconds, " ".join(data)

    def _name(self, text: str) -> str:
        return read_any_name(self.zone.absolute(text) or ".") + "."


def _to_rules(answers: Mapping[_Trigger, RpzAnswer | None]) -> Iterator[SpecialRule]:
    """Make rules, one for a name and all below it where both got the same answer; no answer is an exception."""
    for (name, below), answer in answers.items():
        other_half = (name, not below)
        if other_half in answers and answers[other_half] == answer:
            if not below:
                yield SpecialRule(to_wire(name), exception=answer is None, answer=answer)
        elif below:
            yield below_only(name, exception=answer is None, answer=answer)
        else:
            yield SpecialRule(to_wire(name), subtree=False, exception=answer is None, answer=answer)


def _address(text: str, kind: type[IPv4Address | IPv6Address]) -> str:
    try:
        return str(kind(text))
    except ValueError:
        raise Refused(Reason.BAD_SYNTAX, f"{text!r} stands where an address was expected") from None


def _number(text: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 0xFFFF):
        raise Refused(Reason.BAD_SYNTAX, f"{text!r} stands where a number up to 65535 was expected")
    return text


def _quoted(text: str) -> str:
    if len(text.encode("utf-8", "surrogateescape")) > MAX_TXT_OCTETS:
        raise Refused(Reason.BAD_SYNTAX, f"a text longer than {MAX_TXT_OCTETS} octets")
    return text if text.startswith('"') else f'"{text}"'
