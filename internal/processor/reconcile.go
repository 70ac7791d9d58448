package processor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const (
	dayLong    = 24 * time.Hour
	linesMax   = 500   // lines that are written in one commit
	foreignMax = 5_000 // payments that the books do not know and that are looked at
)

// errNoBooks means that a network shows no books of its own.
var errNoBooks = errors.New("this card network has no books that can be read")

// bookkeeper returns the own books of an account's network.
func (p *Processor) bookkeeper(ctx context.Context, account payment.NetworkAccountID) (card.Bookkeeper, error) {
	client, err := p.client(ctx, account)
	if err != nil {
		return nil, err
	}
	books, ok := client.(card.Bookkeeper)
	if !ok {
		return nil, errNoBooks
	}
	return books, nil
}

// ImportPayout stores the lines that a payout has paid out, and reports how many.
func (p *Processor) ImportPayout(ctx context.Context, account payment.NetworkAccountID, payout string) (int, error) {
	books, err := p.bookkeeper(ctx, account)
	if errors.Is(err, errNoBooks) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	lines, err := books.PayoutLines(card.Background(ctx), payout)
	if err != nil {
		return 0, fmt.Errorf("reading the lines of payout %s: %w", payout, err)
	}
	return len(lines), p.saveLines(ctx, account, lines)
}

func (p *Processor) saveLines(
	ctx context.Context, account payment.NetworkAccountID, lines []payment.NetworkLine,
) error {
	for some := range slices.Chunk(lines, linesMax) {
		err := p.db.Background(ctx, func(tx *store.Tx) error {
			for _, l := range some {
				l.Account = account
				if err := tx.SaveNetworkLine(l); err != nil {
					return err
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

// Reconcile reads a network's own books from a time until before another, stores
// them, and compares the books of this server with them.
func (p *Processor) Reconcile(
	ctx context.Context, account payment.NetworkAccountID, from, to time.Time,
) (r payment.Reconciliation, err error) {
	books, err := p.bookkeeper(ctx, account)
	if err != nil {
		return r, err
	}
	in := payment.ReconcileInput{From: from, To: to, Now: p.now()}
	began, ended := from.Add(-payment.ReconcileSlack), to.Add(payment.ReconcileSlack)
	lines, err := books.Lines(card.Background(ctx), began, ended)
	if err != nil {
		return r, fmt.Errorf("reading the network's books: %w", err)
	}
	if err := p.saveLines(ctx, account, lines); err != nil {
		return r, err
	}
	for _, l := range lines {
		if l.Type == payment.LinePayout && !l.Created.Before(from) && l.Created.Before(to) {
			if _, err := p.ImportPayout(ctx, account, l.Source); err != nil {
				return r, err
			}
		}
	}
	if err := p.db.View(ctx, func(tx *store.ReadTx) error { return readReconciled(tx, account, &in) }); err != nil {
		return r, err
	}
	if in.Foreign, err = p.foreign(ctx, account, in); err != nil {
		return r, err
	}
	return payment.Reconcile(in), nil
}

// ReconcileDaily compares the books of each account with the network's once a
// day: the day that ended a day ago, so that the network has all of it. It reports
// how many accounts it compared.
func (p *Processor) ReconcileDaily(ctx context.Context) (compared int, err error) {
	accounts, err := p.accounts(ctx)
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, a := range accounts {
		now := p.now()
		if !p.compared.due(a.ID, now, dayLong) {
			continue
		}
		to := now.UTC().Truncate(dayLong).Add(-dayLong)
		began, cancel := context.WithTimeout(ctx, eventLease)
		r, err := p.Reconcile(began, a.ID, to.Add(-dayLong), to)
		cancel()
		if errors.Is(err, errNoBooks) {
			continue
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("comparing the books with account %s: %w", a.ID, err))
			continue
		}
		compared++
		wrong := r.Unexplained()
		if p.Reconciled != nil {
			p.Reconciled(a.ID, wrong)
		}
		if wrong > 0 {
			p.Log.Error("the books and the card network differ; run holdfast network reconcile", "account", a.ID,
				"day", to.Add(-dayLong).Format(time.DateOnly), "differences", wrong)
		}
	}
	return compared, errors.Join(failed...)
}

// readReconciled reads both sides from the store.
func readReconciled(tx *store.ReadTx, id payment.NetworkAccountID, in *payment.ReconcileInput) (err error) {
	from, to := in.From.Add(-payment.ReconcileSlack), in.To.Add(payment.ReconcileSlack)
	if in.Lines, err = tx.NetworkLines(id, from, to); err != nil {
		return err
	}
	known := make(map[string]bool)
	for _, l := range in.Lines {
		known[l.ID] = true
	}
	for _, payout := range in.Lines {
		if payout.Type != payment.LinePayout {
			continue
		}
		of, err := tx.NetworkLinesOf(id, payout.Source)
		if err != nil {
			return err
		}
		for _, l := range of { // that the period does not have, such as a sale of the week before
			if !known[l.ID] {
				known[l.ID] = true
				in.Lines = append(in.Lines, l)
			}
		}
	}
	in.Movements, err = readMovements(tx, id, from, to)
	return err
}

// readMovements reads what the books have moved at an account.
func readMovements(
	tx *store.ReadTx, id payment.NetworkAccountID, from, to time.Time,
) (all []payment.NetworkMovement, err error) {
	callers, err := tx.Callers()
	if err != nil {
		return nil, err
	}
	for _, c := range callers {
		steps, err := tx.NetworkSteps(id, c.ID, from, to)
		if err != nil {
			return nil, err
		}
		for _, s := range steps {
			m, moved := payment.MovementOf(&s.Transaction, s.Verb)
			if !moved {
				continue
			}
			m.At = s.At
			if m.Payment, err = tx.NetworkReference(c.ID, s.Transaction); err != nil {
				return nil, err
			}
			all = append(all, m)
		}
	}
	return all, nil
}

// foreign looks at the payments of the period that the books do not have: the owner
// may use the account for other sales. Lines of other times are not compared, so
// they need no look. The store knows the network's names for most of its payments.
func (p *Processor) foreign(
	ctx context.Context, account payment.NetworkAccountID, in payment.ReconcileInput,
) (map[string]bool, error) {
	ours, foreign := make(map[string]bool), make(map[string]bool)
	for _, m := range in.Movements {
		ours[m.Payment] = true
	}
	err := p.db.View(ctx, func(tx *store.ReadTx) error {
		for _, l := range in.Lines {
			if l.Payment == "" || ours[l.Payment] || !in.Within(l.Created) {
				continue
			}
			_, known, err := tx.NetworkPaymentByReference(account, l.Payment)
			if err != nil {
				return err
			}
			if known {
				ours[l.Payment] = true
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	client, err := p.client(ctx, account)
	if err != nil {
		return nil, err
	}
	looks := 0
	for _, l := range in.Lines {
		if l.Payment == "" || ours[l.Payment] || foreign[l.Payment] || !in.Within(l.Created) {
			continue
		}
		if looks++; looks > foreignMax {
			return nil, fmt.Errorf("there are more than %d payments that the books do not have; compare a shorter time",
				foreignMax)
		}
		found, err := client.Look(card.Background(ctx), card.Event{
			Type: "payment_intent.reconciled", Object: l.Payment, Parent: l.Payment,
		})
		if err != nil {
			return nil, fmt.Errorf("looking at payment %s: %w", l.Payment, err)
		}
		if found.Payment == nil || found.Payment.Key == "" {
			foreign[l.Payment] = true
		} else {
			ours[l.Payment] = true
		}
	}
	return foreign, nil
}
