"""People at work on a gateway that runs: their accounts, what they type, and what programs ask in their name."""

import base64
import ssl
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from argon2 import PasswordHasher
from conftest import BIN, RunningGateway, free_port, wait_until
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from agent.assembly import STATE_NAME
from agent.commands.client import Client, trust_local
from agent.commands.client_session import save_session, session_path
from agent.people.accounts import Accounts
from agent.people.people import People
from agent.sites.config import load_site
from agent.storage.state import Act, StateStore
from rules.roles import Role

PASSWORD = "quiet otter 47 lamp"  # noqa: S105 (of nobody)
STEP_SECONDS: Final = 30
CHEAP: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
REASON = "We study how adverts for games of chance are made."

# Devices of two classes; every class asks from an address of its own.
YEAR5, ALSO_YEAR5, YEAR6 = "127.0.1.5", "127.0.1.7", "127.0.1.6"
CLASSES: Final = {
    "networks:\n": "networks:\n  classes: {audience: pupil, cidrs: [127.0.1.0/24]}\n",
    "groups:\n": f"groups:\n  year5: {{devices: [{YEAR5}, {ALSO_YEAR5}]}}\n  year6: {{devices: [{YEAR6}]}}\n",
}
# As late as a request may say that it began.
_EARLIER: Final = timedelta(minutes=4, seconds=55)


def lift(*names: str, lasts: timedelta = timedelta(minutes=45), group: str = "year5") -> dict[str, Any]:
    """Write a request that is over so soon; where that is sooner than one may ask for, it began a while ago."""
    now = datetime.now(UTC)
    return {
        "names": list(names),
        "groups": [group],
        "reason": REASON,
        "from_at": (now - _EARLIER).isoformat(),
        "until_at": (now + lasts).isoformat(),
    }


@dataclass
class Staff:
    """Who has an account at a site, by login; whoever types has a home of their own."""

    folder: Path
    people: dict[str, str] = field(default_factory=dict)
    _secrets: dict[str, str] = field(default_factory=dict)
    _steps: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, gateway: RunningGateway, **roles: Role) -> "Staff":
        """Give a gateway that has not started an interface, and people of one role each."""
        gateway.change("listeners: {", f'listeners: {{api: "127.0.0.1:{free_port()}", ')
        staff = cls(gateway.folder)
        with staff._registry() as (people, accounts, act):
            for login, role in roles.items():
                staff._enrol(people, accounts, act, login, (role,))
        return staff

    @property
    def site(self) -> Path:
        return self.folder / "site.yaml"

    @property
    def state(self) -> Path:
        return self.folder / "state" / STATE_NAME

    def enrol(self, login: str, *roles: Role, also: str = "") -> str:
        """Open an account, for a new person or for who has another one; only before the gateway starts."""
        with self._registry() as (people, accounts, act):
            return self._enrol(people, accounts, act, login, roles, also=also)

    @contextmanager
    def _registry(self) -> Iterator[tuple[People, Accounts, Act]]:
        """Give people and accounts within one act; what a password costs is asked for at the first sign-in."""
        with closing(StateStore(self.state, clock=lambda: datetime.now(UTC))) as store, store.act() as act:
            yield People(store), Accounts(store, hasher=CHEAP), act

    def _enrol(
        self, people: People, accounts: Accounts, act: Act, login: str, roles: Iterable[Role], *, also: str = ""
    ) -> str:
        person = self.people[also] if also else people.open(act, login.title(), roles, actor="system").id
        made = accounts.create(act, login, person, PASSWORD, actor="system")
        self.people[login] = person
        self._secrets[login] = made.totp_secret or ""
        return person

    def code(self, login: str) -> str:
        """Give a code of an account that was not used yet; nothing where it has no authenticator.

        A gateway takes each code once, and that of the next half minute as well: whoever signs in twice within one
        gives that, and the third time waits.
        """
        secret = self._secrets[login]
        if not secret:
            return ""
        totp = TOTP(base64.b32decode(secret), 6, SHA1(), STEP_SECONDS)  # noqa: S303 (what authenticators know)
        step = max(int(time.time()) // STEP_SECONDS, self._steps.get(login, 0) + 1)
        time.sleep(max(0.0, (step - 1) * STEP_SECONDS - time.time()))
        self._steps[login] = step
        return totp.generate(step * STEP_SECONDS).decode()

    def home(self, login: str) -> Path:
        """Give the folder in which somebody's commands remember a sign-in."""
        return self.folder / "homes" / login

    def run(self, login: str, *words: str, keys: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command of ours as somebody."""
        return subprocess.run(
            [BIN / "schoolgate", *words],
            input=keys,
            env={"XDG_STATE_HOME": str(self.home(login)), "PATH": str(BIN)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def wait_for_interface(self) -> None:
        """Wait until this gateway and no other takes what people ask: it answers DNS a moment before."""
        site = load_site(self.site).site
        api = site.listeners.api
        assert api is not None
        certificate = Path(site.paths.state) / "tls" / "certificate.pem"

        def is_there() -> bool:
            with suppress(OSError):
                shown = ssl.get_server_certificate((api.address, api.port), timeout=5)
                return shown.strip() == certificate.read_text().strip()
            return False

        wait_until(is_there)

    def know(self, login: str, person: str, secret: str) -> None:
        """Remember what the authenticator of an account is, which somebody made at a command line."""
        self.people[login], self._secrets[login] = person, secret
        self._steps.pop(login, None)

    def sign_in(self, login: str, *, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
        """Sign in at a command line."""
        words = ("login", login, "--site", str(self.site), "--password-stdin")
        return self.run(login, *words, keys=f"{password}\n{self.code(login)}\n")

    def remember(self, *logins: str) -> None:
        """Let commands of people remember that they are signed in, as after `schoolgate login`."""
        for login in logins:
            with self.client(login) as client:
                assert client.session is not None
                save_session(session_path({"XDG_STATE_HOME": str(self.home(login))}), client.session)

    @contextmanager
    def client(self, login: str) -> Iterator[Client]:
        """Sign in as a program does."""
        site = load_site(self.site).site
        server = trust_local(f"https://{site.listeners.api}", Path(site.paths.state) / "tls" / "certificate.pem")
        with Client(server) as stranger:
            session = stranger.sign_in(login, PASSWORD, self.code(login) or None)
        with Client(server, session) as client:
            yield client
