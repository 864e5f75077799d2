"""Every query of every dashboard gives what it should, of a school that lives; and what breaks is seen, and told.

Grafana itself is not here: what it would ask Prometheus is asked, with its variables filled in.
"""

import json
import math
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from conftest import Upstream, wait_until
from living_school import School, open_school
from signed_in import YEAR5, lift
from signed_laptops import Laptop, laptop_of
from watching import DEPLOY, Program, Prometheus, alertmanager_of, governors_of, prometheus_of

from agent.dns.shared_memory import SharedMemory
from agent.dns.snapshot import read_snapshot, write_snapshot
from rules.policy import Rulebook
from rules.roles import Role

STAFF = "127.0.0.2"
PEOPLE = {"cora": Role.ICT_COORDINATOR, "nadia": Role.NETWORK_MANAGER, "tess": Role.CLASS_TEACHER}
NOTHING = timedelta(0)
SOON = 60.0
BOARDS = sorted((DEPLOY / "grafana" / "dashboards").rglob("*.json"))
QUERIES = {
    f"{path.stem}-{panel['id']}{target['refId']}": (path.parent.name, target)
    for path in BOARDS
    for panel in json.loads(path.read_text())["panels"]
    for target in panel["targets"]
}
# What Grafana puts in place of its variables, where everything is chosen.
VARIABLES = {"$__rate_interval": "4s", "$audience": ".+", "$instance": ".+"}
# What may be empty in a school where all is well, or which is new, and why. What it is worked out from must be there.
ALERTS = (
    'sort(0 * count by (severity, alertname) (ALERTS{alertstate="firing", severity="critical"})'
    ' or 1 + 0 * count by (severity, alertname) (ALERTS{alertstate="firing"}))'
)
MAY_BE_EMPTY = {
    ALERTS: "nothing is wrong",
    "a week ago": "this school is not a week old",
    "governors:override_waiting_seconds:p50": "fewer than five have asked",
    "governors:disks_encrypted:tenths": "there are fewer than twenty laptops",
    "governors:laptops_filtered:tenths": "there are fewer than twenty laptops",
}


@dataclass
class Watched:
    """A school, and what watches it."""

    school: School
    prometheus: Prometheus
    governors: Prometheus
    alertmanager: Program

    def source_of(self, folder: str) -> Prometheus:
        return self.governors if folder == "governors" else self.prometheus

    def fires(self, alert: str) -> bool:
        return alert in self.prometheus.firing()


def live(school: School) -> Laptop:
    """Let happen what happens in a school, once."""
    tess, nadia, cora = (school.clients[login] for login in ("tess", "nadia", "cora"))
    for place in range(2):
        made = tess.post("/overrides", lift(("casino.example", "games.example")[place]))
        if not place:
            nadia.post(f"/overrides/{made['id']}/approve", version=made["version"])
    for number in range(8):
        tess.post("/reports", {"about": "other", "text": f"Somebody wrote on desk {number}.", "whom": "pupil"})
    for case, what in zip(school.candidates(), ("dismiss", "dismiss"), strict=False):
        school.act("cora", case, what, dismissal="lesson", words="It was asked for in a lesson.")
    cora.get("/status")
    laptop = laptop_of(school, address=STAFF)
    laptop.tell(
        ("posture", NOTHING, {"check": "disk_encryption", "state": "on"}),
        ("filter", NOTHING, {"seen": "answered_by_us", "open": []}),
    )
    laptop.beat()
    return laptop


def ask(school: School, *, since: int = 0) -> None:
    """Let a class and the staff ask for this and that; `since` is the first of the names that are not known yet."""
    for _ in range(150):
        school.gateway.ask("poker.test", source=YEAR5)
    for number in range(since, since + 20):
        school.gateway.ask(f"n{number}.bulk.example", source=STAFF)
        school.gateway.ask("www.example", source=STAFF, tcp=True)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    with ExitStack() as stack:
        school = open_school(folder / "site", upstream, stack, people=PEOPLE)
        live(school)
        ask(school)
        alertmanager = alertmanager_of(folder / "alertmanager")
        stack.enter_context(alertmanager.running())
        prometheus = prometheus_of(
            folder / "prometheus", gateway=school.gateway.metrics_port, alertmanager=alertmanager.port
        )
        stack.enter_context(prometheus.running())
        governors = governors_of(folder / "governors", prometheus=prometheus)
        stack.enter_context(governors.running())
        wait_until(lambda: prometheus.value("schoolgate_record_intact") == 1, seconds=SOON)
        wait_until(lambda: prometheus.value("schoolgate_unlogged_open_canaries") == 0, seconds=SOON)
        wait_until(lambda: prometheus.value("schoolgate_device_disks{encrypted='yes'}") == 1, seconds=SOON)
        ask(school, since=100)
        wait_until(lambda: governors.value("governors:blocked_queries:hundreds7d"), seconds=SOON)
        yield Watched(school, prometheus, governors, alertmanager)


