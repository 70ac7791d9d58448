package ipn_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ipn"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// pending leaves exactly one notification waiting, of a Reserve that the
// network does not answer.
func (s *shop) pending(ref holdfast.CallerReference) holdfast.TransactionID {
	s.t.Helper()
	s.Processor.Wait = -1
	s.Network.Next(holdfasttest.Reply{Deaf: true})
	r, err := s.Reserve(s.Authorize("25.00"), "25.00", ref)
	if err != nil {
		s.t.Fatal(err)
	}
	return r.ID
}

// wantOwed compares the only waiting notification in the store.
func (s *shop) wantOwed(id holdfast.TransactionID, outcome store.NotificationOutcome, tries int, result string) {
	s.t.Helper()
	all := s.owed(id)
	if len(all) != 1 {
		s.t.Fatalf("%d notifications are owed, want 1", len(all))
	}
	n := all[0]
	if n.Outcome != outcome || n.Tries != tries || n.LastResult != result {
		s.t.Errorf("notification is %s after %d tries with %q, want %s after %d with %q", n.Outcome, n.Tries, n.LastResult,
			outcome, tries, result)
	}
}

func TestFirstDeliveryComesSecondsLater(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		id := s.pending("order-1")
		if n := s.run(); n != 0 {
			t.Fatalf("%d notifications arrived with the answer", n)
		}
		s.Clock.Advance(3*time.Second - time.Microsecond)
		if n := s.run(); n != 0 {
			t.Fatalf("%d notifications arrived too early", n)
		}
		s.Clock.Advance(time.Microsecond)
		if n := s.run(); n != 1 {
			t.Fatalf("%d notifications arrived after three seconds, want 1", n)
		}
		got := s.one()
		if want := string(id) + "-1"; got.id != want {
			t.Errorf("Holdfast-Delivery is %q, want %q", got.id, want)
		}
		if got.contentType != "application/x-www-form-urlencoded; charset=UTF-8" {
			t.Errorf("Content-Type is %q", got.contentType)
		}
		s.wantOwed(id, store.NotificationDelivered, 1, "")
		s.Clock.Advance(time.Hour)
		if n := s.run(); n != 0 {
			t.Errorf("a notification that arrived arrives again")
		}
	})
}

// The SDK's handler accepts what the server sends, also at an address with a
// query.
func TestSDKReadsWhatIsSent(t *testing.T) {
	s := newShop(t, keyedWorldStore(t))
	endpoint := s.URL + "/ipn?shop=7&sig=a%20b%2B"
	s.sendTo(endpoint)
	s.pending("order-1")
	s.Clock.Advance(time.Minute)
	s.run()
	got := s.one()
	if got.query != "shop=7&sig=a%20b%2B" || strings.Contains(got.body, "shop=7") {
		t.Errorf("query is %q and body %q, want the address's own parameters in the query alone", got.query, got.body)
	}
	v := holdfast.Verifier{CallerID: s.Shop.ID, Certificates: s.Sender.Signer.Certificates()}
	n, err := v.ParseIPN(t.Context(), endpoint, []byte(got.body))
	if err != nil {
		t.Fatal(err)
	}
	if n.Status != holdfast.StatusPending || n.CallerReference != "order-1" || n.Amount != holdfasttest.USD("25") ||
		!n.TransactionDate.Equal(holdfasttest.Start) {
		t.Errorf("read %+v", n)
	}
	if _, err := v.ParseIPN(t.Context(), endpoint, []byte(strings.Replace(got.body, "25.00", "26.00", 1))); err == nil {
		t.Error("a forged notification verifies")
	}
}

func keyedWorldStore(t *testing.T) *store.DB {
	t.Helper()
	return holdfasttest.Open(t, t.TempDir()+"/world.db")
}

