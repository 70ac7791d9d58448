// Package shop is the reference shop: a merchant's program from the cart to the
// last parcel, built on the JSON API (package client). It is meant to be read and
// copied.
//
// The money is held when the buyer orders. Each parcel is charged when it ships,
// and what cannot ship is released. Where to find what:
//
//   - product.go computes what the buyer pays, and stock.go counts the pieces.
//   - checkout.go has Pay now. buyer.go has the return and the buyer's page.
//   - hold.go holds, settles and releases. part.go has the parcels of an order.
//   - refund.go pays back.
//   - events.go reads the payment service's events, each exactly once.
//   - packing.go has the packing bench.
//   - order_state.go has one table of all steps that an order can take.
//
// Three rules keep money and goods together. First, the shop stores what it is
// going to ask, and a job that asks it (jobs.go), in one transaction. Only then does
// it ask. So a crash loses nothing. Second, the idempotency key of each call is
// derived from what the call is for, such as the number of a parcel. So asking twice
// charges once. Third, an order's state follows only from what the payment service
// answers to this shop, never from what a browser says.
//
// Amounts that end in .60 to .89 simulate failures in the sandbox. This shop's
// prices and its tax rate are chosen so that no parcel has such an amount.
package shop

import (
	"context"
	"crypto/rand"
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

	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/client/inbox"
)

// Config has the settings of a shop.
type Config struct {
	// Client has a key with the scopes read, hold, settle and refund.
	Client *client.Client

	// PublicURL is the shop's address for browsers, such as
	// "https://shop.example.com", without a path.
	PublicURL string

	// PaymentPages is the address of the payment pages for browsers. It is needed only
	// if it is not that of the client.
	PaymentPages string

	Database string // SQLite file; created if it does not exist

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
	client       *client.Client
	publicURL    string
	paymentPages string
	logoURL      string // or empty
	name         string
	now          func() time.Time
	newID        func() string // random text that cannot be guessed
	log          *slog.Logger
	db           *sql.DB
	inbox        inbox.Inbox
	jobs         *river.Client[*sql.Tx]
	work         map[string]func(context.Context, OrderID) error // by kind of job
	pages        map[string]*template.Template
	ahead        atomic.Int64 // nanoseconds by which the payment service's clock is ahead of ours
}

const (
	nameDefault = "Fen Pottery"

	// atOnceMax is the longest time that a page waits for the payment service.
	atOnceMax = 8 * time.Second
)

// Open opens and migrates the shop's database and prepares the jobs. The caller
// must close the shop.
func Open(ctx context.Context, c Config) (*Shop, error) {
	s := &Shop{
		client: c.Client, publicURL: strings.TrimSuffix(c.PublicURL, "/"), paymentPages: c.PaymentPages,
		name: c.Name, now: c.Now, newID: rand.Text, log: c.Log, inbox: inbox.Inbox{Now: c.Now},
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
	if s.paymentPages == "" {
		s.paymentPages = s.client.Address
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
		err = stockShelf(ctx, s.db, catalogue)
	}
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
	u, err := url.Parse(s.publicURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" || u.RawQuery != "" {
		return errors.New("PublicURL is a scheme and a host, such as https://shop.example.com")
	}
	return nil
}

// Run works on the jobs and reads the payment service's events until ctx ends. Then
// it finishes the running jobs and returns.
func (s *Shop) Run(ctx context.Context) error {
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		s.follow(ctx)
	}()
	err := s.runJobs(ctx)
	<-reading
	return err
}

// Close closes the database. Call it after Run has returned.
func (s *Shop) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("closing the shop's database: %w", err)
	}
	return nil
}
