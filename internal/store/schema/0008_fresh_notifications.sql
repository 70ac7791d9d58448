-- +goose Up

-- Notifications that nobody has tried to deliver yet become due in the order in
-- which they were written, whoever their caller is, so their index grows at one
-- end. The few that have to be tried again are found by caller.
DROP INDEX notifications_waiting;
CREATE INDEX notifications_fresh ON notifications (next_at) WHERE outcome = 'Waiting' AND tries = 0;
CREATE INDEX notifications_tried ON notifications (caller_id, next_at) WHERE outcome = 'Waiting' AND tries > 0;
