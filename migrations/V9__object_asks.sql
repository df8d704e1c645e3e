-- Payments and events about which a provider's API was asked, and when it is to be asked again.

CREATE TABLE object_asks (
    subject  TEXT    NOT NULL CHECK (subject IN ('payment', 'event')),
    id       INTEGER NOT NULL,          -- of the transaction or orphan, or of the row in webhook_logs
    version  INTEGER NOT NULL,          -- of the transaction then: a change begins anew; else 0
    asked_at TEXT    NOT NULL,          -- the last time
    next_at  TEXT,                      -- NULL: not again
    result   TEXT    NOT NULL,          -- in words
    PRIMARY KEY (subject, id)
) STRICT, WITHOUT ROWID;

-- Transactions whose outcome is open: few of all, and so are events that contradict themselves.
CREATE INDEX transactions_undecided ON transactions (status_changed_at) WHERE
    status = 'pending' OR status = 'processing' OR status = 'requires_action' OR
    status = 'authorized' OR status = 'failed';
CREATE INDEX transaction_events_conflict ON transaction_events (transaction_id, occurred_at)
    WHERE fact = 'conflict';
