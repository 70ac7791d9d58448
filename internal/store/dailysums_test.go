package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A check of the books names a closed day whose sums or changes of accounts were
// changed, that has no sums, or that has some although nothing moved.
func TestBooksNameTheDayWhoseSumsAreWrong(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
			w.Paid("10.00", "order-1")
			w.Clock.Advance(48 * time.Hour)
			w.Paid("20.00", "order-2")
			w.Clock.Advance(48 * time.Hour)
			if err := w.SumDays(); err != nil {
				t.Fatal(err)
			}
			problems := func() string {
				report, err := w.DB.CheckBooks(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				var all strings.Builder
				for _, f := range report.Findings {
					all.WriteString(f.Table + " " + f.Row + "\n")
				}
				return all.String()
			}
			if got := problems(); got != "" {
				t.Fatalf("right sums are wrong: %s", got)
			}
			for _, statement := range []string{
				`UPDATE daily_sums SET settled = settled + 1 WHERE day = (SELECT MIN(day) FROM daily_sums)`,
				`UPDATE daily_sums SET day = day - 1 WHERE day = (SELECT MAX(day) FROM daily_sums)`,
				`UPDATE daily_changes SET micro = micro + 1
				WHERE account = 'fees' AND day = (SELECT MIN(day) FROM daily_changes)`,
			} {
				if _, err := raw(t, at).ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			want := "daily_sums C0001/2026-11-23\ndaily_sums C0001/2026-11-25\ndaily_sums C0001/2026-11-24\n" +
				"daily_changes C0001/2026-11-23\n"
			if got := problems(); got != want {
				t.Errorf("found %q, want %q", got, want)
			}
		})
	}
}

