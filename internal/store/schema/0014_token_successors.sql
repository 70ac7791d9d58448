-- +goose Up

-- What came to nothing of an edited token's payments is given back to the token
-- that took its place.
CREATE INDEX tokens_by_old_token ON tokens (caller_id, old_token) WHERE old_token <> '';
