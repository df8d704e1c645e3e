-- What an event says is kept by payment: an event may speak of several payments, and one payment may be
-- of several transactions. Instants, money and lists of words as in V1.

-- Stripe Connect's account that an event is of, where it is not the shop's own; NULL: the shop's.
ALTER TABLE webhook_logs ADD COLUMN account TEXT;

-- Whether all of a charge went back; the payment that a refund or bill is about beside its parent; the
-- same money in the shop's own currency.
ALTER TABLE transaction_events ADD COLUMN refunded_all INTEGER CHECK (refunded_all IN (0, 1));
ALTER TABLE transaction_events ADD COLUMN payment_id TEXT;
ALTER TABLE transaction_events ADD COLUMN shop_amount INTEGER CHECK (shop_amount >= 0);
ALTER TABLE transaction_events ADD COLUMN shop_currency TEXT CHECK (length(shop_currency) = 3);
-- By what its payment was found to belong here: 'registered:pi_…', 'tied:cs_…', 'order_id:A-1001',
-- 'subscription:sub_…', 'person'; NULL: an orphan's. Beside "references", which begins what the event
-- says of one payment; what it says of the next begins with the next.
ALTER TABLE transaction_events ADD COLUMN matched_by TEXT;
-- 1: another rendering of the event said it, whose body is not kept.
ALTER TABLE transaction_events ADD COLUMN rendering INTEGER NOT NULL DEFAULT 0 CHECK (rendering IN (0, 1));

-- Every id that is known of a payment, once for each payment that has it. account as in webhook_logs,
-- '' for the shop's own.
CREATE TABLE payment_references (
    provider       TEXT    NOT NULL CHECK (provider IN ('stripe', 'paypal')),
    livemode       INTEGER NOT NULL CHECK (livemode IN (0, 1)),
    value          TEXT    NOT NULL,
    shared         INTEGER NOT NULL CHECK (shared IN (0, 1)),  -- an order id, a subscription, a dispute:
                                                  -- not of one payment alone
    account        TEXT    NOT NULL,
    transaction_id INTEGER NOT NULL,              -- or the orphan's, as in V1
    kind           TEXT    NOT NULL,              -- what value names: payment_intent, capture, order_id, …
    standing       TEXT    NOT NULL CHECK (
                       standing = 'tied' OR       -- whatever comes with it belongs here too
                       standing = 'registered' OR -- the shop said it
                       standing = 'named'),       -- an event said it
    PRIMARY KEY (provider, livemode, value, shared, account, transaction_id)
) STRICT, WITHOUT ROWID;
INSERT INTO payment_references
    (provider, livemode, value, shared, account, transaction_id, kind, standing)
SELECT r.provider, r.livemode, r.value,
       r.kind IN ('order_id', 'subscription', 'dispute', 'client_reference_id'), '', r.transaction_id,
       r.kind,
       CASE WHEN r.value = t.reference AND (r.scope = 0 OR r.kind = 'subscription') OR
                 r.value = t.order_id AND r.kind = 'order_id' THEN 'registered' ELSE 'named' END
FROM transaction_references r LEFT JOIN transactions t ON t.id = r.transaction_id;
DROP TABLE transaction_references;
ALTER TABLE payment_references RENAME TO transaction_references;

-- Orphans that lead somewhere and are not applied there.
CREATE TABLE orphans_new (
    id             INTEGER PRIMARY KEY,
    provider       TEXT    NOT NULL CHECK (provider IN ('stripe', 'paypal')),
    account        TEXT,                          -- as in webhook_logs
    kind           TEXT    NOT NULL CHECK (
                       kind = 'early' OR kind = 'late_link' OR kind = 'unlinkable' OR
                       kind = 'foreign' OR kind = 'wrong_environment' OR kind = 'late_money' OR
                       kind = 'ambiguous' OR kind = 'mismatch'),
    candidates     TEXT    CHECK (json_valid(candidates)),  -- the transactions that it leads to; JSON list
    reference      TEXT    NOT NULL,
    order_id       TEXT,
    event_id       TEXT    NOT NULL,
    event_type     TEXT    NOT NULL,
    status         TEXT,
    amount         INTEGER,
    currency       TEXT,
    livemode       INTEGER NOT NULL CHECK (livemode IN (0, 1)),
    first_seen_at  TEXT    NOT NULL,
    last_seen_at   TEXT    NOT NULL,
    alert_at       TEXT,
    alerted_at     TEXT,
    resolved_at    TEXT,
    resolution     TEXT    CHECK (resolution IN ('matched', 'dismissed')),
    resolved_by    TEXT    CHECK (resolved_by IN ('payhookd', 'person')),
    transaction_id INTEGER REFERENCES transactions (id),
    note           TEXT,
    CHECK ((resolved_at IS NULL) = (resolution IS NULL)),
    CHECK ((resolved_at IS NULL) = (resolved_by IS NULL)),
    CHECK ((transaction_id IS NOT NULL) = (resolution IS 'matched' OR kind = 'late_money'))
) STRICT;
INSERT INTO orphans_new
    (id, provider, kind, reference, order_id, event_id, event_type, status, amount, currency, livemode,
     first_seen_at, last_seen_at, alert_at, alerted_at, resolved_at, resolution, resolved_by,
     transaction_id, note)
SELECT id, provider, kind, reference, order_id, event_id, event_type, status, amount, currency, livemode,
       first_seen_at, last_seen_at, alert_at, alerted_at, resolved_at, resolution, resolved_by,
       transaction_id, note
FROM orphan_transactions;
DROP TABLE orphan_transactions;
ALTER TABLE orphans_new RENAME TO orphan_transactions;
CREATE INDEX orphan_transactions_open ON orphan_transactions (id) WHERE resolved_at IS NULL;
CREATE INDEX orphan_transactions_due ON orphan_transactions (alert_at)
    WHERE resolved_at IS NULL AND alerted_at IS NULL;
CREATE INDEX orphan_transactions_of ON orphan_transactions (transaction_id)
    WHERE transaction_id IS NOT NULL;
CREATE INDEX orphan_transactions_inbox
    ON orphan_transactions (id, livemode, currency, provider, amount, first_seen_at)
    WHERE resolved_at IS NULL AND alert_at IS NOT NULL;

-- By event: an event may be with several payments.
CREATE INDEX transaction_events_of ON transaction_events (log_id);
-- What a person attached stays attached.
UPDATE transaction_events SET matched_by = 'person'
WHERE "references" IS NOT NULL AND EXISTS
    (SELECT 1 FROM orphan_transactions o
     WHERE o.transaction_id = transaction_events.transaction_id AND o.resolution = 'matched'
       AND o.resolved_by = 'person'
       AND EXISTS (SELECT 1 FROM json_each("references") r
                   WHERE json_extract(r.value, '$[1]') = o.reference));
