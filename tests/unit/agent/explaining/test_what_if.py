"""A question in a person's words: the name, on whose behalf, and when."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis.strategies import text
from school_of_test import load_site_of_test

from agent.dns.clients import ClientResolver
from agent.explaining.what_if import Who, parse_asked_name, parse_moment, parse_who
from rules.errors import ConfigurationError
from rules.subject import Audience, Profile

SITE = load_site_of_test()
RESOLVER = ClientResolver(SITE.networks, SITE.groups)
# A Monday, in winter time: the clocks of London and Greenwich agree.
NOW = datetime(2026, 11, 23, 10, 14, 30, tzinfo=UTC)


def who(audience: Audience, *groups: str, address: str | None = None) -> Who:
    return Who(Profile(audience, frozenset(groups)), address)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("www.bet.example", "www.bet.example"),
        ("WWW.Bet.Example.", "www.bet.example"),
        ("https://www.bet.example/page?x=1", "www.bet.example"),
        ("//www.bet.example:8080/", "www.bet.example"),
        ("www.bet.example/page", "www.bet.example"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_a_name_or_the_address_of_a_page(written: str, name: str) -> None:
    assert parse_asked_name(written) == name


@pytest.mark.parametrize("written", ["", ".", "https://", "two words", "a..example", "http://[::1"])
def test_what_holds_no_name_is_refused_in_one_sentence(written: str) -> None:
    with pytest.raises(ConfigurationError, match=r"expected a name such as www\.example\.com") as caught:
        parse_asked_name(written)
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("pupil", who(Audience.PUPIL), id="an-audience"),
        pytest.param("guest", who(Audience.GUEST), id="another-audience"),
        pytest.param("media-club", who(Audience.PUPIL, "media-club"), id="a-group-with-an-audience"),
        pytest.param("year5", who(Audience.PUPIL, "year5"), id="a-group-inside-of-a-network"),
        pytest.param("staff+year5", who(Audience.STAFF, "year5"), id="both"),
        pytest.param("year5 + reception", who(Audience.PUPIL, "year5", "reception"), id="two-groups"),
        pytest.param("192.0.2.17", who(Audience.PUPIL, "year5", address="192.0.2.17"), id="an-address"),
        pytest.param("network:staff-room", who(Audience.STAFF), id="a-network"),
        pytest.param("198.51.100.4", who(Audience.GUEST, address="198.51.100.4"), id="an-address-of-a-guest"),
    ],
)
def test_who(written: str, expected: Who) -> None:
    assert parse_who(written, SITE, RESOLVER) == expected


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("pupils", "--as: found 'pupils'; expected pupil"),
        ("network:staff-rom", "--as: found network 'staff-rom'; expected staff-room"),
        ("network:", "--as: found network ''; expected one of"),
        (
            "head",
            "--as: found 'head'; expected an address, or one of pupil, staff, guest, year5, reception, media-club",
        ),
        ("pupil+staff", "--as: found 'pupil+staff', which leaves open who that is; expected one audience"),
        ("", "--as: found ''; expected an address, or one of pupil"),
        (
            "203.0.113.9",
            "--as: found 203.0.113.9, which is in no network of the site; expected an address of 192.0.2.0/25, ",
        ),
    ],
)
def test_who_is_not_guessed(written: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_who(written, SITE, RESOLVER)
    assert str(caught.value).startswith(sentence)


def test_a_group_that_pupils_and_staff_belong_to_needs_the_audience_too() -> None:
    site = load_site_of_test(groups="  library: {cidrs: [192.0.2.100/32, 192.0.2.200/32]}\n")
    resolver = ClientResolver(site.networks, site.groups)
    with pytest.raises(ConfigurationError, match=r"expected pupil\+library or staff\+library"):
        parse_who("library", site, resolver)
    assert parse_who("staff+library", site, resolver) == who(Audience.STAFF, "library")


def test_a_group_that_is_nowhere_needs_the_audience_too() -> None:
    site = load_site_of_test(groups="  trip: {devices: ['02:00:5e:00:53:01']}\n")
    with pytest.raises(ConfigurationError, match=r"expected guest\+trip or pupil\+trip or staff\+trip"):
        parse_who("trip", site, ClientResolver(site.networks, site.groups))


def test_a_group_that_a_network_carries_has_the_audience_of_the_network() -> None:
    network = "  office: {audience: staff, cidrs: [203.0.113.0/24], groups: [clerks]}\n"
    site = load_site_of_test(networks=network, groups="  clerks: {}\n")
    assert parse_who("clerks", site, ClientResolver(site.networks, site.groups)) == who(Audience.STAFF, "clerks")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("now", NOW, id="now"),
        pytest.param("12:30", datetime(2026, 11, 23, 12, 30, tzinfo=UTC), id="today"),
        pytest.param("Tue 10:14", datetime(2026, 11, 24, 10, 14, tzinfo=UTC), id="a-weekday"),
        pytest.param("sunday 9h05", datetime(2026, 11, 29, 9, 5, tzinfo=UTC), id="the-last-weekday"),
        pytest.param("mon 8:00", datetime(2026, 11, 23, 8, 0, tzinfo=UTC), id="today-is-the-next-monday"),
        pytest.param("2026-11-24 10:14", datetime(2026, 11, 24, 10, 14, tzinfo=UTC), id="a-day"),
        pytest.param("2026-07-01T10:14", datetime(2026, 7, 1, 9, 14, tzinfo=UTC), id="in-summer-time"),
        pytest.param("2026-07-01T10:14Z", datetime(2026, 7, 1, 10, 14, tzinfo=UTC), id="with-its-own-offset"),
    ],
)
def test_when(written: str, expected: datetime) -> None:
    assert parse_moment(written, "Europe/London", now=NOW) == expected


def test_today_is_the_day_of_the_school() -> None:
    late = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    assert parse_moment("8:00", "Asia/Tokyo", now=late) == datetime(2026, 11, 23, 23, 0, tzinfo=UTC)


@pytest.mark.parametrize("written", ["", "tea time", "25:00", "tu 10:14", "noday 10:14", "2026-13-01", "10:75"])
def test_what_is_no_time_is_refused_in_one_sentence(written: str) -> None:
    with pytest.raises(ConfigurationError, match=r"--at: found .* expected a time such as 'tue 10:14'"):
        parse_moment(written, "Europe/London", now=NOW)


@given(text())
def test_no_text_does_anything_worse_than_be_refused(written: str) -> None:
    for parse in (
        parse_asked_name,
        lambda words: parse_who(words, SITE, RESOLVER),
        lambda words: parse_moment(words, "Europe/London", now=NOW),
    ):
        with contextlib.suppress(ConfigurationError):
            parse(written)
