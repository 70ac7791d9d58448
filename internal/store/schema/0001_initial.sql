-- +goose Up

-- Written in PostgreSQL's words and run on both databases: for SQLite, BIGINT
-- becomes INTEGER, BYTEA becomes BLOB and every table is STRICT. Times are
-- microseconds since 1970, amounts micro-dollars, flags 0 or 1. Tables that
-- grow with payments lead their keys with the caller.

CREATE TABLE parties (
	party_id       TEXT   NOT NULL PRIMARY KEY,
	name           TEXT   NOT NULL,
	email          TEXT   NOT NULL,
	email_key      TEXT   NOT NULL UNIQUE,
	email_verified BIGINT NOT NULL,
	password_hash  TEXT   NOT NULL,
	standing       TEXT   NOT NULL CHECK (standing IN ('Active', 'Suspended', 'Closed')),
	created        BIGINT NOT NULL
);

CREATE TABLE callers (
	caller_id     TEXT   NOT NULL PRIMARY KEY,
	owner         TEXT   NOT NULL,
	name          TEXT   NOT NULL,
	ipn_url       TEXT   NOT NULL,
	bare_return   BIGINT NOT NULL,
	pending_first BIGINT NOT NULL,
	signature_v1  BIGINT NOT NULL,
	sandbox       BIGINT NOT NULL,
	clock_offset  BIGINT NOT NULL,
	created       BIGINT NOT NULL,
	CHECK (sandbox = 1 OR clock_offset = 0)
);

CREATE TABLE access_keys (
	access_key_id TEXT   NOT NULL PRIMARY KEY,
	secret        BYTEA  NOT NULL,
	caller_id     TEXT   NOT NULL,
	created       BIGINT NOT NULL
);

CREATE TABLE instruments (
	party_id      TEXT   NOT NULL,
	instrument_id TEXT   NOT NULL,
	method        TEXT   NOT NULL CHECK (method IN ('CC', 'ACH', 'ABT')),
	brand         TEXT   NOT NULL,
	last4         TEXT   NOT NULL,
	holder        TEXT   NOT NULL,
	expiry_month  BIGINT NOT NULL,
	expiry_year   BIGINT NOT NULL,
	network_ref   TEXT   NOT NULL,
	is_default    BIGINT NOT NULL,
	created       BIGINT NOT NULL,
	PRIMARY KEY (party_id, instrument_id)
);

CREATE TABLE addresses (
	party_id   TEXT   NOT NULL,
	address_id TEXT   NOT NULL,
	name       TEXT   NOT NULL,
	line1      TEXT   NOT NULL,
	line2      TEXT   NOT NULL,
	city       TEXT   NOT NULL,
	state      TEXT   NOT NULL,
	zip        TEXT   NOT NULL,
	country    TEXT   NOT NULL,
	phone      TEXT   NOT NULL,
	is_default BIGINT NOT NULL,
	created    BIGINT NOT NULL,
	PRIMARY KEY (party_id, address_id)
);

-- A visit is one browser on its way through a pipeline.
CREATE TABLE visits (
	visit_id      TEXT   NOT NULL PRIMARY KEY,
	caller_id     TEXT   NOT NULL,
	reference     TEXT   NOT NULL,
	params        TEXT   NOT NULL,
	signature_v1  BIGINT NOT NULL,
	party_id      TEXT   NOT NULL,
	instrument_id TEXT   NOT NULL,
	address_id    TEXT   NOT NULL,
	status        TEXT   NOT NULL,
	message       TEXT   NOT NULL,
	token_id      TEXT   NOT NULL,
	created       BIGINT NOT NULL,
	ended         BIGINT NOT NULL
);
CREATE INDEX visits_by_reference ON visits (caller_id, reference);
CREATE INDEX visits_by_age ON visits (created) WHERE status <> 'A';

CREATE TABLE tokens (
	caller_id     TEXT   NOT NULL,
	token_id      TEXT   NOT NULL,
	sender        TEXT   NOT NULL,
	recipient     TEXT   NOT NULL,
	instrument_id TEXT   NOT NULL,
	method        TEXT   NOT NULL CHECK (method IN ('CC', 'ACH', 'ABT')),
	token_type    TEXT   NOT NULL CHECK (token_type IN ('SingleUse')),
	reference     TEXT   NOT NULL,
	amount        BIGINT NOT NULL CHECK (amount > 0),
	reason        TEXT   NOT NULL,
	installed     BIGINT NOT NULL,
	expires       BIGINT NOT NULL,
	used_by       TEXT   NOT NULL,
	cancelled     BIGINT NOT NULL,
	PRIMARY KEY (caller_id, token_id)
);
CREATE UNIQUE INDEX tokens_by_reference ON tokens (caller_id, reference);
CREATE INDEX tokens_by_id ON tokens (token_id);

