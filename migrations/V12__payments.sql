-- What an event says is kept by payment: an event may speak of several, and money is added up over them.

ALTER TABLE transaction_events ADD COLUMN refunded_all INTEGER CHECK (refunded_all IN (0, 1));
ALTER TABLE transaction_events ADD COLUMN payment_id TEXT;
ALTER TABLE transaction_events ADD COLUMN shop_amount INTEGER CHECK (shop_amount >= 0);
ALTER TABLE transaction_events ADD COLUMN shop_currency TEXT CHECK (length(shop_currency) = 3);
