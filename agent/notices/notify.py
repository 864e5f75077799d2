"""Notices: queued in the transaction of the act that they tell of, sent later by a thread that nobody waits for.

A notice is on the disk when its act is, so neither a crash nor a mail server that is down loses one. It is sent at
least once: whoever receives it knows a second copy by its id. What a notice says is kept until it is sent, no longer.
"""

import json
import secrets
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Protocol, TypeAlias

from agent.logs import Log, log
from agent.people.people import Person
from agent.sites.site import MailSettings, NotificationSettings
from agent.storage.state import Act, StateStore, instant_text
from rules.errors import SchoolgateError
from rules.roles import Role

MAIL: Final = "mail"
WEBHOOK: Final = "webhook"
CHANNELS: Final = (MAIL, WEBHOOK)
SendingState: TypeAlias = Literal["waiting", "sent", "given_up"]

FIRST_BACK_OFF: Final = timedelta(seconds=5)
LONGEST_BACK_OFF: Final = timedelta(hours=6)
GIVE_UP_AFTER: Final = timedelta(days=3)
# How long a row is kept after it was settled, without what it said.
KEEP_SETTLED: Final = timedelta(days=7)
MAX_WAITING: Final = 2_000
MAX_WAITING_FOR_TARGET: Final = 200
MAX_SUBJECT_CHARACTERS: Final = 200
MAX_TEXT_CHARACTERS: Final = 4_000
MAX_FACTS_CHARACTERS: Final = 8_000
BATCH: Final = 50
# A notice that was queued is on its way after so long at most; looking is one short query.
POLL_SECONDS: Final = 2.0
CLOSE_SECONDS: Final = 1.0
_QUEUES: Final = """SELECT
    channel, sum(done_at IS NULL), min(CASE WHEN done_at IS NULL THEN at END),
    sum(done_at IS NOT NULL AND fault <> '')
FROM notifications GROUP BY channel"""


@dataclass(frozen=True, slots=True)
class Notice:
    """What somebody is told: the kind of event, one line, some lines, and the same for a program."""

    event: str
    subject: str
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Queued:
    """A notice on its way; `at` is when it was queued, `attempts` how often it was tried in vain."""

    id: str
    at: datetime
    channel: str
    target: str
    notice: Notice
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """How the queue stands; `given_up` counts those of the last days that are still kept."""

    waiting: int
    oldest_at: datetime | None
    given_up: int


@dataclass(frozen=True, slots=True)
class Sending:
    """What became of a notice: `webhook` names the program that it is for, `fault` says why it could not be sent."""

    id: str
    at: datetime
    channel: str
    webhook: str | None
    state: SendingState
    attempts: int
    next_at: datetime | None
    fault: str


class DeliveryError(SchoolgateError):
    """A notice could not be handed over; the text names neither an address nor a secret.

    Args:
        is_lasting: a second attempt would end the same way.
        concerns_all: so would an attempt with any other notice by the same way.
    """

    def __init__(self, text: str, *, is_lasting: bool = False, concerns_all: bool = False) -> None:
        super().__init__(text)
        self.is_lasting = is_lasting
        self.concerns_all = concerns_all


class Channel(Protocol):
    """A way to tell somebody; `is_shared` where all targets are reached by the same server."""

    is_shared: bool

    def deliver(self, queued: Queued) -> None:
        """Hand a notice over, within a bounded time.

        Raises:
            DeliveryError: it was not taken.
        """


# ---- the queue -----------------------------------------------------------------------------------------------------


def new_notice_id() -> str:
    """Make the id of a notice."""
    return secrets.token_hex(8)


def enqueue(
    act: Act, channel: str, target: str, notice: Notice, *, new_id: Callable[[], str] = new_notice_id
) -> str | None:
    """Queue a notice in the transaction of an act; what is too long is cut, so that no act fails for its notice.

    Args:
        act: the act that the notice tells of.
        channel: `mail` or `webhook`.
        target: an address, or the name of a webhook.
        notice: what to say.
        new_id: makes the id of the notice.

    Returns:
        The id of the notice; nothing where the queue is full, which the record then says.
    """
    waiting = _waiting(act.database, channel, target)
    if waiting is not None:
        facts = {"channel": channel, "event": notice.event, "waiting": waiting}
        act.note("notification_dropped", actor="system", facts=facts)
        return None
    notice_id, now = new_id(), instant_text(act.now)
    act.database.execute(
        "INSERT INTO notifications (id, at, channel, target, content, next_at) VALUES (?, ?, ?, ?, ?, ?)",
        (notice_id, now, channel, _plain(target, MAX_SUBJECT_CHARACTERS), _content(notice), now),
    )
    return notice_id


