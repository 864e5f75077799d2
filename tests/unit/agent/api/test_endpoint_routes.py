"""What laptops ask over HTTP: each refusal has its status and its sentence, and a batch counts once."""

import asyncio
import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_of_test import SchoolOfTest, generous
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fleet_of_test import EPOCH, MONO, WALL, LaptopOfTest, batch, enrolled, event, token_of

from agent.api.security import RateLimit
from agent.endpoint.endpoint_policy import decode_policy
from agent.endpoint.enrolment_wire import (
    ENROL_PATH,
    EnrolmentRequest,
    decode_enrolled,
    decode_rotated,
    decode_standing,
    encode_enrolment,
    parse_token,
)
from agent.endpoint.wire_batch import MAX_BODY_BYTES, decompressed, encode_batch
from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolOfTest]:
    made = SchoolOfTest(tmp_path)
    yield made
    made.parts.fleet.close()


@pytest.fixture
def laptop(school: SchoolOfTest) -> LaptopOfTest:
    return enrolled(school)


def kind_of(response: httpx.Response) -> str:
    told = response.json()
    assert told["detail"][-1] == "."
    return f"{response.status_code} {told['type'].rpartition(':')[2]}"


def stored(school: SchoolOfTest) -> list[tuple[Any, ...]]:
    with school.parts.fleet.events.read() as database:
        query = "SELECT device, epoch, seq, kind FROM events JOIN streams ON streams.number = stream ORDER BY seq"
        return list(map(tuple, database.execute(query)))


# --- Enrolment


def test_one_token_lets_one_laptop_in(school: SchoolOfTest) -> None:
    manager = school.person("Nadia", Role.NETWORK_MANAGER)
    token = token_of(manager)
    laptop = LaptopOfTest(school)
    told = decode_enrolled(laptop.enrol(token).content)
    assert (told.state, told.server_time_ms) == ("active", WALL * 1000)
    assert kind_of(LaptopOfTest(school).enrol(token)) == "403 bad-token"
    assert "device_enrolment_refused" in school.kinds()


def test_a_lost_reply_is_given_again_and_uses_nothing(school: SchoolOfTest) -> None:
    token = token_of(school.person("Nadia", Role.NETWORK_MANAGER))
    laptop = LaptopOfTest(school)
    first, again = (decode_enrolled(laptop.enrol(token).content) for _ in range(2))
    assert (first.device, first.state) == (again.device, again.state)


def test_a_token_ends(school: SchoolOfTest) -> None:
    token = token_of(school.person("Nadia", Role.NETWORK_MANAGER), hours=1)
    school.now += timedelta(hours=1)
    assert kind_of(LaptopOfTest(school).enrol(token)) == "403 bad-token"
    school.parts.fleet.look()
    with school.store.read() as database:
        assert [row["key"] for row in database.execute("SELECT key FROM enrolment_tokens")] == [None]


def test_a_token_with_another_secret_is_none(school: SchoolOfTest) -> None:
    token = token_of(school.person("Nadia", Role.NETWORK_MANAGER))
    head, number, _, pin = token.split(".")
    assert kind_of(LaptopOfTest(school).enrol(".".join((head, number, "A" * 32, pin)))) == "403 bad-token"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"{}", b"\xff", b"[" * 9000, b'{"enrol": 1, "mac": 2}'], ids=str)
def test_what_is_no_request_to_enrol(school: SchoolOfTest, body: bytes) -> None:
    assert kind_of(school.stranger().ask("POST", ENROL_PATH, content=body)) == "400 bad-enrolment"


def test_a_key_that_did_not_sign_is_not_taken(school: SchoolOfTest) -> None:
    laptop = LaptopOfTest(school)
    body = json.loads(_request_of(laptop, token_of(school.person("Nadia", Role.NETWORK_MANAGER))))
    body["enrol"]["machine"] = "0" * 64
    response = school.stranger().ask("POST", ENROL_PATH, content=json.dumps(body).encode())
    assert kind_of(response) == "400 bad-enrolment"


