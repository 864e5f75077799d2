"""The uplink of the service: begun once this laptop is enrolled, and anew where it enrolled anew.

Without a gateway everything else goes on; what is observed waits.
"""

import logging
import random
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from agent.endpoint.backoff import Backoff
from agent.endpoint.endpoint_policy import EndpointPolicy, PolicySettings, PolicyStore
from agent.endpoint.enrolment import EnrolmentError, Identity, IdentityStore
from agent.endpoint.event_spool import Clocks, EventSpool
from agent.endpoint.gateway_link import GatewayLink, Link
from agent.endpoint.keys import BadKeyError, KeyStore
from agent.endpoint.message_signatures import parse_public_key
from agent.endpoint.skew import ClockWatch
from agent.endpoint.uplink import Uplink, UplinkStatus

_LOG: Final = logging.getLogger(__name__)
_JOIN_SECONDS: Final = 2.0
# Who reached the gateway so lately, and has the same addresses since, is where it is.
_ON_SITE_SECONDS: Final = 900.0


@dataclass(slots=True)
class _Running:
    identity: Identity
    policy: PolicyStore
    uplink: Uplink
    thread: threading.Thread
    stop: threading.Event
    code: str


class Contact:
    """The gateway as the rest of the service sees it.

    Args:
        folder: where identity, key and policy are.
        connect: gives the way to a gateway, by its address and pin.
        addresses: those that this laptop has now.
        random_share: for the pauses of the uplink, from 0 to 1.
    """

    def __init__(
        self,
        folder: Path,
        spool: EventSpool,
        *,
        clocks: Clocks,
        release: str,
        clock_watch: ClockWatch,
        addresses: Callable[[], frozenset[str]],
        connect: Callable[[str, str], Link] = GatewayLink,
        random_share: Callable[[], float] = random.random,
    ) -> None:
        self._folder = folder
        self._spool = spool
        self._clocks = clocks
        self._release = release
        self._clock_watch = clock_watch
        self._addresses = addresses
        self._connect = connect
        self._random_share = random_share
        self._running: _Running | None = None
        self._met_at = (0.0, frozenset[str]())
        self.problem = ""

    def look(self) -> None:
        """Begin, or begin anew, where who this laptop is has changed; what goes wrong is a problem to be shown."""
        try:
            identity = IdentityStore(self._folder).load()
        except EnrolmentError as error:
            self.problem = str(error)
            return
        running = self._running
        # That somebody has approved it the uplink learns first.
        if identity is None or (running is not None and replace(running.identity, state=identity.state) == identity):
            self._note_place()
            return
        self.stop()
        try:
            self._begin(identity)
        except (BadKeyError, OSError, ValueError) as error:
            self.problem = str(error)
            _LOG.warning("The uplink cannot begin.")

    def stop(self) -> None:
        """End the uplink; what it is sending is sent again."""
        running, self._running = self._running, None
        if running is None:
            return
        running.stop.set()
        running.uplink.wake()
        running.thread.join(_JOIN_SECONDS)

    def wake(self, *, is_urgent: bool) -> None:
        """Say that there is something to send."""
        if (running := self._running) is not None:
            running.uplink.wake(is_urgent=is_urgent)

    @property
    def identity(self) -> Identity | None:
        """Who this laptop is; None where it was never enrolled."""
        return running.identity if (running := self._running) else None

    @property
    def code(self) -> str:
        """The six digits that a person compares while this laptop waits to be let in; empty otherwise."""
        return running.code if (running := self._running) and running.uplink.status.is_pending else ""

    @property
    def gateway(self) -> str:
        """The address of the gateway; empty where there is none yet."""
        return running.identity.gateway if (running := self._running) else ""

    @property
    def gateway_host(self) -> str:
        """The host of the gateway; empty where there is none yet."""
        return urlsplit(self.gateway).hostname or ""

    @property
    def status(self) -> UplinkStatus:
        """What can be shown of the contact."""
        return running.uplink.status if (running := self._running) else UplinkStatus(problem=self.problem)

    @property
    def policy(self) -> EndpointPolicy:
        """The policy in force."""
        return running.policy.policy if (running := self._running) else EndpointPolicy()

    @property
    def policy_fault(self) -> str:
        """Why the policy on the disk could not be used; empty where it could."""
        return running.policy.fault if (running := self._running) else ""

    def settings(self) -> PolicySettings:
        """Give what holds now."""
        return self.policy.settings_at(self._clocks.wall() + self.status.skew_seconds)

    def is_on_site(self) -> bool:
        """Say whether this laptop is on the school's network: the gateway answers nobody else."""
        met_at, addresses = self._met_at
        is_fresh = 0 <= self._clocks.wall() - met_at < _ON_SITE_SECONDS
        return is_fresh and addresses == self._addresses()

    def _note_place(self) -> None:
        last = self.status.last_contact
        if last > self._met_at[0]:
            self._met_at = last, self._addresses()

    def _begin(self, identity: Identity) -> None:
        keys = KeyStore(self._folder)
        key = keys.load()
        if key is None:
            self.problem = "This laptop is enrolled, and its key is gone; expected both. Enrol it again."
            return
        policy = PolicyStore(self._folder, parse_public_key(identity.policy_key))
        link = self._connect(identity.gateway, identity.pin)
        uplink = Uplink(
            self._spool,
            identities=IdentityStore(self._folder),
            identity=identity,
            keys=keys,
            key=key,
            policy=policy,
            link=link,
            release=self._release,
            clocks=self._clocks,
            backoff=Backoff(self._random_share),
            addresses=self._addresses,
            clock_watch=self._clock_watch,
        )
        stop = threading.Event()
        thread = threading.Thread(target=_run, args=(uplink, link, stop), name="uplink", daemon=True)
        code = ""
        with suppress(ValueError):
            code = identity.code(key.public_key())
        self._running = _Running(identity, policy, uplink, thread, stop, code)
        self.problem = ""
        thread.start()


def _run(uplink: Uplink, link: Link, stop: threading.Event) -> None:
    with closing(link):
        while not stop.is_set():
            try:
                uplink.run(stop)
            except Exception:  # noqa: BLE001 -- logged with its place; what waits must not wait for ever
                _LOG.exception("The uplink failed.")
                stop.wait(60.0)
