package processor

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Errors about webhook endpoints.
var (
	ErrNoEndpoint = errors.New("the caller has no such webhook endpoint")
	ErrNoEvent    = errors.New("the caller has no such event")
)

const (
	// SecretOverlap is how long an old secret usually signs together with a new one.
	SecretOverlap = 24 * time.Hour

	webhookSecretSize = 32 // bytes
	webhookSecretsMax = 3  // that sign at a time
	secretOverlapMax  = 7 * 24 * time.Hour
	redeliveryBatch   = 500   // events of one commit
	resumeBatch       = 1_000 // deliveries of one commit
	webhooksKept      = 90 * 24 * time.Hour
	webhooksForget    = time.Hour // from one look for old deliveries to the next
)

// A NewEndpoint is a webhook endpoint to create; see [payment.Endpoint].
type NewEndpoint struct {
	URL         string
	Description string
	Types       []string
	Ordered     bool
	Once        string // see [Processor.idOf]
}

// CreateEndpoint adds a webhook endpoint. From now on the caller has events. The
// secret is returned only here.
func (p *Processor) CreateEndpoint(
	ctx context.Context, caller party.Caller, n NewEndpoint,
) (payment.Endpoint, holdfast.SecretKey, error) {
	defer p.callerChanged()
	made := store.WebhookEndpoint{
		Endpoint: payment.Endpoint{
			ID: payment.EndpointID(p.idOf("W", caller.ID, n.Once)), Caller: caller.ID, URL: n.URL, Description: n.Description,
			Types: n.Types, Ordered: n.Ordered, Created: p.now(),
		},
		Secrets: []store.WebhookSecret{{Key: p.newWebhookSecret()}},
	}
	err := p.db.Update(ctx, func(tx *store.Tx) error {
		caller, err := callerOf(&tx.ReadTx, caller.ID)
		if err != nil {
			return err
		}
		if err := payment.CheckEndpoint(made.Endpoint, !caller.Sandbox); err != nil {
			return err
		}
		have, err := tx.Endpoints(caller.ID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(have, func(e payment.Endpoint) bool { return e.ID == made.ID }) {
			return ErrRepeated
		}
		if len(have) >= payment.EndpointsMax {
			return holdfast.Errorf(holdfast.InvalidParams, "a caller has at most %d webhook endpoints", payment.EndpointsMax)
		}
		if err := tx.StartEvents(caller.ID, p.now()); err != nil {
			return err
		}
		if err := logEndpoint(tx, "endpoint.create", nil, made.Endpoint, p.now()); err != nil {
			return err
		}
		return tx.InsertWebhookEndpoint(made)
	})
	return made.Endpoint, made.Secrets[0].Key, err
}

func (p *Processor) newWebhookSecret() holdfast.SecretKey {
	return payment.EndpointSecret([]byte(p.ids().Secret(webhookSecretSize)))
}

// An EndpointChange is a change of a webhook endpoint's settings. Nil leaves a
// setting as it is.
type EndpointChange struct {
	URL         *string
	Description *string
	Types       *[]string
	Ordered     *bool
	// Paused stops sending, and events wait. False resumes it: what waits is sent at
	// once, with as many tries as new events.
	Paused *bool
}

// UpdateEndpoint changes a webhook endpoint's settings. Waiting events go to its
// new URL. An unknown endpoint is [ErrNoEndpoint].
//
// An endpoint that is resumed begins to send after all that waits is due, which
// takes a commit for each 1,000 deliveries. If that is interrupted, the endpoint
// stays paused, and the same request goes on with it.
func (p *Processor) UpdateEndpoint(
	ctx context.Context, caller party.Caller, id payment.EndpointID, c EndpointChange,
) (payment.Endpoint, error) {
	if c.Paused != nil && !*c.Paused {
		if err := p.resumeWebhooks(ctx, caller, id, c); err != nil {
			return payment.Endpoint{}, failure(err)
		}
	}
	return p.changeEndpoint(ctx, caller, "endpoint.change", id, func(tx *store.Tx, e *store.WebhookEndpoint) error {
		caller, err := callerOf(&tx.ReadTx, caller.ID)
		if err != nil {
			return err
		}
		return c.apply(&e.Endpoint, caller)
	})
}

// apply changes an endpoint and checks the result.
func (c EndpointChange) apply(e *payment.Endpoint, caller party.Caller) error {
	setIf(&e.URL, c.URL)
	setIf(&e.Description, c.Description)
	setIf(&e.Types, c.Types)
	setIf(&e.Ordered, c.Ordered)
	switch {
	case c.Paused == nil:
	case !*c.Paused:
		e.Pause = payment.NotPaused
	case e.Pause == payment.NotPaused:
		e.Pause = payment.PausedByWish
	}
	return payment.CheckEndpoint(*e, !caller.Sandbox)
}

// resumeWebhooks makes all deliveries that wait for an endpoint due now, if the
// change is allowed.
func (p *Processor) resumeWebhooks(
	ctx context.Context, caller party.Caller, id payment.EndpointID, c EndpointChange,
) error {
	err := p.db.View(ctx, func(tx *store.ReadTx) error {
		e, err := endpointOf(tx, caller, id)
		if err != nil {
			return err
		}
		caller, err := callerOf(tx, caller.ID)
		if err != nil {
			return err
		}
		return c.apply(&e, caller)
	})
	now := p.now()
	for last, more := int64(0), true; more && err == nil; more = last > 0 {
		after := last
		err = p.db.Background(ctx, func(tx *store.Tx) error {
			if _, err := endpointOf(&tx.ReadTx, caller, id); err != nil {
				return err
			}
			last, err = tx.ResumeWebhooks(id, after, now, resumeBatch)
			return err
		})
	}
	return err
}

// RotateEndpointSecret gives a webhook endpoint a new secret, which is returned
// only here. The secrets that it has sign together with the new one until the
// overlap is over; zero ends them now. once is the key of the form, or empty; the same
// form again is [store.ErrFormUsed].
func (p *Processor) RotateEndpointSecret(
	ctx context.Context, caller party.Caller, id payment.EndpointID, overlap time.Duration, once string,
) (e payment.Endpoint, secret holdfast.SecretKey, err error) {
	if overlap < 0 || overlap > secretOverlapMax {
		return e, secret, holdfast.Errorf(holdfast.InvalidParams, "an old secret signs for at most %v more", secretOverlapMax)
	}
	secret = p.newWebhookSecret()
	e, err = p.changeEndpoint(ctx, caller, "endpoint.rotate_secret", id, func(tx *store.Tx, e *store.WebhookEndpoint) error {
		now := p.now()
		if err := tx.UseForm(once, now); err != nil {
			return err
		}
		e.Secrets = e.Live(now)
		for i := range e.Secrets {
			if old := &e.Secrets[i]; old.Until.IsZero() || old.Until.After(now.Add(overlap)) {
				old.Until = now.Add(overlap)
			}
		}
		e.Secrets = append([]store.WebhookSecret{{Key: secret}}, e.Live(now)...)
		if len(e.Secrets) > webhookSecretsMax {
			return holdfast.Errorf(holdfast.InvalidParams,
				"the endpoint has %d secrets that sign already; wait until one has ended, or end them now", webhookSecretsMax)
		}
		return nil
	})
	return e, secret, err
}

// changeEndpoint applies change to one of a caller's endpoints and stores the
// result.
func (p *Processor) changeEndpoint(
	ctx context.Context, caller party.Caller, action party.AuditAction, id payment.EndpointID,
	change func(*store.Tx, *store.WebhookEndpoint) error,
) (after payment.Endpoint, err error) {
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		e, found, err := tx.WebhookEndpoint(caller.ID, id)
		if err == nil && !found {
			err = ErrNoEndpoint
		}
		if err != nil {
			return err
		}
		before := endpointFacts(e.Endpoint)
		if err := change(tx, &e); err != nil {
			return err
		}
		after = e.Endpoint
		if err := logEndpoint(tx, action, before, after, p.now()); err != nil {
			return err
		}
		return tx.UpdateWebhookEndpoint(e)
	})
	return after, failure(err)
}

