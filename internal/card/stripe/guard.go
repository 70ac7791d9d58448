package stripe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// answerBytesMax bounds a body of Stripe. A list of 100 expanded objects has
// about a tenth.
const answerBytesMax = 8 << 20

// An exchange is one request and what is known of its answer, also if the body
// cannot be read.
type exchange struct {
	key    string
	status int
	header http.Header
}

// tooFast reports whether Stripe says that the account sends too many requests.
// If a request finds its object locked, it gets the same status without the
// reason.
func (x *exchange) tooFast() bool {
	return x.status == http.StatusTooManyRequests && x.header.Get("Stripe-Rate-Limited-Reason") != ""
}

type exchangeKey struct{}

func withExchange(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

var (
	// errNoKey refuses a request that Stripe could carry out twice.
	errNoKey = errors.New("a POST without an idempotency key")
	// errBusy refuses a request that would get its turn so late that Stripe could not
	// answer it in time.
	errBusy = errors.New("too many requests to Stripe are waiting")
	// errWrongMode refuses all requests of an account whose key is of the other mode:
	// none of its objects would be found.
	errWrongMode = errors.New("the account's API key is of the other mode: test keys are for test accounts only")
)

// A guard carries every request of an account, so that none goes out without its
// key, past the limits, or while Stripe refuses the account.
type guard struct {
	config  Config
	next    http.RoundTripper
	agent   string
	buckets buckets
	breaker breaker

	mu      sync.Mutex
	stopped string // as Config.Stopped was told
}

func newGuard(config Config) *guard {
	g := &guard{
		config: config, next: config.Transport, agent: "Holdfast", buckets: newBuckets(config.Account),
		stopped: config.Account.Stopped,
	}
	if config.Version != "" {
		g.agent += "/" + config.Version
	}
	if g.next == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.MaxIdleConnsPerHost = 64
		g.next = own
	}
	return g
}

// RoundTrip sends a request when it is its turn, and reads the whole answer.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if key, _ := payment.ReadNetworkKey(g.config.Secrets.Key()); key.Mode != g.config.Account.Mode {
		return nil, errWrongMode
	}
	x, ok := req.Context().Value(exchangeKey{}).(*exchange)
	if !ok || req.Method == http.MethodPost && x.key == "" {
		return nil, errNoKey
	}
	endpoint := req.Method + " " + endpointOf(req.URL.Path)
	observed := Request{Account: g.config.Account.ID, Endpoint: endpoint}
	began := g.config.Now()
	if err := g.breaker.check(endpoint, began); err != nil {
		return nil, err
	}
	if err := g.buckets.wait(req.Context(), endpoint, card.InBackground(req.Context())); err != nil {
		return nil, fmt.Errorf("waiting for the account's turn: %w", err)
	}
	noteSent(req.Context())
	// The account may have been stopped while the request waited.
	sent := g.config.Now()
	if err := g.breaker.admit(endpoint, sent); err != nil {
		return nil, err
	}
	left, limited := timeLeft(req.Context())
	res, err := g.send(req, x)
	now := g.config.Now()
	g.breaker.hear(endpoint, outcomeOf(req.Context(), x, err, !limited || left >= fullTime), now)
	g.buckets.hear(endpoint, x)
	g.tell(x)
	observed.Status, observed.Waited, observed.Took = x.status, sent.Sub(began), now.Sub(sent)
	if g.config.Observe != nil {
		g.config.Observe(observed)
	}
	return res, err
}

// tell says once that Stripe refuses the key, and once that it accepts it again.
func (g *guard) tell(x *exchange) {
	why := ""
	switch {
	case x.status == http.StatusUnauthorized:
		why = "Stripe refuses the account's key"
	case x.status == 0 || x.status >= http.StatusInternalServerError || x.status == http.StatusTooManyRequests:
		return // it says nothing about the key
	}
	g.mu.Lock()
	changed := g.stopped != why
	g.stopped = why
	g.mu.Unlock()
	if changed && g.config.Stopped != nil {
		g.config.Stopped(why)
	}
}

// send sends a copy of the request with the headers that belong to it.
func (g *guard) send(req *http.Request, x *exchange) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), requestTime)
	defer cancel()
	out := req.Clone(ctx)
	out.Header.Set("User-Agent", g.agent)
	out.Header.Del("X-Stripe-Client-User-Agent")
	out.Header.Del("Idempotency-Key")
	if req.Method == http.MethodPost {
		out.Header.Set("Idempotency-Key", x.key)
	}
	res, err := g.next.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	x.status, x.header = res.StatusCode, res.Header
	body, err := io.ReadAll(io.LimitReader(res.Body, answerBytesMax+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if len(body) > answerBytesMax {
		return nil, errors.New("the answer is too long")
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// endpointOf is a path with "{}" in the place of ids. Stripe limits requests by
// endpoint.
func endpointOf(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if i > 1 && strings.ContainsAny(part, "_0123456789") && !known[part] {
			parts[i] = "{}"
		}
	}
	return strings.Join(parts, "/")
}

// known are the parts of paths with an underscore that are no ids.
var known = map[string]bool{
	"payment_intents": true, "setup_intents": true, "payment_methods": true, "balance_transactions": true,
	"early_fraud_warnings": true, "webhook_endpoints": true,
}

// outcomeOf is what an answer says about the health of the account. full says that
// Stripe had time enough to answer.
func outcomeOf(ctx context.Context, x *exchange, err error, full bool) health {
	switch {
	case x.status == http.StatusUnauthorized:
		return keyRefused
	case x.status == http.StatusForbidden:
		return rightMissing
	case x.tooFast():
		return tooFast
	case x.status == http.StatusTooManyRequests:
		return unheard // another request has locked the object
	case x.status >= http.StatusInternalServerError:
		return broken
	case x.status != 0:
		return healthy
	case errors.Is(context.Cause(ctx), context.Canceled):
		return unheard // the caller has gone: it says nothing about Stripe
	case !full && (ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded)):
		return unheard // our own deadline has cut it too soon to blame Stripe
	case err != nil:
		return broken
	}
	return healthy
}

// retryAfterMax bounds a pause that Stripe asks for in a header. Another machine
// between may have set it.
const retryAfterMax = 5 * time.Minute

// retryAfter is how long Stripe asks to wait.
func retryAfter(h http.Header) time.Duration {
	var seconds int
	if _, err := fmt.Sscanf(h.Get("Retry-After"), "%d", &seconds); err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, retryAfterMax)
}
