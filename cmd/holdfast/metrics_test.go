package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func TestMetrics(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		clock := holdfasttest.NewClock()
		told := func() string {
			w := httptest.NewRecorder()
			(&metrics{Store: db.Reader, Now: clock.Now, Log: slog.New(slog.DiscardHandler)}).
				ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
			return w.Body.String()
		}
		want := func(values ...string) string {
			return "# HELP holdfast_mails Mails that have not arrived: waiting for a try, given up, or kept in a sandbox's " +
				"inbox.\n" +
				"# TYPE holdfast_mails gauge\n" +
				`holdfast_mails{outcome="Waiting"} ` + values[0] + "\n" +
				`holdfast_mails{outcome="GivenUp"} ` + values[1] + "\n" +
				`holdfast_mails{outcome="Kept"} ` + values[2] + "\n" +
				"# HELP holdfast_mail_waiting_seconds How long the oldest waiting mail has been tried.\n" +
				"# TYPE holdfast_mail_waiting_seconds gauge\n" +
				"holdfast_mail_waiting_seconds " + values[3] + "\n"
		}
		if diff := cmp.Diff(want("0", "0", "0", "0"), told()); diff != "" {
			t.Errorf("of an empty store (-want +got):\n%s", diff)
		}
		for _, id := range []string{"M1", "M2", "M3"} {
			err := db.Update(t.Context(), func(tx *store.Tx) error {
				return tx.InsertMail(party.Mail{ID: id, To: "ann@example.com", Created: clock.Now()})
			})
			if err != nil {
				t.Fatal(err)
			}
			clock.Advance(time.Minute)
		}
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
		if diff := cmp.Diff(want("2", "1", "0", "120"), told()); diff != "" {
			t.Errorf("of two mails that wait and one that was given up (-want +got):\n%s", diff)
		}
	})
}

// Metrics are on a listener of their own and on no other.
func TestServeMetrics(t *testing.T) {
	address := freeAddress(t)
	listen, _ := startVerb(t, "serve", "--listen", freePort, "--store", filepath.Join(t.TempDir(), "s.db"), "--metrics",
		address)
	for at, want := range map[string]int{
		address + "/metrics": http.StatusOK, address + "/": http.StatusNotFound, address + "/healthz": http.StatusNotFound,
	} {
		if got := ask(t, http.DefaultClient, http.MethodGet, "http://"+at, ""); got.status != want {
			t.Errorf("%s is answered with %d, want %d", at, got.status, want)
		}
	}
	if got := ask(t, http.DefaultClient, http.MethodGet, "http://"+listen+"/metrics", ""); got.status == http.StatusOK {
		t.Errorf("metrics are for everybody:\n%s", got.body)
	}
}
