package main

import (
	"context"
	"fmt"
	"strconv"
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
	outcomes := []store.NetworkEventOutcome{store.NetworkEventGivenUp, store.NetworkEventWaiting}
	if v.All {
		outcomes = []store.NetworkEventOutcome{""}
	}
	table := newColumns(w.Out, "RECEIVED", "TYPE", "OBJECT", "PAYMENT", "OUTCOME", "TRIES", "PROBLEM")
	return v.each(ctx, func(tx *store.ReadTx, a store.NetworkAccount) error {
		var all []store.NetworkEvent
		for _, outcome := range outcomes {
			some, err := tx.NetworkEvents(a.ID, outcome, networkRowsMax)
			if err != nil {
				return err
			}
			all = append(all, some...)
		}
		for _, e := range all {
			if v.JSON {
				if err := printJSON(w.Out, describeEvent(e)); err != nil {
					return err
				}
				continue
			}
			table.row(e.Received.UTC().Format(shortLayout), e.Type, e.Object, e.Parent, string(e.Outcome),
				strconv.Itoa(e.Tries), e.Problem)
		}
		return nil
	}, table)
}

func describeEvent(e store.NetworkEvent) eventAnswer {
	return eventAnswer{
		e.Account, e.ID, e.Type, e.Object, e.Parent, e.Received, e.Outcome, e.Tries, e.Problem,
	}
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
