-- The chain says of each event apart what can never change of it, so that no later link can pass another
-- event, or another body, for it. Instants and lists of words as in V1.
CREATE TABLE webhook_log_chain_new (
    id      INTEGER PRIMARY KEY,                  -- counts from 1, without a gap
    log_id  INTEGER REFERENCES webhook_logs (id), -- the event; NULL on links that are of no single one
    kind    TEXT    NOT NULL CHECK (
                kind = 'received' OR              -- the event came
                kind = 'taken_over' OR            -- it was there before this table was
                kind = 'begun' OR                 -- the first link
                kind = 'sealed' OR                -- links before it are as V6 made them; this binds what
                                                  -- V18 added to them
                kind = 'replaced' OR              -- it came again in another rendering and was understood
                kind = 'rendering' OR             -- another rendering of it said more
                kind = 'reread' OR                -- a newer version read something else from it
                kind = 'redacted' OR              -- personal fields were removed from it
                kind = 'pruned'),                 -- bodies and headers of these events were removed
    made_at TEXT,                                 -- NULL: when the event was received, or taken over
    detail  TEXT,                                 -- JSON; of 'redacted': the paths that were removed; of
                                                  -- 'pruned': the events, [[first, last], …]
    facts   BLOB    CHECK (length(facts) = 32),   -- before 'sealed' only: what V6 watched of the row
    origin  BLOB    CHECK (length(origin) = 32),  -- SHA-256 of what never changes in the row; of 'sealed':
                                                  -- of what V18 added to the links before it
    reading BLOB    CHECK (length(reading) = 32), -- SHA-256 of what was read from the event
    says    INTEGER,                              -- how many facts of payments that is
    body    BLOB    CHECK (length(body) = 32),    -- SHA-256 of the body that stands in place of the one
                                                  -- that was received; NULL: that one does
    chain   BLOB    NOT NULL CHECK (length(chain) = 32)   -- SHA-256 of this link and the chain before it
) STRICT;
INSERT INTO webhook_log_chain_new (id, log_id, kind, made_at, detail, facts, chain)
SELECT id, log_id, kind, made_at, detail, facts, chain FROM webhook_log_chain;
DROP TABLE webhook_log_chain;
ALTER TABLE webhook_log_chain_new RENAME TO webhook_log_chain;
-- The few changes, to find those of an event.
CREATE INDEX webhook_log_chain_changes ON webhook_log_chain (log_id) WHERE made_at IS NOT NULL;
-- Filled by payhookd, which can hash.
INSERT INTO webhook_log_chain (id, kind, made_at, chain)
SELECT ifnull(max(id), 0) + 1, 'sealed', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), zeroblob(32)
FROM webhook_log_chain;
