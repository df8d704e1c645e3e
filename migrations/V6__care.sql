-- The log of events proves itself, and what is personal in it can be removed without breaking the
-- proof. Instants and lists of words as in V1.

-- A chain through webhook_logs, in which nothing can be changed, removed or inserted without breaking
-- every link after it. Links are only ever added: one for each event, and one for each later change
-- of what an event's link stands for. Not a column of webhook_logs, whose rows would all have had to
-- be written anew.
CREATE TABLE webhook_log_chain (
    id      INTEGER PRIMARY KEY,                  -- counts from 1, without a gap
    log_id  INTEGER REFERENCES webhook_logs (id), -- the event; NULL on the first link, before them all
    kind    TEXT    NOT NULL CHECK (
                kind = 'received' OR              -- the event came
                kind = 'taken_over' OR            -- it was there before this table was
                kind = 'begun' OR                 -- the first link
                kind = 'replaced' OR              -- it came again in another rendering and was understood
                kind = 'reread' OR                -- a newer version read other facts from it
                kind = 'redacted'),               -- personal fields were removed from it
    made_at TEXT,                                 -- NULL: when the event was received, or taken over
    detail  TEXT,                                 -- JSON; of 'redacted': the paths that were removed
    facts   BLOB    NOT NULL CHECK (length(facts) = 32),  -- SHA-256 of what does not change in the row
    chain   BLOB    NOT NULL CHECK (length(chain) = 32)   -- SHA-256 of this link and the chain before it
) STRICT;
-- The few changes, to find an event's newest link.
CREATE INDEX webhook_log_chain_changes ON webhook_log_chain (log_id) WHERE made_at IS NOT NULL;
-- The link of an event that is there already is made by payhookd, which can hash.
INSERT INTO webhook_log_chain (id, kind, made_at, facts, chain)
VALUES (1, 'begun', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), zeroblob(32), zeroblob(32));

-- Of headers that were removed, so that the chain can be followed without them.
ALTER TABLE webhook_logs ADD COLUMN headers_sha256 BLOB CHECK (length(headers_sha256) = 32);
-- Of the body as it stands since personal fields were removed from it; payload_sha256 is of the one that
-- was received.
ALTER TABLE webhook_logs ADD COLUMN redacted_sha256 BLOB CHECK (length(redacted_sha256) = 32);

-- How far bodies and headers of settled events have been removed: up to this event all have been, but
-- those of unsettled_events.
CREATE TABLE retention (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    pruned_to INTEGER NOT NULL
) STRICT;
INSERT INTO retention (id, pruned_to) VALUES (1, 0);

-- Events that were old enough and not settled: looked at again each time.
CREATE TABLE unsettled_events (
    log_id INTEGER PRIMARY KEY REFERENCES webhook_logs (id)
) STRICT;
