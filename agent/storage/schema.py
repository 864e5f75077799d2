"""The tables of `state.db`: people, overrides, suspensions, filter versions, and the record of every act.

Instants are ISO 8601 text in UTC with microseconds (`2026-03-02T09:15:00.000000+00:00`), so that text sorts as time.
Lists and mappings are JSON text. An empty text means "none" where a column is not nullable.
"""

from typing import Final

# Raised when a table changes shape; a file with a higher number was written by a newer program.
VERSION: Final = 1

_PEOPLE: Final = (
    # `source` says who keeps the person (site, csv, oneroster), `external_id` how that source calls them.
    """CREATE TABLE IF NOT EXISTS people (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    source TEXT NOT NULL DEFAULT '',
    external_id TEXT NOT NULL DEFAULT '',
    closed_at TEXT,
    created_at TEXT NOT NULL
) STRICT""",
    """CREATE TABLE IF NOT EXISTS memberships (
    person TEXT NOT NULL REFERENCES people (id),
    role TEXT NOT NULL,
    class_id TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (person, role, class_id)
) STRICT, WITHOUT ROWID""",
    # `group_name` is the group of the site file whose devices are this class.
    """CREATE TABLE IF NOT EXISTS classes (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    group_name TEXT NOT NULL DEFAULT '',
    source TEXT NOT NULL DEFAULT '',
    external_id TEXT NOT NULL DEFAULT '',
    closed_at TEXT
) STRICT""",
    # `totp_step` is the last half minute whose code was taken, so that none is taken twice.
    """CREATE TABLE IF NOT EXISTS accounts (
    login TEXT PRIMARY KEY,
    person TEXT NOT NULL REFERENCES people (id),
    password_hash TEXT NOT NULL,
    totp_secret TEXT,
    totp_step INTEGER,
    failed INTEGER NOT NULL DEFAULT 0,
    locked_until TEXT,
    created_at TEXT NOT NULL,
    closed_at TEXT
) STRICT""",
    """CREATE TABLE IF NOT EXISTS sessions (
    token_hash TEXT PRIMARY KEY,
    login TEXT NOT NULL REFERENCES accounts (login),
    created_at TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    ends_at TEXT NOT NULL,
    csrf TEXT NOT NULL
) STRICT""",
    """CREATE TABLE IF NOT EXISTS tokens (
    id TEXT PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    person TEXT NOT NULL REFERENCES people (id),
    label TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at TEXT NOT NULL,
    ends_at TEXT,
    revoked_at TEXT
) STRICT""",
)

_OVERRIDES: Final = (
    # `version` rises with each move; who decides says which one they saw.
    """CREATE TABLE IF NOT EXISTS overrides (
    id TEXT PRIMARY KEY,
    version INTEGER NOT NULL DEFAULT 1,
    requester TEXT NOT NULL REFERENCES people (id),
    lift TEXT NOT NULL,
    reason TEXT NOT NULL,
    topic TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL,
    is_break_glass INTEGER NOT NULL DEFAULT 0,
    approvers TEXT NOT NULL DEFAULT '[]',
    requested_at TEXT NOT NULL,
    from_at TEXT NOT NULL,
    until_at TEXT NOT NULL,
    decided_at TEXT,
    decision_reason TEXT NOT NULL DEFAULT '',
    used TEXT
) STRICT""",
    "CREATE INDEX IF NOT EXISTS overrides_by_state ON overrides (state, until_at)",
    """CREATE TABLE IF NOT EXISTS override_moves (
    override TEXT NOT NULL REFERENCES overrides (id),
    at TEXT NOT NULL,
    person TEXT NOT NULL,
    move TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT ''
) STRICT""",
    "CREATE INDEX IF NOT EXISTS moves_by_override ON override_moves (override, at)",
    """CREATE TABLE IF NOT EXISTS suspensions (
    id TEXT PRIMARY KEY,
    version INTEGER NOT NULL DEFAULT 1,
    requester TEXT NOT NULL REFERENCES people (id),
    scope TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    agreed_by TEXT,
    requested_at TEXT NOT NULL,
    from_at TEXT NOT NULL,
    until_at TEXT NOT NULL,
    ended_at TEXT
) STRICT""",
    """CREATE TABLE IF NOT EXISTS filter_versions (
    number INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    content TEXT NOT NULL,
    hash TEXT NOT NULL,
    drafted_by TEXT NOT NULL,
    approved_by TEXT,
    reason TEXT NOT NULL DEFAULT '',
    review_on TEXT,
    state TEXT NOT NULL,
    source TEXT NOT NULL DEFAULT ''
) STRICT""",
    """CREATE TABLE IF NOT EXISTS notifications (
    id TEXT PRIMARY KEY,
    at TEXT NOT NULL,
    channel TEXT NOT NULL,
    target TEXT NOT NULL,
    content TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at TEXT NOT NULL,
    done_at TEXT,
    fault TEXT NOT NULL DEFAULT ''
) STRICT""",
    "CREATE INDEX IF NOT EXISTS notifications_waiting ON notifications (next_at) WHERE done_at IS NULL",
)

_RECORD: Final = (
    # AUTOINCREMENT remembers the highest number there ever was, so a tail that is cut leaves a gap behind.
    """CREATE TABLE IF NOT EXISTS audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    subject TEXT NOT NULL,
    facts TEXT NOT NULL,
    commitment TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT""",
    # Against our own mistakes; whoever opens the file with another program is found by the chain.
    """CREATE TRIGGER IF NOT EXISTS audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'a row of the record is never changed'); END""",
    """CREATE TRIGGER IF NOT EXISTS audit_is_never_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'a row of the record is never deleted'); END""",
    """CREATE TABLE IF NOT EXISTS personal (
    number INTEGER PRIMARY KEY REFERENCES audit (number),
    key BLOB NOT NULL,
    content TEXT NOT NULL
) STRICT""",
    """CREATE TABLE IF NOT EXISTS anchors (
    day TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    hash TEXT NOT NULL,
    signature TEXT NOT NULL
) STRICT, WITHOUT ROWID""",
)

SCHEMA: Final[tuple[str, ...]] = (*_PEOPLE, *_OVERRIDES, *_RECORD)
