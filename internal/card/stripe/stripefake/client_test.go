package stripefake_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
)

// A clock is moved by tests.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// A fake is a server with a client that speaks plain HTTP to it.
type fake struct {
	*stripefake.Server
	t     *testing.T
	clock *clock
	key   string // of the API
	posts int
}

func newFake(t *testing.T) *fake {
	t.Helper()
	c := &clock{now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	s, err := stripefake.Start(c.Now)
	if err != nil {
		t.Fatal(err)
	}
	s.Set(func(settings *stripefake.Settings) { settings.Validate = stripefake.ValidatorFromEnv() })
	t.Cleanup(func() {
		for _, fault := range s.Faults() {
			t.Errorf("fault: %s", fault)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &fake{Server: s, t: t, clock: c, key: stripefake.TestKey}
}

// A reply is what the fake answers.
type reply struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

// at returns the value at a path such as "error.code". It is nil if there is none.
func (r reply) at(path string) any {
	var value any = r.body
	for step := range strings.SplitSeq(path, ".") {
		fields, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = fields[step]
	}
	if n, ok := value.(json.Number); ok {
		i, err := n.Int64()
		if err != nil {
			return n
		}
		return i
	}
	return value
}

func (r reply) id() string { return fmt.Sprint(r.body["id"]) }

func (r reply) list() []map[string]any {
	var found []map[string]any
	data, _ := r.body["data"].([]any)
	for _, element := range data {
		found = append(found, element.(map[string]any))
	}
	return found
}

// try sends a request. Its error is one of the connection.
func (f *fake) try(method, path, key, params string) (reply, error) {
	f.t.Helper()
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(params)
	} else if params != "" {
		path += "?" + params
	}
	r, err := http.NewRequest(method, f.URL()+path, body)
	if err != nil {
		f.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+f.key)
	r.Header.Set("Stripe-Version", "2026-08-26.dahlia")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if key != "" {
			r.Header.Set("Idempotency-Key", key)
		}
	}
	return f.send(r)
}

func (f *fake) send(r *http.Request) (reply, error) {
	f.t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	got := reply{status: resp.StatusCode, header: resp.Header, text: string(text)}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&got.body); err != nil && resp.Header.Get("Content-Type") == "application/json" {
		return got, err
	}
	return got, nil
}

// do sends a request that must have this status. Each POST has a new key.
func (f *fake) do(status int, method, path, params string) reply {
	f.t.Helper()
	key := ""
	if method == http.MethodPost {
		f.posts++
		key = fmt.Sprintf("key-%d", f.posts)
	}
	return f.keyed(status, method, path, key, params)
}

func (f *fake) keyed(status int, method, path, key, params string) reply {
	f.t.Helper()
	got, err := f.try(method, path, key, params)
	if err != nil {
		f.t.Fatalf("%s %s: %v", method, path, err)
	}
	if got.status != status {
		f.t.Fatalf("%s %s: status %d, want %d: %s", method, path, got.status, status, got.text)
	}
	return got
}

func (f *fake) post(path, params string) reply {
	f.t.Helper()
	return f.do(http.StatusOK, http.MethodPost, path, params)
}

func (f *fake) get(path, params string) reply {
	f.t.Helper()
	return f.do(http.StatusOK, http.MethodGet, path, params)
}

// want checks values of a reply, such as "status", "succeeded".
func (f *fake) want(got reply, pairs ...any) {
	f.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		want := pairs[i+1]
		if n, ok := want.(int); ok {
			want = int64(n)
		}
		if value := got.at(pairs[i].(string)); value != want {
			f.t.Errorf("%s is %v, want %v, in %s", pairs[i], value, want, got.text)
		}
	}
}

// wantFaults checks the faults, and forgets them.
func (f *fake) wantFaults(parts ...string) {
	f.t.Helper()
	faults := f.Faults()
	f.ForgetFaults()
	if len(faults) != len(parts) {
		f.t.Fatalf("faults are %q, want %d with %q", faults, len(parts), parts)
	}
	for i, part := range parts {
		if !strings.Contains(faults[i], part) {
			f.t.Errorf("fault %q has not %q", faults[i], part)
		}
	}
}

// card is a customer with a card, by its token.
func (f *fake) card(token string) (customer, card string) {
	f.t.Helper()
	customer = f.post("/v1/customers", "name=Ann&email=ann@buyer.example&metadata[holdfast_party]=P1").id()
	card = f.post("/v1/payment_methods/"+token+"/attach", "customer="+customer).id()
	return customer, card
}

// intent is a PaymentIntent that is not confirmed.
func (f *fake) intent(token string, amount int, more string) reply {
	f.t.Helper()
	customer, card := f.card(token)
	return f.post("/v1/payment_intents", fmt.Sprintf("amount=%d&currency=usd&customer=%s&payment_method=%s"+
		"&payment_method_types[]=card&capture_method=manual&metadata[holdfast_key]=T1/Authorize%s",
		amount, customer, card, more))
}

// held is a hold of an absent buyer.
func (f *fake) held(token string, amount int) string {
	f.t.Helper()
	id := f.intent(token, amount, "").id()
	f.want(f.post("/v1/payment_intents/"+id+"/confirm", "off_session=true"), "status", "requires_capture")
	return id
}

func values(pairs ...string) string {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v.Encode()
}
