-- Of thousands of attempts on one payment that came to nothing only the last tells anything: the others
-- stand apart, so that what comes next costs no more than the first did.
CREATE TABLE transaction_events_new (
    transaction_id INTEGER NOT NULL,
    superseded     INTEGER NOT NULL DEFAULT 0 CHECK (superseded IN (0, 1)),
                                                  -- 1: a later attempt tells all that this one does
    log_id         INTEGER NOT NULL REFERENCES webhook_logs (id),
    ordinal        INTEGER NOT NULL,              -- which fact of the event, from 0
    occurred_at    TEXT    NOT NULL,
    event_id       TEXT    NOT NULL,
    object         TEXT    NOT NULL,              -- what it is about: payment_intent, refund, …
    object_id      TEXT    NOT NULL,
    fact           TEXT    NOT NULL,              -- succeeded, refund_pending, dispute_open, …
    amount         INTEGER CHECK (amount >= 0),
    currency       TEXT    CHECK (length(currency) = 3),
    captured       INTEGER CHECK (captured >= 0), -- taken so far by this object
    refunded       INTEGER CHECK (refunded >= 0), -- refunded so far of this object or its parent
    refunded_all   INTEGER CHECK (refunded_all IN (0, 1)),
    parent_id      TEXT,
    payment_id     TEXT,
    shop_amount    INTEGER CHECK (shop_amount >= 0),
    shop_currency  TEXT    CHECK (length(shop_currency) = 3),
    object_at      TEXT,                          -- when the object itself changed
    reason         TEXT,                          -- the provider's code
    "references"   TEXT,                          -- JSON [[kind, value], …]: ids the event carried; on the
                                                  -- first fact of what it says of one payment
    ownership      TEXT    CHECK (ownership IN ('own', 'foreign')),
    matched_by     TEXT,                          -- as in V12
    rendering      INTEGER NOT NULL DEFAULT 0 CHECK (rendering IN (0, 1)),
    PRIMARY KEY (transaction_id, superseded, log_id, ordinal)
) STRICT, WITHOUT ROWID;
INSERT INTO transaction_events_new
    (transaction_id, log_id, ordinal, occurred_at, event_id, object, object_id, fact, amount, currency,
     captured, refunded, refunded_all, parent_id, payment_id, shop_amount, shop_currency, object_at, reason,
     "references", ownership, matched_by, rendering)
SELECT transaction_id, log_id, ordinal, occurred_at, event_id, object, object_id, fact, amount, currency,
       captured, refunded, refunded_all, parent_id, payment_id, shop_amount, shop_currency, object_at, reason,
       "references", ownership, matched_by, rendering
FROM transaction_events;
DROP TABLE transaction_events;
ALTER TABLE transaction_events_new RENAME TO transaction_events;
CREATE UNIQUE INDEX transaction_events_of ON transaction_events (log_id, transaction_id, ordinal);
CREATE INDEX transaction_events_conflict ON transaction_events (transaction_id, occurred_at)
    WHERE fact = 'conflict';
