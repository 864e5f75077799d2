"""The tables of media in `state.db`: what is registered, who has what where, and what is let pass.

The numbers are what people say (`M-12`, `S-3`, `E-1`, `L-2`), and never used twice. What people wrote stands in
`words`, by field. Whom a row is about is null once it is erased.
"""

from typing import Final

MEDIA: Final = (
    # `serial_key` is the keyed hash of vendor, product and serial number, `serial_only` that of the last alone.
    """CREATE TABLE IF NOT EXISTS media (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    version INTEGER NOT NULL DEFAULT 1,
    kind TEXT NOT NULL,
    owner TEXT REFERENCES people (id),
    state TEXT NOT NULL,
    stated TEXT NOT NULL,
    holds_personal_data INTEGER NOT NULL,
    is_foreign INTEGER NOT NULL,
    checked_on TEXT,
    purge_on TEXT,
    serial_key TEXT NOT NULL DEFAULT '',
    serial_only TEXT NOT NULL DEFAULT '',
    reminded INTEGER NOT NULL DEFAULT 0,
    attestation_asked_at TEXT,
    attested_at TEXT,
    attested_by TEXT NOT NULL DEFAULT '',
    registered_at TEXT NOT NULL,
    registered_by TEXT NOT NULL,
    disposed_at TEXT,
    disposed_by TEXT NOT NULL DEFAULT '',
    words TEXT NOT NULL
) STRICT""",
    "CREATE INDEX IF NOT EXISTS media_by_owner ON media (owner, number)",
    # Whoever disposed of a medium by mistake registers it again.
    """CREATE UNIQUE INDEX IF NOT EXISTS media_by_serial ON media (serial_key)
WHERE serial_key <> '' AND state <> 'disposed'""",
    "CREATE INDEX IF NOT EXISTS media_by_serial_only ON media (serial_only) WHERE serial_only <> ''",
    "CREATE INDEX IF NOT EXISTS media_to_purge ON media (purge_on) WHERE purge_on IS NOT NULL",
    # What was done with a medium, with what went out and what was let pass; `content` says what without words or
    # people, `record` is its row of the record.
    """CREATE TABLE IF NOT EXISTS media_moves (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    medium INTEGER NOT NULL REFERENCES media (number),
    at TEXT NOT NULL,
    person TEXT NOT NULL,
    move TEXT NOT NULL,
    content TEXT NOT NULL DEFAULT '{}',
    words TEXT NOT NULL DEFAULT '{}',
    record INTEGER REFERENCES audit (number)
) STRICT""",
    "CREATE INDEX IF NOT EXISTS moves_by_medium ON media_moves (medium, number)",
    "CREATE INDEX IF NOT EXISTS moves_by_record ON media_moves (record)",
    """CREATE TABLE IF NOT EXISTS sign_outs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    version INTEGER NOT NULL DEFAULT 1,
    medium INTEGER NOT NULL REFERENCES media (number),
    is_foreign INTEGER NOT NULL,
    person TEXT REFERENCES people (id),
    due_on TEXT NOT NULL,
    state TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    decided_at TEXT,
    decided_by TEXT NOT NULL DEFAULT '',
    returned_at TEXT,
    returned_by TEXT NOT NULL DEFAULT '',
    climbed INTEGER NOT NULL DEFAULT 0,
    words TEXT NOT NULL
) STRICT""",
    # A medium is in one pair of hands.
    """CREATE UNIQUE INDEX IF NOT EXISTS sign_outs_open ON sign_outs (medium)
WHERE state IN ('waiting', 'out')""",
    "CREATE INDEX IF NOT EXISTS sign_outs_by_person ON sign_outs (person, number)",
    "CREATE INDEX IF NOT EXISTS sign_outs_by_medium ON sign_outs (medium, number)",
    "CREATE INDEX IF NOT EXISTS sign_outs_due ON sign_outs (due_on) WHERE state = 'out'",
    # `medium` is null where a laptop asked for one that is on no register.
    """CREATE TABLE IF NOT EXISTS media_exceptions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    version INTEGER NOT NULL DEFAULT 1,
    medium INTEGER REFERENCES media (number),
    serial_key TEXT NOT NULL DEFAULT '',
    device TEXT NOT NULL DEFAULT '',
    asked_by TEXT REFERENCES people (id),
    asked_at TEXT NOT NULL,
    until_on TEXT NOT NULL,
    until_at TEXT NOT NULL,
    state TEXT NOT NULL,
    decided_at TEXT,
    decided_by TEXT NOT NULL DEFAULT '',
    words TEXT NOT NULL
) STRICT""",
    """CREATE INDEX IF NOT EXISTS exceptions_in_force ON media_exceptions (until_at)
WHERE state IN ('waiting', 'allowed')""",
    "CREATE INDEX IF NOT EXISTS exceptions_by_serial ON media_exceptions (serial_key) WHERE serial_key <> ''",
    "CREATE INDEX IF NOT EXISTS exceptions_by_medium ON media_exceptions (medium)",
    "CREATE INDEX IF NOT EXISTS exceptions_by_person ON media_exceptions (asked_by, number)",
    # What laptops proved of a medium: the `latest`, and the `worst` since it was registered.
    """CREATE TABLE IF NOT EXISTS media_proofs (
    serial_key TEXT NOT NULL,
    which TEXT NOT NULL,
    crypt TEXT NOT NULL,
    evidence TEXT NOT NULL,
    device TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (serial_key, which)
) STRICT, WITHOUT ROWID""",
    # `on_record` is what was known when it was reported; `breach` is for whoever opens a case of it.
    """CREATE TABLE IF NOT EXISTS lost_reports (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    reporter TEXT REFERENCES people (id),
    how TEXT NOT NULL,
    medium INTEGER REFERENCES media (number),
    device TEXT,
    missed_on TEXT,
    incident TEXT NOT NULL REFERENCES incidents (id),
    breach TEXT NOT NULL DEFAULT '',
    on_record TEXT NOT NULL,
    words TEXT NOT NULL
) STRICT""",
    "CREATE INDEX IF NOT EXISTS lost_by_medium ON lost_reports (medium)",
)
