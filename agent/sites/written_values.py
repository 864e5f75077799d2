"""The small values that people write in `site.yaml`: times, sizes, days, addresses; text in, one value out.

Every scalar of a site arrives as the text that was written. A value that cannot be read raises one error that says
what was expected.
"""

import base64
import binascii
import difflib
import ipaddress
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, PlainValidator
from pydantic_core import PydanticCustomError

from agent.sites.site import Endpoint, Transport
from rules.name import DomainName, InvalidNameError, parse_name

Parsed = TypeVar("Parsed")

FAULT: Final = "schoolgate"
_UNITS: Final = {
    "s": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600,
    "d": 86_400, "day": 86_400, "w": 604_800, "week": 604_800,
}  # fmt: skip
_SIZES: Final = {"": 1, "b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3, "kib": 1024, "mib": 1024**2, "gib": 1024**3}
_SMALLEST_SIZE: Final = 64 * 1024
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LINK_LAYER: Final = re.compile(r"[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}", re.IGNORECASE)
_YEARS: Final = range(2000, 2100)
# RFC 5321, section 4.1.2, without quotes and literals.
MAIL_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")


def fault(expected: str, found: str = "") -> PydanticCustomError:
    """Make the error that a reader raises; without `found`, the text itself is shown."""
    return PydanticCustomError(FAULT, "expected {expected}", {"expected": expected, "found": found})


def _text(value: Any, expected: str) -> str:
    if not isinstance(value, str):
        raise fault(expected)
    return value.strip()


def parse_id(value: Any) -> str:
    """Read the name of a network, group, schedule, list or policy."""
    text = _text(value, "a name")
    if re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,39}", text) is None:
        raise fault("a short name of small letters, digits, - and _")
    return text


def parse_duration(value: Any, *, at_least: float = 0, at_most: float = 3_153_600_000) -> float:
    """Read a length of time in seconds: `90 s`, `30 min`, `12 h`, `1d`, `2 weeks`."""
    expected = "a length of time such as 30 s, 10 min, 12 h or 1 d"
    text = _text(value, expected).lower()
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)\s*([a-z]+)", text)
    if match is None:
        raise fault(expected)
    unit = _UNITS.get(match[2]) or _UNITS.get(match[2].removesuffix("s"))
    if unit is None:
        raise fault(expected)
    seconds = float(match[1]) * unit
    if not at_least <= seconds <= at_most:
        raise fault(f"at least {at_least:g} s" if seconds < at_least else f"at most {at_most:g} s")
    return seconds


def parse_seconds(value: Any, *, at_least: float = 0, at_most: float = 604_800) -> int:
    """Read a length of time in whole seconds."""
    return round(parse_duration(value, at_least=at_least, at_most=at_most))


def parse_size(value: Any) -> int:
    """Read a number of octets, at least 64 KB: `64 MB` (of 1024 times 1024)."""
    expected = "a size such as 512 KB, 64 MB or 1 GB"
    match = re.fullmatch(r"(\d{1,12})\s*([a-z]*)", _text(value, expected).lower())
    if match is None or match[2] not in _SIZES:
        raise fault(expected)
    size = int(match[1]) * _SIZES[match[2]]
    if size < _SMALLEST_SIZE:
        raise fault("at least 64 KB")
    return size


def parse_share(value: Any) -> float:
    """Read a part of the whole: `20 %` or `0.2`."""
    expected = "a share such as 20 %"
    match = re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?)\s*(%?)", _text(value, expected))
    share = float(match[1]) / (100 if match[2] else 1) if match is not None else 2.0
    if share > 1:
        raise fault(expected)
    return share


def parse_days(value: Any) -> frozenset[int]:
    """Read days of the week: `mon-fri`, `[mon, wed]`, `sat, sun`, `every day`."""
    parts = value if isinstance(value, list) else [value]
    words = [word for part in parts for word in re.split(r"[,\s]+", _text(part, "days such as mon-fri")) if word]
    if [word.lower() for word in words] in (["every", "day"], ["daily"]):
        return frozenset(range(7))
    days: set[int] = set()
    for word in words:
        first, _, last = word.lower().partition("-")
        start, end = _weekday(first, word), _weekday(last or first, word)
        days.update((start + offset) % 7 for offset in range((end - start) % 7 + 1))
    if not days:
        raise fault("days such as mon-fri, or [mon, wed]")
    return frozenset(days)


def _weekday(text: str, word: str) -> int:
    for number, name in enumerate(_WEEKDAYS):
        if len(text) >= 3 and name.startswith(text):
            return number
    raise fault("days such as mon-fri, or [mon, wed]", f"the day {word!r}")


def parse_clock(value: Any) -> int:
    """Read a time of day as minutes from midnight, up to `24:00`."""
    expected = "a time of day such as 8:30 or 16:00"
    match = re.fullmatch(r"(\d{1,2}):([0-5]\d)", _text(value, expected))
    minute = int(match[1]) * 60 + int(match[2]) if match is not None else 9999
    if minute > 1440:
        raise fault(expected)
    return minute


