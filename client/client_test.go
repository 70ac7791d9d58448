package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/client"
)

// A server answers calls from a script, and notes what it is sent.
type server struct {
	t       *testing.T
	answers []answer
	got     []string // method, path with query, idempotency key and body
	pauses  []time.Duration
}

type answer struct {
	status int
	body   string
	header http.Header
	cut    bool // the connection ends before the answer does
}

const problem = `{"title":"No.","status":409,"code":"token_used","detail":"It was used.","request_id":"req_1",
	"type":"https://pay.example.com/v1/#token_used","errors":[{"pointer":"/token","code":"invalid_value","detail":"x"}]}`

func newServer(t *testing.T, answers ...answer) (*server, *client.Client) {
	t.Helper()
	s := &server{t: t, answers: answers}
	at := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(at.Close)
	return s, &client.Client{
		Address: at.URL + "/pay/", Key: holdfast.NewSecretKey("hf_test_J01_secret"),
		// Package net/http repeats a request with an idempotency key by itself if a
		// connection that was used before is cut. Here each try has a new connection.
		HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		Pause: func(_ context.Context, d time.Duration) error {
			s.pauses = append(s.pauses, d)
			return nil
		},
	}
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	if got := r.Header.Get("Authorization"); got != "Bearer hf_test_J01_secret" {
		s.t.Errorf("the key is sent as %q", got)
	}
	s.got = append(s.got, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", r.Method, r.URL.RequestURI(),
		r.Header.Get("Idempotency-Key"), body)))
	a := answer{status: http.StatusInternalServerError}
	if len(s.answers) > 0 {
		a, s.answers = s.answers[0], s.answers[1:]
	}
	if a.cut {
		panic(http.ErrAbortHandler)
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	fmt.Fprint(w, a.body)
}

// want fails the test unless the server was sent exactly these calls.
func (s *server) want(calls ...string) {
	s.t.Helper()
	if !slices.Equal(s.got, calls) {
		s.t.Errorf("sent:\n%s\nwant:\n%s", strings.Join(s.got, "\n"), strings.Join(calls, "\n"))
	}
}

const (
	madeHold = `{"id":"1T1","state":"held","amount":{"amount":"12.50","currency":"USD"}}`
	holdCall = `POST /pay/v1/holds order-1 {"token":"K1","amount":{"amount":"12.50","currency":"USD"}}`
)

func hold(t *testing.T, c *client.Client) (client.Hold, error) {
	t.Helper()
	return c.CreateHold(t.Context(), "order-1", client.NewHold{Token: "K1", Amount: client.Cents(1250)})
}

// Every try sends the same bytes with the same key.
func TestASafeCallIsRepeated(t *testing.T) {
	s, c := newServer(t, answer{status: 503}, answer{cut: true}, answer{status: 429}, answer{status: 201, body: madeHold})
	made, err := hold(t, c)
	if err != nil || made.ID != "1T1" || made.State != client.HoldHeld || made.Amount.Cmp(client.Cents(1250).Amount) != 0 {
		t.Errorf("the hold is %+v, %v", made, err)
	}
	s.want(holdCall, holdCall, holdCall, holdCall)
	for i, least := range []time.Duration{200, 400, 800} {
		if least *= time.Millisecond; s.pauses[i] < least || s.pauses[i] > least*3/2 {
			t.Errorf("pause %d is %v", i, s.pauses[i])
		}
	}
}

func TestTheServerSaysHowLongToWait(t *testing.T) {
	wait := func(value string) answer {
		return answer{status: 429, header: http.Header{"Retry-After": {value}}}
	}
	s, c := newServer(t, wait("7"), wait("100000"), wait("-3"), answer{status: 201, body: madeHold})
	if _, err := hold(t, c); err != nil {
		t.Fatal(err)
	}
	if s.pauses[0] != 7*time.Second || s.pauses[1] != 30*time.Second || s.pauses[2] > 2*time.Second {
		t.Errorf("the pauses are %v", s.pauses)
	}
}

// A call without an idempotency key is made once, because its answer may be lost
// after it was carried out.
func TestACallWithoutAKeyIsNotRepeated(t *testing.T) {
	s, c := newServer(t, answer{status: 503})
	_, err := c.CancelToken(t.Context(), "K1")
	if doubt, ok := errors.AsType[*client.InDoubtError](err); !ok || doubt.Operation != "POST /v1/tokens/K1/cancel" {
		t.Errorf("the error is %v", err)
	}
	s.want("POST /pay/v1/tokens/K1/cancel")
}

