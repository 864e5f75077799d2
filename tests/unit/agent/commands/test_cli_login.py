"""Signing in and out from a shell."""

import json
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from gateway_of_test import COOKIE, SIGNED_IN, Answer, GatewayOfTest, Shell, gateway_of_test

from agent.commands.client_session import Session, load_session, session_path

SITE = """\
school: {{name: School of Test, timezone: Europe/London}}
packs: [uk-esafety]
networks: {{classrooms: {{audience: pupil, cidrs: [192.0.2.0/25]}}}}
listeners: {{dns: ["127.0.0.1:5399"], metrics: off, api: {api}}}
paths: {{state: {state}, runtime: run}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def listening(folder: Path) -> Iterator[GatewayOfTest]:
    with gateway_of_test(folder) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest) -> GatewayOfTest:
    listening.answers.clear()
    listening.seen.clear()
    cookie = {"Set-Cookie": f"{COOKIE}=s3; Secure; HttpOnly; Path=/"}
    listening.answers["POST /session"] = Answer(SIGNED_IN, 201, cookie)
    return listening


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "home")


def write_site(tmp_path: Path, state: Path, api: str) -> str:
    path = tmp_path / "site.yaml"
    path.write_text(SITE.format(state=state, api=api))
    return str(path)


def kept(shell: Shell) -> Session | None:
    return load_session(session_path(shell.environment))


def test_on_the_gateway_the_site_says_where_and_whom_to_trust(
    gateway: GatewayOfTest, folder: Path, shell: Shell, tmp_path: Path
) -> None:
    site = write_site(tmp_path, folder, gateway.url.removeprefix("https://"))
    done = shell.run("login", "ada", "--site", site, "--password-stdin", keys="correct horse 9\n123456\n")
    assert (done.exit_code, done.stdout) == (0, f"Signed in at {gateway.url} as Ada Clay.\n")
    assert gateway.asked("POST /session").body == {"login": "ada", "password": "correct horse 9", "totp": "123456"}
    session = kept(shell)
    assert session is not None
    assert (session.timezone, session.csrf) == ("Asia/Tokyo", "c5")
    assert stat.S_IMODE(session_path(shell.environment).stat().st_mode) == 0o600


def test_an_address_that_means_all_of_them_is_reached_on_this_machine(
    gateway: GatewayOfTest, folder: Path, shell: Shell, tmp_path: Path
) -> None:
    site = write_site(tmp_path, folder, gateway.url.replace("https://127.0.0.1", "0.0.0.0"))
    done = shell.run("login", "ada", "--site", site, "--password-stdin", keys="correct horse 9\n")
    assert done.exit_code == 0, done.output
    assert "totp" not in gateway.asked("POST /session").body


def test_whoever_signs_in_is_told_that_filtering_is_off(gateway: GatewayOfTest, shell: Shell) -> None:
    told = gateway.answers["POST /session"]
    notice = {"Schoolgate-Notice": "filtering=off&where=the+school&until=2026-03-02T14%3A20%3A00%2B00%3A00"}
    gateway.answers["POST /session"] = replace(told, headers=told.headers | notice)
    words = ("login", "ada", "--server", gateway.url, "--fingerprint", gateway.certificate.fingerprint)
    done = shell.run(*words, "--password-stdin", keys="correct horse 9\n")
    assert done.stderr == "Filtering is off for the school until Mon 2026-03-02 23:20.\n"
    assert shell.run(*words, "--password-stdin", "--json", keys="correct horse 9\n").stderr == ""


@pytest.mark.parametrize("option", ["--fingerprint", "--ca"])
def test_elsewhere_options_say_it(gateway: GatewayOfTest, shell: Shell, option: str) -> None:
    value = {"--fingerprint": gateway.certificate.fingerprint, "--ca": str(gateway.certificate.certificate)}[option]
    words = ("login", "ada", "--server", gateway.url, option, value, "--password-stdin", "--json")
    done = shell.run(*words, keys="correct horse 9\n")
    assert json.loads(done.stdout) == {"person": "Ada Clay", "server": gateway.url, "ends_at": ""}


def test_a_password_is_asked_for_and_never_shown(gateway: GatewayOfTest, shell: Shell) -> None:
    words = ("login", "ada", "--server", gateway.url, "--fingerprint", gateway.certificate.fingerprint)
    done = shell.run(*words, keys="correct horse 9\n123456\n")
    assert done.exit_code == 0, done.output
    assert "correct horse" not in done.output
    assert gateway.asked("POST /session").body["totp"] == "123456"


def test_a_refused_sign_in_is_one_sentence_and_leaves_no_session(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.refuse("POST /session", 401, "The login, the password or the code is not right.")
    words = ("login", "ada", "--server", gateway.url, "--fingerprint", gateway.certificate.fingerprint)
    done = shell.run(*words, "--password-stdin", keys="wrong\n")
    assert (done.exit_code, done.stderr) == (1, "The login, the password or the code is not right.\n")
    assert kept(shell) is None


@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param(["--server", "http://x"], "--server: found 'http://x'; expected an address", id="no-https"),
        pytest.param(["--server", "x", "--ca", "a", "--fingerprint", "b"], "expected one of both", id="two-ways"),
        pytest.param(["--server", "x", "--fingerprint", "b"], "expected 64 hexadecimal digits", id="no-fingerprint"),
        pytest.param(["--site", "/none/site.yaml"], "expected a file that can be read", id="no-site"),
    ],
)
def test_what_cannot_be_used_is_usage(shell: Shell, options: list[str], told: str) -> None:
    done = shell.run("login", "ada", *options, "--password-stdin", keys="word\n")
    assert done.exit_code == 2
    assert told in done.stderr


def test_a_site_without_an_interface_says_so(shell: Shell, tmp_path: Path) -> None:
    site = write_site(tmp_path, tmp_path, "off")
    done = shell.run("login", "ada", "--site", site, "--password-stdin", keys="word\n")
    assert done.exit_code == 2
    assert "listeners.api: found off; expected an address such as 127.0.0.1:8443" in done.stderr


def test_a_gateway_that_never_started_has_no_certificate(shell: Shell, tmp_path: Path) -> None:
    site = write_site(tmp_path, tmp_path / "none", "127.0.0.1:8499")
    done = shell.run("login", "ada", "--site", site, "--password-stdin", keys="word\n")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "The certificate of the gateway cannot be read" in done.stderr


def test_signing_out_ends_the_session_on_both_sides(gateway: GatewayOfTest, shell: Shell) -> None:
    shell.sign_in(gateway)
    gateway.answer("DELETE /session", status=204)
    assert shell.run("logout").stdout == "Signed out.\n"
    assert gateway.asked("DELETE /session").headers["x-csrf-token"] == "c5"
    assert kept(shell) is None
    assert shell.run("logout").stdout == "Nobody was signed in.\n"


def test_whoever_signs_out_is_told_that_filtering_is_off(gateway: GatewayOfTest, shell: Shell) -> None:
    shell.sign_in(gateway)
    gateway.notify("DELETE /session", None, "filtering=off&where=year-6")
    assert shell.run("logout").stderr == "Filtering is off for year-6.\n"


def test_a_session_that_had_ended_is_forgotten(gateway: GatewayOfTest, shell: Shell) -> None:
    shell.sign_in(gateway)
    gateway.refuse("DELETE /session", 401, "You are not signed in.")
    done = shell.run("logout")
    assert (done.exit_code, done.stdout) == (0, "The session had ended already.\n")
    assert kept(shell) is None
