-- +goose Up

-- A notification comes into one line with all others, which grows at one end. Of
-- that line only the head is looked at: who stands there and cannot be delivered
-- yet is queued with its own caller's others, and makes way. So what claiming
-- reads does not grow with what waits, and no caller's backlog stands before
-- another's.
ALTER TABLE notifications ADD COLUMN queued BIGINT NOT NULL DEFAULT 0;
UPDATE notifications SET queued = 1 WHERE outcome = 'Waiting' AND tries > 0;
DROP INDEX notifications_fresh;
DROP INDEX notifications_tried;
CREATE INDEX notifications_arrived ON notifications (next_at) WHERE outcome = 'Waiting' AND queued = 0;
CREATE INDEX notifications_queued ON notifications (caller_id, leased_until, next_at, subject) WHERE outcome = 'Waiting' AND queued = 1;
