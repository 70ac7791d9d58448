package client

import (
	"encoding/json"
	"fmt"
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
