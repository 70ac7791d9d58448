package store

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A NotificationList is a list of a caller's notifications that have not arrived.
type NotificationList string

// The lists. Failing is a part of Waiting.
const (
	ListWaiting NotificationList = "waiting"
	ListFailing NotificationList = "failing" // the last try failed, and another follows
	ListGivenUp NotificationList = "given-up"
)

// NotificationLists are all lists.
var NotificationLists = []NotificationList{ListWaiting, ListFailing, ListGivenUp}

// At is the time by which a list orders a notification: when it was written, or
// when it was given up.
func (l NotificationList) At(n Notification) time.Time {
	if l == ListGivenUp {
		return n.Done
	}
	return n.Created
}

// where chooses the rows of the list and names the column of its order. Each list
// has an index.
func (l NotificationList) where() (condition, at string) {
	switch l {
	case ListFailing:
		return `outcome = 'Waiting' AND last_result <> ''`, "created"
	case ListGivenUp:
		return `outcome = 'GivenUp'`, "done"
	case ListWaiting:
	}
	return `outcome = 'Waiting'`, "created"
}

// A NotificationMark is a place in a list: behind one notification. The zero mark
// is the beginning.
type NotificationMark struct {
	At      time.Time
	Subject string
	Seq     int
}

// Mark is the place behind a notification of the list.
func (l NotificationList) Mark(n Notification) NotificationMark {
	return NotificationMark{l.At(n), n.Subject(), n.Seq}
}

func (m NotificationMark) compare(other NotificationMark) int {
	return cmp.Or(m.At.Compare(other.At), cmp.Compare(m.Subject, other.Subject), cmp.Compare(m.Seq, other.Seq))
}

// A NotificationFilter chooses notifications of a caller.
type NotificationFilter struct {
	List  NotificationList
	Since time.Time // by the caller's clock; zero means all
	// Receiver chooses those that were sent to it the last time, or are to go to it
	// because their request gave its address. Empty means all.
	Receiver string
}

// A NotificationPage says which notifications of a caller to read.
type NotificationPage struct {
	NotificationFilter
	Caller party.CallerID
	// Unsent adds those without a receiver to those of Receiver. They were not sent yet,
	// and go to the caller's address.
	Unsent bool
	After  NotificationMark
	Limit  int
}

// endOfTime is behind every time in the store.
var endOfTime = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// queuedIn are the queries of the lists. A query that reads pages begins with the
// comparison with the last row of the page before: see listings.
var queuedIn = queriesOf(`
	SELECT %[1]s FROM deliveries
	WHERE (%[2]s, subject, seq) < ($2, $3, $4) AND caller_id = $1 AND %[3]s AND %[2]s >= $5
	ORDER BY %[2]s DESC, subject DESC, seq DESC LIMIT $6`)

// queuedTo are the queries of the lists of one receiver, $7. They have bounds for it and
// for the caller: if the query named one caller and one receiver, both databases would
// take an index of the caller and read past all other receivers.
var queuedTo = queriesOf(`
	SELECT %[1]s FROM deliveries
	WHERE (receiver, caller_id, %[2]s, subject, seq) < ($7, $1, $2, $3, $4) AND %[3]s
		AND (receiver, caller_id, %[2]s) >= ($7, $1, $5)
	ORDER BY receiver DESC, caller_id DESC, %[2]s DESC, subject DESC, seq DESC LIMIT $6`)

func queriesOf(text string) map[NotificationList]string {
	texts := map[NotificationList]string{}
	for _, l := range NotificationLists {
		condition, at := l.where()
		texts[l] = fmt.Sprintf(text, deliveryColumns, at, condition)
	}
	return texts
}

// QueuedNotifications reads notifications of a list that are in their caller's
// queue, the newest first.
func (tx *ReadTx) QueuedNotifications(p NotificationPage) ([]Notification, error) {
	after := p.After
	if after == (NotificationMark{}) {
		after.At = endOfTime
	}
	const doing = "listing notifications"
	args := []any{p.Caller, micros(after.At), after.Subject, after.Seq, micros(p.Since), p.Limit}
	if p.Receiver == "" {
		return list(tx, doing, scanQueued, queuedIn[p.List], args...)
	}
	all, err := list(tx, doing, scanQueued, queuedTo[p.List], append(args, p.Receiver)...)
	if err != nil || !p.Unsent {
		return all, err
	}
	unsent, err := list(tx, doing, scanQueued, queuedTo[p.List], append(args, "")...)
	all = append(all, unsent...)
	slices.SortFunc(all, func(a, b Notification) int { return p.List.Mark(b).compare(p.List.Mark(a)) })
	return all[:min(len(all), p.Limit)], err
}

// inLineMost is how many notifications of the line are looked at.
const inLineMost = 1_000

