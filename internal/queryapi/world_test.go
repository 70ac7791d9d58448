package queryapi_test

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/queryapi"
	"github.com/holdfast-pay/holdfast/internal/signed"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

const testHost = "fps.example.test"

// testNow is when every story begins.
var testNow = time.Date(2026, 11, 23, 10, 15, 30, 44_000_000, time.UTC)

// A world is a server with its own database, a still clock, ids that count, and
// the same few people every time.
type world struct {
	t       testing.TB
	address string // of the database
	db      *store.DB
	p       *processor.Processor
	server  *queryapi.Server
	handler http.Handler

	mu  sync.Mutex
	now time.Time
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOn(t, holdfasttest.Addresses(t)["SQLite"](t))
}

// newWorldOn makes a world on an empty database.
func newWorldOn(t testing.TB, address string) *world {
	t.Helper()
	return newWorldWith(t, store.Config{Address: address})
}

func newWorldWith(t testing.TB, c store.Config) *world {
	t.Helper()
	db, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, address: c.Address, db: db, now: testNow}
	quiet := slog.New(slog.DiscardHandler)
	callers := &signed.Callers{Find: db.CallerByKey, Now: w.clock}
	w.p = processor.New(db, processor.Config{
		Network: network{}, Now: w.clock, Log: quiet, IDs: new(counting), People: identity.Config{
			Hashing: holdfasttest.QuickHashing,
		},
		CallerChanged: callers.Forget,
		Wait:          30 * time.Second, // longer than any test: what is not silent has answered
	})
	var requests atomic.Int64
	w.server = &queryapi.Server{
		Processor: w.p, Store: db.Reader, Callers: callers, Now: w.clock, Log: quiet,
		Certificates:   func() []*x509.Certificate { return []*x509.Certificate{vectorCertificate(t)} },
		OwnCertificate: func(url string) bool { return strings.HasPrefix(url, vectorCertificateURL) },
		NewRequestID: func() string {
			return fmt.Sprintf("00000000-0000-4000-8000-%012d", requests.Add(1))
		},
	}
	w.handler = w.server.Handler()
	t.Cleanup(func() {
		w.p.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w.settle()
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) update(fn func(*store.Tx) error) {
	w.t.Helper()
	if err := w.db.Update(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

// secret is the key of the published signatures.
const secret = "fps-test-secret-0123456789abcdefghijklmn"

// keys are the access keys of the callers, by the callers' short names. "live"
// is no sandbox caller, "old" wants Pending first, "ancient" may sign by version
// 1; "market" is a marketplace, and "sell" the shop of one of its sellers.
var keys = map[string]string{
	"shop": "FPSTESTACCESSKEY0001", "other": "FPSTESTACCESSKEY0002", "live": "FPSTESTACCESSKEY0003",
	"old": "FPSTESTACCESSKEY0004", "ancient": "FPSTESTACCESSKEY0005", "market": "FPSTESTACCESSKEY0006",
	"sell": "FPSTESTACCESSKEY0007",
}

// settle creates the people.
func (w *world) settle() {
	w.t.Helper()
	year, month := testNow.Year()+2, int(testNow.Month())
	w.update(func(tx *store.Tx) error {
		for _, p := range []party.Party{
			{ID: "PANN", Name: "Ann Buyer", Email: "ann@example.test", EmailVerified: true},
			{ID: "PSHOP", Name: "Tea & Mugs", Email: "shop@example.test", EmailVerified: true},
			{ID: "PMARKET", Name: "Craft Market", Email: "market@example.test", EmailVerified: true},
			{ID: "PSELL", Name: "Sal Potter", Email: "sal@example.test", EmailVerified: true},
		} {
			p.Standing, p.Business, p.Verified, p.Created = party.Active, true, true, testNow
			if _, err := tx.InsertParty(p); err != nil {
				return err
			}
		}
		for _, c := range []party.Caller{
			{ID: "CSHOP", Name: "Mug shop", Sandbox: true},
			{ID: "COTHER", Name: "Another shop", Sandbox: true},
			{ID: "CLIVE", Name: "Live shop"},
			{ID: "COLD", Name: "Old shop", Sandbox: true, PendingFirst: true},
			{ID: "CANCIENT", Name: "Ancient shop", Sandbox: true, SignatureV1: true},
			{ID: "CMARKET", Name: "Craft market", Sandbox: true, Marketplace: true, Owner: "PMARKET"},
			{ID: "CSELL", Name: "Sal's pots", Sandbox: true, Owner: "PSELL"},
		} {
			c.Owner, c.Created = or(c.Owner, "PSHOP"), testNow
			if err := tx.InsertCaller(c); err != nil {
				return err
			}
			key := party.AccessKey{
				ID: keys[strings.ToLower(string(c.ID[1:]))], Secret: holdfast.NewSecretKey(secret), Caller: c.ID,
				Name: "first", Created: testNow,
			}
			if err := tx.InsertAccessKey(key); err != nil {
				return err
			}
		}
		return nil
	})
	for _, owner := range []party.ID{"PANN", "PSHOP", "PSELL"} {
		for _, i := range []payment.Instrument{
			{ID: "visa", ExpiryMonth: month, ExpiryYear: year},
			{ID: "declining", ExpiryMonth: month, ExpiryYear: year},
			{ID: "silent", ExpiryMonth: month, ExpiryYear: year},
			{ID: "half-silent", ExpiryMonth: month, ExpiryYear: year},
			{ID: "takes-only", ExpiryMonth: month, ExpiryYear: year},
			{ID: "expired", ExpiryMonth: 10, ExpiryYear: 2026},
			{ID: "bank", Method: holdfast.MethodACH, Brand: "First Bank"},
			{ID: "balance", Method: holdfast.MethodABT, Brand: "Balance"},
		} {
			i.Owner, i.Verified = owner, true
			w.instrument(i)
		}
	}
}

func (w *world) instrument(i payment.Instrument) {
	w.t.Helper()
	i.Method, i.Brand = or(i.Method, holdfast.MethodCC), or(i.Brand, "Visa")
	i.Last4, i.Holder, i.NetworkRef, i.Created = "1111", "A", string(i.ID), testNow
	w.update(func(tx *store.Tx) error { return tx.InsertInstrument(i) })
}

// change changes a party.
func (w *world) change(id string, by func(*party.Party)) {
	w.t.Helper()
	_, err := w.p.Identity.ChangeParty(context.Background(), "", party.ID(id), func(p party.Party) (party.Party, error) {
		by(&p)
		return p, nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// token makes a token as the Co-Branded pages would. By default it is Ann's,
// for the shop, on her approving card, of $20 and for one use.
func (w *world) token(name string, t payment.Token) holdfast.TokenID {
	w.t.Helper()
	t.ID, t.Installed = tokenID(name), w.clock()
	t.Caller, t.Use, t.Type = or(t.Caller, "CSHOP"), or(t.Use, payment.UsePay), or(t.Type, holdfast.TokenSingleUse)
	t.Reference, t.Recipient = or(t.Reference, holdfast.CallerReference("cart-"+name)), or(t.Recipient, "PSHOP")
	if t.Use == payment.UsePay || t.Use == payment.UseFund || t.Use == payment.UseSettle {
		t.Sender = or(t.Sender, "PANN")
		w.pays(&t)
	}
	if t.Type == holdfast.TokenSingleUse {
		t.Expires = or(t.Expires, t.Installed.Add(payment.SingleUseLife))
	}
	t.FriendlyName = or(t.FriendlyName, payment.NameFor(t.Type, t.Reason, t.Amount))
	w.update(func(tx *store.Tx) error {
		inserted, err := tx.InsertToken(t)
		if err == nil && !inserted {
			err = errors.New("the token's reference is in use")
		}
		return err
	})
	return t.ID
}

// pays says what a sender's token pays with: a card unless it is called "bank",
// "balance" or "none", or spends an instrument whose id begins with G or D.
func (w *world) pays(t *payment.Token) {
	t.Instrument = or(t.Instrument, "visa")
	t.Method = holdfast.MethodCC
	switch {
	case t.Use == payment.UsePay && strings.HasPrefix(string(t.Aggregate), "G"):
		t.Instrument, t.Method = "", holdfast.MethodPrepaid
	case t.Use == payment.UsePay && strings.HasPrefix(string(t.Aggregate), "D"):
		t.Instrument, t.Method = "", holdfast.MethodDebt
	case strings.HasPrefix(string(t.Instrument), "bank"):
		t.Method = holdfast.MethodACH
	case t.Instrument == "balance":
		t.Method = holdfast.MethodABT
	case t.Instrument == "none":
		t.Instrument, t.Method = "", ""
	}
	if t.Type == holdfast.TokenSingleUse && !t.Amount.Given() {
		t.Amount = money.Cents(20_00)
	}
	if t.Amount.Given() {
		t.AmountType = or(t.AmountType, holdfast.AmountMaximum)
	}
	if t.Recipient == "anybody" || len(t.Recipients) > 0 {
		t.Recipient = ""
	}
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// tokenID is 64 characters that begin with the name.
func tokenID(name string) holdfast.TokenID {
	return holdfast.TokenID(strings.ToUpper(name) + strings.Repeat("0", 64-len(name)))
}

// counting makes numbered ids.
type counting struct{ transactions, others atomic.Int64 }

func (c *counting) Transaction() holdfast.TransactionID {
	return transactionID(int(c.transactions.Add(1)))
}
func (c *counting) Token() holdfast.TokenID    { return tokenID(fmt.Sprint("T", c.others.Add(1))) }
func (c *counting) Other(prefix string) string { return fmt.Sprintf("%s%d", prefix, c.others.Add(1)) }
func (c *counting) Secret(size int) string     { return strings.Repeat("s", size) }
func transactionID(n int) holdfast.TransactionID {
	return holdfast.TransactionID(fmt.Sprintf("1%034d", n))
}

// network answers by the card's name. "declining" cards are declined. Questions
// about "silent" cards get no answer, nor do captures of "half-silent" ones.
// "takes-only" cards are charged, and money never goes back to them.
type network struct{}

func (network) Verify(_ context.Context, d card.Details) (card.Kept, error) {
	return card.Kept{Brand: "Visa", Last4: "1111", Ref: "visa"}, nil
}

func (network) Ask(_ context.Context, q card.Question) (payment.Answer, error) {
	switch {
	case q.Card.Ref == "silent", q.Card.Ref == "half-silent" && q.Step == payment.StepCapture:
		return payment.Answer{}, errors.New("no answer")
	case q.Card.Ref == "declining", q.Card.Ref == "takes-only" && q.Step == payment.StepReturn:
		return payment.Answer{Code: holdfast.CodeTransactionDenied, Message: "The card's issuer declined the payment."}, nil
	}
	return payment.Answer{Verdict: payment.Approved, Authorization: "A1"}, nil
}

// vectorCertificate has the key of the published RSA-SHA1 signatures. Nobody
// has its private key.
func vectorCertificate(t testing.TB) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(vectorKey))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return &x509.Certificate{PublicKey: key.(*rsa.PublicKey)}
}

const vectorCertificateURL = "https://fps.sandbox.amazonaws.com/certs/090911/PKICert.pem"

const vectorKey = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAqtD0AznUEkQHPHDZWwxI
ZiXh6/SIrGQHvx6X6SkmdIgMhrzKczIsXcE0eKgFMqINlylLKbvGtWqdLAutxBwo
8xnveCg2pCsI4HuN0EWQvDOhKD3CghaFZAtqurK0oARchfqBKLgrErljjnPuBRQ1
XlUYPW3ecM0szp/xTaGI73Q/yTyVi/FRmDCu7306JKECoWi/GB+DaChv8Xq7SmIs
D9bnRFu0huiwBd4N+fM4suZbekJPuD77mBUuNP/gsjXHO10STS7CX0knGHFXPKp+
/tSqy6DSY88LWtrf0EZqfpgRr8tgYH5KXQh8JykQusv3vUYobdSrj0s8/s80am1e
aQIDAQAB
-----END PUBLIC KEY-----`
