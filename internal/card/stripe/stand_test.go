package stripe_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/stripe"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// secrets are those of the test account.
type secrets struct {
	key    string
	events []string
}

func (s secrets) Key() string      { return s.key }
func (s secrets) Events() []string { return s.events }

// A stand is a client of a fake Stripe.
type stand struct {
	t     *testing.T
	fake  *stripefake.Server
	clock *holdfasttest.Clock
	// restarts makes a new client for each question, as after a crash.
	restarts bool
	// forgets loses what a doubt says, as a crash before it was stored does.
	forgets bool
	net     *cable
	config  stripe.Config
	client  *stripe.Client
	keys    int
	texts   []string // of all errors and answers, to look for secrets in
}

func newStand(t *testing.T) *stand {
	t.Helper()
	s := &stand{t: t, clock: holdfasttest.NewClock(), net: &cable{left: -1}}
	var err error
	if s.fake, err = stripefake.Start(s.clock.Now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.fake.Close() })
	s.fake.Set(func(settings *stripefake.Settings) { settings.Validate = stripefake.ValidatorFromEnv() })
	s.config = stripe.Config{
		Account: payment.NetworkAccount{
			ID: "N1", Kind: payment.NetworkStripe, Mode: payment.NetworkTest, BaseURL: s.fake.URL(), PerSecond: 100_000,
			StatementPrefix: "HOLDFAST",
		},
		Secrets: secrets{key: stripefake.TestKey, events: []string{"whsec_first", "whsec_second"}},
		Version: "1.2.3", Now: s.clock.Now, Transport: s.net,
	}
	s.restart()
	t.Cleanup(s.check)
	return s
}

// everyWay runs a scenario with a client that lives on, with one that is killed
// after each question, and with one that is killed before anything was stored.
func everyWay(t *testing.T, run func(*testing.T, *stand)) {
	for name, set := range map[string]func(*stand){
		"alive":     func(*stand) {},
		"restarted": func(s *stand) { s.restarts = true },
		"forgetful": func(s *stand) { s.restarts, s.forgets = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			set(s)
			run(t, s)
		})
	}
}

func (s *stand) restart() {
	s.net.left = -1
	s.client = stripe.New(s.config)
}

var secretText = regexp.MustCompile(`_secret_|[rs]k_(test|live)_\w|whsec_|\b[0-9]{12,19}\b`)

// check looks for faults and for secrets.
func (s *stand) check() {
	for _, fault := range s.fake.Faults() {
		s.t.Errorf("the fake says: %s", fault)
	}
	for _, text := range s.texts {
		if found := secretText.FindString(text); found != "" {
			s.t.Errorf("%q is in %s", found, text)
		}
	}
	if left := s.fake.Unscript(); left > 0 {
		s.t.Errorf("%d troubles had no effect", left)
	}
	for _, r := range s.fake.Requests() {
		if r.Method == http.MethodPost && r.Key == "" {
			s.t.Errorf("%s had no idempotency key", r.Endpoint)
		}
	}
}

// A cable carries requests until it is cut.
type cable struct {
	mu   sync.Mutex
	left int // requests until it is cut; negative is never
	seen []http.Header
}

var errCut = errors.New("the program was killed")

func (c *cable) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.seen = append(c.seen, r.Header.Clone())
	cut := c.left == 0
	if c.left > 0 {
		c.left--
	}
	c.mu.Unlock()
	if cut {
		return nil, errCut
	}
	return http.DefaultTransport.RoundTrip(r)
}

// post sends a request that is not the client's.
func (s *stand) post(path, form string) map[string]any {
	s.t.Helper()
	s.keys++
	r, err := http.NewRequest(http.MethodPost, s.fake.URL()+path, strings.NewReader(form))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+stripefake.UnrestrictedKey)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Idempotency-Key", fmt.Sprintf("test-%d", s.keys))
	r.Header.Set("Stripe-Version", stripe.APIVersion)
	return s.send(r)
}

func (s *stand) send(r *http.Request) map[string]any {
	s.t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s %s: %d %s", r.Method, r.URL.Path, resp.StatusCode, body)
	}
	return got
}

// delete removes an object, as the dashboard does.
func (s *stand) delete(path string) {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodDelete, s.fake.URL()+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+stripefake.UnrestrictedKey)
	r.Header.Set("Stripe-Version", stripe.APIVersion)
	s.send(r)
}

// card keeps a test card, such as "visa", with a customer.
func (s *stand) card(token string) payment.StoredCard {
	s.t.Helper()
	customer := s.customer()
	made := s.post("/v1/payment_methods", url.Values{"type": {"card"}, "card[token]": {"tok_" + token}}.Encode())
	id := made["id"].(string)
	s.post("/v1/payment_methods/"+id+"/attach", "customer="+customer)
	return payment.StoredCard{Account: "N1", Ref: id, Customer: customer}
}

