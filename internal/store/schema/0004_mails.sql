-- +goose Up

-- Letters to parties, kept until they are delivered.
CREATE TABLE mails (
	mail_id   TEXT   NOT NULL PRIMARY KEY,
	recipient TEXT   NOT NULL,
	subject   TEXT   NOT NULL,
	body      TEXT   NOT NULL,
	created   BIGINT NOT NULL
);
