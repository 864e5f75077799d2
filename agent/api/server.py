"""The process behind the interface: the one writer of the state, and what happens in it by itself.

It is started by the gateway with the published snapshot, or by a person with a site file. DNS goes on without it.
"""

import asyncio
import os
import secrets
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as LateError
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import uvicorn

from agent.api.app import create_app
from agent.api.bounded_connections import MAX_CONNECTIONS, BoundedConnection, BoundedLoop
from agent.api.events import Follower, Hub
from agent.api.parts import Parts
from agent.api.process_memory import leave_what_is_loaded, share_heaps
from agent.api.security import Limits, usual_limits
from agent.api.tls import SiteCertificate, open_certificate
from agent.assembly import STATE_NAME
from agent.block_page.block_server import BlockServers, open_block_page
from agent.chores import Chore, Chores
from agent.endpoint.enrolment_wire import spki_pin
from agent.file_limit import raise_file_limit
from agent.filter_changing.canary_check import CanaryCheck
from agent.filter_changing.filter_changes import FilterChanges
from agent.filter_changing.filter_watch import FilterWatch
from agent.filter_changing.site_in_force import SiteInForce
from agent.fleet.device_candidates import DeviceCandidates
from agent.fleet.fleet import Fleet
from agent.fleet.media import Media
from agent.fleet.rules_register import RulesRegister
from agent.fleet.seats import Seats
from agent.gateway.control import NotRunningError, ask_gateway
from agent.gateway.gateway_events import take_events
from agent.incidents.incidents import Incidents
from agent.logs import configure_logs, log
from agent.notices.notify import MAIL, WEBHOOK, Channel, Sender
from agent.notices.notify_acts import Teller
from agent.notices.notify_smtp import SmtpChannel
from agent.observing.observing import Observing
from agent.packs.pack_record import PackRecord
from agent.people.accounts import Accounts
from agent.people.people import People
from agent.people.pseudonyms import Devices, Pseudonyms
from agent.record.record_check import RecordCheck
from agent.requests.filter_context import FilterContexts
from agent.requests.override_uses import OverrideUses
from agent.requests.overrides import Overrides
from agent.requests.request_registers import RequestRegisters
from agent.requests.suspensions import Suspensions
from agent.sites.site import Endpoint, NoticeKind, NotificationSettings, Site
from agent.sites.site_packs import PacksInForce
from agent.storage.anchors import anchor_if_due, keep_last_anchor
from agent.storage.state import Act, StateStore
from rules.errors import ConfigurationError, Problem, SchoolgateError

SWEEP_SECONDS: Final = 3.0
CANARY_SECONDS: Final = 1.0
OBSERVE_SECONDS: Final = 2.0
SEAT_SECONDS: Final = 5.0
REMIND_SECONDS: Final = 10.0
REVIEW_SECONDS: Final = 300.0
RETENTION_SECONDS: Final = 3600.0
WATCH_SECONDS: Final = 0.5
# So long an act waits to be told that it is in force everywhere; it stands in any case.
APPLY_SECONDS: Final = 3.0
KEEP_ALIVE_SECONDS: Final = 10
STOP_SECONDS: Final = 3
ID_OCTETS: Final = 8
NICENESS: Final = 10

Ask = Callable[[str, dict[str, Any]], dict[str, Any]]


