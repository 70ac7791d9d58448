-- +goose Up

-- Letters to parties. One that was delivered is removed, since there may be a
-- link in it that lets its reader in. Where there is no mail server but an inbox,
-- it is Kept there to be read; one that will not be tried again is GivenUp, for
-- the operator to see. Tries are counted from queued on, next_at is the next
-- one's, and nobody else tries before leased_until. failure is why the last one
-- failed, with nothing of the letter in it.
CREATE TABLE mails (
	mail_id      TEXT   NOT NULL PRIMARY KEY,
	recipient    TEXT   NOT NULL,
	subject      TEXT   NOT NULL,
	body         TEXT   NOT NULL,
	created      BIGINT NOT NULL,
	queued       BIGINT NOT NULL,
	next_at      BIGINT NOT NULL,
	leased_until BIGINT NOT NULL,
	tries        BIGINT NOT NULL,
	failure      TEXT   NOT NULL,
	outcome      TEXT   NOT NULL CHECK (outcome IN ('Waiting', 'Kept', 'GivenUp'))
);
CREATE INDEX mails_waiting ON mails (next_at) WHERE outcome = 'Waiting';
CREATE INDEX mails_by_age ON mails (created, mail_id);
