package store

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A Notification is owed to a caller for one step of a transaction. It is
// written with the step; what it says is composed from the step when it is
// first sent, and kept from then on.
type Notification struct {
	Caller      party.CallerID
	Transaction holdfast.TransactionID
	Seq         int // the step's, in the transaction's history
	URL         string
	Body        string    // signed form body; empty until first sent
	Created     time.Time // the caller's time, like all times here but the lease
	NextAt      time.Time
	Tries       int
	LastResult  string
	Outcome     NotificationOutcome
}

// A NotificationOutcome says whether a delivery goes on.
type NotificationOutcome string

// The outcomes.
const (
	NotificationWaiting   NotificationOutcome = "Waiting"
	NotificationDelivered NotificationOutcome = "Delivered"
	NotificationGivenUp   NotificationOutcome = "GivenUp"
)

func (tx *Tx) insertNotification(n Notification) error {
	return tx.one("adding a notification", `
		INSERT INTO notifications (caller_id, transaction_id, seq, url, body, created, next_at, leased_until, tries, last_result, outcome, done)
		VALUES ($1, $2, $3, $4, '', $5, $6, 0, 0, '', 'Waiting', 0)`,
		n.Caller, n.Transaction, n.Seq, n.URL, micros(n.Created), micros(n.NextAt))
}