class Herald:
    """Tells the gateway that what is granted has changed, one message at a time.

    Args:
        runtime: where its control socket is.
        ask: sends a message and gives the answer.
    """

    def __init__(self, runtime: str, *, ask: Ask = ask_gateway, wait_seconds: float = APPLY_SECONDS) -> None:
        self._runtime = runtime
        self._ask = ask
        self._wait_seconds = wait_seconds
        self._messenger = ThreadPoolExecutor(1, thread_name_prefix="herald")
        self._last: Future[bool] | None = None

    def tell(self) -> None:
        """Tell it, and wait a moment for it to be done; whoever acts is never refused because of it."""
        self._last = self._messenger.submit(self._send)
        self.has_applied()

    def has_applied(self) -> bool:
        """Say whether the last change is in force."""
        last = self._last
        try:
            return last is not None and last.result(self._wait_seconds)
        except LateError:
            return False

    def is_in_force(self) -> bool | None:
        """Say whether every worker answers by the newest lists and policy; None where no gateway answers in time."""
        asked = self._messenger.submit(self._ask, self._runtime, {"do": "status"})
        try:
            answer = asked.result(self._wait_seconds)
            newest = [answer["index_generation"], answer["policy_generation"]]
            return bool(answer["workers"]) and all(list(each) == newest for each in answer["workers"])
        except (SchoolgateError, ValueError, LookupError, TypeError, LateError):
            asked.cancel()
            return None

    def close(self) -> None:
        """Send nothing any more."""
        self._messenger.shutdown(wait=False, cancel_futures=True)

    def _send(self) -> bool:
        try:
            answer = self._ask(self._runtime, {"do": "policy"})
        except NotRunningError:
            log.warning("gateway_not_told", reason="no gateway answers; it reads what is granted when it starts")
            return False
        except (SchoolgateError, ValueError) as error:
            log.error("gateway_not_told", reason=str(error))
            return False
        if not answer.get("ok"):
            log.error("gateway_not_told", reason="the gateway has not put the change in force yet")
        return bool(answer.get("ok"))


def build_parts(
    site: Callable[[], Site],
    store: StateStore,
    herald: Herald,
    *,
    clock: Callable[[], datetime],
    devices: Callable[[], Devices] = dict,
    packs: PacksInForce | None = None,
    pin: str = "",
) -> Parts:
    """Put together what the interface works with.

    Args:
        devices: what else those behind addresses are known by.
        packs: those of the site, where somebody else looks at them too.
        pin: the hash of the key of our certificate, by which laptops know us; without it none can enrol.
    """
    people = People(store)
    context = FilterContexts(site)
    hub = Hub()
    pseudonyms = Pseudonyms(Path(site().paths.state) / "keys")
    service: dict[str, Any] = {
        "context": context,
        "clock": clock,
        "new_id": partial(secrets.token_hex, ID_OCTETS),
        "on_change": herald.tell,
    }
    school = site().school
    teller = Teller(lambda: site().private.notifications, context, timezone=school.timezone)
    activity = Path(site().paths.state) / "activity"
    incidents = Incidents(
        store,
        people,
        pseudonyms,
        packs=packs or PacksInForce(site),
        site=site,
        clock=clock,
        new_id=service["new_id"],
        tell=teller.incident,
        on_change=herald.tell,
    )
    fleet = Fleet(store, site, pin=pin, new_id=service["new_id"])
    tell_of_device = partial(teller.alarm, kind=NoticeKind.DEVICE_FOUND)
    return Parts(
        store=store,
        people=people,
        accounts=Accounts(store, clock=clock, words=(school.name,), issuer=school.name),
        overrides=Overrides(
            store,
            people,
            tell=teller.override,
            use_of=OverrideUses(site, clock=clock),
            escalate_after=lambda: timedelta(seconds=site().private.notifications.escalate_after_seconds),
            **service,
        ),
        suspensions=Suspensions(store, people, tell=teller.suspension, **service),
        filter_changes=FilterChanges(store, people, clock=clock, on_change=herald.tell, tell=teller.filter_change),
        incidents=incidents,
        observing=Observing(incidents, activity, devices=devices, tell=tell_of_device),
        request_registers=RequestRegisters(store, pseudonyms),
        rules_register=RulesRegister(store, pseudonyms),
        fleet=fleet,
        media=Media(store, site, tell=teller.medium, incidents=incidents.desk, events=fleet.events),
        context=context,
        activity=activity,
        teller=teller,
        hub=hub,
        follower=Follower(store, hub),
        clock=clock,
        timezone=school.timezone,
        has_applied=herald.has_applied,
        is_in_force=herald.is_in_force,
        schedules=lambda: site().schedules,
        private=lambda: site().private,
    )


def candidates_of(parts: Parts, *, monotonic: Callable[[], float] = time.monotonic) -> DeviceCandidates:
    """Give what weighs what laptops tell."""
    desk = parts.incidents.desk
    return DeviceCandidates(
        parts.store,
        parts.fleet,
        parts.media,
        parts.observing,
        desk.pseudonyms,
        site=desk.site,
        runtime=Path(desk.site().paths.runtime),
        monotonic=monotonic,
    )


