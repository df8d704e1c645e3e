-- Rows as version 20 of the schema holds them: an issue with data, and one with data that ended in a way that is
-- known.

INSERT INTO issues
    (id, kind, subject, severity, title, detail, remedy, data, ending, opened_at, last_seen_at, count, news,
     dismissed_at, closed_at)
VALUES
    (5, 'reconcile', 'paypal', 'warning', '', '', '',
     '{"is":"reconcile","provider":"paypal","error":"the API answered 401"}', NULL,
     '2026-11-24T09:00:01.250Z', '2026-11-24T09:00:01.250Z', 1, 1, NULL, NULL),
    (6, 'orphan', '77', 'warning', '', '', '',
     '{"is":"orphan","id":77,"why":"early","payment":{"provider":"stripe","money":{"minor":4999,"currency":"EUR"},"order_id":null,"reference":"pi_77"}}',
     '{"is":"matched","transaction_id":1}',
     '2026-11-24T09:00:01.250Z', '2026-11-24T09:00:01.250Z', 1, 2, NULL, '2026-11-24T10:30:00.000Z');
