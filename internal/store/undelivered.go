package store

import (
	"context"
	"database/sql"
	"time"
)

// Undelivered is what waits in a store: for its receivers, for answers of card
// networks, and for its expiry.
type Undelivered struct {
	Notices, Webhooks, Mails Undone
	Questions                Undone // to card networks, without an answer
}

// An Undone is a number of rows, and since when the oldest waits by real time.
type Undone struct {
	Rows   int
	Oldest time.Time // zero if there is none
}

func (u *Undone) add(rows int, oldest time.Time) {
	u.Rows += rows
	if u.Oldest.IsZero() || !oldest.IsZero() && oldest.Before(u.Oldest) {
		u.Oldest = oldest
	}
}

// Undelivered counts what waits. It reads every row that waits.
func (r Reader) Undelivered(ctx context.Context) (u Undelivered, err error) {
	err = r.ViewLong(ctx, func(tx *ReadTx) error {
		u = Undelivered{}
		for _, of := range []struct {
			to    *Undone
			query string
		}{
			{&u.Notices, `SELECT COUNT(*), MIN(at) FROM steps WHERE notify_at > 0`},
			{&u.Notices, `
				SELECT COUNT(*), MIN(d.created - c.clock_offset) FROM deliveries d JOIN callers c ON c.caller_id = d.caller_id
				WHERE d.outcome = 'Waiting'`},
			{&u.Webhooks, `SELECT COUNT(*), MIN(created) FROM webhook_deliveries WHERE outcome = 'Waiting'`},
			{&u.Webhooks, `SELECT COUNT(*), MIN(created) FROM events WHERE position = 0`},
			{&u.Mails, `SELECT COUNT(*), MIN(queued) FROM mails WHERE outcome = 'Waiting'`},
			{&u.Questions, `
				SELECT COUNT(*), MIN(t.received - c.clock_offset) FROM transactions t JOIN callers c ON c.caller_id = t.caller_id
				WHERE t.asking <> ''`},
		} {
			_, err := list(tx, "counting what waits", func(row scanner) (none struct{}, err error) {
				var rows int
				var oldest sql.NullInt64
				err = row.Scan(&rows, &oldest)
				of.to.add(rows, when(oldest.Int64))
				return none, err
			}, of.query)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return u, err
}

const (
	dropMost = 500 // deliveries in one commit
	dropped  = "dropped when the store was resumed after it was restored"
)

// DropUndelivered gives up all notices, webhooks and mails that have waited since
// a real time or longer, and reports how many. They stay in the store and can be
// sent again by command. Each commit drops a few, so it may be interrupted and run
// again.
func (db *DB) DropUndelivered(ctx context.Context, since, now time.Time) (u Undelivered, err error) {
	until := micros(since)
	if _, err = db.batches(ctx, func(tx *Tx) (int, error) {
		return tx.queueSteps(0, `at <= $1`, until)
	}); err != nil {
		return u, err
	}
	for _, of := range []struct {
		to    *Undone
		doing string
		text  string
	}{
		{&u.Notices, "dropping notices", `
			UPDATE deliveries SET outcome = 'GivenUp', last_result = $1, leased_until = 0, done = $2
			WHERE outcome = 'Waiting' AND (caller_id, subject, seq) IN (
				SELECT d.caller_id, d.subject, d.seq FROM deliveries d JOIN callers c ON c.caller_id = d.caller_id
				WHERE d.outcome = 'Waiting' AND d.created - c.clock_offset <= $3 LIMIT $4)`},
		{&u.Webhooks, "dropping webhooks", `
			UPDATE webhook_deliveries SET outcome = 'GivenUp', result = $1, tried = $2
			WHERE (endpoint_id, position) IN (
				SELECT endpoint_id, position FROM webhook_deliveries WHERE outcome = 'Waiting' AND created <= $3 LIMIT $4)`},
		{&u.Mails, "dropping mails", `
			UPDATE mails SET outcome = 'GivenUp', failure = $1, leased_until = 0, next_at = $2 WHERE mail_id IN (
				SELECT mail_id FROM mails WHERE outcome = 'Waiting' AND queued <= $3 LIMIT $4)`},
	} {
		of.to.Rows, err = db.batches(ctx, func(tx *Tx) (int, error) {
			rows, err := tx.exec(of.doing, of.text, dropped, micros(now), until, dropMost)
			return int(rows), err
		})
		if err != nil {
			return u, err
		}
	}
	return u, nil
}

// batches runs an action until it finds nothing more, and returns the sum of what
// it did.
func (db *DB) batches(ctx context.Context, batch func(*Tx) (int, error)) (sum int, err error) {
	for {
		var n int
		if err := ctx.Err(); err != nil {
			return sum, err
		}
		err := db.Background(ctx, func(tx *Tx) (err error) {
			n, err = batch(tx)
			return err
		})
		if err != nil || n == 0 {
			return sum, err
		}
		sum += n
	}
}
