package report_test

import (
	"bytes"
	"encoding/csv"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/report"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// hostile is a text that means something to each of the programs, if it is not
// written with care.
const hostile = "=1+1; date:2001-01-01 [2001-01-01] \"x\" \\ | {1 USD} @ (a)  b * !"

// exportedShop is a busy shop with hostile texts, and the books of its caller.
func exportedShop(t *testing.T, db *store.DB) *holdfasttest.World {
	t.Helper()
	w := holdfasttest.NewWorld(t, db)
	s := holdfasttest.NewBusyShop(w, 11)
	w.Change(w.Owner.ID, func(p *party.Party) { p.Name = hostile })
	s.Run(60)
	w.Paid("12.34", hostile)
	s.Run(60)
	return w
}

func export(t *testing.T, w *holdfasttest.World, f report.Format, p report.Period) []byte {
	t.Helper()
	var file bytes.Buffer
	books := report.Books{Callers: []party.Caller{w.Shop}, Period: p, Format: f}
	if err := books.Write(t.Context(), w.DB.Reader, &file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// wantBalances are the balances of the ledger at a time, as an accounting program
// has them: by the names of the export, and with the opposite signs.
func wantBalances(t *testing.T, w *holdfasttest.World, at time.Time) map[string]int64 {
	t.Helper()
	names := map[string]string{
		"network": "Assets:Network", "held": "Liabilities:Held", "outgoing": "Liabilities:Outgoing", "fees": "Income:Fees",
		"party": "Liabilities:Parties", "set-aside": "Liabilities:Set-Aside", "prepaid": "Liabilities:Prepaid",
		"owed": "Assets:Owed",
	}
	all := make(map[string]int64)
	for a, micro := range balances(t, w.DB, w.Shop.ID, at) {
		kind, of, found := strings.Cut(string(a), ":")
		name := names[kind] + ":" + string(w.Shop.ID)
		if found {
			name += ":" + of
		}
		if micro != 0 {
			all[name] = -micro
		}
	}
	return all
}

// exportPeriods are the whole time, without a beginning, and periods with opening
// balances.
func exportPeriods(t *testing.T) map[string]report.Period {
	t.Helper()
	whole := period(t, "2026-11-01", "2027-12-31", "")
	whole.From = time.Time{}
	return map[string]report.Period{
		"whole": whole,
		"month": period(t, "2026-12-01", "2026-12-31", "Europe/Berlin"),
		"later": period(t, "2027-01-15", "2027-12-31", ""),
	}
}

var number = regexp.MustCompile(`-?[0-9,]*\.[0-9]+`)

// parsed reads a table of accounts and amounts that a program has printed as CSV.
func parsed(t *testing.T, out []byte) map[string]int64 {
	t.Helper()
	file := csv.NewReader(bytes.NewReader(out))
	file.FieldsPerRecord = -1
	rows, err := file.ReadAll()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	all := make(map[string]int64)
	for _, row := range rows {
		account := strings.TrimSpace(row[0])
		digits := strings.ReplaceAll(number.FindString(row[len(row)-1]), ",", "")
		if !strings.Contains(account, ":") || digits == "" {
			continue
		}
		text, negative := strings.CutPrefix(digits, "-")
		amount, err := money.ParseMicro(text, money.USD)
		if err != nil {
			t.Fatal(err)
		}
		if negative {
			amount = amount.Times(-1)
		}
		if amount.Micro != 0 {
			all[account] = amount.Micro
		}
	}
	return all
}

// runs runs a program that must succeed.
func runs(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	var out, said bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, &said, &out)
	}
	return out.Bytes()
}

func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed", program)
	}
}

func written(t *testing.T, name string, file []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// hledger reads the export, finds each account declared and each balance as the file
// asserts, and has the balances of our ledger.
func TestHLedgerHasTheSameBalances(t *testing.T) {
	needs(t, "hledger")
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := exportedShop(t, db)
		for name, p := range exportPeriods(t) {
			file := export(t, w, report.HLedger, p)
			if !bytes.Equal(file, export(t, w, report.HLedger, p)) {
				t.Errorf("%s: two exports differ", name)
			}
			path := written(t, "books.journal", file)
			runs(t, "hledger", "-f", path, "check", "--strict")
			out := runs(t, "hledger", "-f", path, "balance", "--flat", "--no-total", "-O", "csv")
			if got, want := parsed(t, out), wantBalances(t, w, p.To); !maps.Equal(got, want) || len(want) < 5 {
				t.Errorf("%s: hledger has %v, the ledger %v", name, got, want)
			}
		}
	})
}

