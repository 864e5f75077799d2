"""Lease files as the three DHCP servers write them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.leases import Lease, LeaseFormat, parse_leases, read_leases

TABLET = "02:00:5e:00:53:01"
LAPTOP = "02:00:5e:00:53:02"
EVENING = datetime(2026, 11, 19, 22, 0, tzinfo=UTC)

DNSMASQ = f"""\
{EVENING.timestamp():.0f} {TABLET} 192.0.2.10 Cart-Tablet-07 01:{TABLET}
0 {LAPTOP} 192.0.2.11 * *
duid 00:01:00:01:2c:00:00:01:02:00:5e:00:53:ff
{EVENING.timestamp():.0f} 5242881 2001:db8::10 cart-tablet-07 00:01:00:01:2c:00:00:01:{TABLET}
{EVENING.timestamp():.0f} T5242882 2001:db8::11 * 00:03:00:01:{LAPTOP}
"""

ISC = """\
# The format of this file is documented in the dhcpd.leases(5) manual page.
authoring-byte-order little-endian;
server-duid "\\000\\001\\000\\001";

lease 192.0.2.10 {
  starts 4 2026/11/19 10:00:00;
  ends 4 2026/11/19 12:00:00;
  binding state active;
  hardware ethernet 02:00:5e:00:53:02;
}
lease 192.0.2.10 {
  starts 4 2026/11/19 12:00:00;
  ends 4 2026/11/19 22:00:00;
  cltt 4 2026/11/19 12:00:00;
  binding state active;
  next binding state free;
  rewind binding state free;
  hardware ethernet 02:00:5E:00:53:01;
  uid "\\001\\002\\000^\\000S\\001";
  set vendor-class-identifier = "a { b";
  client-hostname "Cart-Tablet-07";
  on expiry {
    set ends = "ends never;";
  }
}
lease 192.0.2.11 {
  ends never;
  binding state active;
  hardware ethernet 02:00:5e:00:53:02;
}
lease 192.0.2.12 {
  ends epoch 1795000000; # Sat
  binding state free;
  hardware ethernet 02:00:5e:00:53:03;
}
ia-na "\\001\\000\\000\\000\\000\\001\\000\\001,\\000\\000\\001\\002\\000^\\000S\\001" {
  cltt 4 2026/11/19 12:00:00;
  iaaddr 2001:db8::10 {
    binding state active;
    preferred-life 27000;
    max-life 43200;
    ends 4 2026/11/19 22:00:00;
  }
}
"""

KEA4_HEADING = (
    "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id"
)
KEA4 = f"""\
{KEA4_HEADING}
192.0.2.10,{LAPTOP},,7200,{EVENING.timestamp() - 9000:.0f},1,0,0,,0,,0
192.0.2.10,{TABLET},01:{TABLET},7200,{EVENING.timestamp():.0f},1,0,0,cart-tablet-07.school.example.,0,,0
192.0.2.11,{LAPTOP},,4294967295,{EVENING.timestamp():.0f},1,0,0,,0,{{ "comment": "a&#x2cb" }},0
192.0.2.12,{LAPTOP},,7200,{EVENING.timestamp():.0f},1,0,0,,1,,0
192.0.2.13,{LAPTOP},,7200,{EVENING.timestamp():.0f},1,0,0,,0,,0
192.0.2.13,{LAPTOP},,0,{EVENING.timestamp():.0f},1,0,0,,0,,0
"""

KEA6 = f"""\
address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd,fqdn_rev,hostname,hwaddr,state,user_context,hwtype,hwaddr_source,pool_id
2001:db8::10,00:01:00:01:2c:00:00:01:{TABLET},7200,{EVENING.timestamp():.0f},1,3600,0,1,128,0,0,cart-tablet-07,,0,,,,0
2001:db8::11,00:02:00:00:ab:11,7200,{EVENING.timestamp():.0f},1,3600,0,1,128,0,0,,{LAPTOP},0,,1,2,0
2001:db8:1::,00:01:00:01:2c:00:00:01:{TABLET},7200,{EVENING.timestamp():.0f},1,3600,2,1,56,0,0,,,0,,,,0
"""


@pytest.mark.parametrize(
    ("text", "lease_format", "expected"),
    [
        pytest.param(
            DNSMASQ,
            "dnsmasq",
            [
                Lease("192.0.2.10", TABLET, "cart-tablet-07", EVENING),
                Lease("192.0.2.11", LAPTOP, None, None),
                Lease("2001:db8::10", TABLET, "cart-tablet-07", EVENING),
                Lease("2001:db8::11", LAPTOP, None, EVENING),
            ],
            id="dnsmasq-both-families-and-a-lease-for-ever",
        ),
        pytest.param(
            ISC,
            "isc",
            [
                Lease("192.0.2.10", TABLET, "cart-tablet-07", EVENING),
                Lease("192.0.2.11", LAPTOP, None, None),
                Lease("2001:db8::10", TABLET, None, EVENING),
            ],
            id="isc-the-last-entry-holds-and-free-leases-do-not-count",
        ),
        pytest.param(
            KEA4,
            "kea",
            [
                Lease("192.0.2.10", TABLET, "cart-tablet-07.school.example", EVENING),
                Lease("192.0.2.11", LAPTOP, None, None),
            ],
            id="kea-4-the-last-row-holds-declined-and-released-leases-do-not-count",
        ),
        pytest.param(
            KEA6,
            "kea",
            [
                Lease("2001:db8::10", TABLET, "cart-tablet-07", EVENING),
                Lease("2001:db8::11", LAPTOP, None, EVENING),
            ],
            id="kea-6-prefixes-for-routers-do-not-count",
        ),
    ],
)
def test_leases_of_each_server(text: str, lease_format: LeaseFormat, expected: list[Lease]) -> None:
    leases = parse_leases(text, lease_format)
    assert list(leases.by_address.values()) == expected
    assert leases.bad_entries == 0


@pytest.mark.parametrize(
    ("text", "lease_format", "bad_entries"),
    [
        pytest.param("soon 02:00:5e:00:53:01 192.0.2.10 * *", "dnsmasq", 1, id="dnsmasq-expiry-that-is-no-number"),
        pytest.param("1795000000 02:00:5e:00:53:01 192.0.2", "dnsmasq", 1, id="dnsmasq-cut-off-line"),
        pytest.param("99999999999999999999 x 192.0.2.1 * *", "dnsmasq", 1, id="dnsmasq-year-that-no-calendar-has"),
        pytest.param(
            "lease 192.0.2.10 {\n  ends 4 2026/13/45 12:00:00;\n}\n", "isc", 1, id="isc-date-that-does-not-exist"
        ),
        pytest.param("lease nowhere {\n}\n", "isc", 1, id="isc-no-address"),
        pytest.param("lease 192.0.2.10 {\n  ends never;\n", "isc", 1, id="isc-cut-off-block"),
        pytest.param("}\n}\n", "isc", 0, id="isc-ends-without-beginnings"),
        pytest.param(f"{KEA4_HEADING}\n192.0.2.10,x\n", "kea", 1, id="kea-cut-off-row"),
        pytest.param("192.0.2.10,x,y\n", "kea", 1, id="kea-row-without-a-heading"),
    ],
)
def test_bad_entries_are_counted(text: str, lease_format: LeaseFormat, bad_entries: int) -> None:
    leases = parse_leases(text, lease_format)
    assert not leases.by_address
    assert leases.bad_entries == bad_entries


@given(
    st.one_of(
        st.text(),
        st.lists(st.sampled_from([*DNSMASQ.split(), *ISC.split(), *KEA4.split(","), "\n", " ", ","])).map(" ".join),
    ),
    st.sampled_from(["dnsmasq", "isc", "kea"]),
)
def test_no_text_is_an_error(text: str, lease_format: LeaseFormat) -> None:
    parse_leases(text, lease_format)


def test_a_lease_ends() -> None:
    lease = Lease("192.0.2.10", None, None, EVENING)
    assert lease.is_valid(EVENING.replace(hour=21))
    assert not lease.is_valid(EVENING)


def test_kea_files_from_before_a_clean_up_count(tmp_path: Path) -> None:
    main = tmp_path / "kea-leases4.csv"
    row = f"{TABLET},,7200,{EVENING.timestamp():.0f},1,0,0,,0,,0"
    main.write_text(f"{KEA4_HEADING}\n192.0.2.10,{row}\n")
    main.with_name("kea-leases4.csv.2").write_text(f"{KEA4_HEADING}\n192.0.2.11,{row}\n")
    assert set(read_leases(main, "kea").by_address) == {"192.0.2.10", "192.0.2.11"}
    main.with_name("kea-leases4.csv.completed").write_text(f"{KEA4_HEADING}\n192.0.2.12,{row}\n")
    assert set(read_leases(main, "kea").by_address) == {"192.0.2.10", "192.0.2.12"}


def test_octets_that_are_no_text_cost_one_entry(tmp_path: Path) -> None:
    file = tmp_path / "leases"
    file.write_bytes(b"\xff\xfe\n" + DNSMASQ.encode())
    leases = read_leases(file, "dnsmasq")
    assert (len(leases.by_address), leases.bad_entries) == (4, 1)
