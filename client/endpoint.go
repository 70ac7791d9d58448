package client

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// An Endpoint is an address to which events go, as signed requests.
type Endpoint struct {
	ID          string    `json:"id"`
	URL         string    `json:"url"`
	Description string    `json:"description"`
	Types       []string  `json:"types"` // none means all events
	Ordered     bool      `json:"ordered"`
	State       string    `json:"state"` // "active", "paused", "gone" or "failing"
	Created     time.Time `json:"created"`
	Secret      string    `json:"secret"` // only in the answer that makes it; see [Verifier]
}

// A NewEndpoint asks for an endpoint.
type NewEndpoint struct {
	URL         string   `json:"url"`
	Description string   `json:"description,omitempty"`
	Types       []string `json:"types,omitempty"` // such as "hold.settled" or "hold.*"; none means all
	Ordered     bool     `json:"ordered,omitempty"`
}

const endpoints = "webhook-endpoints"

// CreateEndpoint adds an endpoint. Its secret is in this answer only. The call is
// made once: if its outcome is in doubt, list the endpoints.
func (c *Client) CreateEndpoint(ctx context.Context, n NewEndpoint) (Endpoint, error) {
	return ask[Endpoint](ctx, c, call{method: http.MethodPost, path: endpoints, body: n})
}

// Endpoint returns an endpoint.
func (c *Client) Endpoint(ctx context.Context, id string) (Endpoint, error) {
	return ask[Endpoint](ctx, c, call{method: http.MethodGet, path: at(endpoints, id)})
}

// Endpoints returns all endpoints, the oldest first.
func (c *Client) Endpoints(ctx context.Context) ([]Endpoint, error) {
	all, err := ask[page[Endpoint]](ctx, c, call{method: http.MethodGet, path: endpoints})
	return all.Data, err
}

// An EndpointChange is a change of an endpoint. Nil leaves a setting as it is.
type EndpointChange struct {
	URL         *string   `json:"url,omitempty"`
	Description *string   `json:"description,omitempty"`
	Types       *[]string `json:"types,omitempty"`
	Ordered     *bool     `json:"ordered,omitempty"`
	Paused      *bool     `json:"paused,omitempty"` // while it is paused, events wait
}

// UpdateEndpoint changes the settings of an endpoint.
func (c *Client) UpdateEndpoint(ctx context.Context, id string, change EndpointChange) (Endpoint, error) {
	return ask[Endpoint](ctx, c, call{method: http.MethodPatch, path: at(endpoints, id), body: change})
}

// DeleteEndpoint removes an endpoint with its deliveries.
func (c *Client) DeleteEndpoint(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: at(endpoints, id)})
	return err
}

// RotateSecret makes a new secret of an endpoint, which is in this answer only. Old
// secrets sign together with it for the overlap, of at most 168 hours.
func (c *Client) RotateSecret(ctx context.Context, id string, overlapHours int) (Endpoint, error) {
	return ask[Endpoint](ctx, c, call{
		method: http.MethodPost, path: at(endpoints, id, "rotate"), body: map[string]int{"overlap_hours": overlapHours},
	})
}

// TestEndpoint sends a test event to an endpoint.
func (c *Client) TestEndpoint(ctx context.Context, id string) (Event, error) {
	return ask[Event](ctx, c, call{method: http.MethodPost, path: at(endpoints, id, "test")})
}

type redelivered struct {
	Queued int `json:"queued"`
}

// RedeliverEvent sends one event to an endpoint again.
func (c *Client) RedeliverEvent(ctx context.Context, id, event string) error {
	_, err := ask[redelivered](ctx, c, call{
		method: http.MethodPost, path: at(endpoints, id, "redeliver"), body: map[string]string{"event": event},
	})
	return err
}

// RedeliverSince sends all events since a time to an endpoint again, and returns how
// many.
func (c *Client) RedeliverSince(ctx context.Context, id string, since time.Time) (queued int, err error) {
	answer, err := ask[redelivered](ctx, c, call{
		method: http.MethodPost, path: at(endpoints, id, "redeliver"), body: map[string]time.Time{"since": since},
	})
	return answer.Queued, err
}

// A Delivery is an event on its way to an endpoint. Its times are real time.
type Delivery struct {
	Event   Event     `json:"event"`
	State   string    `json:"state"` // "waiting", "delivered" or "given_up"
	Created time.Time `json:"created"`
	Tries   int       `json:"tries"`
	NextTry time.Time `json:"next_try"`
	LastTry *Try      `json:"last_try"`
}

// A Try is one request to an endpoint and its answer.
type Try struct {
	Time         time.Time `json:"time"`
	Milliseconds int64     `json:"milliseconds"`
	Status       int       `json:"status"` // of HTTP; zero if there was no answer
	Result       string    `json:"result"`
	Answer       string    `json:"answer"` // its beginning
}

// Deliveries lists the events for an endpoint, the newest first. An empty state
// selects all.
func (c *Client) Deliveries(ctx context.Context, id, state string) iter.Seq2[Delivery, error] {
	return list[Delivery](ctx, c, at(endpoints, id, "deliveries"), query{{"state", state}})
}
