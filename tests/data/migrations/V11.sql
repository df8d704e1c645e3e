-- Rows as version 11 of the schema holds them.

INSERT INTO issues
    (id, kind, subject, severity, title, detail, remedy, translations, opened_at, last_seen_at,
     count, news, dismissed_at, closed_at)
VALUES
    (4, 'silence', 'stripe', 'warning', 'Nothing has come', '', 'See to it',
     '{"fr":{"title":"Rien n’est arrivé","detail":"","remedy":"À voir"}}',
     '2026-11-24T09:00:01.250Z', '2026-11-24T09:00:01.250Z', 1, 2, NULL, '2026-11-24T10:30:00.000Z');
