-- Notifications to the shop's app. Instants, money and lists of words as in V1.

-- Whether an app was to be told when the daemon last started. Whoever commits a change, the daemon or
-- a command, reads it here.
ALTER TABLE daemon ADD COLUMN notifies INTEGER NOT NULL DEFAULT 0 CHECK (notifies IN (0, 1));

-- All of the state that a version stood for, so that what is told of it stays the same however late.
-- NULL: as now (changes from before these columns, and currencies before any money).
ALTER TABLE transaction_changes ADD COLUMN received_currency TEXT CHECK (length(received_currency) = 3);
ALTER TABLE transaction_changes ADD COLUMN status_changed_at TEXT;

-- Notifications owed to the shop's app, one for each change that was made while an app was to be told.
CREATE TABLE new_deliveries (
    id              INTEGER PRIMARY KEY,          -- grows in the order of the changes
    message_id      TEXT    NOT NULL UNIQUE,      -- msg_…: what the app knows it by, at every attempt
    change_id       INTEGER NOT NULL UNIQUE REFERENCES transaction_changes (id),
    transaction_id  INTEGER NOT NULL REFERENCES transactions (id),
    status          TEXT    NOT NULL CHECK (
                        status = 'delivered' OR status = 'pending' OR status = 'dead'),
    attempts        INTEGER NOT NULL CHECK (attempts >= 0),
    attempts_before INTEGER NOT NULL              -- of them before a person asked for more: the
                                                  -- schedule counts from there
                            CHECK (attempts_before BETWEEN 0 AND attempts),
    next_attempt_at TEXT,                         -- of the earliest pending one of a transaction;
                                                  -- NULL: done, or it waits for that one
    last_error      TEXT,                         -- in words
    finished_at     TEXT,                         -- when it was delivered or given up
    CHECK ((status = 'pending') = (finished_at IS NULL)),
    CHECK (status = 'pending' OR next_attempt_at IS NULL)
) STRICT;
INSERT INTO new_deliveries
    (id, message_id, change_id, transaction_id, status, attempts, attempts_before, next_attempt_at,
     last_error, finished_at)
SELECT id, 'msg_' || lower(hex(randomblob(16))), change_id, transaction_id, status, attempts, 0,
       CASE status WHEN 'pending' THEN next_attempt_at END, last_error,
       CASE status WHEN 'pending' THEN NULL ELSE
           (SELECT changed_at FROM transaction_changes WHERE id = change_id) END
FROM deliveries;
DROP TABLE deliveries;
ALTER TABLE new_deliveries RENAME TO deliveries;
CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX deliveries_pending ON deliveries (transaction_id) WHERE status = 'pending';
CREATE INDEX deliveries_dead ON deliveries (id) WHERE status = 'dead';

-- The latest attempts to deliver, bounded in number and in size.
CREATE TABLE delivery_attempts (
    id           INTEGER PRIMARY KEY,
    delivery_id  INTEGER NOT NULL REFERENCES deliveries (id),
    attempt      INTEGER NOT NULL CHECK (attempt >= 1),
    attempted_at TEXT    NOT NULL,
    status_code  INTEGER,                         -- HTTP status, or the command's exit code
    error        TEXT,                            -- timeout, connect, …: why there is no such code
    latency_ms   INTEGER NOT NULL,
    answer       TEXT    NOT NULL,                -- the beginning of what was answered or printed
    CHECK ((status_code IS NULL) = (error IS NOT NULL))
) STRICT;
CREATE INDEX delivery_attempts_of ON delivery_attempts (delivery_id);
