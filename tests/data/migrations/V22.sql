-- Rows as version 22 of the schema holds them: an orphan that is no payment.

INSERT INTO orphan_transactions
    (id, provider, kind, about, reference, event_id, event_type, amount, currency, livemode, first_seen_at,
     last_seen_at, alert_at)
VALUES
    (922, 'stripe', 'late_link', 'refund', 're_922', 'evt_922', 'refund.created', 1999, 'EUR', 1,
     '2026-11-24T09:00:01.250Z', '2026-11-24T09:00:01.250Z', '2026-11-24T09:02:01.250Z');
