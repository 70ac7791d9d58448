package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/money"
)

// BenchmarkHoldAtTheDoor measures everything of a new hold except the processor
// and HTTP. Compare it with BenchmarkReserveAtTheDoor of package queryapi.
func BenchmarkHoldAtTheDoor(b *testing.B) {
	now := func() time.Time { return time.Date(2026, 11, 23, 10, 15, 30, 0, time.UTC) }
	caller := party.Caller{ID: "CSHOP", Sandbox: true}
	text, hash := party.KeyText("J0001", strings.Repeat("s", party.KeySecretSize), caller)
	key := party.JSONKey{ID: "J0001", Caller: caller.ID, Hash: hash, Scopes: "hold", LastUsed: now()}
	s := &Server{
		Processor: processor.New(nil, processor.Config{Now: now, BooksEvery: -1, Log: slog.New(slog.DiscardHandler)}),
		Public:    &url.URL{Scheme: "https", Host: "pay.example.test", Path: "/"}, Now: now,
		Keys: NewKeys(func(context.Context, party.JSONKeyID) (party.Caller, party.JSONKey, bool, error) {
			return caller, key, true, nil
		}, now),
	}
	none := money.Micros(0)
	made := payment.Transaction{
		ID: "1T000000000000000000000000000000001", Kind: payment.KindReserve, State: payment.Reserved,
		Amount: money.Cents(12_50), Received: now(), Deadline: now().Add(time.Hour), Steps: newHoldSteps,
		Settled: none, Refunded: none, Taken: none, Lowered: none, Fee: none,
	}
	handler := s.Handler()
	register(s, operation{
		id: "stub", method: http.MethodPost, path: Path + "stub", scope: party.ScopeHold, keyed: true,
		status: http.StatusCreated,
	}, func(_ *Server, _ context.Context, q *request, in *createHoldInput) (*holdAnswer, error) {
		_, err := in.Body.request()
		return &holdAnswer{holdOf(payment.Hold{Members: []payment.Transaction{made}}, q.now(), in.Body.Metadata)}, err
	})
	const sent = `{"token":"K1","amount":{"amount":"12.50","currency":"USD"},"reference":"order-1001"}`
	body := strings.NewReader(sent)
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "/v1/stub", body)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+text)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", "order-1001")
	to := discarding{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(sent)
		clear(to.header)
		handler.ServeHTTP(&to, r)
		if to.status != http.StatusCreated {
			b.Fatal(to.status)
		}
	}
}

// A discarding answer keeps its status only.
type discarding struct {
	header http.Header
	status int
}

func (d *discarding) Header() http.Header         { return d.header }
func (d *discarding) Write(b []byte) (int, error) { return len(b), nil }
func (d *discarding) WriteHeader(status int)      { d.status = status }
