package store

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// ReceiverOf is the receiver of what is sent to an address: its host, with the port if
// the address has one. The rest of an address may be secret.
func ReceiverOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}

// ReceiverCountMost is how many messages for one receiver are counted.
const ReceiverCountMost = 100

// A ReceiverCount is how many messages have not arrived at a receiver: of one caller,
// or of all callers. At most 100 of each kind are counted.
type ReceiverCount struct {
	Receiver string         // empty for notifications that have not been sent yet
	Caller   party.CallerID // empty for all callers
	Waiting  int
	Failing  int // of those that wait
	GivenUp  int
	// Oldest is when the oldest one was written that waits, by the caller's clock. It is
	// zero for all callers, whose clocks differ.
	Oldest     time.Time
	LastResult string // of one that fails
}

// skim is a query that goes through an index from one value of a column to the next. So
// the number of rows with each value does not matter. It returns at most $2 values above
// $1. of is a table with a condition.
func skim(column, of string) string {
	next := `SELECT ` + column + ` FROM ` + of + ` AND ` + column + ` > %s ORDER BY ` + column + ` LIMIT 1`
	return `
		WITH RECURSIVE skimmed AS (
			SELECT (` + fmt.Sprintf(next, "$1") + `) AS value
			UNION ALL SELECT (` + fmt.Sprintf(next, "value") + `) FROM skimmed WHERE value IS NOT NULL)
		SELECT value FROM skimmed WHERE value IS NOT NULL LIMIT $2`
}

// skimmed reads the values of a column above a value in all of some tables, in their
// order, at most limit.
func skimmed[T ~string](tx *ReadTx, column string, after T, limit int, of []string, args ...any) (all []T, err error) {
	for _, one := range of {
		some, err := list(tx, "skimming "+column, func(row scanner) (v T, err error) { return v, row.Scan(&v) },
			skim(column, one), append([]any{after, limit}, args...)...)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), limit)], nil
}

// The rows that have not arrived, for skim.
var (
	notArrived = []string{`deliveries WHERE outcome = 'Waiting'`, `deliveries WHERE outcome = 'GivenUp'`}
	notAtHooks = []string{`webhook_deliveries WHERE outcome = 'Waiting'`, `webhook_deliveries WHERE outcome = 'GivenUp'`}
)

// Receivers reads receivers after another one that have not taken notifications, at most
// limit, in the order of their names. The empty name stands for notifications that were
// not sent yet. It comes before all others, and is read if after is empty.
func (tx *ReadTx) Receivers(after string, limit int) (all []ReceiverCount, err error) {
	names, err := skimmed(tx, "receiver", after, limit, notArrived)
	if err != nil {
		return nil, err
	}
	if after == "" {
		names = append([]string{""}, names...)
	}
	for _, name := range names {
		all = append(all, ReceiverCount{Receiver: name})
	}
	err = tx.countReceivers(all)
	if err == nil && after == "" && all[0].Waiting+all[0].GivenUp == 0 {
		all = all[1:]
	}
	return all[:min(len(all), limit)], err
}

// CallersOfReceiver reads the callers after another one whose notifications a receiver
// has not taken, at most limit.
func (tx *ReadTx) CallersOfReceiver(
	receiver string, after party.CallerID, limit int,
) (all []ReceiverCount, err error) {
	of := make([]string, len(notArrived))
	for i, rows := range notArrived {
		of[i] = rows + ` AND receiver = $3`
	}
	callers, err := skimmed(tx, "caller_id", after, limit, of, receiver)
	for _, c := range callers {
		all = append(all, ReceiverCount{Receiver: receiver, Caller: c})
	}
	if err != nil {
		return nil, err
	}
	return all, tx.countReceivers(all)
}

// countReceivers counts the notifications of some receivers, all in one round trip.
func (tx *ReadTx) countReceivers(all []ReceiverCount) error {
	var reads []engine.Statement
	for i := range all {
		r := &all[i]
		// Bounds, for the reason of queuedTo.
		rows, args := `receiver >= $1 AND receiver <= $1`, []any{r.Receiver, ReceiverCountMost}
		if r.Caller != "" {
			rows = `(receiver, caller_id) >= ($1, $3) AND (receiver, caller_id) <= ($1, $3)`
			args = append(args, r.Caller)
		}
		reads = append(reads, engine.Statement{
			Doing: "counting what waits for a receiver", Args: args, Text: `
				SELECT COUNT(*), COUNT(CASE WHEN last_result <> '' THEN 1 END), COALESCE(MIN(created), 0),
					COALESCE(MAX(last_result), '')
				FROM (SELECT created, last_result FROM deliveries WHERE ` + rows + ` AND outcome = 'Waiting'
					ORDER BY receiver, caller_id, created, subject, seq LIMIT $2) AS head`,
			Row: func(row scanner) error {
				var oldest int64
				err := row.Scan(&r.Waiting, &r.Failing, &oldest, &r.LastResult)
				if r.Caller != "" {
					r.Oldest = when(oldest)
				}
				return err
			},
		}, engine.Statement{
			Doing: "counting what a receiver never took", Args: args, Text: `
				SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE ` + rows + ` AND outcome = 'GivenUp'
					ORDER BY receiver, caller_id, done LIMIT $2) AS head`,
			Row: func(row scanner) error { return row.Scan(&r.GivenUp) },
		})
	}
	return tx.sql.Run(reads...)
}

