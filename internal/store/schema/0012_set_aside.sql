-- +goose Up

-- Money of a party is set aside while the transaction waits for a network. What
-- was under way before sets nothing aside.
ALTER TABLE transactions ADD COLUMN sets_aside BIGINT NOT NULL DEFAULT 0;
