package bench

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Checked is the result of comparing the store with the answers of a run.
type Checked struct {
	Acknowledged int64 `json:"acknowledged"` // transactions that the server acknowledged
	Missing      int64 `json:"missing"`      // acknowledged, but not in the store
	Different    int64 `json:"different"`    // in a state other than the last answer, or the answer to two references
	// Books are the findings of the audit of all books; nil if it did not run.
	Books *Books `json:"books,omitempty"`
}

// Books are the findings of an audit.
type Books struct {
	Transactions int `json:"transactions"`
	Postings     int `json:"postings"`
	Wrong        int `json:"wrong"` // rows that the audit names
}

// good reports whether the store has everything that the server acknowledged.
func (c Checked) good() bool {
	return c.Missing == 0 && c.Different == 0 && (c.Books == nil || c.Books.Wrong == 0)
}

// lookUps is the number of transactions that are looked up in one view.
const lookUps = 1000

// Check looks up every acknowledged transaction. It also audits the books if
// books is true.
func (b *Bench) Check(ctx context.Context, books bool) (c Checked, err error) {
	c.Different = b.answeredTwice()
	for merchant, last := range b.lastAcks() {
		c.Acknowledged += int64(len(last))
		if err := b.compare(ctx, merchant, last, &c); err != nil {
			return c, fmt.Errorf("looking up the acknowledged transactions: %w", err)
		}
	}
	if !books {
		return c, nil
	}
	report, err := b.Store.CheckBooks(ctx)
	if err != nil {
		return c, fmt.Errorf("checking the books: %w", err)
	}
	c.Books = &Books{Transactions: report.Transactions, Postings: report.Postings, Wrong: len(report.Findings)}
	return c, nil
}

// answeredTwice counts transactions that answered more than one Reserve. Each
// must be the answer to one, because no reference is sent twice.
func (b *Bench) answeredTwice() (twice int64) {
	seen := map[holding]bool{}
	for _, d := range b.drivers {
		for _, a := range d.acked {
			if a.action != Reserve {
				continue
			}
			if seen[a.holding] {
				twice++
			}
			seen[a.holding] = true
		}
	}
	return twice
}

// lastAcks has, by merchant, the last acknowledged status of each transaction.
// Pending allows any later status. It is also used for a Settle without an
// answer.
func (b *Bench) lastAcks() []map[holdfast.TransactionID]holdfast.TransactionStatus {
	all := make([]map[holdfast.TransactionID]holdfast.TransactionStatus, b.Merchants)
	for i := range all {
		all[i] = map[holdfast.TransactionID]holdfast.TransactionStatus{}
	}
	for _, d := range b.drivers {
		for _, a := range d.acked {
			last := all[a.merchant]
			if furthest(a.status) >= furthest(last[a.id]) {
				last[a.id] = a.status
			}
		}
	}
	for _, d := range b.drivers {
		for _, h := range d.doubted {
			all[h.merchant][h.id] = holdfast.StatusPending
		}
	}
	return all
}

// furthest gives the states of a Reserve a number in the order in which it has
// them.
func furthest(s holdfast.TransactionStatus) int {
	switch s {
	case holdfast.StatusPending:
		return 1
	case holdfast.StatusReserved:
		return 2
	case holdfast.StatusSuccess, holdfast.StatusFailure, holdfast.StatusCancelled:
		return 3
	}
	return 0
}

// compare looks up one merchant's transactions.
func (b *Bench) compare(
	ctx context.Context, merchant int, last map[holdfast.TransactionID]holdfast.TransactionStatus, c *Checked,
) error {
	caller := b.cast.merchants[merchant].caller.ID
	for ids := range slices.Chunk(slices.Collect(maps.Keys(last)), lookUps) {
		err := b.Store.View(ctx, func(tx *store.ReadTx) error {
			for _, id := range ids {
				t, found, err := tx.Transaction(caller, id)
				if err != nil {
					return err
				}
				switch said := last[id]; {
				case !found:
					c.Missing++
				case said != holdfast.StatusPending && said != t.State.Status():
					c.Different++
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
