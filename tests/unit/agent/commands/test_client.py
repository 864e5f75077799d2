"""The way to the API over real TLS: whom it trusts, what it sends, and how refusals read."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from gateway_of_test import COOKIE, SIGNED_IN, Answer, GatewayOfTest, gateway_of_test

from agent.api.people_schemas import SignIn, Who
from agent.api.tls import open_certificate
from agent.commands.client import (
    Client,
    SignInNeededError,
    UnreachableError,
    parse_server,
    trust_file,
    trust_fingerprint,
    trust_local,
)
from agent.commands.client_session import Server, Session
from rules.errors import ConfigurationError, RefusedRequestError, SchoolgateError, StorageError


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayOfTest]:
    with gateway_of_test(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest) -> GatewayOfTest:
    listening.answers.clear()
    listening.seen.clear()
    return listening


def trusted(gateway: GatewayOfTest) -> Server:
    return trust_local(gateway.url, gateway.certificate.certificate)


def session(gateway: GatewayOfTest) -> Session:
    return Session(trusted(gateway), "ada", "Ada Clay", {COOKIE: "s3"}, "c5", "", timezone="Asia/Tokyo")


def signed_in(gateway: GatewayOfTest) -> Client:
    return Client(trusted(gateway), session(gateway))


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://gateway.example:8443", "https://gateway.example:8443"),
        ("gateway.example:8443", "https://gateway.example:8443"),
        ("https://[2001:db8::1]:8443/api", "https://[2001:db8::1]:8443"),
        ("https://name:word@gateway.example", "https://gateway.example"),
    ],
)
def test_an_address(written: str, url: str) -> None:
    assert parse_server(written) == url


@pytest.mark.parametrize("written", ["", "http://gateway.example", "https://", "https://x:99999", "https://[::"])
def test_what_is_no_address_is_refused_in_one_sentence(written: str) -> None:
    with pytest.raises(ConfigurationError, match=r"--server: found .*; expected an address such as https://"):
        parse_server(written)


def test_the_certificate_of_this_gateway_is_trusted(gateway: GatewayOfTest) -> None:
    gateway.answer("GET /me", SIGNED_IN)
    with signed_in(gateway) as client:
        assert client.get("/me") == SIGNED_IN


@pytest.mark.parametrize("style", [str, str.lower, lambda text: f"SHA256:{text}", lambda text: text.replace(":", "")])
def test_a_fingerprint_is_enough(gateway: GatewayOfTest, style: type[str]) -> None:
    gateway.answer("GET /me", SIGNED_IN)
    server = trust_fingerprint(gateway.url, style(gateway.certificate.fingerprint))
    with Client(server, session(gateway)) as client:
        assert client.get("/me") == SIGNED_IN


def test_a_file_of_authorities_is_enough_for_the_name_in_the_certificate(gateway: GatewayOfTest) -> None:
    gateway.answer("GET /me", SIGNED_IN)
    server = trust_file(gateway.url, gateway.certificate.certificate)
    with Client(server, session(gateway)) as client:
        assert client.get("/me") == SIGNED_IN


def test_another_fingerprint_is_refused_before_anything_is_sent(gateway: GatewayOfTest) -> None:
    with pytest.raises(UnreachableError, match="which is not the one given"):
        trust_fingerprint(gateway.url, "0" * 64)
    assert not gateway.seen


def test_what_is_no_fingerprint_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected 64 hexadecimal digits"):
        trust_fingerprint("https://127.0.0.1:1", "12:34")


def test_a_stranger_gets_no_password(gateway: GatewayOfTest, tmp_path: Path) -> None:
    other = open_certificate(tmp_path, names=("127.0.0.1",), now=datetime.now(UTC))
    for server in (Server(gateway.url), trust_local(gateway.url, other.certificate)):
        with Client(server) as client, pytest.raises(UnreachableError, match="is not one to trust"):
            client.sign_in("ada", "correct horse 9")
    assert not gateway.seen


def test_another_name_than_that_of_the_certificate_is_refused(tmp_path: Path, gateway: GatewayOfTest) -> None:
    server = trust_file(gateway.url.replace("127.0.0.1", "127.0.0.2"), gateway.certificate.certificate)
    with Client(server) as client, pytest.raises(SchoolgateError):
        client.get("/me")


@pytest.mark.parametrize(
    "text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_without_a_certificate_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ca.pem"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="expected a file of certificates in PEM"):
        trust_file("https://127.0.0.1:1", path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        trust_file("https://127.0.0.1:1", tmp_path / "ca.pem")
    with pytest.raises(UnreachableError, match="say --server and --fingerprint"):
        trust_local("https://127.0.0.1:1", tmp_path / "certificate.pem")


def test_a_chain_trusts_its_first_certificate_only(tmp_path: Path, gateway: GatewayOfTest) -> None:
    other = open_certificate(tmp_path / "other", names=("127.0.0.1",), now=datetime.now(UTC))
    chain = tmp_path / "chain.pem"
    chain.write_text(other.certificate.read_text() + gateway.certificate.certificate.read_text())
    with Client(trust_local(gateway.url, chain)) as client, pytest.raises(UnreachableError, match="not one to trust"):
        client.get("/me")


def test_signing_in_gives_a_session(gateway: GatewayOfTest) -> None:
    Who.model_validate(SIGNED_IN, extra="forbid")
    cookie = {"Set-Cookie": f"{COOKIE}=s3; Secure; HttpOnly; Path=/"}
    gateway.answers["POST /session"] = Answer(SIGNED_IN, 201, cookie)
    with Client(trusted(gateway)) as client:
        assert client.sign_in("ada", "correct horse 9", "123456") == session(gateway)
    assert SignIn.model_validate(gateway.asked("POST /session").body)
    assert gateway.asked("POST /session").body == {"login": "ada", "password": "correct horse 9", "totp": "123456"}


@pytest.mark.parametrize("body", [{}, [], None, {"csrf": ""}], ids=str)
def test_an_answer_without_a_session_is_no_gateway(gateway: GatewayOfTest, body: object) -> None:
    gateway.answer("POST /session", body)
    with Client(trusted(gateway)) as client, pytest.raises(UnreachableError, match="expected the API of a gateway"):
        client.sign_in("ada", "correct horse 9")


def test_a_refused_sign_in_says_what_the_gateway_says(gateway: GatewayOfTest) -> None:
    gateway.refuse("POST /session", 401, "The login, the password or the code is not right.")
    with Client(trusted(gateway)) as client, pytest.raises(RefusedRequestError, match="or the code is not right"):
        client.sign_in("ada", "wrong")


def test_an_act_carries_the_session_its_proof_and_the_version(gateway: GatewayOfTest) -> None:
    gateway.answer("POST /overrides/a1/approve", {"state": "approved"})
    with signed_in(gateway) as client:
        assert client.post("/overrides/a1/approve", {"reason": "fine"}, version=3) == {"state": "approved"}
    headers = gateway.asked("POST /overrides/a1/approve").headers
    assert headers["cookie"] == f"{COOKIE}=s3"
    assert headers["x-csrf-token"] == "c5"
    assert headers["if-match"] == '"3"'


def test_something_is_made_so_at_a_version(gateway: GatewayOfTest) -> None:
    gateway.answer("PUT /people/p1/roles", {"roles": ["staff"]})
    with signed_in(gateway) as client:
        assert client.put("/people/p1/roles", {"roles": ["staff"]}, version=7) == {"roles": ["staff"]}
    seen = gateway.asked("PUT /people/p1/roles")
    assert (seen.body, seen.headers["if-match"]) == ({"roles": ["staff"]}, '"7"')


def test_what_the_last_answer_told_beside_itself_is_kept(gateway: GatewayOfTest) -> None:
    gateway.notify("GET /me", SIGNED_IN, "filtering=off&where=caf%C3%A9&&=")
    gateway.answer("GET /overrides", {"items": []})
    with signed_in(gateway) as client:
        client.get("/me")
        assert client.notice == {"filtering": "off", "where": "café"}
        client.get("/overrides")
        assert client.notice == {}


def test_what_is_not_given_is_not_sent(gateway: GatewayOfTest) -> None:
    gateway.answer("GET /overrides", {"items": []})
    with signed_in(gateway) as client:
        client.get("/overrides", {"state": None, "limit": 5})
    assert gateway.asked("GET /overrides").query == {"limit": "5"}


def test_an_end_has_no_body(gateway: GatewayOfTest) -> None:
    gateway.answer("DELETE /session", status=204)
    with signed_in(gateway) as client:
        assert client.delete("/session") is None


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        pytest.param(403, RefusedRequestError, "It takes two people.", id="no-right"),
        pytest.param(409, RefusedRequestError, "It takes two people.", id="refused"),
        pytest.param(412, RefusedRequestError, "It takes two people.", id="changed-meanwhile"),
        pytest.param(422, RefusedRequestError, "It takes two people.", id="not-as-expected"),
        pytest.param(503, StorageError, "It takes two people.", id="the-record-is-locked"),
        pytest.param(401, SignInNeededError, "sign in with `schoolgate login`", id="not-signed-in"),
    ],
)
def test_problem_details_become_one_sentence(
    gateway: GatewayOfTest, status: int, error: type[Exception], told: str
) -> None:
    gateway.refuse("GET /overrides", status, "It takes\n  two people.")
    with signed_in(gateway) as client, pytest.raises(error, match=told):
        client.get("/overrides")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("<h1>Bad Gateway</h1>", "The gateway answered 502 Bad Gateway."),
        ({"title": "Broken", "detail": " "}, "Broken"),
        ([1], "The gateway answered 502 Bad Gateway."),
        ({"detail": {"no": "text"}}, "The gateway answered 502 Bad Gateway."),
    ],
    ids=["a-page", "a-title", "a-list", "no-text"],
)
def test_what_is_no_problem_details_is_told_by_its_status(gateway: GatewayOfTest, body: object, told: str) -> None:
    gateway.answer("GET /overrides", body, status=502)
    with signed_in(gateway) as client, pytest.raises(StorageError) as caught:
        client.get("/overrides")
    assert str(caught.value) == told


def test_an_answer_that_is_no_json_is_said(gateway: GatewayOfTest) -> None:
    gateway.answer("GET /overrides", "<h1>Welcome</h1>")
    with signed_in(gateway) as client, pytest.raises(UnreachableError, match="something that is no JSON"):
        client.get("/overrides")


def test_a_list_is_read_to_its_end(gateway: GatewayOfTest) -> None:
    gateway.answer("GET /people?limit=2", {"items": [1, 2], "next": "c1"})
    gateway.answer("GET /people?limit=2&after=c1", {"items": [3, 4], "next": "c2"})
    gateway.answer("GET /people?limit=2&after=c2", {"items": [5], "next": None})
    with signed_in(gateway) as client:
        assert list(client.pages("/people", {"limit": 2})) == [1, 2, 3, 4, 5]


def test_a_long_answer_comes_in_parts(gateway: GatewayOfTest) -> None:
    gateway.answer("GET /audit/export", "row\n" * 100_000)
    with signed_in(gateway) as client, client.chunks("/audit/export") as chunks:
        assert b"".join(chunks) == b"row\n" * 100_000


def test_a_long_answer_can_be_refused(gateway: GatewayOfTest) -> None:
    gateway.refuse("GET /audit/export", 403, "You may not do this.")
    with (
        signed_in(gateway) as client,
        pytest.raises(RefusedRequestError, match="You may not"),
        client.chunks("/audit/export"),
    ):
        pass


def test_nobody_there_is_said(tmp_path: Path, gateway: GatewayOfTest) -> None:
    server = replace(trusted(gateway), url="https://127.0.0.1:1")
    with (
        Client(server) as client,
        pytest.raises(UnreachableError, match=r"at https://127\.0\.0\.1:1 cannot be reached"),
    ):
        client.get("/me")
    with pytest.raises(UnreachableError, match="cannot be reached"):
        trust_fingerprint("https://127.0.0.1:1", "0" * 64)
