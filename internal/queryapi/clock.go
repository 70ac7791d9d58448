package queryapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// readClock and moveClock are not actions of the API, but their parameters are
// checked in the same way.
var (
	readClock = action{name: "Clock"}
	moveClock = action{name: "Clock", parameters: []parameter{
		{name: "Advance"},
		{name: "Reset", rule: oneOf("true")},
	}}
)

// clock shows a sandbox caller's clock, and moves it by Advance=168h or
// Reset=true in a POST. It is signed like an action, with its own path.
func (s *Server) clock(r *http.Request, q *request) (reply, error) {
	q.action = "Clock"
	if err := s.authenticate(r, []string{clockPath}, q); err != nil {
		return reply{}, err
	}
	if !q.caller.Sandbox {
		return reply{}, holdfast.Errorf(holdfast.AccessFailure, "Only a sandbox caller has a clock.")
	}
	leave, err := s.enter(q)
	if err != nil {
		return reply{}, err
	}
	defer leave()
	if err := s.readClockAgain(r.Context(), q); err != nil {
		return reply{}, err
	}
	asked := &readClock
	if r.Method == http.MethodPost {
		asked = &moveClock
	}
	if q.params, err = asked.read(holdfast.VersionNewest, q.params); err != nil {
		return reply{}, err
	}
	if asked == &moveClock {
		if err := s.moveClock(r.WithContext(store.ByActor(r.Context(), q.by)), q); err != nil {
			return reply{}, err
		}
	}
	body, err := json.Marshal(struct {
		Now    time.Time `json:"now"`
		Offset string    `json:"offset"`
	}{q.caller.Now(processor.Micro(s.Now())), q.caller.ClockOffset.String()})
	if err != nil {
		return reply{}, fmt.Errorf("writing the clock: %w", err)
	}
	return reply{contentType: typeJSON, body: body}, nil
}

// readClockAgain reads a sandbox caller again, because the one that signed.Callers
// returned may be a second old, and its clock may have been moved since by
// another server or by a command. Other callers have no clock.
func (s *Server) readClockAgain(ctx context.Context, q *request) error {
	if !q.caller.Sandbox {
		return nil
	}
	id := q.caller.ID
	return s.Store.View(ctx, func(tx *store.ReadTx) error {
		now, found, err := tx.Caller(id)
		switch {
		case err != nil:
			return err
		case !found:
			return fmt.Errorf("caller %s is missing", id)
		}
		q.caller = now
		return nil
	})
}

func (s *Server) moveClock(r *http.Request, q *request) error {
	advance, reset := q.params.Get("Advance"), q.params.Get("Reset")
	if (advance == "") == (reset == "") {
		return holdfast.Errorf(holdfast.InvalidParams, "Give either Advance, such as 168h, or Reset=true.")
	}
	if reset != "" {
		after, err := s.Processor.ResetClock(r.Context(), q.caller.ID)
		if err == nil {
			q.caller = after
		}
		return err
	}
	by, err := time.ParseDuration(advance)
	if err != nil {
		return invalid("Advance", "a duration such as 168h or 90m", advance)
	}
	after, err := s.Processor.AdvanceClock(r.Context(), q.caller.ID, by.Truncate(time.Microsecond)) // as it is kept
	if err == nil {
		q.caller = after
	}
	return err
}
