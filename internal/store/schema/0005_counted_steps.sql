-- +goose Up

-- A transaction counts its steps and postings, so that the next one need not look
-- for the last.
ALTER TABLE transactions ADD COLUMN steps BIGINT NOT NULL DEFAULT 0;
ALTER TABLE transactions ADD COLUMN posted BIGINT NOT NULL DEFAULT 0;

-- When an open transaction is due to be given up; 0 once it no longer is. It
-- changes less often than the state does, and so does its index.
ALTER TABLE transactions ADD COLUMN due BIGINT NOT NULL DEFAULT 0;
UPDATE transactions SET
	steps = (SELECT COUNT(1) FROM transaction_history h
		WHERE h.caller_id = transactions.caller_id AND h.transaction_id = transactions.transaction_id),
	posted = (SELECT COUNT(1) FROM postings p
		WHERE p.caller_id = transactions.caller_id AND p.transaction_id = transactions.transaction_id),
	due = CASE WHEN state IN ('Pending', 'Reserved') THEN deadline ELSE 0 END;