// The schedule, to the microsecond, by nothing but the clock: 1, 2, 5, 15, 30
// and 60 minutes after a try, then hourly, to the end of a day.
func TestRetriesBackOffForADay(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.answers(http.StatusInternalServerError)
		id := s.pending("order-1")
		created := s.Clock.Now()
		s.Clock.Advance(3 * time.Second)
		pauses := []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute}
		for len(pauses) < 28 {
			pauses = append(pauses, time.Hour)
		}
		s.run()
		first := s.one()
		for i, pause := range pauses {
			s.wantOwed(id, store.NotificationWaiting, i+1, "500 Internal Server Error")
			s.Clock.Advance(pause - time.Microsecond)
			s.run()
			if early := s.arrivals(); len(early) != 0 {
				t.Fatalf("try %d came before %v were over", i+2, pause)
			}
			s.Clock.Advance(time.Microsecond)
			s.run()
			if got := s.one(); got != first {
				t.Fatalf("try %d differs from the first:\n%s", i+2, cmp.Diff(first.body, got.body))
			}
		}
		if past := s.Clock.Now().Sub(created); past < 23*time.Hour || past > 24*time.Hour {
			t.Errorf("the last try was %v after the change, want within a day", past)
		}
		s.wantOwed(id, store.NotificationGivenUp, len(pauses)+1, "500 Internal Server Error")
		s.Clock.Advance(48 * time.Hour)
		s.run()
		if late := s.arrivals(); len(late) != 0 {
			t.Error("a notification that was given up is sent again")
		}
		if !strings.Contains(s.Log.String(), "notification given up") {
			t.Error("the log does not say that it was given up")
		}
	})
}

func TestRetryThatArrivesEndsIt(t *testing.T) {
	s := newShop(t, keyedWorldStore(t))
	s.answers(http.StatusServiceUnavailable)
	id := s.pending("order-1")
	s.Clock.Advance(time.Minute)
	s.run()
	first := s.one()
	s.answers(http.StatusNoContent)
	s.Clock.Advance(time.Minute)
	if n := s.run(); n != 1 {
		t.Fatalf("%d notifications arrived, want 1", n)
	}
	if got := s.one(); got != first {
		t.Errorf("the second try differs from the first:\n%s", cmp.Diff(first.body, got.body))
	}
	s.wantOwed(id, store.NotificationDelivered, 2, "204 No Content")
}

// The body is frozen: later steps do not change it.
func TestLaterStepsDoNotChangeWhatWasSaid(t *testing.T) {
	s := newShop(t, keyedWorldStore(t))
	s.hearsPending()
	s.answers(http.StatusInternalServerError)
	r := s.Reserved("25.00", "order-1")
	s.Clock.Advance(3 * time.Second)
	s.run()
	before := s.arrivals()
	if _, err := s.Cancel(r.ID); err != nil {
		t.Fatal(err)
	}
	s.answers(http.StatusOK)
	s.Clock.Advance(time.Minute)
	s.run()
	after := s.arrivals()
	if len(before) != 2 || len(after) != 3 {
		t.Fatalf("%d and %d notifications arrived, want 2 and 3", len(before), len(after))
	}
	// One transaction's notifications of one round arrive in their order.
	if diff := cmp.Diff([]string{before[0].body, before[1].body}, []string{after[0].body, after[1].body}); diff != "" {
		t.Errorf("retries differ (-first +second):\n%s", diff)
	}
}

func TestReceiversThatDoNotTakeIt(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a redirect was followed")
	}))
	defer elsewhere.Close()
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		result string
	}{
		{"moved", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "307 Temporary Redirect: redirects are not followed"},
		{"not found", http.NotFound, "404 Not Found"},
		{"nobody's status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(599) }, "599"},
		{"hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		{"too slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no answer within 100ms"},
		{"headers without end", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 64<<10))
		}, "net/http: HTTP/1.x transport connection broken: net/http: server response headers exceeded 32768 bytes; aborted"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newShop(t, keyedWorldStore(t))
			s.Sender.Timeout = 10 * time.Second
			if row.name == "too slow" {
				s.Sender.Timeout = 100 * time.Millisecond
			}
			s.answersWith(row.answer)
			id := s.pending("order-1")
			s.Clock.Advance(time.Minute)
			if n := s.run(); n != 0 {
				t.Errorf("%d notifications arrived, want none", n)
			}
			s.wantOwed(id, store.NotificationWaiting, 1, row.result)
		})
	}
}

