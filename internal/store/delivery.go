package store

import (
	"errors"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A Delivery is a notification that one server has claimed. No other delivers
// it until the lease ends.
type Delivery struct {
	Notification
	LeasedUntil time.Time // real time: no sandbox clock moves it
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

// Notifications reads all notifications about a transaction or a token, in the
// order of its steps.
func (tx *ReadTx) Notifications(c party.CallerID, subject string) ([]Notification, error) {
	return list(tx, "reading notifications", scanNotification, `
		SELECT `+notificationColumns+` FROM notifications
		WHERE caller_id = $1 AND subject = $2 ORDER BY seq`, c, subject)
}

// The steps of a delivery are changes, so that those of one commit are written
// together. Each payment has two or three deliveries.
var (
	leaseNotification  = deliveryChange("claiming a notification", columns(number, "leased_until, tries, queued"), nil)
	freezeNotification = deliveryChange("freezing a notification", columns(text, "url, body"), []column{
		{"leased_until", number}, {"body", text},
	})
	finishNotification = deliveryChange("finishing a notification", finished, nil)
	giveUpNotification = deliveryChange("giving up a notification", finished, whileLeased)
	putOffNotification = deliveryChange("postponing a notification",
		[]column{{"last_result", text}, {"leased_until", number}, {"next_at", number}}, whileLeased)
	returnNotification = deliveryChange("returning a notification", columns(number, "leased_until, tries"), whileLeased)

	whileLeased = columns(number, "leased_until")
	finished    = []column{{"outcome", text}, {"last_result", text}, {"leased_until", number}, {"done", number}}
)

// deliveryChange is a change of a waiting notification. The columns of guard
// must be as the claim left them.
func deliveryChange(doing string, set, guard []column) *change {
	return update{
		doing: doing, table: "notifications", set: set,
		key:   []column{{"caller_id", text}, {"subject", text}, {"seq", number}},
		guard: append(columns(text, "outcome"), guard...),
	}.change()
}

// writeDelivery writes a change, given the values that it sets and the values
// of its guard.
func (tx *Tx) writeDelivery(c *change, d Delivery, set []any, guard ...any) error {
	args := append(set, d.Caller, d.Subject(), d.Seq, NotificationWaiting)
	return tx.write(c, notificationKey{d.Caller, d.Subject(), d.Seq}, append(args, guard...)...)
}

// FreezeBody stores the body of a notification to a URL, for all tries to that
// URL. It is ErrStale if the lease is lost.
func (tx *Tx) FreezeBody(d Delivery, url, body string) error {
	return tx.writeDelivery(freezeNotification, d, []any{url, body}, micros(d.LeasedUntil), d.Body)
}

// NotificationDone records that a notification arrived. That is true even if
// the lease is lost.
func (tx *Tx) NotificationDone(d Delivery, result string, now time.Time) error {
	return unlessStale(tx.writeDelivery(finishNotification, d, []any{NotificationDelivered, result, 0, micros(now)}))
}

// RetryNotification records the result of a try and the time of the next one.
// It does nothing if the lease is lost, because another try is then under way.
func (tx *Tx) RetryNotification(d Delivery, result string, next time.Time) error {
	return unlessStale(tx.writeDelivery(putOffNotification, d, []any{result, 0, micros(next)}, micros(d.LeasedUntil)))
}

// GiveUpNotification records the result of the last try. It does nothing if the
// lease is lost.
func (tx *Tx) GiveUpNotification(d Delivery, result string, now time.Time) error {
	return unlessStale(tx.writeDelivery(giveUpNotification, d, []any{NotificationGivenUp, result, 0, micros(now)},
		micros(d.LeasedUntil)))
}

// ReturnNotification ends a lease without a try, so that the notification can
// be claimed again at once.
func (tx *Tx) ReturnNotification(d Delivery) error {
	return unlessStale(tx.writeDelivery(returnNotification, d, []any{0, d.Tries - 1}, micros(d.LeasedUntil)))
}

// unlessStale ignores ErrStale: the row has already changed and needs nothing
// more.
func unlessStale(err error) error {
	if errors.Is(err, ErrStale) {
		return nil
	}
	return err
}
