package networkdoor_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/networkdoor"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A site is a door in front of a world whose shop takes cards at a fake of Stripe.
type site struct {
	*holdfasttest.World
	fake *stripefake.Server
	door http.Handler
	log  *bytes.Buffer
}

const address = "/networks/N1/events"

func atSite(t *testing.T, tell func(s site)) {
	t.Helper()
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		s := site{World: w, fake: w.AtStripe("https://pay.example.test" + address), log: &bytes.Buffer{}}
		s.door = (&networkdoor.Server{
			Inbox: w.Processor, Now: w.Clock.Now, Log: slog.New(slog.NewTextHandler(s.log, nil)),
			From: func(r *http.Request) string { return party.Source(nil, r.RemoteAddr) },
		}).Handler()
		tell(s)
	})
}

// send sends a message and returns the status of the answer.
func (s site) send(method, to, body string, signatures ...string) int {
	s.T.Helper()
	r := httptest.NewRequest(method, to, strings.NewReader(body))
	for _, signature := range signatures {
		r.Header.Add("Stripe-Signature", signature)
	}
	w := httptest.NewRecorder()
	s.door.ServeHTTP(w, r)
	if strings.Contains(w.Body.String(), "whsec_") {
		s.T.Error("the answer has a secret")
	}
	return w.Code
}

func (s site) stored() (n int) {
	s.T.Helper()
	err := s.DB.View(s.T.Context(), func(tx *store.ReadTx) error {
		all, err := tx.NetworkEvents(holdfasttest.AccountID, "", 1000)
		n = len(all)
		return err
	})
	if err != nil {
		s.T.Fatal(err)
	}
	return n
}

// message is a message of Stripe about a hold.
func (s site) message() (body, signature, secret string) {
	s.T.Helper()
	s.Reserved("42.50", "order-1")
	all := s.fake.Deliveries()
	raw, signature := s.fake.Message(all[len(all)-1])
	err := s.DB.View(s.T.Context(), func(tx *store.ReadTx) error {
		a, _, err := tx.NetworkAccount(holdfasttest.AccountID)
		secret = a.Secrets.Events()[0]
		return err
	})
	if err != nil {
		s.T.Fatal(err)
	}
	return string(raw), signature, secret
}

func TestS18MessagesThatNoNetworkHasSent(t *testing.T) {
	atSite(t, func(s site) {
		body, good, secret := s.message()
		now := s.Clock.Now()
		sign := func(secret, body string, at time.Time) string { return stripefake.Signature(secret, []byte(body), at) }
		long := body + strings.Repeat(" ", networkdoor.BodyMax)
		for name, row := range map[string]struct {
			method, to, body, signature string
			status                      int
		}{
			"wrong secret":           {http.MethodPost, address, body, sign("whsec_wrong", body, now), 400},
			"old":                    {http.MethodPost, address, body, sign(secret, body, now.Add(-301*time.Second)), 400},
			"early":                  {http.MethodPost, address, body, sign(secret, body, now.Add(301*time.Second)), 400},
			"no v1":                  {http.MethodPost, address, body, strings.Replace(good, "v1=", "v0=", 1), 400},
			"not signed":             {http.MethodPost, address, body, "", 400},
			"changed by one byte":    {http.MethodPost, address, strings.Replace(body, "4250", "4251", 1), good, 400},
			"no JSON":                {http.MethodPost, address, "money", sign(secret, "money", now), 400},
			"no event":               {http.MethodPost, address, `{"id":"pi_1"}`, sign(secret, `{"id":"pi_1"}`, now), 400},
			"300 KiB":                {http.MethodPost, address, long, sign(secret, long, now), 413},
			"GET":                    {http.MethodGet, address, "", good, 405},
			"an unknown account":     {http.MethodPost, "/networks/N2/events", body, good, 404},
			"no account":             {http.MethodPost, "/networks//events", body, good, 404},
			"another path":           {http.MethodPost, "/networks/N1/event", body, good, 404},
			"a path below a message": {http.MethodPost, "/networks/N1/x/events", body, good, 404},
		} {
			if got := s.send(row.method, row.to, row.body, row.signature); got != row.status {
				t.Errorf("%s is answered with %d, want %d", name, got, row.status)
			}
		}
		if n := s.stored(); n != 0 {
			t.Errorf("%d events are stored", n)
		}
		for _, secret := range []string{secret, "4250", "client_secret", "cus_"} {
			if strings.Contains(s.log.String(), secret) {
				t.Errorf("the log has %q", secret)
			}
		}
		two := "t=" + good[2:strings.Index(good, ",")] + ",v1=00ff,v1=" + good[strings.Index(good, "v1=")+3:]
		if got := s.send(http.MethodPost, address, body, two); got != 200 {
			t.Errorf("a message with two signatures, one of them right, is answered with %d", got)
		}
	})
}

func TestS19MessagesAreStoredOnce(t *testing.T) {
	atSite(t, func(s site) {
		body, good, secret := s.message()
		for range 3 {
			if got := s.send(http.MethodPost, address, body, good); got != 200 {
				t.Fatalf("the answer is %d", got)
			}
		}
		// Messages of the other mode, of another account and of a new type are no
		// errors of the network.
		for change, times := range map[string]int{
			`"livemode": false→"livemode": true`:                 0,
			`"object": "event"→"object":"event","account":"a_2"`: 0,
			`"type": "→"type": "unheard.of.`:                     0, // the same event
			`"id": "evt_→"id": "evt_x`:                           1,
		} {
			from, to, _ := strings.Cut(change, "→")
			other := strings.Replace(body, from, to, 1)
			if other == body {
				t.Fatalf("the message has no %s", from)
			}
			before := s.stored()
			if got := s.send(http.MethodPost, address, other,
				stripefake.Signature(secret, []byte(other), s.Clock.Now())); got != 200 {
				t.Errorf("%s is answered with %d", to, got)
			}
			if n := s.stored() - before; n != times {
				t.Errorf("%s is stored %d times, want %d", to, n, times)
			}
		}
		if n := s.stored(); n != 2 {
			t.Errorf("%d events are stored", n)
		}
	})
}

// A flood of forged messages is answered slowly.
func TestForgedMessagesArePaced(t *testing.T) {
	atSite(t, func(s site) {
		const pause = 20 * time.Millisecond
		s.door = (&networkdoor.Server{
			Inbox: s.Processor, Now: s.Clock.Now, Log: slog.New(slog.DiscardHandler), StrangerPause: pause,
			From: func(r *http.Request) string { return party.Source(nil, r.RemoteAddr) },
		}).Handler()
		began := time.Now() //nolint:forbidigo // a delay is measured
		for range 8 {
			s.send(http.MethodPost, address, "{}", "t=1,v1=00")
		}
		if took := time.Since(began); took < 3*pause { //nolint:forbidigo // a delay is measured
			t.Errorf("eight forged messages are answered in %v", took)
		}
	})
}
