-- What alerts must know to be worth a look.

-- An attempt to pay that came to nothing yet, an invoice that is not paid, a refund, money that was taken back by
-- force, or a dispute.
ALTER TABLE orphan_transactions ADD COLUMN about TEXT NOT NULL DEFAULT 'payment' CHECK (
    about IN ('payment', 'attempt', 'invoice', 'refund', 'reversal', 'dispute'));
UPDATE orphan_transactions SET about = CASE
    WHEN kind = 'late_money' THEN 'payment'
    WHEN EXISTS (SELECT 1 FROM transaction_events e WHERE e.transaction_id = orphan_transactions.id
                 AND e.object NOT IN ('refund', 'dispute', 'invoice', 'invoice_payment'))
        THEN CASE WHEN status IN ('pending', 'requires_action', 'failed', 'canceled') THEN 'attempt'
                  ELSE 'payment' END
    WHEN EXISTS (SELECT 1 FROM transaction_events e WHERE e.transaction_id = orphan_transactions.id
                 AND e.object = 'dispute') THEN 'dispute'
    WHEN EXISTS (SELECT 1 FROM transaction_events e WHERE e.transaction_id = orphan_transactions.id
                 AND e.object = 'refund' AND e.reason = 'reversal') THEN 'reversal'
    WHEN EXISTS (SELECT 1 FROM transaction_events e WHERE e.transaction_id = orphan_transactions.id
                 AND e.object = 'refund') THEN 'refund'
    WHEN EXISTS (SELECT 1 FROM transaction_events e WHERE e.transaction_id = orphan_transactions.id
                 AND e.fact IN ('invoice_paid', 'invoice_payment_paid')) THEN 'payment'
    WHEN EXISTS (SELECT 1 FROM transaction_events e WHERE e.transaction_id = orphan_transactions.id
                 AND e.object IN ('invoice', 'invoice_payment')) THEN 'invoice'
    ELSE 'payment' END;
DROP INDEX orphan_transactions_inbox;
CREATE INDEX orphan_transactions_inbox
    ON orphan_transactions (id, livemode, about, currency, provider, amount, first_seen_at)
    WHERE resolved_at IS NULL AND alert_at IS NOT NULL;

-- Refunds that are under way for too long are looked for among few.
CREATE INDEX transaction_events_refund_pending ON transaction_events (occurred_at)
    WHERE fact = 'refund_pending';
