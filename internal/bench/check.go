package bench

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Checked is what was found in the store after a run.
type Checked struct {
	Acknowledged int64 `json:"acknowledged"` // transactions that the server answered for
	Missing      int64 `json:"missing"`      // of them not in the store
	Different    int64 `json:"different"`    // in another state than was answered last, or the answer to two references
	// Books are what the audit of all books found; nil when it was not run.
	Books *Books `json:"books,omitempty"`
}

// Books are what an audit found.
type Books struct {
	Transactions int `json:"transactions"`
	Postings     int `json:"postings"`
	Wrong        int `json:"wrong"` // rows that it names
}

// good reports whether all that was promised is there.
func (c Checked) good() bool {
	return c.Missing == 0 && c.Different == 0 && (c.Books == nil || c.Books.Wrong == 0)
}

// standingsPage is how many transactions are looked up in one read.
const standingsPage = 1000

// Check looks up every transaction that was acknowledged, and audits the books
// if it is asked to.
func (b *Bench) Check(ctx context.Context, books bool) (c Checked, err error) {
	c.Different = b.answeredTwice()
	for merchant, last := range b.lastAcks() {
		c.Acknowledged += int64(len(last))
		if err := b.compare(ctx, merchant, last, &c); err != nil {
			return c, fmt.Errorf("looking up what was acknowledged: %w", err)
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

// answeredTwice counts transactions that were the answer to more than one Reserve:
// no reference is sent twice.
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

// lastAcks are, by merchant, what each transaction was last said to be.
// Pending says the least: it may have become anything, as what was to be settled
// when no answer came.
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

// furthest orders the states of a Reserve as it goes through them.
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

// compare reads what one merchant's transactions have become. They are asked for
// by their ids: a store may have millions of others.
func (b *Bench) compare(
	ctx context.Context, merchant int, last map[holdfast.TransactionID]holdfast.TransactionStatus, c *Checked,
) error {
	for ids := range slices.Chunk(slices.Collect(maps.Keys(last)), standingsPage) {
		var found map[holdfast.TransactionID]payment.State
		err := b.Store.View(ctx, func(tx *store.ReadTx) (err error) {
			found, err = tx.Standings(b.cast.merchants[merchant].caller.ID, ids)
			return err
		})
		if err != nil {
			return err
		}
		for _, id := range ids {
			state, there := found[id]
			switch said := last[id]; {
			case !there:
				c.Missing++
			case said != holdfast.StatusPending && said != state.Status():
				c.Different++
			}
		}
	}
	return nil
}
