package store

import (
	"cmp"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A Selection chooses transactions of a caller, the newest first.
type Selection struct {
	Caller   party.CallerID
	From, To time.Time // of their receipt. From is included, To is not; zero means no bound
	// Reference chooses the transaction of the last request with it; empty means any.
	Reference holdfast.CallerReference
	// Of reads transactions to choose from in place of all. They must be few.
	Of      func(*ReadTx) ([]payment.Transaction, error)
	Selects func(*payment.Transaction) bool
}

// Select reads the transactions of a selection that come after a cursor, at most
// limit. next is the cursor for the next page. It is zero if there are no more. As
// with Holds, a page reads a bounded number of rows, and may be short.
func (tx *ReadTx) Select(
	s Selection, after HoldCursor, limit int,
) (page []payment.Transaction, next HoldCursor, err error) {
	if s.Reference != "" || s.Of != nil {
		page, err = tx.selectFew(s)
		return page, HoldCursor{}, err
	}
	rows := HoldListing{Caller: s.Caller, HoldFilter: payment.HoldFilter{CreatedFrom: s.From, CreatedTo: s.To}}
	return pageOf(tx, rows, after, limit, func(some []payment.Transaction) ([]*payment.Transaction, error) {
		at := make([]*payment.Transaction, len(some))
		for i := range some {
			if s.Selects(&some[i]) {
				at[i] = &some[i]
			}
		}
		return at, nil
	})
}

func (tx *ReadTx) selectFew(s Selection) (page []payment.Transaction, err error) {
	var some []payment.Transaction
	if s.Of != nil {
		some, err = s.Of(tx)
	} else {
		some, err = tx.requested(s.Caller, s.Reference)
	}
	for i := len(some) - 1; i >= 0 && err == nil; i-- { // the newest first
		t := &some[i]
		within := !t.Received.Before(s.From) && (s.To.IsZero() || t.Received.Before(s.To))
		if within && (s.Reference == "" || t.Reference == s.Reference) && s.Selects(t) {
			page = append(page, *t)
		}
	}
	return page, err
}

// requested reads the transaction of the last request with a reference.
func (tx *ReadTx) requested(c party.CallerID, ref holdfast.CallerReference) ([]payment.Transaction, error) {
	r, found, err := tx.Request(c, ref)
	if err != nil || !found || r.Transaction == "" {
		return nil, err
	}
	t, found, err := tx.Transaction(c, r.Transaction)
	if err != nil || !found {
		return nil, err
	}
	return []payment.Transaction{t}, nil
}

// HoldIDs returns the holds that some payments of a caller were taken of, by the
// payments' ids. Payments of no hold are left out.
func (tx *ReadTx) HoldIDs(
	c party.CallerID, payments []payment.Transaction,
) (map[holdfast.TransactionID]holdfast.TransactionID, error) {
	var parents []transactionKey
	for _, t := range payments {
		if t.Kind == payment.KindPart {
			parents = append(parents, transactionKey{c, t.Parent})
		}
	}
	members, err := transactions.GetAll(tx.sql, parents)
	if err != nil {
		return nil, err
	}
	holds := make(map[holdfast.TransactionID]holdfast.TransactionID, len(payments))
	for _, t := range payments {
		member := t
		if t.Kind == payment.KindPart {
			member = members[transactionKey{c, t.Parent}]
		}
		if member.Hold() {
			holds[t.ID] = cmp.Or(member.Parent, member.ID)
		}
	}
	return holds, nil
}
