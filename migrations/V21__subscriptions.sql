-- A shop registers a subscription once: each payment of it becomes a transaction by itself.
CREATE TABLE subscriptions (
    id         INTEGER PRIMARY KEY,
    provider   TEXT    NOT NULL CHECK (provider IN ('stripe', 'paypal')),
    livemode   INTEGER NOT NULL CHECK (livemode IN (0, 1)),
    reference  TEXT    NOT NULL,                  -- the provider's id: sub_…, I-…
    own_id     TEXT,                              -- the shop's own
    amount     INTEGER CHECK (amount >= 0),       -- expected of each payment; NULL: not said
    currency   TEXT    CHECK (length(currency) = 3),
    created_at TEXT    NOT NULL,
    ended_at   TEXT,                              -- when the shop said that no more is to be paid of it
    UNIQUE (provider, livemode, reference)
) STRICT;

-- The subscription that the transaction is a payment of.
ALTER TABLE transactions ADD COLUMN subscription_id INTEGER REFERENCES subscriptions (id);
-- 1: payhookd made it for a payment of the subscription; 0: the shop registered it.
ALTER TABLE transactions ADD COLUMN made INTEGER NOT NULL DEFAULT 0 CHECK (made IN (0, 1));
-- The transaction of the shop's own that this payment turned out to be; the row is kept because the app was
-- told of it.
ALTER TABLE transactions ADD COLUMN merged_into INTEGER REFERENCES transactions (id);
-- What is paid for, as far as the provider says.
ALTER TABLE transactions ADD COLUMN period_start TEXT;
ALTER TABLE transactions ADD COLUMN period_end TEXT;
-- Its money came after the subscription had ended.
ALTER TABLE transactions ADD COLUMN after_end INTEGER NOT NULL DEFAULT 0 CHECK (after_end IN (0, 1));
CREATE INDEX transactions_of_subscription ON transactions (subscription_id)
    WHERE subscription_id IS NOT NULL;
CREATE INDEX transactions_merged ON transactions (merged_into) WHERE merged_into IS NOT NULL;

-- What an event says of the period that is paid for.
ALTER TABLE transaction_events ADD COLUMN period_start TEXT;
ALTER TABLE transaction_events ADD COLUMN period_end TEXT;

-- The provider's id of the subscription that the payment is of.
ALTER TABLE orphan_transactions ADD COLUMN subscription TEXT;
CREATE INDEX orphan_transactions_subscription ON orphan_transactions (provider, subscription)
    WHERE subscription IS NOT NULL AND resolved_at IS NULL;
-- Those that are open already, so that they stand together from now on.
UPDATE orphan_transactions SET subscription = named.value
FROM (SELECT transaction_id, min(value) AS value FROM transaction_references
      WHERE kind = 'subscription' GROUP BY transaction_id) AS named
WHERE named.transaction_id = orphan_transactions.id AND resolved_at IS NULL
  AND kind IN ('early', 'late_link', 'unlinkable');

DROP VIEW transaction_details;
CREATE VIEW transaction_details AS
SELECT t.id, t.provider, t.reference, t.order_id, t.amount, t.currency, t.status, t.amount_received,
       t.amount_refunded, t.received_currency, t.dispute_status, t.amount_check, t.livemode,
       t.status_changed_at, t.created_at, t.updated_at, t.closed_at, t.version, t.latest_log_id,
       t.metadata, l.event_id AS latest_event_id, l.event_type AS latest_event_type,
       CASE WHEN json_valid(l.payload)
            THEN json_extract(l.payload, iif(t.provider = 'stripe', '$.data.object', '$.resource'))
       END AS provider_response,
       t.subscription_id, s.reference AS subscription, s.own_id AS subscription_own_id,
       t.period_start, t.period_end, t.merged_into
FROM transactions t LEFT JOIN webhook_logs l ON l.id = t.latest_log_id
                    LEFT JOIN subscriptions s ON s.id = t.subscription_id;
