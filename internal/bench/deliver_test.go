package bench

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ipn"
)

// delivering is a bench whose server delivers.
func delivering(t *testing.T, address string) (b *Bench, signer *ipn.Signer) {
	t.Helper()
	b = newBench(t, address)
	b.Mix, b.Deliver, b.Warmup = MixReserve, true, 0
	signer, err := ipn.LoadSigner(t.Context(), b.Store, "http://127.0.0.1/", b.Now())
	if err != nil {
		t.Fatal(err)
	}
	sender := &ipn.Sender{
		Store: b.Store, Signer: signer, Now: b.Now, AllowPrivate: true, Log: slog.New(slog.DiscardHandler),
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for pause(ctx, time.Millisecond) == nil {
			if _, err := sender.RunOnce(ctx); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return b, signer
}

// Each Reserve of a measurement is matched with its notification.
func TestMeasureDelivered(t *testing.T) {
	databases(t, func(t *testing.T, address string) {
		b, _ := delivering(t, address)
		b.Rate = 100
		if err := b.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		r, err := b.Measure(t.Context())
		if err != nil || r.Delivered == nil || len(r.Delivered.Trials) != 1 {
			t.Fatalf("measured %+v (%v)", r.Delivered, err)
		}
		got := r.Delivered.Trials[0]
		if got.Reserves != r.Requests || got.Reserves == 0 || got.Deliveries < got.Reserves || !r.Good() ||
			got.Repeated+got.Late+got.Missing+got.Forged != 0 {
			t.Errorf("%d answers, delivered %+v", r.Requests, got)
		}
	})
}

// The receiver counts notifications of the sample that are not signed, or about
// another transaction.
func TestReceiverCountsForgeries(t *testing.T) {
	b, signer := delivering(t, t.TempDir()+"/bench.db")
	b.Rate = 1
	if err := b.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := b.receiver
	signed, err := signer.Sign(http.MethodPost, r.url, holdfast.Params{
		{Name: "transactionId", Value: "T"}, {Name: "transactionStatus", Value: "RESERVED"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		delivery, body string
		forged         int64
	}{
		{"T-2", signed.Encode(), 0},
		{"U-2", signed.Encode(), 1},
		{"T-2", strings.Replace(signed.Encode(), "RESERVED", "SUCCESS", 1), 1},
		{"T-2", "%", 1},
	} {
		r.notices.begin()
		r.taken.Store(0)
		q := httptest.NewRequestWithContext(t.Context(), http.MethodPost, r.url, strings.NewReader(row.body))
		q.Header.Set("Holdfast-Delivery", row.delivery)
		r.ServeHTTP(httptest.NewRecorder(), q)
		if got := r.notices.trial(1, time.Second); got.Forged != row.forged || got.Deliveries != 1 {
			t.Errorf("%s with %q: %+v, want %d forged", row.delivery, row.body, got, row.forged)
		}
	}
}
