package metrics_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/api"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ipn"
	"github.com/holdfast-pay/holdfast/internal/metrics"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/queryapi"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webhook"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

func newSet(clock *holdfasttest.Clock) *metrics.Set {
	build := metrics.Build{Version: "1.2.3", Revision: "abc", Go: "go1.26"}
	return metrics.New(build, clock.Now, slog.New(slog.DiscardHandler))
}

// scraped returns the lines of a scrape that begin with one of some names.
func scraped(t *testing.T, s *metrics.Set, names ...string) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, metrics.Path, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("a scrape is answered with %d: %s", w.Code, w.Body)
	}
	var found strings.Builder
	for line := range strings.Lines(w.Body.String()) {
		for _, name := range names {
			if strings.HasPrefix(line, name) {
				found.WriteString(line)
			}
		}
	}
	return found.String()
}

func TestAnswersOfTheAPI(t *testing.T) {
	s := newSet(holdfasttest.NewClock())
	s.Answered(queryapi.Answered{Action: "Reserve", Result: queryapi.Success, Took: 700 * time.Microsecond})
	s.Answered(queryapi.Answered{
		Action: "Reserve", Result: queryapi.Refused, Code: holdfast.InvalidTokenID, Took: 20 * time.Second,
	})
	s.Answered(queryapi.Answered{Result: queryapi.Refused, Code: holdfast.InvalidRequest, Took: -time.Second})
	s.AnsweredJSON(api.Answered{Operation: "create-hold", Result: api.Success, Took: time.Millisecond})
	s.AnsweredJSON(api.Answered{Result: api.Refused, Code: api.NotFound})
	want := `holdfast_requests_total{action="Reserve",code="InvalidTokenId",door="api",result="refused"} 1
holdfast_requests_total{action="Reserve",code="Success",door="api",result="success"} 1
holdfast_requests_total{action="create-hold",code="success",door="json",result="success"} 1
holdfast_requests_total{action="unknown",code="InvalidRequest",door="api",result="refused"} 1
holdfast_requests_total{action="unknown",code="not_found",door="json",result="refused"} 1
`
	if diff := cmp.Diff(want, scraped(t, s, "holdfast_requests_total")); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
	want = `holdfast_request_duration_seconds_bucket{action="Reserve",door="api",result="success",le="0.0005"} 0
holdfast_request_duration_seconds_bucket{action="Reserve",door="api",result="success",le="0.001"} 1
`
	got := scraped(t, s, `holdfast_request_duration_seconds_bucket{action="Reserve",door="api",result="success",le="0.00`)
	if !strings.HasPrefix(got, want) {
		t.Errorf("timed:\n%swant it to begin with\n%s", got, want)
	}
	want = `holdfast_build_info{goversion="go1.26",revision="abc",version="1.2.3"} 1` + "\n"
	if got := scraped(t, s, "holdfast_build_info"); got != want {
		t.Errorf("the program is %q, want %q", got, want)
	}
	for _, name := range []string{"go_goroutines ", "process_start_time_seconds "} {
		if scraped(t, s, name) == "" {
			t.Errorf("there is no %s", name)
		}
	}
}

func TestBackgroundWork(t *testing.T) {
	s := newSet(holdfasttest.NewClock())
	s.Expired(2 * time.Second)
	s.Released(-time.Second)
	s.Released(8 * time.Second)
	s.Delivered(ipn.Delivered)
	s.WebhookTried(webhook.NotYet)
	want := `holdfast_expiry_lag_seconds_sum 2
holdfast_notice_deliveries_total{result="delivered"} 1
holdfast_notice_deliveries_total{result="failed"} 0
holdfast_notice_deliveries_total{result="given_up"} 0
holdfast_release_lag_seconds_sum 8
holdfast_release_lag_seconds_count 2
holdfast_webhook_tries_total{result="delivered"} 0
holdfast_webhook_tries_total{result="failed"} 0
holdfast_webhook_tries_total{result="given_up"} 0
holdfast_webhook_tries_total{result="gone"} 0
holdfast_webhook_tries_total{result="not_yet"} 1
holdfast_webhook_tries_total{result="stuck"} 0
`
	got := scraped(t, s, "holdfast_expiry_lag_seconds_sum", "holdfast_notice_deliveries", "holdfast_release_lag_seconds_sum",
		"holdfast_release_lag_seconds_count", "holdfast_webhook_tries")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the metrics are (-want +got):\n%s", diff)
	}
}

