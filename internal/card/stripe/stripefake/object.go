package stripefake

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An object is a JSON object of the API. A field that names another object has
// the other's id, and expand puts the object in its place.
type object map[string]any

func (o object) add(more object) { maps.Copy(o, more) }

// A thing is an object that has an id.
type thing interface {
	common() *head
	// render shows the thing as the API does, with ids of other things.
	render(*Server) object
}

type head struct {
	id      string
	live    bool
	created int64 // seconds since 1970
}

func (h *head) common() *head { return h }

// shown begins an object of the API.
func (h *head) shown(kind string) object {
	return object{"id": h.id, "object": kind, "livemode": h.live, "created": h.created}
}

// The letters of ids. They have no digits, so that nothing takes part of an id
// for a card number.
const idLetters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

func letters(n int64, width int) string {
	text := make([]byte, width)
	for i := range slices.Backward(text) {
		text[i] = idLetters[n%int64(len(idLetters))]
		n /= int64(len(idLetters))
	}
	return string(text)
}

// newID makes an id that no other run of the fake makes.
func (s *Server) newID(prefix string) string {
	s.ids++
	return prefix + "_" + letters(s.began, 6) + letters(s.ids, 8)
}

// newHead begins a thing. Things without a request of their own belong to the
// mode that live says.
func (s *Server) newHead(prefix string, live bool) head {
	return head{s.newID(prefix), live, s.now.Unix()}
}

// keep adds a thing to the server.
func (s *Server) keep(t thing) {
	h := t.common()
	s.things[h.id] = t
	kind, _, _ := strings.Cut(h.id, "_")
	s.order[kind] = append(s.order[kind], t)
}

// find returns a thing of the request's mode.
func find[T thing](c *call, kind, id, param string) (T, error) {
	found, ok := c.server.things[id].(T)
	if !ok {
		return found, missing(kind, id, param)
	}
	if found.common().live != c.live {
		var none T
		other, key := "live", "test"
		if c.live {
			other, key = key, other
		}
		return none, &apiError{
			status: 404, Type: typeInvalid, Code: "resource_missing", Param: param,
			Message: fmt.Sprintf("No such %s: '%s'; a similar object exists in %s mode, but a %s mode key was used to make "+
				"this request.",
				kind, id, other, key),
		}
	}
	return found, nil
}

// all returns the things of one kind, the oldest first.
func all[T thing](s *Server, prefix string) []T {
	var found []T
	for _, t := range s.order[prefix] {
		if t, ok := t.(T); ok {
			found = append(found, t)
		}
	}
	return found
}

// Limits of a page of a list.
const (
	pageMax     = 100
	pageDefault = 10
)

// pageOf lists the parameters of every list.
var pageOf = []string{"limit", "starting_after", "ending_before"}

// page answers one page of a list, the newest first.
func (c *call) page(found []thing) (object, error) {
	limit, err := c.form.integer("limit", pageDefault)
	if err != nil {
		return nil, err
	}
	if limit < 1 || limit > pageMax {
		return nil, invalid("limit", "This value must be between 1 and %d.", pageMax)
	}
	found = slices.DeleteFunc(found, func(t thing) bool { return t.common().live != c.live })
	slices.Reverse(found)
	at := func(name string) (int, error) {
		id := c.form.text(name)
		i := slices.IndexFunc(found, func(t thing) bool { return t.common().id == id })
		if i < 0 {
			return 0, missing("object", id, name)
		}
		return i, nil
	}
	from, until := 0, len(found)
	if c.form.has("starting_after") {
		if from, err = at("starting_after"); err != nil {
			return nil, err
		}
		from++
	}
	if c.form.has("ending_before") {
		if until, err = at("ending_before"); err != nil {
			return nil, err
		}
		from = max(from, until-int(limit))
	}
	more := until-from > int(limit)
	if more {
		until = from + int(limit)
	}
	data := []any{}
	for _, t := range found[from:until] {
		data = append(data, t.render(c.server))
	}
	return object{"object": "list", "url": c.request.URL.Path, "has_more": more, "data": data}, nil
}

const expandDepthMax = 4

// expand puts objects in the place of their ids, as the request asks.
func (c *call) expand(answer object) error {
	for _, p := range c.form.list("expand") {
		steps := strings.Split(p, ".")
		if len(steps) > expandDepthMax {
			return invalid("expand", "You cannot expand more than %d levels of a property: %s", expandDepthMax, p)
		}
		if err := c.expandPath(answer, steps, p); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) expandPath(at object, steps []string, path string) error {
	value, ok := at[steps[0]]
	if refunds, is := c.refundsOf(at, steps[0]); is {
		value, ok = refunds, true
		at[steps[0]] = refunds
	}
	if !ok {
		return invalidCode("", "expand", "This property cannot be expanded (%s).", path)
	}
	switch value := value.(type) {
	case nil:
		return nil
	case []any:
		for _, element := range value {
			if element, ok := element.(object); ok && len(steps) > 1 {
				if err := c.expandPath(element, steps[1:], path); err != nil {
					return err
				}
			}
		}
		return nil
	case object:
		if len(steps) > 1 {
			return c.expandPath(value, steps[1:], path)
		}
		return nil
	case string:
		t, is := c.server.things[value]
		if !is {
			return invalidCode("", "expand", "This property cannot be expanded (%s).", path)
		}
		if err := c.mayRead(value); err != nil {
			return err
		}
		shown := t.render(c.server)
		at[steps[0]] = shown
		if len(steps) > 1 {
			return c.expandPath(shown, steps[1:], path)
		}
		return nil
	default:
		return invalidCode("", "expand", "This property cannot be expanded (%s).", path)
	}
}

// refundsOf is the list that a charge has only if it is asked for.
func (c *call) refundsOf(at object, field string) (object, bool) {
	if at["object"] != "charge" || field != "refunds" {
		return nil, false
	}
	if _, there := at[field].(object); there {
		return nil, false
	}
	data := []any{}
	for _, r := range slices.Backward(all[*refund](c.server, "re")) {
		if r.charge == at["id"] {
			data = append(data, r.render(c.server))
		}
	}
	return object{"object": "list", "data": data, "has_more": false, "url": "/v1/refunds"}, true
}

// orNull shows an absent id or text as null.
func orNull[T comparable](value T) any {
	var none T
	if value == none {
		return nil
	}
	return value
}

func shownMap(m map[string]string) object {
	shown := object{}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		shown[key] = m[key]
	}
	return shown
}
