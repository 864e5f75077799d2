"""What goes to the workers arrives as it was, or not at all."""

import contextlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lists_of_test import site_with
from school_of_test import load_site_of_test

from agent.dns.clients import Seat
from agent.dns.snapshot import BlockTexts, Snapshot, read_snapshot, write_snapshot
from agent.sites.config import parse_site
from agent.sites.example import example_text
from agent.sites.site import Answers, AnswerStyle, Endpoint, Transport, Upstream, Upstreams, Zone
from rules.errors import StorageError
from rules.policy import Effect, Policy, Rulebook, SafeSearch
from rules.schedule import DateRange, Schedule, Window
from rules.subject import Audience, Scope

AT = datetime(2026, 11, 18, 12, 0, 0, 123456, tzinfo=UTC)
TERM = DateRange("term", date(2026, 9, 1), date(2026, 12, 18))
LUNCH = Schedule("lunch", "Europe/London", (Window(frozenset({0, 6}), 0, 1440),), (TERM,), (TERM,))
EVERYBODY_BUT = Scope(frozenset({Audience.PUPIL}), frozenset({"é"}), frozenset({"b"}))
RULEBOOK = Rulebook(
    (
        Policy("p", Effect.ALLOW, frozenset({"games", "name:é.test"}), EVERYBODY_BUT, "site.yaml:1:1", "3.2", LUNCH),
        Policy("q", Effect.BLOCK, frozenset(), Scope(), "x", from_at=AT, until_at=AT + timedelta(days=1)),
        Policy("some", Effect.ALLOW, frozenset({"name:a.test"}), Scope(), "x", lifts=frozenset({"games"})),
        Policy("none", Effect.ALLOW, frozenset({"name:b.test"}), Scope(), "x", lifts=frozenset()),
    ),
    statutory=frozenset({"illegal_csam"}),
    guards=frozenset({"helplines"}),
    allow_only=(Scope(), EVERYBODY_BUT),
    safe_search=(SafeSearch(Scope(), {"search:google": "strict"}),),
)


def everything() -> Snapshot:
    upstream = Upstream(Endpoint("2001:db8::53", 853), Transport.TLS, "dns.example", ("cGlu",))
    site = site_with(
        Path("/srv/é"),
        rulebook=RULEBOOK,
        answers=Answers(AnswerStyle.PAGE, {"games": AnswerStyle.NULL}, page_ipv4="192.0.2.1"),
        upstreams=Upstreams((upstream,), (Zone("intra.example", (upstream,)),)),
    )
    return Snapshot(
        3,
        site,
        index_generation=5,
        index_path="/srv/index.bin",
        devices={"192.0.2.1": ("02:00:00:00:00:01", "é")},
        texts=BlockTexts({"games": "学校"}, {"allow_only": "no"}, "No!"),
        not_askable=frozenset({"vpn"}),
        unrecorded=frozenset({"helplines"}),
        guard_names={"helplines": ("help.test",)},
        seats={"192.0.2.1": Seat(("year5", "é"), 1_800_000_000.25)},
    )


@pytest.mark.parametrize(
    "snapshot",
    [
        pytest.param(everything(), id="everything"),
        pytest.param(Snapshot(1, load_site_of_test()), id="a-school"),
        pytest.param(
            Snapshot(1, parse_site(example_text(), path=Path("/etc/schoolgate/site.yaml")).site),
            id="the-example-site",
        ),
    ],
)
def test_a_snapshot_arrives_as_it_was(snapshot: Snapshot, tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    write_snapshot(path, snapshot)
    assert read_snapshot(path) == snapshot
    assert [each.name for each in tmp_path.iterdir()] == ["snapshot.json"]


def test_a_full_disk_leaves_the_snapshot_before(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    write_snapshot(path, everything())
    (tmp_path / "snapshot.new").symlink_to("/dev/full")
    with pytest.raises(StorageError, match=r"the policy could not be written \(No space left on device\)"):
        write_snapshot(path, replace(everything(), generation=4))
    assert read_snapshot(path).generation == 3


def test_a_folder_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "snapshot.json"
    with pytest.raises(StorageError, match=r"could not be written \(No such file or directory\)"):
        write_snapshot(path, everything())
    with pytest.raises(StorageError, match=r"could not be read \(No such file or directory\)"):
        read_snapshot(path)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{}", id="an-empty-object"),
        pytest.param(b"\xff", id="not-text"),
        pytest.param(b'{"generation": "one"}', id="another-type"),
        pytest.param(b'{"unknown": ' + b"[" * 100_000, id="deeper-than-anything-can-be-read"),
        pytest.param(b'{"index_path": "\x80"}', id="an-odd-octet"),
    ],
)
def test_what_is_no_snapshot_is_told_so(octets: bytes, tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    path.write_bytes(octets)
    with pytest.raises(StorageError, match="not a policy of this version"):
        read_snapshot(path)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), octets=st.binary(max_size=3), keeps_rest=st.booleans())
def test_no_damage_is_anything_but_a_storage_error(
    tmp_path: Path, place: int, octets: bytes, keeps_rest: bool
) -> None:
    path = tmp_path / "snapshot.json"
    write_snapshot(path, everything())
    whole = path.read_bytes()
    place %= len(whole)
    rest = whole[place + len(octets) :] if keeps_rest else b""
    path.write_bytes(whole[:place] + octets + rest)
    with contextlib.suppress(StorageError):
        read_snapshot(path)
