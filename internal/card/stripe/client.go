// Package stripe is the card network Stripe. It is the only package that uses
// Stripe's client for Go, and it shows nothing of that client's types. The file
// decide.go has the rules of what Stripe's objects mean. The other files ask
// Stripe.
package stripe

import (
	"context"
	"net/http"
	"time"

	stripego "github.com/stripe/stripe-go/v85"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// APIVersion is the version of Stripe's API that the client speaks and reads.
// An endpoint for events should be made with the same version.
const APIVersion = stripego.APIVersion

// Requests to one endpoint in a second, unless the account says otherwise.
// Stripe allows 25 to each endpoint, 100 over all in live mode, and 25 over all
// in test mode.
const (
	perSecondLive = 20
	perSecondTest = 10
)

// requestTime is how long one request may take, unless the context ends before.
const requestTime = 60 * time.Second

// Secrets are the API key of an account and the secrets that sign its events.
// Values of this type hide themselves from formatters and loggers.
type Secrets interface {
	Key() string
	Events() []string
}

// A Config is what a Client needs to know of an account.
type Config struct {
	Account payment.NetworkAccount
	Secrets Secrets
	Version string           // of Holdfast, for the User-Agent
	Now     func() time.Time // real time
	// Observe is told of each request. It may be nil.
	Observe func(Request)
	// Stopped is told why Stripe refuses the account's key, once, and gets an empty
	// text when Stripe accepts the key again. It may be nil.
	Stopped func(why string)
	// Transport carries the requests. Nil means one of the Client's own.
	Transport http.RoundTripper
}

// A Request is one request to Stripe, for metrics.
type Request struct {
	Account  payment.NetworkAccountID
	Endpoint string        // such as "POST /v1/payment_intents/{}/confirm"
	Status   int           // of the answer; 0 without one
	Waited   time.Duration // for its turn
	Took     time.Duration
}

// A Client asks Stripe for one account. It has the account's limits and what it
// learned about Stripe's health, so it should live as long as its Config holds.
type Client struct {
	config  Config
	backend stripego.Backend
	api     *stripego.Client
	guard   *guard
}

var (
	_ card.Client     = (*Client)(nil)
	_ card.Bookkeeper = (*Client)(nil)
)

// New makes the client of an account.
func New(config Config) *Client {
	g := newGuard(config)
	base := config.Account.BaseURL
	if base == "" {
		base = stripego.APIURL
	}
	backend := stripego.GetBackendWithConfig(stripego.APIBackend, &stripego.BackendConfig{
		EnableTelemetry: stripego.Bool(false),
		HTTPClient: &http.Client{
			Transport:     g,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		// The client would log bodies, and they hold client secrets.
		LeveledLogger: &stripego.LeveledLogger{Level: stripego.LevelNull},
		// The processor asks again. A repeat inside the client would be invisible to it.
		MaxNetworkRetries: stripego.Int64(0),
		URL:               stripego.String(base),
	})
	backends := &stripego.Backends{API: backend, Connect: backend, Uploads: backend, MeterEvents: backend}
	return &Client{
		config:  config,
		backend: backend,
		api:     stripego.NewClient(config.Secrets.Key(), stripego.WithBackends(backends)),
		guard:   g,
	}
}

// live reports whether the account's objects move real money.
func (c *Client) live() bool { return c.config.Account.Mode == payment.NetworkLive }

func (c *Client) now() time.Time { return c.config.Now() }

// call sends one request. key is the idempotency key, which each POST must have.
func call[T any](
	ctx context.Context, c *Client, key string, send func(context.Context) (T, error),
) (T, *failure) {
	answer, _, f := callFresh(ctx, c, key, send)
	return answer, f
}

// callFresh is call, and reports whether the answer is fresh. A repeat of an
// earlier request gets the answer of that time: the object may have changed since.
func callFresh[T any](
	ctx context.Context, c *Client, key string, send func(context.Context) (T, error),
) (answer T, fresh bool, f *failure) {
	x := &exchange{key: key}
	answer, err := send(withExchange(ctx, x))
	if f := c.failed(x, err); f != nil {
		var none T
		return none, false, f
	}
	return answer, x.header.Get("Idempotent-Replayed") != "true", nil
}