def chores(parts: Parts, watch: FilterWatch, canaries: CanaryCheck, *further: Chore) -> Chores:
    """Give what happens by itself: what is over and what has changed is written down, and told to who follows."""
    return Chores(
        (
            Chore("site", SWEEP_SECONDS, watch.look),
            Chore("canaries", CANARY_SECONDS, canaries.look),
            Chore("overrides", SWEEP_SECONDS, parts.overrides.sweep),
            Chore("suspensions", SWEEP_SECONDS, parts.suspensions.sweep),
            Chore("filter reviews", REVIEW_SECONDS, parts.filter_changes.remind),
            Chore("laptops", OBSERVE_SECONDS, candidates_of(parts).look, in_turns=True),
            Chore("observing", OBSERVE_SECONDS, parts.observing.look, in_turns=True),
            Chore("incidents", REMIND_SECONDS, parts.incidents.sweep),
            Chore("incident retention", RETENTION_SECONDS, parts.incidents.keep),
            Chore("fleet", REMIND_SECONDS, parts.fleet.look),
            Chore("fleet retention", RETENTION_SECONDS, parts.fleet.keep),
            Chore("media", REVIEW_SECONDS, parts.media.sweep),
            Chore("media retention", RETENTION_SECONDS, parts.media.keep),
            Chore("notices", REMIND_SECONDS, partial(parts.teller.remind, parts.store)),
            Chore("gateway", SWEEP_SECONDS, partial(take_events, parts.store)),
            Chore("anchor", SWEEP_SECONDS, partial(anchor_if_due, parts.store)),
            *further,
            Chore("last anchor", SWEEP_SECONDS, partial(keep_last_anchor, parts.store)),
            Chore("events", SWEEP_SECONDS, parts.follower.look),
        )
    )


def channels_of(settings: NotificationSettings, *, clock: Callable[[], datetime]) -> dict[str, Channel]:
    """Give the ways by which people and programs are told."""
    found: dict[str, Channel] = {}
    if settings.mail is not None:
        found[MAIL] = SmtpChannel(settings.mail, clock=clock)
    if settings.webhooks:
        # Loaded late: it is large, and most schools have none.
        from agent.notices.notify_webhook import WebhookChannel  # noqa: PLC0415

        found[WEBHOOK] = WebhookChannel(settings.webhooks, clock=clock)
    return found


