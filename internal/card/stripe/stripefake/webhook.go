package stripefake

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// An endpoint is an address that events are sent to.
type endpoint struct {
	head
	url, description string
	events           []string
	secret           string
	version          string
	disabled         bool
	metadata         map[string]string
}

func (e *endpoint) render(*Server) object {
	shown := e.shown("webhook_endpoint")
	events := []any{}
	for _, t := range e.events {
		events = append(events, t)
	}
	status := "enabled"
	if e.disabled {
		status = "disabled"
	}
	shown["url"], shown["enabled_events"], shown["status"] = e.url, events, status
	shown["api_version"], shown["description"] = orNull(e.version), orNull(e.description)
	shown["metadata"], shown["application"] = shownMap(e.metadata), nil
	return shown
}

func endpointRoutes() []route {
	const path, right = "/v1/webhook_endpoints", "webhook"
	fields := []string{"url", "enabled_events[]", "description", "metadata[*]"}
	return []route{
		{"POST " + path, right, true, append(slices.Clone(fields), "api_version", "connect"), createEndpoint},
		{"GET " + path + "/{id}", right, false, nil, getEndpoint},
		{"POST " + path + "/{id}", right, true, append(slices.Clone(fields), "disabled"), updateEndpoint},
		{"DELETE " + path + "/{id}", right, true, nil, deleteEndpoint},
		{"GET " + path, right, false, pageOf, listEndpoints},
	}
}

func createEndpoint(c *call) (object, error) {
	if _, err := c.form.required("url"); err != nil {
		return nil, err
	}
	if len(c.form.list("enabled_events")) == 0 {
		return nil, invalidCode("parameter_missing", "enabled_events", "Missing required param: enabled_events.")
	}
	e := &endpoint{head: c.server.newHead("we", c.live), version: c.form.text("api_version")}
	if err := e.change(c); err != nil {
		return nil, err
	}
	e.secret = c.server.newSecret()
	c.server.keep(e)
	shown := e.render(c.server)
	shown["secret"] = e.secret // this once
	return shown, nil
}

func (e *endpoint) change(c *call) error {
	if c.form.has("url") {
		u, err := url.Parse(c.form.text("url"))
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return invalidCode("url_invalid", "url", "Invalid URL: an explicit scheme (such as https) must be provided.")
		}
		e.url = c.form.text("url")
	}
	if events := c.form.list("enabled_events"); len(events) > 0 {
		e.events = events
	}
	if c.form.has("description") {
		e.description = c.form.text("description")
	}
	disabled, err := c.form.boolean("disabled")
	if err != nil {
		return err
	}
	if c.form.has("disabled") {
		e.disabled = disabled
	}
	e.metadata, err = c.form.metadata("metadata", e.metadata)
	return err
}

func (c *call) endpoint() (*endpoint, error) {
	return find[*endpoint](c, "webhook endpoint", c.path(), "webhook_endpoint")
}

func getEndpoint(c *call) (object, error) {
	e, err := c.endpoint()
	if err != nil {
		return nil, err
	}
	return e.render(c.server), nil
}

func updateEndpoint(c *call) (object, error) {
	e, err := c.endpoint()
	if err != nil {
		return nil, err
	}
	changed := *e
	if err := changed.change(c); err != nil {
		return nil, err
	}
	*e = changed
	return e.render(c.server), nil
}

func deleteEndpoint(c *call) (object, error) {
	e, err := c.endpoint()
	if err != nil {
		return nil, err
	}
	s := c.server
	delete(s.things, e.id)
	s.order["we"] = slices.DeleteFunc(s.order["we"], func(t thing) bool { return t == thing(e) })
	s.deliveries = slices.DeleteFunc(s.deliveries, func(d *Delivery) bool { return d.endpoint == e })
	return object{"id": e.id, "object": "webhook_endpoint", "deleted": true}, nil
}

func listEndpoints(c *call) (object, error) { return c.page(slices.Clone(c.server.order["we"])) }

// newSecret makes a secret that signs the events of an endpoint.
func (s *Server) newSecret() string { return "whsec_" + letters(s.began, 8) + letters(s.ids, 24) }

// Subscribe makes an endpoint for all events of a mode. It returns the secret
// that signs them.
func (s *Server) Subscribe(address string, live bool) (secret string) {
	s.lock()
	defer s.mu.Unlock()
	s.write(entry{Subscribe: &subscribeEntry{address, live}})
	e := &endpoint{head: s.newHead("we", live), url: address, events: []string{"*"}, version: apiVersion}
	e.secret = s.newSecret()
	s.keep(e)
	return e.secret
}

