-- +goose Up

-- The accounts of buyers and sellers: addresses that are proved, passkeys, who
-- is signed in where, and what a party is shown of its tokens and payments.

-- Until when a newcomer may pay before the e-mail address is verified; 0 where
-- nobody waits for it. The language is the one they last read our pages in.
ALTER TABLE parties ADD COLUMN verify_by BIGINT NOT NULL DEFAULT 0;
ALTER TABLE parties ADD COLUMN language TEXT NOT NULL DEFAULT '';

-- A row is a letter whose reader may prove an address with it. There is one of
-- each purpose at most; of its link and its code only hashes are kept.
CREATE TABLE email_proofs (
	party_id TEXT   NOT NULL,
	purpose  TEXT   NOT NULL CHECK (purpose IN ('Verify', 'Change', 'Reset')),
	email    TEXT   NOT NULL,
	link     BYTEA  NOT NULL UNIQUE,
	code     TEXT   NOT NULL,
	guesses  BIGINT NOT NULL CHECK (guesses >= 0),
	created  BIGINT NOT NULL,
	PRIMARY KEY (party_id, purpose)
);

CREATE TABLE passkeys (
	party_id      TEXT   NOT NULL,
	passkey_id    TEXT   NOT NULL,
	credential_id BYTEA  NOT NULL UNIQUE,
	credential    BYTEA  NOT NULL,
	name          TEXT   NOT NULL,
	created       BIGINT NOT NULL,
	last_used     BIGINT NOT NULL,
	PRIMARY KEY (party_id, passkey_id)
);

-- A question to a passkey, asked and not yet answered. party_id is empty when
-- the answer is to tell who it is.
CREATE TABLE passkey_challenges (
	challenge TEXT   NOT NULL PRIMARY KEY,
	party_id  TEXT   NOT NULL,
	session   BYTEA  NOT NULL,
	expires   BIGINT NOT NULL
);
CREATE INDEX passkey_challenges_by_expiry ON passkey_challenges (expires);

-- A browser in which a party is signed in. Its session is worth nothing without
-- the row.
CREATE TABLE signed_in (
	party_id     TEXT   NOT NULL,
	signed_in_id TEXT   NOT NULL,
	browser      TEXT   NOT NULL,
	system       TEXT   NOT NULL,
	network      TEXT   NOT NULL,
	begun        BIGINT NOT NULL,
	last_seen    BIGINT NOT NULL,
	PRIMARY KEY (party_id, signed_in_id)
);
CREATE INDEX signed_in_by_last_seen ON signed_in (last_seen);

ALTER TABLE addresses ADD COLUMN removed BIGINT NOT NULL DEFAULT 0;

CREATE INDEX tokens_by_sender ON tokens (sender, installed, token_id) WHERE sender <> '';
CREATE INDEX tokens_by_recipient ON tokens (recipient, installed, token_id) WHERE token_use IN ('Receive', 'Refund');

-- What came into a party's balance, other than through its own callers.
DROP INDEX transactions_by_seller;
CREATE INDEX transactions_received ON transactions (recipient, received, transaction_id) WHERE recipient_token <> '' OR kind = 'Deposit';
