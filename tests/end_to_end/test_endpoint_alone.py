"""`schoolgate[endpoint]` in an environment that has what it declares and nothing else: no gateway's dependencies."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
import venv
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from conftest import wait_until
from packaging.requirements import Requirement

from agent.endpoint.budget import MOST_RSS_BYTES

ROOT = Path(__file__).parents[2]
# Of the gateway alone. The service would be too large with them, and a laptop has no use for them.
STRANGERS = ("argon2", "babel", "fastapi", "msgspec", "prometheus_client", "starlette", "uvicorn", "xxhash")
# What may be there because something else declares it, and is not loaded.
NOT_LOADED = {*STRANGERS, "pydantic", "pydantic_core"}


def needed() -> list[str]:
    """Give what the project declares for a laptop."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["endpoint"]]


def gather(texts: Iterable[str], found: dict[str, Distribution], extras: frozenset[str] = frozenset()) -> None:
    """Find the distributions of requirements, with everything that these declare to need."""
    for text in texts:
        requirement = Requirement(text)
        asked = [{"extra": extra} for extra in extras | {""}]
        is_needed = requirement.marker is None or any(requirement.marker.evaluate(each) for each in asked)
        if is_needed and requirement.name not in found:
            found[requirement.name] = distribution(requirement.name)
            gather(found[requirement.name].requires or (), found, frozenset(requirement.extras))


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a Python with this program, the distributions that `endpoint` declares, and all that they need."""
    folder = tmp_path_factory.mktemp("alone") / "venv"
    venv.create(folder, symlinks=True, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    distributions: dict[str, Distribution] = {}
    gather(needed(), distributions)
    for found in distributions.values():
        for top in {Path(file.parts[0]) for file in found.files or () if not file.parts[0].startswith(("..", "__"))}:
            place = Path(str(found.locate_file(top)))
            if place.exists() and not (site / top).exists():
                (site / top).symlink_to(place)
    (site / "program.pth").write_text(f"{ROOT}\n")
    return folder / "bin" / "python"


def say(python: Path, code: str) -> str:
    done = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, timeout=60, check=False, cwd=python.parent
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", STRANGERS)
def test_what_the_gateway_needs_is_not_there(python: Path, name: str) -> None:
    assert say(python, f"import importlib.util; print(importlib.util.find_spec({name!r}))") == "None"


@pytest.mark.alone
def test_it_runs_there_and_is_small(python: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    places = {
        "SCHOOLGATE_ENDPOINT_DATA": str(tmp_path / "data"),
        "SCHOOLGATE_ENDPOINT_RUNTIME": str(tmp_path / "run"),
        "PATH": os.environ["PATH"],
    }

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, "-m", "agent.cli", "endpoint", *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=places,
            cwd=tmp_path,
        )

    with (tmp_path / "log").open("w") as log:
        service = subprocess.Popen(
            [python, "-m", "agent.cli", "endpoint", "run"], env=places, cwd=tmp_path, stderr=log
        )
    try:
        status: dict[str, object] = {}

        def has_looked() -> bool:
            assert service.poll() is None, (tmp_path / "log").read_text()
            shown = command("status", "--json")
            status.update(json.loads(shown.stdout) if shown.returncode == 0 else {})
            recorded = status.get("recorded")
            return isinstance(recorded, list) and {"posture", "session"} <= {each["kind"] for each in recorded}

        wait_until(has_looked, seconds=40)
        for words in (("status",), ("helper", "--once")):
            assert command(*words).returncode == 0, command(*words).stderr
        assert "expected" in command("enrol", "https://127.0.0.1:1").stderr
        held = int(Path(f"/proc/{service.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    finally:
        began = time.monotonic()
        service.send_signal(signal.SIGTERM)
        assert service.wait(10) == 0
    assert time.monotonic() - began < 5
    assert held <= MOST_RSS_BYTES, f"{held / 1_048_576:.0f} MB"


def test_what_the_service_loads_is_what_it_needs() -> None:
    code = (
        "import sys, agent.cli, agent.commands.cli_endpoint, agent.endpoint.service, agent.endpoint.helper;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    loaded = set(say(Path(sys.executable), f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}").split())
    assert not loaded & NOT_LOADED
    assert {"cryptography", "httpx", "psutil", "watchdog", "yaml"} <= loaded