// A Delivery is one event for one endpoint.
type Delivery struct {
	Event string // its id
	Type  string
	URL   string
	Tries int

	event    *event
	endpoint *endpoint
	next     time.Time
}

func (s *Server) queue(e *event) {
	for _, t := range s.order["we"] {
		to := t.(*endpoint)
		if to.live != e.live || to.disabled || !wanted(to.events, e.kind) {
			continue
		}
		e.undelivered++
		s.deliveries = append(s.deliveries, &Delivery{
			Event: e.id, Type: e.kind, URL: to.url, event: e, endpoint: to, next: s.now,
		})
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Deliveries returns what was not delivered yet, in the order of the events. A
// test may leave some out, repeat some or change the order, and Send them.
func (s *Server) Deliveries() []*Delivery {
	s.lock()
	defer s.mu.Unlock()
	return slices.Clone(s.deliveries)
}

// Drop loses deliveries for ever.
func (s *Server) Drop(lost ...*Delivery) {
	s.lock()
	defer s.mu.Unlock()
	s.deliveries = slices.DeleteFunc(s.deliveries, func(d *Delivery) bool { return slices.Contains(lost, d) })
}

// Shuffle changes the order of deliveries.
func Shuffle(deliveries []*Delivery, random *rand.Rand) {
	random.Shuffle(len(deliveries), func(i, j int) { deliveries[i], deliveries[j] = deliveries[j], deliveries[i] })
}

// Signature signs a message as Stripe does, in the header Stripe-Signature.
func Signature(secret string, body []byte, at time.Time) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.", at.Unix())
	mac.Write(body)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))
}

// Message returns the body of a delivery and its signature for the present time.
func (s *Server) Message(d *Delivery) (body []byte, signature string) {
	s.lock()
	defer s.mu.Unlock()
	body, err := json.MarshalIndent(d.event.render(s), "", "  ")
	if err != nil {
		panic(fmt.Sprintf("stripefake: writing an event: %v", err))
	}
	return body, Signature(d.endpoint.secret, body, s.now)
}

// Send sends one delivery now. It may be sent again. It returns the status of the
// answer.
func (s *Server) Send(ctx context.Context, d *Delivery) (int, error) {
	body, signature := s.Message(d)
	s.lock()
	client := s.settings.Client
	d.Tries++
	d.next = s.now.Add(pause(d.Tries))
	s.mu.Unlock()
	if client == nil {
		client = &http.Client{Timeout: sendTimeout}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("sending event %s: %w", d.Event, err)
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	r.Header.Set("Stripe-Signature", signature)
	resp, err := client.Do(r)
	if err != nil {
		return 0, fmt.Errorf("sending event %s: %w", d.Event, err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, bodyMax)); err != nil {
		return 0, fmt.Errorf("sending event %s: reading the answer: %w", d.Event, err)
	}
	s.lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.deliveries, d); i >= 0 && resp.StatusCode/100 == 2 {
		s.deliveries = slices.Delete(s.deliveries, i, i+1)
		d.event.undelivered--
	}
	return resp.StatusCode, nil
}

// sendTimeout is how long an endpoint may take to answer.
const sendTimeout = 20 * time.Second

// pause is how long a failed delivery waits, by how often it was tried.
func pause(tries int) time.Duration { return min(time.Minute<<min(tries, 10), 12*time.Hour) }

// retryFor is how long a delivery is tried again in live mode.
const (
	retryFor      = 3 * 24 * time.Hour
	testTriesMost = 3
)

// due returns what is to be sent now, and gives up what has failed too long.
func (s *Server) due() []*Delivery {
	s.lock()
	defer s.mu.Unlock()
	s.deliveries = slices.DeleteFunc(s.deliveries, func(d *Delivery) bool {
		if d.event.live {
			return s.now.Sub(time.Unix(d.event.created, 0)) > retryFor
		}
		return d.Tries >= testTriesMost
	})
	var now []*Delivery
	for _, d := range s.deliveries {
		if !d.next.After(s.now) {
			now = append(now, d)
		}
	}
	return now
}

// Deliver sends all that is due, in order. It returns the errors of all that
// failed; they are tried again when their pause is over.
func (s *Server) Deliver(ctx context.Context) error {
	var failed []error
	for _, d := range s.due() {
		status, err := s.Send(ctx, d)
		if err == nil && status/100 != 2 {
			err = fmt.Errorf("sending event %s: the answer is %d", d.Event, status)
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// Run delivers events as they come, until the context ends.
func (s *Server) Run(ctx context.Context) {
	const often = time.Second // for the clock's events, and for what is tried again
	tick := time.NewTicker(often)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-tick.C:
		}
		_ = s.Deliver(ctx) // what failed is tried again
	}
}
