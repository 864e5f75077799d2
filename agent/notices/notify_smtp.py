"""Notices by mail: one message, one conversation with the school's mail server, encrypted or not at all.

Source: RFC 5321 (SMTP), RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 3834 section 5 (Auto-Submitted).
"""

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Final

from agent.notices.notify import DeliveryError, Queued
from agent.sites.site import MailSettings
from agent.sites.written_values import MAIL_ADDRESS

# For one step of the conversation, and for all of it however slowly the server talks.
STEP_SECONDS: Final = 10.0
CONVERSATION_SECONDS: Final = 30.0

# RFC 5321, section 4.1.3: who has no name says an address; the machine's name is nobody's business.
_OWN_NAME: Final = "[127.0.0.1]"
_NOT_ALLOWED: Final = frozenset({530, 534, 535, 538})


class SmtpChannel:
    """Sends notices through one mail server.

    Args:
        settings: the server and who is known to it.
        clock: aware UTC.
        trust: which certificates count, where not those of the system and of `settings.ca_file`.
        step_seconds: how long the server may be silent.
        conversation_seconds: how long it may take altogether.
    """

    is_shared = True

    def __init__(
        self,
        settings: MailSettings,
        *,
        clock: Callable[[], datetime],
        trust: ssl.SSLContext | None = None,
        step_seconds: float = STEP_SECONDS,
        conversation_seconds: float = CONVERSATION_SECONDS,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._trust = trust
        self._step_seconds = step_seconds
        self._conversation_seconds = conversation_seconds

    def deliver(self, queued: Queued) -> None:
        """Hand a message to the mail server.

        Raises:
            DeliveryError: it was not taken.
        """
        if not MAIL_ADDRESS.fullmatch(queued.target):
            raise DeliveryError("The recipient is no mail address that a server takes.", is_lasting=True)
        message = compose(queued, sender=self._settings.sender, now=self._clock())
        with _told_plainly():
            password, trust = self._password(), self._context()
            with closing(self._connect()) as client:
                client.ehlo()
                client.starttls(context=trust)
                client.ehlo()
                if self._settings.username:
                    client.login(self._settings.username, password)
                client.send_message(message, self._settings.sender, [queued.target])
                # The message is theirs now, whatever becomes of the good-bye.
                with suppress(smtplib.SMTPException, OSError):
                    client.quit()

    def _connect(self) -> "_Client":
        return _Client(self._settings.host, self._settings.port, self._step_seconds, self._conversation_seconds)

    def _context(self) -> ssl.SSLContext:
        if self._trust is not None:
            return self._trust
        context = ssl.create_default_context()
        if self._settings.ca_file is not None:
            try:
                context.load_verify_locations(self._settings.ca_file)
            except OSError as error:
                raise DeliveryError(
                    f"{self._settings.ca_file}: the certificate of the mail server's authority could not be read.",
                    concerns_all=True,
                ) from error
        return context

    def _password(self) -> str:
        if self._settings.password_file is None:
            return ""
        path = Path(self._settings.password_file)
        try:
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            # Not chained: what cannot be decoded would stand in the error.
            raise DeliveryError(
                f"{path}: the password for the mail server could not be read.", concerns_all=True
            ) from None


def compose(queued: Queued, *, sender: str, now: datetime) -> EmailMessage:
    """Make the message; the same notice has the same Message-ID each time, so a second copy is known as one."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = queued.target
    message["Subject"] = queued.notice.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{queued.id}@{sender.rpartition('@')[2]}>"
    # Holiday notices do not answer it.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(queued.notice.text, cte="quoted-printable")
    return message


class _Client(smtplib.SMTP):
    """A conversation that is cut off when it has taken too long."""

    def __init__(self, host: str, port: int, step_seconds: float, conversation_seconds: float) -> None:
        self._watch = threading.Timer(conversation_seconds, self._cut)
        self._watch.daemon = True
        self._line: socket.socket | None = None
        try:
            super().__init__(host, port, local_hostname=_OWN_NAME, timeout=step_seconds)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._watch.cancel()
        super().close()
        if self._line is not None:
            self._line.close()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        # smtplib's own seam, as SMTP_SSL uses it. A copy of the line can be cut also while TLS is set up.
        made = socket.create_connection((host, port), timeout)
        self._line = made.dup()
        self._watch.start()
        return made

    def _cut(self) -> None:
        if self._line is not None:
            with suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Turn what smtplib raises into ours, with the server's codes and without its words, which may hold addresses."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code = next(iter(error.recipients.values()))[0]
        raise _answered(code, "the recipient", is_lasting=code >= 500) from None
    except smtplib.SMTPAuthenticationError as error:
        raise _answered(error.smtp_code, "our name and password", concerns_all=True) from None
    except smtplib.SMTPDataError as error:
        if error.smtp_code in _NOT_ALLOWED:
            raise _answered(error.smtp_code, "us", concerns_all=True) from None
        raise _answered(error.smtp_code, "the message", is_lasting=error.smtp_code >= 500) from None
    except smtplib.SMTPResponseException as error:
        raise _answered(error.smtp_code, "us", concerns_all=True) from None
    except smtplib.SMTPNotSupportedError:
        raise DeliveryError(
            "The mail server does not offer STARTTLS, or no way to sign in that we know.", concerns_all=True
        ) from None
    except smtplib.SMTPException:
        raise DeliveryError("The mail server ended the conversation early.", concerns_all=True) from None
    except ssl.SSLCertVerificationError as error:
        raise DeliveryError(
            f"The certificate of the mail server is not valid ({error.verify_message}).", concerns_all=True
        ) from None
    except UnicodeError:
        raise DeliveryError(
            "The name or password for the mail server holds letters beyond ASCII.", concerns_all=True
        ) from None
    except OSError as error:
        why = "it took too long" if isinstance(error, TimeoutError) else error.strerror or "the network failed"
        raise DeliveryError(f"The mail server could not be reached: {why}.", concerns_all=True) from None


def _answered(code: int, about: str, *, is_lasting: bool = False, concerns_all: bool = False) -> DeliveryError:
    text = f"The mail server did not take {about} (code {code})."
    return DeliveryError(text, is_lasting=is_lasting, concerns_all=concerns_all)
