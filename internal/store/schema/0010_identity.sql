-- +goose Up

-- What is counted of an account or an address is a bucket that empties by itself:
-- a row says when it is empty again. What was counted before is forgotten.
DROP TABLE sign_in_guesses;
CREATE TABLE guesses (
	subject   TEXT   NOT NULL PRIMARY KEY,
	recovered BIGINT NOT NULL
);
CREATE INDEX guesses_by_recovery ON guesses (recovered);

-- A row is a letter whose reader may prove an address with it; of its link and its
-- code only hashes are kept. A newer letter takes the place of an older one, but
-- for links to a new password: a stranger can ask for those, and must not make the
-- owner's worthless. counted_by is the subject for whose letters it was counted.
CREATE TABLE proofs (
	link       BYTEA  NOT NULL PRIMARY KEY,
	party_id   TEXT   NOT NULL,
	purpose    TEXT   NOT NULL CHECK (purpose IN ('Verify', 'Change', 'Reset')),
	email      TEXT   NOT NULL,
	code       TEXT   NOT NULL,
	guesses    BIGINT NOT NULL CHECK (guesses >= 0),
	counted_by TEXT   NOT NULL,
	created    BIGINT NOT NULL
);
INSERT INTO proofs (link, party_id, purpose, email, code, guesses, counted_by, created)
	SELECT link, party_id, purpose, email, code, guesses, '', created FROM email_proofs;
DROP TABLE email_proofs;
CREATE UNIQUE INDEX proofs_newest ON proofs (party_id, purpose) WHERE purpose <> 'Reset';
CREATE INDEX proofs_of_party ON proofs (party_id, purpose);