def filled_in(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    assert "$" not in expression
    return expression


def known_metrics(watched: Watched) -> set[str]:
    """Give the name of every metric that the gateway or a rule says there is."""
    told = set(re.findall(r"^# TYPE (\S+) ", watched.school.gateway.get("/metrics")[1], re.MULTILINE))
    shapes = {f"{name}{ending}" for name in told for ending in ("", "_bucket", "_gcount", "_gsum")}
    return shapes | {"ALERTS"} | {rule["name"] for rule in watched.prometheus.rules()}


def why_empty(expression: str, name: str) -> str:
    return MAY_BE_EMPTY.get(expression) or MAY_BE_EMPTY.get(name) or ""


@pytest.mark.parametrize(("folder", "target"), QUERIES.values(), ids=QUERIES)
def test_every_query_of_every_panel_gives_something(watched: Watched, folder: str, target: dict[str, Any]) -> None:
    expression = filled_in(target["expr"])
    source = watched.source_of(folder)

    def found() -> list[dict[str, Any]]:
        return source.query(expression) if target["instant"] else source.query_range(expression, seconds=60)

    if why_empty(target["expr"], target["legendFormat"]):
        named = set(re.findall(r"\b(?:schoolgate|governors)[_:][a-z0-9_:]+|\bALERTS\b", expression))
        assert named
        assert named <= known_metrics(watched)
        assert found() == [], "the reason for its being empty is none any more"
        return
    wait_until(found, seconds=10)
    rows = found()
    numbers = [float(value) for row in rows for _, value in row.get("values", [row.get("value")])]
    assert not all(map(math.isnan, numbers)), "not a number"
    labels = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
    assert all(labels <= set(row["metric"]) for row in rows)


def test_every_reason_for_being_empty_is_somebodys() -> None:
    said = {
        key for _, each in QUERIES.values() for key in (each["expr"], each["legendFormat"]) if key in MAY_BE_EMPTY
    }
    assert said == set(MAY_BE_EMPTY)


def test_every_rule_can_be_worked_out(watched: Watched) -> None:
    wait_until(lambda: all(rule["health"] != "unknown" for rule in watched.prometheus.rules()))
    rules = watched.prometheus.rules()
    assert len(rules) > 60
    assert [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"] == []


def test_every_figure_that_a_rule_looks_at_is_one_of_the_gateway_or_of_another_rule(watched: Watched) -> None:
    text = " ".join(path.read_text() for path in (DEPLOY / "prometheus" / "rules").glob("*.yml"))
    looked_at = set(re.findall(r"\bschoolgate[_:][a-z0-9_:]+", text))
    assert len(looked_at) > 40
    assert looked_at <= known_metrics(watched)


def test_nothing_fires_in_a_school_where_all_is_well(watched: Watched) -> None:
    wait_until(lambda: not watched.prometheus.firing())


def test_what_governors_may_ask_is_what_they_are_shown_and_nothing_else(watched: Watched) -> None:
    names = set(watched.governors.get("/api/v1/label/__name__/values")["data"])
    own = {name for name in names if name == "up" or name.startswith("scrape_")}
    assert {name for name in names - own if not name.startswith("governors:")} == set()
    assert watched.governors.value('governors:incidents_open:fives{row="none"}') == 5, "of six"
    assert watched.governors.value('governors:candidates_decided:fives{decision="dismissed"}') == 0, "of two"
    blocked = watched.governors.value('governors:blocked_queries:hundreds7d{category="gambling"}')
    assert blocked is not None
    assert blocked % 100 == 0
    counts = watched.governors.query('{__name__=~"governors:.+:fives"}')
    assert counts
    assert all(float(each["value"][1]) % 5 == 0 for each in counts)


def test_no_label_is_a_person_a_device_an_address_or_a_name(watched: Watched) -> None:
    school = watched.school
    secrets = {*PEOPLE, *(login.title() for login in PEOPLE), *school.staff.people.values(), *school.pupils}
    secrets |= {"casino", "poker", "bulk", "laptop-7", "Deputy", school.device(YEAR5)}
    for source in (watched.prometheus, watched.governors):
        labels = source.get("/api/v1/labels")["data"]
        values = {label: source.get(f"/api/v1/label/{label}/values")["data"] for label in labels}
        ours = {
            value
            for each in source.query('{__name__=~"(schoolgate|governors).+"}')
            for value in each["metric"].values()
        }
        assert ours
        assert [value for value in ours if re.search(r"\d+\.\d+\.\d+\.\d+|::", value.replace("::", ":"))] == []
        told = json.dumps(values)
        assert [secret for secret in secrets if secret in told] == []


# ---- what breaks


def test_a_worker_that_hangs_is_told_of(watched: Watched) -> None:
    (pid,) = watched.school.gateway.worker_pids()
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: watched.fires("SchoolgateWorkerSilent"), seconds=SOON)
    shown = {each["metric"]["alertname"]: each["metric"]["severity"] for each in watched.prometheus.query(ALERTS)}
    assert shown["SchoolgateWorkerSilent"] == "critical"
    wait_until(lambda: not watched.fires("SchoolgateWorkerSilent"), seconds=SOON)
    assert watched.school.gateway.worker_pids() != [pid], "another one was started"


def test_an_intake_that_hangs_is_told_of(watched: Watched) -> None:
    (pid,) = watched.school.gateway.children("agent.gateway.intake")
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: watched.fires("SchoolgateActivityNotStored"), seconds=SOON)
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: not watched.fires("SchoolgateActivityNotStored"), seconds=SOON)


