-- +goose Up

-- The tables that grow are kept by their keys alone. SQLite otherwise keeps a
-- table by numbers of its own and the key beside it, which is twice the work for
-- each row; PostgreSQL keeps a table and its key in any case. For a list of more
-- than two values SQLite makes a table each time it checks one, hence the ORs.
--
-- SQLite writes whole pages to its log. Its keys lead with what grows with time, so
-- that a commit writes the pages at one end of a table, however many callers it is
-- for.
--
-- Where rows change and what is indexed of them does not, PostgreSQL changes them in
-- place if their page has room. A group changes all rows of a page at once, so in
-- those tables half of it is left free.

ALTER TABLE tokens RENAME TO tokens_before;
DROP INDEX tokens_by_reference;
DROP INDEX tokens_by_id;
DROP INDEX tokens_by_expiry;
CREATE TABLE tokens (
	caller_id        TEXT   NOT NULL,
	token_id         TEXT   NOT NULL,
	token_use        TEXT   NOT NULL CHECK (token_use = 'Pay' OR token_use = 'Fund' OR token_use = 'Settle' OR token_use = 'Receive' OR token_use = 'Refund' OR token_use = 'Call'),
	token_type       TEXT   NOT NULL CHECK (token_type = 'SingleUse' OR token_type = 'MultiUse' OR token_type = 'Recurring' OR token_type = 'Unrestricted'),
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
	method           TEXT   NOT NULL CHECK (method = '' OR method = 'CC' OR method = 'ACH' OR method = 'ABT' OR method = 'Prepaid' OR method = 'Debt'),
	aggregate_id     TEXT   NOT NULL,
	amount_type      TEXT   NOT NULL CHECK (amount_type = '' OR amount_type = 'Maximum' OR amount_type = 'Exact' OR amount_type = 'Minimum'),
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
	PRIMARY KEY (caller_id, token_id /* grows */),
	CHECK ((amount = 0) = (amount_type = '')),
	CHECK (sender <> '' OR recipient <> '')
) /* by key, changed */;
INSERT INTO tokens (
	caller_id, token_id, token_use, token_type, reference, friendly_name, reason, installed, starts, expires, used_by, cancelled, old_token,
	instruction, sender, instrument_id, method, aggregate_id, amount_type, amount, period, recipient, recipients, methods, fee_ceiling,
	fixed_ceiling, variable_ceiling, pays_fee, refund_token)
SELECT
	caller_id, token_id, token_use, token_type, reference, friendly_name, reason, installed, starts, expires, used_by, cancelled, old_token,
	instruction, sender, instrument_id, method, aggregate_id, amount_type, amount, period, recipient, recipients, methods, fee_ceiling,
	fixed_ceiling, variable_ceiling, pays_fee, refund_token
FROM tokens_before;
DROP TABLE tokens_before;
CREATE UNIQUE INDEX tokens_by_reference ON tokens (caller_id, reference) WHERE reference <> '';
CREATE INDEX tokens_by_id ON tokens (token_id) /* by the other key */;
CREATE INDEX tokens_by_expiry ON tokens (caller_id, expires);

ALTER TABLE usage_limits RENAME TO usage_limits_before;
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
) /* by key, changed */;
INSERT INTO usage_limits (
	scope, subject, slot, kind, value, period, start, window_start, used_count, used_amount)
SELECT
	scope, subject, slot, kind, value, period, start, window_start, used_count, used_amount
FROM usage_limits_before;
DROP TABLE usage_limits_before;

ALTER TABLE balances RENAME TO balances_before;
DROP INDEX balances_by_account;
CREATE TABLE balances (
	caller_id TEXT   NOT NULL,
	account   TEXT   NOT NULL,
	lane      BIGINT NOT NULL,
	micro     BIGINT NOT NULL,
	PRIMARY KEY (caller_id, account, lane)
) /* by key, changed */;
INSERT INTO balances (
	caller_id, account, lane, micro)
SELECT
	caller_id, account, lane, micro
FROM balances_before;
DROP TABLE balances_before;
CREATE INDEX balances_by_account ON balances (account);

