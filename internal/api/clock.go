package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Clock is the time of a sandbox caller.
type Clock struct {
	Now    time.Time `json:"now" doc:"Your time at the server. Deadlines are compared with it."`
	Offset int64     `json:"offset_seconds" doc:"How far your time is ahead of real time."`
}

// MoveClock is the body of move-clock.
type MoveClock struct {
	Advance string     `json:"advance,omitempty" maxLength:"32" pattern:"^([0-9]+(h|m|s))+$" patternDescription:"a duration of hours, minutes and seconds, such as 168h or 1h30m" example:"168h" doc:"How far to move the clock forward."`
	To      *time.Time `json:"to,omitempty" doc:"A later time to move the clock to."`
	Reset   bool       `json:"reset,omitempty" doc:"Put the clock back to real time. What has expired stays expired."`
}

const (
	tagSandbox = "Sandbox"
	clockPath  = Path + "sandbox/clock"
)

func addClock(s *Server) {
	register(s, operation{
		id: "get-clock", method: http.MethodGet, path: clockPath, tag: tagSandbox, scope: party.ScopeRead,
		summary: "Get the clock",
		about:   "Returns the time of a sandbox caller. Other callers have no clock of their own.",
	}, (*Server).getClock)
	register(s, operation{
		id: "move-clock", method: http.MethodPost, path: clockPath, tag: tagSandbox, scope: party.ScopeManage,
		summary: "Move the clock",
		about: "Moves the clock of a sandbox caller, to see how holds, tokens and checkouts expire. Give one of the " +
			"fields. A caller with an account at a card network has the network's time, which cannot be moved.",
	}, (*Server).moveClock)
}

type (
	clockAnswer    struct{ Body Clock }
	moveClockInput struct{ Body MoveClock }
)

func (s *Server) getClock(ctx context.Context, q *request, _ *struct{}) (*clockAnswer, error) {
	caller, err := s.clockOf(ctx, q)
	if err != nil {
		return nil, err
	}
	return clockAnswered(caller, q.real), nil
}

func clockAnswered(c party.Caller, real time.Time) *clockAnswer {
	return &clockAnswer{Clock{c.Now(real), int64(c.ClockOffset / time.Second)}}
}

// clockOf reads the caller again, because the caller of a request may be a second
// old. It refuses callers without a clock of their own.
func (s *Server) clockOf(ctx context.Context, q *request) (caller party.Caller, err error) {
	err = s.view(ctx, func(tx *store.ReadTx) error {
		var found bool
		if caller, found, err = tx.Caller(q.caller.ID); err == nil && !found {
			err = fmt.Errorf("caller %s is missing", q.caller.ID)
		}
		return err
	})
	switch {
	case err != nil:
	case !caller.Sandbox:
		err = newProblem("not_allowed", "Only a sandbox caller has a clock of its own.")
	case caller.Network != "":
		err = newProblem("not_allowed", "A caller with an account at a card network has the network's time.")
	}
	return caller, err
}

func (s *Server) moveClock(ctx context.Context, q *request, in *moveClockInput) (*clockAnswer, error) {
	given := 0
	for _, is := range []bool{in.Body.Advance != "", in.Body.To != nil, in.Body.Reset} {
		if is {
			given++
		}
	}
	if given != 1 {
		return nil, newProblem(InvalidRequest, "Give one of advance, to and reset.", Fault{
			Code: InvalidValue, Detail: "Give one of advance, to and reset.",
		})
	}
	before, err := s.clockOf(ctx, q)
	if err != nil {
		return nil, err
	}
	if in.Body.Reset {
		after, err := s.Processor.ResetClock(ctx, before.ID)
		return clockAnswered(after, q.real), err
	}
	by, err := in.Body.by(before.Now(q.real))
	if err != nil {
		return nil, err
	}
	after, err := s.Processor.AdvanceClock(ctx, before.ID, by)
	return clockAnswered(after, q.real), err
}

// by is how far the clock is moved. now is the time that it shows.
func (m MoveClock) by(now time.Time) (time.Duration, error) {
	wrong := func(field, detail string) error {
		return newProblem(InvalidRequest, "", Fault{Pointer: "/" + field, Code: InvalidValue, Detail: detail})
	}
	if m.To != nil {
		to := m.To.Truncate(time.Microsecond)
		by := to.Sub(now)
		if by <= 0 || !now.Add(by).Equal(to) {
			return 0, wrong("to", "It must be ahead of your time, which is "+now.Format(time.RFC3339)+", by at most ten years.")
		}
		return by, nil
	}
	by, err := time.ParseDuration(m.Advance)
	if err != nil || by <= 0 {
		return 0, wrong("advance", "It must be a duration above zero, such as 168h, and at most ten years.")
	}
	return by, nil
}
