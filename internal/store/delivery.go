package store

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A Delivery is a notification that somebody has taken on, alone until the
// lease ends.
type Delivery struct {
	Notification
	LeasedUntil time.Time // real time: a crash happens in the world, not in a sandbox
}

const notificationColumns = `caller_id, about, subject, seq, url, body, created, next_at, tries, last_result, outcome`

func scanNotification(row scanner) (n Notification, err error) {
	var created, next int64
	var subject string
	err = row.Scan(&n.Caller, &n.About, &subject, &n.Seq, &n.URL, &n.Body, &created, &next, &n.Tries, &n.LastResult, &n.Outcome)
	n.Created, n.NextAt = when(created), when(next)
	if n.About == AboutToken {
		n.Token = holdfast.TokenID(subject)
	} else {
		n.Transaction = holdfast.TransactionID(subject)
	}
	return n, err
}

// Notifications reads what is and was owed for a transaction or a token, by
// step.
func (tx *ReadTx) Notifications(c party.CallerID, subject string) ([]Notification, error) {
	return list(tx, "reading notifications", scanNotification, `
		SELECT `+notificationColumns+` FROM notifications
		WHERE caller_id = $1 AND subject = $2 ORDER BY seq`, c, subject)
}

// A Claim says which notifications to take.
type Claim struct {
	Now   time.Time // real time
	Until time.Time // real time; nobody else delivers them before
	// AheadMax is how far ahead a notification can be due. What is due later was
	// written before its caller's clock was put back, and is due now: it would
	// wait for days.
	AheadMax  time.Duration
	PerCaller int // at most, with what is on a lease already
	Most      int // at most, of all callers
}

// notificationDue selects what waits, is on nobody's lease, and is due by its
// caller's clock. A caller's leases have its first places, so that a caller
// whose receiver hangs gets no more than its own, and who has the fewest comes
// first. What belongs to a transaction that has a lease waits for its end. $1
// is real time and $2 how far ahead a notification can be due. The clocks and
// places stand in a WITH so that claiming locks no caller's row.
//
// What was never tried is on no lease, and is found by the index of all callers
// together, which is why it comes first in its join.
const notificationDue = `
	WITH clocks AS (SELECT caller_id AS owner, clock_offset FROM callers),
	waiting AS (
		SELECT owner, subject AS matter, seq AS step, next_at AS due_at, leased_until AS leased
		FROM clocks JOIN notifications ON caller_id = owner
		WHERE outcome = 'Waiting' AND tries > 0
			AND (next_at <= $1 + clock_offset OR next_at > $1 + $2 + clock_offset)
		UNION ALL
		SELECT owner, subject, seq, next_at, 0
		FROM notifications CROSS JOIN clocks
		WHERE caller_id = owner AND outcome = 'Waiting' AND tries = 0
			AND (next_at <= $1 + clock_offset OR next_at > $1 + $2 + clock_offset)),
	places AS (
		SELECT owner, matter, step, ROW_NUMBER() OVER (
			PARTITION BY owner ORDER BY leased > $1 DESC, due_at, matter, step) AS place
		FROM waiting)
	SELECT ` + notificationColumns + `
	FROM places JOIN notifications ON caller_id = owner AND subject = matter AND seq = step
	WHERE outcome = 'Waiting' AND leased_until <= $1 AND place <= $3
		AND NOT EXISTS (
			SELECT 1 FROM notifications AS other
			WHERE other.caller_id = owner AND other.subject = matter
				AND other.outcome = 'Waiting' AND other.leased_until > $1)
	ORDER BY place, next_at, caller_id, subject, seq
	LIMIT $4`

func (c Claim) args(most int) []any {
	return []any{micros(c.Now), c.AheadMax.Microseconds(), c.PerCaller, most}
}

