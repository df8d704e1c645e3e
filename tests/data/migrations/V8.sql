-- Rows that only version 8 of the schema can hold.

INSERT INTO outcome_changes (log_id, was, became) VALUES (1, 'orphan', 'processed');
