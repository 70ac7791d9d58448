package holdfasttest

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Crowd is what [World.Crowd] has added to a store.
type Crowd struct {
	Count    int
	Endpoint payment.Endpoint
	Held     payment.Transaction // the pattern of the open holds
	Settled  payment.Transaction // the pattern of the settled payments
}

// Crowd adds many rows of each kind that lists show: open holds, settled payments of the
// last 29 days, notifications that wait and that were given up, events with their
// deliveries to a webhook endpoint, entries of the audit log, and parties. The world's own
// code makes one row of each, and SQL copies it. The books and the chain of the audit log
// are not right afterwards. The address is that of the world's store.
func (w *World) Crowd(address string, count int) Crowd {
	w.T.Helper()
	w.Unchecked = true
	c := Crowd{Count: count}
	var err error
	c.Endpoint, _, err = w.Processor.CreateEndpoint(w.T.Context(), w.Shop, processor.NewEndpoint{
		URL: "https://hooks.example.test/", Ordered: true,
	})
	w.must("adding an endpoint", err)
	c.Held, c.Settled = w.Reserved("20.00", "crowd-held"), w.Reserved("30.00", "crowd-settled")
	_, err = w.Settle(c.Settled.ID, "30.00")
	w.must("settling", err)
	for placed := 1; placed > 0; {
		placed, err = w.Processor.PlaceEvents(w.T.Context())
		w.must("placing events", err)
	}
	for n := 1; n > 0; {
		n, err = w.Processor.ChainAudit(w.T.Context())
		w.must("chaining the audit log", err)
	}
	w.noticesOfCrowd()
	copies := newCopies(w, address)
	defer copies.db.Close()
	copies.payments(c)
	copies.messages(c)
	copies.people(c)
	copies.tidy()
	return c
}

