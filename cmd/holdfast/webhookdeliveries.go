package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type webhookDeliveries struct {
	endpointFlags
	Outcome store.WebhookOutcome `help:"List only these: Waiting, Delivered or GivenUp." enum:"Waiting,Delivered,GivenUp," default:"" placeholder:"OUTCOME"`
	Max     int                  `help:"List at most this many, the newest first." default:"20" placeholder:"ROWS"`
}

// Validate is called by kong. A wrong value ends with exitMisused.
func (v webhookDeliveries) Validate() error { return checkMax(v.Max) }

// A webhookAnswer is a delivery as --json prints it: the request, and the last
// answer.
type webhookAnswer struct {
	EventID payment.EventID      `json:"eventId"`
	Type    payment.EventType    `json:"type"`
	Outcome store.WebhookOutcome `json:"outcome"`
	Tries   int                  `json:"tries"`
	NextTry time.Time            `json:"nextTry,omitzero"`
	Request json.RawMessage      `json:"request"`
	Tried   time.Time            `json:"tried,omitzero"`
	Took    string               `json:"took,omitempty"`
	Status  int                  `json:"status,omitempty"`
	Result  string               `json:"result,omitempty"`
	Answer  string               `json:"answer,omitempty"`
}

func describeWebhook(d store.EventDelivery) webhookAnswer {
	a := webhookAnswer{
		EventID: d.Event.ID, Type: d.Event.Type, Outcome: d.Outcome, Tries: d.Tries, Request: d.Event.JSON(),
		Tried: d.LastTry.At, Status: d.LastTry.Status, Result: d.LastTry.Result, Answer: d.LastTry.Answer,
	}
	if d.Outcome == store.WebhookWaiting {
		a.NextTry = d.NextAt
	}
	if d.LastTry.Took > 0 {
		a.Took = d.LastTry.Took.String()
	}
	return a
}

func (v webhookDeliveries) Run(ctx context.Context, w world) (err error) {
	db, caller, err := v.begin(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	e, err := v.read(ctx, db.Reader, caller)
	if err != nil {
		return err
	}
	var all []store.EventDelivery
	err = db.View(ctx, func(tx *store.ReadTx) error {
		filter := store.WebhookFilter{Outcome: v.Outcome}
		for next := int64(1); next > 0 && len(all) < v.Max; filter.Before = next {
			var page []store.EventDelivery
			if page, next, err = tx.Webhooks(e, filter, v.Max-len(all)); err != nil {
				return err
			}
			all = append(all, page...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	table := newColumns(w.Out, "EVENT", "TYPE", "OUTCOME", "TRIES", "TRIED", "NEXT TRY", "RESULT", "ANSWER")
	defer func() { err = errors.Join(err, table.Flush()) }()
	for _, d := range all {
		a := describeWebhook(d)
		if !v.JSON {
			table.row(string(a.EventID), string(a.Type), string(a.Outcome), strconv.Itoa(a.Tries), shortTime(a.Tried),
				shortTime(a.NextTry), a.Result, shortened(a.Answer))
		} else if err := printJSON(w.Out, a); err != nil {
			return err
		}
	}
	return nil
}

// shortTime is a time in a table, or empty.
func shortTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(shortLayout)
}

const shortenedMax = 60 // characters of an answer in a table

func shortened(text string) string {
	if runes := []rune(text); len(runes) > shortenedMax {
		return string(runes[:shortenedMax-1]) + "…"
	}
	return text
}

type webhookRedeliver struct {
	endpointFlags
	Event payment.EventID `arg:"" optional:"" help:"Send the event with this id."`
	Since string          `help:"Send all events since this time, such as 2026-11-23T10:00:00Z, or of this last time, such as 3h or 2d." placeholder:"TIME"`
}

func (webhookRedeliver) Help() string {
	return `The receiver gets the events again, whether or not it has taken them before.

Examples:

    holdfast webhook redeliver --store holdfast.db W0MJQ4PX evt_1MIT4PX_2_K7Q2MPLD
    holdfast webhook redeliver --store holdfast.db W0MJQ4PX --since 3h
`
}

func (v webhookRedeliver) Run(ctx context.Context, w world) error {
	if (v.Event == "") == (v.Since == "") {
		return errors.New("which events? Give the id of one, or --since TIME")
	}
	since, err := readSince(v.Since, w.Now())
	if err != nil {
		return err
	}
	db, caller, err := v.begin(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	queued, err := clerk(db, w).Redeliver(ctx, caller, v.ID, processor.Redelivery{Event: v.Event, Since: since})
	if errors.Is(err, processor.ErrNoEvent) {
		err = fmt.Errorf("the caller has no event %s; see holdfast events list", v.Event)
	}
	if err != nil {
		return v.explained(err)
	}
	if v.JSON {
		return printJSON(w.Out, map[string]int{"queued": queued})
	}
	fmt.Fprintf(w.Out, "%s to be sent again\n", counted(queued, "event"))
	return nil
}

// readSince reads a time, or how long ago it was.
func readSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := parseDuration(text); err == nil && ago > 0 {
		return now.Add(-ago), nil
	}
	var date dateFlag
	if err := date.UnmarshalText([]byte(text)); err != nil {
		return time.Time{}, fmt.Errorf("--since: give a time such as 2026-11-23T10:00:00Z, or a duration such as 3h")
	}
	return date.at, nil
}
