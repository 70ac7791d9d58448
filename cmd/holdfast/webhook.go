package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type webhookVerb struct {
	List       webhookList       `cmd:"" help:"List a caller's webhook endpoints: the addresses to which its events go."`
	Add        webhookAdd        `cmd:"" help:"Add a webhook endpoint. Its secret is shown only once."`
	Set        webhookSet        `cmd:"" help:"Change, pause or resume a webhook endpoint."`
	Remove     webhookRemove     `cmd:"" help:"Remove a webhook endpoint with its deliveries."`
	Rotate     webhookRotate     `cmd:"" help:"Give a webhook endpoint a new secret, which is shown only once. The old one signs, too, for a while."`
	Test       webhookTest       `cmd:"" help:"Send a test event to a webhook endpoint."`
	Deliveries webhookDeliveries `cmd:"" help:"List the events that went to a webhook endpoint, or wait for it, with the last answer."`
	Redeliver  webhookRedeliver  `cmd:"" help:"Send one event again, or all since a time."`
}

// webhookFlags say whose endpoints a command is about.
type webhookFlags struct {
	storeFlags
	Caller string `help:"Choose this caller, if there are several." placeholder:"ID"`
	JSON   bool   `name:"json" help:"Print one line of JSON for each."`
}

func (f webhookFlags) begin(ctx context.Context) (*store.DB, party.Caller, error) {
	return f.openFor(ctx, f.Caller)
}

// endpointFlags choose an endpoint.
type endpointFlags struct {
	webhookFlags
	ID payment.EndpointID `arg:"" help:"Choose the endpoint by its id, which holdfast webhook list shows."`
}

// read reads the endpoint.
func (f endpointFlags) read(ctx context.Context, r store.Reader, c party.Caller) (e payment.Endpoint, err error) {
	err = r.View(ctx, func(tx *store.ReadTx) error {
		var found bool
		e, found, err = tx.Endpoint(c.ID, f.ID)
		if err == nil && !found {
			err = f.explained(processor.ErrNoEndpoint)
		}
		return err
	})
	return e, err
}

// explained says what to do about an id that does not exist.
func (f endpointFlags) explained(err error) error {
	if errors.Is(err, processor.ErrNoEndpoint) {
		return fmt.Errorf("the caller has no webhook endpoint %s; see holdfast webhook list", f.ID)
	}
	return err
}

// An endpointAnswer is an endpoint as --json prints it.
type endpointAnswer struct {
	EndpointID  payment.EndpointID    `json:"endpointId"`
	CallerID    party.CallerID        `json:"callerId"`
	URL         string                `json:"url"`
	Description string                `json:"description,omitempty"`
	Types       []string              `json:"types,omitempty"` // all if there are none
	Ordered     bool                  `json:"ordered"`
	Paused      payment.EndpointPause `json:"paused,omitempty"` // why
	Created     time.Time             `json:"created"`
	Secret      string                `json:"secret,omitempty"` // when it is new
}

func describeEndpoint(e payment.Endpoint) endpointAnswer {
	return endpointAnswer{
		EndpointID: e.ID, CallerID: e.Caller, URL: e.URL, Description: e.Description, Types: e.Types, Ordered: e.Ordered,
		Paused: e.Pause, Created: e.Created,
	}
}

func (a endpointAnswer) facts() []fact {
	return []fact{
		{"endpoint", string(a.EndpointID)},
		{"caller", string(a.CallerID)},
		{"URL", a.URL},
		{"description", a.Description},
		{"types", or(strings.Join(a.Types, " "), "all")},
		{"ordered", strconv.FormatBool(a.Ordered)},
		{"paused", inWords(a.Paused)},
		{"secret", a.Secret},
	}
}

// inWords says why an endpoint is paused.
func inWords(p payment.EndpointPause) string {
	switch p {
	case payment.NotPaused:
	case payment.PausedByWish:
		return "yes"
	case payment.PausedGone:
		return "the receiver says that it is gone"
	case payment.PausedFailing:
		return "its first event has failed for three days"
	}
	return ""
}

func (f webhookFlags) print(w world, e payment.Endpoint, secret holdfast.SecretKey) error {
	a := describeEndpoint(e)
	a.Secret = string(secret.Reveal())
	if f.JSON {
		return printJSON(w.Out, a)
	}
	if err := printFacts(w.Out, a.facts()); err != nil {
		return err
	}
	if a.Secret != "" {
		fmt.Fprintln(w.Out, "\nKeep the secret now: it is not shown again.")
	}
	return nil
}

type webhookList struct{ webhookFlags }

