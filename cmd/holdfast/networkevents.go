package main

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type networkEvents struct {
	networkListFlags
	All bool `help:"List events that were worked off, too."`
}

// An eventAnswer is an event of a card network as --json prints it.
type eventAnswer struct {
	Account  payment.NetworkAccountID  `json:"accountId"`
	ID       string                    `json:"eventId"`
	Type     string                    `json:"type"`
	Object   string                    `json:"object"`
	Payment  string                    `json:"payment,omitempty"`
	Received time.Time                 `json:"received"`
	Outcome  store.NetworkEventOutcome `json:"outcome"`
	Tries    int                       `json:"tries"`
	Problem  string                    `json:"problem,omitempty"`
}

func (v networkEvents) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	accounts, err := v.accounts(ctx, db.Reader)
	if err != nil {
		return err
	}
	outcomes := []store.NetworkEventOutcome{store.NetworkEventGivenUp, store.NetworkEventWaiting}
	if v.All {
		outcomes = []store.NetworkEventOutcome{""}
	}
	var all []store.NetworkEvent
	err = db.View(ctx, func(tx *store.ReadTx) error {
		all = nil
		for _, a := range accounts {
			for _, outcome := range outcomes {
				some, err := tx.NetworkEvents(a.ID, outcome, networkRowsMax)
				if err != nil {
					return err
				}
				all = append(all, some...)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	table := newColumns(w.Out, "RECEIVED", "TYPE", "OBJECT", "PAYMENT", "OUTCOME", "TRIES", "PROBLEM")
	for _, e := range all {
		if !v.JSON {
			table.row(e.Received.UTC().Format(shortLayout), e.Type, e.Object, e.Parent, string(e.Outcome), fmt.Sprint(e.Tries),
				e.Problem)
			continue
		}
		err := printJSON(w.Out, eventAnswer{
			e.Account, e.ID, e.Type, e.Object, e.Parent, e.Received, e.Outcome, e.Tries, e.Problem,
		})
		if err != nil {
			return err
		}
	}
	return table.Flush()
}

type networkRetry struct {
	networkFlags
}

func (v networkRetry) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	account, err := v.find(ctx, db.Reader)
	if err != nil {
		return err
	}
	queued, err := clerk(db, w).RetryEvents(ctx, account.ID)
	if err != nil {
		return err
	}
	if v.JSON {
		return printJSON(w.Out, struct {
			Queued int `json:"queued"`
		}{queued})
	}
	fmt.Fprintf(w.Out, "The server looks at %s again.\n", counted(queued, "event"))
	return nil
}
