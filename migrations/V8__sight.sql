-- What the dashboard asks for, found without reading tables through.

-- Also how long each event took, so that this can be said of many without reading their rows.
DROP INDEX webhook_logs_listing;
CREATE INDEX webhook_logs_listing
    ON webhook_logs (id, status, event_type, provider, livemode, received_at, processing_us);

-- Each time that an event's outcome became another, in the order of commits: what was counted of it
-- can be counted anew without looking at all events again. Bounded in number.
CREATE TABLE outcome_changes (
    id     INTEGER PRIMARY KEY,
    log_id INTEGER NOT NULL,
    was    TEXT    NOT NULL,                      -- as webhook_logs.status
    became TEXT    NOT NULL
) STRICT;
CREATE TRIGGER webhook_logs_outcome AFTER UPDATE OF status ON webhook_logs
WHEN OLD.status <> NEW.status
BEGIN
    INSERT INTO outcome_changes (log_id, was, became) VALUES (NEW.id, OLD.status, NEW.status);
    DELETE FROM outcome_changes WHERE id <= last_insert_rowid() - 100000;
END;

-- The events of orphans: few, and a person looks for them.
CREATE INDEX webhook_logs_orphan
    ON webhook_logs (id, event_type, provider, livemode, received_at) WHERE status = 'orphan';

-- The orphans that a person is to see to: few, among those that are another's or done with.
CREATE INDEX orphan_transactions_inbox
    ON orphan_transactions (id, livemode, currency, provider, amount, first_seen_at)
    WHERE resolved_at IS NULL AND alert_at IS NOT NULL;

-- Transactions by what was to be paid and, where it is something else, by what was.
CREATE INDEX transactions_amount ON transactions (amount) WHERE amount IS NOT NULL;
CREATE INDEX transactions_amount_received ON transactions (amount_received)
    WHERE amount_received > 0 AND amount_received IS NOT amount;
