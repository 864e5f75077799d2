"""What starts Prometheus, Alertmanager and Grafana: shut to the network, and of files that are there."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from parts import need

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
INSTALLED = "/etc/schoolgate-watch/"
UNITS = [path for path in sorted(DEPLOY.glob("*.service")) if path.stem != "schoolgate"]
COMPOSE = DEPLOY / "compose" / "compose.yaml"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
# What one instance of a template is called.
INSTANCES = ("school", "governors")
PROGRAMS = {"/usr/bin/prometheus": "prometheus", "/usr/bin/prometheus-alertmanager": "prometheus-alertmanager"}


def words_of(unit: Path) -> list[str]:
    (line,) = re.findall(r"(?m)^ExecStart=(.*)$", unit.read_text())
    return shlex.split(line)


def variables(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if line and not line.startswith("#"))


def here(path: str) -> Path:
    """Give where a file that a school installs lies in the source."""
    return DEPLOY / path.removeprefix(INSTALLED)


def flags_of(program: str) -> set[str]:
    done = subprocess.run([need(program), "--help"], capture_output=True, text=True, timeout=30, check=True)
    return set(re.findall(r"^ +(--[a-z.-]+)", done.stdout + done.stderr, re.MULTILINE))


def test_there_is_a_unit_for_each() -> None:
    assert [path.name for path in UNITS] == [
        "schoolgate-alertmanager.service",
        "schoolgate-grafana@.service",
        "schoolgate-prometheus@.service",
    ]


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_systemd_takes_every_unit(unit: Path, tmp_path: Path) -> None:
    # Whether each program is installed is another question.
    text = unit.read_text().replace(words_of(unit)[0], "/bin/true")
    copy = tmp_path / unit.name.replace("@.", "@school.")
    copy.write_text(text)
    done = subprocess.run(
        [need("systemd-analyze"), "verify", "--man=no", copy], capture_output=True, text=True, timeout=60, check=False
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if copy.stem in line]
    assert said == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_a_unit_has_files_that_are_there_and_an_account_of_nobody(unit: Path) -> None:
    text = unit.read_text()
    for instance in INSTANCES if "@" in unit.name else ("",):
        for path in re.findall(rf"{INSTALLED}[\w./%-]+", text):
            assert here(path.replace("%i", instance)).is_file(), path
    assert {"DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="} <= set(
        text.splitlines()
    )


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_a_program_knows_what_it_is_told(unit: Path) -> None:
    program, *words = words_of(unit)
    if program in PROGRAMS:
        assert {word.partition("=")[0] for word in words} <= flags_of(PROGRAMS[program])


def test_nothing_listens_beyond_loopback() -> None:
    listening = re.findall(r"--web\.listen-address=(\S+)", "\n".join(path.read_text() for path in UNITS))
    listening += re.findall(r"--web\.listen-address=(\S+)", COMPOSE.read_text())
    given = [variables(DEPLOY / "prometheus" / f"{each}.env")["ADDRESS"] for each in INSTANCES]
    assert {address for address in listening if address != "${ADDRESS}"} | set(given) == {
        "127.0.0.1:9090",
        "127.0.0.1:9091",
        "127.0.0.1:9093",
    }
    assert variables(DEPLOY / "grafana" / "common.env")["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert not [name for name, service in SERVICES.items() if "ports" in service]


def test_compose_brings_up_what_the_units_do() -> None:
    assert set(SERVICES) == {
        "gateway",
        "alertmanager",
        *(f"{program}{of}" for program in ("prometheus", "grafana") for of in ("", "-governors")),
    }


@pytest.mark.parametrize(("name", "service"), SERVICES.items(), ids=SERVICES)
def test_a_container_may_do_little_and_is_of_a_version_that_stays(name: str, service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "gateway" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert re.fullmatch(r"(prom|grafana)/[a-z]+:v?\d+\.\d+\.\d+|schoolgate:local", service["image"])


@pytest.mark.parametrize(("name", "service"), SERVICES.items(), ids=SERVICES)
def test_a_container_reads_files_that_are_there_and_writes_a_volume_of_its_own(
    name: str, service: dict[str, Any]
) -> None:
    mounts = [mount.split(":") for mount in service["volumes"]]
    volumes = [mount for mount in mounts if len(mount) == 2]
    assert [source for source, _ in volumes] == [name]
    for source, target, mode in (mount for mount in mounts if len(mount) == 3):
        assert mode == "ro"
        if source.startswith("."):
            folder = (COMPOSE.parent / source).resolve()
            assert folder == here(target)
            assert folder.is_dir()
    for word in service.get("command", ()):
        for path in re.findall(rf"{INSTALLED}\S+", word):
            assert here(path).is_file(), path
    for path in service.get("env_file", ()):
        assert (COMPOSE.parent / path).is_file()


def test_every_volume_is_somebodys() -> None:
    assert set(yaml.safe_load(COMPOSE.read_text())["volumes"]) == set(SERVICES)


def test_compose_and_units_tell_the_programs_the_same() -> None:
    of_unit = {word for word in words_of(DEPLOY / "schoolgate-alertmanager.service") if word.startswith("--")}
    assert of_unit ^ set(SERVICES["alertmanager"]["command"]) == {
        "--storage.path=${STATE_DIRECTORY}",
        "--storage.path=/alertmanager",
    }
    of_unit = {word for word in words_of(DEPLOY / "schoolgate-prometheus@.service") if word.startswith("--")}
    for instance, name in zip(INSTANCES, ("prometheus", "prometheus-governors"), strict=True):
        address = variables(DEPLOY / "prometheus" / f"{instance}.env")["ADDRESS"]
        told = {word.replace("%i", instance).replace("${ADDRESS}", address) for word in of_unit}
        assert told ^ set(SERVICES[name]["command"]) == {
            "--storage.tsdb.path=${STATE_DIRECTORY}",
            "--storage.tsdb.path=/prometheus",
        }


def test_the_image_of_the_gateway_is_made_of_what_is_there() -> None:
    build = SERVICES["gateway"]["build"]
    assert (COMPOSE.parent / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()
    ignored = (ROOT / f"{build['dockerfile']}.dockerignore").read_text()
    assert all((ROOT / name).exists() for name in re.findall(r"(?m)^!(.+)$", ignored))
    assert {"agent", "filters", "collectors", "rules", "pyproject.toml"} <= set(re.findall(r"(?m)^!(.+)$", ignored))
