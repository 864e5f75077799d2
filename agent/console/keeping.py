"""What goes through a browser and back by seals of this gateway: whose a form was, and what was done just now.

What was typed into a form whose session ended is kept in the page for who typed it: nobody else can read it there.
"""

import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography.fernet import Fernet, InvalidToken

from agent.console.page_needs import MAX_FORM_BYTES
from agent.texts import Texts

# JSON writes a form of many short fields at most so much longer.
MAX_KEPT_OCTETS: Final = 4 * MAX_FORM_BYTES
# Sealed it is a third longer.
MAX_SEALED_CHARACTERS: Final = 6 * MAX_FORM_BYTES
# As long as it is known what a form did, so that it is not done a second time.
KEPT_FOR: Final = timedelta(hours=1)
# What was done is told on the page where it leads, the first time that it is loaded, or not at all after so long.
TOLD_FOR: Final = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a form held whose session had ended when it was sent.

    Args:
        path: where it goes.
        number: that of the form; what it did is not done again.
        about: what it is, as the form told it.
        fields: what was typed, chosen and hidden; never a secret.
        at: when it was sent.
    """

    path: str
    number: str
    about: str
    fields: Sequence[tuple[str, str]]
    at: datetime

    def is_over(self, now: datetime) -> bool:
        """Say whether it is too old to be sent."""
        return now >= self.at + KEPT_FOR


@dataclass(frozen=True, slots=True)
class Keeper:
    """Says for whom a form was made and what was kept of one, by seals that this gateway alone can make and open.

    Args:
        key: that of the gateway; without one, a restart loses what was kept.
    """

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def proof(self, csrf: str, person: str) -> str:
        """Give what a form sends back: that it is ours, and for whom it was made."""
        return f"{csrf}.{person}.{self._mac('form', csrf, person)}"

    def whose(self, proof: str) -> str:
        """Give the id of whom a form was made for, also once their session is over; nothing if nobody can be told."""
        csrf, _, rest = proof.partition(".")
        person, _, mac = rest.rpartition(".")
        return person if person and _same(mac, self._mac("form", csrf, person)) else ""

    def sealed(self, kept: Kept, *, person: str) -> str:
        """Give what nobody can read but this gateway, for who typed it; nothing where it is too long."""
        parts = (person, kept.path, kept.number, kept.about, list(kept.fields))
        written = json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()
        if len(written) > MAX_KEPT_OCTETS:
            return ""
        return self._cipher.encrypt_at_time(written, int(kept.at.timestamp())).decode()

    def opened(self, sealed: str, *, person: str) -> Kept | None:
        """Give what was kept to who typed it, also what is over; None for everybody else."""
        if len(sealed) > MAX_SEALED_CHARACTERS:
            return None
        try:
            token = sealed.encode()
            written, seconds = self._cipher.decrypt(token), self._cipher.extract_timestamp(token)
        except InvalidToken:
            return None
        whose, path, number, about, fields = json.loads(written)
        typed = [(str(name), str(value)) for name, value in fields]
        return Kept(path, number, about, typed, datetime.fromtimestamp(seconds, UTC)) if whose == person else None

    def slip(self, session: str, path: str, query: Mapping[str, str], *, at: datetime) -> str:
        """Give what lets an address say, in one session, what was done just now."""
        seconds, asked = str(int(at.timestamp())), json.dumps(dict(query), sort_keys=True)
        return f"{seconds}.{self._mac('told', session, path, asked, seconds)}"

    def is_slip(self, slip: str, session: str, path: str, query: Mapping[str, str], *, now: datetime) -> bool:
        """Say whether an address may say what it says was done."""
        seconds = slip.partition(".")[0]
        if len(seconds) > 10 or not (seconds.isascii() and seconds.isdigit()):
            return False
        at = datetime.fromtimestamp(int(seconds), UTC)
        return now < at + TOLD_FOR and _same(slip, self.slip(session, path, query, at=at))

    @property
    def _cipher(self) -> Fernet:
        return Fernet(urlsafe_b64encode(hmac.digest(self.key, b"kept", "sha256")))

    def _mac(self, *parts: str) -> str:
        return hmac.digest(self.key, json.dumps(parts).encode(), "sha256").hex()


def proof_of_page(shown: str) -> str:
    """Give the part of what a form sent that the session knows."""
    return shown.partition(".")[0]


def told_again(kept: Iterable[tuple[str, str]], texts: Texts) -> list[tuple[str, str]]:
    """Give what somebody wrote in words of the page; what a form chose or hid goes with it unshown."""
    _ = texts.gettext
    labels = {
        "reason": _("Reason"),
        "why": _("Why"),
        "purpose": _("What it is for"),
        "names": _("Names"),
        "name": _("Name"),
        "login": _("Name to sign in with"),
        "topic": _("Subject or topic"),
        "how": _("How it was done"),
        "outcome": _("What came of it"),
        "lesson": _("What the school learnt"),
        "remark": _("What you found"),
        "words": _("In your words"),
        "from_at": _("Begins"),
        "until_at": _("Ends"),
    }
    written = ((name, value) for name, value in kept if value.strip())
    return [
        (labels.get(name) or _("What you wrote"), value)
        for name, value in written
        if name in labels or len(value.split()) > 1
    ]


def _same(shown: str, known: str) -> bool:
    return hmac.compare_digest(shown.encode(), known.encode())