// noticesOfCrowd adds a notification that fails and one that was given up.
func (w *World) noticesOfCrowd() {
	w.T.Helper()
	now := w.CallerNow()
	w.must("adding notifications", w.DB.Update(w.T.Context(), func(tx *store.Tx) error {
		for _, n := range []store.Notification{{Transaction: "CROWDFAILING"}, {Transaction: "CROWDGIVENUP"}} {
			n.Caller, n.About, n.Seq, n.Created, n.NextAt = w.Shop.ID, store.AboutTransaction, 2, now, now.Add(time.Hour)
			if err := tx.InsertNotification(n); err != nil {
				return err
			}
			d := store.Delivery{Notification: n, Queued: true}
			d.Outcome, d.URL = store.NotificationWaiting, w.Shop.IPNURL
			err := tx.RetryNotification(d, "500 Internal Server Error", n.NextAt)
			if n.Transaction == "CROWDGIVENUP" {
				err = tx.GiveUpNotification(d, "500 Internal Server Error", now)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

// copies writes copies of rows with plain SQL.
type copies struct {
	w        *World
	db       *sql.DB
	postgres bool
}

func newCopies(w *World, address string) *copies {
	w.T.Helper()
	driver, first := "sqlite", `PRAGMA synchronous = OFF`
	postgres := strings.HasPrefix(address, "postgres")
	if postgres {
		driver, first = "pgx", `SET synchronous_commit = off`
	}
	db, err := sql.Open(driver, address)
	w.must("opening the store to fill it", err)
	db.SetMaxOpenConns(1)
	c := &copies{w, db, postgres}
	c.run(first)
	return c
}

func (c *copies) run(statement string, args ...any) {
	c.w.T.Helper()
	if _, err := c.db.ExecContext(c.w.T.Context(), statement, args...); err != nil {
		c.w.T.Fatalf("filling the store: %v in %s", err, statement)
	}
}

const (
	copyNumber = `substr(CAST(1000000000 + series.n AS TEXT), 2)` // nine digits
	copyGroup  = 20_000                                           // copies in one commit
)

// add makes copies of the rows that a condition finds. differs has an expression for each
// column in which the copy with the number series.n differs from its row c.
func (c *copies) add(count int, table, where string, differs map[string]string, args ...any) {
	c.w.T.Helper()
	columns := c.columns(table)
	values := make([]string, len(columns))
	for i, column := range columns {
		values[i] = "c." + column
		if differs[column] != "" {
			values[i] = differs[column]
		}
	}
	for _, column := range slices.Sorted(maps.Keys(differs)) {
		if !slices.Contains(columns, column) {
			c.w.T.Fatalf("the table %s has no column %s", table, column)
		}
	}
	text := fmt.Sprintf(`
		WITH RECURSIVE series (n) AS (
			SELECT CAST($1 AS BIGINT) UNION ALL SELECT n + 1 FROM series WHERE n < CAST($2 AS BIGINT))
		INSERT INTO %[1]s (%[2]s) SELECT %[3]s
		FROM series CROSS JOIN (SELECT * FROM %[1]s WHERE %[4]s) c ORDER BY series.n`,
		table, strings.Join(columns, ", "), strings.Join(values, ", "), where)
	for n := 0; n < count; n += copyGroup {
		c.run(text, append([]any{n, min(n+copyGroup, count) - 1}, args...)...)
	}
}

func (c *copies) columns(table string) []string {
	c.w.T.Helper()
	rows, err := c.db.QueryContext(c.w.T.Context(), `SELECT * FROM `+table+` WHERE 1 = 0`)
	c.w.must("reading a table", err)
	defer rows.Close()
	columns, err := rows.Columns()
	c.w.must("reading a table", err)
	c.w.must("reading a table", rows.Err())
	return columns
}

// payments adds open holds, whose deadlines are six seconds apart, and settled payments.
func (c *copies) payments(of Crowd) {
	c.w.T.Helper()
	for _, kind := range []struct {
		pattern payment.Transaction
		name    string
		shift   string // of the times at which it was received and settled
		due     string
		amount  string
	}{
		{
			of.Held, "H", fmt.Sprintf(" - (%d - series.n) * 1000", of.Count),
			"c.received + 3600000000 + series.n * 6000000", "1000000 + series.n * 7919 % 49000 * 10000",
		},
		{of.Settled, "S", fmt.Sprintf(" - (%d - series.n) * 25000000", of.Count), "0", "c.amount"},
	} {
		id, ref := "'1CROWD"+kind.name+"' || "+copyNumber, "'crowd-"+kind.name+"-' || "+copyNumber
		token := "'CROWD" + kind.name + "' || " + copyNumber
		deadline := kind.due
		if kind.due == "0" {
			deadline = "c.deadline" + kind.shift
		}
		c.add(of.Count, "tokens", "token_id = $3", map[string]string{
			"token_id": token, "reference": ref, "used_by": id,
		}, string(kind.pattern.Token))
		c.add(of.Count, "requests", "transaction_id = $3 AND reference = $4", map[string]string{
			"transaction_id": id, "reference": ref, "received": "c.received" + kind.shift,
		}, string(kind.pattern.ID), string(kind.pattern.Reference))
		c.add(of.Count, "transactions", "transaction_id = $3", map[string]string{
			"transaction_id": id, "reference": ref, "token_id": token, "amount": kind.amount,
			"received": "c.received" + kind.shift, "deadline": deadline, "due": kind.due,
		}, string(kind.pattern.ID))
		c.add(of.Count, "steps", "transaction_id = $3", map[string]string{
			"transaction_id": id, "at": "c.at" + kind.shift, "notify_at": "0", "told": "c.at",
		}, string(kind.pattern.ID))
	}
}

// messages adds notifications, of which each thousandth is for another receiver, and
// events with their deliveries. The newest fifth of the events waits, and of the others
// each hundredth was given up.
func (c *copies) messages(of Crowd) {
	c.w.T.Helper()
	for subject, at := range map[string]string{"CROWDFAILING": "created", "CROWDGIVENUP": "done"} {
		c.add(of.Count, "deliveries", "subject = $3", map[string]string{
			"subject": "'" + subject + "' || " + copyNumber, at: "c." + at + " - series.n * 1000000",
			"receiver": "CASE WHEN series.n % 1000 = 0 THEN 'host-' || " + copyNumber + " ELSE c.receiver END",
		}, subject)
	}
	position := "c.position + 1000 + series.n"
	c.add(of.Count, "events", "object_id = $3 AND seq = 1", map[string]string{
		"object_id": "'1CROWDE' || " + copyNumber, "event_id": "'evt_crowd_' || " + copyNumber, "position": position,
	}, string(of.Held.ID))
	c.add(of.Count, "webhook_deliveries", `endpoint_id = $3 AND position = (
		SELECT position FROM events WHERE object_id = $4 AND seq = 1)`, map[string]string{
		"position": position, "result": "'200 OK'",
		"outcome": fmt.Sprintf(`CASE WHEN series.n >= %d THEN 'Waiting' WHEN series.n %% 100 = 0 THEN 'GivenUp'
			ELSE 'Delivered' END`, of.Count/5*4),
	}, string(of.Endpoint.ID), string(of.Held.ID))
	c.run(`UPDATE event_feed SET last = (SELECT MAX(position) FROM events)`)
}

// people adds parties and entries of the audit log. Each thousandth entry is of a rare
// action.
func (c *copies) people(of Crowd) {
	c.w.T.Helper()
	mail := copyNumber + " || '@crowd.example.test'"
	c.add(of.Count, "parties", "party_id = $3", map[string]string{
		"party_id": "'PCROWD' || " + copyNumber, "email": mail, "email_key": mail, "name": "'Crowd ' || " + copyNumber,
	}, string(c.w.Buyer.ID))
	c.add(of.Count, "audit_log", "entry_id = $3", map[string]string{
		"entry_id": "c.entry_id || " + copyNumber, "position": "1000 + series.n", "at": "c.at + series.n",
		"action": "CASE WHEN series.n % 1000 = 0 THEN 'endpoint.test' ELSE c.action END",
	}, c.entry())
	c.run(`UPDATE audit_chain SET last = (SELECT MAX(position) FROM audit_log)`)
}

// entry is the id of an entry of the audit log.
func (c *copies) entry() (id string) {
	c.w.T.Helper()
	err := c.db.QueryRowContext(c.w.T.Context(), `
		SELECT entry_id FROM audit_log WHERE action = 'endpoint.create' AND caller_id = $1 AND position > 0`,
		string(c.w.Shop.ID)).Scan(&id)
	c.w.must("reading the audit log", err)
	return id
}

// tidy leaves the database as a server would some time later.
func (c *copies) tidy() {
	c.w.T.Helper()
	if c.postgres {
		c.run(`VACUUM (FREEZE, ANALYZE)`)
		return
	}
	c.run(`PRAGMA wal_checkpoint(TRUNCATE)`)
}
