-- Rows as version 6 of the schema holds them: an event whose body and headers were removed. (It has no
-- link yet: those are made when payhookd opens the database.)

INSERT INTO webhook_logs
    (id, provider, event_id, event_type, api_version, livemode, occurred_at, received_at,
     last_received_at, delivery_count, status, error, processing_us, transaction_id, proof,
     payload_sha256, headers, payload, headers_sha256)
VALUES
    (61, 'stripe', 'evt_3SW1aKExample0061', 'charge.updated', '2025-12-15.clover', 1,
     '2026-08-20T11:52:03.000Z', '2026-08-20T11:52:03.412Z', '2026-08-20T11:52:03.412Z', 1,
     'processed', NULL, 1210, 1, 'secret 1',
     x'6f70e8e344ac5ceca76f5289cff549a980132f9a3df8b9420476552b1b51604a', NULL, NULL,
     x'8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92');

INSERT INTO unsettled_events (log_id) VALUES (5);
