package api_test

import (
	"net/http"
	"strings"
	"testing"
)

// BenchmarkCreateHoldAtTheDoor measures everything of a hold's request but HTTP.
// The call is a repetition, so the store writes nothing. Compare it with
// BenchmarkReserveAtTheDoor of package queryapi.
func BenchmarkCreateHoldAtTheDoor(b *testing.B) {
	w := newWorld(b)
	body := w.newHold("12.50")
	w.do("POST", "/v1/holds", body, header("Idempotency-Key", "order-1001")).want(http.StatusCreated, "")
	text := strings.NewReader(body)
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "/v1/holds", text)
	if err != nil {
		b.Fatal(err)
	}
	bearer(w.key)(r)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", "order-1001")
	to := discarding{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		text.Reset(body)
		clear(to.header)
		w.handler.ServeHTTP(&to, r)
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
