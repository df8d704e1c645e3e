-- The daily reports that are owed to the targets of alerts: one row for each day and target. What a
-- report says is made up when it is sent.
CREATE TABLE daily_reports (
    id              INTEGER PRIMARY KEY,
    target_id       INTEGER NOT NULL REFERENCES alert_targets (id),
    day             TEXT    NOT NULL CHECK (length(day) = 10),  -- that it is about, in the shop's time zone
    status          TEXT    NOT NULL CHECK (
                        status = 'pending' OR status = 'sent' OR status = 'dropped' OR status = 'dead'),
    attempts        INTEGER NOT NULL CHECK (attempts >= 0),
    next_attempt_at TEXT,
    last_error      TEXT,                         -- in words
    finished_at     TEXT,                         -- when it was sent, dropped or given up
    UNIQUE (target_id, day),
    CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL)),
    CHECK ((status = 'pending') = (finished_at IS NULL))
) STRICT;
