-- What was missed is fetched from the providers' APIs. Instants and lists of words as in V1.

-- How the event came whose body is kept.
ALTER TABLE webhook_logs ADD COLUMN source TEXT NOT NULL DEFAULT 'webhook' CHECK (
    source = 'webhook' OR       -- the provider sent it
    source = 'catch-up' OR      -- it was in the provider's list of events
    source = 'object');         -- its object was asked for

-- Those that no webhook brought: few, and a person looks for them.
CREATE INDEX webhook_logs_not_sent
    ON webhook_logs (id, source, status, event_type, provider, livemode, received_at)
    WHERE source <> 'webhook';

-- SHA-256 of the body that came with it; NULL: that of the event. Only an event that had come from
-- the API by then, which writes it otherwise, has another.
ALTER TABLE paypal_transmissions ADD COLUMN payload_sha256 BLOB CHECK (length(payload_sha256) = 32);

-- Up to when all events of a provider are here.
CREATE TABLE reconcile_progress (
    provider      TEXT NOT NULL PRIMARY KEY CHECK (provider IN ('stripe', 'paypal')),
    covered_until TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The newest attempts to fetch what was missed.
CREATE TABLE reconcile_runs (
    id         INTEGER PRIMARY KEY,
    provider   TEXT    NOT NULL CHECK (provider IN ('stripe', 'paypal')),
    cause      TEXT    NOT NULL CHECK (cause IN ('start', 'schedule', 'command')),
    since      TEXT    NOT NULL,                  -- events that were created from then on
    started_at TEXT    NOT NULL,
    ended_at   TEXT,                              -- NULL: it is running, or was broken off
    outcome    TEXT    CHECK (outcome IN ('done', 'failed')),
    error      TEXT,                              -- why it failed
    seen       INTEGER NOT NULL CHECK (seen >= 0),                  -- events in the provider's list
    known      INTEGER NOT NULL CHECK (known BETWEEN 0 AND seen),   -- of them, those that were here
    applied    INTEGER NOT NULL CHECK (applied >= 0),               -- what became of the others
    orphaned   INTEGER NOT NULL CHECK (orphaned >= 0),
    ignored    INTEGER NOT NULL CHECK (ignored >= 0),
    failed     INTEGER NOT NULL CHECK (failed >= 0),
    CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    CHECK ((error IS NOT NULL) = (outcome IS 'failed')),
    CHECK (seen = known + applied + orphaned + ignored + failed)
) STRICT;
CREATE INDEX reconcile_runs_done ON reconcile_runs (provider, id) WHERE outcome = 'done';
