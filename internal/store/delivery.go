package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
)

// A Delivery is a notification that one server has claimed. No other delivers
// it until the lease ends.
type Delivery struct {
	Notification
	LeasedUntil time.Time // real time: no sandbox clock moves it
	Queued      bool      // it is in its caller's queue; otherwise it is in the row of its step
}

// The steps of a delivery are changes, so that those of one commit are written
// together.
var (
	oweStep    = stepChange("adding a notification", "notify_at, notify_url", "notify_at, told")
	leaseStep  = stepChange("claiming a notification", "leased_until", "notify_at")
	tellStep   = stepChange("finishing a notification", "notify_at, leased_until, told", "notify_at")
	passOnStep = stepChange("moving a notification to its queue", "notify_at, leased_until", "notify_at, leased_until")
	returnStep = stepChange("returning a notification", "leased_until", "notify_at, leased_until")

	leaseQueued  = queuedChange("claiming a notification", "leased_until, tries", "outcome")
	finishQueued = queuedChange("finishing a notification", "outcome, last_result, leased_until, done, body", "outcome")
	giveUpQueued = queuedChange("giving up a notification",
		"outcome, last_result, leased_until, done, url, receiver, body",
		"outcome, leased_until")
	putOffQueued = queuedChange("postponing a notification", "last_result, leased_until, next_at, url, receiver, body",
		"outcome, leased_until")
	returnQueued = queuedChange("returning a notification", "leased_until, tries", "outcome, leased_until")
)

// notifications names the rows of steps and deliveries that have a notification.
var notifications = engine.Keys[notificationKey]("changing a notification")

// A rowChange sets some columns of a row whose others are as they were.
type rowChange[K comparable, T any] struct {
	*engine.Change[K]
	set, key, guard fields[T]
}

func changeOf[K comparable, V, T any](
	rows *engine.Source[K, V], t *table[T], doing, set, key, guard string,
) rowChange[K, T] {
	c := rowChange[K, T]{set: t.some(set), key: t.some(key), guard: t.some(guard)}
	c.Change = rows.Change(engine.Update{
		Doing: doing, Table: t.name, Set: c.set.columns(), Key: c.key.columns(), Guard: c.guard.columns(),
	})
	return c
}

func (c rowChange[K, T]) args(before, after *T) []any {
	return c.guard.appendTo(c.key.appendTo(c.set.values(after), before), before)
}

func stepChange(doing, set, guard string) rowChange[notificationKey, stepRow] {
	return changeOf(notifications, &stepTable, doing, set, "caller_id, transaction_id, seq", guard)
}

func queuedChange(doing, set, guard string) rowChange[notificationKey, deliveryRow] {
	return changeOf(notifications, &deliveryTable, doing, set, "caller_id, subject, seq", guard)
}

// inStep is the row of the step that has the notification, as far as the
// changes need it.
func (d Delivery) inStep() stepRow {
	s := stepRow{caller: d.Caller, transaction: d.Transaction, notifyAt: d.NextAt, leasedUntil: d.LeasedUntil}
	s.Seq = d.Seq
	return s
}

// inQueue is the row of the queue that has the notification.
func (d Delivery) inQueue() deliveryRow {
	return deliveryRow{
		Notification: d.Notification, subject: d.Subject(), receiver: ReceiverOf(d.URL), leasedUntil: d.LeasedUntil,
	}
}

func (tx *Tx) changeStep(c rowChange[notificationKey, stepRow], before, after stepRow) error {
	key := notificationKey{before.caller, string(before.transaction), before.Seq}
	return c.Write(tx.sql, key, c.args(&before, &after)...)
}

func (tx *Tx) changeQueued(c rowChange[notificationKey, deliveryRow], before, after deliveryRow) error {
	return c.Write(tx.sql, notificationKey{before.Caller, before.subject, before.Seq}, c.args(&before, &after)...)
}

// NotificationDone records that a notification arrived. That is true even if
// the lease is lost. It is ErrStale if the notification is elsewhere than d says.
func (tx *Tx) NotificationDone(d Delivery, result string, now time.Time) error {
	if !d.Queued {
		return tx.changeStep(tellStep, d.inStep(), stepRow{told: now})
	}
	after := d.inQueue()
	after.Outcome, after.LastResult, after.leasedUntil, after.Done, after.Body =
		NotificationDelivered, result, time.Time{}, now, ""
	return tx.changeQueued(finishQueued, d.inQueue(), after)
}

// RetryNotification records the result of a try and the time of the next one,
// with the URL and the body that were sent. It is ErrStale if the lease is lost,
// because another try is then under way.
func (tx *Tx) RetryNotification(d Delivery, result string, next time.Time) error {
	after := d.inQueue()
	after.LastResult, after.leasedUntil, after.NextAt = result, time.Time{}, next
	if d.Queued {
		return tx.changeQueued(putOffQueued, d.inQueue(), after)
	}
	return tx.passOn(d, after)
}

// GiveUpNotification records the result of the last try. It is ErrStale if the
// lease is lost.
func (tx *Tx) GiveUpNotification(d Delivery, result string, now time.Time) error {
	after := d.inQueue()
	after.Outcome, after.LastResult, after.leasedUntil, after.Done = NotificationGivenUp, result, time.Time{}, now
	if d.Queued {
		return tx.changeQueued(giveUpQueued, d.inQueue(), after)
	}
	return tx.passOn(d, after)
}

// passOn moves a notification from the row of its step to its caller's queue.
func (tx *Tx) passOn(d Delivery, to deliveryRow) error {
	if err := tx.changeStep(passOnStep, d.inStep(), stepRow{}); err != nil {
		return err
	}
	return tx.queue(to)
}

// ReturnNotification ends a lease without a try, so that the notification can
// be claimed again at once. It is ErrStale if the lease is lost.
func (tx *Tx) ReturnNotification(d Delivery) error {
	if !d.Queued {
		return tx.changeStep(returnStep, d.inStep(), stepRow{})
	}
	after := d.inQueue()
	after.leasedUntil, after.Tries = time.Time{}, d.Tries-1
	return tx.changeQueued(returnQueued, d.inQueue(), after)
}
