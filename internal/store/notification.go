package store

import (
	"cmp"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A Notification tells a caller about one step of a transaction, or about a
// cancelled token. It is written in the same commit as that event. A new one
// about a step is a part of the step's row. All others are rows of the table
// deliveries.
type Notification struct {
	Caller      party.CallerID
	About       NotificationAbout
	Transaction holdfast.TransactionID // empty if it is about a token
	Token       holdfast.TokenID       // empty if it is about a transaction
	Seq         int                    // of the step in the transaction's history; 1 for a token
	URL         string                 // to which it was last sent, or the request's; empty if neither
	Overrides   bool                   // the request gave the URL, so it replaces the caller's
	Body        string                 // form body, signed for the URL; empty until a try has failed
	Moved       bool                   // the caller's clock is moved; not set by reading
	Created     time.Time              // the caller's time, as is NextAt
	NextAt      time.Time
	Tries       int
	LastResult  string // of a try that failed, and of a delivery after such a try
	Outcome     NotificationOutcome
	Done        time.Time // when it arrived or was given up, by the caller's clock; zero while it waits
}

// Subject is the id of the transaction or token that the notification is about.
func (n Notification) Subject() string {
	if n.About == AboutToken {
		return string(n.Token)
	}
	return string(n.Transaction)
}

// address is the one that the request gave, or empty.
func (n Notification) address() string {
	if n.Overrides {
		return n.URL
	}
	return ""
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

// Outcomes.
const (
	NotificationWaiting   NotificationOutcome = "Waiting"
	NotificationDelivered NotificationOutcome = "Delivered"
	NotificationGivenUp   NotificationOutcome = "GivenUp"
)

// A deliveryRow is a row of the table deliveries.
type deliveryRow struct {
	Notification
	subject     string
	receiver    string // of the URL
	leasedUntil time.Time
}

var deliveryTable = table[deliveryRow]{name: "deliveries", fields: fields[deliveryRow]{
	textField("caller_id", func(d *deliveryRow) *party.CallerID { return &d.Caller }),
	textField("subject", func(d *deliveryRow) *string { return &d.subject }),
	numberField("seq", func(d *deliveryRow) *int { return &d.Seq }),
	textField("about", func(d *deliveryRow) *NotificationAbout { return &d.About }),
	textField("url", func(d *deliveryRow) *string { return &d.URL }),
	textField("receiver", func(d *deliveryRow) *string { return &d.receiver }),
	flagField("overrides", func(d *deliveryRow) *bool { return &d.Overrides }),
	textField("body", func(d *deliveryRow) *string { return &d.Body }),
	timeField("created", func(d *deliveryRow) *time.Time { return &d.Created }),
	timeField("next_at", func(d *deliveryRow) *time.Time { return &d.NextAt }),
	timeField("leased_until", func(d *deliveryRow) *time.Time { return &d.leasedUntil }),
	numberField("tries", func(d *deliveryRow) *int { return &d.Tries }),
	textField("last_result", func(d *deliveryRow) *string { return &d.LastResult }),
	textField("outcome", func(d *deliveryRow) *NotificationOutcome { return &d.Outcome }),
	timeField("done", func(d *deliveryRow) *time.Time { return &d.Done }),
}}

var (
	deliveryColumns = deliveryTable.list()
	scanDeliveryRow = deliveryTable.scanner()
	insertDelivery  = engine.NewRows(deliveryTable.insertion("queueing a notification", ""))
)

func scanQueued(from scanner) (Notification, error) {
	row, err := scanDeliveryRow(from)
	if row.About == AboutToken {
		row.Token = holdfast.TokenID(row.subject)
	} else {
		row.Transaction = holdfast.TransactionID(row.subject)
	}
	return row.Notification, err
}

// notification is the notification in the row of a step.
func (s stepRow) notification() Notification {
	n := Notification{
		Caller: s.caller, About: AboutTransaction, Transaction: s.transaction, Seq: s.Seq, URL: s.notifyURL,
		Overrides: s.notifyURL != "", Created: s.notifyAt, NextAt: s.notifyAt, Outcome: NotificationWaiting,
	}
	if !s.told.IsZero() {
		n.Created, n.Tries, n.Outcome, n.Done = s.At, 1, NotificationDelivered, s.told
	}
	return n
}

// InsertNotification adds a notification to its caller's queue.
func (tx *Tx) InsertNotification(n Notification) error {
	n.Outcome = NotificationWaiting
	return tx.queue(deliveryRow{Notification: n})
}

func (tx *Tx) queue(row deliveryRow) error {
	row.subject, row.receiver = row.Subject(), ReceiverOf(row.URL)
	return insertDelivery.Add(tx.sql, deliveryTable.fields.values(&row)...)
}

// Notifications reads all notifications about a transaction or a token, in the
// order of its steps.
func (tx *ReadTx) Notifications(c party.CallerID, subject string) ([]Notification, error) {
	all, err := list(tx, "reading notifications", scanQueued, `
		SELECT `+deliveryColumns+` FROM deliveries WHERE caller_id = $1 AND subject = $2`, c, subject)
	if err != nil {
		return nil, err
	}
	steps, err := list(tx, "reading notifications", scanStep, `
		SELECT `+stepColumns+` FROM steps
		WHERE caller_id = $1 AND transaction_id = $2 AND (notify_at > 0 OR told > 0)`, c, subject)
	for _, s := range steps {
		all = append(all, s.notification())
	}
	slices.SortFunc(all, func(a, b Notification) int { return cmp.Compare(a.Seq, b.Seq) })
	return all, err
}

// Owe adds a notification to a step that was written without one.
func (tx *Tx) Owe(n Notification, step int) error {
	n.Seq = step
	if n.Moved {
		return tx.InsertNotification(n)
	}
	before := Delivery{Notification: n}.inStep()
	after := before
	before.notifyAt, after.notifyURL = time.Time{}, n.address()
	return tx.changeStep(oweStep, before, after)
}