def _request_of(laptop: LaptopOfTest, token: str) -> bytes:
    parsed = parse_token(token)
    host = {"os": "Linux"}
    request = EnrolmentRequest(
        parsed.token_id, laptop.key.public_key(), "0" * 32, host, laptop.machine, "0.1.0", WALL
    )
    return encode_enrolment(request, parsed.secret, laptop.key)


def test_a_token_for_several_lets_them_wait_for_a_code_on_both_screens(school: SchoolOfTest) -> None:
    manager = school.person("Nadia", Role.NETWORK_MANAGER)
    laptop = LaptopOfTest(school)
    assert decode_enrolled(laptop.enrol(token_of(manager, uses=30)).content).state == "pending"
    assert laptop.ack_key is not None
    assert decode_standing(laptop.standing().content, laptop.ack_key).state == "pending"
    assert kind_of(laptop.send(event(1))) == "403 device-pending"
    told = manager.get(f"/devices/{laptop.device}").json()
    path = f"/devices/{laptop.device}/approve"
    wrong = manager.post(path, {"code": f"{(int(told['code']) + 1) % 10**6:06}"}, version=told["version"])
    assert kind_of(wrong) == "409 refused"
    assert manager.post(path, {"code": told["code"]}, version=told["version"]).json()["state"] == "active"
    assert decode_standing(laptop.standing().content, laptop.ack_key).state == "active"
    assert laptop.answer(laptop.send(event(1))).acknowledged == 1


def test_another_key_waits_and_the_old_one_goes_on(school: SchoolOfTest, laptop: LaptopOfTest) -> None:
    manager = school.person("Ida", Role.ICT_COORDINATOR)
    again = LaptopOfTest(school, machine=laptop.machine)
    assert decode_enrolled(again.enrol(token_of(manager)).content).state == "pending"
    assert again.device == laptop.device
    assert "device_key_changed" in school.kinds()
    assert laptop.answer(laptop.send(event(1))).acknowledged == 1
    assert kind_of(again.send(event(2))) == "403 device-pending"
    told = manager.get(f"/devices/{laptop.device}").json()
    assert [each["kind"] for each in told["findings"]] == ["key_changed"]
    manager.post(f"/devices/{laptop.device}/approve", {"code": told["code"]}, version=told["version"])
    assert again.answer(again.send(event(2))).acknowledged == 2
    assert kind_of(laptop.send(event(3))) == "401 bad-signature"


def test_another_key_that_is_refused_leaves_the_old_one(school: SchoolOfTest, laptop: LaptopOfTest) -> None:
    manager = school.person("Ida", Role.ICT_COORDINATOR)
    again = LaptopOfTest(school, machine=laptop.machine)
    again.enrol(token_of(manager))
    told = manager.get(f"/devices/{laptop.device}").json()
    manager.post(f"/devices/{laptop.device}/refuse", {"reason": "Nobody asked."}, version=told["version"])
    assert laptop.answer(laptop.send(event(1))).acknowledged == 1
    assert kind_of(again.send(event(2))) == "401 bad-signature"


def test_a_copied_disk_cannot_enrol(school: SchoolOfTest, laptop: LaptopOfTest) -> None:
    copy = LaptopOfTest(school, key=laptop.key)
    response = copy.enrol(token_of(school.person("Ida", Role.ICT_COORDINATOR)))
    assert kind_of(response) == "409 clone-suspected"
    assert "device_clone_suspected" in school.kinds()


def test_a_laptop_that_is_off_the_list_tells_nothing_more(school: SchoolOfTest, laptop: LaptopOfTest) -> None:
    manager = school.person("Ida", Role.ICT_COORDINATOR)
    manager.post(f"/devices/{laptop.device}/revoke", {"reason": "Stolen."}, version=1)
    for response in (laptop.send(event(1)), laptop.standing(), laptop.policy()):
        assert kind_of(response) == "403 device-revoked"
    assert decode_enrolled(LaptopOfTest(school, laptop.machine).enrol(token_of(manager)).content).state == "pending"