def announce(
    act: Act,
    settings: NotificationSettings,
    notice: Notice,
    *,
    to: Iterable[Person] = (),
    as_roles: Collection[Role] | None = None,
) -> None:
    """Queue a notice for every webhook that wants its event, and for these people by mail, each address once.

    Args:
        as_roles: for a confidential notice, the roles as which people are told: it goes to no webhook, and to the
            address of no other role of theirs, which others may read.
    """
    for webhook in settings.webhooks if as_roles is None else ():
        if not webhook.events or notice.event in webhook.events:
            enqueue(act, WEBHOOK, webhook.name, notice)
    if settings.mail is not None:
        found = (address for person in to for address in addresses_of(settings.mail, person, as_roles))
        for address in dict.fromkeys(found):
            enqueue(act, MAIL, address, notice)


def addresses_of(mail: MailSettings, person: Person, as_roles: Collection[Role] | None = None) -> tuple[str, ...]:
    """Give the addresses at which somebody is told, or none; their own come before those of their roles.

    Their own are by their id here, or as the file calls them that they come from.
    """
    if own := mail.by_person.get(person.id) or mail.by_person.get(person.external_id):
        return own
    roles = person.roles if as_roles is None else person.roles.intersection(as_roles)
    found = (address for role in sorted(roles) for address in mail.by_role.get(role, ()))
    return tuple(dict.fromkeys(found))


def read_queue(database: sqlite3.Connection) -> dict[str, QueueFacts]:
    """Read how the queue of each channel stands."""
    found = dict.fromkeys(CHANNELS, QueueFacts(0, None, 0))
    for channel, waiting, oldest_at, given_up in database.execute(_QUEUES):
        if channel in found:
            oldest = None if oldest_at is None else datetime.fromisoformat(oldest_at)
            found[channel] = QueueFacts(waiting, oldest, given_up)
    return found


def read_sendings(database: sqlite3.Connection, *, limit: int) -> list[Sending]:
    """Read what became of notices, the newest first, without what they say and to whose address."""
    rows = database.execute("SELECT * FROM notifications ORDER BY at DESC, rowid DESC LIMIT ?", (limit,))
    return [
        Sending(
            id=row["id"],
            at=datetime.fromisoformat(row["at"]),
            channel=row["channel"],
            webhook=row["target"] if row["channel"] == WEBHOOK else None,
            state=_state(row),
            attempts=row["attempts"],
            next_at=None if row["done_at"] else datetime.fromisoformat(row["next_at"]),
            fault=row["fault"],
        )
        for row in rows
    ]


def _state(row: sqlite3.Row) -> SendingState:
    if row["done_at"] is None:
        return "waiting"
    return "given_up" if row["fault"] else "sent"


def back_off(attempts: int) -> timedelta:
    """Say how long to wait after this many attempts in vain."""
    return min(FIRST_BACK_OFF * (1 << min(attempts - 1, 16)), LONGEST_BACK_OFF)


def _waiting(database: sqlite3.Connection, channel: str, target: str) -> int | None:
    """Give the length of the queue where it is full, for this target or altogether."""
    total, for_target = database.execute(
        "SELECT count(*), coalesce(sum(channel = ? AND target = ?), 0) FROM notifications WHERE done_at IS NULL",
        (channel, _plain(target, MAX_SUBJECT_CHARACTERS)),
    ).fetchone()
    return int(total) if total >= MAX_WAITING or for_target >= MAX_WAITING_FOR_TARGET else None


def _content(notice: Notice) -> str:
    facts = json.dumps(notice.facts, default=str)
    return json.dumps(
        {
            "event": notice.event,
            "subject": _plain(" ".join(notice.subject.split()), MAX_SUBJECT_CHARACTERS),
            "text": _plain(notice.text, MAX_TEXT_CHARACTERS),
            "facts": notice.facts if len(facts) <= MAX_FACTS_CHARACTERS else {"shortened": True},
        },
        default=str,
    )


def _plain(text: str, longest: int) -> str:
    """Keep what every server takes: whole characters, no control characters but line ends, a bounded length."""
    whole = text.encode("utf-8", "replace").decode()
    shown = "".join(each for each in whole if each.isprintable() or each == "\n")
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def _queued(row: sqlite3.Row) -> Queued:
    at = datetime.fromisoformat(row["at"])
    notice = Notice(**json.loads(row["content"]))
    return Queued(row["id"], at, row["channel"], row["target"], notice, row["attempts"])


# ---- sending -------------------------------------------------------------------------------------------------------


