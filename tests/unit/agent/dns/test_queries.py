"""The shape of a query: what an answer depends on beside the name."""

import dns.flags
import dns.message
import dns.rdataclass
import pytest

from agent.dns.queries import Shape
from filters.wire import parse_query


def shape(
    rdtype: str = "A",
    *,
    rdclass: str = "IN",
    payload: int | None = None,
    flags: int = dns.flags.RD,
    edns_version: int = 0,
    wants_dnssec: bool = False,
) -> Shape:
    message = dns.message.make_query("www.example.test", rdtype, dns.rdataclass.from_text(rdclass))
    message.flags = dns.flags.Flag(flags)
    if payload is not None:
        message.use_edns(edns_version, dns.flags.DO if wants_dnssec else 0, payload)
    return Shape(parse_query(message.to_wire()[2:]), 1232)


@pytest.mark.parametrize(
    ("payload", "octets"),
    [(None, 512), (100, 512), (1000, 1000), (4096, 1232)],
)
def test_nobody_gets_more_than_he_can_take_or_the_site_allows(payload: int | None, octets: int) -> None:
    assert shape(payload=payload).udp_octets == octets


def test_answers_are_shared_by_those_who_ask_for_the_same() -> None:
    assert shape(payload=1232).key_tail == shape(payload=4096).key_tail == shape().key_tail
    different = {
        shape(**options).key_tail
        for options in (
            {},
            {"rdtype": "AAAA"},
            {"flags": dns.flags.RD | dns.flags.CD},
            {"payload": 1232, "wants_dnssec": True},
        )
    }
    assert len(different) == 4


@pytest.mark.parametrize(
    ("options", "plain"),
    [
        ({}, True),
        ({"rdtype": "ANY"}, True),
        ({"rdtype": "AXFR"}, False),
        ({"rdtype": "TSIG"}, False),
        ({"rdclass": "CH", "rdtype": "TXT"}, False),
        ({"payload": 1232, "edns_version": 1}, False),
    ],
)
def test_only_questions_about_names_of_the_internet_are_plain(options: dict[str, str | int], plain: bool) -> None:
    assert shape(**options).plain is plain  # type: ignore[arg-type]
