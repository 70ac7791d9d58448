-- +goose Up

-- The tokens of an instrument, its fundings, and the prepaid balances that are
-- over are looked up.
CREATE INDEX tokens_by_aggregate ON tokens (caller_id, aggregate_id) WHERE aggregate_id <> '';
CREATE INDEX transactions_by_funding ON transactions (caller_id, aggregate_id, received, transaction_id) WHERE kind = 'FundPrepaid';
CREATE INDEX aggregate_instruments_over ON aggregate_instruments (caller_id, expires, aggregate_id) WHERE method = 'Prepaid' AND balance > 0 AND expires > 0;

CREATE INDEX aggregate_instruments_by_sender ON aggregate_instruments (sender);

-- A prepaid balance whose spending tokens were all cancelled could not be moved.
-- Its instrument is over, and so it goes back to its sender.
UPDATE aggregate_instruments SET expires = installed
WHERE method = 'Prepaid' AND balance + pending > 0
	AND NOT EXISTS (
		SELECT 1 FROM tokens k
		WHERE k.caller_id = aggregate_instruments.caller_id AND k.aggregate_id = aggregate_instruments.aggregate_id
			AND k.aggregate_id <> '' AND k.token_use = 'Pay' AND k.cancelled = 0);
