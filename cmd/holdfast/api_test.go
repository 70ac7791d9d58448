package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// Texts by strangers cannot break a table or control the terminal.
func TestFactsAreOneLineEach(t *testing.T) {
	var out strings.Builder
	err := printFacts(&out, []fact{
		{"name", "Ann\tof\nthe \x1b[31mRed\u009b2J House"},
		{"nothing", ""},
		{"longer name", dollars(money.Micros(-1_462_500)).String()},
	})
	if want := "name         Ann of the \uFFFD[31mRed\uFFFD2J House\nlonger name  USD -1.4625\n"; err != nil ||
		out.String() != want {
		t.Errorf("printed %q (%v), want %q", out.String(), err, want)
	}
}

func TestDoubtComesWithAdvice(t *testing.T) {
	lost := errors.New("the line went dead")
	doubt := &holdfast.InDoubtError{Action: "Settle", TransactionID: "T1", Err: lost}
	told := doubtful(fmt.Errorf("settling: %w", doubt), "Ask again.")
	want := "the outcome of Settle T1 is in doubt: the line went dead\nThe server may have carried it out or not. Ask " +
		"again."
	if sentence(told) != want || !errors.Is(told, lost) {
		t.Errorf("told %q, want %q", sentence(told), want)
	}
	refusal := holdfast.Errorf(holdfast.InvalidTransactionState, "it is over")
	if told := doubtful(refusal, "Ask again."); !errors.Is(told, refusal) || sentence(told) != "it is over" {
		t.Errorf("a refusal is told as %q", sentence(told))
	}
}

// Only a server's refusal is printed with a code.
func TestRefusalsOfAServerKeepTheirCode(t *testing.T) {
	refusal := &holdfast.Error{
		Code: holdfast.InvalidParams, Message: "no", RequestID: "r-1", Status: http.StatusBadRequest,
	}
	if got, want := sentence(fmt.Errorf("asking: %w", refusal)), "InvalidParams: no (request r-1)"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
}

// A listing goes back from the caller's own time. A live caller has no clock of
// its own, so its listing goes back from real time.
func TestListingOfALiveCaller(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `<Response><Errors><Error><Code>AccessFailure</Code><Message>Only a sandbox caller has a clock.</Message></Error></Errors><RequestID>1</RequestID></Response>`)
			return
		}
		asked = append(asked, r.FormValue("StartDate")+" "+r.FormValue("EndDate")+" "+r.FormValue("MaxBatchSize"))
		fmt.Fprint(w, `<GetAccountActivityResponse><GetAccountActivityResult><BatchSize>0</BatchSize></GetAccountActivityResult><ResponseMetadata><RequestId>1:0</RequestId></ResponseMetadata></GetAccountActivityResponse>`)
	}))
	defer server.Close()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("a secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, time.November, 23, 10, 15, 30, 0, time.UTC)
	for _, row := range []struct{ flags, want string }{
		{"", "2026-10-24T10:15:30.000Z  21"},
		{"--since 1h --max 1", "2026-11-23T09:15:30.000Z  20"},
		{"--to 2026-11-20 --since 24h --max 5000", "2026-11-19T23:59:59.999Z 2026-11-20T23:59:59.999Z 200"},
		{"--from 2026-11-20 --to 2026-11-20T09:00:00+02:00", "2026-11-20T00:00:00.000Z 2026-11-20T07:00:00.000Z 21"},
	} {
		asked = nil
		var out strings.Builder
		args := append(strings.Fields("tx list --server "+server.URL+"/ --access-key-id KEY --secret-file"), secret)
		code := run(t.Context(), append(args, strings.Fields(row.flags)...), world{
			Out: &out, Err: &out, Now: func() time.Time { return now },
		})
		if got := strings.Join(asked, ", "); code != exitFine || got != row.want || out.String() != "" {
			t.Errorf("tx list %s asks for %q, want %q; exit code %d\n%s", row.flags, got, row.want, code, out.String())
		}
	}
}
