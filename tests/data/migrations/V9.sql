-- Rows as version 9 of the schema holds them.

INSERT INTO object_asks (subject, id, version, asked_at, next_at, result) VALUES
    ('payment', 1, 3, '2026-11-23T12:52:03.412Z', '2026-11-24T11:52:03.412Z', '1 objects');