func (v webhookList) Run(ctx context.Context, w world) error {
	db, caller, err := v.begin(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	var all []payment.Endpoint
	err = db.View(ctx, func(tx *store.ReadTx) error {
		all, err = tx.Endpoints(caller.ID)
		return err
	})
	if err != nil {
		return err
	}
	table := newColumns(w.Out, "ENDPOINT", "URL", "TYPES", "ORDERED", "PAUSED", "DESCRIPTION")
	for _, e := range all {
		if v.JSON {
			if err := printJSON(w.Out, describeEndpoint(e)); err != nil {
				return err
			}
			continue
		}
		table.row(string(e.ID), e.URL, or(strings.Join(e.Types, " "), "all"), strconv.FormatBool(e.Ordered),
			or(inWords(e.Pause), "no"), e.Description)
	}
	return table.Flush()
}

type webhookAdd struct {
	webhookFlags
	URL         string   `arg:"" help:"Send the events to this address."`
	Description string   `help:"Record what the endpoint is for." placeholder:"TEXT"`
	Types       []string `help:"Send only events of these types, such as hold.settled or hold.*; by default all." placeholder:"TYPE"`
	Ordered     bool     `help:"Send one event at a time, in their order. The next one waits until the receiver has taken the one before."`
}

func (webhookAdd) Help() string {
	return `Examples:

    holdfast webhook add --store holdfast.db https://shop.example.com/webhooks
    holdfast webhook add --store holdfast.db https://shop.example.com/holds --types 'hold.*' --ordered
`
}

func (v webhookAdd) Run(ctx context.Context, w world) error {
	db, caller, err := v.begin(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	e, secret, err := clerk(db, w).CreateEndpoint(ctx, caller, processor.NewEndpoint{
		URL: v.URL, Description: v.Description, Types: v.Types, Ordered: v.Ordered,
	})
	if err != nil {
		return err
	}
	return v.print(w, e, secret)
}

type webhookSet struct {
	endpointFlags
	URL         *string   `help:"Send events to this address, and waiting ones, too." placeholder:"URL"`
	Description *string   `help:"Record what the endpoint is for." placeholder:"TEXT"`
	Types       *[]string `help:"Send only events of these types. Empty sends all." placeholder:"TYPE"`
	Ordered     *bool     `help:"Send one event at a time, in their order." negatable:""`
	Paused      *bool     `help:"Send nothing until --no-paused. Events wait." negatable:""`
}

func (v webhookSet) Run(ctx context.Context, w world) error {
	if v.URL == nil && v.Description == nil && v.Types == nil && v.Ordered == nil && v.Paused == nil {
		return errors.New("nothing to set; see holdfast webhook set --help")
	}
	db, caller, err := v.begin(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if v.Types != nil && len(*v.Types) == 1 && (*v.Types)[0] == "" {
		*v.Types = nil
	}
	e, err := clerk(db, w).UpdateEndpoint(ctx, caller, v.ID, processor.EndpointChange{
		URL: v.URL, Description: v.Description, Types: v.Types, Ordered: v.Ordered, Paused: v.Paused,
	})
	if err != nil {
		return v.explained(err)
	}
	return v.print(w, e, holdfast.SecretKey{})
}

type webhookRemove struct{ endpointFlags }

func (v webhookRemove) Run(ctx context.Context, w world) error {
	db, caller, err := v.begin(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := clerk(db, w).RemoveEndpoint(ctx, caller, v.ID); err != nil {
		return v.explained(err)
	}
	if v.JSON {
		return printJSON(w.Out, map[string]payment.EndpointID{"removed": v.ID})
	}
	fmt.Fprintf(w.Out, "The webhook endpoint %s is removed.\n", v.ID)
	return nil
}

type webhookRotate struct {
	endpointFlags
	Overlap time.Duration `help:"Let the old secrets sign, too, for this long; 0s ends them now." default:"24h" placeholder:"DURATION"`
}

func (v webhookRotate) Run(ctx context.Context, w world) error {
	db, caller, err := v.begin(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	e, secret, err := clerk(db, w).RotateEndpointSecret(ctx, caller, v.ID, v.Overlap, "")
	if err != nil {
		return v.explained(err)
	}
	return v.print(w, e, secret)
}

type webhookTest struct{ endpointFlags }

func (v webhookTest) Run(ctx context.Context, w world) error {
	db, caller, err := v.begin(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	event, err := clerk(db, w).TestEndpoint(ctx, caller, v.ID)
	if err != nil {
		return v.explained(err)
	}
	if v.JSON {
		return printJSON(w.Out, map[string]payment.EventID{"eventId": event.ID})
	}
	fmt.Fprintf(w.Out, "A running server sends the event %s. See what came of it with holdfast webhook deliveries %s.\n",
		event.ID, v.ID)
	return nil
}
