"""Notices to a program by HTTPS, signed so that it knows who speaks, and when.

The signature covers the id, the moment of the attempt and the body: a receiver that refuses what is older than some
minutes, and an id that it has seen, cannot be told the same thing twice by somebody who listened.
Source: Standard Webhooks 1.0.0, "Signature scheme" and "Webhook headers".
"""

import asyncio
import base64
import binascii
import hmac
import json
import secrets
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import httpx

from agent.notices.notify import DeliveryError, Queued
from agent.sites.site import WebhookSettings

STEP_SECONDS: Final = 10.0
EXCHANGE_SECONDS: Final = 30.0
KEY_PREFIX: Final = "whsec_"
MIN_KEY_OCTETS: Final = 24
_KEY_OCTETS: Final = 32
# What these say about one notice they would say about the next.
_CONCERN_ALL: Final = frozenset(
    {
        httpx.codes.UNAUTHORIZED,
        httpx.codes.FORBIDDEN,
        httpx.codes.NOT_FOUND,
        httpx.codes.METHOD_NOT_ALLOWED,
        httpx.codes.REQUEST_TIMEOUT,
        httpx.codes.TOO_MANY_REQUESTS,
    }
)


class WebhookChannel:
    """Sends notices to the webhooks of a site; the target of a notice is the name of one.

    Args:
        webhooks: those of the site.
        clock: aware UTC.
        trust: which certificates count, where not those of the system and of each `ca_file`.
        exchange_seconds: how long one attempt may take altogether.
    """

    is_shared = False

    def __init__(
        self,
        webhooks: Iterable[WebhookSettings],
        *,
        clock: Callable[[], datetime],
        trust: ssl.SSLContext | None = None,
        exchange_seconds: float = EXCHANGE_SECONDS,
    ) -> None:
        self._webhooks = {webhook.name: webhook for webhook in webhooks}
        self._clock = clock
        self._trust = trust
        self._exchange_seconds = exchange_seconds

    def deliver(self, queued: Queued) -> None:
        """Hand a notice to its webhook.

        Raises:
            DeliveryError: it was not taken.
        """
        webhook = self._webhooks.get(queued.target)
        if webhook is None:
            raise DeliveryError("No webhook of this name is set up any more.", is_lasting=True)
        key = read_key(Path(webhook.secret_file))
        body = body_of(queued)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "schoolgate",
            **signed_headers(key, queued.id, body, at=self._clock()),
        }
        with _told_plainly(webhook):
            status = asyncio.run(self._post(webhook, body, headers))
        if not httpx.codes.is_success(status):
            raise _status_fault(webhook, status)

    async def _post(self, webhook: WebhookSettings, body: bytes, headers: Mapping[str, str]) -> int:
        """Give the status of the response; its body is not read, and nobody sends us elsewhere."""
        url = httpx.URL(webhook.url)
        if url.scheme != "https" or not url.host:
            raise DeliveryError(f"The address of webhook {webhook.name!r} is none with https://.", concerns_all=True)
        async with (
            asyncio.timeout(self._exchange_seconds),
            httpx.AsyncClient(verify=self._context(webhook), timeout=STEP_SECONDS) as client,
            client.stream("POST", url, content=body, headers=headers, follow_redirects=False) as response,
        ):
            return response.status_code

    def _context(self, webhook: WebhookSettings) -> ssl.SSLContext:
        if self._trust is not None:
            return self._trust
        context = ssl.create_default_context()
        if webhook.ca_file is not None:
            try:
                context.load_verify_locations(webhook.ca_file)
            except OSError as error:
                raise DeliveryError(
                    f"{webhook.ca_file}: the authority of webhook {webhook.name!r} could not be read.",
                    concerns_all=True,
                ) from error
        return context


def body_of(queued: Queued) -> bytes:
    """Write a notice for a program: `type`, `timestamp` (when it was queued) and `data`."""
    notice = queued.notice
    data = {**notice.facts, "subject": notice.subject, "text": notice.text}
    return json.dumps({"type": notice.event, "timestamp": queued.at.isoformat(), "data": data}).encode()


def signed_headers(key: bytes, notice_id: str, body: bytes, *, at: datetime) -> dict[str, str]:
    """Sign a body for one attempt: HMAC-SHA-256 over "id.seconds.body", in base64."""
    seconds = str(int(at.timestamp()))
    signature = hmac.digest(key, b".".join((notice_id.encode(), seconds.encode(), body)), "sha256")
    return {
        "webhook-id": notice_id,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


def new_secret() -> str:
    """Make the secret that both sides of a webhook keep."""
    return KEY_PREFIX + base64.b64encode(secrets.token_bytes(_KEY_OCTETS)).decode()


def read_key(path: Path) -> bytes:
    """Read the key that signs.

    Raises:
        DeliveryError: the file cannot be read or holds no secret of a webhook.
    """
    try:
        written = path.read_text(encoding="ascii").strip()
        key = base64.b64decode(written.removeprefix(KEY_PREFIX), validate=True)
    except OSError as error:
        raise DeliveryError(
            f"{path}: the secret of the webhook could not be read ({error.strerror}).", concerns_all=True
        ) from None
    except (UnicodeDecodeError, binascii.Error):
        # Not chained: what cannot be decoded would stand in the error.
        written, key = "", b""
    if not written.startswith(KEY_PREFIX) or len(key) < MIN_KEY_OCTETS:
        raise DeliveryError(
            f"{path}: holds no secret of a webhook; expected {KEY_PREFIX} and the base64 of at least"
            f" {MIN_KEY_OCTETS} octets.",
            concerns_all=True,
        )
    return key


@contextmanager
def _told_plainly(webhook: WebhookSettings) -> Iterator[None]:
    """Turn what httpx raises into ours, without the address, whose path may be a secret."""
    name = repr(webhook.name)
    try:
        yield
    except (TimeoutError, httpx.TimeoutException):
        raise DeliveryError(f"Webhook {name} took too long.", concerns_all=True) from None
    except httpx.InvalidURL:
        raise DeliveryError(f"The address of webhook {name} is none.", concerns_all=True) from None
    except (httpx.HTTPError, OSError) as error:
        if (why := _certificate_fault(error)) is not None:
            raise DeliveryError(
                f"The certificate of webhook {name} is not valid ({why}).", concerns_all=True
            ) from None
        raise DeliveryError(f"Webhook {name} could not be reached.", concerns_all=True) from None


def _certificate_fault(error: BaseException | None) -> str | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        error = error.__cause__ or error.__context__
    return None


def _status_fault(webhook: WebhookSettings, status: int) -> DeliveryError:
    """Judge a refusal: gone is for ever, a fault of theirs or of our settings may pass, the rest is this notice."""
    concerns_all = status in _CONCERN_ALL or not 400 <= status < 500
    return DeliveryError(
        f"Webhook {webhook.name!r} answered with status {status}; expected 2xx.",
        is_lasting=status == httpx.codes.GONE,
        concerns_all=concerns_all,
    )
