"""Every fault has one clear sentence, loses nothing, and leaves the filter in force."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
    need,
    wait_until,
)
from steady_client import SteadyClient

NXDOMAIN, NOERROR, SERVFAIL, REFUSED = dns.rcode.NXDOMAIN, dns.rcode.NOERROR, dns.rcode.SERVFAIL, dns.rcode.REFUSED
FIRST_PRIVILEGED = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def without_privileges() -> tuple[str, ...]:
    """Give what stands before a command so that it may do no more than any user."""
    return (need("setpriv"), "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()


def assert_filters(gateway: RunningGateway) -> None:
    assert gateway.ask("casino.example").rcode() == NXDOMAIN
    assert addresses(gateway.ask("www.example")) == {"192.0.2.10"}


@dataclass
class Hung:
    """A gateway whose worker was stopped at a moment, and a client that has asked since."""

    gateway: RunningGateway
    pid: int
    at: float
    waiting: socket.socket


@pytest.fixture(scope="module", autouse=True)
def hung(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Hung]:
    """It takes ten seconds to be sure that a worker hangs; meanwhile the other tests run."""
    gateway = make_gateway(tmp_path_factory.mktemp("hung") / "site", upstream)
    gateway.start()
    (pid,) = gateway.worker_pids()
    os.kill(pid, signal.SIGSTOP)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.connect(("127.0.0.1", gateway.port))
        asker.send(dns.message.make_query("casino.example", "A").to_wire())
        yield Hung(gateway, pid, time.time(), asker)
    gateway.stop()


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


@pytest.mark.parametrize(("spoil", "told"), BROKEN_SITES)
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


def test_what_needs_a_new_start_is_said(own_gateway: RunningGateway) -> None:
    own_gateway.start()
    own_gateway.site.write_text(own_gateway.site.read_text() + "workers: 2\n")
    done = own_gateway.run("reload")
    assert done.returncode == 0
    assert "workers: changed; takes effect at the next start of the gateway" in done.stderr
    assert len(own_gateway.worker_pids()) == 1


# ---- lists ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"<!DOCTYPE html>\n<html><body>Please log in</body></html>\n", "is a web page", id="html"),
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"# nothing\n", "no entry", id="comments-only"),
        pytest.param(b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\xcf\xcd", "ends too early", id="truncated-gzip"),
        pytest.param(b"\0" * 4096, "binary", id="nul-octets"),
        pytest.param(b"a bad line\n" * 100 + b"casino.example\n", "lines", id="bad-lines"),
        pytest.param(None, "does not exist", id="missing"),
    ],
)
def test_a_bad_list_is_refused_and_the_last_good_copy_stays(
    bad_lists: RunningGateway, content: bytes | None, told: str
) -> None:
    before = bad_lists.status()["index_generation"]
    with changed(bad_lists.folder / "casinos.txt", content):
        done = bad_lists.run("lists", "update")
        said = done.stdout + done.stderr
        assert done.returncode == 1
        assert told in said
        assert "stays in force" in said
        assert "Traceback" not in said
    assert bad_lists.status()["index_generation"] == before
    assert bad_lists.ask("roulette.test").rcode() == NXDOMAIN


@pytest.fixture(scope="module")
def bad_lists(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[RunningGateway]:
    """A gateway with a list of its own for gambling."""
    ours = "ours: {source: lists, format: domains}"
    running = make_gateway(
        tmp_path_factory.mktemp("bad-lists") / "site",
        upstream,
        change={ours: f"{ours}\n  casinos: {{source: casinos.txt, format: domains, category: gambling}}"},
    )
    (running.folder / "casinos.txt").write_text("roulette.test\n")
    running.start()
    yield running
    running.stop()


def test_the_status_of_lists_tells_what_is_wrong(bad_lists: RunningGateway) -> None:
    with changed(bad_lists.folder / "casinos.txt", b"<!DOCTYPE html><html></html>"):
        bad_lists.run("lists", "update")
        status = bad_lists.run("lists", "status")
    assert status.returncode == 0
    assert "casinos.txt is a web page" in status.stdout
    assert "refused" in status.stdout


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


def damage(path: Path) -> None:
    octets = bytearray(path.read_bytes())
    octets[100] ^= 0xFF
    path.write_bytes(octets)


SPOILERS = [
    pytest.param(truncate, id="truncated"),
    pytest.param(make_of_another_version, id="of-another-version"),
    pytest.param(damage, id="damaged"),
    pytest.param(Path.unlink, id="missing"),
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
    wait_until(lambda: own_gateway.status()["index_generation"] == 3)
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


def test_a_silent_upstream_is_borne_and_comes_back(gateway: RunningGateway, upstream: Upstream) -> None:
    assert addresses(gateway.ask("short.example")) == {"192.0.2.11"}
    time.sleep(1.2)
    upstream.pause()
    try:
        began = time.monotonic()
        stale = gateway.ask("short.example", timeout=5)
        assert time.monotonic() - began < 2
        assert (addresses(stale), ede(stale)) == ({"192.0.2.11"}, 3)
        assert stale.answer[0].ttl == 30
        unknown = gateway.ask("n0.bulk.example", timeout=6)
        assert (unknown.rcode(), ede(unknown)) == (SERVFAIL, 22)
        assert time.monotonic() - began < 7
        began = time.monotonic()
        again = gateway.ask("n0.bulk.example")
        assert (again.rcode(), ede(again)) == (SERVFAIL, 13), "a failure is remembered for a moment"
        assert time.monotonic() - began < 0.2
        assert gateway.ask("casino.example").rcode() == NXDOMAIN, "blocking needs no upstream"
    finally:
        upstream.resume()
    wait_until(lambda: addresses(gateway.ask("n1.bulk.example", timeout=6)))
    wait_until(lambda: ede(gateway.ask("short.example")) is None)


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
    assert (client.result.leaked, client.result.odd) == ([], [])
    assert len(client.result.lost_at) <= 16, "what was in the hands of the old worker"
    assert own_gateway.status()["pids"] == own_gateway.worker_pids()


def test_a_worker_that_hangs_is_replaced(hung: Hung) -> None:
    with hung.waiting as asker:
        asker.settimeout(15)
        answer = dns.message.from_wire(asker.recv(4096))
    assert answer.rcode() == NXDOMAIN, "asked while it hung, answered by the one that took its place"
    assert_filters(hung.gateway)
    assert not is_running(hung.pid)
    assert 8 < hung.gateway.metrics()['schoolgate_worker_start_time_seconds{worker="0"}'] - hung.at < 14
    assert "worker_hangs" in hung.gateway.log.read_text()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT], ids=lambda signum: signum.name)
def test_a_stop_leaves_no_process_behind(own_gateway: RunningGateway, signum: signal.Signals) -> None:
    own_gateway.start()
    wait_until(lambda: own_gateway.children("agent.intake"))
    before = own_gateway.processes()
    assert len(before) >= 3
    assert own_gateway.process is not None
    own_gateway.process.send_signal(signum)
    assert own_gateway.process.wait(5) == 0
    assert not any(map(is_running, before))
    assert own_gateway.processes() == []
    assert not (own_gateway.folder / "runtime" / "control.sock").exists()


def test_a_stop_does_not_wait_for_a_slow_list(own_gateway: RunningGateway) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        own_gateway.change("lists:\n", f"lists:\n  slow: {{source: 'https://127.0.0.1:{port}/', category: games}}\n")
        own_gateway.start()
        connection, _ = silent.accept()
        with connection:
            began = time.monotonic()
            assert own_gateway.process is not None
            own_gateway.process.terminate()
            assert own_gateway.process.wait(20) == 0
            assert time.monotonic() - began < 5
    assert own_gateway.processes() == []


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
        [sys.executable, "-m", "agent.dns_worker", job], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 2
    assert "worker_cannot_start" in done.stderr
    assert "Traceback" not in done.stderr
