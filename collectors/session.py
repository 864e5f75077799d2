"""Who is signed in to this computer, since when, and at which address: so that a name stands behind a device.

An account is what the system calls it; who that is the gateway knows. How sure it is, is said in its own letters.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import psutil

from collectors.machine import Machine
from collectors.observed import JSON, Observed, Priority
from collectors.posture import bounded
from rules.observation import Confidence

_SECONDS: Final = 5.0
_MOST_SESSIONS: Final = 20
# The screen before anybody has signed in, and accounts of the systems themselves.
_NOBODY: Final = frozenset({"", "gdm", "gdm-greeter", "sddm", "lightdm", "root", "loginwindow", "_mbsetupuser"})
_PERSONS_CLASSES: Final = frozenset({"user", "user-light", "user-early", "user-early-light", ""})
_ENDED: Final = frozenset({"closing"})
# What the records of sessions call this computer itself.
_HERE: Final = frozenset({"", "localhost", "0.0.0.0"})


@dataclass(frozen=True, slots=True, order=True)
class Session:
    """One person's session.

    Args:
        since: seconds since 1970; None where the system does not say.
        is_local: whether it is at this computer's own screen and keys.
        is_active: whether it is the one in front, where several wait at one screen.
    """

    account: str
    since: float | None
    is_local: bool
    is_active: bool


class SessionLook:
    """Who is signed in, told when it changes.

    Args:
        read: reads the sessions of this system.
        addresses: the own addresses by which this computer reaches the gateway.
        shared_accounts: those that several people use.
    """

    def __init__(
        self,
        read: Callable[[], Iterable[Session]],
        addresses: Callable[[], Iterable[str]],
        *,
        shared_accounts: Collection[str] = (),
    ) -> None:
        self._read = read
        self._addresses = addresses
        self._shared = frozenset(account.lower() for account in shared_accounts)
        self._told: tuple[object, ...] | None = None

    def look(self) -> tuple[Observed, ...]:
        """Look once; empty where nothing has changed."""
        sessions = tuple(sorted(self._read(), key=lambda each: (each.account, each.since or 0.0, each.is_local)))
        addresses = tuple(sorted(set(self._addresses())))
        now = (sessions, addresses)
        if now == self._told:
            return ()
        self._told = now
        return (self._observe(sessions, addresses),)

    def _observe(self, sessions: tuple[Session, ...], addresses: tuple[str, ...]) -> Observed:
        account, confidence, why = who(sessions, self._shared)
        facts: dict[str, JSON] = {
            "account": None if account is None else bounded(account),
            "confidence": str(confidence),
            "why": why,
            "addresses": list(addresses[:_MOST_SESSIONS]),
            "sessions": [
                {
                    "account": bounded(each.account),
                    "since": each.since,
                    "local": each.is_local,
                    "active": each.is_active,
                }
                for each in sessions[:_MOST_SESSIONS]
            ],
        }
        return Observed("session", Priority.STATE, facts, key="session")


def who(sessions: Collection[Session], shared_accounts: Collection[str]) -> tuple[str | None, Confidence, str]:
    """Say whose doing it is what this computer does now, how sure that is, and why.

    Returns:
        the account, or None; the confidence; and a code: `signed_in`, `from_afar`, `several`, `shared`, `nobody`.
    """
    accounts = {each.account.lower() for each in sessions}
    if not accounts:
        return None, Confidence.D, "nobody"
    in_front = [each for each in sessions if each.is_local and each.is_active] or list(sessions)
    account = in_front[0].account
    if account.lower() in shared_accounts:
        return account, Confidence.C, "shared"
    if len(accounts) > 1:
        # What the others left running asks for names too.
        only = account if len({each.account.lower() for each in in_front}) == 1 else None
        return only, Confidence.C, "several"
    is_local = any(each.is_local for each in sessions)
    return (account, Confidence.A, "signed_in") if is_local else (account, Confidence.B, "from_afar")


# --- the systems


def read_sessions(machine: Machine) -> tuple[Session, ...]:
    """Read the sessions of this system."""
    if machine.platform == "linux":
        told = tuple(read_logind(machine))
        return told or tuple(_of_psutil())
    if machine.platform == "darwin":
        return tuple(_with_console(machine, _of_psutil()))
    return tuple(_of_psutil())


def read_logind(machine: Machine) -> Iterator[Session]:
    """Read what systemd-logind keeps of each session. Source: systemd, logind-session.c, `session_save`."""
    for name in machine.names("/run/systemd/sessions"):
        session = None if "." in name else parse_logind(machine.word(f"/run/systemd/sessions/{name}") or "")
        if session is not None:
            yield session


def parse_logind(text: str) -> Session | None:
    """Read one session of logind; None where it is no person's, or has ended."""
    values = {key: value for key, _, value in (line.partition("=") for line in text.splitlines())}
    account = values.get("USER", "")
    if account.lower() in _NOBODY or values.get("CLASS", "") not in _PERSONS_CLASSES or values.get("STATE") in _ENDED:
        return None
    return Session(
        account,
        _microseconds(values.get("REALTIME", "")),
        is_local=values.get("REMOTE") != "1"
        and bool(values.get("SEAT") or values.get("DISPLAY") or values.get("TTY")),
        is_active=values.get("ACTIVE") == "1",
    )


def _microseconds(text: str) -> float | None:
    return int(text) / 1e6 if text.isascii() and text.isdecimal() and len(text) < 20 else None


def _of_psutil() -> Iterator[Session]:
    """Read what utmp, utmpx or the terminal services say."""
    for user in psutil.users():
        if user.name.lower() not in _NOBODY:
            host = user.host or ""
            is_local = host in _HERE or host.startswith(":")
            yield Session(user.name, user.started or None, is_local=is_local, is_active=is_local)


def _with_console(machine: Machine, sessions: Iterable[Session]) -> Iterator[Session]:
    """Say which of several people has the screen of a Mac: who owns its console."""
    said = machine.run(("/usr/bin/stat", "-f", "%Su", "/dev/console"), _SECONDS)
    owner = said.text.strip() if said.is_good else ""
    for each in sessions:
        is_active = each.is_local and (not owner or each.account == owner)
        yield replace(each, is_active=is_active)
