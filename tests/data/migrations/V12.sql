-- Rows as V12 keeps them.

INSERT INTO orphan_transactions
    (id, provider, account, kind, candidates, reference, event_id, event_type, livemode, first_seen_at,
     last_seen_at, alert_at, resolved_at, resolution, resolved_by, note)
VALUES (9012, 'stripe', 'acct_1Other', 'ambiguous', '[1,2]', 'pi_9012', 'evt_9012', 'payment_intent.succeeded',
        0, '2026-11-28T00:00:00.000Z', '2026-11-28T00:00:00.000Z', '2026-11-28T00:02:00.000Z',
        '2026-11-28T01:00:00.000Z', 'dismissed', 'person', 'a trial');
INSERT INTO transaction_references
    (provider, livemode, value, shared, account, transaction_id, kind, standing)
VALUES ('stripe', 0, 'pi_9012', 0, 'acct_1Other', 9012, 'payment_intent', 'named');
