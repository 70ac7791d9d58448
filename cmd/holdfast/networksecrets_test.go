package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/mail"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Numbers that buyers type on the network's page. The network must never let them
// out, and no page of ours takes them.
const (
	goodCard     = "4242424242424242"
	declinedCard = "4000000000000002"
	noCharges    = "4000000000000341" // can be kept; every charge fails
	asksBank     = "4000002760003184" // the bank wants the buyer to confirm each payment
)

// nameOfDigits is a card number in the field for the name.
const nameOfDigits = "4242 4242 4242 4242"

const backToShop = "http://127.0.0.1:1/back"

// A secretRun is a server with a test account at a fake of Stripe, and everything
// that it lets out.
type secretRun struct {
	t       *testing.T
	fake    *stripefake.Server
	db      *store.DB
	address string
	sealKey string // file
	public  *url.URL
	log     lockedWriter
	bodies  lockedWriter // of all answers
	errors  lockedWriter
	caller  party.Caller
	client  *holdfast.Client
	buyer   party.Party // the newest one
	secrets []string    // that must be nowhere
	orders  int
	// typesName and typesEmail are what the next buyer types on the network's page. They
	// are empty for usual texts.
	typesName, typesEmail string
	buyers                int

	processor *processor.Processor
}

// N20: after payments, declines, doubts, disputes, forged messages and refused
// requests, no key, webhook secret, client secret or card number is in the log, in
// an answer or a page, in a mail, in an error, in what commands print, or in the
// store, which is sealed.
func TestN20NothingSecretGetsOut(t *testing.T) {
	r := newSecretRun(t)
	r.buyAsGuest()
	kept := r.keepCard(goodCard)
	r.troubles(kept)
	r.declines()
	r.withTheBank()
	r.afterwards()
	r.strangers()
	r.commands()
	r.search()
}

func newSecretRun(t *testing.T) *secretRun {
	t.Helper()
	dir := t.TempDir()
	r := &secretRun{
		t: t, fake: holdfasttest.StripeFake(t, time.Now), address: filepath.Join(dir, "s.db"),
		sealKey: filepath.Join(dir, "seal.key"),
		secrets: []string{goodCard, nameOfDigits, declinedCard, noCharges, asksBank, stripefake.TestKey},
	}
	r.log.to, r.bodies.to, r.errors.to = &bytes.Buffer{}, &bytes.Buffer{}, &bytes.Buffer{}
	key, err := store.NewSealKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.sealKey, []byte(key.Reveal()), privateMode); err != nil {
		t.Fatal(err)
	}
	if r.db, err = openStore(t.Context(), store.Config{Address: r.address, SealKey: &key}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.db.Close() })
	listener, err := listen(t.Context(), "--listen", freePort)
	if err != nil {
		t.Fatal(err)
	}
	r.public = &url.URL{Scheme: "http", Host: listener.Addr().String(), Path: "/"}
	log := slog.New(slog.NewTextHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := &server{
		Store: r.db, PublicURL: r.public, Network: &sandbox.Network{Now: time.Now}, Now: time.Now, Log: log,
		Mail: &mail.Sender{Store: r.db, Inbox: true, Now: time.Now, Log: log}, Ended: newEnding(), LogMoves: true,
	}
	if err := s.start(t.Context(), listener); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	t.Cleanup(func() {
		if t.Failed() {
			for line := range strings.Lines(r.log.to.String()) {
				if strings.Contains(line, "level=ERROR") || strings.Contains(line, "level=WARN") {
					t.Log(line)
				}
			}
		}
	})
	r.cast(s.Processor)
	ctx, cancel := context.WithCancel(context.Background())
	var delivering sync.WaitGroup
	delivering.Go(func() { r.fake.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		delivering.Wait()
	})
	return r
}

