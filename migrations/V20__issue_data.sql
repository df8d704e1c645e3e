-- What is known of an issue, from which its sentences are made when it is shown, in the reader's language
-- and time zone.

-- JSON: {"is":"silence","provider":"stripe","last_at":…}. A row that has it says nothing in title, detail and
-- remedy, which are '', nor in translations. Rows from before have none and keep the sentences of their time,
-- until they are raised again.
ALTER TABLE issues ADD COLUMN data TEXT CHECK (json_valid(data));
-- JSON: how it ended, where more is known than that it did: {"is":"matched","transaction_id":7}.
ALTER TABLE issues ADD COLUMN ending TEXT CHECK (json_valid(ending));