def parse_date(value: Any) -> date:
    """Read a day: `2026-09-01`."""
    expected = "a date such as 2026-09-01"
    text = _text(value, expected)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise fault(expected) from None
    if len(text) != 10 or day.year not in _YEARS:
        raise fault(f"{expected}, from {_YEARS[0]} to {_YEARS[-1]}")
    return day


def parse_moment(value: Any) -> date | datetime:
    """Read a day, or an instant on the school's wall clock: `2026-09-01 15:30`, `2026-09-01T15:30:00`."""
    expected = "a date such as 2026-09-01, or with a time: 2026-09-01 15:30"
    text = _text(value, expected)
    match = re.fullmatch(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2})?)", text)
    try:
        return datetime.combine(parse_date(match[1]), time.fromisoformat(match[2])) if match else parse_date(text)
    except (ValueError, PydanticCustomError):
        raise fault(expected) from None


def parse_timezone(value: Any) -> str:
    """Read the name of a time zone."""
    text = _text(value, "a time zone such as Europe/London")
    try:
        ZoneInfo(text)
    except (ValueError, OSError, KeyError):
        close = difflib.get_close_matches(text, available_timezones(), n=1, cutoff=0.8)
        raise fault(close[0] if close else "a time zone such as Europe/London") from None
    return text


def parse_cidr(value: Any) -> str:
    """Read a prefix or a single address."""
    expected = "a prefix such as 10.1.0.0/16 or 2001:db8::/32"
    text = _text(value, expected)
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise fault(expected) from None
    if str(network.network_address) != str(ipaddress.ip_interface(text).ip):
        raise fault(f"{network}, which begins where the prefix does", f"{text!r}, an address inside a prefix")
    return str(network)


def parse_ip(value: Any) -> str:
    """Read one address."""
    try:
        return str(ipaddress.ip_address(_text(value, "an address")))
    except ValueError:
        raise fault("an address such as 192.0.2.1 or 2001:db8::1") from None


def parse_ipv4(value: Any) -> str:
    """Read one IPv4 address."""
    if ":" in (address := parse_ip(value)):
        raise fault("an IPv4 address such as 192.0.2.1")
    return address


def parse_ipv6(value: Any) -> str:
    """Read one IPv6 address."""
    if ":" not in (address := parse_ip(value)):
        raise fault("an IPv6 address such as 2001:db8::1")
    return address


def parse_link_layer(text: str) -> str | None:
    """Bring a link-layer address to small letters and colons; nothing, if it is none."""
    return text.lower().replace("-", ":") if _LINK_LAYER.fullmatch(text) else None


def parse_device(value: Any) -> str:
    """Read what a device is known by: an address, a link-layer address or a host name."""
    expected = "an address, a link-layer address such as 02:00:5e:00:53:01, or a host name"
    text = _text(value, expected)
    if (link_layer := parse_link_layer(text)) is not None:
        return link_layer
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        pass
    try:
        return str(parse_name(text))
    except InvalidNameError:
        raise fault(expected) from None


def parse_domain(value: Any) -> DomainName:
    """Read a domain name; a pattern or an address of a page is answered with the name that was meant."""
    text = _text(value, "a name such as example.test")
    bare = re.sub(r"^[a-z]+://", "", text.lower()).split("/")[0].removeprefix("*.").removeprefix(".")
    try:
        name = parse_name(bare)
    except InvalidNameError as error:
        raise fault(f"a name such as example.test ({error})") from None
    if not name:
        raise fault("a name such as example.test")
    if bare != text.lower():
        raise fault(f"{bare}: a name alone, which speaks for the names below it too")
    return name


def parse_endpoint(value: Any) -> Endpoint:
    """Read an address with a port: `127.0.0.1:53`, `[::1]:53`."""
    expected = "an address with a port, such as 127.0.0.1:53 or [::1]:53"
    text = _text(value, expected)
    match = re.fullmatch(r"(?:\[([0-9a-f:.]+)\]|([0-9.]+)):(\d{1,5})", text, re.IGNORECASE)
    if match is None or not 1 <= int(match[3]) <= 65_535:
        raise fault(expected)
    address = match[1] or match[2]
    try:
        parsed = ipaddress.IPv6Address(address) if match[1] else ipaddress.IPv4Address(address)
    except ValueError:
        raise fault(expected) from None
    return Endpoint(str(parsed), int(match[3]))


def parse_endpoint_or_off(value: Any) -> Endpoint | None:
    """Read an address with a port, or `off`."""
    return None if isinstance(value, str) and value.strip().lower() in {"off", "none"} else parse_endpoint(value)


SYSTEM: Final = "system"


@dataclass(frozen=True, slots=True)
class Server:
    """An upstream as its address says it; no endpoint means the resolvers of the system."""

    endpoint: Endpoint | None
    transport: Transport = Transport.UDP
    tls_name: str | None = None