// receiversOfCaller is how many receivers of one caller are read.
const receiversOfCaller = 20

// ReceiversOf reads the receivers of a caller's notifications, those with the most
// first, at most 20. It reads the newest 1,000 notifications of each list, and only those
// that were given up at a time of the caller's clock or later.
func (tx *ReadTx) ReceiversOf(c party.CallerID, since time.Time) (all []ReceiverCount, err error) {
	at := map[string]*ReceiverCount{}
	for _, l := range []NotificationList{ListWaiting, ListGivenUp} {
		condition, column := l.where()
		from := int64(0)
		if l == ListGivenUp {
			from = micros(since)
		}
		_, err := list(tx, "counting the receivers of a caller", func(row scanner) (none struct{}, err error) {
			var name string
			var n, failing int
			if err := row.Scan(&name, &n, &failing); err != nil {
				return none, err
			}
			r, found := at[name]
			if !found {
				r = &ReceiverCount{Receiver: name, Caller: c}
				at[name] = r
			}
			if l == ListGivenUp {
				r.GivenUp = n
			} else {
				r.Waiting, r.Failing = n, failing
			}
			return none, nil
		}, fmt.Sprintf(`
			SELECT receiver, COUNT(*), COUNT(CASE WHEN last_result <> '' THEN 1 END)
			FROM (SELECT receiver, last_result FROM deliveries WHERE caller_id = $1 AND %s AND %s >= $2
				ORDER BY %[2]s DESC, subject DESC, seq DESC LIMIT $3) AS head
			GROUP BY receiver ORDER BY COUNT(*) DESC, receiver LIMIT $4`, condition, column),
			c, from, NoticeCountMost, receiversOfCaller)
		if err != nil {
			return nil, err
		}
	}
	for _, r := range at {
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b ReceiverCount) int {
		return cmp.Or(cmp.Compare(b.Waiting+b.GivenUp, a.Waiting+a.GivenUp), cmp.Compare(a.Receiver, b.Receiver))
	})
	return all[:min(len(all), receiversOfCaller)], nil
}

// A HookCount is how many events have not arrived at a webhook endpoint.
type HookCount struct {
	Endpoint payment.Endpoint
	ReceiverCount
}

// CountHooks counts what has not arrived at some endpoints.
func (tx *ReadTx) CountHooks(endpoints []payment.Endpoint) ([]HookCount, error) {
	all := make([]HookCount, len(endpoints))
	var reads []engine.Statement
	for i, e := range endpoints {
		h := &all[i]
		h.Endpoint = e
		h.Receiver, h.Caller = ReceiverOf(e.URL), e.Caller
		reads = append(reads, engine.Statement{
			Doing: "counting what waits for a webhook endpoint", Args: []any{e.ID, ReceiverCountMost}, Text: `
				SELECT COUNT(*), COUNT(CASE WHEN tries > 0 THEN 1 END), COALESCE(MIN(created), 0),
					COALESCE(MAX(CASE WHEN tries > 0 THEN result END), '')
				FROM (SELECT created, tries, result FROM webhook_deliveries WHERE endpoint_id = $1 AND outcome = 'Waiting'
					ORDER BY position LIMIT $2) AS head`,
			Row: func(row scanner) error {
				var oldest int64
				err := row.Scan(&h.Waiting, &h.Failing, &oldest, &h.LastResult)
				h.Oldest = when(oldest)
				return err
			},
		}, engine.Statement{
			Doing: "counting what a webhook endpoint never took", Args: []any{e.ID, ReceiverCountMost}, Text: `
				SELECT COUNT(*) FROM (SELECT 1 FROM webhook_deliveries WHERE endpoint_id = $1 AND outcome = 'GivenUp'
					ORDER BY position LIMIT $2) AS head`,
			Row: func(row scanner) error { return row.Scan(&h.GivenUp) },
		})
	}
	return all, tx.sql.Run(reads...)
}

// HooksWithEvents reads endpoints of all callers that have not taken events, those after
// another one, at most limit.
func (tx *ReadTx) HooksWithEvents(after payment.EndpointID, limit int) ([]HookCount, error) {
	ids, err := skimmed(tx, "endpoint_id", after, limit, notAtHooks)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = string(id)
	}
	endpoints, err := list(tx, "reading webhook endpoints", scanEndpointRow, `
		SELECT `+endpointColumns+` FROM webhook_endpoints WHERE endpoint_id`+tx.dialect.keys(1)+` ORDER BY endpoint_id`,
		keyList(keys))
	if err != nil {
		return nil, err
	}
	all := make([]payment.Endpoint, len(endpoints))
	for i, row := range endpoints {
		all[i] = row.Endpoint
	}
	return tx.CountHooks(all)
}
