package stripefake

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// apiVersion is the version of the API that the fake speaks.
const apiVersion = "2026-08-26.dahlia"

// eventLife is how long events can be read.
const eventLife = 30 * 24 * time.Hour

const eventTypesMax = 20 // of one list

// An event tells that something has changed.
type event struct {
	head
	kind         string
	subject      json.RawMessage // at that time
	request, key string          // that caused it; empty for the clock
	undelivered  int             // deliveries that have not succeeded
}

func (e *event) render(*Server) object {
	shown := e.shown("event")
	shown["type"], shown["api_version"] = e.kind, apiVersion
	shown["data"] = object{"object": e.subject}
	shown["pending_webhooks"] = int64(e.undelivered)
	shown["request"] = object{"id": orNull(e.request), "idempotency_key": orNull(e.key)}
	return shown
}

// emit keeps an event, and queues it for the endpoints that want it.
func (s *Server) emit(kind string, about thing) {
	if s.settings.Quiet {
		return
	}
	text, err := json.Marshal(about.render(s))
	if err != nil {
		panic(fmt.Sprintf("stripefake: writing an event: %v", err))
	}
	e := &event{head: s.newHead("evt", about.common().live), kind: kind, subject: text}
	if s.current != nil {
		e.request, e.key = s.current.id, s.current.key
	}
	s.keep(e)
	s.queue(e)
}

func eventRoutes() []route {
	return []route{
		{"GET /v1/events/{id}", "event", false, nil, getEvent},
		{"GET /v1/events", "event", false, listParams("type", "types[]", "delivery_success"), listEvents},
	}
}

func (s *Server) remembers(e *event) bool { return s.now.Sub(time.Unix(e.created, 0)) <= eventLife }

func getEvent(c *call) (object, error) {
	e, err := find[*event](c, "event", c.path(), "id")
	if err != nil {
		return nil, err
	}
	if !c.server.remembers(e) {
		return nil, missing("event", e.id, "id")
	}
	return e.render(c.server), nil
}

func listEvents(c *call) (object, error) {
	created, err := c.form.period("created")
	if err != nil {
		return nil, err
	}
	types := c.form.list("types")
	if c.form.has("type") {
		if len(types) > 0 {
			return nil, invalid("type", "You may pass either `type` or `types`, but not both.")
		}
		types = []string{c.form.text("type")}
	}
	if len(types) > eventTypesMax {
		return nil, invalid("types", "The `types` parameter has more than %d values.", eventTypesMax)
	}
	wantDelivered, err := c.form.boolean("delivery_success")
	if err != nil {
		return nil, err
	}
	var found []thing
	for _, e := range all[*event](c.server, "evt") {
		if !c.server.remembers(e) || !created.has(e.created) || !wanted(types, e.kind) {
			continue
		}
		if c.form.has("delivery_success") && wantDelivered != (e.undelivered == 0) {
			continue
		}
		found = append(found, e)
	}
	return c.page(found)
}

// wanted reports whether a list of types has a type. An empty list has all.
func wanted(types []string, kind string) bool {
	if len(types) == 0 {
		return true
	}
	return slices.ContainsFunc(types, func(t string) bool {
		group, all := strings.CutSuffix(t, "*")
		return t == kind || all && strings.HasPrefix(kind, group)
	})
}
