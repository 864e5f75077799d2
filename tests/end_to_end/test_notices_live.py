"""Notices as they arrive: a real gateway, a mail server with STARTTLS, a program that checks signatures."""

import email
import email.policy
import json
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from conftest import RunningGateway, free_port, wait_until
from hook_server import Hook, listening
from mail_server import MailServer
from nano_dns import LOOPBACK, Certificate, make_certificate
from signed_in import REASON, Staff

from agent.commands.client import Client
from agent.notices.notify_webhook import new_secret
from agent.storage.state import read_only
from rules.roles import Role

ROOT = Path(__file__).parents[2]
MAIL_PASSWORD = "swordfish-and-chips"  # noqa: S105 (of nobody)
PEOPLE = {
    "tess": Role.TEACHER,
    "nora": Role.NETWORK_MANAGER,
    "cora": Role.ICT_COORDINATOR,
    "hedda": Role.HEAD_TEACHER,
}
SITE = """\
school: {{name: Test School, timezone: Asia/Tokyo}}
packs: [uk-esafety]
networks: {{pupils: {{audience: pupil, cidrs: [127.0.0.1/32]}}}}
groups: {{year-6: {{cidrs: [127.0.0.1/32]}}}}
policies: {{ours: {{block: {{names: [chance.example]}}, audiences: [pupil]}}}}
lists: {{}}
upstreams: {{servers: ["udp://127.0.0.1:{upstream}"]}}
listeners: {{dns: ["127.0.0.1:{dns}"], metrics: "127.0.0.1:{metrics}", api: "127.0.0.1:{api}"}}
notifications:
  mail:
    host: 127.0.0.1
    port: {mail}
    sender: gate@school.example.test
    username: gate
    password_file: secrets/mail
    ca_file: {certificate}
    recipients:
      roles:
        network_manager: it@school.example.test
        ict_coordinator: coordinator@school.example.test
        head_teacher: head@school.example.test
      people: {{{tess}: tess@school.example.test}}
  webhooks:
    board: {{url: "https://127.0.0.1:{hook}/hooks/t024", secret_file: secrets/board, ca_file: {certificate}}}
  escalate_after: {escalate_after}
"""


