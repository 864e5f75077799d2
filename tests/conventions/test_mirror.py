"""Every source file has its test file, and every test file its source."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("agent", "filters", "collectors", "rules")

# Programs, which are tested as programs: what tests each.
TESTED_AS_PROGRAMS = {
    "agent/cli.py": "end_to_end/test_commands.py",
    "agent/gateway/gateway.py": "end_to_end/test_faults.py",
    "agent/gateway/gateway_metrics.py": "end_to_end/test_metrics_live.py",
    "agent/dns/dns_worker.py": "end_to_end/test_answers.py",
}
# Values without behaviour, held by the tests of those who make and read them.
VALUES = {
    "agent/sites/site.py",
    "rules/errors.py",
    "rules/event.py",
    "rules/handbook.py",
    "rules/incident_kind.py",
    "rules/policy.py",
    "rules/policy_pack.py",
    "rules/subject.py",
    "rules/verdict.py",
    "rules/visibility.py",
    "agent/dns/dns_worker_job.py",
}


def modules() -> list[Path]:
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return [path.relative_to(ROOT) for path in found if path.name != "__init__.py"]


def test_every_module_has_its_test() -> None:
    tests = {path.name for path in (ROOT / "tests" / "unit").rglob("test_*.py")}
    missing = [
        str(module)
        for module in modules()
        if f"test_{module.stem}.py" not in tests
        and str(module) not in TESTED_AS_PROGRAMS
        and str(module) not in VALUES
    ]
    assert not missing


def test_programs_are_tested_where_it_is_said() -> None:
    assert all((ROOT / "tests" / place).exists() for place in TESTED_AS_PROGRAMS.values())


def test_every_unit_test_has_its_module() -> None:
    stems = {f"test_{module.stem}.py" for module in modules()}
    strangers = [path.name for path in (ROOT / "tests" / "unit").rglob("test_*.py") if path.name not in stems]
    assert not strangers
