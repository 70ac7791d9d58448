package store

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// Limits of what [ReadTx.Backlog] reads, so that it is quick however much
// waits.
const (
	backlogMost    = 10_000 // rows that are counted
	backlogOldest  = 1_000  // rows among which the oldest is looked for
	backlogCallers = 100    // callers whose overdue transactions are counted
)

// A Backlog is what waits in the store, for all servers on it.
type Backlog struct {
	Overdue Waiting // open transactions past their deadline
	Asking  Waiting // questions to a card network without an answer
	Line    Waiting // notices in the line for their first try
	Queues  Waiting // notices in their callers' queues
	Events  Waiting // events of card networks
	// Unplaced are events of the JSON API that have no position in the feed yet, so
	// that nobody has seen them.
	Unplaced Waiting
	// EventsGivenUp are the events of card networks that a person must look at, and
	// Attention the payments and the holds of pages, at most 10,000 of each.
	EventsGivenUp, Attention int
	Mails                    map[MailOutcome]MailCount
	// Webhooks are the events that wait for webhook endpoints, paused ones too. Oldest
	// leaves paused endpoints out. WebhooksGivenUp are those that no endpoint has
	// taken, at most 10,000.
	Webhooks        Waiting
	WebhooksGivenUp int
	PausedEndpoints map[payment.EndpointPause]int // nil if there are none
}

// Waiting is a number of rows, and how long the oldest waits.
type Waiting struct {
	Rows   int // at most 10,000 are counted
	Oldest time.Duration
}

// line has the notices in the line in the order of their index.
const line = `SELECT 1 FROM steps WHERE notify_at > 0 ORDER BY leased_until, notify_at`

// inDoubt are the questions that are asked again within ten minutes. Those that a
// network has accepted, and holds that are left to lapse, wait longer: they are
// not in doubt.
const inDoubt = `asking <> '' AND next_ask <= CAST($1 AS BIGINT) + 600000000`

// Backlog reads what waits in the store at a real time. It reads partial indexes
// of what is open, and only their first rows. So the time that it takes does not
// depend on the number of payments. Ages are those of the oldest of the first
// 1,000 rows.
func (tx *ReadTx) Backlog(real time.Time) (b Backlog, err error) {
	if b.Overdue, err = tx.overdue(real); err != nil {
		return b, err
	}
	for _, w := range []struct {
		of            *Waiting
		count, oldest string
		counts        []any // the arguments of count
	}{
		{&b.Asking, `SELECT 1 FROM transactions WHERE ` + inDoubt + ` ORDER BY next_ask`, `
			SELECT MAX($1 + clock_offset - steps.at)
			FROM (SELECT caller_id, transaction_id, steps FROM transactions
				WHERE ` + inDoubt + ` ORDER BY next_ask LIMIT $2) AS head
			JOIN steps ON steps.caller_id = head.caller_id AND steps.transaction_id = head.transaction_id
				AND steps.seq = head.steps
			JOIN callers ON callers.caller_id = head.caller_id`, []any{micros(real)}},
		{&b.Line, line, `
			SELECT $1 - MIN(notify_at)
			FROM (SELECT notify_at FROM steps WHERE notify_at > 0 ORDER BY leased_until, notify_at LIMIT $2) AS head`, nil},
		{&b.Queues, `SELECT 1 FROM deliveries WHERE outcome = 'Waiting' ORDER BY caller_id`, `
			SELECT MAX($1 + clock_offset - head.created)
			FROM (SELECT caller_id, created FROM deliveries
				WHERE outcome = 'Waiting' ORDER BY caller_id, leased_until, next_at LIMIT $2) AS head
			JOIN callers ON callers.caller_id = head.caller_id`, nil},
		{&b.Events, `SELECT 1 FROM network_events WHERE outcome = 'Waiting' ORDER BY next_at`, `
			SELECT $1 - MIN(received)
			FROM (SELECT received FROM network_events WHERE outcome = 'Waiting' ORDER BY next_at LIMIT $2) AS head`, nil},
		{&b.Unplaced, `SELECT 1 FROM events WHERE position = 0 ORDER BY created`, `
			SELECT $1 - MIN(created)
			FROM (SELECT created FROM events WHERE position = 0 ORDER BY created LIMIT $2) AS head`, nil},
	} {
		if w.of.Rows, err = tx.upTo(w.count, backlogMost, w.counts...); err != nil {
			return b, err
		}
		if w.of.Oldest, err = tx.oldest(w.oldest, micros(real), backlogOldest); err != nil {
			return b, err
		}
	}
	b.EventsGivenUp, err = tx.upTo(`SELECT 1 FROM network_events WHERE outcome = 'GivenUp'`, backlogMost)
	if err != nil {
		return b, err
	}
	b.Attention, err = tx.upTo(`SELECT 1 FROM network_payments WHERE attention <> ''`, backlogMost)
	if err != nil {
		return b, err
	}
	held, err := tx.upTo(`SELECT 1 FROM page_holds WHERE `+waitsForPerson, backlogMost-b.Attention)
	if err != nil {
		return b, err
	}
	b.Attention += held
	if b.Mails, err = tx.CountMails(); err != nil {
		return b, err
	}
	return b, tx.webhookBacklog(&b, real)
}

