-- +goose Up

-- What the whole of the API needs: every kind of transaction, lasting tokens
-- and their limits, prepaid and credit instruments, balances. Tables whose
-- checks change are made anew, since SQLite cannot change a check.

ALTER TABLE callers ADD COLUMN marketplace BIGINT NOT NULL DEFAULT 0;

-- Limits are per month; 0 is none. Who owned a caller before is a business.
ALTER TABLE parties ADD COLUMN business BIGINT NOT NULL DEFAULT 0;
ALTER TABLE parties ADD COLUMN verified BIGINT NOT NULL DEFAULT 1;
ALTER TABLE parties ADD COLUMN sending_limit BIGINT NOT NULL DEFAULT 0;
ALTER TABLE parties ADD COLUMN receiving_limit BIGINT NOT NULL DEFAULT 0;
UPDATE parties SET business = 1 WHERE party_id IN (SELECT owner FROM callers);

ALTER TABLE instruments ADD COLUMN verified BIGINT NOT NULL DEFAULT 1;
ALTER TABLE instruments ADD COLUMN removed BIGINT NOT NULL DEFAULT 0;

ALTER TABLE tokens RENAME TO tokens_before;
DROP INDEX tokens_by_reference;
DROP INDEX tokens_by_id;
CREATE TABLE tokens (
	caller_id        TEXT   NOT NULL,
	token_id         TEXT   NOT NULL,
	token_use        TEXT   NOT NULL CHECK (token_use IN ('Pay', 'Fund', 'Settle', 'Receive', 'Refund', 'Call')),
	token_type       TEXT   NOT NULL CHECK (token_type IN ('SingleUse', 'MultiUse', 'Recurring', 'Unrestricted')),
	reference        TEXT   NOT NULL,
	friendly_name    TEXT   NOT NULL,
	reason           TEXT   NOT NULL,
	installed        BIGINT NOT NULL,
	starts           BIGINT NOT NULL,
	expires          BIGINT NOT NULL,
	used_by          TEXT   NOT NULL,
	cancelled        BIGINT NOT NULL,
	old_token        TEXT   NOT NULL,
	instruction      TEXT   NOT NULL,
	sender           TEXT   NOT NULL,
	instrument_id    TEXT   NOT NULL,
	method           TEXT   NOT NULL CHECK (method IN ('', 'CC', 'ACH', 'ABT', 'Prepaid', 'Debt')),
	aggregate_id     TEXT   NOT NULL,
	amount_type      TEXT   NOT NULL CHECK (amount_type IN ('', 'Maximum', 'Exact', 'Minimum')),
	amount           BIGINT NOT NULL CHECK (amount >= 0),
	period           TEXT   NOT NULL,
	recipient        TEXT   NOT NULL,
	recipients       TEXT   NOT NULL,
	methods          TEXT   NOT NULL,
	fee_ceiling      BIGINT NOT NULL,
	fixed_ceiling    BIGINT NOT NULL CHECK (fixed_ceiling >= 0),
	variable_ceiling BIGINT NOT NULL CHECK (variable_ceiling BETWEEN 0 AND 1000000),
	pays_fee         BIGINT NOT NULL,
	refund_token     TEXT   NOT NULL,
	PRIMARY KEY (caller_id, token_id),
	CHECK ((amount = 0) = (amount_type = '')),
	CHECK (sender <> '' OR recipient <> '')
);
INSERT INTO tokens
SELECT caller_id, token_id, 'Pay', token_type, reference,
	CASE WHEN reason <> '' THEN reason ELSE 'Single-use payment' END, reason,
	installed, installed, expires, used_by, cancelled, '', '',
	sender, instrument_id, method, '', 'Maximum', amount, '', recipient, '', '', 0, 0, 0, 0, ''
FROM tokens_before;
DROP TABLE tokens_before;
CREATE UNIQUE INDEX tokens_by_reference ON tokens (caller_id, reference) WHERE reference <> '';
CREATE INDEX tokens_by_id ON tokens (token_id);
CREATE INDEX tokens_by_expiry ON tokens (caller_id, expires);

-- A limit of a token, or of a party ('sandbox' or 'live' as scope): what it
-- allows in each window, and what was used in the present one.
CREATE TABLE usage_limits (
	scope        TEXT   NOT NULL,
	subject      TEXT   NOT NULL,
	slot         BIGINT NOT NULL,
	kind         TEXT   NOT NULL CHECK (kind IN ('Count', 'Amount')),
	value        BIGINT NOT NULL CHECK (value >= 0),
	period       TEXT   NOT NULL,
	start        BIGINT NOT NULL,
	window_start BIGINT NOT NULL,
	used_count   BIGINT NOT NULL CHECK (used_count >= 0),
	used_amount  BIGINT NOT NULL CHECK (used_amount >= 0),
	PRIMARY KEY (scope, subject, slot)
);

