package processor_test

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// movements reads the movements of a window, and checks their order.
func movements(t testing.TB, db *store.DB, c party.CallerID, from, to time.Time) (all []payment.Movement) {
	t.Helper()
	err := db.Movements(t.Context(), c, from, to, func(m *payment.Movement) error {
		if n := len(all); n > 0 && m.At.Before(all[n-1].At) {
			t.Errorf("%s of %v comes after one of %v", m.Transaction, m.At, all[n-1].At)
		}
		all = append(all, *m)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func changesOf(all []payment.Movement) map[ledger.AccountID]int64 {
	sums := make(map[ledger.AccountID]int64)
	for _, m := range all {
		accounts, by := ledger.AllChanges(m.Postings)
		for i, a := range accounts {
			sums[a] += by[i]
		}
	}
	maps.DeleteFunc(sums, func(_ ledger.AccountID, micro int64) bool { return micro == 0 })
	return sums
}

func figuresOf(all []payment.Movement) (f payment.Figures) {
	for _, m := range all {
		f.Add(&m)
	}
	return f
}

// A ledgerReader asks the tables themselves, with SQL of its own.
type ledgerReader struct {
	*sql.DB
	t      *testing.T
	caller party.CallerID
}

func openLedger(t *testing.T, address string, c party.CallerID) ledgerReader {
	t.Helper()
	driver := "sqlite"
	if strings.HasPrefix(address, "postgres") {
		driver = "pgx"
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return ledgerReader{db, t, c}
}

func (l ledgerReader) number(query string, args ...any) (n int64) {
	l.t.Helper()
	if err := l.QueryRowContext(l.t.Context(), query, append([]any{l.caller}, args...)...).Scan(&n); err != nil {
		l.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// sums are the changes of each account in a window.
func (l ledgerReader) sums(from, to time.Time) map[ledger.AccountID]int64 {
	l.t.Helper()
	rows, err := l.QueryContext(l.t.Context(), `
		SELECT account, CAST(SUM(amount) AS BIGINT) FROM (
			SELECT to_account AS account, amount FROM postings WHERE caller_id = $1 AND at >= $2 AND at < $3
			UNION ALL
			SELECT from_account, -amount FROM postings WHERE caller_id = $1 AND at >= $2 AND at < $3
		) AS moved GROUP BY account HAVING SUM(amount) <> 0`, l.caller, from.UnixMicro(), to.UnixMicro())
	if err != nil {
		l.t.Fatal(err)
	}
	defer rows.Close()
	all := make(map[ledger.AccountID]int64)
	for rows.Next() {
		var account ledger.AccountID
		var micro int64
		if err := rows.Scan(&account, &micro); err != nil {
			l.t.Fatal(err)
		}
		all[account] = micro
	}
	if err := rows.Err(); err != nil {
		l.t.Fatal(err)
	}
	return all
}

// figures are the sums that reports show, from the states of transactions and the
// accounts in the window.
func (l ledgerReader) figures(from, to time.Time) (settled, refunded, fees int64) {
	l.t.Helper()
	const moved = `
		SELECT CAST(COALESCE(SUM(p.amount), 0) AS BIGINT) FROM postings p
		JOIN transactions t ON t.caller_id = p.caller_id AND t.transaction_id = p.transaction_id
		WHERE p.caller_id = $1 AND p.at >= $2 AND p.at < $3 AND `
	args := []any{from.UnixMicro(), to.UnixMicro()}
	settled = l.number(moved+`t.kind IN ('Reserve', 'Part', 'Pay', 'FundPrepaid') AND p.to_account = 'party:' || t.recipient
		AND p.from_account IN ('held', 'network', 'party:' || t.sender)`, args...)
	refunded = l.number(moved+`t.kind = 'Refund' AND t.policy <> 'MarketplaceTxnOnly'
		AND p.from_account = 'party:' || t.recipient AND p.to_account IN ('outgoing', 'party:' || t.sender)`, args...)
	refunded -= l.number(moved+`t.kind = 'Refund' AND p.from_account = 'outgoing' AND p.to_account = 'party:' || t.recipient`,
		args...)
	fees = l.number(moved+`p.to_account = 'fees'`, args...) - l.number(moved+`p.from_account = 'fees'`, args...)
	return settled, refunded, fees
}

// edges are the times of all steps.
func (l ledgerReader) edges() (all []time.Time) {
	l.t.Helper()
	rows, err := l.QueryContext(l.t.Context(), `SELECT DISTINCT at FROM steps WHERE caller_id = $1 ORDER BY at`, l.caller)
	if err != nil {
		l.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var micro int64
		if err := rows.Scan(&micro); err != nil {
			l.t.Fatal(err)
		}
		all = append(all, time.UnixMicro(micro).UTC())
	}
	if err := rows.Err(); err != nil {
		l.t.Fatal(err)
	}
	return all
}

// What a report says moved in any window is what the postings of the window add up
// to, account by account, to the micro-dollar. Windows begin and end at the times of
// steps, a microsecond before and a microsecond after.
func TestReportsAgreeWithTheLedgerInEveryWindow(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
			s := holdfasttest.NewBusyShop(w, 17)
			s.Run(250)
			books := openLedger(t, at, w.Shop.ID)
			for _, want := range []string{
				`late = 1`, `verb = 'Decline'`, `verb = 'LateCharge'`, `verb = 'Capture'`, `verb = 'Expire'`,
			} {
				if books.number(`SELECT COUNT(1) FROM steps WHERE caller_id = $1 AND `+want) == 0 {
					t.Errorf("the shop was not busy enough: no step with %s", want)
				}
			}
			edges := books.edges()
			for range 60 {
				a, b := edges[s.Random.IntN(len(edges))], edges[s.Random.IntN(len(edges))]
				if b.Before(a) {
					a, b = b, a
				}
				from := a.Add(time.Duration(s.Random.IntN(3)-1) * time.Microsecond)
				to := b.Add(time.Duration(s.Random.IntN(3)-1) * time.Microsecond)
				all := movements(t, w.DB, w.Shop.ID, from, to)
				if got, want := changesOf(all), books.sums(from, to); !maps.Equal(got, want) {
					t.Fatalf("from %v to %v the report says %v, the ledger says %v", from, to, got, want)
				}
				f := figuresOf(all)
				if settled, refunded, fees := books.figures(from, to); f.Settled != settled || f.Refunded != refunded ||
					f.Fees != fees {
					t.Fatalf("from %v to %v: settled %d, refunded %d, fees %d; the ledger has %d, %d, %d", from, to, f.Settled,
						f.Refunded, f.Fees, settled, refunded, fees)
				}
			}
		})
	}
}

// The daily sums that the job keeps are those that the steps add up to, also after
// clocks were moved.
func TestDailySumsAgreeWithTheSteps(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		s := holdfasttest.NewBusyShop(w, 23)
		for range 15 {
			s.Run(10)
			w.Clock.Advance(2 * time.Minute)
			if err := w.SumDays(); err != nil {
				t.Fatal(err)
			}
			wantSums(w)
		}
		var place store.DailySumPlace
		err := db.View(t.Context(), func(tx *store.ReadTx) (err error) {
			place, _, err = tx.DailySumPlace(w.Shop.ID)
			return err
		})
		if first := payment.BookDayOf(holdfasttest.Start); err != nil || place.Closed <= first {
			t.Errorf("no day was closed: %+v, %v", place, err)
		}
	})
}

// wantSums compares the stored sums until today with the steps.
func wantSums(w *holdfasttest.World) {
	w.T.Helper()
	from, tomorrow := payment.BookDayOf(holdfasttest.Start), payment.BookDayOf(w.CallerNow())+1
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) error {
		kept, err := tx.DailySums(w.Shop.ID, 0, tomorrow+10_000)
		if err != nil {
			return err
		}
		steps, err := tx.SumDays(w.Shop.ID, from, tomorrow, 0)
		if err != nil {
			return err
		}
		same := func(a, b payment.DayFigures) bool {
			delete(a.Changes, ledger.GroupDisputed)
			delete(b.Changes, ledger.GroupDisputed)
			for _, g := range ledger.Groups {
				if a.Changes[g] != b.Changes[g] {
					return false
				}
			}
			a.Changes, b.Changes = nil, nil
			return fmt.Sprint(a) == fmt.Sprint(b)
		}
		if !slices.EqualFunc(kept, steps.Days, same) {
			w.T.Fatalf("the sums are\n%+v, the steps add up to\n%+v", kept, steps.Days)
		}
		return nil
	})
	if err != nil {
		w.T.Fatal(err)
	}
}
