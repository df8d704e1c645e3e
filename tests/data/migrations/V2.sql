-- Rows that only version 2 of the schema can hold.

UPDATE transactions SET closed_at = '2026-11-24T08:00:00.000Z' WHERE id = 1;

INSERT INTO orphan_transactions
    (id, provider, kind, reference, order_id, event_id, event_type, status, amount, currency,
     livemode, first_seen_at, last_seen_at, alert_at, alerted_at, resolved_at, resolution,
     resolved_by, transaction_id, note)
VALUES
    (6, 'stripe', 'late_money', 'pi_3SW1aKExample', 'A-1001', 'evt_3SW1aKExample0001',
     'payment_intent.succeeded', 'partially_refunded', 4999, 'EUR', 1, '2026-11-24T08:00:00.000Z',
     '2026-11-24T09:00:00.705Z', '2026-11-24T08:00:00.000Z', '2026-11-24T08:00:01.000Z', NULL, NULL,
     NULL, 1, NULL),
    (7, 'stripe', 'foreign', 'pi_3SW1fGExample', 'B-17', 'evt_3SW1fGExample0001',
     'payment_intent.succeeded', 'succeeded', 1200, 'EUR', 1, '2026-11-24T08:10:00.000Z',
     '2026-11-24T08:10:00.000Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (8, 'stripe', 'late_link', 're_3SW1gHExample', NULL, 'evt_3SW1gHExample0001', 'refund.created',
     NULL, 700, 'EUR', 1, '2026-11-24T08:20:00.000Z', '2026-11-24T08:20:00.000Z',
     '2026-11-24T08:22:00.000Z', NULL, '2026-11-24T08:30:00.000Z', 'dismissed', 'person', NULL,
     'of the old shop');

UPDATE transaction_events SET ownership = 'own' WHERE transaction_id = 1 AND log_id = 1;

INSERT INTO daemon (id, livemode, version, started_at, rules, orphan_grace)
VALUES (1, 1, '0.1.0', '2026-11-24T07:59:59.000Z',
        '{"order_id_key":"order","own_metadata":[["site","shop"]],"own_invoice_prefix":[]}', 300)
ON CONFLICT (id) DO UPDATE SET rules = excluded.rules, orphan_grace = excluded.orphan_grace;
