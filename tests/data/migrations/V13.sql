-- Rows as V13 keeps them.

UPDATE transactions SET other_money = '[{"currency":"USD","received":5400,"refunded":0}]' WHERE id = 1;
UPDATE transactions SET partial = 1 WHERE id = 2;
UPDATE transaction_changes SET other_money = '[{"currency":"USD","received":5400,"refunded":0}]'
WHERE transaction_id = 1 AND version = (SELECT version FROM transactions WHERE id = 1);
