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
	return listOfNetworks(ctx, w, v.networkListFlags,
		func(tx *store.ReadTx, a store.NetworkAccount) (rows []eventAnswer, err error) {
			for _, outcome := range outcomes {
				some, err := tx.NetworkEvents(a.ID, outcome, networkRowsMax)
				if err != nil {
					return nil, err
				}
				for _, e := range some {
					rows = append(rows, describeEvent(e))
				}
			}
			return rows, nil
		}, []string{
			"account_id", "event_id", "type", "object", "payment", "received", "outcome", "tries", "problem",
		}, []string{"RECEIVED", "TYPE", "OBJECT", "PAYMENT", "OUTCOME", "TRIES", "PROBLEM"})
}

func (a eventAnswer) cells() []string {
	return []string{
		a.Received.UTC().Format(shortLayout), a.Type, a.Object, a.Payment, string(a.Outcome), strconv.Itoa(a.Tries),
		a.Problem,
	}
}

func (a eventAnswer) record() []string {
	return []string{
		string(a.Account), a.ID, a.Type, a.Object, a.Payment, timeCell(a.Received), string(a.Outcome), strconv.Itoa(a.Tries),
		a.Problem,
	}
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
