"""The alerts: each fires when it must and not before, and says what to do in words and commands that there are."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from parts import need
from watching import DEPLOY

from agent.cli import app

PROMETHEUS = DEPLOY / "prometheus"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
GROUPS = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
ALERTS = {rule["alert"]: rule for group in GROUPS for rule in group["rules"] if "alert" in rule}
COMMANDS = {
    f"{name}: {command}": command
    for name, rule in ALERTS.items()
    for command in re.findall(r"`([^`]+)`", rule["annotations"]["description"])
}
# What stands for something of the school's own.
PLACES = {"NAME": "www.example", "GROUP": "pupil", "LAPTOP": "d1"}
CRITICAL = {
    *("SchoolgateGatewayDown", "SchoolgateNobodyAsks", "SchoolgateWorkerSilent", "SchoolgateWorkerBehind"),
    *("SchoolgateNoUpstream", "SchoolgateFilterNotAsApproved", "SchoolgateFilterOffWithoutRecord"),
    *("SchoolgateFilterUnknown", "SchoolgateStateUnreadable", "SchoolgateChainBroken"),
    *("SchoolgateIncidentClockOverdue", "SchoolgateCertificateEnded", "SchoolgateAlertmanagerDown"),
    "SchoolgateAlertsNotSent",
}
# Told by nothing else where it is missing: it may be that there is none, or it comes with another that is missed.
NOT_MISSED = {
    "schoolgate_list_update_refused": "comes with schoolgate_list_stale",
    "schoolgate_record_intact": "comes with schoolgate_record_verified_time_seconds",
    "schoolgate_record_anchor_time_seconds": "is missed after three days: school_days.yml",
    "schoolgate_notices_given_up": "comes with schoolgate_oldest_notice_age_seconds",
    "schoolgate_silent_devices": "a school may have no laptops",
    "schoolgate_device_disks": "a school may have no laptops",
}
FIRING = 'count(ALERTS{alertstate="firing"}) > bool 0'


def run(*words: str | Path, cwd: Path = PROMETHEUS) -> None:
    program, *rest = words
    done = subprocess.run(
        [need(str(program)), *rest], cwd=cwd, capture_output=True, text=True, timeout=220, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_every_rule() -> None:
    run("promtool", "check", "rules", "--lint=all", "--lint-fatal", *RULES)


@pytest.mark.parametrize("config", ["school.yml", "governors.yml"])
def test_promtool_takes_every_configuration(config: str) -> None:
    run("promtool", "check", "config", config)


def test_amtool_takes_the_configuration() -> None:
    run("amtool", "check-config", DEPLOY / "alertmanager" / "alertmanager.yml")


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_the_alerts_are_as_their_tests_say(path: Path) -> None:
    run("promtool", "test", "rules", path.name, cwd=path.parent)


def test_every_alert_is_seen_firing_and_seen_silent() -> None:
    seen: set[tuple[str, bool]] = set()
    for path in TESTS:
        for story in yaml.safe_load(path.read_text())["tests"]:
            for each in story["promql_expr_test"]:
                seen |= {(name, bool(each["exp_samples"])) for name in re.findall(r"Schoolgate\w+", each["expr"])}
    assert {(name, fires) for name in ALERTS for fires in (True, False)} == seen


def test_a_healthy_school_has_every_figure_that_alerts_look_at() -> None:
    (healthy, *_) = yaml.safe_load((PROMETHEUS / "tests" / "healthy.yml").read_text())["tests"]
    given = {each["series"].partition("{")[0] for each in healthy["input_series"]}
    needed = {name for rule in ALERTS.values() for name in re.findall(r"\bschoolgate_\w+", rule["expr"])}
    assert needed <= given


@pytest.mark.parametrize(("name", "rule"), ALERTS.items(), ids=ALERTS)
def test_an_alert_says_how_bad_it_is_what_it_is_and_what_to_do(name: str, rule: dict[str, Any]) -> None:
    assert re.fullmatch(r"Schoolgate[A-Z][A-Za-z]+", name)
    assert rule["labels"] in ({"severity": "critical"}, {"severity": "warning"})
    assert rule["for"]
    told = rule["annotations"]
    assert set(told) == {"summary", "description"}
    assert len(told["summary"]) <= 100
    assert all(text.endswith(".") for text in told.values())
    assert "`" in told["description"], "a command, or a place to look at"


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_what_an_alert_says_to_run_can_be_run(command: str) -> None:
    program, *words = shlex.split(command)
    if program != "schoolgate" or words == ["--version"]:
        return
    read: Any = typer.main.get_command(app)
    while hasattr(read, "commands"):
        read = read.commands[words.pop(0)]
    needed = {param.name for param in read.params if param.required}
    if needed and not words:
        return
    with read.make_context(read.name, [PLACES.get(word, word) for word in words]):
        pass


def test_every_alert_of_one_that_is_worse_holds_it_back() -> None:
    config = yaml.safe_load((DEPLOY / "alertmanager" / "alertmanager.yml").read_text())
    named = set(re.findall(r"Schoolgate\w+", str(config["inhibit_rules"])))
    assert named
    assert named <= set(ALERTS)
    assert {each["receiver"] for each in config["route"]["routes"]} <= {each["name"] for each in config["receivers"]}
    assert set(re.findall(r"[\w.-]+@([\w.-]+)", str(config))) == {"school.example"}


def test_every_alert_is_in_the_readme() -> None:
    told = (DEPLOY.parent / "README.md").read_text()
    assert [name for name in ALERTS if f"`{name}`" not in told] == []


def test_what_cannot_wait_is_critical() -> None:
    assert {name for name, rule in ALERTS.items() if rule["labels"]["severity"] == "critical"} == CRITICAL


@pytest.mark.parametrize(
    ("severity", "told"),
    [
        ("critical", {"technicians@school.example", "coordinator@school.example"}),
        ("warning", {"technicians@school.example"}),
        ("", {"technicians@school.example"}),
    ],
)
def test_somebody_is_told_of_every_alert(severity: str, told: set[str]) -> None:
    path = DEPLOY / "alertmanager" / "alertmanager.yml"
    words = [
        need("amtool"),
        "config",
        "routes",
        "test",
        f"--config.file={path}",
        f"severity={severity}",
        "alertname=A",
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    (receiver,) = (
        each for each in yaml.safe_load(path.read_text())["receivers"] if each["name"] == done.stdout.strip()
    )
    assert {each["to"] for each in receiver["email_configs"]} == told
    assert all(each["send_resolved"] for each in receiver["email_configs"])


def test_what_is_serious_is_told_soon_and_again() -> None:
    config = yaml.safe_load((DEPLOY / "alertmanager" / "alertmanager.yml").read_text())
    (serious,) = config["route"]["routes"]
    assert (serious["group_wait"], serious["repeat_interval"]) == ("10s", "2h")
    assert config["route"]["group_by"] == ["alertname"]
    assert config["global"]["smtp_require_tls"] is True


def test_an_alert_holds_back_what_follows_from_it_on_the_same_gateway_alone() -> None:
    config = yaml.safe_load((DEPLOY / "alertmanager" / "alertmanager.yml").read_text())
    held_back = {
        (source, target, *each["equal"])
        for each in config["inhibit_rules"]
        for source in re.findall(r"Schoolgate\w+", str(each["source_matchers"]))
        for target in re.findall(r"Schoolgate\w+", str(each["target_matchers"]))
    }
    assert held_back == {
        ("SchoolgateGatewayDown", "SchoolgateWorkerSilent", "instance"),
        ("SchoolgateGatewayDown", "SchoolgateWorkerBehind", "instance"),
        ("SchoolgateGatewayDown", "SchoolgateFilterUnknown", "instance"),
        ("SchoolgateNoUpstream", "SchoolgateUpstreamDown", "instance"),
        ("SchoolgateCertificateEnded", "SchoolgateCertificateEnding", "instance", "shown_by"),
        ("SchoolgateIncidentClockOverdue", "SchoolgateIncidentClockEnding", "instance"),
        ("SchoolgateFilterUnknown", "SchoolgateCanaryFailed", "instance"),
    }
    assert all("Schoolgate" in str(each["source_matchers"]) for each in config["inhibit_rules"])


def test_every_figure_that_an_alert_needs_is_missed_where_it_is_not_told(tmp_path: Path) -> None:
    (healthy, *_) = yaml.safe_load((PROMETHEUS / "tests" / "healthy.yml").read_text())["tests"]
    given = healthy["input_series"]
    needed = {name for rule in ALERTS.values() for name in re.findall(r"\bschoolgate_\w+", rule["expr"])}
    stories = [
        {
            "name": name,
            "interval": "5m",
            "input_series": [each for each in given if each["series"].partition("{")[0] != name],
            "promql_expr_test": [{"expr": FIRING, "eval_time": "2h", "exp_samples": [{"labels": "{}", "value": 1}]}],
        }
        for name in sorted(needed - set(NOT_MISSED))
    ]
    rules = [str(path) for path in RULES if path.stem != "governors"]
    text = yaml.safe_dump({"rule_files": rules, "evaluation_interval": "5m", "tests": stories})
    (tmp_path / "missed.yml").write_text(text)
    run("promtool", "test", "rules", tmp_path / "missed.yml")