def parse_server(value: Any) -> Server:
    """Read an upstream: `system`, `192.0.2.1`, `udp://192.0.2.1:53`, `tls://192.0.2.1:853#dns.example.test`."""
    expected = "system, udp://192.0.2.1:53 or tls://192.0.2.1:853#dns.example.test"
    text = _text(value, expected)
    if text == SYSTEM:
        return Server(None)
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = Transport.UDP, text
    if scheme not in tuple(Transport):
        raise fault(expected)
    address, _, name = rest.partition("#")
    transport = Transport(scheme)
    if name and transport is Transport.UDP:
        raise fault("a name after # for tls:// only")
    port = 853 if transport is Transport.TLS else 53
    return Server(_endpoint_with_default_port(address, port, expected), transport, _tls_name(name))


def _endpoint_with_default_port(text: str, port: int, expected: str) -> Endpoint:
    try:
        return Endpoint(str(ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))), port)
    except ValueError:
        pass
    try:
        return parse_endpoint(text)
    except PydanticCustomError:
        raise fault(f"{expected}, with an address and not a name") from None


def _tls_name(text: str) -> str | None:
    try:
        return str(parse_name(text)) if text else None
    except InvalidNameError as error:
        raise fault(f"the server's name after # ({error})") from None


def parse_host(value: Any) -> str:
    """Read where a server is: a name, or an address."""
    text = _text(value, "a name such as mail.example.test")
    with suppress(ValueError):
        return str(ipaddress.ip_address(text))
    return str(parse_domain(value))


def parse_mail_address(value: Any) -> str:
    """Read a mail address; what was written is somebody's, so a fault does not repeat it."""
    text = value.strip() if isinstance(value, str) else ""
    if not MAIL_ADDRESS.fullmatch(text):
        raise fault("a mail address such as ict@example.test, alone", "no mail address")
    return text


def parse_https(value: Any) -> str:
    """Read an address that begins with https; its path may be a secret, so a fault does not repeat it."""
    expected = "an address such as https://hooks.example.test/schoolgate"
    text = value.strip() if isinstance(value, str) else ""
    try:
        parts = urlsplit(text)
        is_one = bool(parts.hostname) and parts.port != 0 and re.fullmatch(r"[!-~]+", text) is not None
    except ValueError:
        raise fault(expected, "no address of a page") from None
    if not is_one:
        raise fault(expected, "no address of a page")
    if parts.scheme != "https":
        raise fault(expected, f"an address with {parts.scheme}://")
    if "@" in parts.netloc or parts.fragment:
        raise fault(expected, "an address with a name, a password or a part after #")
    return text


def parse_pin(value: Any) -> str:
    """Read a pin: the SHA-256 of a server's public key, in base64."""
    text = _text(value, "a pin")
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    if len(octets) != 32:
        raise fault("a pin: the SHA-256 of the server's public key in base64, 44 characters")
    return text


def one_or_more(value: Any) -> Any:
    """Let a single value stand for a list of one."""
    return value if isinstance(value, list) or value is None else [value]


def reader(parse: Callable[[Any], Any]) -> PlainValidator:
    """Let one of the functions above read a field."""
    return PlainValidator(parse)


Id = Annotated[str, reader(parse_id)]
Timeout = Annotated[float, reader(partial(parse_duration, at_least=0.1, at_most=3600))]
Refresh = Annotated[int, reader(partial(parse_seconds, at_least=60, at_most=31_536_000))]
# RFC 8767 section 4: no answer is kept for more than a week.
Lifetime = Annotated[int, reader(parse_seconds)]
# A blocked answer that is kept for long makes an override look broken.
BlockedLifetime = Annotated[int, reader(partial(parse_seconds, at_most=10))]
Size = Annotated[int, reader(parse_size)]
Share = Annotated[float, reader(parse_share)]
Days = Annotated[frozenset[int], reader(parse_days)]
Clock = Annotated[int, reader(parse_clock)]
Day = Annotated[date, reader(parse_date)]
Moment = Annotated[date, reader(parse_moment)]
TimeZone = Annotated[str, reader(parse_timezone)]
Cidr = Annotated[str, reader(parse_cidr)]
Ipv4 = Annotated[str, reader(parse_ipv4)]
Ipv6 = Annotated[str, reader(parse_ipv6)]
Device = Annotated[str, reader(parse_device)]
Domain = Annotated[DomainName, reader(parse_domain)]
At = Annotated[Endpoint, reader(parse_endpoint)]
AtOrOff = Annotated[Endpoint | None, reader(parse_endpoint_or_off)]
UpstreamServer = Annotated[Server, reader(parse_server)]
Pin = Annotated[str, reader(parse_pin)]
Host = Annotated[str, reader(parse_host)]
MailAddress = Annotated[str, reader(parse_mail_address)]
Https = Annotated[str, reader(parse_https)]
Patience = Annotated[int, reader(partial(parse_seconds, at_least=1, at_most=604_800))]
OneOrMore = BeforeValidator(one_or_more)
