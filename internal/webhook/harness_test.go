package webhook_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// An unreliable is a receiver behind a network that loses requests and answers. It
// keeps the newest state of each object, as docs/webhooks.md advises.
type unreliable struct {
	t      *testing.T
	secret holdfast.SecretKey
	random *rand.Rand

	mu    sync.Mutex
	state map[string]payment.EventMessage // of each object
	seen  map[payment.EventID]bool
	order []string // of the first arrivals
}

// RoundTrip implements [http.RoundTripper].
func (u *unreliable) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	luck := u.random.IntN(10)
	switch luck {
	case 0, 1:
		return nil, errors.New("the request is lost")
	case 2:
		return answered(http.StatusInternalServerError), nil
	case 3:
		return answered(http.StatusTooEarly), nil
	}
	q := request{body: string(body), header: r.Header}
	if err := q.verify(u.secret); err != nil {
		u.t.Errorf("a request does not verify: %v", err)
	}
	u.take(q)
	if luck == 4 {
		return nil, errors.New("the answer is lost")
	}
	return answered(http.StatusNoContent), nil
}

func answered(status int) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}
}

func (u *unreliable) take(q request) {
	m := q.message(u.t)
	if u.seen[m.ID] {
		return
	}
	u.seen[m.ID] = true
	u.order = append(u.order, fmt.Sprint(m.ObjectID, m.Seq))
	if had, ok := u.state[m.ObjectID]; !ok || m.Seq > had.Seq {
		u.state[m.ObjectID] = m
	}
}

// Whatever the network loses, repeats or reorders, in the end the receiver has the
// state that the server has: of every object the last event. An ordered endpoint
// also gets the events in the order of the feed.
func TestReceiverEndsWithTheServersState(t *testing.T) {
	const seeds = 15
	for seed := range uint64(seeds) {
		for _, ordered := range []bool{false, true} {
			t.Run(fmt.Sprint(seed, " ordered ", ordered), func(t *testing.T) {
				holdfasttest.Databases(t, func(t *testing.T, db *store.DB) { play(t, db, seed, ordered) })
			})
		}
	}
}

func play(t *testing.T, db *store.DB, seed uint64, ordered bool) {
	h := newHooked(t, db)
	e, secret := h.endpoint(processor.NewEndpoint{URL: "http://shop.example.test/hook", Ordered: ordered})
	u := &unreliable{
		t: t, secret: secret, random: rand.New(rand.NewPCG(seed, 16)),
		state: map[string]payment.EventMessage{}, seen: map[payment.EventID]bool{},
	}
	h.Sender.HTTP = &http.Client{Transport: u}
	random := rand.New(rand.NewPCG(seed, 17))
	for range 12 {
		for range random.IntN(4) {
			h.add(fmt.Sprint("o", random.IntN(5)))
		}
		if random.IntN(3) > 0 {
			h.place()
		}
		if random.IntN(3) > 0 {
			h.run()
		}
		h.Clock.Advance(time.Duration(random.IntN(20)) * time.Second)
		if random.IntN(6) == 0 {
			if _, err := h.Processor.Redeliver(t.Context(), h.Shop, e.ID, processor.Redelivery{
				Since: h.Clock.Now().Add(-20 * time.Second),
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.place()
	for waiting := true; waiting; {
		h.run()
		waiting = false
		for _, d := range h.deliveries(e) {
			waiting = waiting || d.Outcome == store.WebhookWaiting
		}
		h.Clock.Advance(time.Hour)
	}
	want, order := map[string]payment.EventMessage{}, []string(nil)
	for _, d := range h.deliveries(e) {
		m := d.Event.Message()
		want[m.ObjectID] = m
		order = append(order, fmt.Sprint(m.ObjectID, m.Seq))
	}
	if diff := cmp.Diff(want, u.state); diff != "" || len(want) == 0 {
		t.Errorf("the receiver's state differs from the server's (-server +receiver):\n%s", diff)
	}
	if ordered {
		if diff := cmp.Diff(order, u.order); diff != "" {
			t.Errorf("the events came in another order (-want +got):\n%s", diff)
		}
	}
}