// webhookBacklog reads what waits for webhook endpoints.
func (tx *ReadTx) webhookBacklog(b *Backlog, real time.Time) (err error) {
	b.Webhooks.Rows, err = tx.upTo(`SELECT 1 FROM webhook_deliveries WHERE outcome = 'Waiting' ORDER BY endpoint_id`,
		backlogMost)
	if err != nil {
		return err
	}
	b.Webhooks.Oldest, err = tx.oldest(webhookQueues+`
		SELECT MAX($1 - (
			SELECT created FROM webhook_deliveries WHERE endpoint_id = whose AND outcome = 'Waiting'
			ORDER BY position LIMIT 1))
		FROM queues JOIN webhook_endpoints e ON e.endpoint_id = whose WHERE e.pause = ''`, micros(real))
	if err != nil {
		return err
	}
	b.WebhooksGivenUp, err = tx.upTo(`SELECT 1 FROM webhook_deliveries WHERE outcome = 'GivenUp' ORDER BY endpoint_id`,
		backlogMost)
	if err != nil {
		return err
	}
	b.PausedEndpoints = nil
	_, err = list(tx, "counting paused webhook endpoints", func(row scanner) (of payment.EndpointPause, err error) {
		var n int
		err = row.Scan(&of, &n)
		if b.PausedEndpoints == nil {
			b.PausedEndpoints = map[payment.EndpointPause]int{}
		}
		b.PausedEndpoints[of] = n
		return of, err
	}, `SELECT pause, COUNT(*) FROM webhook_endpoints WHERE pause <> '' GROUP BY pause`)
	return err
}

// overdue counts transactions whose deadline has passed by their caller's clock.
func (tx *ReadTx) overdue(real time.Time) (w Waiting, err error) {
	callers, err := tx.DueCallers(real)
	if err != nil {
		return w, err
	}
	for i, c := range callers[:min(len(callers), backlogCallers)] {
		now := micros(c.Now(real))
		const due = ` FROM transactions WHERE caller_id = $1 AND due > 0 AND due <= $2`
		some, err := tx.upTo(`SELECT 1`+due+` ORDER BY due`, backlogMost-w.Rows, c.ID, now)
		if err != nil {
			return w, err
		}
		w.Rows += some
		if i == 0 { // the caller with the most overdue transaction
			if w.Oldest, err = tx.oldest(`SELECT $2 - MIN(due)`+due, c.ID, now); err != nil {
				return w, err
			}
		}
		if w.Rows >= backlogMost {
			break
		}
	}
	return w, nil
}

// upTo counts the rows of a query, at most limit. The query's order makes
// PostgreSQL use the index, whatever its statistics say.
func (tx *ReadTx) upTo(query string, limit int, args ...any) (rows int, err error) {
	n, err := tx.number(fmt.Sprintf(`SELECT COUNT(*) FROM (%s LIMIT $%d) AS open`, query, len(args)+1),
		append(args, limit)...)
	return int(n), err
}

// oldest reads an age in microseconds; zero if there is none. A sandbox clock
// that was moved back makes no age below zero.
func (tx *ReadTx) oldest(query string, args ...any) (time.Duration, error) {
	micros, err := tx.number(query, args...)
	return time.Duration(max(micros, 0)) * time.Microsecond, err
}

func (tx *ReadTx) number(query string, args ...any) (n int64, err error) {
	all, err := list(tx, "reading what waits", func(row scanner) (n sql.NullInt64, err error) {
		return n, row.Scan(&n)
	}, query, args...)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	return all[0].Int64, nil
}

// HoldsOfCaller are the open holds of a caller.
type HoldsOfCaller struct {
	Caller  party.CallerID
	Sandbox bool         // no real money
	Open    int          // open transactions with a deadline; at most 10,000 are counted
	AtRisk  money.Amount // what is open of holds whose deadline is within 24 hours, of at most 10,000 holds
}

// atRisk is how near a deadline is that puts a hold at risk.
const atRisk = 24 * time.Hour

// HoldsByCaller reads what callers hold at a real time, of the first 100 callers that
// hold anything. It reads a partial index of what is open.
func (tx *ReadTx) HoldsByCaller(real time.Time) ([]HoldsOfCaller, error) {
	scan := func(row scanner) (h HoldsOfCaller, err error) {
		err = row.Scan(&h.Caller, flagDest{&h.Sandbox}, &h.Open, dollarsDest{&h.AtRisk})
		return h, err
	}
	return list(tx, "reading the holds of callers", scan, `
		SELECT caller_id, sandbox,
			(SELECT COUNT(*) FROM (
				SELECT 1 FROM transactions t WHERE t.caller_id = c.caller_id AND t.due > 0 LIMIT $2) AS open),
			(SELECT CAST(COALESCE(SUM(open), 0) AS BIGINT) FROM (
				SELECT t.amount - COALESCE(t.taken, 0) - COALESCE(t.lowered, 0) AS open FROM transactions t
				WHERE t.caller_id = c.caller_id AND t.due > 0 AND t.due <= $1 + c.clock_offset AND t.state = 'Reserved'
				ORDER BY t.due LIMIT $2) AS near)
		FROM callers c
		WHERE EXISTS (SELECT 1 FROM transactions t WHERE t.caller_id = c.caller_id AND t.due > 0)
		ORDER BY created, caller_id LIMIT $3`, micros(real.Add(atRisk)), backlogMost, backlogCallers)
}
