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
ALL_UNITS = sorted(DEPLOY.glob("*.service"))
# By `systemd-analyze security`, in tenths; README says 1.9 of the gateway.
EXPOSURE = {
    "schoolgate.service": 19,
    "schoolgate-alertmanager.service": 17,
    "schoolgate-grafana@.service": 17,
    "schoolgate-prometheus@.service": 17,
}
# Where each program keeps what it must not lose, and its one folder of files.
KEPT = {"gateway": "/var/lib/schoolgate", "alertmanager": "/alertmanager"}
KEPT |= dict.fromkeys(("prometheus", "prometheus-governors"), "/prometheus")
KEPT |= dict.fromkeys(("grafana", "grafana-governors"), "/var/lib/grafana")


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


@pytest.mark.parametrize("unit", ALL_UNITS, ids=lambda path: path.stem)
def test_a_unit_is_as_shut_as_it_was(unit: Path, tmp_path: Path) -> None:
    copy = tmp_path / unit.name.replace("@.", "@school.")
    copy.write_text(unit.read_text())
    words = ["security", "--no-pager", "--offline=yes", f"--threshold={EXPOSURE[unit.name]}"]
    done = subprocess.run(
        [need("systemd-analyze"), *words, copy], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout.splitlines()[-1]


@pytest.mark.parametrize("unit", ALL_UNITS, ids=lambda path: path.stem)
def test_a_unit_comes_back_and_keeps_what_it_knows_to_itself(unit: Path) -> None:
    lines = unit.read_text().splitlines()
    state = unit.stem.replace("@", "-%i") if "@" in unit.name else unit.stem
    assert {"Restart=always", f"StateDirectory={state}", "StateDirectoryMode=0700", "UMask=0077"} <= set(lines)
    assert "SystemCallErrorNumber=EPERM" in lines


def test_the_gateway_is_an_account_of_its_own_with_one_right() -> None:
    lines = set((DEPLOY / "schoolgate.service").read_text().splitlines())
    assert {"User=schoolgate", "Group=schoolgate", "Type=notify", "KillMode=mixed", "LimitNOFILE=16384"} <= lines
    assert {"AmbientCapabilities=CAP_NET_BIND_SERVICE", "CapabilityBoundingSet=CAP_NET_BIND_SERVICE"} <= lines
    assert {"RuntimeDirectory=schoolgate", "RuntimeDirectoryMode=0700"} <= lines
    gateway, reload = (
        f"/opt/schoolgate/bin/schoolgate {each} --site /etc/schoolgate/site.yaml" for each in ("gateway", "reload")
    )
    assert {f"ExecStart={gateway}", f"ExecReload={reload}"} <= lines


def test_grafana_keeps_its_data_and_is_of_one_instance() -> None:
    unit = DEPLOY / "schoolgate-grafana@.service"
    assert "cfg:default.paths.data=${STATE_DIRECTORY}" in words_of(unit)
    assert "cfg:default.paths.plugins=${STATE_DIRECTORY}/plugins" in words_of(unit)
    assert re.findall(r"(?m)^EnvironmentFile=(.*)$", unit.read_text()) == [
        "/etc/schoolgate-watch/grafana/common.env",
        "/etc/schoolgate-watch/grafana/%i.env",
    ]


@pytest.mark.parametrize(("name", "service"), SERVICES.items(), ids=SERVICES)
def test_a_container_keeps_what_it_must_not_lose(name: str, service: dict[str, Any]) -> None:
    program = name.partition("-")[0]
    folder = "/etc/schoolgate" if name == "gateway" else f"/etc/schoolgate-watch/{program}"
    source = "/etc/schoolgate" if name == "gateway" else f"../{program}"
    assert service["volumes"] == [f"{source}:{folder}:ro", f"{name}:{KEPT[name]}"]
    assert service["network_mode"] == "host"
    assert service["restart"] == "unless-stopped"
    assert service["pids_limit"] == 512


def test_each_grafana_in_a_container_is_of_its_own_instance() -> None:
    assert SERVICES["grafana"]["env_file"] == ["../grafana/common.env", "../grafana/school.env"]
    assert SERVICES["grafana-governors"]["env_file"] == ["../grafana/common.env", "../grafana/governors.env"]
    for whose, prometheus in (("school", "school"), ("governors", "governors")):
        address = variables(DEPLOY / "prometheus" / f"{prometheus}.env")["ADDRESS"]
        given = variables(DEPLOY / "grafana" / f"{whose}.env")
        assert given["SCHOOLGATE_PROMETHEUS"] == f"http://{address}"
        assert given["SCHOOLGATE_BOARDS"].endswith(f"/{whose}")


def test_the_container_of_the_gateway_is_started_as_the_unit_does() -> None:
    (_, *unit) = words_of(DEPLOY / "schoolgate.service")
    text = (COMPOSE.parent / "Dockerfile").read_text()
    (cmd,) = re.findall(r"(?m)^CMD (.*)$", text)
    assert yaml.safe_load(cmd) == ["schoolgate", *unit]
    assert "--constraint /source/constraints.txt '/source[gateway]'" in text
    assert SERVICES["gateway"]["tmpfs"] == ["/tmp", "/run/schoolgate:mode=0700"]  # noqa: S108
    assert "http://127.0.0.1:9253/metrics" in SERVICES["gateway"]["healthcheck"]["test"][-1]


def test_one_source_for_each_grafana_and_nobody_edits() -> None:
    (source,) = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/schoolgate.yml").read_text())[
        "datasources"
    ]
    (boards,) = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/schoolgate.yml").read_text())["providers"]
    assert (source["url"], source["access"], source["isDefault"]) == ("$SCHOOLGATE_PROMETHEUS", "proxy", True)
    assert boards["options"] == {"path": "$SCHOOLGATE_BOARDS"}
    assert boards["allowUiUpdates"] is False
    given = variables(DEPLOY / "grafana" / "common.env")
    off = ("EXPLORE_ENABLED", "SNAPSHOTS_ENABLED", "ANALYTICS_CHECK_FOR_UPDATES", "PLUGINS_PLUGIN_ADMIN_ENABLED")
    assert {
        given[f"GF_{each}"] for each in (*off, "ANALYTICS_CHECK_FOR_PLUGIN_UPDATES", "NEWS_NEWS_FEED_ENABLED")
    } == {"false"}
    assert (given["GF_SECURITY_DISABLE_GRAVATAR"], given["GF_SECURITY_COOKIE_SAMESITE"]) == ("true", "strict")


def test_prometheus_asks_and_tells_as_the_rules_say() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "school.yml").read_text())
    assert config["global"] == {"scrape_interval": "15s", "scrape_timeout": "10s", "evaluation_interval": "15s"}
    assert config["rule_files"] == ["rules/*.yml"]
    ((alertmanager,),) = (each["static_configs"] for each in config["alerting"]["alertmanagers"])
    assert alertmanager["targets"] == ["127.0.0.1:9093"]
    jobs = {each["job_name"]: each for each in config["scrape_configs"]}
    assert set(jobs) == {"schoolgate", "prometheus", "alertmanager"}
    assert jobs["schoolgate"]["sample_limit"] >= 20_000
    assert all(target["labels"]["instance"] for job in jobs.values() for target in job["static_configs"])
