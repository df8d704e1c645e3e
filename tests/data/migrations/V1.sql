-- Rows as version 1 of the schema holds them: at least one in every table, one of every kind that
-- differs. Later migrations are tried on them.

INSERT INTO webhook_logs
    (id, provider, event_id, event_type, api_version, livemode, occurred_at, received_at,
     last_received_at, delivery_count, status, error, processing_us, transaction_id, proof,
     payload_sha256,
     headers,
     payload)
VALUES
    (1, 'stripe', 'evt_3SW1aKExample0001', 'payment_intent.succeeded', '2025-12-15.clover', 1, '2026-11-23T11:52:03.000Z', '2026-11-23T11:52:03.412Z',
     '2026-11-23T12:52:04.018Z', 2, 'processed', NULL, 1874, 1, 'secret 1',
     x'6f70e8e344ac5ceca76f5289cff549a980132f9a3df8b9420476552b1b51604a',
     '{"content-type":"application/json; charset=utf-8","user-agent":"Stripe/1.0 (+https://stripe.com/docs/webhooks)"}',
     '{"id":"evt_3SW1aKExample0001","object":"event","api_version":"2025-12-15.clover","created":1795434723,"data":{"object":{"id":"pi_3SW1aKExample","object":"payment_intent","amount":4999,"amount_received":4999,"currency":"eur","latest_charge":"ch_3SW1aKExample","metadata":{"order_id":"A-1001"},"status":"succeeded"}},"livemode":true,"type":"payment_intent.succeeded"}'),
    (2, 'stripe', 'evt_3SW1aKExample0002', 'refund.created', '2025-12-15.clover', 1, '2026-11-24T09:00:00.000Z', '2026-11-24T09:00:00.705Z',
     '2026-11-24T09:00:00.705Z', 1, 'processed', NULL, 1502, 1, 'secret 1',
     x'ea23ffd88943e1c15281aeeaacecb4a51fe8a6b9c01bc4840ba85a977e07931c',
     '{"content-type":"application/json; charset=utf-8","user-agent":"Stripe/1.0 (+https://stripe.com/docs/webhooks)"}',
     '{"id":"evt_3SW1aKExample0002","object":"event","api_version":"2025-12-15.clover","created":1795510800,"data":{"object":{"id":"re_3SW1aKExample","object":"refund","amount":1000,"charge":"ch_3SW1aKExample","currency":"eur","payment_intent":"pi_3SW1aKExample","status":"succeeded"}},"livemode":true,"type":"refund.created"}'),
    (3, 'paypal', 'WH-58D329510W468432D-8HN650336L201105X', 'PAYMENT.CAPTURE.COMPLETED', '1.0', 1, '2026-11-23T11:58:38.000Z', '2026-11-23T11:58:40.377Z',
     '2026-11-23T11:58:40.377Z', 1, 'orphan', NULL, 2210, NULL, 'certificate CERT-360caa42-fca2a594-ab66f33d, webhook id 1',
     x'd3435ac54db2275076bfca0aad62a7302bc7ae33fd276251aac66a2b87ea4cc6',
     '{"content-type":"application/json","user-agent":"PayPal/AUHD-214.0-58843828","paypal-transmission-id":"f8a5a4b0-c860-11f0-9f3c-2d4f4f1c2d3e","paypal-transmission-time":"2026-11-23T11:58:40Z","paypal-cert-url":"https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-ab66f33d","paypal-auth-algo":"SHA256withRSA"}',
     '{"id":"WH-58D329510W468432D-8HN650336L201105X","event_version":"1.0","create_time":"2026-11-23T11:58:38.000Z","resource_type":"capture","resource_version":"2.0","event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{"id":"42311647XV020574X","amount":{"currency_code":"EUR","value":"17.47"},"custom_id":"A-1002","status":"COMPLETED","create_time":"2026-11-23T11:58:37Z","update_time":"2026-11-23T11:58:37Z"}}'),
    (4, 'stripe', 'evt_1SW1cDExample0004', 'customer.updated', '2025-12-15.clover', 1, '2026-11-23T12:01:00.000Z', '2026-11-23T12:01:00.244Z',
     '2026-11-23T12:01:00.244Z', 1, 'ignored', 'not a type that is acted on', 640, NULL, 'secret 1',
     x'54d8cbba9ccc2f8c3276113453896a897cda9959845e768ff53942756ec2d2d1',
     NULL,
     NULL),
    (5, 'stripe', 'evt_1SW1cDExample0005', 'payment_intent.succeeded', NULL, 0, NULL, '2026-11-23T12:02:00.120Z',
     '2026-11-23T12:02:00.120Z', 1, 'failed', 'data.object is missing', 588, NULL, 'secret 2',
     x'1f0415df135721006bb410be9f053476a29b906b06b68eacf89e8bcd18ca58b9',
     '{"content-type":"application/json; charset=utf-8","user-agent":"Stripe/1.0 (+https://stripe.com/docs/webhooks)"}',
     '{"id":"evt_1SW1cDExample0005","object":"event","livemode":false,"type":"payment_intent.succeeded"}');

