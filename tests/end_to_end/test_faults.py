"""Every fault has one clear sentence, loses nothing, and leaves the filter in force."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import dns.message
import dns.rcode
import pytest
from conftest import (
    RunningGateway,
    Upstream,
    addresses,
    ede,
    free_port,
    is_running,
    make_gateway,
    wait_until,
)
from parts import need
from steady_client import SteadyClient

from agent.dns.shared_memory import SharedMemory

NXDOMAIN, NOERROR, SERVFAIL, REFUSED = dns.rcode.NXDOMAIN, dns.rcode.NOERROR, dns.rcode.SERVFAIL, dns.rcode.REFUSED
FIRST_PRIVILEGED = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def without_privileges() -> tuple[str, ...]:
    """Give what stands before a command so that it may do no more than any user."""
    return (need("setpriv"), "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()


def assert_filters(gateway: RunningGateway) -> None:
    assert gateway.ask("casino.example").rcode() == NXDOMAIN
    answer = gateway.ask("www.example")
    assert addresses(answer) == {"192.0.2.10"}, answer.to_text()


@dataclass
class Hung:
    """A gateway whose worker was stopped at a moment, and a client that has asked since."""

    gateway: RunningGateway
    pid: int
    at: float
    waiting: socket.socket
    told: Future[list[str]]


@pytest.fixture(scope="module", autouse=True)
def hung(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Hung]:
    """It takes ten seconds to be sure that a worker hangs; meanwhile the other tests run."""
    gateway = make_gateway(tmp_path_factory.mktemp("hung") / "site", upstream)
    gateway.start()
    (pid,) = gateway.worker_pids()
    os.kill(pid, signal.SIGSTOP)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker, ThreadPoolExecutor() as pool:
        asker.connect(("127.0.0.1", gateway.port))
        asker.send(dns.message.make_query("casino.example", "A").to_wire())
        yield Hung(gateway, pid, time.time(), asker, pool.submit(_health_after, 4.5, gateway))
    gateway.stop()


def _health_after(seconds: float, gateway: RunningGateway) -> list[str]:
    time.sleep(seconds)
    return gateway.health()


# ---- at start ------------------------------------------------------------------------------------------------------


def test_every_listener_that_cannot_be_had_is_told_at_once(own_gateway: RunningGateway) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", own_gateway.port))
        own_gateway.change('"[::1]:', '"192.0.2.1:')
        code, said = own_gateway.run_to_its_end()
    assert code == 2
    used = f"127.0.0.1:{own_gateway.port} in use by another program"
    assert f"site.yaml: listeners.dns: found {used}; expected a free port" in said
    assert f"found 192.0.2.1:{own_gateway.port}, which is not an address of this machine; expected one that" in said
    assert "2 problems." in said
    assert "Traceback" not in said


def test_a_port_that_is_taken_for_tcp_only_is_taken(own_gateway: RunningGateway) -> None:
    with socket.create_server(("127.0.0.1", own_gateway.port)):
        code, said = own_gateway.run_to_its_end()
    assert (code, "in use by another program" in said) == (2, True)


def test_port_53_needs_a_permission(own_gateway: RunningGateway) -> None:
    if int(FIRST_PRIVILEGED.read_text()) <= 53:
        pytest.skip("on this machine everybody may listen on port 53")
    own_gateway.change(f'"127.0.0.1:{own_gateway.port}", "[::1]:{own_gateway.port}"', '"127.0.0.1:53"')
    code, said = own_gateway.run_to_its_end(prefix=without_privileges())
    assert code == 2
    assert "found no permission to listen on 127.0.0.1:53; expected a port above 1023, or the capability" in said
    assert "Traceback" not in said


def test_a_state_that_cannot_be_written_is_told(own_gateway: RunningGateway) -> None:
    state = own_gateway.folder / "state"
    state.mkdir(mode=0o500)
    code, said = own_gateway.run_to_its_end(prefix=without_privileges())
    assert (code, said.strip()) == (1, f"{state}: cannot be written (Permission denied)")


def test_a_broken_site_does_not_start_and_tells_every_problem(own_gateway: RunningGateway) -> None:
    own_gateway.change("packs: [uk-esafety]", "packs: [uk-esafty]\nlanguages: 3")
    own_gateway.change("audience: guest", "audience: guests")
    code, said = own_gateway.run_to_its_end()
    assert code == 2
    assert [line.partition(": ")[0].split(":")[1] for line in said.splitlines()[:-1]] == ["2", "3", "7"]
    assert said.endswith("3 problems.\n")
    assert "Traceback" not in said


def test_a_second_gateway_on_the_same_state_does_not_start(gateway: RunningGateway) -> None:
    second = RunningGateway(gateway.folder / "second", free_port(), free_port())
    second.folder.mkdir()
    text = gateway.site.read_text().replace("source: lists", "source: ../lists")
    text = text.replace(str(gateway.port), str(second.port)).replace(str(gateway.metrics_port), "0")
    second.site.write_text(text.replace(':0"}', f':{second.metrics_port}"}}') + "paths: {state: ../state}\n")
    try:
        code, said = second.run_to_its_end()
    finally:
        second.stop()
    assert code == 2
    assert said.startswith("paths.state: found another gateway already at work in ")
    assert_filters(gateway)


def test_files_around_the_gateway_are_not_its_program(own_gateway: RunningGateway, tmp_path: Path) -> None:
    for name in ("agent", "rules", "socket", "asyncio"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not this one')\n")
    own_gateway.start(cwd=tmp_path)
    assert_filters(own_gateway)
    assert "not this one" not in own_gateway.log.read_text()


def test_a_taken_metrics_port_stops_nothing(own_gateway: RunningGateway) -> None:
    with socket.create_server(("127.0.0.1", own_gateway.metrics_port)):
        own_gateway.start()
        assert_filters(own_gateway)
        said = own_gateway.log.read_text()
    assert f"No metrics: 127.0.0.1:{own_gateway.metrics_port} cannot be listened on (Address already in use)" in said


# ---- a site that is broken while it runs ---------------------------------------------------------------------------


@contextmanager
def changed(path: Path, content: bytes | None) -> Iterator[None]:
    """Put other content into a file, or take it away, for the time of a block."""
    before = path.read_bytes()
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)


BROKEN_SITES = [
    pytest.param(lambda text: text.replace("uk-esafety", "uk-esafty"), "expected uk-esafety", id="misspelt"),
    pytest.param(lambda text: text + "networks: {}\n", "networks", id="a-part-twice"),
    pytest.param(lambda text: "{" + text, "site.yaml:", id="not-yaml"),
    pytest.param(lambda _: "", "site.yaml", id="empty"),
]


@pytest.mark.parametrize(("spoil", "told"), BROKEN_SITES)
def test_a_broken_site_is_refused_by_the_command(
    gateway: RunningGateway, spoil: Callable[[str], str], told: str
) -> None:
    before = gateway.status()["policy_generation"]
    with changed(gateway.site, spoil(gateway.site.read_text()).encode()):
        done = gateway.run("reload")
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert gateway.status()["policy_generation"] == before
    assert_filters(gateway)


@pytest.mark.parametrize(("spoil", "told"), BROKEN_SITES[:2])
def test_a_broken_site_is_refused_by_signal(gateway: RunningGateway, spoil: Callable[[str], str], told: str) -> None:
    before = gateway.status()["policy_generation"]
    already_said = len(gateway.log.read_text())
    assert gateway.process is not None
    with changed(gateway.site, spoil(gateway.site.read_text()).encode()):
        gateway.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "reload_refused" in gateway.log.read_text()[already_said:])
    said = gateway.log.read_text()[already_said:]
    assert "Not reloaded: " in said
    assert told in said
    assert gateway.status()["policy_generation"] == before
    assert_filters(gateway)


def test_a_site_that_went_away_is_refused(gateway: RunningGateway) -> None:
    with changed(gateway.site, None):
        done = gateway.run("reload")
    assert done.returncode == 2
    assert "no such file or directory" in done.stderr
    assert_filters(gateway)


def test_what_needs_a_new_start_is_said(gateway: RunningGateway) -> None:
    with changed(gateway.site, gateway.site.read_bytes() + b"workers: 2\n"):
        done = gateway.run("reload")
    assert done.returncode == 0
    assert "workers: changed; takes effect at the next start of the gateway" in done.stderr
    assert len(gateway.worker_pids()) == 1


# ---- lists ---------------------------------------------------------------------------------------------------------


# What becomes of a good list, and what is said about it.
BAD_LISTS: dict[str, tuple[bytes | None, str]] = {
    "html": (b"<!DOCTYPE html>\n<html><body>Please log in</body></html>\n", "is a web page"),
    "empty": (b"", "empty"),
    "comments-only": (b"# nothing\n", "no entry"),
    "truncated-gzip": (b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\xcf\xcd", "ends too early"),
    "nul-octets": (b"\0" * 4096, "binary"),
    "bad-lines": (b"a bad line\n" * 100 + b"casino.example\n", "lines"),
    "missing": (None, "does not exist"),
}


@dataclass
class Spoilt:
    """A gateway whose lists have gone bad, and what the update and the status of lists had to say."""

    gateway: RunningGateway
    generation: int
    update: subprocess.CompletedProcess[str]
    status: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Spoilt]:
    """Each bad list was a good one when the gateway started."""
    entries = [f"  {name}: {{source: {name}.txt, format: domains, category: gambling}}\n" for name in BAD_LISTS]
    gateway = make_gateway(
        tmp_path_factory.mktemp("bad-lists") / "site", upstream, change={"lists:\n": "lists:\n" + "".join(entries)}
    )
    for name in BAD_LISTS:
        (gateway.folder / f"{name}.txt").write_text(f"{name}.test\n")
    gateway.start()
    generation = gateway.status()["index_generation"]
    for name, (content, _) in BAD_LISTS.items():
        path = gateway.folder / f"{name}.txt"
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
    yield Spoilt(gateway, generation, gateway.run("lists", "update"), gateway.run("lists", "status"))
    gateway.stop()


@pytest.mark.parametrize("name", BAD_LISTS)
def test_a_bad_list_is_refused_and_its_last_good_copy_stays(spoilt: Spoilt, name: str) -> None:
    told = BAD_LISTS[name][1]
    (said,) = [line for line in spoilt.update.stderr.splitlines() if line.startswith(f"{name}: ")]
    assert told in said
    assert "stays in force" in said
    (paragraph,) = [each for each in spoilt.status.stdout.split("\n\n") if each.startswith(f"{name}: ")]
    assert told in paragraph
    assert spoilt.gateway.ask(f"{name}.test").rcode() == NXDOMAIN
    assert ede(spoilt.gateway.ask(f"{name}.test")) == 17


def test_an_update_with_bad_lists_says_so_and_changes_nothing(spoilt: Spoilt) -> None:
    assert (spoilt.update.returncode, spoilt.status.returncode) == (1, 0)
    assert "Traceback" not in spoilt.update.stderr
    assert spoilt.gateway.status()["index_generation"] == spoilt.generation
    assert_filters(spoilt.gateway)


def test_a_list_that_never_was_there_is_a_mistake_in_the_site(own_gateway: RunningGateway) -> None:
    own_gateway.change("lists:\n", "lists:\n  theirs: {source: nowhere.txt, category: games}\n")
    code, said = own_gateway.run_to_its_end()
    assert code == 2
    assert "lists.theirs.source: found " in said
    assert "nowhere.txt, which does not exist; expected a file or folder that exists" in said


def test_a_list_that_went_away_leaves_its_last_good_copy(own_gateway: RunningGateway) -> None:
    assert own_gateway.run("lists", "update").returncode == 0
    shutil.rmtree(own_gateway.folder / "lists")
    shutil.rmtree(own_gateway.folder / "state" / "generations")
    own_gateway.start()
    assert_filters(own_gateway)
    said = own_gateway.log.read_text()
    assert "lists does not exist; the copy of " in said
    assert "missing" in own_gateway.run("lists", "status").stdout


# ---- the compiled lists --------------------------------------------------------------------------------------------


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def make_of_another_version(path: Path) -> None:
    octets = bytearray(path.read_bytes())
    octets[8] = 99
    path.write_bytes(octets)


SPOILERS = [
    pytest.param(truncate, id="truncated"),
    pytest.param(make_of_another_version, id="of-another-version"),
]


def index_of(gateway: RunningGateway, generation: int) -> Path:
    return gateway.folder / "state" / "generations" / str(generation) / "index.bin"


@pytest.mark.parametrize("spoil", SPOILERS)
def test_an_unusable_index_is_set_aside_and_compiled_again_before_the_first_answer(
    tmp_path: Path, compiled: Path, upstream: Upstream, spoil: Callable[[Path], None]
) -> None:
    own_gateway = make_gateway(tmp_path / "site", upstream)
    shutil.copytree(compiled / "state", own_gateway.folder / "state")
    spoil(index_of(own_gateway, 1))
    try:
        own_gateway.start()
        assert_filters(own_gateway)
        assert "A damaged index was set aside: " in own_gateway.log.read_text()
        assert own_gateway.status()["index_generation"] == 2
    finally:
        own_gateway.stop()


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Path:
    """The folder of a site whose lists are compiled."""
    made = make_gateway(tmp_path_factory.mktemp("compiled") / "site", upstream)
    assert made.run("lists", "update").returncode == 0
    return made.folder


def test_an_older_generation_serves_until_the_newest_is_compiled_again(own_gateway: RunningGateway) -> None:
    assert own_gateway.run("lists", "update").returncode == 0
    (own_gateway.folder / "lists" / "games.txt").write_text("games.example\nnew.example\n")
    assert own_gateway.run("lists", "update").returncode == 0
    truncate(index_of(own_gateway, 2))
    own_gateway.start()
    assert_filters(own_gateway)
    assert own_gateway.counted("schoolgate_index_fallbacks_total") == 1
    # The compiler lets everybody else go first.
    wait_until(lambda: own_gateway.status()["index_generation"] == 3, seconds=30)
    assert own_gateway.ask("new.example").rcode() == NXDOMAIN


@pytest.mark.parametrize(
    ("fail_modes", "is_open"),
    [
        pytest.param("", False, id="closed-as-long-as-the-school-says-nothing"),
        pytest.param("fail_modes: {no_index: open, reason: it is a test}\n", True, id="open-where-it-says-so"),
    ],
)
def test_without_any_list_the_recorded_fail_mode_holds(
    tmp_path: Path, upstream: Upstream, fail_modes: str, *, is_open: bool
) -> None:
    theirs = f"theirs: {{category: games, source: 'https://127.0.0.1:{free_port()}'}}"
    own_gateway = make_gateway(
        tmp_path / "site",
        upstream,
        change={"ours: {source: lists, format: domains}": theirs},
        extra=fail_modes + "essentials: [shop.example]\n",
    )
    try:
        own_gateway.start()
        answer = own_gateway.ask("www.example")
        assert bool(addresses(answer)) == is_open
        assert answer.rcode() == (NOERROR if is_open else NXDOMAIN)
        assert addresses(own_gateway.ask("shop.example")) == {"192.0.2.16"}, "guards stay open"
        assert own_gateway.ask("use-application-dns.net").rcode() == NXDOMAIN, "what needs no list is known"
        mode = "open" if is_open else "closed"
        assert f"No lists could be loaded yet; the fail mode is {mode}." in own_gateway.log.read_text()
        assert f"no lists could be loaded; the fail mode is {mode}" in own_gateway.health()
    finally:
        own_gateway.stop()


# ---- upstreams -----------------------------------------------------------------------------------------------------


@pytest.mark.alone
def test_a_silent_upstream_is_borne_and_comes_back(gateway: RunningGateway, upstream: Upstream) -> None:
    assert addresses(gateway.ask("short.example")) == {"192.0.2.11"}
    time.sleep(1.1)
    upstream.pause()
    try:
        with ThreadPoolExecutor() as pool:
            began = time.monotonic()
            asked_for_unknown = pool.submit(gateway.ask, "n0.bulk.example", timeout=6)
            stale = gateway.ask("short.example", timeout=5)
            assert time.monotonic() - began < 2
            assert (addresses(stale), ede(stale), stale.answer[0].ttl) == ({"192.0.2.11"}, 3, 30)
            unknown = asked_for_unknown.result()
        assert (unknown.rcode(), ede(unknown)) == (SERVFAIL, 22)
        assert time.monotonic() - began < 5, "before a client gives up"
        began = time.monotonic()
        again = gateway.ask("n0.bulk.example")
        assert (again.rcode(), ede(again)) == (SERVFAIL, 13), "a failure is remembered for a moment"
        assert gateway.ask("casino.example").rcode() == NXDOMAIN, "blocking needs no upstream"
        assert time.monotonic() - began < 0.3
    finally:
        upstream.resume()
    wait_until(lambda: addresses(gateway.ask("n1.bulk.example", timeout=6)))


@pytest.mark.alone
def test_an_upstream_that_is_not_there_is_noticed_at_once(tmp_path: Path, upstream: Upstream) -> None:
    gone = Upstream(upstream.folder, free_port())
    own_gateway = make_gateway(tmp_path / "site", gone)
    try:
        own_gateway.start()
        began = time.monotonic()
        answer = own_gateway.ask("www.example")
        assert (answer.rcode(), ede(answer)) == (SERVFAIL, 23)
        assert time.monotonic() - began < 0.3
    finally:
        own_gateway.stop()


# ---- processes -----------------------------------------------------------------------------------------------------


def test_workers_outlive_their_supervisor_and_a_new_one_takes_over(own_gateway: RunningGateway) -> None:
    own_gateway.start()
    old_workers = own_gateway.worker_pids()
    assert own_gateway.process is not None
    with SteadyClient(own_gateway.port) as client:
        own_gateway.process.kill()
        own_gateway.process.wait()
        time.sleep(0.2)
        assert_filters(own_gateway)
        own_gateway.start()
        wait_until(lambda: not any(map(is_running, old_workers)))
        time.sleep(0.2)
        wait_until(lambda: client.waiting() <= 16)
    assert (client.result.leaked, client.result.odd) == ([], [])
    assert len(client.result.lost_at) <= 16, "what was in the hands of the old worker"
    assert own_gateway.status()["pids"] == own_gateway.worker_pids()


@pytest.mark.alone
def test_a_worker_that_hangs_is_replaced(hung: Hung) -> None:
    assert "worker 0 has fallen silent" in hung.told.result()
    with hung.waiting as asker:
        asker.settimeout(15)
        answer = dns.message.from_wire(asker.recv(4096))
    assert answer.rcode() == NXDOMAIN, "asked while it hung, answered by the one that took its place"
    assert_filters(hung.gateway)
    assert not is_running(hung.pid)
    assert 8 < hung.gateway.metrics()['schoolgate_worker_start_time_seconds{worker="0"}'] - hung.at < 14
    assert "worker_hangs" in hung.gateway.log.read_text()


def has_another_worker(gateway: RunningGateway, dead: int) -> bool:
    return gateway.children("agent.dns.dns_worker") not in ([], [dead])


def test_what_a_killed_worker_answered_is_recorded_or_counted_as_lost(own_gateway: RunningGateway) -> None:
    own_gateway.start()
    asked = 6
    for number in range(asked):
        (worker,) = own_gateway.children("agent.dns.dns_worker")
        assert own_gateway.ask(f"n{number}.casino.example").rcode() == NXDOMAIN
        # Some die before the rows of this moment are handed over, and some after.
        time.sleep(number % 4 * 0.04)
        os.kill(worker, signal.SIGKILL)
        wait_until(partial(has_another_worker, own_gateway, worker))
    with SharedMemory.open(own_gateway.folder / "runtime" / "shared.mem") as memory:
        wait_until(lambda: memory.intake()["queries_stored"] + memory.worker(0).plain()["rows_lost"] >= asked)
        assert memory.intake()["queries_stored"] + memory.worker(0).plain()["rows_lost"] == asked
        assert memory.intake()["queries_stored"] > 0


def test_a_stop_leaves_no_process_behind(own_gateway: RunningGateway) -> None:
    own_gateway.start()
    wait_until(lambda: own_gateway.children("agent.gateway.intake"))
    before = own_gateway.processes()
    assert len(before) >= 3
    assert own_gateway.process is not None
    own_gateway.process.terminate()
    assert own_gateway.process.wait(5) == 0
    assert not any(map(is_running, before))
    assert own_gateway.processes() == []
    assert not (own_gateway.folder / "runtime" / "control.sock").exists()


@pytest.mark.alone
def test_an_interrupt_does_not_wait_for_a_slow_list(own_gateway: RunningGateway) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        own_gateway.change("lists:\n", f"lists:\n  slow: {{source: 'https://127.0.0.1:{port}/', category: games}}\n")
        own_gateway.start()
        connection, _ = silent.accept()
        with connection:
            began = time.monotonic()
            assert own_gateway.process is not None
            own_gateway.process.send_signal(signal.SIGINT)
            assert own_gateway.process.wait(20) == 0
            assert time.monotonic() - began < 5
    wait_until(lambda: own_gateway.processes() == [], seconds=1)


def test_a_signal_to_reload_while_it_starts_is_obeyed_later(own_gateway: RunningGateway) -> None:
    own_gateway.start(wait=False)
    wait_until((own_gateway.folder / "state" / "gateway.lock").exists)
    assert own_gateway.process is not None
    own_gateway.process.send_signal(signal.SIGHUP)
    own_gateway.wait_until_ready()
    wait_until(lambda: own_gateway.status()["policy_generation"] >= 2)
    assert_filters(own_gateway)


def test_no_worker_runs_without_shared_memory() -> None:
    job = (
        '{"slot":0,"shared_memory":"/nowhere/shared.mem","snapshot":"/nowhere/snapshot.json","spool":"/nowhere",'
        '"spool_bytes":1,"datagrams":[],"streams":[]}'
    )
    done = subprocess.run(
        [sys.executable, "-m", "agent.dns.dns_worker", job], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 2
    assert "worker_cannot_start" in done.stderr
    assert "Traceback" not in done.stderr
