"""What may stand in the repository, and what may not."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOP_LEVEL = {
    "pyproject.toml",
    "agent",
    "filters",
    "collectors",
    "rules",
    "tests",
    "deploy",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "Makefile",
    "constraints.txt",
}
# Written so that this file does not hold what it looks for.
FORBIDDEN = re.compile("|".join(("/wor" + "k/", "py" + r"pi\.org", "python" + "hosted", "registry" + r"\.npm")))


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=30).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name]


def test_the_top_level_is_the_customers() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


def test_no_machine_and_no_registry_is_named() -> None:
    guilty = [
        path.relative_to(ROOT)
        for path in tracked()
        if path.is_file() and FORBIDDEN.search(path.read_bytes().decode("utf-8", "replace"))
    ]
    assert not guilty


def test_workers_load_nothing_heavy() -> None:
    code = "import sys, agent.dns.dns_worker; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    heavy = {"pydantic", "typer", "rich", "httpx", "prometheus_client", "babel", "sqlite3", "yaml", "idna"}
    assert not heavy & set(done.stdout.split())
