package main

import (
	"path/filepath"
	"regexp"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// The command compares the books with the network's. It exits with 1 if there is
// a difference that nobody can explain.
func TestNetworkReconcile(t *testing.T) {
	address := filepath.Join(t.TempDir(), "s.db")
	db, err := openStore(t.Context(), store.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w := holdfasttest.NewWorld(t, db)
	fake := w.AtStripe("http://pay.example.test/networks/N1/events")
	hold := w.Reserved("42.50", "order-1")
	if _, err := w.Settle(hold.ID, "40.00"); err != nil {
		t.Fatal(err)
	}
	day := holdfasttest.Start.UTC().Format("2006-01-02")
	compare := func(code int, want string, args ...string) {
		t.Helper()
		args = append([]string{"network", "reconcile", "--store", address}, args...)
		if out, got := holdfastCommand(t, args...); got != code || !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("%q exits with %d and prints\n%s", args, got, out)
		}
	}
	compare(exitFine, `(?s)DAY +BOOKS +NETWORK.*`+day+` +40.00 +40.00 +1.46 +0.00.*1 settlement took less.*agree\.`, "N1", "--from", day)
	compare(exitFine, `"equal":true,"days":\[{"day":"`+day+`","books":"40.00","network":"40.00"`, "N1", "--from", day, "--json")
	known, _ := w.NetworkPayment(hold.ID)
	if _, err := fake.Refund(known.Reference, 500); err != nil {
		t.Fatal(err)
	}
	compare(exitFailed, `(?s)refund +pi_\w+ +`+string(hold.ID)+` +0.00 +-5.00 +not in the books.*differ in 1 place\.`, "N1", "--from", day)
	compare(exitFailed, `"equal":false.*"about":"refund".*"network":"-5.00","why":"not in the books","explained":false`,
		"N1", "--from", day, "--json")
	compare(exitFailed, `no account N9`, "N9", "--from", day)
	compare(exitMisused, `--to is before --from`, "N1", "--from", day, "--to", "2026-01-01")
	compare(exitMisused, `--to needs --from`, "N1", "--to", day)
	compare(exitMisused, `not a day`, "N1", "--from", "yesterday")
	compare(exitMisused, `at most 92 days`, "N1", "--from", "2020-01-01", "--to", day)
}