func TestARefusal(t *testing.T) {
	s, c := newServer(t, answer{status: 409, body: problem})
	_, err := hold(t, c)
	refused, ok := errors.AsType[*client.Error](err)
	if !ok || refused.Status != 409 || refused.Code != "token_used" || refused.RequestID != "req_1" ||
		len(refused.Faults) != 1 || refused.Faults[0].Pointer != "/token" {
		t.Errorf("the error is %+v", err)
	}
	if !client.IsCode(err, "token_used") || client.IsCode(err, client.CodeNotFound) {
		t.Error("IsCode is wrong")
	}
	if said := err.Error(); said != "token_used: It was used. (request req_1)" {
		t.Errorf("it says %q", said)
	}
	s.want(holdCall)
}

// After these answers nobody knows whether money has moved.
func TestInDoubt(t *testing.T) {
	for name, a := range map[string]answer{
		"fails":              {status: 500, body: strings.Replace(problem, "token_used", "internal_error", 1)},
		"of a proxy":         {status: 502, body: "<html>"},
		"cut":                {cut: true},
		"no JSON":            {status: 201, body: "<html>"},
		"no problem":         {status: 404, body: "no such page"},
		"redirect":           {status: 307, header: http.Header{"Location": {"https://elsewhere.example.com/"}}},
		"no code":            {status: 400, body: `{"title":"No."}`},
		"another kind":       {status: 400, body: `[]`},
		"amount without sum": {status: 201, body: `{"id":"1T1","amount":{"amount":"x","currency":"USD"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			_, c := newServer(t, a, a, a, a)
			_, err := hold(t, c)
			doubt, ok := errors.AsType[*client.InDoubtError](err)
			if !ok || doubt.Operation != "POST /v1/holds" || doubt.IdempotencyKey != "order-1" || doubt.Err == nil {
				t.Errorf("the error is %v", err)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error names the key: %v", err)
			}
		})
	}
}

// A read is not in doubt: it changes nothing.
func TestAReadThatFails(t *testing.T) {
	s, c := newServer(t)
	_, err := c.Hold(t.Context(), "1T1")
	if _, ok := errors.AsType[*client.InDoubtError](err); ok || err == nil {
		t.Errorf("the error is %v", err)
	}
	s.want(slices.Repeat([]string{"GET /pay/v1/holds/1T1"}, 4)...)
}

func TestRetriesMax(t *testing.T) {
	for retriesMax, want := range map[int]int{0: 4, 1: 2, -1: 1} {
		s, c := newServer(t)
		c.RetriesMax = retriesMax
		if _, err := c.Hold(t.Context(), "1T1"); err == nil || len(s.got) != want {
			t.Errorf("with RetriesMax %d there are %d tries, %v", retriesMax, len(s.got), err)
		}
	}
}

func TestTheContextEndsAPause(t *testing.T) {
	_, c := newServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	c.Pause = func(context.Context, time.Duration) error {
		cancel()
		return ctx.Err()
	}
	if _, err := c.Hold(ctx, "1T1"); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestAnAnswerThatIsTooLong(t *testing.T) {
	s, c := newServer(t, answer{status: 200, body: strings.Repeat(" ", 9<<20)})
	if _, err := c.Hold(t.Context(), "1T1"); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("the error is %v", err)
	}
	s.want("GET /pay/v1/holds/1T1")
}

// An id cannot change the address of a call.
func TestIDsAreEscaped(t *testing.T) {
	s, c := newServer(t, answer{status: 404, body: problem})
	if _, err := c.Hold(t.Context(), "../tokens/a b?c#d%2f"); err == nil {
		t.Error("there is no error")
	}
	s.want("GET /pay/v1/holds/..%2Ftokens%2Fa%20b%3Fc%23d%252f")
}

func TestWrongAddresses(t *testing.T) {
	for _, address := range []string{
		"", "pay.example.com", "ftp://pay.example.com", "https://pay.example.com/?a=b", "https:///x",
	} {
		c := &client.Client{Address: address, Key: holdfast.NewSecretKey("hf_test_x")}
		if _, err := c.Hold(t.Context(), "1T1"); err == nil || !strings.Contains(err.Error(), "is no address") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestAClientWithoutAKey(t *testing.T) {
	c := &client.Client{Address: "https://pay.example.com"}
	if _, err := c.Hold(t.Context(), "1T1"); err == nil || !strings.Contains(err.Error(), "no Key") {
		t.Errorf("the error is %v", err)
	}
}

func TestLists(t *testing.T) {
	s, c := newServer(t,
		answer{status: 200, body: `{"data":[{"id":"1"},{"id":"2"}],"has_more":true,"next":"c1"}`},
		answer{status: 200, body: `{"data":[],"has_more":true,"next":"c2"}`},
		answer{status: 200, body: `{"data":[{"id":"3"}],"has_more":false}`},
	)
	filter := client.HoldFilter{
		State: client.HoldHeld, Reference: "a&b", DeadlineTo: time.Date(2026, 11, 30, 1, 0, 0, 0, time.UTC),
		AmountFrom: client.Cents(100),
	}
	var ids []string
	for h, err := range c.Holds(t.Context(), filter) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, h.ID)
	}
	if !slices.Equal(ids, []string{"1", "2", "3"}) {
		t.Errorf("the list has %q", ids)
	}
	const filters = "&limit=100&reference=a%26b&state=held"
	s.want(
		"GET /pay/v1/holds?amount_from=1.00&deadline_to=2026-11-30T01%3A00%3A00Z"+filters,
		"GET /pay/v1/holds?after=c1&amount_from=1.00&deadline_to=2026-11-30T01%3A00%3A00Z"+filters,
		"GET /pay/v1/holds?after=c2&amount_from=1.00&deadline_to=2026-11-30T01%3A00%3A00Z"+filters,
	)
}

func TestAListThatFails(t *testing.T) {
	_, c := newServer(t, answer{status: 200, body: `{"data":[{"id":"1"}],"has_more":true,"next":"c1"}`},
		answer{status: 422, body: problem})
	var got []string
	for h, err := range c.Holds(t.Context(), client.HoldFilter{}) {
		got = append(got, fmt.Sprint(h.ID, err != nil))
	}
	if !slices.Equal(got, []string{"1false", "true"}) {
		t.Errorf("the list is %q", got)
	}
}

// A feed yields pages with events, waits at its end, and ends with the context.
func TestFeed(t *testing.T) {
	s, c := newServer(t,
		answer{status: 200, body: `{"data":[{"id":"e1"},{"id":"e2"}],"has_more":true,"next":"c2"}`},
		answer{status: 200, body: `{"data":[],"has_more":true,"next":"c3"}`},
		answer{status: 200, body: `{"data":[],"has_more":false,"next":"c4"}`},
		answer{status: 200, body: `{"data":[{"id":"e5"}],"has_more":false,"next":"c5"}`},
		answer{status: 200, body: `{"data":[],"has_more":false}`},
	)
	stop := errors.New("stop")
	c.Pause = func(_ context.Context, d time.Duration) error {
		if s.pauses = append(s.pauses, d); len(s.pauses) == 2 {
			return stop
		}
		return nil
	}
	var got []string
	for p, err := range c.Feed(t.Context(), "c0", client.EventFilter{Types: []string{"hold.held", "hold.settled"}}) {
		if err != nil {
			if !errors.Is(err, stop) {
				t.Error(err)
			}
			break
		}
		got = append(got, fmt.Sprint(len(p.Data), p.Next))
	}
	if !slices.Equal(got, []string{"2c2", "1c5"}) {
		t.Errorf("the pages are %q", got)
	}
	const rest = "&limit=500&types=hold.held%2Chold.settled"
	s.want("GET /pay/v1/events?after=c0"+rest, "GET /pay/v1/events?after=c2"+rest, "GET /pay/v1/events?after=c3"+rest,
		"GET /pay/v1/events?after=c4"+rest, "GET /pay/v1/events?after=c5"+rest)
}

func TestExpand(t *testing.T) {
	s, c := newServer(t, answer{status: 200, body: `{"id":"1T1","expanded":{"token":{"id":"K1"},"payments":[{"id":"2"}]}}`},
		answer{status: 200, body: `{"id":"1T1"}`})
	h, err := c.Hold(t.Context(), "1T1", "token", "payments")
	if err != nil || h.Expanded == nil || h.Expanded.Token.ID != "K1" || len(h.Expanded.Payments) != 1 {
		t.Errorf("the hold is %+v, %v", h, err)
	}
	if h, err := c.Hold(t.Context(), "1T1"); err != nil || h.Expanded != nil {
		t.Errorf("without a wish, the hold is %+v, %v", h, err)
	}
	s.want("GET /pay/v1/holds/1T1?expand=token%2Cpayments", "GET /pay/v1/holds/1T1")
}
