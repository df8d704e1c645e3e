-- Problems that a person should know of. Instants, money and lists of words as in V1.

-- One row from the moment a problem shows until it is over. While it lasts, it is known by its kind
-- and subject, and whatever repeats it is counted here.
CREATE TABLE issues (
    id           INTEGER PRIMARY KEY,
    kind         TEXT    NOT NULL,                -- no list of them here: each version knows more
    subject      TEXT    NOT NULL,                -- what it is about: the id of an orphan, a provider, …
    severity     TEXT    NOT NULL CHECK (
                     severity = 'notice' OR severity = 'warning' OR severity = 'critical'),
    title        TEXT    NOT NULL,                -- one line
    detail       TEXT    NOT NULL,
    remedy       TEXT    NOT NULL,                -- what to do
    opened_at    TEXT    NOT NULL,
    last_seen_at TEXT    NOT NULL,
    count        INTEGER NOT NULL CHECK (count >= 1),
    news         INTEGER NOT NULL CHECK (news >= 1),  -- grows with all of it that is worth a message
    dismissed_at TEXT,                            -- when a person said that they know
    closed_at    TEXT                             -- when it was over
) STRICT;
CREATE UNIQUE INDEX issues_open ON issues (kind, subject) WHERE closed_at IS NULL;
CREATE INDEX issues_of ON issues (kind, subject);

-- Who tells people of issues. Whoever commits one, the daemon or a command, reads here whom to tell.
CREATE TABLE alert_targets (
    id     INTEGER PRIMARY KEY,
    name   TEXT    NOT NULL UNIQUE,               -- its form and a fingerprint: nothing secret
    active INTEGER NOT NULL CHECK (active IN (0, 1))  -- the daemon was told of it when it last started
) STRICT;

-- Messages that are owed to the targets, in the same commit as what they tell of. What they say is
-- made up when they are sent; of one issue and target at most one is pending.
CREATE TABLE alerts (
    id              INTEGER PRIMARY KEY,
    target_id       INTEGER NOT NULL REFERENCES alert_targets (id),
    issue_id        INTEGER NOT NULL REFERENCES issues (id),
    status          TEXT    NOT NULL CHECK (
                        status = 'pending' OR status = 'sent' OR status = 'dropped' OR status = 'dead'),
    news            INTEGER,                      -- how much of the issue's news was told
    attempts        INTEGER NOT NULL CHECK (attempts >= 0),
    next_attempt_at TEXT,
    last_error      TEXT,                         -- in words
    finished_at     TEXT,                         -- when it was sent, dropped or given up
    CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL)),
    CHECK ((status = 'pending') = (finished_at IS NULL)),
    CHECK ((status = 'sent') = (news IS NOT NULL))
) STRICT;
CREATE INDEX alerts_due ON alerts (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX alerts_of ON alerts (issue_id);

-- The PayPal orders that may have been approved and not been captured: few at a time.
CREATE INDEX transactions_to_capture ON transactions (status_changed_at)
    WHERE provider = 'paypal' AND status = 'requires_action';
