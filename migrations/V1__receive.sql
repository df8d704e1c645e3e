-- Instants are UTC text, RFC 3339 with milliseconds and Z, and sort as they are. Money is integer
-- minor units, as the provider counts them, beside an ISO 4217 code. livemode is 1 for real money
-- and 0 for test money; nothing of one ever touches the other.
--
-- Lists of words are checked by OR, the usual word first: for an IN of more than two SQLite builds a
-- temporary table at every insert, which took a third of the time of an event.

-- Every genuine event, once, whatever followed from it.
CREATE TABLE webhook_logs (
    id               INTEGER PRIMARY KEY,
    provider         TEXT    NOT NULL CHECK (provider IN ('stripe', 'paypal')),
    event_id         TEXT    NOT NULL,            -- the provider's own id
    event_type       TEXT    NOT NULL,            -- empty if the event does not say
    api_version      TEXT,
    livemode         INTEGER NOT NULL CHECK (livemode IN (0, 1)),
    occurred_at      TEXT,                        -- by the provider's clock
    received_at      TEXT    NOT NULL,            -- of the first delivery
    last_received_at TEXT    NOT NULL,
    delivery_count   INTEGER NOT NULL CHECK (delivery_count >= 1),
    status           TEXT    NOT NULL CHECK (
                         status = 'processed' OR status = 'ignored' OR status = 'orphan' OR
                         status = 'failed'),
    error            TEXT,                        -- why it was ignored or failed, in words
    processing_us    INTEGER NOT NULL,            -- microseconds from the request's arrival to this row
    transaction_id   INTEGER,                     -- the transaction that it was applied to
    proof            TEXT    NOT NULL,            -- by which secret or certificate: a label
    payload_sha256   BLOB    NOT NULL CHECK (length(payload_sha256) = 32),
    headers          TEXT,                        -- JSON object; no signature; NULL once removed
    payload          TEXT,                        -- the body, byte for byte; NULL once removed
    UNIQUE (provider, event_id)
) STRICT;

-- What the shop expects, and what became of it. Status and amounts are derived from
-- transaction_events and from nothing else.
CREATE TABLE transactions (
    id                INTEGER PRIMARY KEY,
    provider          TEXT    NOT NULL CHECK (provider IN ('stripe', 'paypal')),
    reference         TEXT    NOT NULL,           -- the provider's id that the shop registered
    order_id          TEXT,                       -- the shop's own
    amount            INTEGER CHECK (amount >= 0),        -- expected; NULL: not said
    currency          TEXT    CHECK (length(currency) = 3),
    status            TEXT    NOT NULL CHECK (
                          status = 'succeeded' OR status = 'pending' OR status = 'processing' OR
                          status = 'failed' OR status = 'requires_action' OR status = 'authorized' OR
                          status = 'canceled' OR status = 'partially_refunded' OR
                          status = 'refunded' OR status = 'disputed' OR status = 'charged_back'),
    amount_received   INTEGER NOT NULL CHECK (amount_received >= 0),
    amount_refunded   INTEGER NOT NULL CHECK (amount_refunded BETWEEN 0 AND amount_received),
    received_currency TEXT    CHECK (length(received_currency) = 3),  -- of both; NULL before any money
    dispute_status    TEXT    NOT NULL CHECK (
                          dispute_status = 'none' OR dispute_status = 'inquiry' OR
                          dispute_status = 'inquiry_closed' OR dispute_status = 'open' OR
                          dispute_status = 'won' OR dispute_status = 'lost' OR
                          dispute_status = 'prevented' OR dispute_status = 'closed'),
    amount_check      TEXT    NOT NULL CHECK (
                          amount_check = 'ok' OR amount_check = 'unknown' OR
                          amount_check = 'underpaid' OR amount_check = 'overpaid' OR
                          amount_check = 'wrong_currency'),
    livemode          INTEGER NOT NULL CHECK (livemode IN (0, 1)),
    status_changed_at TEXT    NOT NULL,           -- by the provider's clock; created_at before any event
    created_at        TEXT    NOT NULL,
    updated_at        TEXT    NOT NULL,
    version           INTEGER NOT NULL CHECK (version >= 1),  -- grows by one with every change
    latest_log_id     INTEGER REFERENCES webhook_logs (id),   -- holds the provider's newest object
    metadata          TEXT    NOT NULL CHECK (json_valid(metadata)),
    UNIQUE (provider, livemode, reference)
) STRICT;

-- Every id that is known to mean a payment. transaction_id is the transaction's or, while none is
-- registered, the id of the row in orphan_transactions; the two tables share one sequence of ids.
CREATE TABLE transaction_references (
    provider       TEXT    NOT NULL CHECK (provider IN ('stripe', 'paypal')),
    livemode       INTEGER NOT NULL CHECK (livemode IN (0, 1)),
    value          TEXT    NOT NULL,
    scope          INTEGER NOT NULL,              -- see the last CHECK
    kind           TEXT    NOT NULL,              -- what value names: payment_intent, capture, order_id, …
    transaction_id INTEGER NOT NULL,
    PRIMARY KEY (provider, livemode, value, scope),
    -- An id that names one payment stands here once (scope 0). An order id or a subscription may be
    -- shared by several, so it stands once for each.
    CHECK (scope = CASE WHEN kind IN ('order_id', 'subscription') THEN transaction_id ELSE 0 END)
) STRICT, WITHOUT ROWID;