def test_the_old_key_signs_for_the_new_one(school: SchoolOfTest, laptop: LaptopOfTest) -> None:
    new = Ed25519PrivateKey.generate()
    assert laptop.ack_key is not None
    for _ in range(2):
        device, _key = decode_rotated(laptop.rotate(new).content, laptop.ack_key)
        assert device == laptop.device
    assert kind_of(laptop.send(event(1))) == "401 bad-signature"
    assert kind_of(laptop.rotate(Ed25519PrivateKey.generate())) == "401 bad-signature"
    laptop.key = new
    assert laptop.answer(laptop.send(event(1))).acknowledged == 1


def test_nobody_takes_a_key_that_was_used(school: SchoolOfTest, laptop: LaptopOfTest) -> None:
    other = enrolled(school, "Olga")
    assert kind_of(laptop.rotate(other.key)) == "409 key-in-use"


# --- Batches


def test_a_batch_counts_once_and_is_answered_alike(school: SchoolOfTest, laptop: LaptopOfTest) -> None:
    first = laptop.answer(laptop.send(event(1), event(2)))
    again = laptop.answer(laptop.send(event(1), event(2)))
    assert (first.acknowledged, first.duplicates, first.gaps) == (2, 0, ())
    assert (again.acknowledged, again.duplicates, again.gaps) == (2, 2, ())
    assert (first.device, first.epoch) == (laptop.device, EPOCH)
    assert [row[2] for row in stored(school)] == [1, 2]


def test_a_batch_in_another_grouping_adds_what_is_new(school: SchoolOfTest, laptop: LaptopOfTest) -> None:
    laptop.send(event(1), event(2))
    told = laptop.answer(laptop.send(event(2), event(3)))
    assert (told.acknowledged, told.duplicates) == (3, 1)
    assert len(stored(school)) == 3


def test_a_number_with_another_content_is_a_copied_disk(school: SchoolOfTest, laptop: LaptopOfTest) -> None:
    laptop.send(event(1), event(2))
    for _ in range(2):
        response = laptop.send(event(2, facts={"files": 99}), event(3))
        assert kind_of(response) == "409 clone-suspected"
    assert len(stored(school)) == 2
    assert school.kinds().count("device_clone_suspected") == 1


def test_nobody_signs_for_another_laptop(school: SchoolOfTest, laptop: LaptopOfTest) -> None:
    other = enrolled(school, "Olga")
    assert kind_of(laptop.post(encode_batch(batch(other.device, [event(1)])))) == "403 other-device"
    laptop.device, mine = other.device, laptop.device
    assert kind_of(laptop.send(event(1))) == "401 bad-signature"
    laptop.device = mine
    assert stored(school) == []


def test_who_is_not_known(school: SchoolOfTest) -> None:
    laptop = LaptopOfTest(school, device="nobody")
    assert kind_of(laptop.send(event(1))) == "401 device-unknown"
    assert kind_of(laptop.standing()) == "401 device-unknown"


def test_a_body_that_was_changed_on_the_way(school: SchoolOfTest, laptop: LaptopOfTest) -> None:
    digest = "sha-256=:" + "A" * 43 + "=:"
    assert kind_of(laptop.post(b"x", **{"Content-Digest": digest})) == "401 bad-signature"
    assert kind_of(laptop.post(b"x", Signature="sig1=:!:")) == "401 bad-signature"


