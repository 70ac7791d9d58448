package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type webhookDeliveries struct {
	webhookFlags
	ID       payment.EndpointID   `arg:"" optional:"" help:"Choose the endpoint by its id, which holdfast webhook list shows."`
	Receiver string               `help:"List the deliveries to all endpoints at this host, such as shop.example.com." placeholder:"HOST"`
	Outcome  store.WebhookOutcome `help:"List only these: Waiting, Delivered or GivenUp." enum:"Waiting,Delivered,GivenUp," default:"" placeholder:"OUTCOME"`
	Max      int                  `help:"List at most this many, the newest first." default:"20" placeholder:"ROWS"`
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
	endpoints, err := v.endpointsAt(ctx, db.Reader, caller, v.ID, v.Receiver)
	if err != nil {
		return err
	}
	var all []store.EventDelivery
	err = db.View(ctx, func(tx *store.ReadTx) error {
		all = nil
		for _, e := range endpoints {
			of, err := v.of(tx, e)
			if err != nil {
				return err
			}
			all = append(all, of...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b store.EventDelivery) int { return cmp.Compare(b.Position, a.Position) })
	table := newColumns(w.Out, "EVENT", "TYPE", "OUTCOME", "TRIES", "TRIED", "NEXT TRY", "RESULT", "ANSWER")
	defer func() { err = errors.Join(err, table.Flush()) }()
	for _, d := range all[:min(len(all), v.Max)] {
		a := describeWebhook(d)
		if !v.JSON {
			table.row(string(a.EventID), string(a.Type), string(a.Outcome), strconv.Itoa(a.Tries), shortTime(a.Tried),
				shortTime(a.NextTry), a.Result, shortened(a.Answer))
		} else if err := printJSON(w.Out, a); err != nil {
			return err
		}
	}
	return sayMore(w, v.Max, len(all) > v.Max, nil)
}

// of reads the deliveries to an endpoint, at most one more than are listed.
func (v webhookDeliveries) of(tx *store.ReadTx, e payment.Endpoint) (all []store.EventDelivery, err error) {
	filter := store.WebhookFilter{Outcome: v.Outcome}
	for next := int64(1); next > 0 && len(all) <= v.Max; filter.Before = next {
		var page []store.EventDelivery
		if page, next, err = tx.Webhooks(e, filter, v.Max+1-len(all)); err != nil {
			return nil, err
		}
		all = append(all, page...)
	}
	return all, nil
}

// endpointsAt are the endpoint with an id, or all endpoints of a caller at a host.
func (f webhookFlags) endpointsAt(
	ctx context.Context, r store.Reader, c party.Caller, id payment.EndpointID, host string,
) (all []payment.Endpoint, err error) {
	if (id == "") == (host == "") {
		return nil, misuseError{errors.New("which endpoint? Give its id, or --receiver HOST")}
	}
	if id != "" {
		e, err := endpointFlags{f, id}.read(ctx, r, c)
		return []payment.Endpoint{e}, err
	}
	err = r.View(ctx, func(tx *store.ReadTx) error {
		all, err = tx.Endpoints(c.ID)
		return err
	})
	all = slices.DeleteFunc(all, func(e payment.Endpoint) bool { return store.ReceiverOf(e.URL) != strings.ToLower(host) })
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("the caller has no webhook endpoint at %s; see holdfast webhook list", host)
	}
	return all, err
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
	webhookFlags
	IDs      []string `arg:"" optional:"" name:"id" help:"Choose the endpoint by its id, and then the events by theirs. With --receiver, give events only."`
	Receiver string   `help:"Send to all endpoints at this host, such as shop.example.com." placeholder:"HOST"`
	Since    string   `help:"Send all events since this time, such as 2026-11-23T10:00:00Z, or of this last time, such as 3h or 2d." placeholder:"TIME"`
}

func (webhookRedeliver) Help() string {
	return `The receiver gets the events again, whether or not it has taken them before.

Examples:

    holdfast webhook redeliver --store holdfast.db W0MJQ4PX evt_1MIT4PX_2_K7Q2MPLD evt_1MIT5QA_2_M9X4RPLC
    holdfast webhook redeliver --store holdfast.db W0MJQ4PX --since 3h
    holdfast webhook redeliver --store holdfast.db --receiver shop.example.com --since 3h
`
}

// chosen are the endpoint that is named, if there is one, and the events.
func (v webhookRedeliver) chosen() (id payment.EndpointID, events []payment.EventID) {
	names := v.IDs
	if v.Receiver == "" && len(names) > 0 {
		id, names = payment.EndpointID(names[0]), names[1:]
	}
	for _, name := range names {
		events = append(events, payment.EventID(name))
	}
	return id, events
}

func (v webhookRedeliver) Run(ctx context.Context, w world) error {
	id, events := v.chosen()
	if (len(events) == 0) == (v.Since == "") {
		return misuseError{errors.New("which events? Give their ids, or --since TIME")}
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
	endpoints, err := v.endpointsAt(ctx, db.Reader, caller, id, v.Receiver)
	if err != nil {
		return err
	}
	queued := 0
	for _, e := range endpoints {
		n, err := clerk(db, w).Redeliver(ctx, caller, e.ID, processor.Redelivery{Events: events, Since: since})
		if errors.Is(err, processor.ErrNoEvent) {
			err = errors.New("the caller has no event with one of these ids, so nothing is sent again; see holdfast events list")
		}
		if err != nil {
			return endpointFlags{v.webhookFlags, e.ID}.explained(err)
		}
		queued += n
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
