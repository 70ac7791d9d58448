package stripefake

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// A route is an endpoint of the API.
type route struct {
	pattern string // of http.ServeMux
	right   string // that a restricted key needs
	write   bool
	params  []string // that the endpoint takes
	do      func(*call) (object, error)
}

// A call is a request on its way.
type call struct {
	server  *Server
	route   *route
	request *http.Request
	form    form
	body    string
	id      string // of the request
	key     string // of idempotency
	live    bool
	rights  Rights
}

// path returns the id in the request's path.
func (c *call) path() string { return c.request.PathValue("id") }

func (s *Server) newRequestID() string {
	s.asked++
	return "req_" + letters(s.began, 6) + letters(s.asked, 8)
}

// An answer is what the client gets.
type answer struct {
	status   int
	header   map[string]string
	body     []byte
	at       time.Time
	replayed bool
	unstored bool
}

// answerOf writes an object or an error.
func (c *call) answerOf(shown object, err error) answer {
	a := answer{status: http.StatusOK, header: map[string]string{}, at: c.server.now}
	if err != nil {
		var refusal *apiError
		if !errors.As(err, &refusal) {
			panic(fmt.Sprintf("stripefake: an error that is none of the API: %v", err))
		}
		refusal.RequestLogURL = "https://dashboard.stripe.com/logs/" + c.id
		if refusal.header != "" {
			a.header[refusal.header] = refusal.headerValue
		}
		switch {
		case refusal.status == http.StatusConflict || refusal.Code == "lock_timeout":
			a.header["Stripe-Should-Retry"] = "true"
		case refusal.status < http.StatusInternalServerError && refusal.status != http.StatusTooManyRequests:
			a.header["Stripe-Should-Retry"] = "false"
		}
		a.status, a.body, a.unstored = refusal.status, refusal.body(), refusal.unstored
		return a
	}
	if alter := c.server.settings.Alter; alter != nil {
		alter(c.request, shown)
	}
	text, err := json.MarshalIndent(shown, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("stripefake: writing an answer: %v", err))
	}
	a.body = text
	return a
}

// serve takes a request through its steps. No hook runs under the lock.
func (s *Server) serve(rt *route, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	s.lock()
	c := &call{server: s, route: rt, request: r, id: s.newRequestID(), key: r.Header.Get("Idempotency-Key")}
	s.counts[rt.pattern]++
	script := s.scriptFor(r)
	settings := s.settings
	s.mu.Unlock()

	var a answer
	if early, ok := script.early(c); ok {
		a = early
	} else {
		if settings.Validate != nil {
			if err := settings.Validate(r, body); err != nil {
				s.lock()
				s.fault("%s %s: %v", r.Method, r.URL.Path, err)
				s.mu.Unlock()
			}
		}
		a = s.answer(c, script, body)
	}
	s.lock()
	if script.cut() {
		s.record(c, answer{})
	} else {
		s.record(c, a)
	}
	s.mu.Unlock()
	c.write(w, script, a)
}

// answer finds the answer: a stored one, or that of the first execution.
func (s *Server) answer(c *call, script *Script, body []byte) answer {
	s.lock()
	before, settled := s.admit(c, body)
	hook := s.settings.Before
	s.mu.Unlock()
	if settled {
		return before
	}
	if hook != nil {
		hook(c.request)
	}
	script.run(SlowBefore, c.request)
	a := s.execute(c, script)
	// The key stays in use until the answer is on its way.
	script.run(SlowAfter, c.request)
	s.lock()
	s.settle(c, a)
	s.mu.Unlock()
	return a
}

func (s *Server) execute(c *call, script *Script) answer {
	s.lock()
	defer s.mu.Unlock()
	if script.is(ErrorBefore) {
		return c.answerOf(nil, serverError())
	}
	s.current = c
	defer func() { s.current = nil }()
	if c.request.Method != http.MethodGet {
		s.write(entry{Request: &requestEntry{
			Method: c.request.Method, URI: c.request.URL.RequestURI(), Key: c.key, Body: c.body, Live: c.live,
		}})
	}
	shown, err := c.route.do(c)
	if err == nil {
		err = c.expand(shown)
	}
	if script.is(ErrorAfter) {
		return c.answerOf(nil, serverError())
	}
	return c.answerOf(shown, err)
}

// admit checks what comes before the execution of a request. If settled, the
// answer is known already.
func (s *Server) admit(c *call, body []byte) (a answer, settled bool) {
	if err := s.authorise(c); err != nil {
		return c.answerOf(nil, err), true
	}
	if err := s.limit(c); err != nil {
		return c.answerOf(nil, err), true
	}
	if c.request.Header.Get("Stripe-Version") == "" {
		s.fault("%s %s has no Stripe-Version", c.request.Method, c.request.URL.Path)
	}
	if err := c.read(body); err != nil {
		s.fault("%s %s: %v", c.request.Method, c.request.URL.Path, err)
		return c.answerOf(nil, err), true
	}
	if c.request.Method != http.MethodPost {
		return answer{}, false
	}
	if c.key == "" {
		s.fault("POST %s has no Idempotency-Key", c.request.URL.Path)
		return answer{}, false
	}
	return s.replay(c)
}

// read reads the request's parameters.
func (c *call) read(body []byte) error {
	raw := c.request.URL.RawQuery
	if c.request.Method == http.MethodPost {
		kind, _, _ := strings.Cut(c.request.Header.Get("Content-Type"), ";")
		if len(body) > 0 && kind != "application/x-www-form-urlencoded" {
			return invalid("", "Invalid request (check that your POST content type is application/x-www-form-urlencoded).")
		}
		raw = string(body)
	}
	c.body = string(body)
	var err error
	if c.form, err = readForm(raw); err != nil {
		return err
	}
	if name, found := c.form.unknown(c.route.params); found {
		return invalidCode("parameter_unknown", name, "Received unknown parameter: %s", name)
	}
	return nil
}

func (s *Server) record(c *call, a answer) {
	shown := map[string]string{}
	for _, p := range c.form {
		shown[p.sent] = p.value
	}
	if len(s.requests) >= requestsKept {
		s.requests = append(s.requests[:0:0], s.requests[requestsKept/2:]...)
	}
	s.requests = append(s.requests, Request{
		Method: c.request.Method, Path: c.request.URL.Path, Endpoint: c.route.pattern, Key: c.key,
		Form: shown, Status: a.status, Replayed: a.replayed, At: s.now,
	})
}

// write sends the answer, or what a script makes of it.
func (c *call) write(w http.ResponseWriter, script *Script, a answer) {
	if script.cut() {
		cutConnection(w)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Request-Id", c.id)
	if !a.at.IsZero() {
		header.Set("Date", a.at.UTC().Format(http.TimeFormat))
	}
	header.Set("Stripe-Version", c.request.Header.Get("Stripe-Version"))
	if c.key != "" && c.request.Method == http.MethodPost {
		header.Set("Idempotency-Key", c.key)
	}
	if a.replayed {
		header.Set("Idempotent-Replayed", "true")
	}
	for name, value := range a.header {
		header.Set(name, value)
	}
	if script.is(CutBody) {
		header.Set("Content-Length", fmt.Sprint(len(a.body)))
		a.body = a.body[:len(a.body)/2]
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client may be gone
}
