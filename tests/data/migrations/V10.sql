-- Rows as version 10 of the schema holds them.

INSERT INTO daily_reports
    (id, target_id, day, status, attempts, next_attempt_at, last_error, finished_at)
VALUES
    (1, 1, '2026-11-22', 'sent', 1, NULL, NULL, '2026-11-23T07:00:00.412Z'),
    (2, 1, '2026-11-23', 'pending', 1, '2026-11-24T07:05:00.000Z', 'the target answered 503', NULL);
