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
