"""What service managers are given: well-formed, of commands that there are, and under reserved names."""

import plistlib
import re
import shlex
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import typer.main

from agent.cli import app
from agent.endpoint.service import PIPE

DEPLOY = Path(__file__).parents[2] / "deploy"
ENDPOINT = DEPLOY / "endpoint"
PLISTS = sorted((ENDPOINT / "macos").glob("*.plist"))
# Those of other programs are in test_deploy_watching.py.
UNITS = [path for path in sorted(DEPLOY.rglob("*.service")) if "/bin/schoolgate" in path.read_text()]
WINSW = ENDPOINT / "windows/schoolgate-endpoint.xml"
WINDOWS_TEXT = (ENDPOINT / "windows/README.txt").read_text()
# Source: launchd.plist(5).
LAUNCHD: dict[str, type | tuple[type, ...]] = {
    "Label": str,
    "ProgramArguments": list,
    "RunAtLoad": bool,
    "KeepAlive": (bool, dict),
    "ThrottleInterval": int,
    "ExitTimeOut": int,
    "ProcessType": str,
    "LowPriorityIO": bool,
    "LimitLoadToSessionType": str,
    "Nice": int,
    "Umask": int,
    "StandardErrorPath": str,
}
# Source: doc/xmlConfigFile.md and doc/loggingAndErrorReporting.md of WinSW 2; in the order of this file.
WINSW_ELEMENTS = (
    *("id", "name", "description", "executable", "arguments", "workingdirectory"),
    *("startmode", "delayedAutoStart", "priority", "stoptimeout", "stopparentprocessfirst"),
    *("onfailure", "onfailure", "onfailure", "resetfailure", "logpath", "log"),
)


def check_command(words: list[str]) -> None:
    """Read the words as the command line does, and run nothing."""
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    with command.make_context(command.name, words):
        pass


def test_there_are_two_of_launchd() -> None:
    assert [path.stem for path in PLISTS] == [
        "org.example.schoolgate.endpoint.helper",
        "org.example.schoolgate.endpoint",
    ]


@pytest.mark.parametrize("path", PLISTS, ids=lambda path: path.stem)
def test_launchd_knows_every_key(path: Path) -> None:
    job = plistlib.loads(path.read_bytes())
    assert job["Label"] == path.stem
    assert {key for key, value in job.items() if not isinstance(value, LAUNCHD.get(key, ()))} == set()
    program, *words = job["ProgramArguments"]
    assert program.startswith("/Library/")
    check_command(words)


def test_the_service_of_macos_is_kept_alive_and_in_the_background() -> None:
    job = plistlib.loads((ENDPOINT / "macos/org.example.schoolgate.endpoint.plist").read_bytes())
    assert job["RunAtLoad"] is job["KeepAlive"] is job["LowPriorityIO"] is True
    assert job["ProcessType"] == "Background"
    assert job["Umask"] == 0o077


def test_winsw_knows_every_element() -> None:
    service = ET.parse(WINSW).getroot()  # noqa: S314 -- a file of ours
    assert service.tag == "service"
    assert tuple(element.tag for element in service) == WINSW_ELEMENTS
    assert (service.findtext("id") or "").isalnum()
    durations = [service.findtext("stoptimeout"), service.findtext("resetfailure")]
    durations += [failure.get("delay") for failure in service.iter("onfailure")]
    assert all(re.fullmatch(r"\d+ (sec|min|hour|day)", duration or "") for duration in durations)
    assert {failure.get("action") for failure in service.iter("onfailure")} == {"restart"}
    check_command((service.findtext("arguments") or "").split())


def test_what_windows_starts_with_a_session_is_the_helper_without_a_console() -> None:
    # Source: Microsoft, "Run and RunOnce Registry Keys"; "reg add", where a quotation mark in a value is written \".
    key = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run"
    (value,) = re.findall(
        rf'(?m)^ *reg add {re.escape(key)} /v SchoolgateHelper /t REG_SZ /f /d "(.*)"$', WINDOWS_TEXT
    )
    program, *words = shlex.split(value.replace('\\"', "'"))
    assert program == r"C:\Program Files\Schoolgate\schoolgate\schoolgate-helper.exe"
    assert len(value) <= 260
    check_command(words)
    spec = (ENDPOINT / "schoolgate.spec").read_text()
    assert '{"schoolgate-helper": False} if sys.platform == "win32"' in spec
    assert f"reg delete {key} /v SchoolgateHelper /f" in WINDOWS_TEXT


def test_the_text_for_windows_names_the_pipe() -> None:
    assert PIPE in WINDOWS_TEXT


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_what_systemd_starts_is_a_command(path: Path) -> None:
    (line,) = re.findall(r"(?m)^ExecStart=(.*)$", path.read_text())
    _, *words = shlex.split(line)
    check_command(words)


def test_the_endpoint_of_systemd_may_write_its_own_data_alone() -> None:
    unit = (ENDPOINT / "linux/schoolgate-endpoint.service").read_text()
    assert "ProtectSystem=strict" in unit
    assert re.findall(r"(?m)^(?:StateDirectory|RuntimeDirectory|ReadWritePaths)=(.*)$", unit) == [
        "schoolgate-endpoint",
        "schoolgate-endpoint",
    ]
