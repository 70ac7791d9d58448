package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// An Event is one change of an object. Webhooks and the feed bring the same
// events.
type Event struct {
	ID        string    `json:"id"`
	Type      string    `json:"type"`      // such as "hold.settled"
	Timestamp time.Time `json:"timestamp"` // in the caller's time
	Object    string    `json:"object"`    // such as "hold"
	ObjectID  string    `json:"object_id"`
	// Sequence numbers the events of an object, from 1 and without gaps.
	Sequence int             `json:"sequence"`
	Data     json.RawMessage `json:"data"` // the object after the change
}

// Into reads the object after the change, for example into a [Hold]. An event has
// only the fields that changes are about; read the object for the others.
func (e Event) Into(object any) error {
	if err := json.Unmarshal(e.Data, object); err != nil {
		return fmt.Errorf("reading the %s of event %s: %w", e.Object, e.ID, err)
	}
	return nil
}

// An EventFilter selects events of the feed. Zero fields select all.
type EventFilter struct {
	Types    []string // such as "hold.settled"
	ObjectID string
}

// An EventPage is a part of the feed. Next is the cursor behind it, also at the end
// of the feed.
type EventPage struct {
	Data []Event `json:"data"`
	More bool    `json:"has_more"`
	Next string  `json:"next"`
}

// Events reads the next events after a cursor. The empty cursor is the beginning of
// the feed. The feed has every event once, in the order in which the server has
// placed it.
func (c *Client) Events(ctx context.Context, after string, f EventFilter) (EventPage, error) {
	q := query{
		{"after", after},
		{"types", strings.Join(f.Types, ",")},
		{"object", f.ObjectID},
		{"limit", strconv.Itoa(eventsMax)},
	}
	p, err := ask[EventPage](ctx, c, call{method: http.MethodGet, path: "events", query: q.values()})
	if err == nil && p.Next == "" {
		p.Next = after
	}
	return p, err
}

// Event returns an event by its id.
func (c *Client) Event(ctx context.Context, id string) (Event, error) {
	return ask[Event](ctx, c, call{method: http.MethodGet, path: at("events", id)})
}

const (
	eventsMax = 500         // of a page
	feedPause = time.Second // at the end of the feed
)

// Feed reads the feed from a cursor on and waits for new events, until the context
// ends. Every page has at least one event. Keep Next in the transaction that acts
// on the events of the page: see package client/inbox. The range ends at the first
// error, which is its last pair.
func (c *Client) Feed(ctx context.Context, after string, f EventFilter) iter.Seq2[EventPage, error] {
	return func(yield func(EventPage, error) bool) {
		for {
			p, err := c.Events(ctx, after, f)
			if err == nil && len(p.Data) == 0 && !p.More {
				after, err = p.Next, c.pause(ctx, feedPause)
				if err == nil {
					continue
				}
			}
			if err != nil {
				yield(EventPage{}, err)
				return
			}
			after = p.Next
			if len(p.Data) > 0 && !yield(p, nil) {
				return
			}
		}
	}
}
