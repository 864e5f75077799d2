"""What the packs ask for: steps that all survive, clocks with the steps that stop them, and put together once."""

from dataclasses import replace
from pathlib import Path

import pytest
from incidents_of_test import IncidentsOfTest

from agent.incidents.incident_chains import Chains
from agent.sites.site_packs import load_pack
from agent.storage.incident_rows import RunningClock
from rules.incident import Incident
from rules.incident_kind import Kind
from rules.policy_pack import Pack
from rules.roles import Role
from rules.span import Span, Unit

JAPAN, UK, DUTCH, QUEBEC, ESAFETY = (
    "jp-kosen-kojin-joho",
    "uk-data-protection",
    "nl-avg",
    "qc-securite-information",
    "uk-esafety",
)


def chains(*packs: str) -> Chains:
    loaded = [load_pack(pack) for pack in packs]
    return Chains(lambda: loaded)


@pytest.fixture
def breach(tmp_path: Path) -> Incident:
    return IncidentsOfTest(tmp_path).open(Kind.DATA_BREACH, rows=()).incident


def asked(found: Chains, incident: Incident) -> list[str]:
    return [action.id for action in found.steps(incident)]


def test_two_steps_of_one_role_are_two(breach: Incident) -> None:
    found = chains(JAPAN)
    assert "refer_head_teacher" in asked(found, breach)
    assert "refer_head_teacher_serious" not in asked(found, breach)
    serious = asked(found, replace(breach, is_serious=True))
    assert "refer_head_teacher_serious" in serious
    assert "refer_head_teacher" not in serious
    (pack,) = (load_pack(JAPAN),)
    chain = pack.handbook.chains["leak"]
    twice = replace(chain, steps=(*chain.steps, *(step for step in chain.steps if step.to == "president")))
    pack = replace(pack, handbook=replace(pack.handbook, chains={"leak": twice}))
    assert {"refer_president", "refer_president_2"} <= set(asked(Chains(lambda: (pack,)), breach))


def test_what_two_packs_ask_alike_is_one_step_in_the_stricter_time(breach: Incident) -> None:
    found = chains(QUEBEC, DUTCH)
    officers = [action for action in found.steps(breach) if action.owners == ("data_protection_officer",)]
    assert [(action.id, action.within) for action in officers] == [
        ("refer_data_protection_officer", Span(4, Unit.HOURS))
    ]


def test_where_a_row_was_accepted_its_table_says_who_and_clocks_stay(breach: Incident) -> None:
    found = chains(ESAFETY, UK, JAPAN)
    row = replace(breach, row="P10")
    assert asked(found, row) == ["refer_regulator", "clock_regulator_further_report", "clock_regulator_final_report"]
    assert "refer_head_teacher_serious" in asked(found, replace(row, is_serious=True))


@pytest.mark.parametrize(
    ("packs", "roles"),
    [
        pytest.param((ESAFETY,), {Role.ICT_COORDINATOR, Role.HEAD_TEACHER}, id="no-leader-for-what-is-restricted"),
        pytest.param(
            (UK,),
            {Role.DATA_PROTECTION_OFFICER, Role.HEAD_TEACHER, Role.NETWORK_MANAGER},
            id="uk-data-protection",
        ),
        pytest.param((), set(), id="no-pack"),
    ],
)
def test_to_which_roles_an_ordinary_incident_may_come(packs: tuple[str, ...], roles: set[Role]) -> None:
    assert chains(*packs).reading() == roles


def test_who_is_first_of_what_is_ordinary_alone(breach: Incident, tmp_path: Path) -> None:
    found = chains(ESAFETY, UK)
    assert found.first(breach) == {Role.ICT_COORDINATOR, Role.DATA_PROTECTION_OFFICER}
    (folder := tmp_path / "other").mkdir()
    school = IncidentsOfTest(folder)
    hidden = school.open(Kind.GROOMING, rows=()).incident
    assert found.first(hidden) == frozenset()


def test_packs_that_change_count_at_once(breach: Incident) -> None:
    packs: list[Pack] = [load_pack(ESAFETY)]
    found = Chains(lambda: packs)
    assert found.first(breach) == {Role.ICT_COORDINATOR}
    packs[:] = [load_pack(UK)]
    assert found.first(breach) == {Role.DATA_PROTECTION_OFFICER}
    assert found.reading() == {Role.DATA_PROTECTION_OFFICER, Role.HEAD_TEACHER, Role.NETWORK_MANAGER}


@pytest.mark.parametrize(
    ("pack", "is_serious", "asks"),
    [(JAPAN, None, True), (JAPAN, False, False), (JAPAN, True, False), (UK, None, False)],
)
def test_whether_it_is_serious_is_asked_where_it_makes_a_difference(
    breach: Incident, pack: str, *, is_serious: bool | None, asks: bool
) -> None:
    assert chains(pack).asks_whether_serious(replace(breach, is_serious=is_serious)) == asks


def test_what_a_clock_is_for(breach: Incident) -> None:
    found = chains(UK)
    clock = RunningClock("regulator_notice", UK, breach.opened_at, breach.opened_at)
    assert str(found.title_of(clock)) == "Reporting a breach to the regulator"
    assert str(found.title_of(replace(clock, pack="gone"))) == "regulator notice"
