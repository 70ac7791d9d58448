package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A NetworkEventOutcome says what became of an event of a card network.
type NetworkEventOutcome string

// The outcomes. An Ignored event was about nothing that this server needs.
const (
	NetworkEventWaiting NetworkEventOutcome = "Waiting"
	NetworkEventDone    NetworkEventOutcome = "Done"
	NetworkEventIgnored NetworkEventOutcome = "Ignored"
	NetworkEventGivenUp NetworkEventOutcome = "GivenUp" // a person must look
)

// A NetworkEvent is an event of a card network with the state of our work on it.
// It says where to look, and has nothing else of the message. Its times are real
// time.
type NetworkEvent struct {
	Account     payment.NetworkAccountID
	ID          string
	Type        string // as the network spells it
	Object      string // that it is about
	Parent      string // the payment of that object; may be empty
	Key         string // our question or page, if the object names it
	Created     time.Time
	Received    time.Time
	NextAt      time.Time
	LeasedUntil time.Time // no other server works on it before
	Tries       int       // including one that is under way
	Problem     string    // of the last try
	Outcome     NetworkEventOutcome
}

var networkEventTable = table[NetworkEvent]{name: "network_events", fields: fields[NetworkEvent]{
	textField("account_id", func(e *NetworkEvent) *payment.NetworkAccountID { return &e.Account }),
	textField("event_id", func(e *NetworkEvent) *string { return &e.ID }),
	textField("type", func(e *NetworkEvent) *string { return &e.Type }),
	textField("object", func(e *NetworkEvent) *string { return &e.Object }),
	textField("parent", func(e *NetworkEvent) *string { return &e.Parent }),
	textField("question", func(e *NetworkEvent) *string { return &e.Key }),
	timeField("created", func(e *NetworkEvent) *time.Time { return &e.Created }),
	timeField("received", func(e *NetworkEvent) *time.Time { return &e.Received }),
	timeField("next_at", func(e *NetworkEvent) *time.Time { return &e.NextAt }),
	timeField("leased_until", func(e *NetworkEvent) *time.Time { return &e.LeasedUntil }),
	numberField("tries", func(e *NetworkEvent) *int { return &e.Tries }),
	textField("problem", func(e *NetworkEvent) *string { return &e.Problem }),
	textField("outcome", func(e *NetworkEvent) *NetworkEventOutcome { return &e.Outcome }),
}}

var (
	networkEventColumns = networkEventTable.list()
	scanNetworkEvent    = networkEventTable.scanner()
	insertNetworkEvent  = networkEventTable.insertText("ON CONFLICT (account_id, event_id) DO NOTHING")
)

// InsertNetworkEvent adds an event, and reports whether it is new. It adds
// nothing for an event that came before.
func (tx *Tx) InsertNetworkEvent(e NetworkEvent) (added bool, err error) {
	rows, err := tx.exec("adding a network's event", insertNetworkEvent, networkEventTable.fields.values(&e)...)
	return rows > 0, err
}

// networkEventsDue selects events that are due and not leased.
var networkEventsDue = `
	SELECT ` + networkEventColumns + ` FROM network_events
	WHERE outcome = 'Waiting' AND next_at <= $1 AND leased_until <= $1
	ORDER BY next_at, event_id LIMIT $2`

// NetworkEventsDue reports whether ClaimNetworkEvents would find anything, so
// that an idle server does not write.
func (tx *ReadTx) NetworkEventsDue(now time.Time) (bool, error) {
	due, err := list(tx, "looking for events of networks", scanNetworkEvent, networkEventsDue, micros(now), 1)
	return len(due) > 0, err
}

// ClaimNetworkEvents leases due events until a time, the earliest first, at most
// limit. No other server claims them before. Each claim counts as a try.
func (tx *Tx) ClaimNetworkEvents(now, until time.Time, limit int) ([]NetworkEvent, error) {
	due, err := list(tx.Unlocked(claimsLock), "reading events of networks", scanNetworkEvent, networkEventsDue+
		tx.dialect.claiming("network_events"), micros(now), limit)
	if err != nil {
		return nil, err
	}
	for i := range due {
		e := &due[i]
		e.Tries++
		e.LeasedUntil = when(micros(until))
		err := tx.one("claiming a network's event", `
			UPDATE network_events SET leased_until = $1, tries = $2
			WHERE account_id = $3 AND event_id = $4 AND outcome = 'Waiting'`,
			micros(until), e.Tries, e.Account, e.ID)
		if err != nil {
			return nil, err
		}
	}
	return due, nil
}

