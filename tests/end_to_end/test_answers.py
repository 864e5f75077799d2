"""What clients of three networks get from a real gateway in front of a real resolver."""

import ipaddress
import json
import socket
import subprocess
import sys

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest
from conftest import RunningGateway, addresses, ede, wait_until
from parts import need

from agent.dns.askers import leave_wanted, read_report, report_path

# A worker by itself, asked by as many clients as it holds, the last of which is a laptop, and by one more.
CROWD = """
import sys
from agent.dns.dns_worker import MAX_CLIENTS, DnsWorker, WorkerJob
worker = DnsWorker(WorkerJob.from_json(sys.argv[1]))
query, laptop = bytes.fromhex(sys.argv[2]), bytes.fromhex(sys.argv[3])
others = [number.to_bytes(4, "big") for number in range(0x7F40_0000, 0x7F40_0000 + MAX_CLIENTS)]
for address in (*others[1:], laptop, others[0]):
    assert worker.answer_stream(query, address, print)
worker.run()
"""
PUPIL, STAFF, GUEST, OFFICE = "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"


@pytest.mark.parametrize(
    ("name", "source", "rcode", "code"),
    [
        pytest.param("casino.example", PUPIL, "NXDOMAIN", 17, id="gambling-is-blocked-for-pupils"),
        pytest.param(
            "www.casino.example", STAFF, "NXDOMAIN", 17, id="gambling-is-blocked-for-staff-below-the-name-too"
        ),
        pytest.param("CaSiNo.example", GUEST, "NXDOMAIN", 17, id="gambling-is-blocked-for-guests-in-any-case"),
        pytest.param("vpn.example", PUPIL, "NXDOMAIN", 15, id="ways-round-cannot-be-asked-for"),
        pytest.param("shop.example", PUPIL, "NXDOMAIN", 17, id="shopping-is-blocked"),
        pytest.param("shop.example", STAFF, "NXDOMAIN", 17, id="shopping-is-blocked-for-staff-who-are-not-nominated"),
        pytest.param("use-application-dns.net", PUPIL, "NXDOMAIN", 15, id="the-canary-of-browsers-is-told"),
        pytest.param("mask.icloud.com", PUPIL, "NXDOMAIN", 15, id="private-relay-is-told"),
        pytest.param("www.example", PUPIL, "NOERROR", None, id="an-ordinary-name-is-answered"),
    ],
)
def test_the_table_is_enforced(gateway: RunningGateway, name: str, source: str, rcode: str, code: int | None) -> None:
    answer = gateway.ask(name, source=source)
    assert dns.rcode.to_text(answer.rcode()) == rcode
    assert ede(answer) == code
    assert answer.question[0].name.to_text() == name + ".", "the case of the question is kept"


def test_nominated_groups_get_what_they_are_nominated_for(gateway: RunningGateway) -> None:
    text = gateway.site.read_text()
    assert "office: {devices: [127.0.0.4]}" in text
    # The device is in no network of the site, so it stays a stranger until it is in one.
    assert gateway.ask("shop.example", source=OFFICE).rcode() == dns.rcode.REFUSED


def test_strangers_are_refused(gateway: RunningGateway) -> None:
    for tcp in (False, True):
        answer = gateway.ask("www.example", source="127.0.0.9", tcp=tcp)
        assert (answer.rcode(), ede(answer)) == (dns.rcode.REFUSED, 18)


def test_ipv6_and_tcp_answer_alike(gateway: RunningGateway) -> None:
    for source in (PUPIL, "::1"):
        for tcp in (False, True):
            assert addresses(gateway.ask("www.example", source=source, tcp=tcp)) == {"192.0.2.10"}
            assert gateway.ask("casino.example", source=source, tcp=tcp).rcode() == dns.rcode.NXDOMAIN


@pytest.mark.parametrize("rdtype", ["A", "AAAA", "HTTPS", "SVCB", "TXT", "MX", "ANY"])
def test_no_type_is_a_way_round(gateway: RunningGateway, rdtype: str) -> None:
    answer = gateway.ask("casino.example", rdtype)
    assert answer.rcode() == dns.rcode.NXDOMAIN
    assert not answer.answer


def test_an_alias_to_a_blocked_name_is_blocked(gateway: RunningGateway) -> None:
    answer = gateway.ask("cloaked.example")
    assert (answer.rcode(), ede(answer)) == (dns.rcode.NXDOMAIN, 17)


def test_a_service_binding_to_a_blocked_name_is_blocked(gateway: RunningGateway) -> None:
    assert gateway.ask("svc.example", "HTTPS").rcode() == dns.rcode.NXDOMAIN
    assert gateway.ask("clean.example", "HTTPS").answer