// A receiver whose answer never ends has taken the notification all the same.
func TestEndlessAnswerIsCut(t *testing.T) {
	s := newShop(t, keyedWorldStore(t))
	s.answersWith(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat("x", 4096)); err != nil {
				return
			}
		}
	})
	id := s.pending("order-1")
	s.Clock.Advance(time.Minute)
	if n := s.run(); n != 1 {
		t.Errorf("%d notifications arrived, want 1", n)
	}
	s.wantOwed(id, store.NotificationDelivered, 1, "")
}

func TestAddressesThatCannotBeSentTo(t *testing.T) {
	closed, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for address, result := range map[string]string{
		"http://" + closed.Addr().String() + "/ipn": "connection refused",
		"ftp://shop.example.test/ipn":               "unsupported protocol scheme",
		"http://shop example test/":                 "not sent: signing a message: its address cannot be read",
		"/ipn":                                      "not sent: signing a message: its address cannot be read",
	} {
		s := newShop(t, keyedWorldStore(t))
		s.sendTo(address)
		id := s.pending("order-1")
		s.Clock.Advance(time.Minute)
		if n := s.run(); n != 0 {
			t.Errorf("%s: %d notifications arrived", address, n)
		}
		if n := s.owed(id)[0]; n.Outcome != store.NotificationWaiting || !strings.Contains(n.LastResult, result) {
			t.Errorf("%s: notification is %s with %q, want it waiting with %q", address, n.Outcome, n.LastResult, result)
		}
	}
}

func TestPrivateAddressesAreRefused(t *testing.T) {
	s := newShop(t, keyedWorldStore(t))
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	for i, host := range []string{
		"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "10.0.0.1",
	} {
		sender := s.newSender(s.DB)
		sender.AllowPrivate = false
		s.sendTo("http://" + host + port + "/ipn")
		id := s.pending(holdfast.CallerReference("order-" + host))
		s.Clock.Advance(3 * time.Second)
		if n, err := sender.RunOnce(t.Context()); n != 0 || err != nil {
			t.Errorf("%s: %d notifications arrived, %v", host, n, err)
		}
		s.wantOwed(id, store.NotificationWaiting, 1, "not sent: the address is not public")
		if got := s.arrivals(); len(got) != 0 {
			t.Errorf("%s (%d): the server inside got %d notifications", host, i, len(got))
		}
	}
}

// Moving a sandbox caller's clock moves its deliveries and nobody else's; a
// clock that is put back does not strand waiting notifications.
func TestDeliveriesFollowTheCallersClock(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		other := s.OtherShop()
		s.answers(http.StatusInternalServerError)
		id := s.pending("order-1")
		advance := func(by time.Duration) {
			t.Helper()
			if _, err := s.Processor.AdvanceClock(t.Context(), s.Shop.ID, by); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Processor.AdvanceClock(t.Context(), other.ID, time.Hour); err != nil {
			t.Fatal(err)
		}
		s.run()
		if got := s.arrivals(); len(got) != 0 {
			t.Error("another caller's clock moved this one's deliveries")
		}
		advance(3 * time.Second)
		s.run()
		s.one()
		advance(time.Minute)
		s.run()
		s.one()
		s.wantOwed(id, store.NotificationWaiting, 2, "500 Internal Server Error")

		advance(100 * time.Hour) // not the week that ends a Reserve
		late := s.pending("order-2")
		if _, err := s.Processor.ResetClock(t.Context(), s.Shop.ID); err != nil {
			t.Fatal(err)
		}
		s.run()
		for _, d := range s.arrivals() {
			if d.id == string(late)+"-1" {
				late = ""
			}
		}
		if late != "" {
			t.Error("what was owed before the clock was put back waits for days")
		}
		s.run()
		if got := s.arrivals(); len(got) != 0 {
			t.Errorf("after a failure it is tried again at once, %d times", len(got))
		}
		s.Clock.Advance(time.Minute)
		s.run()
		if got := s.arrivals(); len(got) != 1 {
			t.Errorf("%d notifications came a minute after the failure, want 1", len(got))
		}
	})
}

