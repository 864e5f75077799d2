"""Prometheus and Alertmanager as the units of `deploy/` start them, with its files, on ports and times of a test."""

import json
import re
import shlex
import shutil
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from conftest import free_port, wait_until
from parts import need

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
# Where the files say that things are.
GATEWAY, PROMETHEUS, ALERTMANAGER = "127.0.0.1:9253", "127.0.0.1:9090", "127.0.0.1:9093"
# What takes days in a school, and may take seconds here.
SHORTER: Final = (
    (re.compile(r"(?m)^( +)for: \w+$"), r"\1for: 1s"),
    (re.compile(r"(?m)^( +)interval: \w+$"), r"\1interval: 1s"),
    (re.compile(r"\[2d:1d\]"), "[4s:2s]"),
    (re.compile(r"(scrape|evaluation)_interval: \w+"), r"\1_interval: 1s"),
    (re.compile(r"scrape_timeout: \w+"), "scrape_timeout: 1s"),
)


@dataclass
class Program:
    """One that listens on a port of loopback; its files lie in a folder of its own."""

    words: tuple[str, ...]
    log: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """Fetch JSON; what it says against a request is an error of the test."""
        query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        try:
            with urllib.request.urlopen(f"http://{self.address}{path}{query}", timeout=10) as page:
                return json.loads(page.read())
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{path} {parameters}: {error.read().decode()}") from error

    def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        with suppress(OSError), urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=1) as page:
            return bool(page.status == 200)
        return False

    @contextmanager
    def running(self) -> Iterator["Program"]:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(self.words, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_until(self.is_ready)
            yield self
        finally:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)


class Prometheus(Program):
    """Answers PromQL, as Grafana asks it."""

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Give what an expression is at this moment."""
        found: list[dict[str, Any]] = self.get("/api/v1/query", {"query": expression})["data"]["result"]
        return found

    def query_range(self, expression: str, *, seconds: float) -> list[dict[str, Any]]:
        """Give what an expression was over the last seconds."""
        (_, now) = self.query("vector(time())")[0]["value"]
        span = {"query": expression, "start": str(float(now) - seconds), "end": now, "step": "1"}
        found: list[dict[str, Any]] = self.get("/api/v1/query_range", span)["data"]["result"]
        return found

    def value(self, expression: str) -> float | None:
        """Give the one number of an expression, if there is one."""
        found = self.query(expression)
        return float(found[0]["value"][1]) if found else None

    def firing(self) -> set[str]:
        """Give the alerts that fire, by name."""
        alerts = self.get("/api/v1/alerts")["data"]["alerts"]
        return {each["labels"]["alertname"] for each in alerts if each["state"] == "firing"}

    def rules(self) -> list[dict[str, Any]]:
        return [rule for group in self.get("/api/v1/rules")["data"]["groups"] for rule in group["rules"]]


def shortened(text: str) -> str:
    """Give a file of `deploy/prometheus` with the times of a test."""
    for pattern, shorter in SHORTER:
        text = pattern.sub(shorter, text)
    return text


def started_as(unit: str, folder: Path, port: int, *, instance: str = "") -> tuple[str, ...]:
    """Give the words by which a unit starts its program, with the files in a folder and on a port of a test."""
    (line,) = re.findall(r"(?m)^ExecStart=(.*)$", (DEPLOY / unit).read_text())
    line = re.sub(r"/etc/schoolgate-watch/\w+", str(folder), line)
    for written, meant in (
        ("${STATE_DIRECTORY}", str(folder / "data")),
        ("${ADDRESS}", f"127.0.0.1:{port}"),
        (ALERTMANAGER, f"127.0.0.1:{port}"),
        ("%i", instance),
    ):
        line = line.replace(written, meant)
    program, *words = shlex.split(line)
    return (need(Path(program).name), *words)


def _prometheus(folder: Path, instance: str, port: int) -> Prometheus:
    words = started_as("schoolgate-prometheus@.service", folder, port, instance=instance)
    return Prometheus(words, folder / "prometheus.log", port)


def prometheus_of(folder: Path, *, gateway: int, alertmanager: int) -> Prometheus:
    """Lay out the Prometheus of a school, for a gateway and an Alertmanager on these ports."""
    shutil.copytree(DEPLOY / "prometheus", folder)
    made = _prometheus(folder, "school", free_port())
    for path in (folder / "school.yml", *(folder / "rules").iterdir()):
        text = shortened(path.read_text())
        for written, port in ((GATEWAY, gateway), (PROMETHEUS, made.port), (ALERTMANAGER, alertmanager)):
            text = text.replace(written, f"127.0.0.1:{port}")
        path.write_text(text)
    return made


def governors_of(folder: Path, *, prometheus: Prometheus) -> Prometheus:
    """Lay out the Prometheus that knows what governors are shown."""
    folder.mkdir()
    text = (DEPLOY / "prometheus" / "governors.yml").read_text()
    (folder / "governors.yml").write_text(shortened(text).replace(PROMETHEUS, prometheus.address))
    return _prometheus(folder, "governors", free_port())


def alertmanager_of(folder: Path) -> Program:
    """Lay out an Alertmanager whose mail server is not there."""
    shutil.copytree(DEPLOY / "alertmanager", folder)
    port = free_port()
    return Program(started_as("schoolgate-alertmanager.service", folder, port), folder / "alertmanager.log", port)