// Days are closed in commits of a bounded size. An attempt that was cut short within a
// day is repeated, and the changes of accounts are right.
func TestDaysAreClosedInSmallCommits(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		for _, most := range []int{0, 1, 2, 4, 7} {
			t.Run(fmt.Sprint(name, " ", most), func(t *testing.T) {
				at := address(t)
				w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
				for i := range 3 {
					w.Paid("10.00", holdfast.CallerReference(fmt.Sprint("order-", i)))
					w.Clock.Advance(48 * time.Hour)
				}
				if most > 0 {
					w.DB.WriteFewChanges(most)
				}
				db := raw(t, at)
				exec := func(statement string) {
					t.Helper()
					if _, err := db.ExecContext(t.Context(), statement); err != nil {
						t.Fatal(err)
					}
				}
				day := payment.BookDayOf(holdfasttest.Start)
				exec(fmt.Sprintf(`INSERT INTO daily_changes (caller_id, day, account, micro) VALUES
					('%s', %d, 'fees', 1), ('%[1]s', %[2]d, 'nobody', 1)`, w.Shop.ID, day))
				if err := w.SumDays(); err != nil {
					t.Fatal(err)
				}
				holdfasttest.CheckBooks(t, w.DB)
				var rows, version, closed int64
				err := db.QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM daily_changes), version, closed
					FROM daily_sum_places WHERE caller_id = '`+string(w.Shop.ID)+`'`).Scan(&rows, &version, &closed)
				if err != nil || closed != int64(day)+6 {
					t.Errorf("the days before %d are closed, want %d (%v)", closed, day+6, err)
				}
				if want := rows / int64(max(most, 1)); most > 0 && version < want {
					t.Errorf("%d rows were written in %d commits, want at least %d", rows, version, want)
				}
			})
		}
	}
}

// Between two pages of the days' payments no transaction is open. An open one would keep
// the database from removing old versions of rows. A payment that comes between two pages
// changes no closed day.
func TestDaysAreReadInShortTransactions(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
			w.Paid("10.00", "order-1")
			w.Clock.Advance(48 * time.Hour)
			first := payment.BookDayOf(holdfasttest.Start)
			days := store.DaysToSum{From: first, To: first + 1, Closed: first + 1}
			reading := w.DB.ReadDays(w.Shop.ID, days)
			pages := 0
			for more := true; more; pages++ {
				var err error
				if more, err = reading.Next(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.Paid("5.00", holdfast.CallerReference(fmt.Sprint("between-", pages)))
				if n := openTransactions(t, at); n != 0 {
					t.Errorf("after page %d, %d transactions are open", pages+1, n)
				}
			}
			if pages < 2 {
				t.Errorf("the days were read in %d pages, want at least 2", pages)
			}
			sums := reading.Sums()
			if len(sums.Days) != 1 || sums.Days[0].Settled != money.Cents(1000).Micro {
				t.Errorf("the sums are %+v, want one day with 10.00", sums.Days)
			}
		})
	}
}

// openTransactions counts the transactions of others that keep old versions of rows.
// On SQLite it is one if any reader still needs the log.
func openTransactions(t *testing.T, address string) (n int) {
	t.Helper()
	query := `PRAGMA wal_checkpoint(TRUNCATE)`
	if strings.HasPrefix(address, "postgres") {
		query = `SELECT COUNT(*), 0, 0 FROM pg_stat_activity WHERE datname = current_database()
			AND backend_type = 'client backend' AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()`
	}
	var log, written int
	if err := raw(t, address).QueryRowContext(t.Context(), query).Scan(&n, &log, &written); err != nil {
		t.Fatal(err)
	}
	return n
}

// The sums follow a sandbox clock that is put back: the days that have not come yet
// have none.
func TestDailySumsFollowAClockThatIsReset(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		if _, err := w.Processor.AdvanceClock(t.Context(), w.Shop.ID, 72*time.Hour); err != nil {
			t.Fatal(err)
		}
		w.Paid("10.00", "order-1")
		count := func() (n int) {
			t.Helper()
			if err := w.SumDays(); err != nil {
				t.Fatal(err)
			}
			err := db.View(t.Context(), func(tx *store.ReadTx) error {
				days, err := tx.DailySums(w.Shop.ID, 0, 100_000)
				n = len(days)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := count(); n != 1 {
			t.Errorf("there are sums of %d days, want 1", n)
		}
		if _, err := w.Processor.ResetClock(t.Context(), w.Shop.ID); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(2 * time.Minute)
		if n := count(); n != 0 {
			t.Errorf("after the reset there are sums of %d days, want none", n)
		}
		w.Clock.Advance(96 * time.Hour)
		if n := count(); n != 1 {
			t.Errorf("when the day has come, there are sums of %d days, want 1", n)
		}
	})
}

// A report begins with the changes of closed days, whose movements it does not read.
func TestBalancesComeFromClosedDays(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
			w.Unchecked = true
			w.Paid("10.00", "order-1")
			w.Clock.Advance(48 * time.Hour)
			w.Paid("20.00", "order-2") // its day is not closed
			if err := w.SumDays(); err != nil {
				t.Fatal(err)
			}
			fees := func() (micro int64) {
				t.Helper()
				err := w.DB.View(t.Context(), func(tx *store.ReadTx) error {
					all, err := tx.BalancesAt(w.Shop.ID, w.CallerNow().Add(time.Hour))
					micro = all[ledger.Fees]
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				return micro
			}
			before := fees()
			for _, row := range []struct {
				statement string
				more      int64
			}{
				{`UPDATE daily_changes SET micro = micro + 7 WHERE account = 'fees'`, 7},
				{`DELETE FROM steps WHERE at = (SELECT MIN(at) FROM steps WHERE postings IS NOT NULL)`, 7},
			} {
				if _, err := raw(t, at).ExecContext(t.Context(), row.statement); err != nil {
					t.Fatal(err)
				}
				if got := fees(); got != before+row.more {
					t.Errorf("after %s the fees are %d, want %d", row.statement, got, before+row.more)
				}
			}
		})
	}
}
