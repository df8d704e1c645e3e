-- Orphans tell why they are orphans and when a person is to hear of them; the shop can close a
-- transaction; the daemon's rules are known to every command.

CREATE TABLE orphans_new (
    id             INTEGER PRIMARY KEY,
    provider       TEXT    NOT NULL CHECK (provider IN ('stripe', 'paypal')),
    kind           TEXT    NOT NULL CHECK (
                       kind = 'early' OR kind = 'late_link' OR kind = 'unlinkable' OR
                       kind = 'foreign' OR kind = 'wrong_environment' OR kind = 'late_money'),
    reference      TEXT    NOT NULL,              -- the provider's id that names the payment best
    order_id       TEXT,                          -- the shop's own, if the events carry one
    event_id       TEXT    NOT NULL,              -- the latest received
    event_type     TEXT    NOT NULL,
    status         TEXT,                          -- as a transaction's would be; NULL: the events claim none
    amount         INTEGER,                       -- received or, before that, asked for
    currency       TEXT,
    livemode       INTEGER NOT NULL CHECK (livemode IN (0, 1)),
    first_seen_at  TEXT    NOT NULL,
    last_seen_at   TEXT    NOT NULL,
    alert_at       TEXT,                          -- from when on a person is to know; NULL: never
    alerted_at     TEXT,                          -- when that was noticed
    resolved_at    TEXT,
    resolution     TEXT    CHECK (resolution IN ('matched', 'dismissed')),
    resolved_by    TEXT    CHECK (resolved_by IN ('payhookd', 'person')),
    transaction_id INTEGER REFERENCES transactions (id),  -- matched with; of late money: that was closed
    note           TEXT,
    CHECK ((resolved_at IS NULL) = (resolution IS NULL)),
    CHECK ((resolved_at IS NULL) = (resolved_by IS NULL)),
    CHECK ((transaction_id IS NOT NULL) = (resolution IS 'matched' OR kind = 'late_money'))
) STRICT;
INSERT INTO orphans_new
    (id, provider, kind, reference, order_id, event_id, event_type, status, amount, currency,
     livemode, first_seen_at, last_seen_at, alert_at, resolved_at, resolution, resolved_by,
     transaction_id, note)
SELECT id, provider, 'early', reference, order_id, event_id, event_type, status, amount, currency,
       livemode, first_seen_at, last_seen_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', first_seen_at, '+2 minutes'), resolved_at, resolution,
       CASE resolution WHEN 'matched' THEN 'payhookd' WHEN 'dismissed' THEN 'person' END,
       transaction_id, note
FROM orphan_transactions;
DROP TABLE orphan_transactions;
ALTER TABLE orphans_new RENAME TO orphan_transactions;
CREATE INDEX orphan_transactions_open ON orphan_transactions (id) WHERE resolved_at IS NULL;
CREATE INDEX orphan_transactions_due ON orphan_transactions (alert_at)
    WHERE resolved_at IS NULL AND alerted_at IS NULL;
CREATE INDEX orphan_transactions_of ON orphan_transactions (transaction_id)
    WHERE transaction_id IS NOT NULL;

-- When the shop said that it expects no money any more; NULL: it does.
ALTER TABLE transactions ADD COLUMN closed_at TEXT;

-- Whose the payment is, by the shop's rule; NULL: the event does not tell. On ordinal 0.
ALTER TABLE transaction_events ADD COLUMN
    ownership TEXT CHECK (ownership = 'own' OR ownership = 'foreign');

-- How the daemon reads events (JSON), and how many seconds it leaves the shop to register a payment.
ALTER TABLE daemon ADD COLUMN rules TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(rules));
ALTER TABLE daemon ADD COLUMN orphan_grace INTEGER NOT NULL DEFAULT 120 CHECK (orphan_grace >= 0);

-- The few events that are to be read again.
CREATE INDEX webhook_logs_failed ON webhook_logs (id) WHERE status = 'failed';

DROP VIEW transaction_details;
CREATE VIEW transaction_details AS
SELECT t.id, t.provider, t.reference, t.order_id, t.amount, t.currency, t.status, t.amount_received,
       t.amount_refunded, t.received_currency, t.dispute_status, t.amount_check, t.livemode,
       t.status_changed_at, t.created_at, t.updated_at, t.closed_at, t.version, t.latest_log_id,
       t.metadata, l.event_id AS latest_event_id, l.event_type AS latest_event_type,
       CASE t.provider WHEN 'stripe' THEN json_extract(l.payload, '$.data.object')
                       ELSE json_extract(l.payload, '$.resource') END AS provider_response
FROM transactions t LEFT JOIN webhook_logs l ON l.id = t.latest_log_id;
