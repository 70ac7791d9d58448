package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// askReady asks a server whether it is ready, and returns the status and the
// answer as text.
func askReady(t *testing.T, s *server, accept string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.PublicURL.JoinPath("readyz").String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// A server is ready while it can do its work. Violations are shown, but do not
// make it fail; an audit that is too old does.
func TestReadyz(t *testing.T) {
	now := time.Now // the server's loops wait in real time
	s, _, stop := startServer(t, &sandbox.Network{Now: now}, now)
	if _, err := s.Processor.AuditPass(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, body := askReady(t, s, "*/*"); status != http.StatusOK || !strings.Contains(body, "books: ok: the last pass") ||
		!strings.Contains(body, "violations: ok: 0 not acknowledged, 0 callers stopped") {
		t.Errorf("a new server: %d %s", status, body)
	}
	if err := s.Store.Update(t.Context(), func(tx *store.Tx) error {
		callers, err := tx.Callers()
		if err != nil {
			return err
		}
		_, err = tx.AddViolations([]payment.Finding{{Caller: callers[0].ID, Table: "balances", Row: "x", Problem: "is wrong"}},
			now(), func() store.ViolationID { return "V1" })
		return err
	}); err != nil {
		t.Fatal(err)
	}
	status, body := askReady(t, s, "application/json")
	var answer readiness
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK || !answer.Ready {
		t.Errorf("with a violation: %d %s %v", status, body, err)
	}
	if last := answer.Checks[len(answer.Checks)-1]; last.Text != "1 not acknowledged, 1 caller stopped" {
		t.Errorf("the violation is shown as %+v", last)
	}

	books := store.BooksState{Audit: store.AuditState{Finished: now().Add(-49 * time.Hour)}}
	for _, row := range []struct {
		up   time.Duration // how long the server has been up
		want bool
	}{{time.Hour, true}, {49 * time.Hour, false}} {
		s.started = now().Add(-row.up)
		got := readiness{Ready: true}
		if s.booksReady(&got, books); got.Checks[0].OK != row.want {
			t.Errorf("up for %v, an old audit is %+v", row.up, got.Checks[0])
		}
	}
	stop()
	s.Store.Close()
	if got := s.readiness(t.Context()); got.Ready || got.Checks[0].Name != "store" {
		t.Errorf("without a store: %+v", got)
	}
}
