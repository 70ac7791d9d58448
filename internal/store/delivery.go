package store

import (
	"errors"
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

const notificationColumns = `
	caller_id, about, subject, seq, url, body, created, next_at, tries, last_result, outcome, overrides`

func scanNotification(row scanner) (n Notification, err error) {
	var created, next int64
	var subject string
	err = row.Scan(&n.Caller, &n.About, &subject, &n.Seq, &n.URL, &n.Body, &created, &next, &n.Tries, &n.LastResult,
		&n.Outcome, &n.Overrides)
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

// What becomes of a delivery is a change that is written together with the others
// of its commit: each payment owes two or three of them.
var (
	leaseNotification  = deliveryChange("claiming a notification", columns(number, "leased_until, tries, queued"), nil)
	freezeNotification = deliveryChange("freezing a notification", columns(text, "url, body"), []column{
		{"leased_until", number}, {"body", text},
	})
	finishNotification = deliveryChange("finishing a notification", finished, nil)
	giveUpNotification = deliveryChange("giving a notification up", finished, whileLeased)
	putOffNotification = deliveryChange("putting a notification off",
		[]column{{"last_result", text}, {"leased_until", number}, {"next_at", number}}, whileLeased)
	returnNotification = deliveryChange("returning a notification", columns(number, "leased_until, tries"), whileLeased)

	whileLeased = columns(number, "leased_until")
	finished    = []column{{"outcome", text}, {"last_result", text}, {"leased_until", number}, {"done", number}}
)

// deliveryChange is a change of a notification that waits, and of which guard is
// as whoever took it on left it.
func deliveryChange(doing string, set, guard []column) *change {
	return update{
		doing: doing, table: "notifications", set: set,
		key:   []column{{"caller_id", text}, {"subject", text}, {"seq", number}},
		guard: append(columns(text, "outcome"), guard...),
	}.change()
}

// writeDelivery makes a change, given what it sets and what its guard has to be.
func (tx *Tx) writeDelivery(c *change, d Delivery, set []any, guard ...any) error {
	args := append(set, d.Caller, d.Subject(), d.Seq, NotificationWaiting)
	return tx.write(c, notificationKey{d.Caller, d.Subject(), d.Seq}, append(args, guard...)...)
}

// FreezeBody writes what a notification says to an address, for all tries that go
// there. When the lease is lost it is ErrStale.
func (tx *Tx) FreezeBody(d Delivery, url, body string) error {
	return tx.writeDelivery(freezeNotification, d, []any{url, body}, micros(d.LeasedUntil), d.Body)
}

// NotificationDone writes that a notification arrived. It did, whoever has the
// lease by now.
func (tx *Tx) NotificationDone(d Delivery, result string, now time.Time) error {
	return unlessStale(tx.writeDelivery(finishNotification, d, []any{NotificationDelivered, result, 0, micros(now)}))
}

// RetryNotification writes what came of a try, and when the next one is. It
// does nothing when the lease is lost: then another try is under way.
func (tx *Tx) RetryNotification(d Delivery, result string, next time.Time) error {
	return unlessStale(tx.writeDelivery(putOffNotification, d, []any{result, 0, micros(next)}, micros(d.LeasedUntil)))
}

// GiveUpNotification writes what came of the last try. It does nothing when
// the lease is lost.
func (tx *Tx) GiveUpNotification(d Delivery, result string, now time.Time) error {
	return unlessStale(tx.writeDelivery(giveUpNotification, d, []any{NotificationGivenUp, result, 0, micros(now)},
		micros(d.LeasedUntil)))
}

// ReturnNotification ends a lease without a try, so that it is delivered again
// at once.
func (tx *Tx) ReturnNotification(d Delivery) error {
	return unlessStale(tx.writeDelivery(returnNotification, d, []any{0, d.Tries - 1}, micros(d.LeasedUntil)))
}

// unlessStale: what was to be changed has changed already, and needs nothing more.
func unlessStale(err error) error {
	if errors.Is(err, ErrStale) {
		return nil
	}
	return err
}
