"""The small values of a site file: what each may look like, and the sentence for what it may not."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from agent.sites import written_values as values
from agent.sites.site import Endpoint, Transport
from agent.sites.written_values import Server

MON_TO_FRI = frozenset(range(5))


@pytest.mark.parametrize(
    ("parse", "written", "expected"),
    [
        pytest.param(values.parse_id, "year-6", "year-6", id="name"),
        pytest.param(values.parse_duration, "1d", 86_400, id="a-day"),
        pytest.param(values.parse_duration, "2 weeks", 1_209_600, id="weeks"),
        pytest.param(values.parse_duration, "1.5 s", 1.5, id="part-of-a-second"),
        pytest.param(values.parse_duration, "30 Minutes", 1800, id="minutes-spelled-out"),
        pytest.param(values.parse_size, "64 MB", 67_108_864, id="megabytes"),
        pytest.param(values.parse_size, "1gib", 1_073_741_824, id="gibibyte"),
        pytest.param(values.parse_share, "20 %", 0.2, id="per-cent"),
        pytest.param(values.parse_share, "0.5", 0.5, id="half"),
        pytest.param(values.parse_days, "mon-fri", MON_TO_FRI, id="range-of-days"),
        pytest.param(values.parse_days, ["mon", "Wednesday"], frozenset({0, 2}), id="list-of-days"),
        pytest.param(values.parse_days, "sat, sun", frozenset({5, 6}), id="days-with-commas"),
        pytest.param(values.parse_days, "fri-mon", frozenset({4, 5, 6, 0}), id="range-over-the-week-end"),
        pytest.param(values.parse_days, "every day", frozenset(range(7)), id="every-day"),
        pytest.param(values.parse_clock, "8:05", 485, id="time-of-day"),
        pytest.param(values.parse_clock, "24:00", 1440, id="end-of-the-day"),
        pytest.param(values.parse_date, "2026-09-01", date(2026, 9, 1), id="date"),
        pytest.param(values.parse_moment, "2026-09-01", date(2026, 9, 1), id="moment-that-is-a-day"),
        pytest.param(values.parse_moment, "2026-09-01 15:30", datetime(2026, 9, 1, 15, 30), id="moment"),  # noqa: DTZ001 - the school's clock
        pytest.param(values.parse_moment, "2026-09-01T15:30:20", datetime(2026, 9, 1, 15, 30, 20), id="second"),  # noqa: DTZ001 - the school's clock
        pytest.param(values.parse_timezone, "Asia/Tokyo", "Asia/Tokyo", id="time-zone"),
        pytest.param(values.parse_cidr, "10.1.0.0/16", "10.1.0.0/16", id="prefix"),
        pytest.param(values.parse_cidr, "192.0.2.1", "192.0.2.1/32", id="single-address"),
        pytest.param(values.parse_cidr, "2001:DB8::/32", "2001:db8::/32", id="ipv6-prefix"),
        pytest.param(values.parse_ipv4, "192.0.2.1", "192.0.2.1", id="ipv4"),
        pytest.param(values.parse_ipv6, "2001:DB8::1", "2001:db8::1", id="ipv6"),
        pytest.param(values.parse_device, "02-00-5E-00-53-01", "02:00:5e:00:53:01", id="link-layer-address"),
        pytest.param(values.parse_device, "2001:DB8::1", "2001:db8::1", id="device-by-address"),
        pytest.param(values.parse_device, "Cart-07", "cart-07", id="device-by-host-name"),
        pytest.param(values.parse_domain, "BÜCHER.example", "xn--bcher-kva.example", id="domain"),
        pytest.param(values.parse_host, "Mail.School.example", "mail.school.example", id="host-by-name"),
        pytest.param(values.parse_host, "2001:DB8::1", "2001:db8::1", id="host-by-address"),
        pytest.param(values.parse_mail_address, " it+x@school.example ", "it+x@school.example", id="mail-address"),
        pytest.param(values.parse_https, "https://a.example:8443/b?c=d", "https://a.example:8443/b?c=d", id="https"),
        pytest.param(values.parse_endpoint, "127.0.0.1:53", Endpoint("127.0.0.1", 53), id="endpoint"),
        pytest.param(values.parse_endpoint, "[::1]:5335", Endpoint("::1", 5335), id="ipv6-endpoint"),
        pytest.param(values.parse_endpoint_or_off, "off", None, id="no-endpoint"),
        pytest.param(values.parse_server, "system", Server(None), id="resolvers-of-the-system"),
        pytest.param(values.parse_server, "192.0.2.1", Server(Endpoint("192.0.2.1", 53)), id="server-by-address"),
        pytest.param(values.parse_server, "udp://[2001:db8::1]:54", Server(Endpoint("2001:db8::1", 54)), id="udp"),
        pytest.param(
            values.parse_server,
            "tls://192.0.2.1#dns.example",
            Server(Endpoint("192.0.2.1", 853), Transport.TLS, "dns.example"),
            id="tls-with-a-name",
        ),
        pytest.param(values.parse_pin, "A" * 43 + "=", "A" * 43 + "=", id="pin"),
    ],
)
def test_read(parse: Callable[[Any], Any], written: Any, expected: Any) -> None:
    assert parse(written) == expected


@pytest.mark.parametrize(
    ("parse", "written", "expected"),
    [
        pytest.param(values.parse_id, "Year 6", "a short name of small letters", id="name-with-a-space"),
        pytest.param(values.parse_duration, "10", "a length of time such as", id="duration-without-a-unit"),
        pytest.param(values.parse_duration, "10 fortnights", "a length of time such as", id="unknown-unit"),
        pytest.param(values.parse_size, "many", "a size such as", id="size"),
        pytest.param(values.parse_size, "10 KB", "at least 64 KB", id="too-small"),
        pytest.param(values.parse_share, "120 %", "a share such as 20 %", id="more-than-everything"),
        pytest.param(values.parse_days, "mon-fry", "days such as mon-fri", id="no-such-day"),
        pytest.param(values.parse_days, [], "days such as mon-fri", id="no-days"),
        pytest.param(values.parse_clock, "25:00", "a time of day such as", id="no-such-hour"),
        pytest.param(values.parse_clock, "24:01", "a time of day such as", id="after-the-end-of-the-day"),
        pytest.param(values.parse_date, "2026-02-30", "a date such as", id="no-such-date"),
        pytest.param(values.parse_date, "1026-02-03", "from 2000 to 2099", id="long-ago"),
        pytest.param(values.parse_moment, "2026-02-03 25:00", "a date such as", id="no-such-moment"),
        pytest.param(values.parse_moment, "2026-02-03 12:00:60", "a date such as", id="no-such-second"),
        pytest.param(values.parse_timezone, "Europe/Londn", "Europe/London", id="misspelt-time-zone"),
        pytest.param(values.parse_timezone, "/etc/passwd", "a time zone such as", id="path-as-time-zone"),
        pytest.param(values.parse_timezone, "Europe", "a time zone such as", id="folder-of-time-zones"),
        pytest.param(
            values.parse_cidr, "10.1.0.5/16", "10.1.0.0/16, which begins where", id="bits-behind-the-prefix"
        ),
        pytest.param(values.parse_cidr, "10.1/16", "a prefix such as", id="no-prefix"),
        pytest.param(values.parse_ipv4, "2001:db8::1", "an IPv4 address", id="wrong-family"),
        pytest.param(values.parse_ipv6, "192.0.2.1", "an IPv6 address", id="other-wrong-family"),
        pytest.param(values.parse_device, "a b", "an address, a link-layer address", id="device"),
        pytest.param(values.parse_domain, "https://www.example.test/x", "www.example.test: a name alone", id="page"),
        pytest.param(values.parse_domain, "*.example.test", "example.test: a name alone", id="pattern"),
        pytest.param(values.parse_domain, "a..b", "two dots stand together", id="empty-label"),
        pytest.param(values.parse_domain, ".", "a name such as", id="the-root"),
        pytest.param(values.parse_endpoint, "::1:53", "[::1]:53", id="ipv6-without-brackets"),
        pytest.param(values.parse_endpoint, "127.0.0.1:70000", "an address with a port", id="no-such-port"),
        pytest.param(values.parse_server, "https://192.0.2.1/", "tls://192.0.2.1:853#dns.example.test", id="scheme"),
        pytest.param(values.parse_server, "udp://dns.example", "with an address and not a name", id="server-by-name"),
        pytest.param(values.parse_server, "udp://192.0.2.1#x", "for tls:// only", id="name-without-tls"),
        pytest.param(values.parse_pin, "AAAA", "44 characters", id="short-pin"),
        pytest.param(
            values.parse_host, "https://mail.example/", "mail.example: a name alone", id="host-with-a-scheme"
        ),
        pytest.param(values.parse_mail_address, "a b@c.example", "a mail address such as", id="address-with-a-space"),
        pytest.param(values.parse_mail_address, ["a@c.example"], "a mail address such as", id="address-in-a-list"),
        pytest.param(values.parse_https, "http://a.example/", "an address such as https://", id="http"),
        pytest.param(values.parse_https, "https:///b", "an address such as https://", id="https-to-nobody"),
        pytest.param(
            values.parse_https, "https://a:99999/", "an address such as https://", id="https-without-a-port"
        ),
        pytest.param(
            values.parse_https, "https://u:p@a.example/", "an address such as https://", id="with-a-password"
        ),
        pytest.param(values.parse_https, "https://a.example/#b", "an address such as https://", id="with-a-fragment"),
        pytest.param(values.parse_https, "https://a.example/b c", "an address such as https://", id="with-a-space"),
    ],
)
def test_refused(parse: Callable[[Any], Any], written: Any, expected: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        parse(written)
    assert expected in (caught.value.context or {})["expected"]


READERS = [
    reader
    for name, reader in vars(values).items()
    if name.startswith("parse_") and name != "parse_link_layer" and reader.__module__ == values.__name__
]


@pytest.mark.parametrize("parse", [pytest.param(parse, id=parse.__name__) for parse in READERS])
@given(written=st.one_of(st.text(max_size=40), st.none(), st.lists(st.text(max_size=3)), st.just({})))
def test_a_reader_raises_its_one_error_or_nothing(parse: Callable[[Any], Any], written: Any) -> None:
    try:
        parse(written)
    except PydanticCustomError as error:
        assert (error.context or {})["expected"]  # noqa: PT017 - most texts are no values, some are
