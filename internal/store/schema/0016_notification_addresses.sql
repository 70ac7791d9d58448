-- +goose Up

-- A notification goes where the caller's account says when it is sent, unless the
-- request gave an address. Of what waits already, only the address tells which.
ALTER TABLE notifications ADD COLUMN overrides BIGINT NOT NULL DEFAULT 0;
UPDATE notifications SET overrides = 1
WHERE outcome = 'Waiting' AND url <> (SELECT ipn_url FROM callers WHERE callers.caller_id = notifications.caller_id);

-- What was composed before notifications named their caller is composed anew.
UPDATE notifications SET body = '' WHERE outcome = 'Waiting' AND body NOT LIKE '%callerId=%';
