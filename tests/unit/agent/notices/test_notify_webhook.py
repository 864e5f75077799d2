"""Notices to a program: signed as the standard says, by HTTPS that is checked, and never a secret in a fault."""

import base64
import hmac
import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hook_server import Hook, listening
from nano_dns import LOOPBACK, Certificate, make_certificate

from agent.notices.notify import WEBHOOK, DeliveryError, Notice, Queued
from agent.notices.notify_webhook import WebhookChannel, new_secret, read_key, signed_headers
from agent.sites.site import WebhookSettings

NOW = datetime(2026, 3, 2, 9, 15, 0, 500_000, tzinfo=UTC)
HIDDEN_PATH = "/hooks/T024-not-for-the-log"
# Whether a fault is lasting, and whether it concerns all.
LASTING, PASSING, FOR_ALL = (True, False), (False, False), (False, True)
NOTICE = Notice("override_waits", "A request waits", "für Sie\n", {"override": "o1", "step": 0})
QUEUED = Queued("a1b2", NOW - timedelta(minutes=1), WEBHOOK, "chat", NOTICE)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), [f"IP:{LOOPBACK}"])


@pytest.fixture
def hook(certificate: Certificate) -> Iterator[Hook]:
    with listening(certificate) as hook:
        yield hook


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "chat.secret"
    path.write_text(f"{new_secret()}\n")
    return path


def settings(port: int, secret_file: Path) -> WebhookSettings:
    return WebhookSettings("chat", f"https://{LOOPBACK}:{port}{HIDDEN_PATH}", str(secret_file))


def channel(port: int, certificate: Certificate, secret_file: Path, *, seconds: float = 5.0) -> WebhookChannel:
    webhooks = [settings(port, secret_file)]
    return WebhookChannel(webhooks, clock=lambda: NOW, trust=certificate.trust(), exchange_seconds=seconds)


def fault_of(sender: WebhookChannel, queued: Queued = QUEUED) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        sender.deliver(queued)
    assert "T024" not in str(caught.value)
    return caught.value


def test_the_signature_is_that_of_the_standard() -> None:
    # Source: the test vector of Standard Webhooks.
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = signed_headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', at=at)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_notice_arrives_signed(hook: Hook, certificate: Certificate, secret_file: Path) -> None:
    channel(hook.port, certificate, secret_file).deliver(QUEUED)
    ((path, headers, body),) = hook.received
    assert path == HIDDEN_PATH
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == "a1b2"
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    key = base64.b64decode(secret_file.read_text().strip().removeprefix("whsec_"))
    signed = f"a1b2.{headers['webhook-timestamp']}.".encode() + body
    assert headers["webhook-signature"] == "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    assert json.loads(body) == {
        "type": "override_waits",
        "timestamp": "2026-03-02T09:14:00.500000+00:00",
        "data": {"override": "o1", "step": 0, "subject": "A request waits", "text": "für Sie\n"},
    }


def test_a_second_attempt_has_the_same_id_and_its_own_moment(
    hook: Hook, certificate: Certificate, secret_file: Path
) -> None:
    moments = iter((NOW, NOW + timedelta(minutes=1)))
    sender = WebhookChannel(
        [settings(hook.port, secret_file)], clock=lambda: next(moments), trust=certificate.trust()
    )
    sender.deliver(QUEUED)
    sender.deliver(QUEUED)
    first, second = (headers for _, headers, _ in hook.received)
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 60
    assert first["webhook-signature"] != second["webhook-signature"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        pytest.param(410, LASTING, id="gone-is-for-ever"),
        pytest.param(400, PASSING, id="a-bad-request-is-about-this-notice"),
        pytest.param(413, PASSING, id="too-large-is-about-this-notice"),
        pytest.param(401, FOR_ALL, id="a-wrong-secret-is-about-all"),
        pytest.param(404, FOR_ALL, id="a-wrong-path-is-about-all"),
        pytest.param(429, FOR_ALL, id="too-many-is-about-all"),
        pytest.param(500, FOR_ALL, id="their-fault-is-about-all"),
        pytest.param(503, FOR_ALL, id="their-pause-is-about-all"),
        pytest.param(304, FOR_ALL, id="not-modified-is-no-yes"),
    ],
)
def test_refusals(
    status: int, kind: tuple[bool, bool], hook: Hook, certificate: Certificate, secret_file: Path
) -> None:
    hook.status = status
    fault = fault_of(channel(hook.port, certificate, secret_file))
    assert str(fault) == f"Webhook 'chat' answered with status {status}; expected 2xx."
    assert (fault.is_lasting, fault.concerns_all) == kind


