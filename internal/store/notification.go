package store

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A Notification tells a caller about one step of a transaction, or about a
// cancelled token. It is written in the same commit as that event. Its body is
// composed when it is first sent and kept from then on, unless the notification
// has to go to another URL.
type Notification struct {
	Caller      party.CallerID
	About       NotificationAbout
	Transaction holdfast.TransactionID // empty if it is about a token
	Token       holdfast.TokenID       // empty if it is about a transaction
	Seq         int                    // of the step in the transaction's history; 1 for a token
	URL         string                 // to which it is sent
	Overrides   bool                   // the request gave the URL, so it replaces the caller's
	Body        string                 // form body, signed for the URL; empty until first sent
	Created     time.Time              // the caller's time, as is NextAt
	NextAt      time.Time
	Tries       int
	LastResult  string
	Outcome     NotificationOutcome
}

// Subject is the id of the transaction or token that the notification is about.
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

// A NotificationOutcome says whether a notification is still to be delivered.
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

// InsertNotification adds a notification to be delivered.
func (tx *Tx) InsertNotification(n Notification) error {
	return tx.write(insertNotification, nil,
		n.Caller, n.About, n.Subject(), n.Seq, n.URL, "", micros(n.Created), micros(n.NextAt), 0, 0, "", NotificationWaiting,
		0, flag(n.Overrides))
}