// RemoveEndpoint removes a webhook endpoint with its deliveries.
func (p *Processor) RemoveEndpoint(ctx context.Context, caller party.Caller, id payment.EndpointID) error {
	return failure(p.db.Update(ctx, func(tx *store.Tx) error {
		e, err := endpointOf(&tx.ReadTx, caller, id)
		if err != nil {
			return err
		}
		if err := tx.Log(party.AuditEntry{
			Action: "endpoint.remove", Caller: caller.ID, Object: string(id), Before: endpointFacts(e),
		}, p.now()); err != nil {
			return err
		}
		return tx.RemoveEndpoint(id)
	}))
}

// logEndpoint writes the audit entry of a change of a webhook endpoint.
func logEndpoint(
	tx *store.Tx, action party.AuditAction, before party.Facts, after payment.Endpoint, real time.Time,
) error {
	return tx.Log(party.AuditEntry{
		Action: action, Caller: after.Caller, Object: string(after.ID), Before: before, After: endpointFacts(after),
	}, real)
}

// endpointOf reads one of a caller's endpoints.
func endpointOf(tx *store.ReadTx, caller party.Caller, id payment.EndpointID) (payment.Endpoint, error) {
	e, found, err := tx.Endpoint(caller.ID, id)
	if err == nil && !found {
		err = ErrNoEndpoint
	}
	return e, err
}

// TestEndpoint sends an event of the type endpoint.test to a webhook endpoint, and
// to no other.
func (p *Processor) TestEndpoint(
	ctx context.Context, caller party.Caller, id payment.EndpointID,
) (event payment.Event, err error) {
	_, err = p.changeEndpoint(ctx, caller, "endpoint.test", id, func(tx *store.Tx, e *store.WebhookEndpoint) error {
		caller, err := callerOf(&tx.ReadTx, caller.ID)
		if err != nil {
			return err
		}
		e.Tests++
		real := p.now()
		event = e.TestEvent(e.Tests, caller.Now(real))
		event.Created = real
		event = event.Named()
		return tx.AddEvent(event, real)
	})
	return event, err
}

