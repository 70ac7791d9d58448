package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const (
	hugeAnswer    = 100 << 20
	answerKept    = 1 << 10
	socketBuffers = 16 << 20 // more than the system takes of an answer that nobody reads
)

// A hugeReceiver answers with 100 MB, and notes the most that it could write.
type hugeReceiver struct {
	status  int
	written atomic.Int64
}

func (r *hugeReceiver) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(r.status)
	line := strings.Repeat("this goes on\n", 1000)
	all := int64(0)
	for all < hugeAnswer {
		n, err := io.WriteString(w, line)
		if all += int64(n); err != nil {
			break // the sender hung up
		}
	}
	for most := r.written.Load(); all > most && !r.written.CompareAndSwap(most, all); most = r.written.Load() {
	}
}

// receive starts a receiver, and returns its address.
func receive(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	receiver := httptest.NewServer(answer)
	t.Cleanup(receiver.Close)
	return receiver.URL
}

// Receivers that redirect, fail, answer with 100 MB or do not answer at all delay no
// other endpoint and no other caller. The server reads little of their answers. The
// list of deliveries tells what each has said, and when the next try is.
func TestReceiversThatMisbehave(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		d := newWebhookDoor(t, db, func(s *server) { s.DeliveryTimeout = 10 * patience })
		const later = 10 // holds
		reached, end := make(chan struct{}, 10*later), make(chan struct{})
		elsewhere := receive(t, func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") })
		talks, fails := &hugeReceiver{status: http.StatusOK}, &hugeReceiver{status: http.StatusInternalServerError}
		thanks := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "thanks") }
		hanging := d.endpoint(d.shop, receive(t, func(_ http.ResponseWriter, r *http.Request) {
			reached <- struct{}{}
			select {
			case <-r.Context().Done():
			case <-end:
			}
		}))
		defer close(end)
		others := d.endpoint(d.other, receive(t, thanks))
		ours := map[string]wantedTry{
			"good":  {"delivered", "200 OK", 200, "thanks", 6, 0},
			"moved": {"waiting", "307 Temporary Redirect: redirects are not followed", 307, "", 0, 5 * time.Second},
			"fails": {"waiting", "500 Internal Server Error", 500, "this goes on", answerKept, 5 * time.Second},
			"talks": {"delivered", "200 OK", 200, "this goes on", answerKept, 0},
		}
		endpoints := map[string]client.Endpoint{
			"good": d.endpoint(d.shop, receive(t, thanks)),
			"moved": d.endpoint(d.shop, receive(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
			})),
			"fails": d.endpoint(d.shop, receive(t, fails.ServeHTTP)),
			"talks": d.endpoint(d.shop, receive(t, talks.ServeHTTP)),
		}
		before := allocated()
		d.hold()
		<-reached // it hangs from now on
		for range later {
			d.hold()
		}
		if _, err := d.other.TestEndpoint(t.Context(), others.ID); err != nil {
			t.Fatal(err)
		}
		for name, want := range ours {
			for _, got := range d.tried(endpoints[name], 1+later, 1) {
				d.wantTry(name, got, want)
			}
		}
		d.wantTry("another caller", d.triedOf(d.other, others, 1, 1)[0], ours["good"])
		if all := d.tried(hanging, 1+later, 0); all[0].State != "waiting" || all[0].LastTry != nil {
			t.Errorf("what hangs is %+v", all[0])
		}
		if most := max(talks.written.Load(), fails.written.Load()); most > socketBuffers {
			t.Errorf("a receiver could write %d bytes", most)
		}
		if used := allocated() - before; used > hugeAnswer {
			t.Errorf("%d answers of %d bytes took %d bytes of memory", 2*(1+later), hugeAnswer, used)
		}

		// A try that was cut short by the end of a server does not count. The next server
		// waits for as long as it should.
		d.stop()
		d.start(func(s *server) { s.DeliveryTimeout = 100 * time.Millisecond })
		for _, got := range d.tried(hanging, 1+later, 1) {
			d.wantTry("hangs", got, wantedTry{state: "waiting", result: "no answer within 100ms", next: 5 * time.Second})
			if got.Tries != 1 {
				t.Errorf("%d tries count, want 1", got.Tries)
			}
		}
	})
}

// allocated is how many bytes of memory this process has asked for.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// An endpoint that answers 500 for days gets each event again, more and more rarely,
// for three days. Others get theirs at once meanwhile. The caller can send what was
// given up again.
func TestAReceiverThatFailsForDays(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		d := newWebhookDoor(t, db)
		var works atomic.Bool
		failing := d.endpoint(d.shop, receive(t, func(w http.ResponseWriter, _ *http.Request) {
			if !works.Load() {
				http.Error(w, "out of order", http.StatusInternalServerError)
			}
		}))
		good := d.endpoint(d.shop, receive(t, func(http.ResponseWriter, *http.Request) {}))
		d.hold()
		began := d.Clock.Now()
		now := d.tried(failing, 1, 1)[0]
		pause := time.Duration(0)
		for now.State == "waiting" {
			next := now.NextTry.Sub(d.Clock.Now())
			if next < pause {
				t.Fatalf("after %d tries the pause is %v, and was %v", now.Tries, next, pause)
			}
			pause = next
			d.wantTry(fmt.Sprint("try ", now.Tries), now, wantedTry{
				"waiting", "500 Internal Server Error", 500, "out of order", len("out of order\n"), pause,
			})
			d.at(now.NextTry)
			now = d.tried(failing, 1, now.Tries+1)[0]
		}
		d.wantTry("the last try", now, wantedTry{
			"given_up", "500 Internal Server Error", 500, "out of order", len("out of order\n"), 0,
		})
		if past := d.Clock.Now().Sub(began); past < 71*time.Hour || past > 72*time.Hour {
			t.Errorf("it was given up after %d tries in %v, want three days", now.Tries, past)
		}

		d.hold()
		for _, got := range d.tried(good, 2, 1) {
			if got.State != "delivered" || got.Tries != 1 {
				t.Errorf("at the other endpoint, a delivery is %+v", got)
			}
		}
		works.Store(true)
		if err := d.shop.RedeliverEvent(t.Context(), failing.ID, now.Event.ID); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the event was taken", func() bool {
			return slices.ContainsFunc(d.deliveries(d.shop, failing), func(one client.Delivery) bool {
				return one.Event.ID == now.Event.ID && one.State == "delivered"
			})
		})
	})
}