ALTER TABLE transactions RENAME TO transactions_before;
DROP INDEX transactions_due;
DROP INDEX transactions_by_time;
DROP INDEX transactions_by_sender;
DROP INDEX transactions_by_seller;
DROP INDEX transactions_by_parent;
DROP INDEX transactions_by_lasting_token;
CREATE TABLE transactions (
	caller_id           TEXT   NOT NULL,
	transaction_id      TEXT   NOT NULL,
	kind                TEXT   NOT NULL CHECK (kind = 'Reserve' OR kind = 'Pay' OR kind = 'Refund' OR kind = 'FundPrepaid' OR kind = 'SettleDebt' OR kind = 'WriteOffDebt' OR kind = 'Commission' OR kind = 'Deposit'),
	reference           TEXT   NOT NULL,
	sender              TEXT   NOT NULL,
	recipient           TEXT   NOT NULL,
	owner               TEXT   NOT NULL,
	token_id            TEXT   NOT NULL,
	recipient_token     TEXT   NOT NULL,
	instrument_id       TEXT   NOT NULL,
	method              TEXT   NOT NULL CHECK (method = 'CC' OR method = 'ACH' OR method = 'ABT' OR method = 'Prepaid' OR method = 'Debt'),
	aggregate_id        TEXT   NOT NULL,
	state               TEXT   NOT NULL CHECK (state = 'Pending' OR state = 'Reserved' OR state = 'Settling' OR state = 'Success' OR state = 'Failure' OR state = 'Cancelled'),
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
	policy              TEXT   NOT NULL CHECK (policy = '' OR policy = 'MasterTxnOnly' OR policy = 'MarketplaceTxnOnly' OR policy = 'MasterAndMarketplaceTxn'),
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
	steps               BIGINT NOT NULL,
	posted              BIGINT NOT NULL,
	due                 BIGINT NOT NULL,
	received            BIGINT NOT NULL,
	deadline            BIGINT NOT NULL CHECK (deadline = 0 OR deadline > received),
	completed           BIGINT NOT NULL,
	PRIMARY KEY (caller_id, transaction_id /* grows */),
	CHECK (kind = 'Reserve' OR state NOT IN ('Reserved', 'Settling') AND settled = 0),
	CHECK (kind <> 'Reserve' OR state NOT IN ('Pending', 'Reserved') OR settled = 0),
	CHECK (kind <> 'Reserve' OR state NOT IN ('Settling', 'Success') OR settled > 0),
	CHECK (kind = 'Refund' OR fee >= 0 AND commission >= 0),
	CHECK (kind IN ('Refund', 'Commission') OR parent = ''),
	CHECK (kind = 'Refund' OR policy = ''),
	CHECK (fee_returned <= fee OR kind = 'Refund'),
	CHECK (commission_returned <= commission OR kind = 'Refund')
) /* by key, changed */;
INSERT INTO transactions (
	caller_id, transaction_id, kind, reference, sender, recipient, owner, token_id, recipient_token, instrument_id, method, aggregate_id, state,
	status_code, status_message, amount, settled, fee, fee_by, commission, commission_id, fixed_terms, variable_terms, parent, policy, refunded,
	fee_returned, commission_returned, counted, caller_description, sender_description, descriptor, ipn_url, authorization_ref, sender_balance,
	recipient_balance, steps, posted, due, received, deadline, completed)
SELECT
	caller_id, transaction_id, kind, reference, sender, recipient, owner, token_id, recipient_token, instrument_id, method, aggregate_id, state,
	status_code, status_message, amount, settled, fee, fee_by, commission, commission_id, fixed_terms, variable_terms, parent, policy, refunded,
	fee_returned, commission_returned, counted, caller_description, sender_description, descriptor, ipn_url, authorization_ref, sender_balance,
	recipient_balance, steps, posted, due, received, deadline, completed
FROM transactions_before;
DROP TABLE transactions_before;
CREATE INDEX transactions_due ON transactions (caller_id, due) WHERE due > 0;
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
	PRIMARY KEY (caller_id, transaction_id /* grows */, seq),
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
) /* by key */;
INSERT INTO transaction_history (
	caller_id, transaction_id, seq, at, before_state, verb, after_state, status_code, status_message, amount)
SELECT
	caller_id, transaction_id, seq, at, before_state, verb, after_state, status_code, status_message, amount
FROM transaction_history_before;
DROP TABLE transaction_history_before;

