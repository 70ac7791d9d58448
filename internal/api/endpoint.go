package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// An Endpoint is an address to which your events go, as signed requests.
type Endpoint struct {
	ID          string    `json:"id"`
	URL         string    `json:"url" format:"uri"`
	Description string    `json:"description,omitempty"`
	Types       []string  `json:"types" doc:"The types of the events that it gets, such as hold.settled, or all of an object, such as hold.*. An empty list means all events."`
	Ordered     bool      `json:"ordered" doc:"One event at a time, in the order of the list of events."`
	State       string    `json:"state" enum:"active,paused,gone,failing" doc:"active: events are sent. Otherwise they wait. paused: you have paused it. gone: it answered 410. failing: an ordered endpoint has not taken an event for three days."`
	Created     time.Time `json:"created"`
	Secret      string    `json:"secret,omitempty" doc:"Signs the events. It is shown only when it is made."`
}

func endpointOf(e payment.Endpoint, secret string) Endpoint {
	state := map[payment.EndpointPause]string{
		payment.NotPaused: "active", payment.PausedByWish: "paused", payment.PausedGone: "gone",
		payment.PausedFailing: "failing",
	}[e.Pause]
	return Endpoint{
		ID: string(e.ID), URL: e.URL, Description: e.Description, Types: append([]string{}, e.Types...),
		Ordered: e.Ordered, State: state, Created: e.Created, Secret: secret,
	}
}

const (
	tagEndpoints  = "Webhook endpoints"
	endpointsPath = Path + "webhook-endpoints"
)

func addEndpoints(s *Server) {
	manage := func(method, id, path, summary, about string) operation {
		return operation{
			id: id, method: method, path: endpointsPath + path, tag: tagEndpoints, scope: party.ScopeManage,
			summary: summary, about: about,
		}
	}
	created := manage(http.MethodPost, "create-endpoint", "", "Add an endpoint",
		"Adds an address to which your events go. `secret` is in this answer only. Events that happened before are not "+
			"sent; redeliver them.")
	created.status = http.StatusCreated
	register(s, created, (*Server).createEndpoint)
	list := manage(http.MethodGet, "list-endpoints", "", "List endpoints", "Lists your endpoints, the oldest first.")
	list.scope = party.ScopeRead
	register(s, list, (*Server).listEndpoints)
	one := manage(http.MethodGet, "get-endpoint", "/{id}", "Get an endpoint", "Returns an endpoint.")
	one.scope = party.ScopeRead
	register(s, one, (*Server).getEndpoint)
	register(s, manage(http.MethodPatch, "update-endpoint", "/{id}", "Change an endpoint",
		"Changes the settings that are given. Waiting events go to the new address."), (*Server).updateEndpoint)
	removed := manage(http.MethodDelete, "delete-endpoint", "/{id}", "Remove an endpoint",
		"Removes an endpoint with its deliveries.")
	removed.status = http.StatusNoContent
	register(s, removed, (*Server).deleteEndpoint)
	register(s, manage(http.MethodPost, "rotate-endpoint-secret", "/{id}/rotate", "Change the secret",
		"Makes a new secret, which is in this answer only. Old secrets sign together with it until the overlap is over."),
		(*Server).rotateEndpoint)
	register(s, manage(http.MethodPost, "test-endpoint", "/{id}/test", "Send a test event",
		"Sends an event of the type endpoint.test to this endpoint only."), (*Server).testEndpoint)
	register(s, manage(http.MethodPost, "redeliver-events", "/{id}/redeliver", "Send events again",
		"Sends one event again, or all events of the endpoint's types since a time."), (*Server).redeliver)
	deliveries := manage(http.MethodGet, "list-deliveries", "/{id}/deliveries", "List deliveries",
		"Lists the events for an endpoint, the newest first, with the last request and its answer.")
	deliveries.scope = party.ScopeRead
	register(s, deliveries, (*Server).listDeliveries)
}

// NewEndpoint is the body of create-endpoint.
type NewEndpoint struct {
	URL         string   `json:"url" minLength:"1" maxLength:"2048" doc:"An https address. A sandbox caller may use http." example:"https://shop.example.com/webhooks"`
	Description string   `json:"description,omitempty" maxLength:"200"`
	Types       []string `json:"types,omitempty" maxItems:"32" doc:"Without it, all events."`
	Ordered     bool     `json:"ordered,omitempty"`
}

type (
	createEndpointInput struct{ Body NewEndpoint }
	endpointAnswer      struct{ Body Endpoint }
	endpointsAnswer     struct{ Body List[Endpoint] }
)

