package api_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

var crowded = flag.Int("crowd", 100_000, "rows of each kind in the store of BenchmarkLists")

// BenchmarkLists reads a page of each list of the JSON API in a store with 100,000 rows
// of each kind, the first and the second page, and with filters. The figure to look at
// is ms/page.
func BenchmarkLists(b *testing.B) {
	for name, address := range holdfasttest.Addresses(b) {
		b.Run(name, func(b *testing.B) {
			at := address(b)
			w := newWorldOn(b, holdfasttest.Open(b, at))
			crowd := w.Crowd(at, *crowded)
			hook := "/v1/webhook-endpoints/" + string(crowd.Endpoint.ID)
			open := func(b *testing.B, path string) []byte {
				r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, nil)
				bearer(w.key)(r)
				to := httptest.NewRecorder()
				w.handler.ServeHTTP(to, r)
				if to.Code != http.StatusOK {
					b.Fatalf("%s answers %d: %s", path, to.Code, to.Body)
				}
				return to.Body.Bytes()
			}
			run := func(name, path string) {
				b.Run(name, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						open(b, path)
					}
					ms := float64(b.Elapsed().Microseconds()) / 1000 / float64(b.N) //nolint:forbidigo // a time
					b.ReportMetric(ms, "ms/page")
				})
			}
			for _, path := range []string{
				"/v1/holds", "/v1/holds?state=held", "/v1/holds?state=settled", "/v1/holds?state=released", "/v1/payments",
				"/v1/refunds", "/v1/tokens", "/v1/tokens?state=used", "/v1/tokens?state=active&type=single_use",
				"/v1/tokens?type=recurring", "/v1/events",
				hook + "/deliveries", hook + "/deliveries?state=waiting", hook + "/deliveries?state=given_up",
				hook + "/deliveries?state=delivered", "/v1/webhook-endpoints", "/v1/checkouts", "/v1/balances",
			} {
				run(path[len("/v1/"):], path)
				var page struct {
					Next string `json:"next"`
				}
				if err := json.Unmarshal(open(b, path), &page); err != nil {
					b.Fatal(err)
				}
				if page.Next == "" {
					continue
				}
				join := "?"
				if strings.Contains(path, join) {
					join = "&"
				}
				run(path[len("/v1/"):]+"/next", path+join+"after="+url.QueryEscape(page.Next))
			}
		})
	}
}
