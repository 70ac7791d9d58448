package ipn_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ipn"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A shop is a world with a server that takes its notifications, and a sender.
type shop struct {
	*holdfasttest.World
	t      *testing.T
	Sender *ipn.Sender
	URL    string // of its server
	Log    *bytes.Buffer

	mu     sync.Mutex
	got    []delivered
	answer http.HandlerFunc // nil: 200
}

// delivered is one request that the shop's server got.
type delivered struct {
	id, body, query, contentType string
}

// keyedStore is a store with a signing key, because making a key takes time.
func keyedStore(t *testing.T) *store.DB {
	t.Helper()
	db := holdfasttest.Open(t, t.TempDir()+"/keyed.db")
	putKey(t, db)
	return db
}

var testKey = struct {
	once sync.Once
	key  store.SigningKey
}{}

func putKey(t *testing.T, db *store.DB) {
	t.Helper()
	testKey.once.Do(func() {
		made := holdfasttest.Open(t, t.TempDir()+"/key.db")
		loadSigner(t, made, holdfasttest.Start)
		err := made.View(t.Context(), func(tx *store.ReadTx) error {
			keys, err := tx.SigningKeys()
			if err == nil {
				testKey.key = keys[0]
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	if err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.InsertSigningKey(testKey.key, 0) }); err != nil {
		t.Fatal(err)
	}
}

func newShop(t *testing.T, db *store.DB) *shop {
	t.Helper()
	putKey(t, db)
	s := &shop{World: holdfasttest.NewWorld(t, db), t: t, Log: &bytes.Buffer{}}
	server := httptest.NewServer(http.HandlerFunc(s.receive))
	t.Cleanup(server.Close)
	s.URL = server.URL
	s.sendTo(s.URL + "/ipn")
	s.Sender = s.newSender(db)
	return s
}

// newSender makes a sender of another server on the same store.
func (s *shop) newSender(db *store.DB) *ipn.Sender {
	s.t.Helper()
	return &ipn.Sender{
		Store: db, Signer: loadSigner(s.t, db, holdfasttest.Start), Now: s.Clock.Now,
		Log: slog.New(slog.NewTextHandler(s.Log, nil)), AllowPrivate: true,
	}
}

func (s *shop) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Errorf("reading a notification: %v", err)
	}
	s.mu.Lock()
	s.got = append(s.got, delivered{
		id: r.Header.Get("Holdfast-Delivery"), body: string(body), query: r.URL.RawQuery,
		contentType: r.Header.Get("Content-Type"),
	})
	answer := s.answer
	s.mu.Unlock()
	// As for VerifySignature: the address without its query, and the body as it
	// came.
	if err := holdfast.VerifyMessage(s.Sender.Signer.Certificates(), http.MethodPost, "http://"+r.Host+r.URL.Path,
		string(body)); err != nil {
		s.t.Errorf("a delivered notification: %v", err)
	}
	if answer != nil {
		answer(w, r)
	}
}

// change changes the shop's settings.
func (s *shop) change(to func(*party.Caller)) {
	s.t.Helper()
	changed, err := s.Processor.ChangeCaller(s.t.Context(), s.Shop.ID, func(c party.Caller) (party.Caller, error) {
		to(&c)
		return c, nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.Shop = changed
}

// sendTo sets where the shop is notified.
func (s *shop) sendTo(url string) {
	s.t.Helper()
	s.change(func(c *party.Caller) { c.IPNURL = url })
}

// hearsPending makes a Reserve have two notifications.
func (s *shop) hearsPending() {
	s.t.Helper()
	s.change(func(c *party.Caller) { c.PendingNotice = true })
}

// answers sets the answer of the shop's server.
func (s *shop) answers(status int) {
	s.answersWith(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

func (s *shop) answersWith(answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// run delivers one round and returns how many arrived.
func (s *shop) run() int {
	s.t.Helper()
	n, err := s.Sender.RunOnce(s.t.Context())
	if err != nil {
		s.t.Fatalf("delivering: %v", err)
	}
	return n
}

// arrivals returns the requests that the shop's server got since the last call.
func (s *shop) arrivals() []delivered {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.got
	s.got = nil
	return got
}

// one returns the only thing that arrived.
func (s *shop) one() delivered {
	s.t.Helper()
	got := s.arrivals()
	if len(got) != 1 {
		s.t.Fatalf("%d notifications arrived, want 1", len(got))
	}
	return got[0]
}

// told prints what arrived, in the order of ids, without the signature's own
// fields.
func (s *shop) told() string {
	s.t.Helper()
	got := s.arrivals()
	slices.SortFunc(got, func(a, b delivered) int { return strings.Compare(a.id, b.id) })
	var b strings.Builder
	for _, d := range got {
		fmt.Fprintf(&b, "Holdfast-Delivery: %s\n", d.id)
		params, err := holdfast.ParseParams(d.body)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, p := range params {
			switch p.Name {
			case "signature", "signatureVersion", "signatureMethod", "certificateUrl":
				continue
			}
			fmt.Fprintf(&b, "%s=%s\n", p.Name, p.Value)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// owed reads a transaction's notifications in the store.
func (s *shop) owed(id holdfast.TransactionID) []store.Notification {
	s.t.Helper()
	var all []store.Notification
	err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.Notifications(s.Shop.ID, string(id))
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}
