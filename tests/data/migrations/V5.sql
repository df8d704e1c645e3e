-- Rows as this version of the schema holds them, for the tables and columns that are new in it.

INSERT INTO issues
    (id, kind, subject, severity, title, detail, remedy, opened_at, last_seen_at, count, news,
     dismissed_at, closed_at)
VALUES
    (1, 'orphan', '3', 'warning', 'Orphan', 'No transaction', 'See to it',
     '2026-11-23T11:54:03.250Z', '2026-11-23T11:54:03.250Z', 1, 1, NULL, NULL),
    (2, 'dead_letter', 'app', 'critical', 'The app was not told', '', '',
     '2026-11-24T09:00:01.250Z', '2026-11-24T09:00:01.250Z', 2, 2, NULL,
     '2026-11-24T10:00:01.250Z'),
    (3, 'dead_letter', 'app', 'critical', 'The app was not told', '', '',
     '2026-11-24T11:00:01.250Z', '2026-11-24T11:00:01.250Z', 1, 1, '2026-11-24T11:30:00.000Z', NULL);

INSERT INTO alert_targets (id, name, active) VALUES (1, 'slack-0f8fad5b', 1), (2, 'json-9cb469fa', 0);

INSERT INTO alerts
    (id, target_id, issue_id, status, news, attempts, next_attempt_at, last_error, finished_at)
VALUES
    (1, 1, 1, 'sent', 1, 1, NULL, NULL, '2026-11-23T11:54:03.500Z'),
    (2, 2, 1, 'dropped', NULL, 3, NULL, 'it answered 404', '2026-11-23T12:54:03.250Z'),
    (3, 1, 3, 'pending', NULL, 0, '2026-11-24T11:00:01.250Z', NULL, NULL);
