"""The tables of the fleet: devices and enrolments stand in `state.db`, what devices tell in a file of its own.

What a device tells is much, and gone after a while; who may tell it is little, and stays on record. In the file of
events instants are seconds since 1970, as they come off the wire.
"""

from typing import Final

FLEET: Final = (
    # `key` checks what the secret was used for, and is deleted when the token ends: nobody can enrol by it then.
    """CREATE TABLE IF NOT EXISTS enrolment_tokens (
    id TEXT PRIMARY KEY,
    key BLOB,
    label TEXT NOT NULL,
    owner TEXT REFERENCES people (id),
    uses INTEGER NOT NULL,
    uses_left INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    ends_at TEXT NOT NULL
) STRICT""",
    # `host` is what the device said of itself, `version` rises with each move.
    """CREATE TABLE IF NOT EXISTS fleet_devices (
    id TEXT PRIMARY KEY,
    version INTEGER NOT NULL DEFAULT 1,
    state TEXT NOT NULL,
    label TEXT NOT NULL,
    owner TEXT REFERENCES people (id),
    machine TEXT NOT NULL UNIQUE,
    host TEXT NOT NULL,
    enrolled_at TEXT NOT NULL,
    decided_at TEXT,
    decided_by TEXT NOT NULL DEFAULT ''
) STRICT""",
    # Every key that a device ever had, so that what it signed can be checked later. A key is of one device for ever.
    """CREATE TABLE IF NOT EXISTS device_keys (
    public_key BLOB PRIMARY KEY,
    device TEXT NOT NULL REFERENCES fleet_devices (id),
    state TEXT NOT NULL,
    token TEXT NOT NULL,
    enrolled_at TEXT NOT NULL,
    ended_at TEXT
) STRICT, WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS keys_by_device ON device_keys (device)",
    # What somebody has to look at: a changed key, a copied disk, events that are missing, too many names.
    """CREATE TABLE IF NOT EXISTS device_findings (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL REFERENCES fleet_devices (id),
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    facts TEXT NOT NULL
) STRICT""",
    "CREATE INDEX IF NOT EXISTS findings_by_device ON device_findings (device, kind)",
    # `content` is the policy as it travels, with its signature.
    """CREATE TABLE IF NOT EXISTS fleet_policies (
    version INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    content TEXT NOT NULL
) STRICT""",
    # What is known so far of a laptop and of each medium in it; `due` is when to look at it, in seconds since 1970.
    """CREATE TABLE IF NOT EXISTS device_cases (
    device TEXT NOT NULL,
    key TEXT NOT NULL,
    due REAL,
    content TEXT NOT NULL,
    PRIMARY KEY (device, key)
) STRICT, WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS cases_due ON device_cases (due) WHERE due IS NOT NULL",
)

EVENTS: Final = """
-- What one spool of a device has sent: `last` is the highest number that was taken, what is up to `pruned` was taken
-- and has been deleted since.
CREATE TABLE IF NOT EXISTS streams (
    number INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    epoch TEXT NOT NULL,
    begun REAL NOT NULL,
    last INTEGER NOT NULL DEFAULT 0,
    pruned INTEGER NOT NULL DEFAULT 0,
    UNIQUE (device, epoch)
) STRICT;
-- How each batch came, with what its device signed; the body is kept where an incident stands on it.
CREATE TABLE IF NOT EXISTS batches (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    stream INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    received REAL NOT NULL,
    sent REAL NOT NULL,
    digest BLOB NOT NULL,
    signed TEXT NOT NULL,
    body BLOB
) STRICT;
CREATE INDEX IF NOT EXISTS batches_by_age ON batches (received);
-- `occurred` is our estimate, and `clock` how it was made; `content` is the event as it came, null for heartbeats.
-- `hash` is the beginning of its SHA-256.
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    stream INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    kind TEXT NOT NULL,
    priority INTEGER NOT NULL,
    occurred REAL NOT NULL,
    clock TEXT NOT NULL,
    hash BLOB NOT NULL,
    content TEXT,
    UNIQUE (stream, seq)
) STRICT;
-- Numbers that never came, until they come or the device says that it had to drop them.
CREATE TABLE IF NOT EXISTS gaps (
    stream INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    found REAL NOT NULL,
    is_told INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (stream, first)
) STRICT, WITHOUT ROWID;
-- Numbers that a device said it had to drop, as long as they may lie ahead of what it has sent.
CREATE TABLE IF NOT EXISTS drops (stream INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
-- The latest of each thing that has a state, and the last heartbeat.
CREATE TABLE IF NOT EXISTS device_states (
    device TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    occurred REAL NOT NULL,
    received REAL NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (device, kind, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS device_contacts (
    device TEXT PRIMARY KEY,
    seen REAL NOT NULL,
    agent TEXT NOT NULL,
    policy INTEGER NOT NULL,
    depth INTEGER NOT NULL,
    oldest REAL NOT NULL,
    skew REAL NOT NULL,
    dropped INTEGER NOT NULL DEFAULT 0,
    address TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counts (
    what TEXT PRIMARY KEY,
    times INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""