def test_a_public_name_with_a_private_address_is_refused(gateway: RunningGateway) -> None:
    answer = gateway.ask("rebind.example")
    assert (answer.rcode(), answer.answer, ede(answer)) == (dns.rcode.NOERROR, [], 15)


def test_safe_search_is_an_alias_with_addresses(gateway: RunningGateway) -> None:
    answer = gateway.ask("www.google.com")
    assert addresses(answer) == {"192.0.2.20"}
    assert answer.answer[0].rdtype == dns.rdatatype.CNAME
    assert not gateway.ask("www.google.com", "HTTPS").answer
    assert addresses(gateway.ask("www.google.com", source=STAFF)) == {"192.0.2.22"}, "off for staff by default"


def test_video_is_strict_for_those_who_may_watch(gateway: RunningGateway) -> None:
    assert gateway.ask("www.youtube.com").rcode() == dns.rcode.NXDOMAIN


def test_a_long_answer_is_truncated_and_whole_over_tcp(gateway: RunningGateway) -> None:
    short = gateway.ask("big.example", "TXT")
    assert short.flags & dns.flags.TC
    assert not short.answer
    assert len(gateway.ask("big.example", "TXT", tcp=True).answer[0]) == 12


def test_ttls_count_down_and_never_pass_the_site_maximum(gateway: RunningGateway) -> None:
    ttls = [gateway.ask("www.example", "TXT").answer[0].ttl for _ in range(3)]
    assert all(0 < ttl <= 300 for ttl in ttls)
    assert ttls == sorted(ttls, reverse=True)


def test_blocked_answers_are_kept_ten_seconds_at_most(gateway: RunningGateway) -> None:
    (soa,) = gateway.ask("casino.example").authority
    assert soa.ttl <= 10


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode"),
    [
        pytest.param("1.1.168.192.in-addr.arpa", "PTR", dns.rcode.NXDOMAIN, id="private-reverse-zones-do-not-leak"),
        pytest.param("_dns.resolver.arpa", "SVCB", dns.rcode.NOERROR, id="no-other-resolver-is-designated"),
        pytest.param("hidden.onion", "A", dns.rcode.NXDOMAIN, id="onion-names-stay-here"),
    ],
)
def test_local_names_are_answered_here(gateway: RunningGateway, name: str, rdtype: str, rcode: int) -> None:
    answer = gateway.ask(name, rdtype)
    assert (answer.rcode(), answer.answer) == (rcode, [])


def test_dig_is_content(gateway: RunningGateway) -> None:
    done = subprocess.run(
        [need("dig"), "@127.0.0.1", "-p", str(gateway.port), "-b", PUPIL, "casino.example"],
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    assert "status: NXDOMAIN" in done.stdout
    assert "EDE: 17 (Filtered): (Blocked by your school: Gambling)" in done.stdout
    assert "WARNING" not in done.stdout
    assert "Warning" not in done.stdout


def test_queries_may_be_pipelined_and_answers_come_as_they_are_ready(gateway: RunningGateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as connection:
        asked = {}
        for number in range(20):
            query = dns.message.make_query(f"n{number}.bulk.example", "A", id=number + 1)
            wire = query.to_wire()
            connection.sendall(len(wire).to_bytes(2, "big") + wire)
            asked[number + 1] = query
        with connection.makefile("rb") as stream:
            for _ in range(20):
                size = int.from_bytes(stream.read(2), "big")
                answer = dns.message.from_wire(stream.read(size))
                assert asked.pop(answer.id).is_response(answer)
    assert not asked


def test_that_a_laptop_asked_is_told_where_a_crowd_asks_more_than_a_worker_holds(own_gateway: RunningGateway) -> None:
    own_gateway.change("cidrs: [127.0.0.3/32]", "cidrs: [127.0.0.3/32, 127.64.0.0/10]")
    own_gateway.start()
    own_gateway.stop()
    runtime, laptop = own_gateway.folder / "runtime", ipaddress.ip_address(STAFF).packed
    report_path(runtime, 0).unlink(missing_ok=True)
    leave_wanted(runtime, [laptop])
    places = {"shared_memory": "shared.mem", "snapshot": "snapshot.json", "spool": "spool"}
    job = {
        **{name: str(runtime / place) for name, place in places.items()},
        "slot": 0,
        "spool_bytes": 1_000_000,
        "datagrams": [],
        "streams": [],
    }
    query = dns.message.make_query("casino.example", "A").to_wire().hex()
    worker = subprocess.Popen([sys.executable, "-c", CROWD, json.dumps(job), query, laptop.hex()])
    try:
        wait_until(lambda: worker.poll() is not None or read_report(runtime, 0), seconds=60)
    finally:
        worker.terminate()
        assert worker.wait(20) == 0
    report = read_report(runtime, 0)
    assert report is not None
    assert list(report.asked) == [laptop]
