"""The Debian package of the endpoint service: built, installed in a clean Debian, started by its systemd, removed."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pytest
from parts import need, need_root, without

ROOT: Final = Path(__file__).parents[2]
LINUX: Final = ROOT / "deploy/endpoint/linux"
LIBRARY: Final = "usr/lib/schoolgate-endpoint"
DATA: Final = "var/lib/schoolgate-endpoint"
SERVICE: Final = "schoolgate-endpoint.service"
HELPER: Final = "schoolgate-endpoint-helper.service"
# Which release of Debian has the Python that the package is built with.
RELEASES: Final = {(3, 11): "bookworm", (3, 13): "trixie"}
SOURCES: Final = (
    *("agent", "collectors", "deploy", "filters", "rules"),
    *("CHANGELOG.md", "LICENSE", "README.md", "constraints.txt", "pyproject.toml"),
)
GATEWAY_ONLY: Final = {"argon2", "fastapi", "msgspec", "prometheus_client", "starlette", "uvicorn", "xxhash"}
# Written so that this file does not hold what it looks for.
REGISTRIES: Final = re.compile(rb"py" + rb"pi\.org|python" + rb"hosted")
pytestmark = pytest.mark.timeout(600)


def run(*words: str | Path, is_good: bool = True, **environment: str) -> str:
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    assert (done.returncode == 0) is is_good, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def copied(top: Path, folder: Path) -> Path:
    """Copy what the package is built from, which may change meanwhile."""
    folder.mkdir()
    for name in SOURCES:
        run("cp", "--recursive", top / name, folder)
    return folder


def built(sources: Path) -> Path:
    script = sources / "deploy/endpoint/linux/build-deb"
    run(script, PYTHON=sys.executable, SOURCE_DATE_EPOCH="1700000000")
    (package,) = (sources / "build").glob("*.deb")
    return package


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(ROOT, tmp_path_factory.mktemp("sources") / "here")


@pytest.fixture(scope="module")
def package(sources: Path) -> Path:
    return built(sources)


@pytest.fixture(scope="module")
def content(package: Path) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    listed = subprocess.run(
        (need("dpkg-deb"), "--fsys-tarfile", package), capture_output=True, check=True, timeout=60
    ).stdout
    with tarfile.open(fileobj=BytesIO(listed)) as archive:
        return {
            member.name.removeprefix("./"): (member, file.read() if (file := archive.extractfile(member)) else b"")
            for member in archive
        }


def test_all_of_it_belongs_to_root_and_only_root_may_write(
    content: dict[str, tuple[tarfile.TarInfo, bytes]],
) -> None:
    members = [member for member, _ in content.values()]
    assert {(member.uid, member.gid, member.uname) for member in members} == {(0, 0, "root")}
    assert not [member.name for member in members if member.mode & 0o7022 or not (member.isfile() or member.isdir())]
    assert content[DATA][0].mode == 0o700


def test_it_names_neither_the_machine_that_built_it_nor_a_registry(
    sources: Path,
    content: dict[str, tuple[tarfile.TarInfo, bytes]],
) -> None:
    ours = tuple(f"{LIBRARY}/{name}/" for name in ("agent", "collectors", "filters", "rules"))
    machine = tuple(str(path).encode() for path in (ROOT, sources, sys.prefix))
    guilty = [
        name
        for name, (_, data) in content.items()
        if any(path in data for path in machine)
        or ((name.startswith(ours) or LIBRARY not in name or ".dist-info/" in name) and REGISTRIES.search(data))
    ]
    assert not guilty


def test_every_module_is_compiled_and_nothing_is_for_the_gateway_alone(
    content: dict[str, tuple[tarfile.TarInfo, bytes]],
) -> None:
    modules = [Path(name) for name in content if name.endswith(".py")]
    tag = sys.implementation.cache_tag
    assert not [
        module for module in modules if str(module.parent / "__pycache__" / f"{module.stem}.{tag}.pyc") not in content
    ]
    assert not GATEWAY_ONLY & {Path(name).parts[3] for name in content if name.startswith(f"{LIBRARY}/")}


def test_the_same_sources_give_the_same_package(sources: Path, package: Path, tmp_path: Path) -> None:
    again = built(copied(sources, tmp_path / "elsewhere"))
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(package.read_bytes()).digest()


def test_lintian_finds_nothing(package: Path) -> None:
    assert run(need("lintian"), "--allow-root", "--fail-on", "error,warning", package).strip() == ""


def test_the_autostart_entry_is_one() -> None:
    assert run(need("desktop-file-validate"), LINUX / "schoolgate-endpoint-helper.desktop") == ""


@pytest.fixture(scope="module")
def installed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Debian with no more than the package asks for and systemd, with the package in it."""
    need_root()
    release = RELEASES.get(sys.version_info[:2]) or without(f"no Debian has Python {sys.version_info[:2]}")
    top = tmp_path_factory.mktemp("debian") / "root"
    done = subprocess.run(
        (need("mmdebstrap"), "--quiet", "--variant=essential", "--include=python3,systemd-sysv", release, top),
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    if done.returncode:
        without(f"no clean Debian could be made: {done.stderr[-500:]}")
    (top / "root/endpoint.deb").write_bytes(package.read_bytes())
    inside(top, "dpkg", "--install", "/root/endpoint.deb")
    yield top
    shutil.rmtree(top)


def inside(top: Path, *words: str, is_good: bool = True) -> str:
    return run(
        need("unshare"), "--mount", "--pid", "--fork", f"--root={top}", "--mount-proc", *words, is_good=is_good
    )


def test_it_is_installed_in_a_clean_debian_and_starts_with_the_next_boot(installed: Path) -> None:
    assert inside(installed, "dpkg", "--verify", "schoolgate-endpoint") == ""
    assert inside(installed, "systemctl", "is-enabled", SERVICE).strip() == "enabled"
    assert (installed / "etc/systemd/user/graphical-session.target.wants" / HELPER).is_symlink()
    assert inside(installed, "schoolgate", "--version").startswith("schoolgate ")


def test_systemd_finds_no_fault_in_the_units(installed: Path) -> None:
    analyse = ("env", "XDG_RUNTIME_DIR=/run", "systemd-analyze", "--man=no")
    assert inside(installed, *analyse, "verify", SERVICE) == ""
    assert inside(installed, *analyse, "verify", "--user", HELPER) == ""
    inside(installed, *analyse, "security", "--offline=true", "--threshold=30", SERVICE)


def test_where_it_does_not_run_it_says_so(installed: Path) -> None:
    said = inside(installed, "schoolgate", "endpoint", "status", is_good=False)
    assert "Traceback" not in said
    assert "service" in said


def test_it_runs_without_systemd_until_it_is_told_to_end(installed: Path) -> None:
    command = (
        "timeout --preserve-status --signal=TERM 20 schoolgate endpoint run --data /root/data --runtime /root/run &"
    )
    wait = "for _ in $(seq 60); do schoolgate endpoint status --json --runtime /root/run && break; sleep 0.3; done"
    said = inside(
        installed, "sh", "-c", f"({command} echo $! >/root/pid; {wait}; kill $(cat /root/pid); wait $!) 2>/dev/null"
    )
    assert not json.loads(said)["device"]
    assert {path.stat().st_mode & 0o777 for path in (installed / "root/data").iterdir()} == {0o600}


PROBE: Final = """
import json, socket, sys, time
sys.path.insert(0, "/usr/lib/schoolgate-endpoint")
from pathlib import Path
from collectors.fanotify import FanotifyStream
from collectors.mountinfo import parse_mountinfo
from collectors.write_stream import Naming

def refused(act):
    try:
        act()
    except OSError:
        return True
    return False

(stick,) = [mount for mount in parse_mountinfo(Path("/proc/self/mountinfo").read_text()) if mount.point == "/media"]
stream = FanotifyStream("/media", Naming(bytes(32)))
until = time.monotonic() + 20
while not (files := stream.take().written) and time.monotonic() < until:
    time.sleep(0.1)
found = {
    "is_read_only": stick.is_read_only,
    "saw_writes": bool(files),
    "packets_refused": refused(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
    "writing_refused": all(refused(Path(f"/{place}/probe").touch) for place in ("etc", "usr", "root", "media")),
}
Path("/var/lib/schoolgate-endpoint/probe.json").write_text(json.dumps(found))
"""
LOOK: Final = f"""#!/bin/sh
# What a person would do and look at on this laptop, written down.
cd /root/out
ask() {{ schoolgate endpoint status --json >"$1" 2>/dev/null; }}
answers() {{ for _ in $(seq 100); do ask "$1" && return; sleep 0.3; done; }}
mount -t tmpfs stick /media
systemctl restart {SERVICE}
answers status.json
systemctl is-active {SERVICE} >started
cat /proc/$(systemctl show -P MainPID {SERVICE})/status >process
(while sleep 0.2; do date >/media/written; done) &
systemctl start probe.service
mv /{DATA}/probe.json .
kill $!
stat -c '%U:%G %a' /{DATA} /{DATA}/* | sort -u >modes
cp /{DATA}/names.key .
systemctl kill --signal=KILL {SERVICE}
for _ in $(seq 60); do [ "$(systemctl show -P NRestarts {SERVICE})" = 1 ] && break; sleep 0.5; done
answers killed.json
systemctl show -P NRestarts {SERVICE} >restarts
dpkg --remove schoolgate-endpoint >/dev/null
systemctl is-active {SERVICE} >removed
ls /{DATA} >kept
dpkg --install /root/endpoint.deb >/dev/null
answers again.json
cmp /{DATA}/names.key names.key && echo same >key
systemctl show -P MainPID {SERVICE} >before
dpkg --install /root/endpoint.deb >/dev/null
systemctl show -P MainPID {SERVICE} >after
systemctl disable --now {SERVICE}
dpkg --install /root/endpoint.deb >/dev/null
(systemctl is-enabled {SERVICE}; systemctl is-active {SERVICE}) >switched_off
dpkg --purge schoolgate-endpoint >/dev/null
systemctl is-active {SERVICE} >purged
ls -d /{DATA} /etc/systemd/system/*/{SERVICE} /etc/xdg/autostart/schoolgate* >left 2>/dev/null
journalctl --no-pager --unit {SERVICE} --unit probe.service >journal
"""


@pytest.fixture(scope="module")
def lived(installed: Path) -> Path:
    """The folder of what was written down while that Debian was up."""
    unit = (installed / "usr/lib/systemd/system" / SERVICE).read_text()
    probe = re.sub(r"(?m)^ExecStart=.*$", "ExecStart=/usr/bin/python3 -BIS /root/probe", unit)
    probe = probe.replace("Type=exec", "Type=oneshot").replace("Restart=always", "Restart=no")
    for name, text in {
        "root/probe": PROBE,
        "root/look": LOOK,
        "etc/systemd/system/probe.service": probe,
        "etc/systemd/system/look.service": (
            f"[Unit]\nAfter={SERVICE}\n[Service]\nType=oneshot\nExecStart=/bin/sh /root/look\n"
            "ExecStopPost=systemctl poweroff\n"
        ),
    }.items():
        (installed / name).write_text(text)
    (installed / "root/out").mkdir()
    wanted = installed / "etc/systemd/system/multi-user.target.wants/look.service"
    wanted.symlink_to("../look.service")
    container = (need("systemd-nspawn"), "--quiet", "--register=no", "--keep-unit", f"--directory={installed}")
    tried = subprocess.run((*container, "true"), capture_output=True, text=True, check=False, timeout=60)
    if tried.returncode:
        # No package brings what is missing: not every kernel, and not every container, lets one run a container.
        pytest.skip(f"no container can run on this machine: {tried.stderr[-500:]}")
    calls = "--system-call-filter=fanotify_init fanotify_mark open_by_handle_at"
    done = subprocess.run(
        (*container, "--boot", "--console=pipe", calls, "--machine=schoolgate-test"),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
        timeout=300,
    )
    if not (installed / "root/out/left").exists():
        without(f"no Debian could be booted here: {done.stderr[-500:]}")
    return installed / "root/out"


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_systemd_starts_it_with_two_capabilities(lived: Path) -> None:
    assert (lived / "started").read_text() == "active\n"
    facts = dict(line.split(":\t", 1) for line in (lived / "process").read_text().splitlines())
    # CAP_DAC_READ_SEARCH is bit 2, CAP_SYS_ADMIN bit 21.
    assert {facts[name] for name in ("CapPrm", "CapEff", "CapBnd")} == {f"{1 << 2 | 1 << 21:016x}"}
    assert facts["NoNewPrivs"] == "1"
    assert facts["Seccomp"] == "2"


def test_every_collector_looks_under_that_unit(lived: Path) -> None:
    status = read(lived / "status.json")
    assert [row for row in status["collectors"] if row["health"] != "ok"] == []


def test_under_that_unit_writes_of_others_are_seen_and_nothing_can_be_written(lived: Path) -> None:
    assert read(lived / "probe.json") == {
        "is_read_only": False,
        "saw_writes": True,
        "packets_refused": True,
        "writing_refused": True,
    }, (lived / "journal").read_text()


def test_what_it_keeps_is_roots_alone(lived: Path) -> None:
    assert (lived / "modes").read_text().splitlines() == ["root:root 600", "root:root 700"]


def test_killed_it_comes_back(lived: Path) -> None:
    assert (lived / "restarts").read_text() == "1\n"
    assert read(lived / "killed.json")


def test_removing_ends_it_and_keeps_what_waits_and_the_key(lived: Path) -> None:
    assert (lived / "removed").read_text() in {"inactive\n", "unknown\n"}
    assert {"names.key", "spool.db"} <= set((lived / "kept").read_text().split())
    assert read(lived / "again.json")
    assert (lived / "key").read_text() == "same\n"


def test_an_upgrade_starts_it_anew_unless_it_was_switched_off(lived: Path) -> None:
    before, after = ((lived / name).read_text() for name in ("before", "after"))
    assert before != after != "0\n"
    assert (lived / "switched_off").read_text() == "disabled\ninactive\n"


def test_purging_deletes_everything(lived: Path) -> None:
    assert (lived / "purged").read_text() in {"inactive\n", "unknown\n"}
    assert (lived / "left").read_text() == ""