GOOD = encode_batch(batch("d", [event(1)]))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"", "400 bad-batch", id="empty"),
        pytest.param(b"{}", "400 bad-batch", id="not-compressed"),
        pytest.param(GOOD[:-4], "400 bad-batch", id="truncated"),
        pytest.param(GOOD + b"more", "400 bad-batch", id="more-behind-it"),
        pytest.param(zlib.compress(b"{"), "400 bad-batch", id="no-json"),
        pytest.param(zlib.compress(b"[1]"), "400 bad-batch", id="no-object"),
        pytest.param(zlib.compress(b"[" * 4000, 0), "400 bad-batch", id="deep"),
        pytest.param(zlib.compress(b" " * 10**6), "413 batch-too-large", id="zip-bomb"),
        pytest.param(b"x" * (MAX_BODY_BYTES + 1), "413 too-long", id="too-long"),
    ],
)
def test_what_is_no_batch(school: SchoolOfTest, laptop: LaptopOfTest, body: bytes, expected: str) -> None:
    assert kind_of(laptop.post(body)) == expected
    assert stored(school) == []


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("v", 2),
        ("first", 2),
        ("last", 7),
        ("epoch", "x"),
        ("prev", "0"),
        ("sent_wall", "now"),
        ("depth", -1),
        ("events", []),
        ("events", [{}]),
        ("more", 1),
    ],
    ids=str,
)
def test_a_member_that_is_none(laptop: LaptopOfTest, member: str, value: object) -> None:
    tree = json.loads(decompressed(encode_batch(batch(laptop.device, [event(1)]))))
    body = zlib.compress(json.dumps({**tree, member: value}).encode())
    assert kind_of(laptop.post(body)) == "400 bad-batch"


def test_what_is_not_compressed_as_it_must_be_is_told(laptop: LaptopOfTest) -> None:
    body = encode_batch(batch(laptop.device, [event(1)]))
    assert kind_of(laptop.post(body, **{"Content-Encoding": "gzip"})) == "415 not-deflate"


def test_an_unknown_kind_is_kept_and_counted(school: SchoolOfTest, laptop: LaptopOfTest) -> None:
    assert laptop.answer(laptop.send(event(1, "from_the_future"))).acknowledged == 1
    with school.parts.fleet.events.read() as database:
        assert dict(map(tuple, database.execute("SELECT * FROM counts"))) == {"taken": 1, "unknown_kind": 1}
    assert [row[3] for row in stored(school)] == ["from_the_future"]


@pytest.mark.parametrize("wall", [0.0, 4_070_908_800.0, -1e11, 1e11], ids=["1970", "2099", "before", "far"])
def test_no_batch_is_refused_for_its_time(school: SchoolOfTest, laptop: LaptopOfTest, wall: float) -> None:
    old = event(1, wall=wall, monotonic=1.0, boot="boot-0")
    assert laptop.answer(laptop.send(old, event(2), sent_wall=wall)).acknowledged == 2
    with school.parts.fleet.events.read() as database:
        times = [row["occurred"] for row in database.execute("SELECT occurred FROM events ORDER BY seq")]
        (skew,) = database.execute("SELECT skew FROM device_contacts").fetchone()
    assert times == [WALL, WALL - 60.0]
    assert skew == WALL - wall


def test_numbers_that_are_missing_are_told_and_found_once(school: SchoolOfTest, laptop: LaptopOfTest) -> None:
    laptop.send(event(1))
    assert laptop.answer(laptop.send(event(5), event(8))).gaps == ((2, 4), (6, 7))
    for _ in range(2):
        school.parts.fleet.look()
    assert school.kinds().count("device_events_missing") == 1


def test_a_tombstone_accounts_for_what_is_missing(school: SchoolOfTest, laptop: LaptopOfTest) -> None:
    dropped = event(2, "spool_dropped", priority=0, facts={"class": 2, "count": 5, "seq_first": 2, "seq_last": 7})
    told = laptop.answer(laptop.send(event(1), dropped, event(5), event(8)))
    assert (told.acknowledged, told.gaps) == (8, ())
    school.parts.fleet.look()
    assert "device_events_missing" not in school.kinds()


def test_what_comes_late_fills_its_gap(laptop: LaptopOfTest) -> None:
    laptop.send(event(1))
    laptop.send(event(4))
    assert laptop.answer(laptop.send(event(2))).gaps == ((3, 3),)
    assert laptop.answer(laptop.send(event(3))).gaps == ()


# --- The rest


