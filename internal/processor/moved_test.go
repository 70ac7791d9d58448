package processor_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// moveLines keeps what the log has about money, such as "Expire order-1 USD 9.00
// Cancelled".
type moveLines struct {
	mu    sync.Mutex
	lines []string
}

func (m *moveLines) Enabled(context.Context, slog.Level) bool { return true }
func (m *moveLines) WithAttrs([]slog.Attr) slog.Handler       { return m }
func (m *moveLines) WithGroup(string) slog.Handler            { return m }

func (m *moveLines) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "money moved" {
		return nil
	}
	fields := map[string]string{}
	r.Attrs(func(a slog.Attr) bool { fields[a.Key] = a.Value.String(); return true })
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines = append(m.lines, fmt.Sprint(fields["action"], " ", fields["reference"], " ", fields["amount"], " ",
		fields["result"]))
	return nil
}

func (m *moveLines) want(t *testing.T, when string, want ...string) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	slices.Sort(m.lines)
	if diff := cmp.Diff(want, m.lines); diff != "" {
		t.Errorf("%s, the log has (-want +got):\n%s", when, diff)
	}
	m.lines = nil
}

// The log has one line about money that moves although no caller waits, and the
// lags of expiries and releases are told.
func TestMovesOfTheBackground(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		var log moveLines
		var mu sync.Mutex
		var expired, released []time.Duration
		tell := func(to *[]time.Duration) func(time.Duration) {
			return func(lag time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				*to = append(*to, lag)
			}
		}
		w.Processor.Log, w.Processor.LogMoves = slog.New(&log), true
		w.Processor.Expired, w.Processor.Released = tell(&expired), tell(&released)
		round := func() {
			t.Helper()
			if _, err := w.Processor.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Processor.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Processor.Resolve(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w.Reserved("9.00", "order-1")
		log.want(t, "after a Reserve, whose line the door writes")

		w.Clock.Advance(time.Minute)
		w.Network.Next(holdfasttest.Reply{Deaf: true})
		w.Processor.Wait = time.Millisecond
		if _, err := w.Reserve(w.Authorize("8.00"), "8.00", "order-2"); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(time.Minute)
		round()
		log.want(t, "after the network has answered late", "Reserve order-2 USD 8.00 Reserved")

		w.Clock.Advance(payment.ReserveLifeMax - 110*time.Second)
		round() // only order-1 is due
		log.want(t, "after an expiry", "Expire order-1 USD 9.00 Cancelled")
		if want := []time.Duration{10 * time.Second}; !slices.Equal(expired, want) || !slices.Equal(released, want) {
			t.Errorf("the lags are %v and %v, want %v", expired, released, want)
		}

		_, err := w.Processor.ChangeCaller(t.Context(), w.Shop.ID, func(c party.Caller) (party.Caller, error) {
			c.ClockOffset = time.Hour
			return c, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		round()
		log.want(t, "after the clock was moved", "Expire order-2 USD 8.00 Cancelled")
		if len(expired) != 1 || len(released) != 1 {
			t.Errorf("a moved clock counts: %v and %v", expired, released)
		}
	})
}
