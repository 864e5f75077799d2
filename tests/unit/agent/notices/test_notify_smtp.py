"""Notices by mail: encrypted, signed in, refused, silent, and never a secret in a fault."""

import email
import email.policy
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mail_server import LOOPBACK, MailServer
from nano_dns import Certificate, make_certificate

from agent.notices.notify import MAIL, DeliveryError, Notice, Queued
from agent.notices.notify_smtp import SmtpChannel
from agent.sites.site import MailSettings

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
SWORDFISH = "swordfish-and-chips"
# Whether a fault is lasting, and whether it concerns all.
LASTING, PASSING, FOR_ALL = (True, False), (False, False), (False, True)
NOTICE = Notice("override_waits", "A request waits — für Sie", "Request 1 waits.\n.\nSign in.\n")
QUEUED = Queued("a1b2", NOW, MAIL, "ict@school.example.test", NOTICE)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), [f"IP:{LOOPBACK}"])


@pytest.fixture
def server(certificate: Certificate) -> Iterator[MailServer]:
    with MailServer(certificate.serve()) as server:
        yield server


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "mail.password"
    path.write_text(f"{SWORDFISH}\n")
    return path


def settings(port: int, password_file: Path | None = None, **more: object) -> MailSettings:
    return MailSettings(
        host=LOOPBACK,
        sender="gate@school.example.test",
        port=port,
        username="gate",
        password_file=None if password_file is None else str(password_file),
        **more,  # type: ignore[arg-type]  # given by name, as the dataclass says
    )


def channel(port: int, certificate: Certificate, password_file: Path, *, seconds: float = 5.0) -> SmtpChannel:
    return SmtpChannel(
        settings(port, password_file),
        clock=lambda: NOW,
        trust=certificate.trust(),
        step_seconds=seconds,
        conversation_seconds=2 * seconds,
    )


def test_a_notice_arrives_encrypted_and_signed_in(
    server: MailServer, certificate: Certificate, password_file: Path
) -> None:
    channel(server.port, certificate, password_file).deliver(QUEUED)
    words = " ".join(line.split()[0] for line in server.said)
    assert words == "EHLO STARTTLS TLS EHLO AUTH MAIL RCPT DATA QUIT"
    assert server.credentials == [b"\0gate\0" + SWORDFISH.encode()]
    mail = email.message_from_bytes(server.mails[0], policy=email.policy.default)
    assert mail["To"] == "ict@school.example.test"
    assert mail["From"] == "gate@school.example.test"
    assert mail["Subject"] == NOTICE.subject
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"] == "<a1b2@school.example.test>"
    assert mail["Date"].datetime == NOW
    # The line of one full stop did not end the message.
    assert mail.get_content().splitlines() == NOTICE.text.splitlines()


def test_without_a_user_name_nobody_signs_in(server: MailServer, certificate: Certificate) -> None:
    mail = MailSettings(LOOPBACK, "gate@school.example.test", server.port)
    SmtpChannel(mail, clock=lambda: NOW, trust=certificate.trust()).deliver(QUEUED)
    assert len(server.mails) == 1
    assert not any(line.startswith("AUTH") for line in server.said)


def test_an_authority_of_the_schools_own_is_trusted(server: MailServer, certificate: Certificate) -> None:
    mail = MailSettings(LOOPBACK, "gate@school.example.test", server.port, ca_file=str(certificate.path))
    SmtpChannel(mail, clock=lambda: NOW).deliver(QUEUED)
    assert len(server.mails) == 1


def test_an_unknown_certificate_is_refused_before_the_password_is_said(
    server: MailServer, password_file: Path
) -> None:
    with pytest.raises(DeliveryError, match="certificate of the mail server is not valid") as caught:
        SmtpChannel(settings(server.port, password_file), clock=lambda: NOW).deliver(QUEUED)
    assert caught.value.concerns_all
    assert not caught.value.is_lasting
    assert server.said[-1] == "STARTTLS"


def test_a_certificate_of_another_name_is_refused(tmp_path: Path, password_file: Path) -> None:
    other = make_certificate(tmp_path, ["DNS:other.example.test"])
    with MailServer(other.serve()) as server:
        with pytest.raises(DeliveryError, match="certificate"):
            channel(server.port, other, password_file).deliver(QUEUED)
        assert not server.credentials


def test_a_server_without_starttls_gets_neither_password_nor_mail(
    certificate: Certificate, password_file: Path
) -> None:
    with MailServer(None) as server:
        with pytest.raises(DeliveryError, match="does not offer STARTTLS"):
            channel(server.port, certificate, password_file).deliver(QUEUED)
        assert {line.split()[0] for line in server.said} <= {"EHLO", "QUIT"}
        assert not server.mails


