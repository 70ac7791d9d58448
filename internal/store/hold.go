package store

import (
	"cmp"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Hold reads a hold with its members and parts, as they are stored. The id may
// be that of any member.
func (tx *ReadTx) Hold(c party.CallerID, id holdfast.TransactionID) (h payment.Hold, found bool, err error) {
	root, found, err := tx.HoldRoot(c, id)
	if err != nil || !found {
		return h, false, err
	}
	holds, err := tx.holdsOf(c, []payment.Transaction{root})
	if err != nil {
		return h, false, err
	}
	return holds[0], true, nil
}

// HoldRoot reads the first Reserve of a hold. The id may be that of any member.
func (tx *ReadTx) HoldRoot(
	c party.CallerID, id holdfast.TransactionID,
) (root payment.Transaction, found bool, err error) {
	root, found, err = tx.Transaction(c, id)
	if err == nil && found && root.Link != "" {
		root, found, err = tx.Transaction(c, root.Parent)
	}
	return root, found && root.Hold(), err
}

// HoldMembers reads the members of a hold for a decision, without its parts. A
// hold that was never raised or renewed is its root. A decision that adds a
// member changes the root; see [Tx.Record].
func (tx *ReadTx) HoldMembers(root payment.Transaction) (h payment.Hold, err error) {
	h.Members = []payment.Transaction{root}
	if root.Linked == 0 {
		return h, nil
	}
	linked, err := list(tx, "reading linked holds", scanTransaction, childrenOf+` AND link IS NOT NULL`,
		root.Caller, root.ID)
	h.Members = append(h.Members, inOrder(linked)...)
	return h, err
}

// holdsOf reads the holds of some roots: their members, and the parts of these.
func (tx *ReadTx) holdsOf(c party.CallerID, roots []payment.Transaction) ([]payment.Hold, error) {
	holds, of := make([]payment.Hold, len(roots)), make(map[holdfast.TransactionID]*payment.Hold)
	for i, root := range roots {
		holds[i].Members = []payment.Transaction{root}
		of[root.ID] = &holds[i]
	}
	for parents := roots; len(parents) > 0; {
		children, err := list(tx, "reading the members and parts of holds", scanTransaction, `
			SELECT `+transactionColumns+` FROM transactions
			WHERE caller_id = $1 AND parent <> '' AND kind IN ('Reserve', 'Part') AND parent`+tx.dialect.keys(2),
			c, keysOf(parents, func(t payment.Transaction) []string { return []string{string(t.ID)} }))
		if err != nil {
			return nil, err
		}
		parents = nil
		for _, t := range children {
			h := of[t.Parent]
			if of[t.ID] = h; t.Hold() {
				h.Members, parents = append(h.Members, t), append(parents, t)
			} else {
				h.Parts = append(h.Parts, t)
			}
		}
	}
	for i := range holds {
		inOrder(holds[i].Members[1:])
		inOrder(holds[i].Parts)
	}
	return holds, nil
}

// inOrder sorts transactions by the time at which they were received.
func inOrder(all []payment.Transaction) []payment.Transaction {
	slices.SortFunc(all, func(a, b payment.Transaction) int {
		return cmp.Or(a.Received.Compare(b.Received), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// A HoldListing selects a caller's holds at Now, the caller's time. Holds with a
// deadline are listed by it, the earliest first, if the filter selects only
// those. Otherwise the newest hold comes first.
type HoldListing struct {
	Caller party.CallerID
	payment.HoldFilter
	Now time.Time
}

// A HoldCursor is a place in a HoldListing. The zero cursor is the beginning.
type HoldCursor struct {
	At time.Time // the deadline, or when the hold was received
	ID holdfast.TransactionID
}

// Begun reports whether the cursor is behind the beginning.
func (c HoldCursor) Begun() bool { return c.ID != "" }

const (
	holdsRead = 100 // rows that one query of a listing reads
	// HoldsReadMost is how many rows one page of holds reads.
	HoldsReadMost = 1000
)

// Holds reads the holds of a listing that come after a cursor, at most limit.
// next is the cursor for the next page. It is zero if there are no more.
//
// A page reads a bounded number of rows, so its cost does not depend on how many
// holds there are. If few holds match the filter, a page is shorter than limit,
// and may be empty, although there are more.
func (tx *ReadTx) Holds(l HoldListing, after HoldCursor, limit int) (page []payment.Hold, next HoldCursor, err error) {
	if l.Reference != "" {
		page, err = tx.holdsByReference(l)
		return page, HoldCursor{}, err
	}
	return pageOf(tx, l, after, limit, func(rows []payment.Transaction) ([]*payment.Hold, error) {
		return tx.listed(l, rows)
	})
}

// pageOf reads the rows of a listing that come after a cursor, until it has a page of
// limit objects. listed returns the object at the place of each row, or nil if there
// is none.
func pageOf[T any](
	tx *ReadTx, l HoldListing, after HoldCursor, limit int, listed func([]payment.Transaction) ([]*T, error),
) (page []T, next HoldCursor, err error) {
	for read := 0; read < HoldsReadMost; read += holdsRead {
		rows, err := tx.holdRows(l, after)
		if err != nil {
			return nil, next, err
		}
		at, err := listed(rows)
		if err != nil {
			return nil, next, err
		}
		for i, object := range at {
			after = l.cursor(rows[i])
			if object != nil {
				page = append(page, *object)
			}
			if len(page) == limit {
				return page, after, nil
			}
		}
		if len(rows) < holdsRead {
			return page, HoldCursor{}, nil
		}
	}
	return page, after, nil
}

// holdsByReference reads the hold to which the last request with a reference
// belongs.
func (tx *ReadTx) holdsByReference(l HoldListing) ([]payment.Hold, error) {
	r, found, err := tx.Request(l.Caller, l.Reference)
	if err != nil || !found || r.Transaction == "" {
		return nil, err
	}
	h, found, err := tx.Hold(l.Caller, r.Transaction)
	if err != nil || !found {
		return nil, err
	}
	if h = h.AsOf(l.Now); !l.Selects(h) {
		return nil, nil
	}
	return []payment.Hold{h}, nil
}

// cursor is the place of a row.
func (l HoldListing) cursor(t payment.Transaction) HoldCursor {
	if l.ByDeadline() {
		return HoldCursor{t.Deadline, t.ID}
	}
	return HoldCursor{t.Received, t.ID}
}

// The pages of holds begin with the comparison with the previous page; see listings.
var (
	pageOfHolds = `
		SELECT ` + transactionColumns + ` FROM transactions
		WHERE (received, transaction_id) < ($4, $5) AND caller_id = $1 AND received > 0 AND received >= $2 AND received < $3
		ORDER BY received DESC, transaction_id DESC LIMIT $6`
	pageOfDueHolds = `SELECT ` + transactionColumns + dueHoldsAfter + ` LIMIT $6`
)

// dueHoldsAfter are the members of holds behind a place in the order of deadlines.
const dueHoldsAfter = ` FROM transactions
	WHERE (due, transaction_id) > ($4, $5) AND caller_id = $1 AND due > 0 AND due >= $2 AND due < $3
	ORDER BY due, transaction_id`

// holdRows reads the next rows that may be a hold of the listing: by their
// deadline any members, else only roots.
func (tx *ReadTx) holdRows(l HoldListing, after HoldCursor) ([]payment.Transaction, error) {
	if l.ByDeadline() {
		return tx.dueHoldRows(l, after)
	}
	from, to := max(micros(l.CreatedFrom), 1), until(l.CreatedTo)
	at, id := to, holdfast.TransactionID("")
	if after.Begun() {
		at, id = micros(after.At), after.ID
	}
	return list(tx, "listing holds", scanTransaction, pageOfHolds, l.Caller, from, to, at, id, holdsRead)
}

// dueHoldRows reads rows by their deadline. A hold of which a part is under way is
// not due, so it is read by itself. There are few of them.
func (tx *ReadTx) dueHoldRows(l HoldListing, after HoldCursor) ([]payment.Transaction, error) {
	from := max(micros(after.At), micros(l.DeadlineFrom), micros(l.Now), 1)
	at, id := micros(after.At), after.ID
	if at < from {
		at, id = from-1, ""
	}
	rows, err := list(tx, "listing holds by their deadline", scanTransaction, pageOfDueHolds,
		l.Caller, from, until(l.DeadlineTo), at, id, holdsRead)
	if err != nil {
		return nil, err
	}
	settling, err := list(tx, "listing holds of which a part is under way", scanTransaction, `
		SELECT `+transactionColumns+` FROM transactions
		WHERE caller_id = $1 AND taking > 0 AND (deadline, transaction_id) > ($2, $3)
		ORDER BY deadline, transaction_id LIMIT $4`,
		l.Caller, micros(after.At), after.ID, holdsRead)
	rows = append(rows, settling...)
	slices.SortFunc(rows, func(a, b payment.Transaction) int {
		return cmp.Or(a.Deadline.Compare(b.Deadline), cmp.Compare(a.ID, b.ID))
	})
	return rows[:min(len(rows), holdsRead)], err
}

// until is an end that is not included, or the end of time.
func until(t time.Time) int64 {
	if t.IsZero() {
		return untilEnd
	}
	return micros(t)
}

// listed returns the hold at the place of each row, or nil if the listing has
// none there. By deadline, a hold is at the place of its earliest member.
func (tx *ReadTx) listed(l HoldListing, rows []payment.Transaction) ([]*payment.Hold, error) {
	roots, err := tx.rootsOf(l, rows)
	if err != nil {
		return nil, err
	}
	holds, err := tx.holdsOf(l.Caller, roots)
	if err != nil {
		return nil, err
	}
	at := make([]*payment.Hold, len(rows))
	of := make(map[holdfast.TransactionID]payment.Hold, len(holds))
	for _, h := range holds {
		of[h.ID()] = h.AsOf(l.Now)
	}
	for i, t := range rows {
		h, found := of[cmp.Or(t.Parent, t.ID)]
		here := t.Link == ""
		if l.ByDeadline() && found {
			here = h.EndsFirst().ID == t.ID
		}
		if found && here && l.Selects(h) {
			at[i] = &h
		}
	}
	return at, nil
}

// rootsOf returns the roots of the holds that rows belong to. Rows that are no
// part of a hold, and linked holds in a listing by age, are left out.
func (tx *ReadTx) rootsOf(l HoldListing, rows []payment.Transaction) (roots []payment.Transaction, err error) {
	var linked []transactionKey
	known := make(map[holdfast.TransactionID]bool)
	for _, t := range rows {
		if t.Hold() && t.Link == "" {
			roots, known[t.ID] = append(roots, t), true
		}
	}
	for _, t := range rows {
		if t.Link != "" && l.ByDeadline() && !known[t.Parent] {
			linked, known[t.Parent] = append(linked, transactionKey{t.Caller, t.Parent}), true
		}
	}
	of, err := transactions.GetAll(tx.sql, linked)
	for _, k := range linked {
		if root, found := of[k]; found {
			roots = append(roots, root)
		}
	}
	return roots, err
}

var changeLinked = transactions.Change(engine.Update{
	Doing: "counting the linked holds of a hold", Table: "transactions",
	Set:   engine.Columns(engine.Number, "linked"),
	Key:   engine.Columns(engine.Text, "caller_id, transaction_id"),
	Guard: engine.Columns(engine.Number, "steps"),
})

// changeLinked writes how many linked holds a hold has. It is ErrStale if the
// root took a step since it was read.
func (tx *Tx) changeLinked(c payment.OriginalChange) error {
	root := c.After
	return changeLinked.Write(tx.sql, transactionKey{root.Caller, root.ID},
		int64(root.Linked), root.Caller, root.ID, int64(c.Before.Steps))
}
