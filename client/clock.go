package client

import (
	"context"
	"net/http"
	"time"
)

// A Clock is the time of a sandbox caller.
type Clock struct {
	Now           time.Time `json:"now"`
	OffsetSeconds int64     `json:"offset_seconds"`
}

const clockPath = "sandbox/clock"

// Clock returns the time of a sandbox caller.
func (c *Client) Clock(ctx context.Context) (Clock, error) {
	return ask[Clock](ctx, c, call{method: http.MethodGet, path: clockPath})
}

// MoveClock moves the clock of a sandbox caller to a time ahead.
func (c *Client) MoveClock(ctx context.Context, to time.Time) (Clock, error) {
	return ask[Clock](ctx, c, call{method: http.MethodPost, path: clockPath, body: map[string]time.Time{"to": to}})
}

// ResetClock puts the clock of a sandbox caller back to real time. What has
// expired stays expired.
func (c *Client) ResetClock(ctx context.Context) (Clock, error) {
	return ask[Clock](ctx, c, call{method: http.MethodPost, path: clockPath, body: map[string]bool{"reset": true}})
}
