"""Who is told of an incident, and when: each pack on a clock of its own, and who reads it because of that."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from incidents_of_test import NOW, REASON, IncidentsOfTest

from agent.incidents.incident_routing import climbing, told_by_now
from agent.people.attempts import UnknownIdError
from agent.sites.site_packs import load_pack
from agent.storage.incident_rows import Filed
from rules.handbook import Chain, ChainStep, Citation, Handbook, PackRole
from rules.incident_kind import Kind
from rules.roles import Role
from rules.span import Span, Unit
from rules.words import NO_WORDS, words

MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)
Told = list[tuple[datetime, set[str]]]


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def with_packs(folder: Path, *packs: str) -> IncidentsOfTest:
    return IncidentsOfTest(folder, packs=[load_pack(pack) for pack in packs])


def undecided(school: IncidentsOfTest, filed: Filed, *, until: datetime) -> Told:
    """Let time pass minute by quarter; give who was told of it, and when, once each."""
    told: Told = [(school.now, set(people)) for what, _, people in school.told if what != "incident_undecided"]
    known = set().union(*(people for _, people in told))
    while school.now < until:
        before = len(school.told)
        school.later(minutes=15)
        school.incidents.sweep()
        new = {name for what, _, people in school.told[before:] if what == "incident_undecided" for name in people}
        if fresh := new - known:
            told.append((school.now, fresh))
            known |= fresh
    assert school.filed(filed).incident.state.value == "candidate"
    return told


@pytest.mark.parametrize(
    ("pack", "kind", "told"),
    [
        pytest.param(
            "uk-esafety",
            Kind.BYPASS,
            [(NOW, {"coordinator"}), (MIDNIGHT + timedelta(days=2), {"head"})],
            id="uk-esafety-the-coordinator-then-the-head-after-two-school-days",
        ),
        pytest.param(
            "uk-data-protection",
            Kind.DATA_BREACH,
            [(NOW, {"officer"}), (MIDNIGHT + timedelta(days=2), {"head"})],
            id="uk-data-protection-the-officer-first",
        ),
        pytest.param(
            "uk-data-protection",
            Kind.MEDIA,
            [(NOW, {"officer"}), (MIDNIGHT + timedelta(days=2), {"head"})],
            id="uk-data-protection-the-officer-first-of-a-stick-too",
        ),
        pytest.param(
            "nl-avg",
            Kind.DATA_BREACH,
            [
                (NOW, {"coordinator"}),
                (NOW + timedelta(hours=24), {"officer"}),
                (MIDNIGHT + timedelta(days=2), {"head"}),
            ],
            id="nl-avg-the-manager-then-the-supervisor-within-a-day",
        ),
        pytest.param(
            "qc-securite-information",
            Kind.DATA_BREACH,
            [
                (NOW, {"deputy"}),
                (NOW + timedelta(hours=1), {"head"}),
                (NOW + timedelta(hours=4), {"coordinator", "officer"}),
                (MIDNIGHT + timedelta(days=1), {"network"}),
            ],
            id="qc-the-superior-the-holder-the-coordinators-and-the-rsi",
        ),
        pytest.param(
            "jp-kosen-kojin-joho",
            Kind.DATA_BREACH,
            [(NOW, {"coordinator", "deputy"}), (MIDNIGHT + timedelta(days=1), {"head"})],
            id="jp-officer-and-manager-then-the-principal-on-the-next-school-day",
        ),
    ],
)
def test_who_is_told_when_of_what_nobody_decides(tmp_path: Path, pack: str, kind: Kind, told: Told) -> None:
    school = with_packs(tmp_path, pack)
    filed = school.open(kind, "pupil", rows=())
    assert undecided(school, filed, until=NOW + timedelta(days=4)) == told


def test_of_several_packs_everybody_who_is_first_is_told_and_the_stricter_time_holds(tmp_path: Path) -> None:
    school = with_packs(tmp_path, "uk-esafety", "uk-data-protection", "qc-securite-information")
    filed = school.open(Kind.DATA_BREACH, "pupil", rows=())
    assert undecided(school, filed, until=NOW + timedelta(days=4)) == [
        (NOW, {"coordinator", "deputy", "officer"}),
        (NOW + timedelta(hours=1), {"head"}),
        (MIDNIGHT + timedelta(days=1), {"network"}),
    ]


def test_a_weekend_is_no_school_day(tmp_path: Path) -> None:
    school = with_packs(tmp_path, "jp-kosen-kojin-joho")
    school.now = friday = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
    filed = school.open(Kind.MALWARE, "pupil", rows=())
    assert undecided(school, filed, until=friday + timedelta(days=5)) == [
        (friday, {"coordinator", "deputy", "network"}),
        (datetime(2026, 3, 10, tzinfo=UTC), {"head"}),
    ]


def test_it_goes_past_whom_it_is_about(tmp_path: Path) -> None:
    school = with_packs(tmp_path, "uk-data-protection")
    filed = school.open(Kind.DATA_BREACH, "officer", rows=())
    assert school.told[-1] == ("incident_opened", filed.number, ("head",))
    assert school.incidents.looking.queue(school.ids["officer"]) == []


# ---- who reads what came to them -----------------------------------------------------------------------------------


def test_whoever_is_first_in_a_pack_reads_those_incidents_and_no_other(tmp_path: Path) -> None:
    school = with_packs(tmp_path, "uk-esafety", "uk-data-protection")
    breach = school.open(Kind.DATA_BREACH, "pupil", rows=())
    other = school.open(Kind.GAMBLING, "pupil")
    hidden = school.open(Kind.SELF_HARM, "pupil", rows=("P15",))
    looking, officer = school.incidents.looking, school.ids["officer"]
    assert [filed.number for filed in looking.queue(officer)] == [breach.number]
    assert looking.get(officer, breach.incident.id, purpose="Is it a breach?", case=breach.number)
    for filed in (other, hidden):
        with pytest.raises(UnknownIdError):
            looking.get(officer, filed.incident.id, purpose="Is it a breach?", case=filed.number)


def test_whom_it_climbs_to_reads_it_from_then_on(tmp_path: Path) -> None:
    school = with_packs(tmp_path, "nl-avg")
    filed = school.open(Kind.DATA_BREACH, "pupil", rows=())
    queue = school.incidents.looking.queue
    assert queue(school.ids["officer"]) == []
    school.later(hours=24)
    school.incidents.sweep()
    assert [each.number for each in queue(school.ids["officer"])] == [filed.number]
    with school.store.read() as database:
        known = told_by_now(school.incidents.desk, database, school.filed(filed))
    assert school.names(known) == {"coordinator", "officer"}


def test_who_read_it_for_its_kind_alone_does_so_no_more_when_it_is_another(tmp_path: Path) -> None:
    school = with_packs(tmp_path, "uk-esafety", "uk-data-protection")
    filed = school.open(Kind.DATA_BREACH, "pupil", rows=())
    decisions = school.incidents.decisions
    decisions.reclassify(school.ids["head"], filed.incident.id, version=1, kind=Kind.GAMES, reason=REASON)
    assert school.incidents.looking.queue(school.ids["officer"]) == []
    decisions.reclassify(school.ids["head"], filed.incident.id, version=2, kind=Kind.DATA_BREACH, reason=REASON)
    assert school.told[-1] == ("incident_reclassified", filed.number, ("officer",))


def test_what_is_said_to_be_serious_is_told_at_once(tmp_path: Path) -> None:
    school = with_packs(tmp_path, "nl-avg")
    filed = school.open(Kind.DATA_BREACH, "pupil", rows=())
    school.incidents.decisions.reclassify(
        school.ids["coordinator"], filed.incident.id, version=1, is_serious=True, reason=REASON
    )
    assert school.told[-1] == ("incident_reclassified", filed.number, ("chair",))
    assert [each.number for each in school.incidents.looking.queue(school.ids["chair"])] == [filed.number]


# ---- packs of a school's own ---------------------------------------------------------------------------------------


def chain_to(*roles: Role) -> Handbook:
    cites = Citation("5", 1, NO_WORDS, "")
    held = {
        role.value: PackRole(role.value, words(en=role.value), role, is_outside=False, cites=cites) for role in roles
    }
    steps = tuple(ChainStep(role.value, Span(1, Unit.HOURS)) for role in roles)
    return Handbook(roles=held, chains={"c": Chain("c", frozenset({Kind.GAMBLING}), steps, cites)})


@pytest.mark.parametrize(
    ("about", "roles", "told"),
    [
        pytest.param(
            "pupil",
            (Role.SAFEGUARDING_LEAD, Role.HEAD_TEACHER),
            [("lead",), ("head",)],
            id="the-chain-of-the-pack",
        ),
        pytest.param("pupil", (Role.TECHNICIAN,), [("technician",), ("head",)], id="then-the-head-teacher"),
        pytest.param("coordinator", (Role.ICT_COORDINATOR,), [("head",)], id="whom-it-is-about-is-passed-by"),
    ],
)
def test_an_ordinary_matter_climbs_the_chain_of_its_kind(
    school: IncidentsOfTest, about: str, roles: Sequence[Role], told: list[tuple[str, ...]]
) -> None:
    filed = school.open(about=about, rows=())
    (pack,) = school.incidents.desk.packs()
    own = (replace(pack, handbook=chain_to(*roles)),)
    desk = replace(school.incidents.desk, packs=lambda: own)
    with school.store.read() as database:
        chain = climbing(desk, database, filed)
    assert [tuple(school.names(people)) for people in chain] == told


def test_no_pack_sends_what_is_confidential_elsewhere(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.SELF_HARM, rows=("P15",))
    (pack,) = school.incidents.desk.packs()
    handbook = chain_to(Role.ICT_COORDINATOR)
    chains = {"c": replace(handbook.chains["c"], kinds=frozenset({Kind.SELF_HARM}))}
    pack = replace(pack, handbook=replace(handbook, chains=chains))
    desk = replace(school.incidents.desk, packs=lambda: (pack,))
    with school.store.read() as database:
        assert [tuple(school.names(people)) for people in climbing(desk, database, filed)] == [("lead",), ("head",)]