// A door's requests are counted by the route that answered, however many paths
// and methods clients try.
func TestRequestsOfDoors(t *testing.T) {
	clock := holdfasttest.NewClock()
	s := newSet(clock)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /door/late/{item}", func(http.ResponseWriter, *http.Request) { clock.Advance(3 * time.Second) })
	mux.HandleFunc("POST /door/away", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	mux.HandleFunc("POST /door/broken", func(http.ResponseWriter, *http.Request) { panic(errors.New("broken")) })
	inside := webui.TellRoute(mux)
	door := s.Door("pages", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inside.ServeHTTP(w, r.WithContext(r.Context())) // as the doors do when they know who is signed in
	}))
	plain := s.Door("plain", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", 404) }))
	send := func(to http.Handler, method, path string) {
		defer func() { _ = recover() }()
		to.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, path, nil))
	}
	for _, path := range []string{"/door/late/1", "/door/late/2", "/door/other"} {
		send(door, http.MethodGet, path)
	}
	send(door, http.MethodPost, "/door/away")
	send(door, http.MethodPost, "/door/broken")
	send(plain, http.MethodGet, "/1")
	send(plain, "BREW", "/2")
	send(plain, "STEEP", "/2")
	want := `holdfast_requests_total{action="GET",code="404",door="pages",result="refused"} 1
holdfast_requests_total{action="GET",code="404",door="plain",result="refused"} 1
holdfast_requests_total{action="GET /door/late/{item}",code="200",door="pages",result="success"} 2
holdfast_requests_total{action="POST /door/away",code="503",door="pages",result="unavailable"} 1
holdfast_requests_total{action="POST /door/broken",code="500",door="pages",result="failed"} 1
holdfast_requests_total{action="unknown",code="404",door="plain",result="refused"} 2
`
	if diff := cmp.Diff(want, scraped(t, s, "holdfast_requests_total")); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
	want = `holdfast_request_duration_seconds_sum{action="GET /door/late/{item}",door="pages",result="success"} 6` + "\n"
	got := scraped(t, s, `holdfast_request_duration_seconds_sum{action="GET /door/late/{item}"`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("timed (-want +got):\n%s", diff)
	}
}

func TestMails(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		clock := holdfasttest.NewClock()
		s := newSet(clock)
		s.Watch(db.Reader)
		want := func(when, waiting, givenUp, kept, age string) {
			t.Helper()
			want := "holdfast_mail_waiting_seconds " + age + "\n" +
				`holdfast_mails{outcome="GivenUp"} ` + givenUp + "\n" +
				`holdfast_mails{outcome="Kept"} ` + kept + "\n" +
				`holdfast_mails{outcome="Waiting"} ` + waiting + "\n" +
				"holdfast_store_up 1\n"
			if diff := cmp.Diff(want, scraped(t, s, "holdfast_mail", "holdfast_store_up")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		want("of an empty store", "0", "0", "0", "0")
		for _, id := range []string{"M1", "M2", "M3"} {
			err := db.Update(t.Context(), func(tx *store.Tx) error {
				return tx.InsertMail(party.Mail{ID: id, To: "ann@example.com", Created: clock.Now()})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		clock.Advance(4 * time.Second)
		want("before the store is read again", "0", "0", "0", "0")
		clock.Advance(time.Minute)
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			claimed, err := tx.ClaimMails(clock.Now(), clock.Now().Add(time.Minute), 1)
			if err != nil {
				return err
			}
			return tx.GiveUpMail(claimed[0], "550")
		})
		if err != nil {
			t.Fatal(err)
		}
		want("with two that wait and one that was given up", "2", "1", "0", "64")
	})
}

// Without its store, a server still shows its other metrics.
func TestStoreIsAway(t *testing.T) {
	clock := holdfasttest.NewClock()
	s := newSet(clock)
	db := holdfasttest.Open(t, t.TempDir()+"/away.db")
	s.Watch(db.Reader)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if got := scraped(t, s, "holdfast_mail", "holdfast_store_up"); got != "holdfast_store_up 0\n" {
		t.Errorf("a scrape without the store has %q", got)
	}
	if scraped(t, s, "holdfast_build_info") == "" {
		t.Error("a scrape without the store has nothing else")
	}
}

func TestNetworkRequests(t *testing.T) {
	s := newSet(holdfasttest.NewClock())
	const confirm = "POST /v1/payment_intents/{}/confirm"
	for _, status := range []int{200, 200, 402, 0} {
		s.NetworkAsked(metrics.NetworkRequest{
			Account: "N1", Endpoint: confirm, Status: status, Waited: 30 * time.Millisecond, Took: 300 * time.Millisecond,
		})
	}
	want := `holdfast_network_requests_total{account="N1",endpoint="POST /v1/payment_intents/{}/confirm",status="200"} 2
holdfast_network_requests_total{account="N1",endpoint="POST /v1/payment_intents/{}/confirm",status="402"} 1
holdfast_network_requests_total{account="N1",endpoint="POST /v1/payment_intents/{}/confirm",status="none"} 1
`
	if diff := cmp.Diff(want, scraped(t, s, "holdfast_network_requests_total")); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
	if got, want := scraped(t, s, "holdfast_network_wait_seconds_count"), `holdfast_network_wait_seconds_count{account="N1"} 4`+"\n"; got != want {
		t.Errorf("counted %s, want %s", got, want)
	}
}
