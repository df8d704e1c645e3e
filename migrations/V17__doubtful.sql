-- PayPal signs no more of a body than its CRC-32, so two bodies can come with one genuine signature.

-- Each genuine transmission with the body that it carried, also one that was refused. They are kept longer
-- than bodies are.
CREATE TABLE transmissions_seen (
    transmission_id TEXT NOT NULL PRIMARY KEY,
    payload_sha256  BLOB NOT NULL CHECK (length(payload_sha256) = 32),
    log_id          INTEGER REFERENCES webhook_logs (id),   -- NULL: the body was refused
    received_at     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO transmissions_seen (transmission_id, payload_sha256, log_id, received_at)
SELECT transmission_id, ifnull(paypal_transmissions.payload_sha256, webhook_logs.payload_sha256), log_id, received_at
FROM paypal_transmissions JOIN webhook_logs ON webhook_logs.id = log_id;
DROP TABLE paypal_transmissions;
ALTER TABLE transmissions_seen RENAME TO paypal_transmissions;
CREATE INDEX paypal_transmissions_received ON paypal_transmissions (received_at);

-- Events for which another body came than the one that is kept, under a genuine signature: one of the two is
-- forged. With the API keys PayPal is asked which.
CREATE TABLE doubtful_events (
    log_id     INTEGER PRIMARY KEY REFERENCES webhook_logs (id),
    reason     TEXT NOT NULL CHECK (reason IN ('replayed_transmission_id', 'reused_event_id')),
    seen_at    TEXT NOT NULL,
    ask_at     TEXT,                                        -- NULL: not asked again
    settled_at TEXT,
    verdict    TEXT CHECK (verdict IN ('confirmed', 'replaced', 'accepted')),
    CHECK ((settled_at IS NULL) = (verdict IS NULL))
) STRICT;
CREATE INDEX doubtful_events_open ON doubtful_events (log_id) WHERE settled_at IS NULL;

-- Whether an event of it is doubtful.
ALTER TABLE transactions ADD COLUMN doubtful INTEGER NOT NULL DEFAULT 0 CHECK (doubtful IN (0, 1));
ALTER TABLE transaction_changes ADD COLUMN doubtful INTEGER NOT NULL DEFAULT 0 CHECK (doubtful IN (0, 1));