// FinishNetworkEvent writes what came of an event. An event that is still
// Waiting is tried again at its NextAt. It does nothing if the lease is lost,
// because another server then works on the event.
func (tx *Tx) FinishNetworkEvent(e NetworkEvent) error {
	_, err := tx.exec("finishing a network's event", `
		UPDATE network_events SET outcome = $1, problem = $2, next_at = $3, leased_until = 0
		WHERE account_id = $4 AND event_id = $5 AND outcome = 'Waiting' AND leased_until = $6`,
		string(e.Outcome), e.Problem, micros(e.NextAt), e.Account, e.ID, micros(e.LeasedUntil))
	return err
}

// NetworkEvents reads the events of an account with an outcome, the newest first,
// at most limit. An empty outcome means all.
func (tx *ReadTx) NetworkEvents(
	a payment.NetworkAccountID, outcome NetworkEventOutcome, limit int,
) ([]NetworkEvent, error) {
	return list(tx, "reading events of a network", scanNetworkEvent, `
		SELECT `+networkEventColumns+` FROM network_events
		WHERE account_id = $1 AND ($2 = '' OR outcome = $2) ORDER BY received DESC, event_id LIMIT $3`,
		a, string(outcome), limit)
}

// NetworkEventGivenUp reports whether an event about a payment was given up. It
// reads all events that were: there are hardly any.
func (tx *ReadTx) NetworkEventGivenUp(a payment.NetworkAccountID, reference string) (bool, error) {
	all, err := list(tx.Unlocked("a letter more does no harm"), "looking for events that were given up", scanNetworkEvent, `
		SELECT `+networkEventColumns+` FROM network_events
		WHERE outcome = 'GivenUp' AND account_id = $1 AND (parent = $2 OR object = $2) LIMIT 1`, a, reference)
	return len(all) > 0, err
}

// RetryNetworkEvents makes the events of an account that were given up due now,
// and reports how many.
func (tx *Tx) RetryNetworkEvents(a payment.NetworkAccountID, now time.Time) (queued int, err error) {
	rows, err := tx.exec("queueing events of a network again", `
		UPDATE network_events SET outcome = 'Waiting', received = $1, next_at = $1, tries = 0
		WHERE account_id = $2 AND outcome = 'GivenUp'`, micros(now), a)
	return int(rows), err
}

// networkEventsOld selects events that nobody works on any more and that came
// before $1.
const networkEventsOld = `
	SELECT account_id, event_id FROM network_events WHERE received < $1 AND outcome <> 'Waiting'
	ORDER BY received LIMIT $2`

// NetworkEventsOld reports whether ForgetNetworkEvents would find anything.
func (tx *ReadTx) NetworkEventsOld(before time.Time) (bool, error) {
	old, err := list(tx, "looking for old events of networks", func(row scanner) (id string, err error) {
		var account string
		return id, row.Scan(&account, &id)
	}, networkEventsOld, micros(before), 1)
	return len(old) > 0, err
}

// ForgetNetworkEvents removes events that came before a time, at most limit, and
// reports how many.
func (tx *Tx) ForgetNetworkEvents(before time.Time, limit int) (forgotten int, err error) {
	rows, err := tx.exec("forgetting events of networks",
		`DELETE FROM network_events WHERE (account_id, event_id) IN (`+networkEventsOld+`)`, micros(before), limit)
	return int(rows), err
}

// SetEventsSeen writes until when the events of an account were read. It does
// nothing if another server has read later ones.
func (tx *Tx) SetEventsSeen(a payment.NetworkAccountID, seen time.Time) error {
	_, err := tx.exec("writing until when events were read", `
		UPDATE network_accounts SET events_seen = $1 WHERE account_id = $2 AND events_seen < $1`, micros(seen), a)
	return err
}