INSERT INTO transactions
    (id, provider, reference, order_id, amount, currency, status, amount_received, amount_refunded,
     received_currency, dispute_status, amount_check, livemode, status_changed_at, created_at,
     updated_at, version, latest_log_id, metadata)
VALUES
    (1, 'stripe', 'pi_3SW1aKExample', 'A-1001', 4999, 'EUR', 'partially_refunded', 4999, 1000,
     'EUR', 'none', 'ok', 1, '2026-11-24T09:00:00.000Z', '2026-11-23T11:51:40.000Z',
     '2026-11-24T09:00:00.705Z', 3, 2, '{"basket":17}'),
    (2, 'paypal', '5O190127TN364715T', NULL, NULL, NULL, 'pending', 0, 0,
     NULL, 'none', 'unknown', 0, '2026-11-23T11:55:00.000Z', '2026-11-23T11:55:00.000Z',
     '2026-11-23T11:55:00.000Z', 1, NULL, '{}');

INSERT INTO orphan_transactions
    (id, provider, reference, order_id, event_id, event_type, status, amount, currency, livemode,
     first_seen_at, last_seen_at, resolved_at, resolution, transaction_id, note)
VALUES
    (3, 'paypal', '42311647XV020574X', 'A-1002', 'WH-58D329510W468432D-8HN650336L201105X',
     'PAYMENT.CAPTURE.COMPLETED', 'succeeded', 1747, 'EUR', 1, '2026-11-23T11:58:40.377Z',
     '2026-11-23T11:58:40.377Z', NULL, NULL, NULL, NULL),
    (4, 'stripe', 'pi_3SW1aKExample', 'A-1001', 'evt_3SW1aKExample0001', 'payment_intent.succeeded',
     'succeeded', 4999, 'EUR', 1, '2026-11-23T11:51:39.000Z', '2026-11-23T11:51:39.000Z',
     '2026-11-23T11:51:40.000Z', 'matched', 1, NULL),
    (5, 'stripe', 'pi_3SW1dEExample', NULL, 'evt_3SW1dEExample0001', 'payment_intent.canceled',
     'canceled', 100, 'JPY', 0, '2026-11-23T12:05:00.000Z', '2026-11-23T12:05:00.000Z',
     '2026-11-23T12:30:00.000Z', 'dismissed', NULL, 'a trial of our own');

INSERT INTO transaction_references (provider, livemode, value, scope, kind, transaction_id)
VALUES
    ('stripe', 1, 'pi_3SW1aKExample', 0, 'payment_intent', 1),
    ('stripe', 1, 'ch_3SW1aKExample', 0, 'charge', 1),
    ('stripe', 1, 're_3SW1aKExample', 0, 'refund', 1),
    ('stripe', 1, 'A-1001', 1, 'order_id', 1),
    ('paypal', 0, '5O190127TN364715T', 0, 'order', 2),
    ('paypal', 1, '42311647XV020574X', 0, 'capture', 3),
    ('paypal', 1, 'A-1002', 3, 'order_id', 3);

