-- Rows as version 7 of the schema holds them: an event that was missed and fetched, and the runs that
-- looked for such.

INSERT INTO webhook_logs
    (id, provider, event_id, event_type, api_version, livemode, occurred_at, received_at,
     last_received_at, delivery_count, status, error, processing_us, transaction_id, proof,
     payload_sha256, headers, payload, source)
VALUES
    (71, 'paypal', 'WH-7', 'CUSTOMER.ACCOUNT-LIMITATION.ADDED', '1.0', 0,
     '2026-08-20T11:52:03.000Z', '2026-08-24T11:52:03.412Z', '2026-08-24T13:52:03.412Z', 2,
     'ignored', 'not a type that is acted on', 210, NULL, 'the provider''s API',
     x'44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', '{}', '{}', 'catch-up');
INSERT INTO paypal_transmissions (transmission_id, log_id, payload_sha256) VALUES
    ('b2384410-f8d2-11e4-8bf3-000000000071', 71,
     x'8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92');
INSERT INTO reconcile_progress (provider, covered_until)
VALUES ('paypal', '2026-08-24T11:52:03.000Z');
INSERT INTO reconcile_runs
    (id, provider, cause, since, started_at, ended_at, outcome, error, seen, known, applied,
     orphaned, ignored, failed)
VALUES
    (1, 'paypal', 'start', '2026-08-19T11:52:03.000Z', '2026-08-24T11:52:02.000Z',
     '2026-08-24T11:52:04.000Z', 'done', NULL, 3, 2, 0, 0, 1, 0),
    (2, 'paypal', 'schedule', '2026-08-24T09:52:03.000Z', '2026-08-24T12:31:02.000Z',
     '2026-08-24T12:32:04.000Z', 'failed', 'paypal''s API can''t be reached', 0, 0, 0, 0, 0, 0),
    (3, 'paypal', 'command', '2026-08-24T09:52:03.000Z', '2026-08-24T12:41:02.000Z', NULL, NULL,
     NULL, 0, 0, 0, 0, 0, 0);
