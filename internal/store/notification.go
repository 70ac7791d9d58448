package store

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A Notification is owed to a caller for one step of a transaction, or for a
// token that was cancelled. It is written with what it tells of; what it says is
// composed when it is first sent, and kept from then on, unless it has to go to
// another address.
type Notification struct {
	Caller      party.CallerID
	About       NotificationAbout
	Transaction holdfast.TransactionID // set when it is about one
	Token       holdfast.TokenID       // set when it is about one
	Seq         int                    // the step's, in the transaction's history; 1 for a token
	URL         string                 // where it goes, or last went
	Overrides   bool                   // the request gave the URL; else it goes where the caller's account says
	Body        string                 // form body, signed for the URL; empty until first sent
	Created     time.Time              // the caller's time, like all times here but the lease
	NextAt      time.Time
	Tries       int
	LastResult  string
	Outcome     NotificationOutcome
}

// Subject is the id of what the notification is about.
func (n Notification) Subject() string {
	if n.About == AboutToken {
		return string(n.Token)
	}
	return string(n.Transaction)
}

// A NotificationAbout says what a notification is about.
type NotificationAbout string

// Notifications are about these.
const (
	AboutTransaction NotificationAbout = "Transaction"
	AboutToken       NotificationAbout = "Token"
)

// A NotificationOutcome says whether a delivery goes on.
type NotificationOutcome string

// The outcomes.
const (
	NotificationWaiting   NotificationOutcome = "Waiting"
	NotificationDelivered NotificationOutcome = "Delivered"
	NotificationGivenUp   NotificationOutcome = "GivenUp"
)

var insertNotification = insertion("adding a notification", "notifications", "",
	columns(text, "caller_id, about, subject"), columns(number, "seq"), columns(text, "url, body"),
	columns(number, "created, next_at, leased_until, tries"), columns(text, "last_result, outcome"),
	columns(number, "done, overrides"))

// InsertNotification adds a notification that is to be delivered.
func (tx *Tx) InsertNotification(n Notification) error {
	return tx.write(insertNotification, nil,
		n.Caller, n.About, n.Subject(), n.Seq, n.URL, "", micros(n.Created), micros(n.NextAt), 0, 0, "", NotificationWaiting,
		0, flag(n.Overrides))
}
