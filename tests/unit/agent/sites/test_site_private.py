"""What a site says of people: whom to tell, how, and every fault at its place without what was written."""

from pathlib import Path

import pytest

from agent.sites.config import parse_private, parse_site
from agent.sites.site import MailSettings, NoticeKind, NotificationSettings, Private, WebhookSettings
from rules.errors import ConfigurationError

BASE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {all: {audience: pupil, cidrs: 10.1.0.0/16}}
"""
MAIL = "notifications: {mail: {host: mail.example.test, sender: gate@example.test, %s}}"
TOLD = "recipients: {roles: {head_teacher: head@example.test}}"
HOOK = "notifications: {webhooks: {chat: {%s}}}"


def read(part: str, folder: Path) -> NotificationSettings:
    return parse_site(BASE + part, path=folder / "site.yaml").site.private.notifications


def notices(part: str, folder: Path) -> list[str]:
    found = parse_site(BASE + part, path=folder / "site.yaml").warnings
    return [str(each) for each in found if each.where.startswith("site.yaml:4")]


def problem(part: str, folder: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse_site(BASE + part, path=folder / "site.yaml")
    (found,) = caught.value.problems
    return str(found)


def test_without_the_part_nobody_is_told(tmp_path: Path) -> None:
    assert read("", tmp_path) == NotificationSettings(None, (), 4 * 3600)
    assert read("notifications:", tmp_path) == NotificationSettings()


def test_the_whole_of_it(tmp_path: Path) -> None:
    text = """notifications:
  mail:
    host: mail.example.test
    port: 2525
    sender: gate@example.test
    username: gate
    password_file: secrets/mail
    ca_file: /etc/ssl/ours.pem
    recipients:
      roles:
        head_teacher: [head@example.test, deputy@example.test, head@example.test]
      people: {ada: ada@example.test}
  webhooks:
    chat: {url: "https://chat.example.test:8443/hooks/1?x=2", secret_file: chat, events: [test, override_waits]}
    board: {url: "https://board.example.test", secret_file: /board}
  escalate_after: 90 min