// question asks for a step of a transaction, for the first time.
func (s *stand) question(step payment.Step, c payment.StoredCard, cents int64) card.Question {
	return card.Question{Attempt: payment.Attempt{
		Caller: "C1", Transaction: holdfast.TransactionID("T1"), Step: step, Amount: money.Cents(cents), Card: c,
		Descriptor: "HF*BOOKS", Asked: 1, Since: s.clock.Now(),
	}}
}

// ask asks once, as the processor does: what a doubt says is stored with the
// question.
func (s *stand) ask(q *card.Question) (payment.Answer, *card.DoubtError) {
	s.t.Helper()
	if s.restarts {
		s.restart()
	}
	answer, err := s.client.Ask(context.Background(), *q)
	q.Asked++
	if err == nil {
		s.texts = append(s.texts, fmt.Sprintf("%+v", answer))
		return answer, nil
	}
	doubt, ok := errors.AsType[*card.DoubtError](err)
	if !ok {
		s.t.Fatalf("the error is not a doubt: %v", err)
	}
	stored := doubt.Known
	stored.Action = "" // the bank's page has a secret in its address, for the buyer
	s.texts = append(s.texts, fmt.Sprintf("%v %+v %+v", err, doubt.Err, stored))
	if doubt.Known.Reference != "" && !s.forgets {
		q.Reference = doubt.Known.Reference
	}
	if !doubt.Known.FailedAt.IsZero() && !s.forgets {
		q.FailedAt = doubt.Known.FailedAt
	}
	return payment.Answer{}, doubt
}

// wantDoubt asks a question whose outcome cannot be known at once.
func (s *stand) wantDoubt(q *card.Question) {
	s.t.Helper()
	if answer, doubt := s.ask(q); doubt == nil {
		s.t.Fatalf("the outcome is known: %+v", answer)
	}
}

// settle asks until there is an answer. It waits as the doubts say, and five
// seconds otherwise.
func (s *stand) settle(q card.Question) (payment.Answer, []*card.DoubtError) {
	s.t.Helper()
	var doubts []*card.DoubtError
	for range 50 {
		answer, doubt := s.ask(&q)
		if doubt == nil {
			return answer, doubts
		}
		doubts = append(doubts, doubt)
		s.clock.Advance(max(doubt.Retry, 5*time.Second))
	}
	s.t.Fatalf("no answer after 50 askings: %v", doubts[len(doubts)-1])
	return payment.Answer{}, nil
}

// steps are all steps of a payment.
var steps = []payment.Step{
	payment.StepAuthorize, payment.StepCharge, payment.StepCapture, payment.StepRelease, payment.StepReturn,
}

// ready is a question about a step, after the hold or the charge that it needs.
func (s *stand) ready(step payment.Step) card.Question {
	s.t.Helper()
	c := s.card("visa")
	q := s.question(step, c, 4250)
	switch step {
	case payment.StepCapture, payment.StepRelease:
		q.Authorization = s.held(c, 4250)
	case payment.StepReturn:
		charged, _ := s.settle(s.question(payment.StepCharge, c, 4250))
		q.Authorization = charged.Authorization
	case payment.StepAuthorize, payment.StepCharge:
	}
	return q
}

// held asks for a hold that is approved.
func (s *stand) held(c payment.StoredCard, cents int64) string {
	s.t.Helper()
	answer, _ := s.settle(s.question(payment.StepAuthorize, c, cents))
	if !answer.Approved() {
		s.t.Fatalf("the hold is not approved: %+v", answer)
	}
	return answer.Authorization
}

// about is a question about a hold or a charge.
func (s *stand) about(step payment.Step, c payment.StoredCard, cents int64, authorization string) card.Question {
	q := s.question(step, c, cents)
	q.Authorization = authorization
	return q
}

// wantHeld checks what is held at the fake: the cents of each hold.
func (s *stand) wantHeld(cents ...int64) {
	s.t.Helper()
	var got []int64
	for _, h := range s.fake.Holds() {
		got = append(got, h.Amount)
	}
	if !slices.Equal(got, cents) {
		s.t.Errorf("the fake holds %v, want %v", got, cents)
	}
}

// wantTried checks how often all intents together were tried on a card.
func (s *stand) wantTried(want int) {
	s.t.Helper()
	got := 0
	for _, pi := range s.fake.Objects("payment_intent") {
		got += s.fake.Attempts(pi["id"].(string))
	}
	if got != want {
		s.t.Errorf("cards were tried %d times, want %d", got, want)
	}
}

func (s *stand) wantApproved(answer payment.Answer) {
	s.t.Helper()
	if !answer.Approved() {
		s.t.Errorf("the answer is %+v, want approved", answer)
	}
}

func (s *stand) wantDeclined(answer payment.Answer, message string) {
	s.t.Helper()
	if answer.Verdict != payment.Declined || answer.Message != message || answer.Code == "" {
		s.t.Errorf("the answer is %+v, want declined: %s", answer, message)
	}
}

const (
	createPath  = "/v1/payment_intents"
	confirmPath = "/v1/payment_intents/*/confirm"
	capturePath = "/v1/payment_intents/*/capture"
	cancelPath  = "/v1/payment_intents/*/cancel"
	refundsPath = "/v1/refunds"
)
