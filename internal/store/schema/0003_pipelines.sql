-- +goose Up

-- A visit may come to several tokens: what it came to is kept as the return URL
-- spells it.
ALTER TABLE visits ADD COLUMN answer TEXT NOT NULL DEFAULT '';
UPDATE visits SET answer = 'tokenID=' || token_id WHERE token_id <> '';
ALTER TABLE visits DROP COLUMN token_id;

-- Whether a request that comes again is answered as it was the first time.
ALTER TABLE callers ADD COLUMN resume BIGINT NOT NULL DEFAULT 0;