def test_an_upstream_that_is_gone_is_told_of_and_so_is_its_return(watched: Watched, upstream: Upstream) -> None:
    upstream.stop()
    try:
        for number in range(30, 34):
            watched.school.gateway.ask(f"n{number}.bulk.example", source=STAFF)
        wait_until(
            lambda: {"SchoolgateUpstreamDown", "SchoolgateNoUpstream"} <= watched.prometheus.firing(), seconds=SOON
        )
    finally:
        upstream.start()
    gateway = watched.school.gateway
    wait_until(lambda: gateway.ask(f"n{time.monotonic_ns() % 300}.bulk.example", source=STAFF).answer)
    wait_until(lambda: not watched.fires("SchoolgateNoUpstream"), seconds=SOON)


def test_a_filter_that_is_off_without_a_record_is_told_of_to_people_and_to_governors(watched: Watched) -> None:
    runtime = watched.school.gateway.folder / "runtime"
    honest = read_snapshot(runtime / "snapshot.json")
    with SharedMemory.open(runtime / "shared.mem", writable=True) as memory:
        slipped_in = replace(
            honest, site=replace(honest.site, rulebook=Rulebook()), generation=memory.policy_generation + 1
        )
        write_snapshot(runtime / "snapshot.json", slipped_in)
        memory.publish(index_generation=honest.index_generation, policy_generation=slipped_in.generation)
    wait_until(lambda: watched.fires("SchoolgateFilterOffWithoutRecord"), seconds=SOON)
    wait_until(lambda: watched.governors.value("governors:filter_on:bool") == 0, seconds=SOON)

    def told() -> set[str]:
        return {each["labels"]["alertname"] for each in watched.alertmanager.get("/api/v2/alerts")}

    wait_until(lambda: "SchoolgateFilterOffWithoutRecord" in told(), seconds=SOON)
    assert watched.school.gateway.run("reload").returncode == 0
    wait_until(lambda: not watched.fires("SchoolgateFilterOffWithoutRecord"), seconds=90)


def test_a_gateway_that_is_gone_is_told_of_and_is_not_on(watched: Watched) -> None:
    watched.school.gateway.stop()
    wait_until(lambda: watched.fires("SchoolgateGatewayDown"), seconds=SOON)
    assert watched.prometheus.value("min(schoolgate:filter_on:bool)") == 0
    assert not watched.fires("SchoolgateFilterNotTold"), "one cause is told once"


def test_alerts_that_do_not_go_out_are_told_of(watched: Watched) -> None:
    """There is no mail server here, and that the gateway is gone is to be told."""
    wait_until(lambda: watched.fires("SchoolgateGatewayDown"), seconds=SOON)
    wait_until(lambda: watched.fires("SchoolgateAlertsNotSent"), seconds=SOON)
