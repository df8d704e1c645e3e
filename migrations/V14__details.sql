-- A body may be JSON to the provider and not to SQLite: one such body must not break every query of the
-- view.
DROP VIEW transaction_details;
CREATE VIEW transaction_details AS
SELECT t.id, t.provider, t.reference, t.order_id, t.amount, t.currency, t.status, t.amount_received,
       t.amount_refunded, t.received_currency, t.dispute_status, t.amount_check, t.livemode,
       t.status_changed_at, t.created_at, t.updated_at, t.closed_at, t.version, t.latest_log_id,
       t.metadata, l.event_id AS latest_event_id, l.event_type AS latest_event_type,
       CASE WHEN json_valid(l.payload)
            THEN json_extract(l.payload, iif(t.provider = 'stripe', '$.data.object', '$.resource'))
       END AS provider_response
FROM transactions t LEFT JOIN webhook_logs l ON l.id = t.latest_log_id;

-- Disputes whose outcome is to be asked for: few of all.
CREATE INDEX transactions_untold ON transactions (id) WHERE dispute_status = 'closed';