-- A prepaid or a credit instrument: what can be spent or is owed, and what is
-- being funded or settled.
CREATE TABLE aggregate_instruments (
	caller_id    TEXT   NOT NULL,
	aggregate_id TEXT   NOT NULL,
	sender       TEXT   NOT NULL,
	recipient    TEXT   NOT NULL,
	method       TEXT   NOT NULL CHECK (method IN ('Prepaid', 'Debt')),
	most         BIGINT NOT NULL CHECK (most > 0),
	installed    BIGINT NOT NULL,
	expires      BIGINT NOT NULL,
	balance      BIGINT NOT NULL CHECK (balance >= 0),
	pending      BIGINT NOT NULL CHECK (pending >= 0),
	PRIMARY KEY (caller_id, aggregate_id),
	CHECK (method <> 'Debt' OR pending <= balance)
);
CREATE INDEX aggregate_instruments_by_id ON aggregate_instruments (aggregate_id);
CREATE INDEX aggregate_instruments_pending ON aggregate_instruments (recipient, method) WHERE pending > 0;

-- What postings have left in the accounts whose balance is asked for. Each
-- server adds to rows of its own, so that an account everybody is paid into is
-- not fought over; the balance is the sum of the rows.
CREATE TABLE balances (
	caller_id TEXT   NOT NULL,
	account   TEXT   NOT NULL,
	lane      BIGINT NOT NULL,
	micro     BIGINT NOT NULL,
	PRIMARY KEY (caller_id, account, lane)
);
CREATE INDEX balances_by_account ON balances (account);
INSERT INTO balances (caller_id, account, lane, micro)
SELECT caller_id, account, 0, CAST(SUM(micro) AS BIGINT)
FROM (
	SELECT caller_id, to_account AS account, amount AS micro FROM postings
	UNION ALL
	SELECT caller_id, from_account, -amount FROM postings
) AS moved
WHERE account LIKE 'party:%'
GROUP BY caller_id, account;

-- A row that every decision to spend from a party's balance changes, so that
-- two of them meet.
CREATE TABLE spenders (
	party_id TEXT   NOT NULL PRIMARY KEY,
	times    BIGINT NOT NULL
);

ALTER TABLE transactions RENAME TO transactions_before;
DROP INDEX transactions_due;
DROP INDEX transactions_by_sender;
CREATE TABLE transactions (
	caller_id           TEXT   NOT NULL,
	transaction_id      TEXT   NOT NULL,
	kind                TEXT   NOT NULL CHECK (kind IN ('Reserve', 'Pay', 'Refund', 'FundPrepaid', 'SettleDebt', 'WriteOffDebt', 'Commission', 'Deposit')),
	reference           TEXT   NOT NULL,
	sender              TEXT   NOT NULL,
	recipient           TEXT   NOT NULL,
	owner               TEXT   NOT NULL,
	token_id            TEXT   NOT NULL,
	recipient_token     TEXT   NOT NULL,
	instrument_id       TEXT   NOT NULL,
	method              TEXT   NOT NULL CHECK (method IN ('CC', 'ACH', 'ABT', 'Prepaid', 'Debt')),
	aggregate_id        TEXT   NOT NULL,
	state               TEXT   NOT NULL CHECK (state IN ('Pending', 'Reserved', 'Settling', 'Success', 'Failure', 'Cancelled')),
	status_code         TEXT   NOT NULL,
	status_message      TEXT   NOT NULL,
	amount              BIGINT NOT NULL CHECK (amount > 0),
	settled             BIGINT NOT NULL CHECK (settled BETWEEN 0 AND amount),
	fee                 BIGINT NOT NULL,
	fee_by              TEXT   NOT NULL CHECK (fee_by IN ('Recipient', 'Caller')),
	commission          BIGINT NOT NULL,
	commission_id       TEXT   NOT NULL,
	fixed_terms         BIGINT NOT NULL CHECK (fixed_terms >= 0),
	variable_terms      BIGINT NOT NULL CHECK (variable_terms BETWEEN 0 AND 1000000),
	parent              TEXT   NOT NULL,
	policy              TEXT   NOT NULL CHECK (policy IN ('', 'MasterTxnOnly', 'MarketplaceTxnOnly', 'MasterAndMarketplaceTxn')),
	refunded            BIGINT NOT NULL CHECK (refunded BETWEEN 0 AND amount),
	fee_returned        BIGINT NOT NULL CHECK (fee_returned >= 0),
	commission_returned BIGINT NOT NULL CHECK (commission_returned >= 0),
	counted             BIGINT NOT NULL,
	caller_description  TEXT   NOT NULL,
	sender_description  TEXT   NOT NULL,
	descriptor          TEXT   NOT NULL,
	ipn_url             TEXT   NOT NULL,
	authorization_ref   TEXT   NOT NULL,
	sender_balance      BIGINT,
	recipient_balance   BIGINT,
	received            BIGINT NOT NULL,
	deadline            BIGINT NOT NULL CHECK (deadline = 0 OR deadline > received),
	completed           BIGINT NOT NULL,
	PRIMARY KEY (caller_id, transaction_id),
	CHECK (kind = 'Reserve' OR state NOT IN ('Reserved', 'Settling') AND settled = 0),
	CHECK (kind <> 'Reserve' OR state NOT IN ('Pending', 'Reserved') OR settled = 0),
	CHECK (kind <> 'Reserve' OR state NOT IN ('Settling', 'Success') OR settled > 0),
	CHECK (kind = 'Refund' OR fee >= 0 AND commission >= 0),
	CHECK (kind IN ('Refund', 'Commission') OR parent = ''),
	CHECK (kind = 'Refund' OR policy = ''),
	CHECK (fee_returned <= fee OR kind = 'Refund'),
	CHECK (commission_returned <= commission OR kind = 'Refund')
);
INSERT INTO transactions
SELECT t.caller_id, t.transaction_id, 'Reserve', t.reference, t.sender, t.recipient, COALESCE(c.owner, t.recipient),
	t.token_id, '', t.instrument_id, t.method, '',
	t.state, t.status_code, t.status_message, t.amount, t.settled, t.fee, t.fee_by, 0, '', 0, 0, '', '', 0, 0, 0, 0,
	t.caller_description, t.sender_description, t.descriptor, t.ipn_url, t.authorization_ref,
	NULL, NULL, t.received, t.deadline, t.completed