def test_the_policy_is_signed_and_its_version_rises(school: SchoolOfTest, laptop: LaptopOfTest) -> None:
    fleet = school.parts.fleet
    first = decode_policy(laptop.policy().content, fleet._policy_key.public_key())
    assert (first.version, first.settings.vpn, first.warnings) == (1, (), ())
    assert laptop.policy().content == laptop.policy().content
    school.private = replace(
        school.private, endpoints=replace(school.private.endpoints, vpn=("School VPN",), file_names="hashed")
    )
    fleet.look()
    second = decode_policy(laptop.policy().content, fleet._policy_key.public_key())
    assert (second.version, second.settings.vpn, second.warnings) == (2, ("School VPN",), ())
    assert laptop.answer(laptop.send(event(1))).policy == 2
    assert school.kinds().count("endpoint_policy_published") == 2


def test_nobody_from_outside_is_answered(tmp_path: Path) -> None:
    school = SchoolOfTest(tmp_path)

    async def ask(address: str) -> int:
        transport = httpx.ASGITransport(school.app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="https://gateway.example") as client:
            return (await client.get("/endpoint/v1/policy")).status_code

    assert [asyncio.run(ask(each)) for each in ("198.51.100.1", "192.0.2.9", "::1")] == [403, 401, 401]


@pytest.mark.parametrize("limit", ["device_addresses", "devices", "device_days", "unknown_devices", "enrolments"])
def test_who_asks_too_often_waits(tmp_path: Path, limit: str) -> None:
    limits = replace(generous(), **{limit: RateLimit(rate=0.1, burst=2, clock=lambda: 0.0)})
    school = SchoolOfTest(tmp_path, limits=limits)
    laptop = LaptopOfTest(school, device="nobody") if limit not in ("devices", "device_days") else enrolled(school)
    manager = school.person("Olga", Role.NETWORK_MANAGER)
    token = token_of(manager) if limit == "enrolments" else ""
    responses = [
        laptop.enrol(token) if token else laptop.send(event(number, monotonic=MONO)) for number in range(1, 4)
    ]
    assert responses[-1].status_code == 429
    assert responses[-1].headers["Retry-After"] == "11"
    assert 429 not in [each.status_code for each in responses[:2]]
    school.parts.fleet.close()


def test_whoever_writes_an_address_otherwise_is_the_same_for_its_pace(tmp_path: Path) -> None:
    limits = replace(generous(), device_addresses=RateLimit(rate=0.1, burst=2, clock=lambda: 0.0))
    school = SchoolOfTest(tmp_path, limits=limits)

    async def ask(address: str) -> int:
        transport = httpx.ASGITransport(school.app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="https://gateway.example") as client:
            return (await client.get("/endpoint/v1/policy")).status_code

    found = [asyncio.run(ask(each)) for each in ("192.0.2.9", "::ffff:192.0.2.9", "192.0.2.9", "192.0.2.10")]
    assert found == [401, 401, 429, 401]


def test_no_laptop_fills_the_record_with_keys_of_its_own(tmp_path: Path) -> None:
    limits = replace(generous(), rotations=RateLimit(rate=0.1, burst=2, clock=lambda: 0.0))
    school = SchoolOfTest(tmp_path, limits=limits)
    laptop = enrolled(school)
    found = []
    for _ in range(3):
        key = Ed25519PrivateKey.generate()
        found.append(laptop.rotate(key).status_code)
        laptop.key = key if found[-1] == 200 else laptop.key
    assert found == [200, 200, 429]
    assert laptop.send(event(1)).status_code == 200
    school.parts.fleet.close()


def test_a_disk_that_is_full_is_told_and_nothing_is_acknowledged(school: SchoolOfTest, laptop: LaptopOfTest) -> None:
    laptop.send(event(1))
    database = school.parts.fleet.events._opened
    assert database is not None
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages}")
    many = [event(number, facts={"names": "x" * 900}) for number in range(2, 200)]
    assert kind_of(laptop.send(*many)) == "503 record-unavailable"
    database.execute("PRAGMA max_page_count = 1000000")
    assert laptop.answer(laptop.send(*many)).duplicates == 0