@pytest.mark.parametrize(
    ("answers", "sentence", "kind"),
    [
        pytest.param({"RCPT": "550 x@y"}, "the recipient (code 550)", LASTING, id="an-unknown-recipient-lasts"),
        pytest.param({"RCPT": "451 x@y"}, "the recipient (code 451)", PASSING, id="a-busy-recipient-passes"),
        pytest.param({"BODY": "554 spam"}, "the message (code 554)", LASTING, id="a-refused-message-lasts"),
        pytest.param({"BODY": "452 full"}, "the message (code 452)", PASSING, id="a-full-server-passes"),
        pytest.param({"DATA": "530 sign in"}, "us (code 530)", FOR_ALL, id="not-allowed-is-for-all"),
        pytest.param({"AUTH": "535 no x@y"}, "name and password (code 535)", FOR_ALL, id="a-wrong-password"),
        pytest.param({"MAIL": "550 who x@y"}, "us (code 550)", FOR_ALL, id="a-refused-sender"),
        pytest.param({"EHLO": "CLOSE"}, "ended the conversation early", FOR_ALL, id="hung-up-at-once"),
        pytest.param({"GREETING": "554 go away"}, "us (code 554)", FOR_ALL, id="turned-away"),
        pytest.param({"STARTTLS": "454 not now"}, "us (code 454)", FOR_ALL, id="no-tls-at-the-moment"),
        pytest.param({"STARTTLS": "CLOSE"}, "ended the conversation early", FOR_ALL, id="hung-up-before-tls"),
    ],
)
def test_refusals(
    answers: dict[str, str],
    sentence: str,
    kind: tuple[bool, bool],
    certificate: Certificate,
    password_file: Path,
) -> None:
    with MailServer(certificate.serve(), answers=answers) as server, pytest.raises(DeliveryError) as caught:
        channel(server.port, certificate, password_file).deliver(QUEUED)
    assert sentence in str(caught.value)
    assert "x@y" not in str(caught.value)
    assert SWORDFISH not in str(caught.value)
    assert (caught.value.is_lasting, caught.value.concerns_all) == kind


def test_a_mail_that_was_taken_is_sent_whatever_becomes_of_the_good_bye(
    certificate: Certificate, password_file: Path
) -> None:
    with MailServer(certificate.serve(), answers={"QUIT": "CLOSE"}) as server:
        channel(server.port, certificate, password_file).deliver(QUEUED)
        assert len(server.mails) == 1


@pytest.mark.alone
@pytest.mark.parametrize("step", ["EHLO", "STARTTLS", "MAIL"])
def test_silence_ends_the_conversation(step: str, certificate: Certificate, password_file: Path) -> None:
    began_at = time.monotonic()
    with MailServer(certificate.serve(), answers={step: ""}) as server, pytest.raises(DeliveryError):
        channel(server.port, certificate, password_file, seconds=0.2).deliver(QUEUED)
    assert time.monotonic() - began_at < 3


@pytest.mark.alone
def test_a_server_that_drips_is_cut_off(certificate: Certificate, password_file: Path) -> None:
    began_at = time.monotonic()
    with MailServer(certificate.serve(), drip_seconds=0.1) as server, pytest.raises(DeliveryError):
        channel(server.port, certificate, password_file, seconds=0.25).deliver(QUEUED)
    assert time.monotonic() - began_at < 3


def test_nobody_there(certificate: Certificate, password_file: Path) -> None:
    with MailServer(None) as server:
        port = server.port
    with pytest.raises(DeliveryError, match=r"could not be reached: Connection refused\."):
        channel(port, certificate, password_file).deliver(QUEUED)


@pytest.mark.parametrize("target", ["", "ict", "ict@school.example.test\nBcc: all", "a b@c", "ict@schöol.test"])
def test_what_is_no_address_is_refused_without_a_connection(
    target: str, server: MailServer, certificate: Certificate, password_file: Path
) -> None:
    with pytest.raises(DeliveryError, match="no mail address") as caught:
        channel(server.port, certificate, password_file).deliver(Queued("1", NOW, MAIL, target, NOTICE))
    assert caught.value.is_lasting
    assert server.connections == 0


def test_a_password_file_that_is_missing(server: MailServer, certificate: Certificate, tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match=r"mail\.password: the password for the mail server could not be read"):
        channel(server.port, certificate, tmp_path / "mail.password").deliver(QUEUED)
    assert server.connections == 0


def test_a_password_beyond_ascii_is_not_repeated(
    server: MailServer, certificate: Certificate, password_file: Path
) -> None:
    password_file.write_text("pässwort", encoding="utf-8")
    with pytest.raises(DeliveryError, match="letters beyond ASCII") as caught:
        channel(server.port, certificate, password_file).deliver(QUEUED)
    assert "sswort" not in str(caught.value)


def test_an_authority_that_is_missing(server: MailServer, tmp_path: Path) -> None:
    mail = settings(server.port, ca_file=tmp_path / "none.pem")
    with pytest.raises(DeliveryError, match=r"none\.pem: the certificate of the mail server's authority"):
        SmtpChannel(mail, clock=lambda: NOW).deliver(QUEUED)


def test_settings_show_no_address_of_a_recipient() -> None:
    mail = MailSettings("mail.example.test", "gate@example.test", by_person={"p1": ("somebody@example.test",)})
    assert "somebody" not in repr(mail)