FROM transactions_before t LEFT JOIN callers c ON c.caller_id = t.caller_id;
DROP TABLE transactions_before;
CREATE INDEX transactions_due ON transactions (caller_id, deadline) WHERE state IN ('Pending', 'Reserved') AND deadline > 0;
CREATE INDEX transactions_by_time ON transactions (caller_id, received, transaction_id);
CREATE INDEX transactions_by_sender ON transactions (sender, received, transaction_id);
CREATE INDEX transactions_by_seller ON transactions (recipient, received, transaction_id) WHERE recipient_token <> '';
CREATE INDEX transactions_by_parent ON transactions (caller_id, parent) WHERE parent <> '';
CREATE INDEX transactions_by_lasting_token ON transactions (caller_id, token_id, received) WHERE counted = 1;

ALTER TABLE transaction_history RENAME TO transaction_history_before;
CREATE TABLE transaction_history (
	caller_id      TEXT   NOT NULL,
	transaction_id TEXT   NOT NULL,
	seq            BIGINT NOT NULL,
	at             BIGINT NOT NULL,
	before_state   TEXT   NOT NULL,
	verb           TEXT   NOT NULL,
	after_state    TEXT   NOT NULL,
	status_code    TEXT   NOT NULL,
	status_message TEXT   NOT NULL,
	amount         BIGINT NOT NULL CHECK (amount > 0),
	PRIMARY KEY (caller_id, transaction_id, seq),
	CHECK (before_state || ' ' || verb || ' ' || after_state IN (
		'None Reserve Pending',
		'None Pay Pending',
		'None Transfer Success',
		'None Refund Pending',
		'Pending Approve Reserved',
		'Pending Charge Success',
		'Pending Return Success',
		'Pending Decline Failure',
		'Pending Cancel Cancelled',
		'Pending Expire Cancelled',
		'Pending TimeOut Failure',
		'Reserved Settle Settling',
		'Reserved Cancel Cancelled',
		'Reserved Expire Cancelled',
		'Settling Capture Success',
		'Settling CaptureDecline Failure'
	))
);
INSERT INTO transaction_history
SELECT caller_id, transaction_id, seq, at, before_state, verb, after_state, status_code, status_message, amount
FROM transaction_history_before;
DROP TABLE transaction_history_before;

ALTER TABLE attempts RENAME TO attempts_before;
DROP INDEX attempts_open;
CREATE TABLE attempts (
	caller_id         TEXT   NOT NULL,
	transaction_id    TEXT   NOT NULL,
	step              TEXT   NOT NULL CHECK (step IN ('Authorize', 'Capture', 'Release', 'Charge', 'Return')),
	amount            BIGINT NOT NULL CHECK (amount > 0),
	instrument_id     TEXT   NOT NULL,
	authorization_ref TEXT   NOT NULL,
	descriptor        TEXT   NOT NULL,
	state             TEXT   NOT NULL CHECK (state IN ('Open', 'Approved', 'Declined')),
	asked             BIGINT NOT NULL,
	next_ask          BIGINT NOT NULL,
	created           BIGINT NOT NULL,
	decided           BIGINT NOT NULL,
	PRIMARY KEY (caller_id, transaction_id, step)
);
INSERT INTO attempts
SELECT caller_id, transaction_id, step, amount, instrument_id, authorization_ref, descriptor, state, asked, next_ask, created, decided
FROM attempts_before;
DROP TABLE attempts_before;
CREATE INDEX attempts_open ON attempts (next_ask) WHERE state = 'Open';
CREATE INDEX attempts_moving ON attempts (caller_id, transaction_id) WHERE state = 'Open' AND step IN ('Capture', 'Charge', 'Return');

-- Notifications tell of a token too.
ALTER TABLE notifications RENAME COLUMN transaction_id TO subject;
ALTER TABLE notifications ADD COLUMN about TEXT NOT NULL DEFAULT 'Transaction' CHECK (about IN ('Transaction', 'Token'));
