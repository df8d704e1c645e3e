-- Money that came in another currency than the expected one, and shops that take deposits.

-- [{"currency":"USD","received":5400,"refunded":0}], each currency once; NULL: there is none.
ALTER TABLE transactions ADD COLUMN other_money TEXT CHECK (json_valid(other_money));
-- Payments that are found by the order id alone and are less than the amount add up.
ALTER TABLE transactions ADD COLUMN partial INTEGER NOT NULL DEFAULT 0 CHECK (partial IN (0, 1));
ALTER TABLE transaction_changes ADD COLUMN other_money TEXT CHECK (json_valid(other_money));