func TestBeancountHasTheSameBalances(t *testing.T) {
	needs(t, "bean-check")
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := exportedShop(t, db)
		for name, p := range exportPeriods(t) {
			path := written(t, "books.beancount", export(t, w, report.Beancount, p))
			runs(t, "bean-check", path)
			out := runs(t, "bean-query", "-f", "csv", path, "SELECT account, sum(position) GROUP BY account")
			if got, want := parsed(t, out), wantBalances(t, w, p.To); !maps.Equal(got, want) || len(want) < 5 {
				t.Errorf("%s: Beancount has %v, the ledger %v", name, got, want)
			}
		}
	})
}

// The programs notice an amount that was changed: the file has the balances at the
// end of the period.
func TestAChangedExportIsNoticed(t *testing.T) {
	needs(t, "hledger")
	needs(t, "bean-check")
	w := exportedShop(t, holdfasttest.Open(t, holdfasttest.Addresses(t)["SQLite"](t)))
	changed := func(f report.Format) []byte {
		file := export(t, w, f, exportPeriods(t)["whole"])
		return bytes.ReplaceAll(file, []byte("12.34 USD"), []byte("12.35 USD"))
	}
	hledger := exec.Command("hledger", "-f", written(t, "books.journal", changed(report.HLedger)), "check")
	if out, err := hledger.CombinedOutput(); err == nil {
		t.Errorf("hledger accepts it: %s", out)
	}
	beancount := exec.Command("bean-check", written(t, "books.beancount", changed(report.Beancount)))
	if out, err := beancount.CombinedOutput(); err == nil {
		t.Errorf("Beancount accepts it: %s", out)
	}
}

// In the CSV file, each entry adds up to zero, and all of them to the ledger.
func TestTheCSVFileHasTheSameBalances(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := exportedShop(t, db)
		for name, p := range exportPeriods(t) {
			rows, err := csv.NewReader(bytes.NewReader(export(t, w, report.CSV, p))).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			got, steps, harmless := make(map[string]int64), make(map[string]int64), false
			for _, row := range rows[1:] {
				text, negative := strings.CutPrefix(row[9], "-")
				amount, err := money.ParseMicro(text, money.USD)
				if err != nil {
					t.Fatal(err)
				}
				micro := amount.Micro
				if negative {
					micro = -micro
				}
				got[row[8]] += micro
				steps[row[3]+"/"+row[4]] += micro
				harmless = harmless || strings.HasPrefix(row[6], "'=1+1")
			}
			for step, micro := range steps {
				if micro != 0 {
					t.Errorf("%s: entry %s adds up to %d", name, step, micro)
				}
			}
			maps.DeleteFunc(got, func(_ string, micro int64) bool { return micro == 0 })
			if want := wantBalances(t, w, p.To); !maps.Equal(got, want) {
				t.Errorf("%s: the file has %v, the ledger %v", name, got, want)
			}
			if name == "whole" && !harmless {
				t.Error("a reference can become a formula")
			}
		}
	})
}

// Each kind of account has a name of its own in the export.
func TestEveryAccountIsExported(t *testing.T) {
	seen := make(map[string]bool)
	for _, a := range []ledger.AccountID{
		ledger.Network, ledger.Held, ledger.Outgoing, ledger.Disputed, ledger.Fees, ledger.Party("1"), ledger.SetAside("1"),
		ledger.Prepaid("1"), ledger.Owed("1"), ledger.Debt("1"), ledger.Due("1"),
	} {
		name := report.AccountName("C1", a)
		if strings.HasPrefix(name, ":") || seen[name] {
			t.Errorf("%s is exported as %q", a, name)
		}
		seen[name] = true
	}
}