func (s *Server) createEndpoint(ctx context.Context, q *request, in *createEndpointInput) (*endpointAnswer, error) {
	e, secret, err := s.Processor.CreateEndpoint(ctx, q.caller, processor.NewEndpoint{
		URL: in.Body.URL, Description: in.Body.Description, Types: in.Body.Types, Ordered: in.Body.Ordered,
	})
	if err != nil {
		return nil, err
	}
	return &endpointAnswer{endpointOf(e, string(secret.Reveal()))}, nil
}

func (s *Server) listEndpoints(ctx context.Context, q *request, _ *struct{}) (*endpointsAnswer, error) {
	answer := &endpointsAnswer{List[Endpoint]{Data: []Endpoint{}}}
	err := s.view(ctx, func(tx *store.ReadTx) error {
		all, err := tx.Endpoints(q.caller.ID)
		for _, e := range all {
			answer.Body.Data = append(answer.Body.Data, endpointOf(e, ""))
		}
		return err
	})
	return answer, err
}

// endpoint reads an endpoint of the caller.
func (q *request) endpoint(tx *store.ReadTx, id string) (payment.Endpoint, error) {
	e, found, err := tx.Endpoint(q.caller.ID, payment.EndpointID(id))
	if err == nil && !found {
		err = notFound("webhook endpoint")
	}
	return e, err
}

// orNoEndpoint is the problem of an endpoint, or of an event to be redelivered, that
// does not exist.
func orNoEndpoint(err error) error {
	if errors.Is(err, processor.ErrNoEvent) {
		return notFound("event")
	}
	if errors.Is(err, processor.ErrNoEndpoint) {
		return notFound("webhook endpoint")
	}
	return err
}