// NotificationsInLine reads notifications of a caller that wait for their first
// try in the line, of the first 1,000 of all callers. They usually wait for
// seconds only.
func (tx *ReadTx) NotificationsInLine(c party.CallerID, limit int) ([]Notification, error) {
	return list(tx, "listing notifications in the line", func(from scanner) (Notification, error) {
		row, err := scanStep(from)
		return row.notification(), err
	}, `
		SELECT `+stepColumns+` FROM (
			SELECT `+stepColumns+` FROM steps WHERE notify_at > 0 ORDER BY leased_until, notify_at LIMIT $2) AS head
		WHERE caller_id = $1 ORDER BY notify_at LIMIT $3`, c, inLineMost, limit)
}

// NotificationCounts are how many notifications of a caller are in each list, at
// most 1,000 of each.
type NotificationCounts struct {
	Waiting, Failing, GivenUp int
	Oldest                    time.Time // of those that wait, by the caller's clock; zero if none does
	LastResult                string    // of the newest one that fails
}

// NoticeCountMost is how many notifications of a list are counted.
const NoticeCountMost = 1_000

// CountNotifications counts the notifications in a caller's queue. Those that were
// given up count from a time of the caller's clock.
func (tx *ReadTx) CountNotifications(c party.CallerID, since time.Time) (n NotificationCounts, err error) {
	for l, into := range map[NotificationList]*int{
		ListWaiting: &n.Waiting, ListFailing: &n.Failing, ListGivenUp: &n.GivenUp,
	} {
		condition, at := l.where()
		from := int64(0)
		if l == ListGivenUp {
			from = micros(since)
		}
		if *into, err = tx.upTo(fmt.Sprintf(`
			SELECT 1 FROM deliveries WHERE caller_id = $1 AND %s AND %s >= $2 ORDER BY %[2]s`, condition, at),
			NoticeCountMost, c, from); err != nil {
			return n, err
		}
	}
	err = tx.sql.Run(
		engine.Statement{
			Doing: "reading the oldest notification of a queue",
			Text: `SELECT created FROM deliveries WHERE caller_id = $1 AND outcome = 'Waiting'
				ORDER BY created, subject, seq LIMIT 1`,
			Args: []any{c},
			Row: func(row scanner) error {
				var at int64
				err := row.Scan(&at)
				n.Oldest = when(at)
				return err
			},
		},
		engine.Statement{
			Doing: "reading the last result of a queue",
			Text: `SELECT last_result FROM deliveries WHERE caller_id = $1 AND outcome = 'Waiting' AND last_result <> ''
				ORDER BY created DESC, subject DESC, seq DESC LIMIT 1`,
			Args: []any{c},
			Row:  func(row scanner) error { return row.Scan(&n.LastResult) },
		})
	return n, err
}

// again are the columns of a notification in a queue that begins anew. $1 is the
// caller's time.
const again = `UPDATE deliveries SET outcome = 'Waiting', created = $1, next_at = $1, tries = 0, done = 0 `

// SendAgain makes a notification due now, with as many tries as a new one, whether
// or not it has arrived. now is the caller's time. It reports whether there is
// such a notification.
func (tx *Tx) SendAgain(c party.Caller, subject string, seq int, real time.Time) (found bool, err error) {
	rows, err := tx.exec("sending a notification again", again+`
		WHERE caller_id = $2 AND subject = $3 AND seq = $4`, micros(c.Now(real)), c.ID, subject, seq)
	if err != nil || rows > 0 {
		return rows > 0, err
	}
	// It arrived at the first try, or waits for it.
	rows, err = tx.exec("sending a notification again", `
		UPDATE steps SET notify_at = $1, told = 0
		WHERE caller_id = $2 AND transaction_id = $3 AND seq = $4 AND (told > 0 OR notify_at > 0 AND leased_until = 0)`,
		micros(real), c.ID, subject, seq)
	return rows > 0, err
}

// SendListAgain makes notifications due now that a filter chooses, the oldest first, at
// most limit. It returns how many. A further call at the same real time goes on with
// others.
func (tx *Tx) SendListAgain(c party.Caller, f NotificationFilter, real time.Time, limit int) (int, error) {
	condition, at := f.List.where()
	args := []any{micros(c.Now(real)), c.ID, micros(f.Since), limit}
	if f.List != ListGivenUp {
		condition += ` AND created <> $1`
	}
	whose, order := `caller_id = $2 AND %[2]s >= $3`, ""
	if f.Receiver != "" { // see queuedTo
		whose = `(receiver, caller_id, %[2]s) >= ($5, $2, $3) AND (receiver, caller_id) <= ($5, $2)`
		order = `receiver, caller_id, `
		args = append(args, f.Receiver)
	}
	rows, err := tx.exec("sending notifications again", again+fmt.Sprintf(`
		WHERE caller_id = $2 AND (subject, seq) IN (
			SELECT subject, seq FROM deliveries
			WHERE `+whose+` AND %[1]s
			ORDER BY `+order+`%[2]s, subject, seq LIMIT $4)`, condition, at), args...)
	return int(rows), err
}
