package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// An Event is one change of an object. It never changes, so it is the same in the
// list and in a webhook.
type Event struct {
	ID       string    `json:"id" doc:"Names the event in the list and in webhooks. Store it, so that you act on each event once."`
	Type     string    `json:"type" doc:"What has happened." example:"hold.held"`
	Time     string    `json:"timestamp" format:"date-time" doc:"When it happened, by your clock at the server."`
	Object   string    `json:"object" enum:"hold,payment,refund,token,checkout,dispute,endpoint"`
	ObjectID string    `json:"object_id"`
	Sequence int       `json:"sequence" doc:"The number of the event among those of its object, from 1 and without gaps."`
	Data     EventData `json:"data" doc:"The object after the change."`
}

// EventData is the object of an event, as it was written.
type EventData jsontext.Value

// Schema implements huma.SchemaProvider.
func (EventData) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: "The object after the change."}
}

// MarshalJSON writes the object as it was stored.
func (d EventData) MarshalJSON() ([]byte, error) { return d, nil }

func eventOf(e payment.Event) Event {
	m := e.Message()
	return Event{
		ID: string(m.ID), Type: string(m.Type), Time: m.At, Object: string(m.Object), ObjectID: m.ObjectID, Sequence: m.Seq,
		Data: EventData(m.Data),
	}
}

// An EventList is one page of the events.
type EventList struct {
	Data []Event `json:"data" doc:"The events of this page, in their order."`
	More bool    `json:"has_more" doc:"Whether there are more events already."`
	Next string  `json:"next,omitempty" doc:"The cursor behind this page. Store it, and send it as after, now or later. It is missing only until there is an event."`
}

const tagEvents = "Events"

func addEvents(s *Server) {
	register(s, operation{
		id: "list-events", method: http.MethodGet, path: Path + "events", tag: tagEvents, scope: party.ScopeRead,
		summary: "List events",
		about: "Lists what has happened, in an order that never changes. A reader that goes on with `next` gets every " +
			"event exactly once. Events begin with the first key or webhook endpoint of a caller.",
	}, (*Server).listEvents)
	register(s, operation{
		id: "get-event", method: http.MethodGet, path: Path + "events/{id}", tag: tagEvents, scope: party.ScopeRead,
		summary: "Get an event", about: "Returns one event.",
	}, (*Server).getEvent)
}

type listEventsInput struct {
	Limit  int      `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many events an answer has at most."`
	After  string   `query:"after" maxLength:"512" doc:"The cursor next of the previous answer. The default is the start of the list."`
	Types  []string `query:"types" maxItems:"50" doc:"Only events of these types, with commas."`
	Object string   `query:"object" maxLength:"128" doc:"Only events of the object with this id."`
}

type (
	eventsAnswer struct{ Body EventList }
	eventAnswer  struct{ Body Event }
)

func (s *Server) listEvents(ctx context.Context, q *request, in *listEventsInput) (*eventsAnswer, error) {
	query := store.EventQuery{After: payment.EventCursor(in.After), Object: in.Object, Limit: in.Limit}
	for _, t := range in.Types {
		query.Types = append(query.Types, payment.EventType(t))
	}
	answer := &eventsAnswer{EventList{Data: []Event{}}}
	err := s.view(ctx, func(tx *store.ReadTx) error {
		page, err := tx.Events(q.caller.ID, query)
		for _, e := range page.Events {
			answer.Body.Data = append(answer.Body.Data, eventOf(e))
		}
		answer.Body.More, answer.Body.Next = page.More, string(page.Next)
		return err
	})
	switch {
	case errors.Is(err, payment.ErrCursor):
		return nil, newProblem(InvalidCursor, sentence(err.Error()), afterFault)
	case errors.Is(err, payment.ErrCursorLost):
		return nil, newProblem(CursorLost, sentence(err.Error()), afterFault)
	case err != nil:
		return nil, err
	}
	return answer, nil
}

var afterFault = Fault{Parameter: "after", Code: InvalidValue, Detail: "This cursor cannot be used."}

func (s *Server) getEvent(ctx context.Context, q *request, in *ByID) (*eventAnswer, error) {
	var e payment.Event
	err := s.view(ctx, func(tx *store.ReadTx) error {
		var found bool
		var err error
		if e, found, err = tx.Event(q.caller.ID, payment.EventID(in.ID)); err == nil && !found {
			err = notFound("event")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &eventAnswer{eventOf(e)}, nil
}