class Server(uvicorn.Server):
    """The server with what goes on beside it.

    Args:
        is_wanted: False once whoever started it is gone.
        beside: what happens by itself.
        block_page: what is served on sockets of its own.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        parts: Parts,
        *,
        is_wanted: Callable[[], bool],
        beside: Chores,
        block_page: BlockServers | None = None,
    ) -> None:
        super().__init__(config)
        self._block_page = block_page
        self._parts = parts
        self._beside = beside
        self._is_wanted = is_wanted

    async def run_with_sweeps(self, sockets: list[socket.socket]) -> None:
        """Serve until told to stop."""
        tasks = [asyncio.create_task(self._work_beside())]
        if self._block_page is not None:
            tasks.append(asyncio.create_task(self._block_page.serve()))
        try:
            await self.serve(sockets)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _work_beside(self) -> None:
        while not self.should_exit:
            if not self._is_wanted():
                self.should_exit = True
            await asyncio.to_thread(self._beside.do_due)
            await asyncio.sleep(WATCH_SECONDS)
        # Whoever follows would keep the server from its end.
        self._parts.hub.close()


def uvicorn_config(parts: Parts, certificate: SiteCertificate, *, limits: Limits | None = None) -> uvicorn.Config:
    """Say how the server serves: TLS of this decade, nothing that says what it is, bounded in everything."""
    config = uvicorn.Config(
        create_app(parts, limits=limits, names=certificate.names() | {socket.gethostname().lower()}),
        http=BoundedConnection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        ssl_certfile=certificate.certificate,
        ssl_keyfile=certificate.key,
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return config


def listen(endpoint: Endpoint) -> socket.socket:
    """Take the port.

    Raises:
        ConfigurationError: somebody has it, or this machine has no such address.
    """
    family = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
    try:
        return socket.create_server((endpoint.address, endpoint.port), family=family)
    except OSError as error:
        found = f"{endpoint}, which cannot be listened on ({error.strerror or error})"
        raise ConfigurationError((Problem("listeners.api", found, "an address and port that are free"),)) from error


def serve_site(path: Path, *, clock: Callable[[], datetime], is_wanted: Callable[[], bool]) -> None:
    """Serve a site until told to stop.

    Raises:
        ConfigurationError: the site names no place to listen at, or one that is taken.
        StorageError: the state or the certificate cannot be used.
    """
    share_heaps()
    site = SiteInForce(path)
    endpoint = site().listeners.api
    if endpoint is None:
        expected = "an address and port, such as 127.0.0.1:8443"
        raise ConfigurationError((Problem("listeners.api", "nothing", expected),))
    state = Path(site().paths.state)
    names = (socket.gethostname(), "localhost", endpoint.address, "127.0.0.1", "::1")
    certificate = open_certificate(state / "tls", names=names, now=clock())
    listening = listen(endpoint)
    store = StateStore(state / STATE_NAME, clock=clock)
    herald = Herald(site().paths.runtime)
    sender = Sender(store, lambda: channels_of(site().private.notifications, clock=clock), clock=clock)
    check = RecordCheck(store, tell=lambda act: parts.teller.alarm(act, NoticeKind.RECORD_BROKEN))
    try:
        packs = PacksInForce(site)
        pin = spki_pin(certificate.der())
        parts = build_parts(site, store, herald, clock=clock, devices=site.devices, packs=packs, pin=pin)
        if store.is_upgraded:
            herald.tell()
        with store.act() as act:
            act.note("api_started", actor="system", facts={"fingerprint": certificate.fingerprint})
        watch = FilterWatch(parts.filter_changes, Path(site().paths.runtime), Path(site().path))
        canaries = CanaryCheck(store, Path(site().paths.runtime), tell=partial(_alarm, parts))
        known = parts.observing.known
        seats = Seats(store, parts.fleet, site=site, known=known, published=site.seats, tell=herald.tell)
        further = (
            Chore("packs", SWEEP_SECONDS, PackRecord(store, packs).look),
            Chore("record", SWEEP_SECONDS, check.look),
            Chore("seats", SEAT_SECONDS, seats.look),
        )
        beside = chores(parts, watch, canaries, *further)
        # One and the same report counts once, wherever it is sent to.
        limits = usual_limits()
        page = open_block_page(parts, site, limits)
        config = uvicorn_config(parts, certificate, limits=limits)
        server = Server(config, parts, is_wanted=is_wanted, beside=beside, block_page=page)
        introduce(listening, certificate, now=clock())
        sender.start()
        leave_what_is_loaded()
        with asyncio.Runner(loop_factory=BoundedLoop) as runner:
            runner.run(server.run_with_sweeps([listening]))
        take_events(store)
        with store.act() as act:
            act.note("api_stopped", actor="system")
        parts.fleet.close()
        keep_last_anchor(store)
    finally:
        check.close()
        sender.close()
        herald.close()
        store.close()
        listening.close()


def _alarm(parts: Parts, act: Act) -> None:
    parts.teller.alarm(act, NoticeKind.FILTER_OFF_WITHOUT_RECORD)


def introduce(listening: socket.socket, certificate: SiteCertificate, *, now: datetime) -> None:
    """Tell a person where the interface is and by which certificate it is known."""
    address, port = listening.getsockname()[:2]
    sys.stdout.write(f"People: https://{Endpoint(address, port)}/ (programs: /api/v1)\n")
    sys.stdout.write(f"Its certificate has the SHA-256 fingerprint {certificate.fingerprint}\n")
    sys.stdout.flush()
    if certificate.ends_at <= now:
        log.warning("certificate_ended", path=str(certificate.certificate))


def main() -> int:
    """Run the interface; the argument is the path of the snapshot or of the site file."""
    configure_logs()
    told_to_stop = threading.Event()
    # uvicorn sends itself again what it was stopped by; then there is nothing left to do.
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: told_to_stop.set())
    os.umask(0o077)
    raise_file_limit()
    # DNS comes first, but people wait here: not for when nobody else wants the processor, as what is stored.
    os.nice(NICENESS)
    try:
        # Without its gateway there is nobody to tell; the next gateway starts another.
        starter = os.getppid()
        serve_site(
            Path(sys.argv[1]),
            clock=lambda: datetime.now(UTC),
            is_wanted=lambda: os.getppid() == starter and not told_to_stop.is_set(),
        )
    except SchoolgateError as error:
        log.error("api_cannot_start", reason=str(error))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
