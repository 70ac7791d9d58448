-- +goose Up

-- The limits of parties in the sandbox are counted for each caller by itself. What
-- the callers had used together, each by its own clock, cannot be told apart.
DELETE FROM usage_limits WHERE scope = 'sandbox';
