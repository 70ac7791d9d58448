package holdfast

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// A ClockState is the state of a sandbox caller's clock
// (docs/api/sandbox-clock.md).
type ClockState struct {
	Now    time.Time     // the time of the caller's clock
	Offset time.Duration // how far it is ahead of the server's
}

// clockPath is relative to the path of the Query API.
const clockPath = "sandbox/clock"

// Clock reads the caller's clock. Only sandbox callers have one.
func (c *Client) Clock(ctx context.Context) (ClockState, error) {
	state, err := c.askClock(ctx, http.MethodGet, nil, c.retriesMax())
	if err != nil {
		return ClockState{}, fmt.Errorf("reading the clock: %w", err)
	}
	return state, nil
}

// AdvanceClock moves the caller's clock forward, so that the caller's holds and
// tokens expire earlier in real time. Unlike other requests it is never
// repeated, because each request moves the clock again.
func (c *Client) AdvanceClock(ctx context.Context, by time.Duration) (ClockState, error) {
	state, err := c.askClock(ctx, http.MethodPost, Params{{"Advance", by.String()}}, 0)
	if err != nil {
		return ClockState{}, fmt.Errorf("advancing the clock: %w", err)
	}
	return state, nil
}

// ResetClock sets the caller's clock back to the server's.
func (c *Client) ResetClock(ctx context.Context) (ClockState, error) {
	state, err := c.askClock(ctx, http.MethodPost, Params{{"Reset", "true"}}, c.retriesMax())
	if err != nil {
		return ClockState{}, fmt.Errorf("resetting the clock: %w", err)
	}
	return state, nil
}

func (c *Client) askClock(ctx context.Context, verb string, params Params, retriesMax int) (ClockState, error) {
	u, err := parseEndpoint(c.Endpoint)
	if err != nil {
		return ClockState{}, err
	}
	u = clockURL(u)
	rep, err := c.sendSigned(ctx, verb, u, params, retriesMax)
	if err != nil {
		return ClockState{}, err
	}
	if rep.status != http.StatusOK {
		_, _, err := rep.result("Clock") // always an error: there is no action Clock
		return ClockState{}, err
	}
	var body struct {
		Now    time.Time `json:"now"`
		Offset string    `json:"offset"`
	}
	if err := json.Unmarshal(rep.body, &body); err != nil {
		return ClockState{}, errors.New("the answer is not the state of a clock")
	}
	offset, err := time.ParseDuration(body.Offset)
	if err != nil || body.Now.IsZero() {
		return ClockState{}, errors.New("the answer is not the state of a clock")
	}
	return ClockState{Now: body.Now, Offset: offset}, nil
}

func clockURL(endpoint *url.URL) *url.URL {
	if endpoint.Path == "" {
		endpoint.Path = "/"
	}
	return endpoint.JoinPath(clockPath)
}
