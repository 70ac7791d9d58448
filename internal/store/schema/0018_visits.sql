-- +goose Up

-- What the browsers hold that came to a visit by the caller's link, or signed in to it.
ALTER TABLE visits ADD COLUMN visit_key TEXT NOT NULL DEFAULT '';

-- A caller's settings: a reference may be asked for again after its sender gave up,
-- and the schemes besides http and https that its return addresses may have, apart by blanks.
ALTER TABLE callers ADD COLUMN reuse_cancelled BIGINT NOT NULL DEFAULT 0;
ALTER TABLE callers ADD COLUMN return_schemes TEXT NOT NULL DEFAULT '';
