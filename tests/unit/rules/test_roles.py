"""The table of rights cell by cell, and the separations that it stands for."""

from itertools import product

import pytest

from rules.roles import (
    APPROVERS,
    DECIDING,
    MANAGERS,
    PRIVILEGED,
    RIGHTS,
    SENSITIVE_APPROVERS,
    SUSPENSION_AUTHORITIES,
    Right,
    Role,
    parse_role,
    rights_of,
)

DECIDERS = "head_teacher ict_coordinator network_manager"
LEADERS = f"{DECIDERS} slt"
# Written the other way round than the table itself: who holds a right.
HOLDERS = {
    "request_override": f"{LEADERS} teacher staff class_teacher key_stage_leader safeguarding_lead",
    "decide_override": DECIDERS,
    "decide_sensitive_override": "ict_coordinator safeguarding_lead",
    "revoke_override": f"{DECIDERS} safeguarding_lead",
    "break_glass": DECIDERS,
    "countersign": f"{DECIDERS} safeguarding_lead",
    "read_overrides": f"{LEADERS} key_stage_leader technician safeguarding_lead",
    "request_suspension": f"{LEADERS} technician",
    "agree_suspension": DECIDERS,
    "end_suspension": f"{LEADERS} technician safeguarding_lead",
    "draft_filter_change": "ict_coordinator network_manager technician safeguarding_lead",
    "approve_filter_change": DECIDERS,
    "read_incidents": "head_teacher ict_coordinator safeguarding_lead",
    "read_accesses": "data_protection_officer",
    "count_incidents": "head_teacher ict_coordinator safeguarding_lead slt data_protection_officer esafety_governor",
    "read_record": "head_teacher ict_coordinator data_protection_officer auditor",
    "verify_record": f"{DECIDERS} data_protection_officer esafety_governor auditor",
    "export_record": "head_teacher data_protection_officer auditor",
    "sign_off_record": "esafety_governor",
    "erase_personal": "head_teacher",
    "manage_people": DECIDERS,
    "read_people": f"{DECIDERS} technician",
    "issue_tokens": "ict_coordinator network_manager",
    "manage_devices": "ict_coordinator network_manager",
    "read_devices": "ict_coordinator network_manager technician",
    "use_media": f"{LEADERS} teacher staff class_teacher key_stage_leader safeguarding_lead technician",
    "manage_media": f"{DECIDERS} technician",
    "decide_media_exception": DECIDERS,
    "tell_sign_ins": "ict_coordinator network_manager",
    "tell_observations": "ict_coordinator network_manager",
}
ONLY_READS = (Role.DATA_PROTECTION_OFFICER, Role.ESAFETY_GOVERNOR, Role.AUDITOR)


@pytest.mark.parametrize(
    ("role", "right"), [pytest.param(*cell, id=f"{cell[0]}-{cell[1]}") for cell in product(Role, Right)]
)
def test_each_cell_of_the_table(role: Role, right: Right) -> None:
    assert (right in RIGHTS[role]) == (role in HOLDERS[right].split())


def test_every_role_stands_in_the_table_and_every_right_is_held_by_somebody() -> None:
    assert set(RIGHTS) == set(Role)
    assert rights_of(Role) == set(Right)
    assert set(HOLDERS) == set(Right)


def test_who_decides_is_confirmed_by_a_second_person() -> None:
    assert set(DECIDING) == set(Role) - {
        Role.PUPIL,
        Role.TEACHER,
        Role.STAFF,
        Role.CLASS_TEACHER,
        Role.KEY_STAGE_LEADER,
        Role.AUDITOR,
    }
    # Whoever is one of the two people whom a change takes, as the one who asks or the one who decides.
    both = {
        Right.DRAFT_FILTER_CHANGE,
        Right.APPROVE_FILTER_CHANGE,
        Right.REQUEST_SUSPENSION,
        Right.AGREE_SUSPENSION,
        Right.DECIDE_OVERRIDE,
        Right.READ_INCIDENTS,
    }
    assert {role for role in Role if RIGHTS[role] & both} <= DECIDING


def test_who_manages_people() -> None:
    assert set(MANAGERS) == {Role.HEAD_TEACHER, Role.ICT_COORDINATOR, Role.NETWORK_MANAGER}


def test_a_pupil_has_no_right() -> None:
    assert not RIGHTS[Role.PUPIL]


def test_a_technician_does_not_read_incidents() -> None:
    assert Right.READ_INCIDENTS not in RIGHTS[Role.TECHNICIAN]


def test_the_coordinator_reads_the_record_and_there_is_no_right_to_edit_it() -> None:
    assert Right.READ_RECORD in RIGHTS[Role.ICT_COORDINATOR]
    assert {right for right in Right if right.endswith("_record")} == {
        Right.READ_RECORD,
        Right.VERIFY_RECORD,
        Right.EXPORT_RECORD,
        Right.SIGN_OFF_RECORD,
    }


@pytest.mark.parametrize("role", ONLY_READS)
def test_who_watches_over_the_others_reads_and_never_decides(role: Role) -> None:
    reading = {right for right in Right if right.startswith(("read_", "verify_", "export_", "sign_off_", "count_"))}
    assert RIGHTS[role] <= reading - {Right.READ_INCIDENTS, Right.READ_PEOPLE}


def test_filtering_is_never_the_sole_responsibility_of_one_role() -> None:
    for right in (Right.DECIDE_OVERRIDE, Right.AGREE_SUSPENSION, Right.APPROVE_FILTER_CHANGE):
        assert len([role for role in Role if right in RIGHTS[role]]) > 1


def test_the_derived_groups() -> None:
    assert set(DECIDERS.split()) == APPROVERS
    assert {Role.HEAD_TEACHER, Role.ICT_COORDINATOR} == SUSPENSION_AUTHORITIES
    assert SENSITIVE_APPROVERS == (Role.SAFEGUARDING_LEAD, Role.ICT_COORDINATOR)
    assert {*APPROVERS, Role.TECHNICIAN, Role.SAFEGUARDING_LEAD, *ONLY_READS} == PRIVILEGED


def test_rights_of_several_roles_are_united() -> None:
    assert rights_of([Role.TEACHER, Role.AUDITOR]) == RIGHTS[Role.TEACHER] | RIGHTS[Role.AUDITOR]
    assert rights_of([]) == frozenset()


@pytest.mark.parametrize(
    ("role", "words"),
    [
        pytest.param(Role.HEAD_TEACHER, "head teacher", id="plain"),
        pytest.param(Role.ICT_COORDINATOR, "ICT Co-ordinator", id="as-the-policy-writes-it"),
        pytest.param(Role.SLT, "member of the senior leadership team", id="spelled-out"),
    ],
)
def test_a_role_in_words(role: Role, words: str) -> None:
    assert role.in_words == words


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        RIGHTS[Role.PUPIL] = frozenset(Right)  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "role"),
    [
        pytest.param("ict_coordinator", Role.ICT_COORDINATOR, id="as-the-program-writes-it"),
        pytest.param(" ICT Co-ordinator ", Role.ICT_COORDINATOR, id="as-people-write-it"),
        pytest.param("E-Safety Governor", Role.ESAFETY_GOVERNOR, id="with-a-hyphen"),
        pytest.param("techer", None, id="no-role"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_a_role_is_read(text: str, role: Role | None) -> None:
    assert parse_role(text) is role
