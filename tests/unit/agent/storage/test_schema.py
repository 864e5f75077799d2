"""The tables of the state file, as the parts of the program count on them."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from agent.storage.chain import COLUMNS
from agent.storage.schema import SCHEMA

TABLES = {
    "people": "id name source external_id closed_at created_at",
    "memberships": "person role class_id",
    "unconfirmed_roles": "person role given_by given_at",
    "classes": "id title group_name source external_id closed_at",
    "accounts": "login person password_hash totp_secret totp_step failed locked_until created_at closed_at "
    "made_by is_own_password is_own_code may_decide confirmed_by managed_at",
    "sessions": "token_hash login created_at seen_at ends_at csrf",
    "tokens": "id token_hash person label scopes created_at ends_at revoked_at",
    "overrides": "id version requester lift reason topic state is_break_glass approvers requested_at from_at "
    "until_at decided_at decision_reason used",
    "override_moves": "override at person move reason",
    "suspensions": "id version requester scope reason state agreed_by requested_at from_at until_at ended_at",
    "filter_versions": "number at content hash drafted_by approved_by reason review_on state source",
    "notifications": "id at channel target content attempts next_at done_at fault",
    "incidents": "id number version kind audience subject level confidence track state intent row opened_at last_at "
    "filed_at closed_at is_held erased_at content words",
    "undoable_decisions": "incident person decided_at entry before",
    "incident_timeline": "number incident at what actor observation content evidence hash key personal",
    "incident_notes": "subject kind day first_at last_at times intent audience",
    "incident_steps": "incident number action step role owners due_at state done_at done_by climbed told is_of_table "
    "words",
    "warnings": "id incident subject row given_at given_by expires_on expired_at withdrawn_at withdrawn_by",
    "accesses": "number at person incident what purpose",
    "reports": "id receipt at incident reporter happened",
    "letters": "id incident kind language made_at made_by sent_on sent_by text",
    "unseals": "incident person at",
    "restrictions": "id incident step scope from_at until_at review_on ended_at ended_by",
    "presences": "id device person kind audience groups from_at until_at told_at looked_back_at",
    "seats": "address groups audience heard_at until_at behind",
    "observed": "source position",
    "observation_counts": "what why times",
    "told_events": "number id received_at content",
    "enrolment_tokens": "id key label owner uses uses_left created_by created_at ends_at",
    "fleet_devices": "id version state label owner machine host enrolled_at decided_at decided_by",
    "device_keys": "public_key device state token enrolled_at ended_at",
    "device_findings": "number device kind at facts",
    "fleet_policies": "version at content",
    "device_cases": "device key due content",
    "media": "number version kind owner state stated holds_personal_data is_foreign checked_on purge_on serial_key "
    "serial_only reminded attestation_asked_at attested_at attested_by registered_at registered_by disposed_at "
    "disposed_by words",
    "media_moves": "number medium at person move content words record",
    "sign_outs": "number version medium is_foreign person due_on state asked_at asked_by decided_at decided_by "
    "returned_at returned_by climbed words",
    "media_exceptions": "number version medium serial_key device asked_by asked_at until_on until_at state "
    "decided_at decided_by words",
    "media_proofs": "serial_key which crypt evidence device at",
    "lost_reports": "number at reporter how medium device missed_on incident breach on_record words",
    "audit": " ".join(COLUMNS),
    "personal": "number key content",
    "anchors": "day number hash signature",
}


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        opened.execute("PRAGMA foreign_keys = ON")
        for statement in SCHEMA:
            opened.execute(statement)
        yield opened


def names(database: sqlite3.Connection, kind: str) -> set[str]:
    rows = database.execute("SELECT name FROM sqlite_schema WHERE type = ? AND name NOT LIKE 'sqlite_%'", (kind,))
    return {row[0] for row in rows}


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_its_columns(database: sqlite3.Connection, table: str) -> None:
    assert [row[1] for row in database.execute(f"PRAGMA table_info({table})")] == TABLES[table].split()


def test_no_table_is_untold(database: sqlite3.Connection) -> None:
    assert names(database, "table") == set(TABLES)


def test_every_table_keeps_its_types() -> None:
    tables = [statement for statement in SCHEMA if statement.startswith("CREATE TABLE")]
    assert [statement for statement in tables if not re.search(r"\) STRICT(, WITHOUT ROWID)?$", statement)] == []


def test_every_statement_can_run_again(database: sqlite3.Connection) -> None:
    for statement in SCHEMA:
        database.execute(statement)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        pytest.param("UPDATE audit SET actor = 'b'", "never changed", id="a-row-of-the-record-is-never-changed"),
        pytest.param("DELETE FROM audit", "never deleted", id="a-row-of-the-record-is-never-deleted"),
        pytest.param("DELETE FROM people", "FOREIGN KEY", id="a-person-is-not-deleted-under-an-override"),
        pytest.param("INSERT INTO memberships VALUES ('x', 'pupil', '')", "FOREIGN KEY", id="a-role-needs-a-person"),
        pytest.param("INSERT INTO personal VALUES (9, x'00', '{}')", "FOREIGN KEY", id="payload-needs-its-row"),
        pytest.param("UPDATE overrides SET version = 'two'", "cannot store TEXT", id="a-number-stays-a-number"),
    ],
)
def test_the_file_itself_refuses(database: sqlite3.Connection, statement: str, told: str) -> None:
    database.execute("INSERT INTO people (id, name, created_at) VALUES ('t1', 'T', '2026')")
    database.execute(
        "INSERT INTO overrides (id, requester, lift, reason, state, requested_at, from_at, until_at) "
        "VALUES ('o1', 't1', '{}', 'r', 'waiting', '2026', '2026', '2026')"
    )
    database.execute("INSERT INTO audit VALUES (1, '2026', 'k', 'a', '', '{}', '', '', '')")
    with pytest.raises(sqlite3.IntegrityError, match=told):
        database.execute(statement)
