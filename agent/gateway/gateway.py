"""The gateway: the control plane around the workers, from the first look at the site to the last.

It publishes what workers answer by, keeps them running, takes commands, keeps lists fresh and serves metrics. Workers
need none of it to answer.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

from agent.assembly import read_devices
from agent.dns.background import step_back
from agent.dns.dns_worker_job import WorkerJob
from agent.dns.shared_memory import SharedMemory
from agent.dns.spool import spool_folder
from agent.gateway.child import Child
from agent.gateway.control import serve_control, socket_path
from agent.gateway.gateway_journal import GatewayJournal, open_journal
from agent.gateway.gateway_policy import PolicyInForce
from agent.gateway.supervisor import Supervisor, end_orphans, open_sockets, orphans_of
from agent.logs import log
from agent.sites.config import LoadedSite
from agent.sites.site import Site
from rules.errors import ConfigurationError, Problem, SchoolgateError, StorageError

T = TypeVar("T")

# How often to look whether all is well, and how often while something is being started again.
WATCH_SECONDS: Final = 1.0
MEND_SECONDS: Final = 0.02
# "At most 1 s after a change every worker has applied it"; where one has not after so long, the caller is told.
APPLY_SECONDS: Final = 5.0
START_SECONDS: Final = 15.0
DEVICES_SECONDS: Final = 30.0
FILTER_SECONDS: Final = 30.0
LISTS_SECONDS: Final = 60.0
SPOOL_BYTES: Final = 256 * 1024 * 1024
INTAKE_BACKOFF_SECONDS: Final = 2.0
API_BACKOFF_SECONDS: Final = 5.0


class Gateway:
    """One running gateway.

    Args:
        loaded: the site that it serves, as its file was read.
        say: tells a person how it gets on.
    """

    def __init__(self, loaded: LoadedSite, *, say: Callable[[str], None]) -> None:
        self._policy = PolicyInForce(loaded, say=say)
        site = loaded.site
        self._say = say
        self._runtime = Path(site.paths.runtime)
        self._state = Path(site.paths.state)
        self._lists_lock = asyncio.Lock()
        self._publish_lock = asyncio.Lock()
        self._stop = asyncio.Event()
        self._why_it_stops = "fault"
        self._journal: GatewayJournal | None = None
        self._awake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        # For what happens by itself, and must not be in the way of a worker on the same core.
        self._beside = ThreadPoolExecutor(1, initializer=step_back)
        self._intake = Child(
            "intake",
            "agent.gateway.intake",
            self._runtime / "shared.mem",
            self._policy.path,
            backoff_seconds=INTAKE_BACKOFF_SECONDS,
            on_death=lambda: self._shared.count("intake_restarts"),
        )
        self._api = Child("api", "agent.api.server", self._policy.path, backoff_seconds=API_BACKOFF_SECONDS)
        self._shared: SharedMemory
        self._supervisor: Supervisor

    @property
    def _site(self) -> Site:
        return self._policy.site

    async def run(self) -> None:
        """Serve until told to stop.

        Raises:
            ConfigurationError: the site asks for something that this machine cannot give.
            StorageError: the state cannot be written, or another gateway works on it.
        """
        # Before anything that takes time: who is told to reload without a handler ends.
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: self._spawn(self._reload_by_signal()))
        lock = self._take_folders()
        try:
            self._policy.begin()
            orphans = orphans_of(self._runtime / "shared.mem")
            sockets = open_sockets(
                self._site.listeners.dns,
                workers=self._site.workers,
                where=f"{Path(self._site.path).name}: listeners.dns",
                is_shared=bool(orphans),
            )
            fallbacks = self._policy.prepare_lists()
            self._policy.devices = read_devices(self._site)
            with SharedMemory.create(self._runtime / "shared.mem", workers=self._site.workers) as self._shared:
                for _ in range(fallbacks):
                    self._shared.count("index_fallbacks")
                self._policy.write(self._shared)
                self._supervisor = Supervisor(self._shared, sockets, self._job())
                self._supervisor.start()
                try:
                    await self._serve(orphans)
                finally:
                    self._end()
        finally:
            lock.close()

    def _take_folders(self) -> BinaryIO:
        """Make the folders, and see to it that no other gateway works in them."""
        for folder in (self._state, self._runtime):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise StorageError(f"{folder}: the folder could not be made ({error.strerror})") from error
        try:
            lock = (self._state / "gateway.lock").open("ab")
        except OSError as error:
            raise StorageError(f"{self._state}: cannot be written ({error.strerror})") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            found = f"another gateway already at work in {self._state}"
            raise ConfigurationError((Problem("paths.state", found, "one gateway for each site"),)) from None
        return lock

    def _job(self) -> WorkerJob:
        return WorkerJob(
            slot=0,
            shared_memory=str(self._runtime / "shared.mem"),
            snapshot=str(self._policy.path),
            spool=str(spool_folder(str(self._state))),
            spool_bytes=SPOOL_BYTES,
            datagrams=(),
            streams=(),
        )

    # ---- serving -------------------------------------------------------------------------------------------

    async def _serve(self, orphans: Collection[int]) -> None:
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, self._ask_to_stop, signum.name)
        # A child has ended: see to it at once.
        loop.add_signal_handler(signal.SIGCHLD, self._awake.set)
        await self._wait_for_workers()
        self._policy.publish_text()
        end_orphans(orphans)
        control = await serve_control(socket_path(str(self._runtime)), self._obey)
        metrics = self._start_metrics()
        self._introduce()
        notify_service_manager("READY=1")
        self._spawn(self._keep_devices())
        self._spawn(self._keep_filter())
        self._spawn(self._keep_lists())
        self._journal = open_journal(self._site, self._shared)
        if self._journal is not None:
            self._spawn(self._keep_journal(self._journal))
        try:
            while not self._stop.is_set():
                self._awake.clear()
                self._supervisor.watch()
                self._intake.watch()
                if self._site.listeners.api is not None:
                    self._api.watch()
                is_whole = self._intake.is_running and self._supervisor.is_whole()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._awake.wait(), WATCH_SECONDS if is_whole else MEND_SECONDS)
        finally:
            notify_service_manager("STOPPING=1")
            control.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            if metrics is not None:
                await asyncio.to_thread(metrics.close)

    def _ask_to_stop(self, why: str) -> None:
        self._why_it_stops = why
        self._stop.set()
        self._awake.set()

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _wait_for_workers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._have_applied() and not self._stop.is_set():
            if self._supervisor.has_failed_to_start() or time.monotonic() > deadline:
                raise StorageError("a worker could not start; the lines above say why")
            await asyncio.sleep(0.005)

    def _have_applied(self) -> bool:
        return self._supervisor.have_applied(
            index_generation=self._policy.index_number, policy_generation=self._policy.number
        )

    def _start_metrics(self) -> Any:
        """Serve metrics, where the site wants them; they are loaded late because nobody waits for them."""
        if self._site.listeners.metrics is None:
            return None
        from agent.gateway.gateway_metrics import start_metrics  # noqa: PLC0415

        try:
            return start_metrics(
                self._site.listeners.metrics,
                self._shared,
                site=lambda: self._site,
                reasons=self._policy.reasons,
                is_as_approved=lambda: not self._policy.filter.fault,
            )
        except OSError as error:
            self._say(f"No metrics: {self._site.listeners.metrics} cannot be listened on ({error.strerror})")
            log.error("metrics_unavailable", reason=error.strerror or str(error))
            return None

    def _introduce(self) -> None:
        listeners = ", ".join(map(str, self._site.listeners.dns))
        self._say(f"Schoolgate answers for {self._site.school.name} on {listeners} (UDP and TCP).")
        if self._site.listeners.metrics is not None:
            self._say(f"Metrics and health: http://{self._site.listeners.metrics}/metrics and /healthz")
        if (generation := self._policy.generation) is not None:
            names = ", ".join(each["name"] for each in generation.manifest["lists"])
            count = generation.manifest["name_count"]
            self._say(f"Lists: {names}; {count:,} names, generation {generation.number}.")
        elif self._site.lists:
            self._say(f"No lists could be loaded yet; the fail mode is {self._site.fail_modes.no_index}.")
        for line in try_it(self._site):
            self._say(line)

    def _end(self) -> None:
        self._supervisor.stop()
        # With what the workers counted to their end, and while somebody is there to take it.
        if self._journal is not None:
            self._journal.end(self._why_it_stops)
        self._api.end()
        self._intake.end()
        socket_path(str(self._runtime)).unlink(missing_ok=True)

    # ---- commands ------------------------------------------------------------------------------------------

    async def _obey(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out a command from the control socket."""
        match request.get("do"):
            case "reload":
                return await self._reload()
            case "adopt":
                return await self._adopt_lists()
            case "policy":
                return await self._publish_decided()
            case "status":
                return {
                    "ok": True,
                    "policy_generation": self._policy.number,
                    "index_generation": self._policy.index_number,
                    "workers": self._supervisor.applied(),
                    "pids": self._supervisor.pids(),
                }
            case other:
                return {"ok": False, "problems": [f"the command {other!r} is not known"]}

    async def _reload_by_signal(self) -> None:
        answer = await self._reload()
        for problem in answer.get("problems", ()):
            self._say(f"Not reloaded: {problem}")

    async def _reload(self) -> dict[str, Any]:
        """Read the site again; a bad file changes nothing, nor does one that does not go with what was approved."""
        async with self._publish_lock:
            try:
                loaded = await asyncio.to_thread(self._policy.filter.reload)
                notes = self._policy.take_site()
                self._policy.write(self._shared)
                self._policy.publish_text()
            except SchoolgateError as error:
                self._shared.count("reloads_refused")
                log.error("reload_refused", reason="the site could not be used; the one before stays in force")
                return {"ok": False, "problems": str(error).splitlines()}
            self._shared.count("reloads")
            applied = await self._applied_in_time()
        self._spawn(self._refresh_lists())
        log.info("reloaded", policy_generation=self._policy.number)
        warnings = [str(notice) for notice in loaded.warnings]
        return {"ok": True, "policy_generation": self._policy.number, "applied": applied, "notes": notes + warnings}

    async def _adopt_lists(self) -> dict[str, Any]:
        """Take the generation of the index that is in force on disk."""
        async with self._publish_lock:
            faults = await asyncio.to_thread(self._policy.open_lists)
            self._policy.write(self._shared)
            applied = await self._applied_in_time()
        log.info("lists_adopted", index_generation=self._policy.index_number)
        return {"ok": applied, "index_generation": self._policy.index_number, "problems": faults}

    async def _publish_decided(self, *, is_asked: bool = True) -> dict[str, Any]:
        """Take what people were granted or lost since the policy was written, and what was approved of the filter.

        Where nobody asked for it, nothing is published unless the filter is another.
        """
        async with self._publish_lock:
            lists = self._site.lists
            if not await asyncio.to_thread(self._policy.take_approved) and not is_asked:
                return {"ok": False, "problems": [self._policy.filter.trouble]}
            problems = [fault for fault in (self._policy.filter.trouble, self._policy.write(self._shared)) if fault]
            applied = await self._applied_in_time()
        if self._site.lists != lists:
            self._spawn(self._refresh_lists())
        log.info("policy_published", policy_generation=self._policy.number, count=len(self._policy.granted))
        return {
            "ok": applied and not problems,
            "policy_generation": self._policy.number,
            "applied": applied,
            "problems": problems,
        }

    async def _applied_in_time(self) -> bool:
        deadline = time.monotonic() + APPLY_SECONDS
        while not self._have_applied() and time.monotonic() < deadline:  # noqa: ASYNC110 (other processes do it)
            await asyncio.sleep(0.01)
        return self._have_applied()

    # ---- what happens by itself ----------------------------------------------------------------------------

    async def _keep_devices(self) -> None:
        """Look from time to time which devices are where."""
        while True:
            await asyncio.sleep(DEVICES_SECONDS)
            devices = await self._run_beside(read_devices, self._site)
            if devices != self._policy.devices:
                async with self._publish_lock:
                    self._policy.devices = devices
                    with contextlib.suppress(StorageError):
                        self._policy.write(self._shared)

    async def _keep_filter(self) -> None:
        """Try from time to time to put in force what was approved and could not be."""
        while True:
            await asyncio.sleep(FILTER_SECONDS)
            if self._policy.filter.fault:
                with contextlib.suppress(StorageError):
                    await self._publish_decided(is_asked=False)

    async def _keep_journal(self, journal: GatewayJournal) -> None:
        """Tell the record what it has to know of the gateway itself."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await self._run_beside(journal.look)

    async def _keep_lists(self) -> None:
        """Look at the sources of lists when they are due."""
        await self._refresh_lists()
        while True:
            await asyncio.sleep(LISTS_SECONDS)
            if await self._run_beside(self._has_due_lists):
                await self._refresh_lists()

    async def _run_beside(self, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._beside, work, *args)

    def _has_due_lists(self) -> bool:
        from agent.lists.list_schedule import due_lists  # noqa: PLC0415

        return bool(due_lists(self._site, datetime.now(UTC)))

    async def _refresh_lists(self) -> None:
        """Look at the lists that are due, and compile if the site or a list has changed, in a process beside."""
        if not self._site.lists:
            return
        async with self._lists_lock:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "agent.gateway.list_refresh",
                str(self._policy.path),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
            )
            try:
                output, _ = await process.communicate()
            except asyncio.CancelledError:
                process.terminate()
                raise
        result = json.loads(output or b"{}")
        if process.returncode or result.get("fault"):
            log.error("lists_failed", reason=result.get("fault") or f"it ended with status {process.returncode}")
        if result.get("generation") is not None:
            await self._adopt_lists()


def try_it(site: Site) -> list[str]:
    """Give three lines to paste: something blocked, something allowed, something to explain."""
    endpoint = site.listeners.dns[0]
    dig = f"dig @{endpoint.address} -p {endpoint.port}"
    return [
        "Try:",
        f"  {dig} gambling.canary.schoolgate.test     (a name that is blocked, on purpose)",
        f"  {dig} use-application-dns.net             (browsers learn here that the school filters)",
        f"  {dig} example.com                         (an ordinary name; it needs a network)",
    ]


def notify_service_manager(state: str) -> None:
    """Tell systemd how the service gets on, if it started us. Source: sd_notify(3)."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.connect("\0" + path[1:] if path.startswith("@") else path)
        manager.sendall(state.encode())