CREATE TABLE transactions (
	caller_id          TEXT   NOT NULL,
	transaction_id     TEXT   NOT NULL,
	reference          TEXT   NOT NULL,
	sender             TEXT   NOT NULL,
	recipient          TEXT   NOT NULL,
	token_id           TEXT   NOT NULL,
	instrument_id      TEXT   NOT NULL,
	method             TEXT   NOT NULL,
	state              TEXT   NOT NULL CHECK (state IN ('Pending', 'Reserved', 'Settling', 'Success', 'Failure', 'Cancelled')),
	status_code        TEXT   NOT NULL,
	status_message     TEXT   NOT NULL,
	amount             BIGINT NOT NULL CHECK (amount > 0),
	settled            BIGINT NOT NULL CHECK (settled BETWEEN 0 AND amount),
	fee                BIGINT NOT NULL CHECK (fee >= 0),
	fee_by             TEXT   NOT NULL CHECK (fee_by IN ('Recipient', 'Caller')),
	caller_description TEXT   NOT NULL,
	sender_description TEXT   NOT NULL,
	descriptor         TEXT   NOT NULL,
	ipn_url            TEXT   NOT NULL,
	authorization_ref  TEXT   NOT NULL,
	received           BIGINT NOT NULL,
	deadline           BIGINT NOT NULL CHECK (deadline > received),
	completed          BIGINT NOT NULL,
	PRIMARY KEY (caller_id, transaction_id),
	CHECK (state NOT IN ('Pending', 'Reserved') OR settled = 0),
	CHECK (state NOT IN ('Settling', 'Success') OR settled > 0)
);
CREATE INDEX transactions_due ON transactions (caller_id, deadline) WHERE state IN ('Pending', 'Reserved');
CREATE INDEX transactions_by_sender ON transactions (sender, received);

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
		'Pending Approve Reserved',
		'Pending Decline Failure',
		'Pending Cancel Cancelled',
		'Pending Expire Cancelled',
		'Reserved Settle Settling',
		'Reserved Cancel Cancelled',
		'Reserved Expire Cancelled',
		'Settling Capture Success',
		'Settling CaptureDecline Failure'
	))
);

CREATE TABLE postings (
	caller_id      TEXT   NOT NULL,
	transaction_id TEXT   NOT NULL,
	seq            BIGINT NOT NULL,
	at             BIGINT NOT NULL,
	from_account   TEXT   NOT NULL,
	to_account     TEXT   NOT NULL,
	amount         BIGINT NOT NULL CHECK (amount > 0),
	PRIMARY KEY (caller_id, transaction_id, seq),
	CHECK (from_account <> to_account)
);

-- A question to a card network, written before it is asked.
CREATE TABLE attempts (
	caller_id         TEXT   NOT NULL,
	transaction_id    TEXT   NOT NULL,
	step              TEXT   NOT NULL CHECK (step IN ('Authorize', 'Capture', 'Release')),
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
CREATE INDEX attempts_open ON attempts (next_ask) WHERE state = 'Open';

-- What is remembered of a CallerReference: the request's digest, and the
-- transaction it made or the refusal it got.
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
);

-- A notification owed to a caller: one for a step of a transaction. body is
-- frozen when it is first sent; a delivery that has an end has a done time.
CREATE TABLE notifications (
	caller_id      TEXT   NOT NULL,
	transaction_id TEXT   NOT NULL,
	seq            BIGINT NOT NULL,
	url            TEXT   NOT NULL,
	body           TEXT   NOT NULL,
	created        BIGINT NOT NULL,
	next_at        BIGINT NOT NULL,
	leased_until   BIGINT NOT NULL,
	tries          BIGINT NOT NULL,
	last_result    TEXT   NOT NULL,
	outcome        TEXT   NOT NULL CHECK (outcome IN ('Waiting', 'Delivered', 'GivenUp')),
	done           BIGINT NOT NULL,
	PRIMARY KEY (caller_id, transaction_id, seq)
);
CREATE INDEX notifications_waiting ON notifications (caller_id, next_at) WHERE outcome = 'Waiting';

CREATE TABLE sessions (
	session_id TEXT   NOT NULL PRIMARY KEY,
	data       BYTEA  NOT NULL,
	expires    BIGINT NOT NULL
);
CREATE INDEX sessions_by_expiry ON sessions (expires);

-- Guesses at a password, counted by account and by address.
CREATE TABLE sign_in_guesses (
	subject       TEXT   NOT NULL PRIMARY KEY,
	failures      BIGINT NOT NULL,
	blocked_until BIGINT NOT NULL,
	last_failure  BIGINT NOT NULL
);

-- Keys that sign return URLs and notifications. Retired ones stay, so that what
-- they signed can still be verified.
CREATE TABLE signing_keys (
	place       BIGINT NOT NULL UNIQUE,
	path        TEXT   NOT NULL PRIMARY KEY,
	certificate TEXT   NOT NULL,
	private_key BYTEA  NOT NULL,
	created     BIGINT NOT NULL
);
