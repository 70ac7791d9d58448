-- +goose Up

-- What card statements show where a name cannot be written in Latin letters.
ALTER TABLE callers ADD COLUMN descriptor TEXT NOT NULL DEFAULT '';
