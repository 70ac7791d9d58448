package store

import (
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// An event is a row of the table events, written in the commit of its change.
// Its number comes from the counter in the row of its object, so the numbers of
// an object have no gaps, and their order is that of the commits. Only callers
// with [party.Caller.Events] have events.

// An eventRow is a row of the table events.
type eventRow struct {
	payment.Event
	object payment.EventObject
}

var eventTable = table[eventRow]{name: "events", fields: fields[eventRow]{
	textField("caller_id", func(e *eventRow) *party.CallerID { return &e.Caller }),
	textField("event_id", func(e *eventRow) *payment.EventID { return &e.ID }),
	textField("type", func(e *eventRow) *payment.EventType { return &e.Type }),
	textField("object", func(e *eventRow) *payment.EventObject { return &e.object }),
	textField("object_id", func(e *eventRow) *string { return &e.ObjectID }),
	numberField("seq", func(e *eventRow) *int { return &e.Seq }),
	timeField("at", func(e *eventRow) *time.Time { return &e.At }),
	timeField("created", func(e *eventRow) *time.Time { return &e.Created }),
	numberField("position", func(e *eventRow) *int64 { return &e.Position }),
	timeField("placed_at", func(e *eventRow) *time.Time { return &e.Placed }),
	textField("data", func(e *eventRow) *string { return &e.Data }),
}}

var (
	eventColumns = eventTable.list()
	scanEventRow = eventTable.scanner()
	insertEvent  = engine.NewRows(eventTable.insertion("adding an event", ""))
)

func scanEvent(from scanner) (payment.Event, error) {
	row, err := scanEventRow(from)
	return row.Event, err
}

// AddEvent writes an event of an object. Its number must come from a counter in
// the row of the object, which the action writes, too. real is the real time.
func (tx *Tx) AddEvent(e payment.Event, real time.Time) error {
	if e.Caller == "" || e.ObjectID == "" || e.Seq < 1 || e.Position != 0 {
		return fmt.Errorf("adding an event %s: it is not complete", e.Type)
	}
	e.Created = real
	row := eventRow{Event: e.Named(), object: e.Object()}
	tx.adds = true
	return insertEvent.Add(tx.sql, eventTable.fields.values(&row)...)
}

// StartEvents makes a caller have events from now on. It changes nothing if the
// caller has them already.
//
// A server may be asking a card network at this moment, and still believe that the
// caller has no events. So each transaction with an open question gets its first
// event here. The server then finds the transaction changed, reads the caller again,
// and writes the event of the outcome, too.
func (tx *Tx) StartEvents(c party.CallerID, real time.Time) error {
	changed, err := tx.exec("starting the events of a caller", `
		UPDATE callers SET events = 1 WHERE caller_id = $1 AND events = 0`, c)
	if err != nil || changed == 0 {
		return err
	}
	caller, _, err := tx.Caller(c)
	if err != nil {
		return err
	}
	open, err := list(&tx.ReadTx, "looking for the open questions of a caller", scanTransactionID, `
		SELECT transaction_id FROM transactions
		WHERE caller_id = $1 AND asking <> '' AND state IN ('Pending', 'Settling') ORDER BY transaction_id`, c)
	if err != nil {
		return err
	}
	for _, id := range open {
		t, found, err := tx.Transaction(c, id)
		if err != nil || !found {
			return err
		}
		if e, ok := t.UnderWay(caller.Now(real)); ok {
			if err := tx.AddTransactionEvent(&t, e, real); err != nil {
				return err
			}
		}
	}
	return nil
}

func scanTransactionID(from scanner) (id holdfast.TransactionID, err error) {
	err = from.Scan(&id)
	return id, err
}

// hasEvents reads a caller, and reports whether it has events.
func (tx *ReadTx) hasEvents(c party.CallerID) (caller party.Caller, has bool, err error) {
	caller, found, err := tx.Caller(c)
	return caller, found && caller.Events, err
}

var countEvent = transactions.Change(engine.Update{
	Doing: "counting the events of a transaction", Table: "transactions",
	Set: engine.Columns(engine.Number, "events"),
	Key: engine.Columns(engine.Text, "caller_id, transaction_id"), Same: engine.Columns(engine.Number, "events"),
})

// AddTransactionEvent writes an event of a transaction that is no step of it,
// if the transaction's caller has events. The action must have read the
// transaction t. Afterwards t has the event counted.
func (tx *Tx) AddTransactionEvent(t *payment.Transaction, e payment.Event, real time.Time) error {
	_, has, err := tx.hasEvents(t.Caller)
	if err != nil || !has {
		return err
	}
	before := t.Events
	t.Events++
	err = countEvent.Write(tx.sql, transactionKey{t.Caller, t.ID}, t.Events, t.Caller, t.ID, nullable(before))
	if err != nil {
		return err
	}
	e.Caller, e.ObjectID, e.Seq = t.Caller, string(t.ID), t.Events
	return tx.AddEvent(e, real)
}

// A changedHold is a step of a hold that has several members or parts. Its events
// are written at the end of the action, when all steps are known.
type changedHold struct {
	step payment.HoldStep
	real time.Time
}

func (tx *Tx) changedHold(s payment.HoldStep, real time.Time) {
	tx.holds = append(tx.holds, changedHold{s, real})
}

// tellHolds writes the events of the holds that the action has changed.
func (tx *Tx) tellHolds() error {
	var roots []payment.Transaction
	steps := map[holdfast.TransactionID][]payment.HoldStep{}
	for _, c := range tx.holds {
		root, found, err := tx.HoldRoot(c.step.After.Caller, c.step.Member())
		if err == nil && !found {
			err = fmt.Errorf("reading the hold of %s: it is missing", c.step.After.ID)
		}
		if err != nil {
			return err
		}
		if steps[root.ID] == nil {
			roots = append(roots, root)
		}
		steps[root.ID] = append(steps[root.ID], c.step)
	}
	for _, root := range roots {
		h, _, err := tx.Hold(root.Caller, root.ID)
		if err != nil {
			return err
		}
		root = h.Root()
		for _, e := range h.Tell(steps[root.ID]) {
			if err := tx.AddTransactionEvent(&root, e, tx.holds[0].real); err != nil {
				return err
			}
		}
	}
	return nil
}

// nullable is a number in a column where NULL is 0.
func nullable(n int) any {
	if n == 0 {
		return nil
	}
	return int64(n)
}

// addCounted counts an event in a row that no source reads, and writes it. The
// row is named by the conditions of the query, which returns the new number.
func (tx *Tx) addCounted(e payment.Event, real time.Time, count string, args ...any) error {
	counted := false
	err := tx.sql.Run(engine.Statement{
		Doing: "counting an event", Text: count, Args: args, Writes: true,
		Row: func(row scanner) error {
			counted = true
			return row.Scan(&e.Seq)
		},
	})
	if err == nil && !counted {
		err = fmt.Errorf("counting an event of %s: %w", e.ObjectID, ErrStale)
	}
	if err != nil {
		return err
	}
	return tx.AddEvent(e, real)
}

// addTokenEvent writes an event of a token as it is now, if its caller has events.
func (tx *Tx) addTokenEvent(c party.CallerID, id holdfast.TokenID, kind payment.EventType, real time.Time) error {
	caller, has, err := tx.hasEvents(c)
	if err != nil || !has {
		return err
	}
	t, found, err := tokens.Get(tx.sql, tokenKey{c, id})
	if err != nil || !found {
		return err
	}
	return tx.addCounted(t.Event(kind, caller.Now(real)), real, `
		UPDATE tokens SET events = COALESCE(events, 0) + 1 WHERE caller_id = $1 AND token_id = $2 RETURNING events`, c, id)
}

var useTokenCounted = tokens.Change(engine.Update{
	Doing: "using a token", Table: "tokens",
	Set:   append(engine.Columns(engine.Text, "used_by"), engine.Columns(engine.Number, "events")...),
	Key:   engine.Columns(engine.Text, "caller_id, token_id"),
	Guard: engine.Columns(engine.Text, "used_by"),
	Same:  engine.Columns(engine.Number, "events"),
})

// useWithEvent is UseToken for a caller that has events.
func (tx *Tx) useWithEvent(c *payment.Change, real time.Time) error {
	key := tokenKey{c.After.Caller, c.Uses}
	t, found, err := tokens.Get(tx.sql, key)
	if err == nil && !found {
		err = fmt.Errorf("using a token: %w", ErrStale)
	}
	if err != nil {
		return err
	}
	before := t
	t.UsedBy, t.Events = c.After.ID, t.Events+1
	if err := useTokenCounted.Write(tx.sql, key, t.UsedBy, t.Events, key.caller, key.id, "", nullable(before.Events)); err != nil {
		return err
	}
	e := t.Event(payment.EventTokenUsed, c.At)
	e.Seq = t.Events
	return tx.AddEvent(e, real)
}

// addReversal writes the event of a refund whose money has come back.
func (tx *Tx) addReversal(c *payment.Change, real time.Time) error {
	refund, found, err := tx.Transaction(c.After.Caller, c.After.Parent)
	if err != nil || !found {
		return err
	}
	return tx.AddTransactionEvent(&refund, refund.Reversed(c.At), real)
}

// An EventQuery says which events of a caller to read.
type EventQuery struct {
	After payment.EventCursor
	Types []payment.EventType // empty means all
	// Object leaves out the events of other objects, unless it is empty.
	Object string
	Limit  int
}

// An EventPage is a part of a caller's feed.
type EventPage struct {
	Events []payment.Event
	// Next is where the next page begins. It is never empty once there was an event.
	Next payment.EventCursor
	More bool // there may be more events already
}

const eventsAfter = `
	SELECT %[1]s FROM events WHERE caller_id = $1 AND %[2]s > $2 AND %[2]s > 0%[3]s
	ORDER BY position LIMIT $3`

// Events reads the next events of a caller's feed, in its order. A cursor that is
// not one of the caller's is [payment.ErrCursor]. A cursor behind an event that
// no longer exists is [payment.ErrCursorLost].
func (tx *ReadTx) Events(c party.CallerID, q EventQuery) (page EventPage, err error) {
	after, err := q.After.Position(c)
	if err != nil {
		return page, err
	}
	if after > 0 {
		if err := tx.checkCursor(c, after, q.After); err != nil {
			return page, err
		}
	}
	// Where the page ends if it is not full: rows that no filter has chosen are not
	// read again.
	last, placed, err := tx.lastEvent(c)
	if err != nil {
		return page, err
	}
	position, where, args := "position", "", []any{c, after, q.Limit}
	until, more, err := tx.eventsUntil(c, after, q)
	if err != nil {
		return page, err
	}
	if more {
		args = append(args, until)
		where += fmt.Sprintf(" AND position <= $%d", len(args))
	}
	if len(q.Types) > 0 {
		args = append(args, keyList(typeNames(q.Types)))
		where += " AND type" + tx.dialect.keys(len(args))
	}
	if q.Object != "" {
		position = "+position" // keeps SQLite from reading the whole feed by its position
		args = append(args, q.Object)
		where += fmt.Sprintf(" AND object_id = $%d", len(args))
	}
	query := fmt.Sprintf(eventsAfter, eventColumns, position, where)
	page.Events, err = list(tx, "reading events", scanEvent, query, args...)
	page.More, page.Next = len(page.Events) == q.Limit, q.After
	switch {
	case page.More && q.Limit > 0:
		page.Next = page.Events[q.Limit-1].Cursor()
	case more && err == nil:
		at, _, err := tx.EventAt(c, until)
		page.More, page.Next = true, at.Cursor()
		return page, err
	case placed && last.Position > after:
		page.Next = last.Cursor()
	}
	return page, err
}

// eventsUntil bounds how many rows a page reads whose types may be rare. more is false
// if the page can read to the end of the feed.
func (tx *ReadTx) eventsUntil(c party.CallerID, after int64, q EventQuery) (until int64, more bool, err error) {
	if len(q.Types) == 0 || q.Object != "" {
		return 0, false, nil
	}
	err = tx.sql.QueryRow(`
		SELECT position FROM events WHERE caller_id = $1 AND position > $2 AND position > 0
		ORDER BY position LIMIT 1 OFFSET $3`, c, after, max(boundedMax, q.Limit)).Scan(&until)
	more, err = maybe("looking ahead in a feed", err)
	return until, more, err
}

func typeNames(types []payment.EventType) []string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return names
}

