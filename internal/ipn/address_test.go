package ipn_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A mailbox is another server that takes notifications, and verifies them.
type mailbox struct {
	*httptest.Server
	mu  sync.Mutex
	got []string
}

func newMailbox(s *shop) *mailbox {
	m := &mailbox{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = holdfast.Verifier{CallerID: s.Shop.ID, Certificates: s.Sender.Signer.Certificates()}.ParseIPN(r.Context(),
				"http://"+r.Host+r.URL.Path, body)
		}
		if err != nil {
			s.t.Errorf("the new address got %v", err)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.got = append(m.got, r.Header.Get("Holdfast-Delivery"))
	}))
	s.t.Cleanup(m.Close)
	return m
}

func (m *mailbox) taken() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	got := m.got
	m.got = nil
	return got
}

// Notifications that wait for a mistyped address go to the new one, signed for
// it, whether or not they were tried already. An address that a request named
// (OverrideIPNURL) stays.
func TestANewAddressReachesWhatWaits(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.answers(http.StatusInternalServerError)
		tried := s.pending("order-1")
		s.Clock.Advance(3 * time.Second)
		s.run()
		s.one()
		fresh := s.pending("order-2")
		s.Processor.Wait = -1
		s.Network.Next(holdfasttest.Reply{Deaf: true})
		overridden, err := s.Processor.Reserve(t.Context(), s.Shop, holdfast.ReserveRequest{
			SenderTokenID: s.Authorize("25.00"), TransactionAmount: holdfasttest.USD("25.00"), CallerReference: "order-3",
			OverrideIPNURL: s.URL + "/elsewhere",
		})
		if err != nil {
			t.Fatal(err)
		}

		box := newMailbox(s)
		s.sendTo(box.URL + "/hear")
		s.Clock.Advance(time.Minute)
		if n := s.run(); n != 2 {
			t.Errorf("%d notifications arrived at the new address, want 2", n)
		}
		if got := strings.Join(box.taken(), " "); !strings.Contains(got, string(tried)+"-1") ||
			!strings.Contains(got, string(fresh)+"-1") {
			t.Errorf("the new address got %q", got)
		}
		s.wantOwed(tried, store.NotificationDelivered, 2, "200 OK")
		if got := s.one(); got.id != string(overridden.ID)+"-1" {
			t.Errorf("the old address got %q", got.id)
		}
		s.wantOwed(overridden.ID, store.NotificationWaiting, 1, "500 Internal Server Error")
		s.answers(http.StatusOK)
		s.Clock.Advance(time.Minute)
		s.run()
		s.one()
		s.wantOwed(overridden.ID, store.NotificationDelivered, 2, "200 OK")
		if got := box.taken(); len(got) != 0 {
			t.Errorf("the new address got %q as well", got)
		}
	})
}

// If the caller's address is removed, waiting notifications fail. They go to
// the next address that the caller sets within the day.
func TestWithoutAnAddressNothingIsLost(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		const nowhere = "not sent: the caller's account has no address for notifications"
		s := newShop(t, db)
		s.answers(http.StatusInternalServerError)
		queued := s.pending("order-1")
		s.Clock.Advance(3 * time.Second)
		s.run()
		s.one()
		fresh := s.pending("order-2")
		s.sendTo("")
		s.answers(http.StatusOK)
		s.Clock.Advance(time.Minute)
		if n := s.run(); n != 0 || len(s.arrivals()) != 0 {
			t.Errorf("%d notifications arrived nowhere", n)
		}
		s.wantOwed(queued, store.NotificationWaiting, 2, nowhere)
		s.wantOwed(fresh, store.NotificationWaiting, 1, nowhere)
		s.sendTo(s.URL + "/ipn")
		s.Clock.Advance(2 * time.Minute)
		if n := s.run(); n != 2 {
			t.Errorf("%d notifications arrived at the new address, want 2", n)
		}
		s.wantOwed(queued, store.NotificationDelivered, 3, "200 OK")
		s.wantOwed(fresh, store.NotificationDelivered, 2, "200 OK")
	})
}

// Every try at an address sends the same body, also after the caller had
// another address for a while.
func TestAnAddressThatComesBack(t *testing.T) {
	s := newShop(t, keyedWorldStore(t))
	s.answers(http.StatusInternalServerError)
	s.pending("order-1")
	s.Clock.Advance(3 * time.Second)
	s.run()
	first := s.one()
	s.sendTo("http://127.0.0.1:1/ipn")
	s.Clock.Advance(time.Minute)
	s.run()
	s.sendTo(s.URL + "/ipn")
	s.answers(http.StatusOK)
	s.Clock.Advance(2 * time.Minute)
	if n := s.run(); n != 1 {
		t.Fatalf("%d notifications arrived, want 1", n)
	}
	if got := s.one(); got.body != first.body || got.id != first.id {
		t.Errorf("it says %s, and said %s", got.body, first.body)
	}
}
