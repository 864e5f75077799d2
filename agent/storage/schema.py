"""The tables of `state.db`: people, overrides, suspensions, filter versions, incidents, and the record of every act.

Instants are ISO 8601 text in UTC with microseconds (`2026-03-02T09:15:00.000000+00:00`), so that text sorts as time.
Lists and mappings are JSON text. An empty text means "none" where a column is not nullable.
"""

from typing import Final

from agent.storage.fleet_schema import FLEET
from agent.storage.media_schema import MEDIA

# Raised when a table changes shape (`agent.storage.upgrade`); a file with a higher number was written by a newer
# program.
VERSION: Final = 2

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
    # Deciding roles that nobody but their giver stands for. Those that are no membership wait; the others were given
    # in the beginning, or on the gateway itself.
    """CREATE TABLE IF NOT EXISTS unconfirmed_roles (
    person TEXT NOT NULL REFERENCES people (id),
    role TEXT NOT NULL,
    given_by TEXT NOT NULL,
    given_at TEXT NOT NULL,
    PRIMARY KEY (person, role)
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
    # `totp_step` is the last half minute whose code was taken, so that none is taken twice. `made_by` is who made the
    # account, or a part of it that is not its owner's own. An account without `may_decide` is none for an owner who
    # decides; `managed_at` is when it was first used by somebody who manages people.
    """CREATE TABLE IF NOT EXISTS accounts (
    login TEXT PRIMARY KEY,
    person TEXT NOT NULL REFERENCES people (id),
    password_hash TEXT NOT NULL,
    totp_secret TEXT,
    totp_step INTEGER,
    failed INTEGER NOT NULL DEFAULT 0,
    locked_until TEXT,
    created_at TEXT NOT NULL,
    closed_at TEXT,
    made_by TEXT NOT NULL DEFAULT '',
    is_own_password INTEGER NOT NULL DEFAULT 0,
    is_own_code INTEGER NOT NULL DEFAULT 0,
    may_decide INTEGER NOT NULL DEFAULT 0,
    confirmed_by TEXT NOT NULL DEFAULT '',
    managed_at TEXT
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

# Who is at risk comes first, then how much speaks for it; of what is sealed nobody learns how much that is.
QUEUE_PLACE: Final = (
    "(CASE track WHEN 'safeguarding' THEN 0 WHEN 'sealed' THEN 1000 WHEN 'restricted' THEN 2000 ELSE 3000 END"
    " + CASE track WHEN 'sealed' THEN 100 ELSE 100 - intent END)"
)

_INCIDENTS: Final = (
    # `number` is the one that people say; `words` is what people wrote, by field, and can be erased.
    # `filed_at` is when the school came to know of it, `opened_at` and `last_at` when it happened.
    """CREATE TABLE IF NOT EXISTS incidents (
    id TEXT PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    version INTEGER NOT NULL DEFAULT 1,
    kind TEXT NOT NULL,
    audience TEXT NOT NULL,
    subject TEXT NOT NULL,
    level TEXT NOT NULL,
    confidence TEXT NOT NULL,
    track TEXT NOT NULL,
    state TEXT NOT NULL,
    intent INTEGER NOT NULL,
    row TEXT NOT NULL DEFAULT '',
    opened_at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    filed_at TEXT NOT NULL,
    closed_at TEXT,
    is_held INTEGER NOT NULL DEFAULT 0,
    erased_at TEXT,
    content TEXT NOT NULL,
    words TEXT NOT NULL DEFAULT '{}'
) STRICT""",
    "CREATE INDEX IF NOT EXISTS incidents_by_subject ON incidents (subject, last_at)",
    "CREATE INDEX IF NOT EXISTS incidents_by_state ON incidents (state, track)",
    "CREATE INDEX IF NOT EXISTS incidents_by_filing ON incidents (filed_at)",
    "CREATE INDEX IF NOT EXISTS incidents_by_kind ON incidents (kind, opened_at)",
    f"CREATE INDEX IF NOT EXISTS incidents_in_queue ON incidents (state, {QUEUE_PLACE}, filed_at, number)",
    # What an incident was before the last decision, so long as that can be taken back: `before` is its row, and
    # `entry` the last of its timeline then.
    """CREATE TABLE IF NOT EXISTS undoable_decisions (
    incident TEXT PRIMARY KEY REFERENCES incidents (id),
    person TEXT NOT NULL,
    decided_at TEXT NOT NULL,
    entry INTEGER NOT NULL,
    before TEXT NOT NULL
) STRICT""",
    "CREATE INDEX IF NOT EXISTS undoable_by_age ON undoable_decisions (decided_at)",
    # `hash` commits to `content` and `personal` under `key`; key and personal part are erased together.
    """CREATE TABLE IF NOT EXISTS incident_timeline (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    incident TEXT NOT NULL REFERENCES incidents (id),
    at TEXT NOT NULL,
    what TEXT NOT NULL,
    actor TEXT NOT NULL,
    observation TEXT NOT NULL DEFAULT '',
    content TEXT NOT NULL DEFAULT '{}',
    evidence TEXT NOT NULL DEFAULT '',
    hash TEXT NOT NULL,
    key BLOB,
    personal TEXT
) STRICT""",
    "CREATE INDEX IF NOT EXISTS timeline_by_incident ON incident_timeline (incident, at)",
    """CREATE UNIQUE INDEX IF NOT EXISTS timeline_by_observation ON incident_timeline (observation)
WHERE observation <> ''""",
    # What is known of a device that nobody is known to have used: counts by day, never a name.
    """CREATE TABLE IF NOT EXISTS incident_notes (
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    day TEXT NOT NULL,
    first_at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    times INTEGER NOT NULL,
    intent INTEGER NOT NULL,
    audience TEXT NOT NULL,
    PRIMARY KEY (subject, kind, day)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS incident_steps (
    incident TEXT NOT NULL REFERENCES incidents (id),
    number INTEGER NOT NULL,
    action TEXT NOT NULL,
    step TEXT NOT NULL,
    role TEXT NOT NULL DEFAULT '',
    owners TEXT NOT NULL DEFAULT '[]',
    due_at TEXT NOT NULL,
    state TEXT NOT NULL,
    done_at TEXT,
    done_by TEXT NOT NULL DEFAULT '',
    climbed INTEGER NOT NULL DEFAULT 0,
    told TEXT NOT NULL DEFAULT '[]',
    is_of_table INTEGER NOT NULL DEFAULT 1,
    words TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (incident, number)
) STRICT, WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS steps_open ON incident_steps (due_at) WHERE state = 'open'",
    """CREATE TABLE IF NOT EXISTS warnings (
    id TEXT PRIMARY KEY,
    incident TEXT NOT NULL REFERENCES incidents (id),
    subject TEXT NOT NULL,
    row TEXT NOT NULL,
    given_at TEXT NOT NULL,
    given_by TEXT NOT NULL,
    expires_on TEXT NOT NULL,
    expired_at TEXT,
    withdrawn_at TEXT,
    withdrawn_by TEXT NOT NULL DEFAULT ''
) STRICT""",
    "CREATE INDEX IF NOT EXISTS warnings_by_subject ON warnings (subject, expires_on)",
    "CREATE INDEX IF NOT EXISTS warnings_by_incident ON warnings (incident)",
    "CREATE INDEX IF NOT EXISTS warnings_by_end ON warnings (expires_on) WHERE withdrawn_at IS NULL",
    # Who looked at what is kept about somebody, and for what purpose.
    """CREATE TABLE IF NOT EXISTS accesses (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    person TEXT NOT NULL,
    incident TEXT NOT NULL,
    what TEXT NOT NULL,
    purpose TEXT
) STRICT""",
    "CREATE INDEX IF NOT EXISTS accesses_by_incident ON accesses (incident, at)",
    # `receipt` is what somebody who reports keeps; what they wrote is in the timeline.
    """CREATE TABLE IF NOT EXISTS reports (
    id TEXT PRIMARY KEY,
    receipt TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    incident TEXT NOT NULL REFERENCES incidents (id),
    reporter TEXT,
    happened TEXT NOT NULL
) STRICT""",
    "CREATE INDEX IF NOT EXISTS reports_by_incident ON reports (incident)",
    """CREATE TABLE IF NOT EXISTS letters (
    id TEXT PRIMARY KEY,
    incident TEXT NOT NULL REFERENCES incidents (id),
    kind TEXT NOT NULL,
    language TEXT NOT NULL,
    made_at TEXT NOT NULL,
    made_by TEXT NOT NULL,
    sent_on TEXT,
    sent_by TEXT NOT NULL DEFAULT '',
    text TEXT
) STRICT""",
    "CREATE INDEX IF NOT EXISTS letters_by_incident ON letters (incident)",
    """CREATE TABLE IF NOT EXISTS unseals (
    incident TEXT NOT NULL REFERENCES incidents (id),
    person TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT""",
    "CREATE INDEX IF NOT EXISTS unseals_by_incident ON unseals (incident, at)",
    # `scope` are groups of the site and devices that get only what everybody needs until the end.
    """CREATE TABLE IF NOT EXISTS restrictions (
    id TEXT PRIMARY KEY,
    incident TEXT NOT NULL REFERENCES incidents (id),
    step INTEGER NOT NULL,
    scope TEXT NOT NULL,
    from_at TEXT NOT NULL,
    until_at TEXT NOT NULL,
    review_on TEXT NOT NULL,
    ended_at TEXT,
    ended_by TEXT NOT NULL DEFAULT ''
) STRICT""",
    "CREATE INDEX IF NOT EXISTS restrictions_by_incident ON restrictions (incident)",
    "CREATE INDEX IF NOT EXISTS restrictions_running ON restrictions (from_at) WHERE ended_at IS NULL",
)

_OBSERVING: Final = (
    # Who used which device when, by pseudonyms; `person` is empty where several use it or nobody is known. Deleted
    # when the activity of those days is. `looked_back_at` is when what was asked before was looked at again.
    """CREATE TABLE IF NOT EXISTS presences (
    id TEXT PRIMARY KEY,
    device TEXT NOT NULL,
    person TEXT NOT NULL,
    kind TEXT NOT NULL,
    audience TEXT NOT NULL DEFAULT '',
    groups TEXT NOT NULL DEFAULT '[]',
    from_at TEXT NOT NULL,
    until_at TEXT,
    told_at TEXT NOT NULL,
    looked_back_at TEXT
) STRICT""",
    "CREATE INDEX IF NOT EXISTS presences_by_device ON presences (device, from_at)",
    "CREATE INDEX IF NOT EXISTS presences_by_person ON presences (person, from_at) WHERE person <> ''",
    "CREATE INDEX IF NOT EXISTS presences_to_look_back ON presences (from_at) WHERE looked_back_at IS NULL",
    # Where somebody is signed in to a laptop just now, and the groups that they bring; deleted when that is over.
    """CREATE TABLE IF NOT EXISTS seats (
    address TEXT PRIMARY KEY,
    groups TEXT NOT NULL,
    audience TEXT NOT NULL,
    heard_at TEXT NOT NULL,
    until_at TEXT NOT NULL,
    behind TEXT NOT NULL
) STRICT, WITHOUT ROWID""",
    # How far each source of observations was taken; written with what came of it.
    """CREATE TABLE IF NOT EXISTS observed (
    source TEXT PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS observation_counts (
    what TEXT NOT NULL,
    why TEXT NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (what, why)
) STRICT, WITHOUT ROWID""",
    # What machines told; `content` waits until it is weighed and is gone after that, the id stays for a while.
    """CREATE TABLE IF NOT EXISTS told_events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    received_at TEXT NOT NULL,
    content TEXT
) STRICT""",
    "CREATE INDEX IF NOT EXISTS told_events_waiting ON told_events (number) WHERE content IS NOT NULL",
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
    # What is asked for every few seconds, however long the record is: its last check, what the gateway told before.
    "CREATE INDEX IF NOT EXISTS audit_checks ON audit (number) WHERE kind IN ('record_verified', 'record_broken')",
    "CREATE INDEX IF NOT EXISTS audit_of_gateway ON audit (subject) WHERE actor = 'gateway'",
    "CREATE INDEX IF NOT EXISTS audit_beginning ON audit (number) WHERE kind = 'beginning_ended'",
    "CREATE INDEX IF NOT EXISTS audit_rules ON audit (number) WHERE kind = 'rules_answered'",
    """CREATE INDEX IF NOT EXISTS audit_media_erased ON audit (number)
WHERE kind IN ('lost_report_erased', 'sign_out_erased', 'media_exception_erased', 'medium_erased')""",
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

SCHEMA: Final[tuple[str, ...]] = (*_PEOPLE, *_OVERRIDES, *_INCIDENTS, *_OBSERVING, *FLEET, *MEDIA, *_RECORD)
