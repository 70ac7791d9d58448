// Package shop is the reference shop: a merchant's program from the cart to the
// charged card, built on the SDK only. It is meant to be read and copied.
//
// Where to find what: product.go computes what the buyer pays. checkout.go has
// Pay now; buyer.go has the return and the buyer's page of an order. payment.go
// has Reserve, Settle and Cancel, and refund.go has refunds. packing.go has the
// packing bench, and ipn.go handles notifications. One table in order_state.go
// has all steps that an order can take. Every request that must survive a lost
// answer or a crash is a job in jobs.go. The job is stored in the same
// transaction as the order's state.
//
// Amounts that end in .60 to .89 simulate failures in the sandbox. This shop's
// prices and its tax rate are chosen so that no cart has such a total. A shop
// that copies the code but not the prices will see such failures, but only in
// the sandbox.
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

// Config has the settings of a shop.
type Config struct {
	Client *holdfast.Client // with the shop's access key

	// PublicURL is the shop's address for browsers and the payment service, such
	// as "https://shop.example.com", without a path.
	PublicURL string

	Database string // SQLite file; created if it does not exist

	// CallerID is the shop's caller. Only its return URLs and notifications are
	// accepted. If it is empty, the shop asks the payment service which caller
	// owns the client's access key.
	CallerID holdfast.CallerID

	// Certificates verify return URLs and notifications without a request to the
	// payment service; CallerID is then required. Without them, the shop calls
	// VerifySignature.
	Certificates []*x509.Certificate

	// LogoURL is the address of the shop's logo for the payment pages. If it is
	// empty and PublicURL is https, the shop serves the logo itself. If PublicURL
	// is http, there is no logo.
	LogoURL string

	Name string           // of the shop; empty means "Fen Pottery"
	Now  func() time.Time // required
	Log  *slog.Logger     // nil means none
}

// A Shop sells the products of its catalogue. Serve its Handler and call Run.
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

	// atOnceMax is the longest time that a page waits for the payment service.
	atOnceMax = 8 * time.Second
)

// Open opens and migrates the shop's database and prepares the jobs. The caller
// must close the shop.
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

// Close closes the database. Call it after Run has returned.
func (s *Shop) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("closing the shop's database: %w", err)
	}
	return nil
}