// Two servers on one store deliver each notification once.
func TestTwoSendersShareTheWork(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			s := newShop(t, holdfasttest.Open(t, at))
			second := s.newSender(holdfasttest.Open(t, at))
			const owed = 40
			for range owed {
				s.pending(holdfast.CallerReference(s.IDs.Other("order-")))
			}
			s.Clock.Advance(3 * time.Second)
			var sending sync.WaitGroup
			for _, sender := range []*ipn.Sender{s.Sender, second} {
				sending.Go(func() {
					for range 3 {
						if _, err := sender.RunOnce(t.Context()); err != nil {
							t.Error(err)
						}
					}
				})
			}
			sending.Wait()
			times := map[string]int{}
			for _, d := range s.arrivals() {
				times[d.id]++
			}
			if len(times) != owed {
				t.Errorf("%d notifications arrived, want %d", len(times), owed)
			}
			for id, n := range times {
				if n != 1 {
					t.Errorf("notification %s arrived %d times", id, n)
				}
			}
		})
	}
}

// A server that stops between sending and writing the result leaves a lease.
// When the lease has ended, another server sends the same body.
func TestCrashAfterSending(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			s := newShop(t, holdfasttest.Open(t, at))
			id := s.pending("order-1")
			s.Clock.Advance(3 * time.Second)

			dying := holdfasttest.Open(t, at)
			sender := s.newSender(dying)
			s.answersWith(func(http.ResponseWriter, *http.Request) { dying.Close() })
			if n, err := sender.RunOnce(t.Context()); err == nil {
				t.Fatalf("a sender without a store delivered %d", n)
			}
			first := s.one()
			s.answers(http.StatusOK)

			s.Clock.Advance(30*time.Second - time.Microsecond)
			s.run()
			if got := s.arrivals(); len(got) != 0 {
				t.Fatal("the notification was sent while the first server had its lease")
			}
			s.Clock.Advance(time.Microsecond)
			if n := s.run(); n != 1 {
				t.Fatalf("%d notifications arrived after the lease, want 1", n)
			}
			if got := s.one(); got != first {
				t.Errorf("the second server sent something else:\n%s", cmp.Diff(first.body, got.body))
			}
			s.wantOwed(id, store.NotificationDelivered, 2, "200 OK")
		})
	}
}

// A server that is stopped while it waits for a receiver puts the notification
// back, so the next server need not wait.
func TestStopPutsBack(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		id := s.pending("order-1")
		s.Clock.Advance(3 * time.Second)
		ctx, stop := context.WithCancel(t.Context())
		s.answersWith(func(_ http.ResponseWriter, r *http.Request) {
			stop()
			<-r.Context().Done()
		})
		if n, err := s.Sender.RunOnce(ctx); n != 0 || err != nil {
			t.Fatalf("the stopped sender delivered %d, %v", n, err)
		}
		s.wantOwed(id, store.NotificationWaiting, 0, "")
		first := s.one()
		s.answers(http.StatusOK)
		if n := s.run(); n != 1 {
			t.Fatalf("%d notifications arrived after the restart, want 1", n)
		}
		if got := s.one(); got != first {
			t.Errorf("after the restart it says something else:\n%s", cmp.Diff(first.body, got.body))
		}
	})
}

func TestLogsSayNothingOfWhatIsSent(t *testing.T) {
	s := newShop(t, keyedWorldStore(t))
	s.answers(http.StatusInternalServerError)
	s.sendTo(s.URL + "/ipn?password=" + url.QueryEscape(holdfasttest.Password))
	s.pending("order-1")
	for range 30 {
		s.Clock.Advance(time.Hour)
		s.run()
	}
	got := s.arrivals()
	if len(got) == 0 || s.Log.Len() == 0 {
		t.Fatal("nothing was sent or logged")
	}
	params, err := holdfast.ParseParams(got[0].body)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"signature", "buyerName", "buyerEmail", "recipientEmail", "paymentReason"} {
		if strings.Contains(s.Log.String(), params.Get(name)) {
			t.Errorf("the log has the notification's %s", name)
		}
	}
	if strings.Contains(s.Log.String(), "password") {
		t.Error("the log has the address's query")
	}
}