// NotificationDue reports whether ClaimNotifications would find anything. It
// keeps an idle server from writing.
func (tx *ReadTx) NotificationDue(c Claim) (bool, error) {
	due, err := list(tx, "looking for notifications", scanNotification, notificationDue, c.args(1)...)
	return len(due) > 0, err
}

// ClaimNotifications takes what is due, of each caller the earliest first. Each
// claim counts as a try, also when nothing is heard of it again.
func (tx *Tx) ClaimNotifications(c Claim) ([]Delivery, error) {
	due, err := list(&tx.ReadTx, "reading notifications that are due", scanNotification, notificationDue+tx.dialect.claiming("notifications"),
		c.args(c.Most)...)
	if err != nil {
		return nil, err
	}
	claimed := make([]Delivery, 0, len(due))
	for _, n := range due {
		n.Tries++
		err := tx.one("claiming a notification", `
			UPDATE notifications SET leased_until = $1, tries = $2
			WHERE caller_id = $3 AND subject = $4 AND seq = $5 AND outcome = 'Waiting'`,
			micros(c.Until), n.Tries, n.Caller, n.Subject(), n.Seq)
		if err != nil {
			return nil, err
		}
		claimed = append(claimed, Delivery{Notification: n, LeasedUntil: when(micros(c.Until))})
	}
	return claimed, nil
}

// FreezeBody writes what a notification says, once and for all its tries. When
// the lease is lost it is ErrStale.
func (tx *Tx) FreezeBody(d Delivery, body string) error {
	return tx.one("freezing a notification", `
		UPDATE notifications SET body = $1
		WHERE caller_id = $2 AND subject = $3 AND seq = $4
			AND outcome = 'Waiting' AND leased_until = $5 AND body = ''`,
		body, d.Caller, d.Subject(), d.Seq, micros(d.LeasedUntil))
}

// NotificationDone writes that a notification arrived. It did, whoever has the
// lease by now.
func (tx *Tx) NotificationDone(d Delivery, result string, now time.Time) error {
	_, err := tx.exec("finishing a notification", `
		UPDATE notifications SET outcome = 'Delivered', done = $1, leased_until = 0, last_result = $2
		WHERE caller_id = $3 AND subject = $4 AND seq = $5 AND outcome = 'Waiting'`,
		micros(now), result, d.Caller, d.Subject(), d.Seq)
	return err
}

// RetryNotification writes what came of a try, and when the next one is. It
// does nothing when the lease is lost: then another try is under way.
func (tx *Tx) RetryNotification(d Delivery, result string, next time.Time) error {
	_, err := tx.exec("putting a notification off", `
		UPDATE notifications SET next_at = $1, leased_until = 0, last_result = $2
		WHERE caller_id = $3 AND subject = $4 AND seq = $5 AND outcome = 'Waiting' AND leased_until = $6`,
		micros(next), result, d.Caller, d.Subject(), d.Seq, micros(d.LeasedUntil))
	return err
}

// GiveUpNotification writes what came of the last try. It does nothing when
// the lease is lost.
func (tx *Tx) GiveUpNotification(d Delivery, result string, now time.Time) error {
	_, err := tx.exec("giving a notification up", `
		UPDATE notifications SET outcome = 'GivenUp', done = $1, leased_until = 0, last_result = $2
		WHERE caller_id = $3 AND subject = $4 AND seq = $5 AND outcome = 'Waiting' AND leased_until = $6`,
		micros(now), result, d.Caller, d.Subject(), d.Seq, micros(d.LeasedUntil))
	return err
}

// ReturnNotification ends a lease without a try, so that it is delivered again
// at once.
func (tx *Tx) ReturnNotification(d Delivery) error {
	_, err := tx.exec("returning a notification", `
		UPDATE notifications SET leased_until = 0, tries = tries - 1
		WHERE caller_id = $1 AND subject = $2 AND seq = $3 AND outcome = 'Waiting' AND leased_until = $4`,
		d.Caller, d.Subject(), d.Seq, micros(d.LeasedUntil))
	return err
}