"""
    assert read(text, tmp_path) == NotificationSettings(
        mail=MailSettings(
            host="mail.example.test",
            sender="gate@example.test",
            port=2525,
            username="gate",
            password_file=str(tmp_path / "secrets/mail"),
            ca_file="/etc/ssl/ours.pem",
            by_role={"head_teacher": ("head@example.test", "deputy@example.test")},
            by_person={"ada": ("ada@example.test",)},
        ),
        webhooks=(
            WebhookSettings(
                "chat",
                "https://chat.example.test:8443/hooks/1?x=2",
                str(tmp_path / "chat"),
                frozenset({NoticeKind.TEST, NoticeKind.OVERRIDE_WAITS}),
            ),
            WebhookSettings("board", "https://board.example.test", "/board"),
        ),
        escalate_after_seconds=5400,
    )


def test_addresses_and_paths_do_not_show_where_settings_are_printed(tmp_path: Path) -> None:
    mail = read(MAIL % TOLD, tmp_path)
    hook = read(HOOK % 'url: "https://chat.example.test/t024", secret_file: chat', tmp_path)
    assert "head@" not in repr(mail)
    assert "t024" not in repr(hook)


@pytest.mark.parametrize(
    ("part", "at", "expected"),
    [
        pytest.param(
            MAIL % "port: 0", "0}}", "notifications.mail.port: found '0'; expected at least 1", id="no-port"
        ),
        pytest.param(
            MAIL % "username: gate",
            "username",
            "notifications.mail.username: found username alone; expected password_file beside it",
            id="a-name-without-a-password",
        ),
        pytest.param(
            MAIL % "password_file: x",
            "password_file",
            "notifications.mail.password_file: found password_file alone; expected username beside it",
            id="a-password-without-a-name",
        ),
        pytest.param(
            MAIL % "recipients: {roles: {headteacher: head@example.test}}",
            "headteacher",
            "notifications.mail.recipients.roles.headteacher: found 'headteacher'; expected head_teacher",
            id="a-role-that-there-is-not",
        ),
        pytest.param(
            MAIL % "recipients: {people: {p1: [a@example.test, b.example.test]}}",
            "b.example",
            "notifications.mail.recipients.people.p1[1]: found no mail address;"
            " expected a mail address such as ict@example.test, alone",
            id="no-address",
        ),
        pytest.param(
            MAIL % "recipients: {people: {p1: Ada <ada@example.test>}}",
            "Ada",
            "notifications.mail.recipients.people.p1[0]: found no mail address;"
            " expected a mail address such as ict@example.test, alone",
            id="an-address-with-a-name",
        ),
        pytest.param(
            MAIL % "recipients: ada@example.test",
            "ada",
            "notifications.mail.recipients: found a mail address; expected a mapping (key: value)",
            id="an-address-where-a-mapping-is-meant",
        ),
        pytest.param(
            MAIL % "ada@example.test: 1",
            "mail:",
            "notifications.mail: found the unknown key a mail address; expected one of host, sender, port, username,"
            " password_file, ca_file, recipients",
            id="an-address-as-a-key",
        ),
        pytest.param(
            MAIL % "recipients: {people: {ada@example.test: no}}",
            "{ada",
            "notifications.mail.recipients.people: found no mail address;"
            " expected a mail address such as ict@example.test, alone",
            id="an-address-as-an-id",
        ),
        pytest.param(
            HOOK % 'url: "http://chat.example.test/t024", secret_file: chat',
            '"http',
            "notifications.webhooks.chat.url: found an address with http://;"
            " expected an address such as https://hooks.example.test/schoolgate",
            id="not-encrypted",
        ),
        pytest.param(
            HOOK % "url: https://chat.example.test/t024",
            "chat",
            "notifications.webhooks.chat: found no secret_file; expected the key secret_file",
            id="without-a-secret",
        ),
        pytest.param(
            HOOK % "url: https://chat.example.test/, secret_file: chat, events: [override_wait]",
            "override_wait",
            "notifications.webhooks.chat.events[0]: found 'override_wait'; expected override_waits",
            id="an-event-that-there-is-not",
        ),
        pytest.param(
            "notifications: {escalate_after: 0 s}",
            "0 s",
            "notifications.escalate_after: found '0 s'; expected at least 1 s",
            id="no-time-to-decide",
        ),
    ],
)
def test_a_fault_is_told_at_its_place(tmp_path: Path, part: str, at: str, expected: str) -> None:
    assert problem(part, tmp_path) == f"site.yaml:4:{part.index(at) + 1}: {expected}"


def test_what_is_not_there_yet_is_a_notice(tmp_path: Path) -> None:
    part = MAIL % f"username: gate, password_file: pw, ca_file: ca.pem, {TOLD}"
    password, certificate = notices(part, tmp_path)
    assert password == (
        f"site.yaml:4:{part.index('password_file') + 1}: {tmp_path}/pw cannot be looked at"
        " (no such file or directory); notices wait until it can be read"
    )
    where = f"site.yaml:4:{part.index('ca_file') + 1}"
    assert certificate == f"{where}: {tmp_path}/ca.pem does not exist; notices wait until it does"


@pytest.mark.parametrize(("mode", "is_told"), [(0o600, False), (0o640, False), (0o644, True), (0o604, True)])
def test_a_secret_that_everybody_can_read_is_a_notice(tmp_path: Path, mode: int, *, is_told: bool) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(mode)
    for part in (
        MAIL % f"username: gate, password_file: secret, {TOLD}",
        HOOK % "url: https://chat.example.test/, secret_file: secret",
    ):
        found = notices(part, tmp_path)
        assert len(found) == is_told
        assert all(
            f"everybody on this machine can read {secret}; `chmod o= {secret}` ends that" in each for each in found
        )


def test_mail_to_nobody_is_a_notice(tmp_path: Path) -> None:
    for recipients in ("port: 25", "recipients: {}", "recipients: {roles: }"):
        assert notices(MAIL % recipients, tmp_path) == [
            "site.yaml:4:17: nobody is written to, because there are no recipients"
        ]


def test_a_port_without_starttls_is_a_notice(tmp_path: Path) -> None:
    (found,) = notices(MAIL % f"port: 465, {TOLD}", tmp_path)
    assert found.endswith("most servers expect no STARTTLS on port 465; 587 is usual")


def test_what_is_said_of_people_is_read_whatever_has_become_of_the_rest(tmp_path: Path) -> None:
    text = BASE + "lists: {gone: {source: lists/gone.txt, category: games}}\n" + MAIL % TOLD
    with pytest.raises(ConfigurationError, match="does not exist"):
        parse_site(text, path=tmp_path / "site.yaml")
    private = parse_private(text, path=tmp_path / "site.yaml")
    assert private == Private(notifications=read(MAIL % TOLD, tmp_path))


def test_a_text_with_faults_says_nothing_of_people(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        parse_private(BASE + MAIL % "port: x", path=tmp_path / "site.yaml")