def is_genuine(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Check a signature as the README tells the makers of programs to."""
    (code,) = re.findall(r"```python\n(import base64.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 (our own README)
    return bool(names["is_genuine"](secret, headers, body))


@dataclass
class School:
    """A gateway with people, a mail server that can be down, and a program that is told."""

    gateway: RunningGateway
    staff: Staff
    certificate: Certificate
    mail_port: int
    hook: Hook
    secret: str

    def mail_server(self) -> MailServer:
        return MailServer(self.certificate.serve(), port=self.mail_port)

    def ask(self, client: Client) -> str:
        """Ask for a name that is blocked; gives the id of the request."""
        until_at = datetime.now(UTC) + timedelta(hours=1)
        body = {"names": ["chance.example"], "groups": ["year-6"], "reason": REASON, "until_at": until_at.isoformat()}
        made: dict[str, str] = client.post("/overrides", body)
        return made["id"]

    def interface(self) -> int:
        (pid,) = self.gateway.children("agent.api.server")
        return pid

    def write_site(self, *, escalate_after: str = "4 h") -> None:
        text = SITE.format(
            upstream=free_port(),
            dns=self.gateway.port,
            metrics=self.gateway.metrics_port,
            api=free_port(),
            mail=self.mail_port,
            hook=self.hook.port,
            certificate=self.certificate.path,
            tess=self.staff.people["tess"],
            escalate_after=escalate_after,
        )
        self.gateway.site.write_text(text)

    def start(self) -> None:
        self.gateway.start()
        wait_until(lambda: "api/v1" in self.gateway.log.read_text())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), [f"IP:{LOOPBACK}"])


@pytest.fixture
def school(tmp_path: Path, certificate: Certificate) -> Iterator[School]:
    folder = tmp_path / "site"
    secrets = folder / "secrets"
    secrets.mkdir(parents=True)
    secret = new_secret()
    for name, text in (("mail", MAIL_PASSWORD), ("board", secret)):
        (secrets / name).write_text(f"{text}\n")
        (secrets / name).chmod(0o600)
    staff = Staff(folder)
    for login, role in PEOPLE.items():
        staff.enrol(login, role)
    gateway = RunningGateway(folder, free_port(), free_port())
    with listening(certificate) as hook:
        yield School(gateway, staff, certificate, free_port(), hook, secret)
        gateway.stop()


def received(server: MailServer) -> list[EmailMessage]:
    return [email.message_from_bytes(each, policy=email.policy.default) for each in server.mails]


def addressed(server: MailServer) -> list[tuple[str, str]]:
    """Give to whom mails went, and what about."""
    return [(str(each["To"]), str(each["Subject"])) for each in received(server)]


WAITS = "An override request waits for a decision"
TRIED = "A test of Schoolgate's notices"
CHANGED = "The site file was changed, and nobody approved that"
STILL_WAITS = "An override request still waits for a decision"


def test_a_request_is_told_to_who_decides_then_to_the_next_and_its_end_to_who_asked(school: School) -> None:
    school.write_site(escalate_after="2 s")
    with school.mail_server() as mail:
        school.start()
        with school.staff.client("tess") as tess:
            asked = school.ask(tess)
        wait_until(lambda: mail.mails)
        assert addressed(mail)[0] == ("it@school.example.test", WAITS)
        wait_until(lambda: ("coordinator@school.example.test", STILL_WAITS) in addressed(mail), seconds=30)
        with school.staff.client("nora") as nora:
            approved = nora.post(f"/overrides/{asked}/approve", {}, version=1)
        wait_until(lambda: addressed(mail)[-1][0] == "tess@school.example.test")
        first, second, *_ = received(mail)[-1].get_content().splitlines()
        assert first == f"Request {asked} was approved."
        by = datetime.fromisoformat(approved["effect"]["everywhere_by"]).astimezone(ZoneInfo("Asia/Tokyo"))
        # The interface counts from its answer, the notice from the act a moment before.
        moments = {f"{by + timedelta(seconds=late):%H:%M:%S}" for late in (-3, -2, -1, 0, 1)}
        assert any(second.startswith(f"Active now; every device by {each}. It ends at 2") for each in moments)
        wait_until(lambda: len(school.hook.received) >= 3)
    assert {mail.credentials[0]} == set(mail.credentials) == {b"\0gate\0" + MAIL_PASSWORD.encode()}
    assert [line.split()[0] for line in mail.said[:6]] == ["EHLO", "STARTTLS", "TLS", "EHLO", "AUTH", "MAIL"]
    kinds = []
    for path, headers, body in school.hook.received:
        assert path == "/hooks/t024"
        assert is_genuine(school.secret, headers, body)
        assert not is_genuine(new_secret(), headers, body)
        assert not is_genuine(school.secret, headers, body + b" ")
        assert not is_genuine(school.secret, headers | {"webhook-timestamp": "1"}, body)
        kinds.append(json.loads(body)["type"])
    assert kinds[0] == "override_waits"
    assert {"override_escalated", "override_approved"} <= set(kinds)
    everything = b"".join((*mail.mails, *(body for _, _, body in school.hook.received)))
    assert b"chance.example" not in everything
    assert REASON.encode() not in everything
    assert b"Tess" not in everything


def test_a_server_that_is_down_gets_it_once_when_it_is_back(school: School) -> None:
    school.write_site()
    school.start()
    with school.staff.client("tess") as tess, school.staff.client("nora") as nora:
        school.ask(tess)

        def sendings() -> list[dict[str, Any]]:
            return [each for each in nora.get("/notifications")["items"] if each["channel"] == "mail"]

        wait_until(lambda: sendings()[0]["attempts"] >= 1)
        assert sendings()[0]["state"] == "waiting"
        assert sendings()[0]["fault"] == "The mail server could not be reached: Connection refused."
        wait_until(lambda: school.gateway.metrics()['schoolgate_notices_waiting{channel="mail"}'] == 1)
        with school.mail_server() as mail:
            wait_until(lambda: sendings()[0]["state"] == "sent", seconds=40)
            assert addressed(mail) == [("it@school.example.test", WAITS)]
        assert school.gateway.metrics()['schoolgate_notices_waiting{channel="mail"}'] == 0
    assert "school.example.test" not in school.gateway.log.read_text()
    assert "school.example.test" not in school.gateway.get("/metrics")[1]


def test_a_kill_in_the_middle_of_a_delivery_loses_nothing(school: School) -> None:
    school.write_site()
    with school.mail_server() as mail:
        mail.answers["DATA"] = ""
        school.start()
        with school.staff.client("tess") as tess:
            school.ask(tess)
        wait_until(lambda: "DATA" in mail.said)
        os.kill(killed := school.interface(), signal.SIGKILL)
        assert not mail.mails
        del mail.answers["DATA"]
        wait_until(lambda: mail.mails, seconds=40)
        assert school.interface() != killed
        assert addressed(mail) == [("it@school.example.test", WAITS)]


def test_a_server_that_hangs_keeps_nobody_from_stopping(school: School) -> None:
    school.write_site()
    with school.mail_server() as mail:
        mail.answers["DATA"] = ""
        school.start()
        with school.staff.client("tess") as tess:
            school.ask(tess)
        wait_until(lambda: "DATA" in mail.said)
        school.gateway.stop()
    with read_only(school.staff.state) as database:
        kinds = [kind for (kind,) in database.execute("SELECT kind FROM audit ORDER BY number")]
        (waiting,) = database.execute("SELECT count(*) FROM notifications WHERE done_at IS NULL").fetchone()
    # Who does not stop in time is killed, and leaves no such row.
    assert "api_stopped" in kinds
    assert waiting == 1
    assert "notices_" not in school.gateway.log.read_text()


def test_it_can_be_tried_and_a_reload_says_to_whom_from_then_on(school: School) -> None:
    school.write_site()
    with school.mail_server() as mail:
        school.start()
        school.staff.remember("nora")
        tried = school.staff.run("nora", "notify", "test")
        assert (tried.returncode, tried.stderr) == (0, "")
        assert re.findall(r"(mail|board) +(\w+) +1", tried.stdout) == [("mail", "sent"), ("board", "sent")]
        assert addressed(mail) == [("it@school.example.test", TRIED)]
        school.gateway.change("it@school.example.test", "help-desk@school.example.test")
        assert school.gateway.run("reload").returncode == 0
        assert school.staff.run("nora", "notify", "test").returncode == 0
        assert ("help-desk@school.example.test", TRIED) in addressed(mail)
        wait_until(lambda: ("head@school.example.test", CHANGED) in addressed(mail))
        status = school.staff.run("nora", "notify", "status")
        assert (status.returncode, "school.example.test" in status.stdout) == (0, False)
    for path in (school.gateway.folder / "runtime").iterdir():
        if path.is_file() and path.name != "site-in-force.yaml":
            assert b"school.example.test" not in path.read_bytes(), path.name
    assert "school.example.test" not in school.gateway.log.read_text()
