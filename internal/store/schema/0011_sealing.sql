-- +goose Up

-- How the secrets in access_keys and signing_keys are sealed; without a row they
-- are plain. data_key seals them, and is itself encrypted to key_name, which is an
-- age public key. cleaned is 0 until no plain secret is left in freed space.
CREATE TABLE sealing (
	place    BIGINT NOT NULL PRIMARY KEY CHECK (place = 1),
	data_key BYTEA  NOT NULL,
	key_name TEXT   NOT NULL,
	cleaned  BIGINT NOT NULL
);