-- What each event says about its payment, in one vocabulary for both providers. transaction_id as
-- in transaction_references.
CREATE TABLE transaction_events (
    transaction_id INTEGER NOT NULL,
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
    parent_id      TEXT,
    object_at      TEXT,                          -- when the object itself changed
    reason         TEXT,                          -- the provider's code
    "references"   TEXT,                          -- JSON [[kind, value], …]: ids the event carried; on ordinal 0
    PRIMARY KEY (transaction_id, log_id, ordinal)
) STRICT, WITHOUT ROWID;

-- One row for each version of each transaction, in the order of commits.
CREATE TABLE transaction_changes (
    id              INTEGER PRIMARY KEY,
    transaction_id  INTEGER NOT NULL REFERENCES transactions (id),
    version         INTEGER NOT NULL,
    change          TEXT    NOT NULL,             -- transaction.registered, transaction.succeeded, …
    status          TEXT    NOT NULL,
    amount_received INTEGER NOT NULL,
    amount_refunded INTEGER NOT NULL,
    dispute_status  TEXT    NOT NULL,
    amount_check    TEXT    NOT NULL,
    log_id          INTEGER REFERENCES webhook_logs (id),  -- the event that caused it; NULL: the shop did
    changed_at      TEXT    NOT NULL,
    UNIQUE (transaction_id, version)
) STRICT;

-- One row for each payment that no transaction is registered for.
CREATE TABLE orphan_transactions (
    id             INTEGER PRIMARY KEY,
    provider       TEXT    NOT NULL CHECK (provider IN ('stripe', 'paypal')),
    reference      TEXT    NOT NULL,              -- the provider's id that names the payment best
    order_id       TEXT,                          -- the shop's own, if the events carry one
    event_id       TEXT    NOT NULL,              -- the latest received
    event_type     TEXT    NOT NULL,
    status         TEXT    NOT NULL,              -- as a transaction's would be
    amount         INTEGER,
    currency       TEXT,
    livemode       INTEGER NOT NULL CHECK (livemode IN (0, 1)),
    first_seen_at  TEXT    NOT NULL,
    last_seen_at   TEXT    NOT NULL,
    resolved_at    TEXT,
    resolution     TEXT    CHECK (resolution IN ('matched', 'dismissed')),
    transaction_id INTEGER REFERENCES transactions (id),
    note           TEXT,
    CHECK ((resolved_at IS NULL) = (resolution IS NULL)),
    CHECK ((transaction_id IS NOT NULL) = (resolution IS 'matched'))
) STRICT;
CREATE INDEX orphan_transactions_open ON orphan_transactions (id) WHERE resolved_at IS NULL;

-- Notifications owed to the shop's app: rows exist only where an app is to be told.
CREATE TABLE deliveries (
    id              INTEGER PRIMARY KEY,
    change_id       INTEGER NOT NULL UNIQUE REFERENCES transaction_changes (id),
    transaction_id  INTEGER NOT NULL REFERENCES transactions (id),
    status          TEXT    NOT NULL CHECK (
                        status = 'pending' OR status = 'delivered' OR status = 'dead'),
    attempts        INTEGER NOT NULL,
    next_attempt_at TEXT,
    last_error      TEXT
) STRICT;
CREATE INDEX deliveries_pending ON deliveries (next_attempt_at) WHERE status = 'pending';

-- The latest requests that were refused: a sample, bounded in number and in size.
CREATE TABLE rejected_requests (
    id            INTEGER PRIMARY KEY,
    received_at   TEXT    NOT NULL,
    provider      TEXT    NOT NULL CHECK (provider IN ('stripe', 'paypal')),
    reason        TEXT    NOT NULL,
    payload_bytes INTEGER NOT NULL,
    user_agent    TEXT
) STRICT;

-- PayPal's signing certificates, so that a restart while PayPal is down still verifies.
CREATE TABLE paypal_certificates (
    url        TEXT PRIMARY KEY,
    pem        TEXT NOT NULL,
    fetched_at TEXT NOT NULL
) STRICT;

-- Each genuine transmission: only a CRC-32 of the body is signed, so one that comes again with
-- another body is a forgery.
CREATE TABLE paypal_transmissions (
    transmission_id TEXT    NOT NULL PRIMARY KEY,
    log_id          INTEGER NOT NULL REFERENCES webhook_logs (id)
) STRICT, WITHOUT ROWID;

-- What the daemon said when it last started: transactions that do not say which money they are
-- about are about its.
CREATE TABLE daemon (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    livemode   INTEGER NOT NULL CHECK (livemode IN (0, 1)),
    version    TEXT    NOT NULL,
    started_at TEXT    NOT NULL
) STRICT;

CREATE VIEW transaction_details AS
SELECT t.id, t.provider, t.reference, t.order_id, t.amount, t.currency, t.status, t.amount_received,
       t.amount_refunded, t.received_currency, t.dispute_status, t.amount_check, t.livemode,
       t.status_changed_at, t.created_at, t.updated_at, t.version, t.latest_log_id, t.metadata,
       l.event_id AS latest_event_id, l.event_type AS latest_event_type,
       CASE t.provider WHEN 'stripe' THEN json_extract(l.payload, '$.data.object')
                       ELSE json_extract(l.payload, '$.resource') END AS provider_response
FROM transactions t LEFT JOIN webhook_logs l ON l.id = t.latest_log_id;