def test_nobody_sends_us_elsewhere(hook: Hook, certificate: Certificate, secret_file: Path) -> None:
    hook.status = 307
    hook.headers = {"Location": f"https://{LOOPBACK}:{hook.port}/elsewhere"}
    assert "status 307" in str(fault_of(channel(hook.port, certificate, secret_file)))
    assert [path for path, _, _ in hook.received] == [HIDDEN_PATH]


def test_an_unknown_certificate_is_refused_before_anything_is_said(hook: Hook, secret_file: Path) -> None:
    fault = fault_of(WebhookChannel([settings(hook.port, secret_file)], clock=lambda: NOW))
    assert "certificate of webhook 'chat' is not valid" in str(fault)
    assert fault.concerns_all
    assert not hook.received


def test_a_certificate_of_another_name_is_refused(tmp_path: Path, secret_file: Path) -> None:
    other = make_certificate(tmp_path, ["DNS:other.example.test"])
    with listening(other) as hook:
        assert "certificate" in str(fault_of(channel(hook.port, other, secret_file)))
        assert not hook.received


def test_an_authority_of_the_schools_own_is_trusted(hook: Hook, certificate: Certificate, secret_file: Path) -> None:
    url = f"https://{LOOPBACK}:{hook.port}/"
    webhook = WebhookSettings("chat", url, str(secret_file), ca_file=str(certificate.path))
    WebhookChannel([webhook], clock=lambda: NOW).deliver(QUEUED)
    assert len(hook.received) == 1


def test_an_authority_that_is_missing(hook: Hook, secret_file: Path, tmp_path: Path) -> None:
    webhook = WebhookSettings(
        "chat", f"https://{LOOPBACK}:{hook.port}/", str(secret_file), ca_file=str(tmp_path / "none.pem")
    )
    assert "none.pem: the authority of webhook 'chat'" in str(fault_of(WebhookChannel([webhook], clock=lambda: NOW)))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/T024", "ftp://x/T024", "T024", "https:///T024", "https://x:T024"]
)
def test_only_https_is_spoken(url: str, secret_file: Path) -> None:
    webhook = WebhookSettings("chat", url, str(secret_file))
    assert str(fault_of(WebhookChannel([webhook], clock=lambda: NOW))).startswith("The address of webhook 'chat' is")


@pytest.mark.alone
def test_a_slow_program_is_left(hook: Hook, certificate: Certificate, secret_file: Path) -> None:
    hook.pause_seconds = 1.0
    began_at = time.monotonic()
    fault = fault_of(channel(hook.port, certificate, secret_file, seconds=0.2))
    assert str(fault) == "Webhook 'chat' took too long."
    assert time.monotonic() - began_at < 0.9


def test_nobody_there(certificate: Certificate, secret_file: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as free:
        port = free.getsockname()[1]
    assert str(fault_of(channel(port, certificate, secret_file))) == "Webhook 'chat' could not be reached."


def test_a_webhook_that_was_taken_out_of_the_site(certificate: Certificate, secret_file: Path) -> None:
    gone = Queued("1", NOW, WEBHOOK, "pager", NOTICE)
    assert fault_of(channel(1, certificate, secret_file), gone).is_lasting


def test_a_new_secret_can_be_read_and_is_another_each_time(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(new_secret())
    assert len(read_key(path)) == 32
    assert new_secret() != new_secret()


@pytest.mark.parametrize(
    "written",
    [
        "",
        "whsec_",
        "swordfish",
        "whsec_c3dvcmRmaXNo",
        "whsec_swordfish!swordfish!swordfish!swordfish!",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_swördfish",
    ],
    ids=["empty", "no-key", "a-word", "too-short", "no-base64", "without-its-mark", "not-ascii"],
)
def test_what_is_no_secret(written: str, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(written, encoding="utf-8")
    with pytest.raises(DeliveryError, match="expected whsec_ and the base64 of at least 24 octets") as caught:
        read_key(path)
    assert caught.value.concerns_all
    assert "fish" not in str(caught.value)


def test_a_secret_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match=r"none: the secret of the webhook could not be read"):
        read_key(tmp_path / "none")


def test_settings_do_not_show_the_address(secret_file: Path) -> None:
    assert "T024" not in repr(settings(1, secret_file))
