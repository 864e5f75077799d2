"""What a site says for the interface alone, checked: who is told what, who is who, and how incidents are dealt with.

It may hold addresses, so no fault repeats what was written.
"""

from pathlib import Path
from typing import Final

from agent.people.site_people import build_classes, build_people
from agent.sites.findings import Findings
from agent.sites.site import MailSettings, NotificationSettings, Private, WebhookSettings
from agent.sites.site_assessment import build_assessment
from agent.sites.site_endpoints import build_endpoints
from agent.sites.site_incidents import build_incidents
from agent.sites.site_media import build_media
from agent.sites.written_site import WrittenMail, WrittenNotifications, WrittenSite, WrittenWebhook
from rules import document

_READ_BY_OTHERS: Final = 0o004
# RFC 8314, section 3.3.
_TLS_FROM_THE_START: Final = 465


def build_private(written: WrittenSite, findings: Findings, *, folder: Path) -> Private:
    """Check what a site says for the interface alone; `folder` is the base of relative paths."""
    return Private(
        notifications=_build_notifications(written.notifications, findings, folder),
        people=build_people(written, findings),
        classes=build_classes(written, findings),
        incidents=build_incidents(written, findings),
        assessment=build_assessment(written, findings),
        endpoints=build_endpoints(written, findings),
        media=build_media(written, findings),
    )


def _build_notifications(
    written: WrittenNotifications | None, findings: Findings, folder: Path
) -> NotificationSettings:
    if written is None:
        return NotificationSettings()
    after = written.escalate_after_seconds
    return NotificationSettings(
        mail=None if written.mail is None else _build_mail(written.mail, findings, folder),
        webhooks=tuple(_build_webhook(name, each, findings, folder) for name, each in written.webhooks.items()),
        **({} if after is None else {"escalate_after_seconds": after}),
    )


def _build_mail(written: WrittenMail, findings: Findings, folder: Path) -> MailSettings:
    path: document.Path = ("notifications", "mail")
    if (written.username is None) != (written.password_file is None):
        found, missing = "username", "password_file"
        if written.username is None:
            found, missing = missing, found
        findings.problem((*path, found), f"{found} alone", f"{missing} beside it", at_key=True)
    if written.port == _TLS_FROM_THE_START:
        findings.notice((*path, "port"), f"most servers expect no STARTTLS on port {written.port}; 587 is usual")
    recipients = written.recipients
    if recipients is None or not (recipients.roles or recipients.people):
        findings.notice(path, "nobody is written to, because there are no recipients")
    given = written.given()
    by_role = recipients.roles if recipients else {}
    by_person = recipients.people if recipients else {}
    return MailSettings(
        host=written.host,
        sender=written.sender,
        **{key: given[key] for key in ("port", "username") if key in given},
        password_file=_secret((*path, "password_file"), written.password_file, findings, folder),
        ca_file=_certificate((*path, "ca_file"), written.ca_file, findings, folder),
        by_role={role.value: tuple(dict.fromkeys(addresses)) for role, addresses in by_role.items()},
        by_person={person: tuple(dict.fromkeys(addresses)) for person, addresses in by_person.items()},
    )


def _build_webhook(name: str, written: WrittenWebhook, findings: Findings, folder: Path) -> WebhookSettings:
    path: document.Path = ("notifications", "webhooks", name)
    return WebhookSettings(
        name=name,
        url=written.url,
        secret_file=_secret((*path, "secret_file"), written.secret_file, findings, folder) or "",
        events=frozenset(written.events or ()),
        ca_file=_certificate((*path, "ca_file"), written.ca_file, findings, folder),
    )


def _secret(path: document.Path, written: str | None, findings: Findings, folder: Path) -> str | None:
    """Give where a secret stands; a notice waits for it, so that it is not there yet is no fault of the site."""
    if written is None:
        return None
    file = folder / written
    try:
        mode = file.stat().st_mode
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        findings.notice(path, f"{file} cannot be looked at ({why}); notices wait until it can be read")
    else:
        if mode & _READ_BY_OTHERS:
            findings.notice(path, f"everybody on this machine can read {file}; `chmod o= {file}` ends that")
    return str(file)


def _certificate(path: document.Path, written: str | None, findings: Findings, folder: Path) -> str | None:
    if written is None:
        return None
    file = folder / written
    if not file.exists():
        findings.notice(path, f"{file} does not exist; notices wait until it does")
    return str(file)
