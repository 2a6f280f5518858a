-- The sender's store, one SQLite file. Everything is written before it is sent, and nothing is ever deleted.
CREATE TABLE IF NOT EXISTS stream (
    key             BLOB PRIMARY KEY,   -- 20-byte address
    chain_id        INTEGER NOT NULL,
    registry        BLOB NOT NULL,      -- 20-byte address
    origin          TEXT NOT NULL,
    institution     TEXT NOT NULL,
    next_sequence   INTEGER NOT NULL,
    observed        BLOB NOT NULL,      -- witness id of the newest head that was named, zero before the first
    observed_size   INTEGER NOT NULL    -- that head's size: a head of a smaller size is never named again
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS answer (
    number          INTEGER PRIMARY KEY,
    received_at     INTEGER NOT NULL,   -- Unix seconds by the sender's clock
    body            TEXT NOT NULL,      -- as received: receipt, results, refusals
    sent            TEXT NOT NULL,      -- JSON array of the statement ids that were sent, in order
    verdict         TEXT NOT NULL       -- 'ok', or why it does not hold
) STRICT;

CREATE TABLE IF NOT EXISTS statement (
    statement       BLOB PRIMARY KEY,   -- 32-byte statement id
    key             BLOB NOT NULL REFERENCES stream (key),
    sequence        INTEGER NOT NULL,
    place           INTEGER NOT NULL,   -- order of sending; a mended statement takes the place of the refused one
    entry           BLOB NOT NULL,      -- 289 bytes
    parts           TEXT NOT NULL,      -- JSON array of the parts' texts, withheld ones too
    withheld        TEXT NOT NULL,      -- JSON array of the names of the parts that are sent as their hash alone
    state           TEXT NOT NULL CHECK (state IN ('unsent', 'accepted', 'refused')),
    log_index       INTEGER,
    problem         TEXT,               -- code of the last problem, for unsent and refused
    detail          TEXT,
    answer          INTEGER REFERENCES answer (number),
    source          TEXT                -- where it came from, so that a repeated import adds nothing
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX IF NOT EXISTS statement_number ON statement (key, sequence) WHERE state <> 'refused';
CREATE UNIQUE INDEX IF NOT EXISTS statement_source ON statement (source) WHERE source IS NOT NULL AND state <> 'refused';
CREATE INDEX IF NOT EXISTS statement_unsent ON statement (place) WHERE state = 'unsent';
CREATE INDEX IF NOT EXISTS statement_refused ON statement (key, sequence) WHERE state = 'refused';
CREATE INDEX IF NOT EXISTS statement_index ON statement (log_index) WHERE log_index IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS statement_place ON statement (place) WHERE state <> 'refused';
