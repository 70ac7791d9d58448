package processor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const (
	returnsMax = 100 // fundings that are paid back in one step
	overMax    = 32  // expired instruments in one batch of Sweep
)

// over is the position of the sweeps in the list of expired prepaid
// instruments. A balance that its recipient cannot pay back stays in that list
// and does not delay the others.
type over struct {
	limit int // of instruments in one batch; zero means overMax
	mu    sync.Mutex
	after store.AggregatePlace
}

// readReturns returns the payments that give a prepaid balance back now; none
// if the recipient cannot pay.
func readReturns(tx *store.ReadTx, a payment.AggregateInstrument, sandbox bool) ([]payment.Return, error) {
	fundings, err := tx.Fundings(a.Caller, a.ID, returnsMax)
	if err != nil {
		return nil, err
	}
	balance, err := ReadBalance(tx, a.Recipient, sandbox)
	return a.Returns(fundings, balance), err
}

// returnBalance pays a prepaid balance back to its sender, as far as the books
// allow, and returns the changed instrument. While the caller may not move money,
// the balance stays.
func (p *Processor) returnBalance(d decision, a payment.AggregateInstrument) (payment.AggregateInstrument, error) {
	if payment.MayMoveMoney(d.caller) != nil {
		return a, nil //nolint:nilerr // it is paid back later
	}
	returns, err := readReturns(&d.tx.ReadTx, a, d.caller.Sandbox)
	if err != nil {
		return a, err
	}
	for _, r := range returns {
		c := r.Change(p.ids().Transaction(), a, d.now)
		err := d.tx.RememberRequest(payment.Request{
			Caller: a.Caller, Reference: c.After.Reference, Digest: payment.DigestOf("Return", r), Transaction: c.After.ID,
			Received: d.now,
		})
		if err != nil {
			return a, err
		}
		if err := p.record(d.tx, d.caller, &c, d.real); err != nil {
			return a, err
		}
		a = c.Aggregate.After
	}
	return a, nil
}

// returnBalances pays back the balances of expired prepaid instruments, one
// bounded batch, and reports how many.
func (p *Processor) returnBalances(ctx context.Context) (returned int, err error) {
	due, err := p.readOver(ctx)
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, a := range due {
		did, err := p.returnOne(ctx, a.ID, a.Caller)
		if err != nil {
			failed = append(failed, fmt.Errorf("paying back the balance of %s: %w", a.ID, err))
		}
		if did {
			returned++
		}
	}
	return returned, errors.Join(failed...)
}

// readOver reads the next expired instruments whose balance can be paid back.
func (p *Processor) readOver(ctx context.Context) (due []payment.AggregateInstrument, err error) {
	p.over.mu.Lock()
	defer p.over.mu.Unlock()
	limit := cmp.Or(p.over.limit, overMax)
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		due = nil
		all, err := tx.OverAggregates(p.now(), p.over.after, limit)
		if err != nil {
			return err
		}
		p.over.after = store.AggregatePlace{}
		if len(all) == limit {
			last := all[len(all)-1]
			p.over.after = store.AggregatePlace{Caller: last.Caller, Expires: last.Expires, ID: last.ID}
		}
		for _, a := range all {
			caller, err := callerOf(tx, a.Caller)
			if err != nil {
				return err
			}
			if payment.MayMoveMoney(caller) != nil {
				continue
			}
			returns, err := readReturns(tx, a, caller.Sandbox)
			if err != nil {
				return err
			}
			if len(returns) > 0 {
				due = append(due, a)
			}
		}
		return nil
	})
	return due, err
}

// returnOne pays one balance back if it is still there. Another server may have
// paid it back, or the sender may have spent it.
func (p *Processor) returnOne(ctx context.Context, id payment.AggregateID, of party.CallerID) (did bool, err error) {
	var before, after payment.AggregateInstrument
	began := p.Now()
	err = p.db.Background(ctx, func(tx *store.Tx) error {
		did = false
		d, err := p.decision(tx, party.Caller{ID: of})
		if err != nil {
			return err
		}
		a, err := d.instrument(id)
		if err != nil || !a.Over(d.now) {
			return err
		}
		before = a
		after, err = p.returnBalance(d, a)
		did = after.Balance != a.Balance
		return err
	})
	if errors.Is(err, store.ErrStale) {
		return false, nil
	}
	if did = did && err == nil; did {
		p.logReturn(before, after, began)
	}
	return did, err
}
