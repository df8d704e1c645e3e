-- Rows as version 17 of the schema holds them: a transmission whose body was refused, an event for which two
-- bodies came, and one of which PayPal was asked.

INSERT INTO paypal_transmissions (transmission_id, payload_sha256, log_id, received_at) VALUES
    ('b2384410-f8d2-11e4-8bf3-000000000171',
     x'8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92', NULL, '2026-11-24T11:52:03.412Z');
INSERT INTO doubtful_events (log_id, reason, seen_at, ask_at, settled_at, verdict) VALUES
    (71, 'replayed_transmission_id', '2026-11-24T11:52:03.412Z', NULL, '2026-11-24T11:52:08.412Z', 'confirmed'),
    (1, 'reused_event_id', '2026-11-24T11:52:03.412Z', '2026-11-24T11:57:03.412Z', NULL, NULL);
UPDATE transactions SET doubtful = 1 WHERE id = 2;
UPDATE transaction_changes SET doubtful = 1
WHERE transaction_id = 2 AND version = (SELECT version FROM transactions WHERE id = 2);