// cast makes the account, the caller and a buyer.
func (r *secretRun) cast(p *processor.Processor) {
	r.t.Helper()
	ctx := r.t.Context()
	owner, err := p.Identity.CreateParty(ctx, identity.NewParty{
		Name: "Kiln", Email: "kiln@example.com", Password: callerPassword,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.processor = p
	made, err := p.CreateNetworkAccount(ctx, processor.NewNetworkAccount{
		NetworkAccount: payment.NetworkAccount{
			Kind: payment.NetworkStripe, Mode: payment.NetworkTest, Owner: owner.ID, Name: "fen", BaseURL: r.fake.URL(),
			PerSecond: 200, StatementPrefix: "HOLDFAST",
		},
		Secrets: store.NewNetworkSecrets(stripefake.TestKey),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	secret := r.fake.Subscribe(strings.TrimSuffix(r.public.String(), "/")+eventsPath(made.ID), false)
	if _, err := p.ChangeNetworkAccount(ctx, made.ID, false, func(a store.NetworkAccount) (store.NetworkAccount, error) {
		a.Secrets = store.NewNetworkSecrets(a.Secrets.Key(), secret)
		return a, nil
	}); err != nil {
		r.t.Fatal(err)
	}
	r.secrets = append(r.secrets, secret)
	var key party.AccessKey
	if r.caller, key, err = p.CreateCaller(ctx, processor.NewCaller{
		Owner: owner.ID, Name: "Kiln", Network: made.ID, Wait: payment.WaitMin,
	}); err != nil {
		r.t.Fatal(err)
	}
	r.client = &holdfast.Client{
		Endpoint: r.public.String(), CoBranded: pipelineURL(r.public), AccessKeyID: key.ID, SecretKey: key.Secret,
		Now:  time.Now,
		HTTP: &http.Client{Transport: r},
	}
}

// RoundTrip keeps the answers of the server, but not the address of the bank's page
// that they send a browser to.
func (r *secretRun) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil || request.URL.Host != r.public.Host {
		return answer, err
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	answer.Body.Close()
	fmt.Fprintf(&r.bodies, "\n%s %s\n%s", request.Method, request.URL.Path, r.bank().ReplaceAll(body, nil))
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

func (r *secretRun) reference() holdfast.CallerReference {
	r.orders++
	return holdfast.CallerReference(fmt.Sprint("order-", r.orders))
}

// newBuyer makes a buyer without cards.
func (r *secretRun) newBuyer() {
	r.t.Helper()
	r.buyers++
	var err error
	if r.buyer, err = r.processor.Identity.CreateParty(r.t.Context(), identity.NewParty{
		Name: "Ann Buyer", Email: fmt.Sprintf("ann%d@example.com", r.buyers), Password: callerPassword,
	}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *secretRun) browse(link string) *browser {
	r.t.Helper()
	b := newBrowser(r.t)
	b.Client.Transport, b.StopAt = r, r.fake.URL()
	b.Open(link)
	return b
}

// typed types cards on the network's page that the browser was sent to, and comes
// back to the shop with a token.
func (r *secretRun) typed(b *browser, numbers ...string) holdfast.TokenID {
	r.t.Helper()
	page := regexp.MustCompile(`cs_[A-Za-z0-9_]+`).FindString(b.Left)
	next := ""
	for _, number := range numbers {
		var err error
		typed := stripefake.Typed{
			Name: cmp.Or(r.typesName, "Ann Buyer"), Email: cmp.Or(r.typesEmail, "ann@cards.example"), Number: number,
		}
		if next, err = r.fake.Submit(page, typed); err != nil {
			r.note(err)
		}
	}
	for range 3 { // through the bank's page, if it is asked
		if !strings.HasPrefix(next, r.fake.URL()) {
			break
		}
		next = r.passBank(next)
	}
	return r.returned(b, next)
}

// passBank confirms a payment on the bank's page, and returns where it leads.
func (r *secretRun) passBank(address string) string {
	r.t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.PostForm(address, url.Values{"result": {"complete"}})
	if err != nil {
		r.t.Fatal(err)
	}
	answer.Body.Close()
	return answer.Header.Get("Location")
}

// returned follows an address to the shop.
func (r *secretRun) returned(b *browser, next string) holdfast.TokenID {
	r.t.Helper()
	b.StopAt, b.Left = backToShop, ""
	b.Open(next)
	at, err := url.Parse(b.Left)
	if err != nil || at.Query().Get("tokenID") == "" {
		r.t.Fatalf("the shop gets %q from %s:\n%s", b.Left, next, b.Page)
	}
	return holdfast.TokenID(at.Query().Get("tokenID"))
}

// note keeps the text of an error.
func (r *secretRun) note(err error) {
	if err != nil {
		fmt.Fprintf(&r.errors, "%v %+v\n", err, err)
	}
}