// checkCursor refuses a cursor whose event is not at its position.
func (tx *ReadTx) checkCursor(c party.CallerID, position int64, cursor payment.EventCursor) error {
	at, found, err := tx.EventAt(c, position)
	if err == nil && (!found || at.Cursor() != cursor) {
		err = payment.ErrCursorLost
	}
	return err
}

var eventAt = `SELECT ` + eventColumns + ` FROM events WHERE caller_id = $1 AND position = $2 AND position > 0`

// EventAt reads the event at a position.
func (tx *ReadTx) EventAt(c party.CallerID, position int64) (e payment.Event, found bool, err error) {
	e, err = scanEvent(tx.sql.QueryRow(eventAt, c, position))
	found, err = maybe("reading an event", err)
	return e, found, err
}

// lastEvent reads the last placed event of a caller.
func (tx *ReadTx) lastEvent(c party.CallerID) (e payment.Event, found bool, err error) {
	e, err = scanEvent(tx.sql.QueryRow(`
		SELECT `+eventColumns+` FROM events WHERE caller_id = $1 AND position > 0 ORDER BY position DESC LIMIT 1`, c))
	found, err = maybe("reading the last event", err)
	return e, found, err
}

// LastCursor is the cursor behind the last event of a caller. It is empty if
// there is none.
func (tx *ReadTx) LastCursor(c party.CallerID) (payment.EventCursor, error) {
	e, found, err := tx.lastEvent(c)
	if err != nil || !found {
		return "", err
	}
	return e.Cursor(), nil
}

// Event reads one of a caller's events. An event without a position is not found.
func (tx *ReadTx) Event(c party.CallerID, id payment.EventID) (e payment.Event, found bool, err error) {
	object, seq, ok := id.Place()
	if !ok {
		return e, false, nil
	}
	e, err = scanEvent(tx.sql.QueryRow(`
		SELECT `+eventColumns+` FROM events WHERE caller_id = $1 AND object_id = $2 AND seq = $3`, c, object, seq))
	found, err = maybe("reading an event", err)
	if err != nil || !found || e.ID != id || e.Position == 0 {
		return payment.Event{}, false, err
	}
	return e, true, nil
}

// EventsOf reads the events of an object, from a number on, at most limit. Events
// without a position are left out.
func (tx *ReadTx) EventsOf(c party.CallerID, object string, from, limit int) ([]payment.Event, error) {
	return list(tx, "reading the events of an object", scanEvent, `
		SELECT `+eventColumns+` FROM events
		WHERE caller_id = $1 AND object_id = $2 AND seq >= $3 AND position > 0
		ORDER BY seq LIMIT $4`, c, object, from, limit)
}
