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