INSERT INTO transaction_events
    (transaction_id, log_id, ordinal, occurred_at, event_id, object, object_id, fact, amount,
     currency, captured, refunded, parent_id, object_at, reason, "references")
VALUES
    (1, 1, 0, '2026-11-23T11:52:03.000Z', 'evt_3SW1aKExample0001', 'payment_intent',
     'pi_3SW1aKExample', 'succeeded', 4999, 'EUR', 4999, NULL, NULL, NULL, NULL,
     '[["payment_intent","pi_3SW1aKExample"],["charge","ch_3SW1aKExample"],["order_id","A-1001"]]'),
    (1, 2, 0, '2026-11-24T09:00:00.000Z', 'evt_3SW1aKExample0002', 'refund', 're_3SW1aKExample',
     'refund_succeeded', 1000, 'EUR', NULL, NULL, 'ch_3SW1aKExample', NULL, NULL,
     '[["refund","re_3SW1aKExample"],["charge","ch_3SW1aKExample"],["payment_intent","pi_3SW1aKExample"]]'),
    (3, 3, 0, '2026-11-23T11:58:38.000Z', 'WH-58D329510W468432D-8HN650336L201105X', 'capture',
     '42311647XV020574X', 'succeeded', 1747, 'EUR', 1747, NULL, NULL, '2026-11-23T11:58:37.000Z',
     NULL, '[["capture","42311647XV020574X"],["order_id","A-1002"]]');

INSERT INTO transaction_changes
    (id, transaction_id, version, change, status, amount_received, amount_refunded, dispute_status,
     amount_check, log_id, changed_at)
VALUES
    (1, 1, 1, 'transaction.registered', 'pending', 0, 0, 'none', 'unknown', NULL,
     '2026-11-23T11:51:40.000Z'),
    (2, 2, 1, 'transaction.registered', 'pending', 0, 0, 'none', 'unknown', NULL,
     '2026-11-23T11:55:00.000Z'),
    (3, 1, 2, 'transaction.succeeded', 'succeeded', 4999, 0, 'none', 'ok', 1,
     '2026-11-23T11:52:03.412Z'),
    (4, 1, 3, 'transaction.partially_refunded', 'partially_refunded', 4999, 1000, 'none', 'ok', 2,
     '2026-11-24T09:00:00.705Z');

INSERT INTO deliveries
    (id, change_id, transaction_id, status, attempts, next_attempt_at, last_error)
VALUES
    (1, 3, 1, 'delivered', 1, NULL, NULL),
    (2, 4, 1, 'pending', 2, '2026-11-24T09:05:00.000Z', 'the app answered 502');

INSERT INTO rejected_requests (id, received_at, provider, reason, payload_bytes, user_agent)
VALUES
    (1, '2026-11-23T12:10:00.000Z', 'stripe', 'bad_signature', 2, 'curl/8.5.0'),
    (2, '2026-11-23T12:10:01.000Z', 'paypal', 'missing_header', 0, NULL);

INSERT INTO paypal_certificates (url, pem, fetched_at)
VALUES
    ('https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-ab66f33d',
     '-----BEGIN CERTIFICATE-----
MIIB
-----END CERTIFICATE-----
', '2026-11-23T11:58:39.000Z');

INSERT INTO paypal_transmissions (transmission_id, log_id)
VALUES ('f8a5a4b0-c860-11f0-9f3c-2d4f4f1c2d3e', 3);

INSERT INTO daemon (id, livemode, version, started_at)
VALUES (1, 1, '0.1.0', '2026-11-23T11:50:00.000Z');
