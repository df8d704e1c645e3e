-- What stored events say is read again by the rules of this version, those up to this one: by
-- `payhookd --migrate`, which notes how far it is, so that one that was broken off is gone on with.
CREATE TABLE to_read_again (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    read_to   INTEGER NOT NULL,                   -- row of webhook_logs
    until     INTEGER NOT NULL CHECK (until >= read_to)
) STRICT;
INSERT INTO to_read_again (id, read_to, until)
SELECT 1, 0, max(id) FROM webhook_logs HAVING max(id) IS NOT NULL;