ALTER TABLE postings RENAME TO postings_before;
CREATE TABLE postings (
	caller_id      TEXT   NOT NULL,
	transaction_id TEXT   NOT NULL,
	seq            BIGINT NOT NULL,
	at             BIGINT NOT NULL,
	from_account   TEXT   NOT NULL,
	to_account     TEXT   NOT NULL,
	amount         BIGINT NOT NULL CHECK (amount > 0),
	PRIMARY KEY (caller_id, transaction_id /* grows */, seq),
	CHECK (from_account <> to_account)
) /* by key */;
INSERT INTO postings (
	caller_id, transaction_id, seq, at, from_account, to_account, amount)
SELECT
	caller_id, transaction_id, seq, at, from_account, to_account, amount
FROM postings_before;
DROP TABLE postings_before;

ALTER TABLE attempts RENAME TO attempts_before;
DROP INDEX attempts_open;
DROP INDEX attempts_moving;
CREATE TABLE attempts (
	caller_id         TEXT   NOT NULL,
	transaction_id    TEXT   NOT NULL,
	step              TEXT   NOT NULL CHECK (step = 'Authorize' OR step = 'Capture' OR step = 'Release' OR step = 'Charge' OR step = 'Return'),
	amount            BIGINT NOT NULL CHECK (amount > 0),
	instrument_id     TEXT   NOT NULL,
	authorization_ref TEXT   NOT NULL,
	descriptor        TEXT   NOT NULL,
	state             TEXT   NOT NULL CHECK (state = 'Open' OR state = 'Approved' OR state = 'Declined'),
	asked             BIGINT NOT NULL,
	next_ask          BIGINT NOT NULL,
	created           BIGINT NOT NULL,
	decided           BIGINT NOT NULL,
	PRIMARY KEY (caller_id, transaction_id /* grows */, step)
) /* by key */;
INSERT INTO attempts (
	caller_id, transaction_id, step, amount, instrument_id, authorization_ref, descriptor, state, asked, next_ask, created, decided)
SELECT
	caller_id, transaction_id, step, amount, instrument_id, authorization_ref, descriptor, state, asked, next_ask, created, decided
FROM attempts_before;
DROP TABLE attempts_before;
CREATE INDEX attempts_open ON attempts (next_ask) WHERE state = 'Open';
CREATE INDEX attempts_moving ON attempts (caller_id, transaction_id) WHERE state = 'Open' AND step IN ('Capture', 'Charge', 'Return');

ALTER TABLE requests RENAME TO requests_before;
CREATE TABLE requests (
	caller_id       TEXT   NOT NULL,
	reference       TEXT   NOT NULL,
	digest          BYTEA  NOT NULL,
	transaction_id  TEXT   NOT NULL,
	refusal_code    TEXT   NOT NULL,
	refusal_message TEXT   NOT NULL,
	received        BIGINT NOT NULL,
	PRIMARY KEY (caller_id, reference),
	CHECK ((transaction_id = '') <> (refusal_code = ''))
) /* by key */;
INSERT INTO requests (
	caller_id, reference, digest, transaction_id, refusal_code, refusal_message, received)
SELECT
	caller_id, reference, digest, transaction_id, refusal_code, refusal_message, received
FROM requests_before;
DROP TABLE requests_before;

ALTER TABLE notifications RENAME TO notifications_before;
DROP INDEX notifications_waiting;
CREATE TABLE notifications (
	caller_id      TEXT   NOT NULL,
	subject        TEXT   NOT NULL,
	seq            BIGINT NOT NULL,
	about          TEXT   NOT NULL CHECK (about IN ('Transaction', 'Token')),
	url            TEXT   NOT NULL,
	body           TEXT   NOT NULL,
	created        BIGINT NOT NULL,
	next_at        BIGINT NOT NULL,
	leased_until   BIGINT NOT NULL,
	tries          BIGINT NOT NULL,
	last_result    TEXT   NOT NULL,
	outcome        TEXT   NOT NULL CHECK (outcome = 'Waiting' OR outcome = 'Delivered' OR outcome = 'GivenUp'),
	done           BIGINT NOT NULL,
	PRIMARY KEY (caller_id, subject /* grows */, seq)
) /* by key */;
INSERT INTO notifications (
	caller_id, subject, seq, about, url, body, created, next_at, leased_until, tries, last_result, outcome, done)
SELECT
	caller_id, subject, seq, about, url, body, created, next_at, leased_until, tries, last_result, outcome, done
FROM notifications_before;
DROP TABLE notifications_before;
CREATE INDEX notifications_waiting ON notifications (caller_id, next_at) WHERE outcome = 'Waiting';
