-- Rows as this version of the schema holds them, for the tables and columns that are new in it.

UPDATE daemon SET notifies = 1;

UPDATE transaction_changes SET received_currency = 'EUR', status_changed_at = '2026-11-23T11:52:03.000Z'
WHERE id = 3;

INSERT INTO deliveries
    (id, message_id, change_id, transaction_id, status, attempts, attempts_before, next_attempt_at,
     last_error, finished_at)
VALUES
    (3, 'msg_0f8fad5bd9cb469fa16570867728950e', 2, 2, 'dead', 1, 0, NULL,
     'the app answered 410', '2026-11-24T09:00:01.250Z');

INSERT INTO delivery_attempts
    (id, delivery_id, attempt, attempted_at, status_code, error, latency_ms, answer)
VALUES
    (1, 1, 1, '2026-11-23T11:52:03.600Z', 200, NULL, 12, 'ok'),
    (2, 2, 1, '2026-11-24T09:00:00.900Z', NULL, 'timeout', 15000, ''),
    (3, 2, 2, '2026-11-24T09:00:05.400Z', 502, NULL, 3, '<h1>Bad Gateway</h1>'),
    (4, 3, 1, '2026-11-24T09:00:01.100Z', 410, NULL, 5, '');
