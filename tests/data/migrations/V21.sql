-- Rows as version 21 of the schema holds them: a subscription, a transaction that is a payment of it, and an orphan
-- of another.

INSERT INTO subscriptions
    (id, provider, livemode, reference, own_id, amount, currency, created_at, ended_at)
VALUES
    (1, 'stripe', 1, 'sub_1SW1aKExample', 'club-17', 999, 'EUR', '2026-11-24T09:00:01.250Z', NULL);

UPDATE transactions SET subscription_id = 1, period_start = '2026-11-01T00:00:00.000Z',
       period_end = '2026-12-01T00:00:00.000Z' WHERE id = 2;