// A Redelivery says which events to send again: some by their ids, or all that an
// endpoint wants since a time.
type Redelivery struct {
	Events []payment.EventID // at most 100
	Since  time.Time         // real time
	// Most refuses a redelivery if the caller has more events since then. Zero means
	// any number.
	Most int
}

// Redeliver sends events to a webhook endpoint again, whether or not they were
// delivered to it before, and reports how many. That includes events that are older
// than the endpoint. Each commit queues at most 500 of them.
func (p *Processor) Redeliver(
	ctx context.Context, caller party.Caller, id payment.EndpointID, r Redelivery,
) (queued int, err error) {
	switch {
	case (len(r.Events) == 0) == r.Since.IsZero():
		return 0, holdfast.Errorf(holdfast.InvalidParams, "name either an event or a time to redeliver")
	case len(r.Events) > NoticesAgainMost:
		return 0, holdfast.Errorf(holdfast.InvalidParams, "at most %d events can be named", NoticesAgainMost)
	case len(r.Events) > 0:
		return p.redeliverThese(ctx, caller, id, r.Events)
	}
	var from, to int64
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		if _, err := endpointOf(tx, caller, id); err != nil {
			return err
		}
		if from, to, err = tx.FirstEventSince(caller.ID, r.Since); err != nil || r.Most == 0 {
			return err
		}
		tooMany, err := tx.MoreEventsThan(caller.ID, from, to, r.Most)
		if tooMany {
			err = holdfast.Errorf(holdfast.InvalidParams, "there are more than %d events since then; name a later time", r.Most)
		}
		return err
	})
	now := p.now()
	for err == nil && from > 0 {
		var n int
		n, from, err = p.redeliverSome(ctx, caller, id, from, to, now)
		queued += n
	}
	return queued, failure(err)
}

// redeliverSome queues the events of one commit, and returns the position at which
// to go on, or 0.
func (p *Processor) redeliverSome(
	ctx context.Context, caller party.Caller, id payment.EndpointID, from, to int64, now time.Time,
) (queued int, next int64, err error) {
	err = p.db.Background(ctx, func(tx *store.Tx) error {
		e, err := endpointOf(&tx.ReadTx, caller, id)
		if err != nil {
			return err
		}
		wanted, rest, err := tx.EventsWanted(e, from, to, redeliveryBatch)
		if err != nil {
			return err
		}
		queued, next = len(wanted), rest
		if queued > 0 {
			if err := logRedelivery(tx, caller, id, nil, queued, now); err != nil {
				return err
			}
		}
		return tx.QueueAgain(id, wanted, now)
	})
	return queued, next, err
}

// redeliverThese queues events in one commit. An unknown one queues none.
func (p *Processor) redeliverThese(
	ctx context.Context, caller party.Caller, id payment.EndpointID, events []payment.EventID,
) (queued int, err error) {
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := endpointOf(&tx.ReadTx, caller, id); err != nil {
			return err
		}
		var positions []int64
		for _, event := range events {
			e, found, err := tx.Event(caller.ID, event)
			if err == nil && !found {
				err = ErrNoEvent
			}
			if err != nil {
				return err
			}
			if !slices.Contains(positions, e.Position) {
				positions = append(positions, e.Position)
			}
		}
		now := p.now()
		if err := logRedelivery(tx, caller, id, events, len(positions), now); err != nil {
			return err
		}
		queued = len(positions)
		return tx.QueueAgain(id, positions, now)
	})
	if err != nil {
		return 0, failure(err)
	}
	return queued, nil
}

// logRedelivery writes the audit entry of events that are sent again.
func logRedelivery(
	tx *store.Tx, caller party.Caller, id payment.EndpointID, named []payment.EventID, events int, real time.Time,
) error {
	names := make([]string, len(named))
	for i, event := range named {
		names[i] = string(event)
	}
	return tx.Log(party.AuditEntry{
		Action: "endpoint.redeliver", Caller: caller.ID, Object: string(id),
		After: party.Facts{"event": strings.Join(names, " "), "events": strconv.Itoa(events)},
	}, real)
}

// ForgetWebhooks removes deliveries to webhook endpoints that are older than 90
// days, one bounded batch for each endpoint, and reports how many. Their events
// stay in the feed.
func (p *Processor) ForgetWebhooks(ctx context.Context) (forgotten int, err error) {
	const all = "" // the only thing that is looked at
	if !p.webhooksOld.due(all, p.now(), webhooksForget) {
		return 0, nil
	}
	before := p.now().Add(-webhooksKept)
	var old []payment.EndpointID
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		old, err = tx.OldWebhooks(before)
		return err
	})
	for _, id := range old {
		var n int
		forgetting := p.db.Background(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.ForgetWebhooks(id, before, forgottenMax)
			return err
		})
		if forgetting == nil {
			forgotten += n
		}
		err = errors.Join(err, forgetting)
	}
	if forgotten > 0 || err != nil {
		p.webhooksOld.again(all)
	}
	return forgotten, err
}
