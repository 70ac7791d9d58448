// Package shop is the reference shop: eight steps from a cart to a charged
// card, on the SDK alone, to be read and copied.
//
// The steps are those of "Reserving a Payment", and each is where a newcomer
// would look for it: what the buyer pays is computed in product.go; Pay now,
// the return and the thank-you page are in buyer.go; Reserve, Settle and
// Cancel in payment.go; the packing bench in bench.go; notifications in ipn.go.
// What may happen to an order is one table, in order_state.go. Whatever has to
// survive a lost answer or a crash is a job in jobs.go, written in the same
// transaction as the order's state.
//
// Amounts that end in .60 to .89 simulate failures in the sandbox. This shop's
// prices and its tax rate are chosen so that no cart comes to such a total; a
// shop that copies the code and not the prices will see those failures while
// it is tried out, and never in earnest.
package shop

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"

	"github.com/holdfast-pay/holdfast"
)

// Config is what a shop needs to know.
type Config struct {
	Client *holdfast.Client // asks as the shop
	// where browsers and the payment service find the shop: "https://shop.example.com", without path
	PublicURL string
	Database  string // SQLite file; made if it is not there

	// CallerID is whose returns and notifications to believe. When it is empty, the
	// payment service is asked whose the client's access key is.
	CallerID holdfast.CallerID

	// Certificates verify returns and notifications without asking; CallerID is
	// required then. When there are none, VerifySignature is asked.
	Certificates []*x509.Certificate

	// LogoURL is where the payment pages find the shop's logo. When it is empty, the
	// shop serves it, if it is at an https address; other pictures are not shown.
	LogoURL string

	Name string           // of the shop; empty means "Fen Pottery"
	Now  func() time.Time // required
	Log  *slog.Logger     // nil means none
}

// A Shop sells what is in its catalogue. Serve Handler and call Run.
type Shop struct {
	client    *holdfast.Client
	verifier  holdfast.Verifier
	publicURL string
	logoURL   string // or empty
	name      string
	now       func() time.Time
	newID     func() string // random text that cannot be guessed
	log       *slog.Logger
	db        *sql.DB
	jobs      *river.Client[*sql.Tx]
	work      map[string]func(context.Context, OrderID) error // by kind of job
	pages     map[string]*template.Template
	ahead     atomic.Int64 // nanoseconds by which the payment service's clock is ahead of ours
}

const (
	nameDefault = "Fen Pottery"

	ipnPath    = "/ipn"
	returnPath = "/return"

	// atOnceMax is how long a page waits for the payment service.
	atOnceMax = 8 * time.Second
)

// Open opens the shop's database, brings it up to date and prepares the jobs.
// The caller closes the shop.
func Open(ctx context.Context, c Config) (*Shop, error) {
	s := &Shop{
		client:    c.Client,
		verifier:  holdfast.Verifier{CallerID: c.CallerID, Certificates: c.Certificates, Client: c.Client},
		publicURL: strings.TrimSuffix(c.PublicURL, "/"),
		name:      c.Name, now: c.Now, newID: rand.Text, log: c.Log,
	}
	if s.logoURL = c.LogoURL; s.logoURL == "" && strings.HasPrefix(s.publicURL, "https:") {
		s.logoURL = s.publicURL + "/static/logo.svg"
	}
	if s.name == "" {
		s.name = nameDefault
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("opening the shop: %w", err)
	}
	var err error
	if s.pages, err = parsePages(); err != nil {
		return nil, fmt.Errorf("opening the shop: %w", err)
	}
	if s.db, err = openDatabase(ctx, c.Database); err != nil {
		return nil, err
	}
	err = s.openJobs(ctx)
	if err == nil {
		err = forgetCarts(ctx, s.db, s.now())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the shop: %w", err), s.db.Close())
	}
	return s, nil
}

func (s *Shop) check() error {
	if s.client == nil || s.now == nil {
		return errors.New("a client and a clock are required")
	}
	if len(s.verifier.Certificates) > 0 && s.verifier.CallerID == "" {
		return errors.New("with Certificates, CallerID is required")
	}
	u, err := url.Parse(s.publicURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" || u.RawQuery != "" {
		return errors.New("PublicURL is a scheme and a host, such as https://shop.example.com")
	}
	return nil
}

// Close closes the database. Run has to have returned.
func (s *Shop) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("closing the shop's database: %w", err)
	}
	return nil
}