func (s *Server) getEndpoint(ctx context.Context, q *request, in *ByID) (*endpointAnswer, error) {
	answer := &endpointAnswer{}
	err := s.view(ctx, func(tx *store.ReadTx) error {
		e, err := q.endpoint(tx, in.ID)
		answer.Body = endpointOf(e, "")
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// EndpointChange is the body of update-endpoint.
type EndpointChange struct {
	URL         *string   `json:"url,omitempty" minLength:"1" maxLength:"2048"`
	Description *string   `json:"description,omitempty" maxLength:"200"`
	Types       *[]string `json:"types,omitempty" maxItems:"32"`
	Ordered     *bool     `json:"ordered,omitempty"`
	Paused      *bool     `json:"paused,omitempty" doc:"true: events wait. false: waiting events are sent at once."`
}

type updateEndpointInput struct {
	ByID
	Body EndpointChange
}

func (s *Server) updateEndpoint(ctx context.Context, q *request, in *updateEndpointInput) (*endpointAnswer, error) {
	e, err := s.Processor.UpdateEndpoint(ctx, q.caller, payment.EndpointID(in.ID), processor.EndpointChange(in.Body))
	if err != nil {
		return nil, orNoEndpoint(err)
	}
	return &endpointAnswer{endpointOf(e, "")}, nil
}

type nothing struct{}

func (s *Server) deleteEndpoint(ctx context.Context, q *request, in *ByID) (*nothing, error) {
	if err := s.Processor.RemoveEndpoint(ctx, q.caller, payment.EndpointID(in.ID)); err != nil {
		return nil, orNoEndpoint(err)
	}
	return &nothing{}, nil
}

// RotateEndpoint is the body of rotate-endpoint-secret.
type RotateEndpoint struct {
	OverlapHours int `json:"overlap_hours,omitempty" minimum:"0" maximum:"168" doc:"How long the old secrets sign, too. Without it, they end at once." example:"24"`
}

type rotateEndpointInput struct {
	ByID
	Body RotateEndpoint
}

func (s *Server) rotateEndpoint(ctx context.Context, q *request, in *rotateEndpointInput) (*endpointAnswer, error) {
	e, secret, err := s.Processor.RotateEndpointSecret(ctx, q.caller, payment.EndpointID(in.ID),
		time.Duration(in.Body.OverlapHours)*time.Hour, "")
	if err != nil {
		return nil, orNoEndpoint(err)
	}
	return &endpointAnswer{endpointOf(e, string(secret.Reveal()))}, nil
}

func (s *Server) testEndpoint(ctx context.Context, q *request, in *ByID) (*eventAnswer, error) {
	e, err := s.Processor.TestEndpoint(ctx, q.caller, payment.EndpointID(in.ID))
	if err != nil {
		return nil, orNoEndpoint(err)
	}
	return &eventAnswer{eventOf(e)}, nil
}

// Redeliver is the body of redeliver-events.
type Redeliver struct {
	Event string     `json:"event,omitempty" maxLength:"128" doc:"The id of the event to send again. Give this or since."`
	Since *time.Time `json:"since,omitempty" doc:"Real time: all events since then are sent again."`
}

// Redelivered is the answer to redeliver-events.
type Redelivered struct {
	Queued int `json:"queued" doc:"How many events are sent again."`
}

type (
	redeliverInput struct {
		ByID
		Body Redeliver
	}
	redeliveredAnswer struct{ Body Redelivered }
)

// redeliveriesMax is how many events one request can send again: more would take
// longer than a client waits.
const redeliveriesMax = 100_000

func (s *Server) redeliver(ctx context.Context, q *request, in *redeliverInput) (*redeliveredAnswer, error) {
	r := processor.Redelivery{Most: redeliveriesMax}
	if in.Body.Event != "" {
		r.Events = []payment.EventID{payment.EventID(in.Body.Event)}
	}
	if in.Body.Since != nil {
		r.Since = *in.Body.Since
	}
	queued, err := s.Processor.Redeliver(ctx, q.caller, payment.EndpointID(in.ID), r)
	if err != nil {
		return nil, orNoEndpoint(err)
	}
	return &redeliveredAnswer{Redelivered{queued}}, nil
}

// A Delivery is an event on its way to an endpoint. Its times are real time.
type Delivery struct {
	Event   Event      `json:"event"`
	State   string     `json:"state" enum:"waiting,delivered,given_up"`
	Created time.Time  `json:"created" doc:"When it was queued, the last time."`
	Tries   int        `json:"tries" doc:"How often it was sent since then."`
	Next    *time.Time `json:"next_try,omitempty"`
	LastTry *Try       `json:"last_try,omitempty"`
}

// A Try is one request to an endpoint and its answer.
type Try struct {
	Time   time.Time `json:"time"`
	Millis int64     `json:"milliseconds" doc:"How long it took."`
	Status int       `json:"status,omitempty" doc:"The HTTP status of the answer. It is missing if there was none."`
	Result string    `json:"result" doc:"The result in words."`
	Answer string    `json:"answer,omitempty" doc:"The beginning of the answer, at most 1 kB."`
}

var deliveryStates = map[store.WebhookOutcome]string{
	store.WebhookWaiting: "waiting", store.WebhookDelivered: "delivered", store.WebhookGivenUp: "given_up",
}

func deliveryOf(d store.EventDelivery) Delivery {
	shown := Delivery{
		Event: eventOf(d.Event), State: deliveryStates[d.Outcome], Created: d.Created, Tries: d.Tries,
	}
	if d.Outcome == store.WebhookWaiting {
		shown.Next = &d.NextAt
	}
	if last := d.LastTry; !last.At.IsZero() {
		shown.LastTry = &Try{last.At, last.Took.Milliseconds(), last.Status, last.Result, last.Answer}
	}
	return shown
}

type listDeliveriesInput struct {
	ByID
	Paged
	State string `query:"state" enum:"waiting,delivered,given_up"`
}

type deliveriesAnswer struct{ Body List[Delivery] }

func (s *Server) listDeliveries(ctx context.Context, q *request, in *listDeliveriesInput) (*deliveriesAnswer, error) {
	list := in.ID + " " + in.State
	after, err := q.cursorOf(in.After, list)
	if err != nil {
		return nil, err
	}
	filter := store.WebhookFilter{}
	for outcome, state := range deliveryStates {
		if state == in.State {
			filter.Outcome = outcome
		}
	}
	if after.id != "" {
		if filter.Before, err = strconv.ParseInt(after.id, 10, 64); err != nil {
			return nil, newProblem(InvalidCursor, "", afterFault)
		}
	}
	answer := &deliveriesAnswer{List[Delivery]{Data: []Delivery{}}}
	err = s.view(ctx, func(tx *store.ReadTx) error {
		e, err := q.endpoint(tx, in.ID)
		if err != nil {
			return err
		}
		page, next, err := tx.Webhooks(e, filter, in.Limit)
		for _, d := range page {
			answer.Body.Data = append(answer.Body.Data, deliveryOf(d))
		}
		if next > 0 {
			answer.Body.More, answer.Body.Next = true, cursor{id: strconv.FormatInt(next, 10)}.text(q, list)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}