class Sender:
    """Sends what is due, from a thread of its own once it was started.

    No transaction is open while a server is spoken to. Where a server fails, everything that goes by it waits for it.

    Args:
        store: where notices are queued.
        channels: the ways there are at this moment, by `mail` and `webhook`.
        clock: aware UTC.
        poll_seconds: how often to look for what is due.
        journal: where failures are logged, without recipients.
    """

    def __init__(
        self,
        store: StateStore,
        channels: Callable[[], Mapping[str, Channel]],
        *,
        clock: Callable[[], datetime],
        poll_seconds: float = POLL_SECONDS,
        journal: Log = log,
    ) -> None:
        self._store = store
        self._channels = channels
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._log = journal
        self._turn = threading.Lock()
        self._woken = threading.Event()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def wake(self) -> None:
        """Look at once for what is due; returns immediately."""
        self._woken.set()

    def close(self) -> None:
        """Stop after the notice that is on its way; what is left is sent after the next start."""
        self._is_closing = True
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)

    def send_due(self) -> int:
        """Try everything that is due; gives how many notices were handed over.

        Raises:
            StorageError: the queue could not be read or written; what was handed over may be sent again.
        """
        with self._turn:
            sent = 0
            failed: set[tuple[str, str]] = set()
            channels = self._channels()
            while not self._is_closing and (batch := self._due(failed, channels)):
                for queued in batch:
                    way = _way(queued, channels)
                    if self._is_closing or way in failed:
                        continue
                    fault = _try(queued, channels)
                    self._settle(queued, fault, channels)
                    sent += fault is None
                    if fault is not None and fault.concerns_all:
                        failed.add(way)
            return sent

    def _run(self) -> None:
        while not self._is_closing:
            self._woken.clear()
            try:
                self.send_due()
            except SchoolgateError as error:
                # Who is told to stop may find the store closed; what was under way is sent again.
                if not self._is_closing:
                    self._log.warning("notices_wait", reason=str(error))
            except Exception as error:  # noqa: BLE001 (whatever is wrong with one round, the next may do)
                self._log.error("notices_failed", error=type(error).__name__)
            self._woken.wait(0 if self._is_closing else self._poll_seconds)

    def _due(self, failed: set[tuple[str, str]], channels: Mapping[str, Channel]) -> list[Queued]:
        now = self._clock()
        # The second half is for a clock that was set back: nothing waits longer than the longest back-off.
        with self._store.read() as database:
            rows = database.execute(
                "SELECT * FROM notifications WHERE done_at IS NULL AND (next_at <= ? OR next_at > ?)"
                " ORDER BY next_at, at, rowid LIMIT ?",
                (instant_text(now), instant_text(now + LONGEST_BACK_OFF), BATCH),
            ).fetchall()
        return [queued for queued in map(_queued, rows) if _way(queued, channels) not in failed]

    def _settle(self, queued: Queued, fault: DeliveryError | None, channels: Mapping[str, Channel]) -> None:
        """Write down what became of an attempt."""
        with self._store.act() as act:
            attempts = queued.attempts + 1
            if fault is None:
                _finish(act, queued, attempts)
            elif fault.is_lasting or act.now - queued.at >= GIVE_UP_AFTER:
                _finish(act, queued, attempts, str(fault))
            else:
                _postpone(act, queued, attempts, fault, _way(queued, channels))
            act.database.execute(
                "DELETE FROM notifications WHERE done_at < ?", (instant_text(act.now - KEEP_SETTLED),)
            )
        if fault is not None:
            self._log.warning("notice_not_sent", attempt=attempts, reason=str(fault))


def _way(queued: Queued, channels: Mapping[str, Channel]) -> tuple[str, str]:
    """Say what a notice has in common with those that fail when it does; no target stands for all of a channel."""
    channel = channels.get(queued.channel)
    return (queued.channel, "" if channel is not None and channel.is_shared else queued.target)


def _try(queued: Queued, channels: Mapping[str, Channel]) -> DeliveryError | None:
    channel = channels.get(queued.channel)
    if channel is None:
        return DeliveryError(f"No {queued.channel[:40]} is set up any more.", is_lasting=True)
    try:
        channel.deliver(queued)
    except DeliveryError as error:
        return error
    except Exception as error:  # noqa: BLE001 (a notice that nobody can send must not stand before the others)
        return DeliveryError(f"The notice could not be sent ({type(error).__name__}).")
    return None


def _finish(act: Act, queued: Queued, attempts: int, fault: str = "") -> None:
    act.database.execute(
        "UPDATE notifications SET attempts = ?, done_at = ?, fault = ?, content = '' WHERE id = ?",
        (attempts, instant_text(act.now), fault, queued.id),
    )
    if fault:
        facts = {"channel": queued.channel, "event": queued.notice.event, "attempts": attempts, "fault": fault}
        act.note("notification_given_up", actor="system", subject=queued.id, facts=facts)


def _postpone(act: Act, queued: Queued, attempts: int, fault: DeliveryError, way: Sequence[str]) -> None:
    next_at = instant_text(act.now + back_off(attempts))
    act.database.execute(
        "UPDATE notifications SET attempts = ?, next_at = ?, fault = ? WHERE id = ?",
        (attempts, next_at, str(fault), queued.id),
    )
    if fault.concerns_all:
        channel, target = way
        act.database.execute(
            "UPDATE notifications SET next_at = ? WHERE done_at IS NULL AND channel = ? AND (? = '' OR target = ?)"
            " AND next_at < ?",
            (next_at, channel, target, target, next_at),
        )
