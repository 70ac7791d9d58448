package processor_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// neighbour makes another caller of the shop's owner.
func neighbour(w *holdfasttest.World) party.Caller {
	w.T.Helper()
	c, _, err := w.Processor.CreateCaller(w.T.Context(), processor.NewCaller{
		Owner: w.Owner.ID, Name: "Next door", IPNURL: "http://next.example.test/ipn", Sandbox: true,
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return c
}

// as runs a function with another caller as the shop.
func as(w *holdfasttest.World, c party.Caller, do func()) {
	w.T.Helper()
	before := w.Shop
	w.Shop = c
	do()
	w.Shop = before
}

// randomly lists the columns with random values.
var randomly = []string{"password_hash", "access_key_id", "secret"}

// othersRows returns, as texts, the rows of a database that do not belong to
// the given caller only.
func othersRows(t *testing.T, engine, address string, c party.CallerID) (all []string) {
	t.Helper()
	driver, tables := "sqlite", `SELECT name FROM sqlite_master WHERE type = 'table'`
	if engine == "PostgreSQL" {
		driver, tables = "pgx", `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	read := func(query string) (columns []string, values [][]any) {
		t.Helper()
		rows, err := db.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		if columns, err = rows.Columns(); err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			row := make([]any, len(columns))
			places := make([]any, len(columns))
			for i := range row {
				places[i] = &row[i]
			}
			if err := rows.Scan(places...); err != nil {
				t.Fatal(err)
			}
			values = append(values, row)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return columns, values
	}
	_, names := read(tables)
	for _, name := range names {
		table := fmt.Sprint(name[0])
		// Entries of the audit log have random ids, and a chain in their order.
		if strings.HasPrefix(table, "goose") || strings.HasPrefix(table, "sqlite") || strings.HasPrefix(table, "audit_") {
			continue
		}
		query := "SELECT * FROM " + table
		if table == "balances" {
			// over its lanes
			query = "SELECT caller_id, account, CAST(SUM(micro) AS BIGINT) AS micro FROM balances GROUP BY caller_id, account"
		}
		columns, rows := read(query)
		for _, row := range rows {
			text, own := table, false
			for i, column := range columns {
				value := fmt.Sprint(row[i])
				own = own || (column == "caller_id" || column == "scope") && value == string(c)
				if !slices.Contains(randomly, column) {
					text += " " + column + "=" + value
				}
			}
			if !own {
				all = append(all, text)
			}
		}
	}
	slices.Sort(all)
	return all
}

// A caller's clock moves only that caller's rows. Two callers send the same
// requests; whether or not one of them has moved its clock, the rows that they
// share are the same, and the other caller gets the same answers.
func TestAClockMovesNothingThatOthersShare(t *testing.T) {
	for engine, address := range holdfasttest.Addresses(t) {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			still, stillAnswers := withClock(t, engine, address(t), false)
			moved, movedAnswers := withClock(t, engine, address(t), true)
			if len(still) < 40 {
				t.Errorf("only %d rows are compared", len(still))
			}
			if diff := cmp.Diff(still, moved); diff != "" {
				t.Errorf("rows of others, with the clock still and moved:\n%s", diff)
			}
			if diff := cmp.Diff(stillAnswers, movedAnswers); diff != "" {
				t.Errorf("the other caller is answered, with the clock still and moved:\n%s", diff)
			}
		})
	}
}

// withClock makes a shop and its neighbour work with the same buyer. It returns
// the rows that are not the shop's, and the neighbour's answers.
func withClock(t *testing.T, engine, address string, moves bool) (rows, answers []string) {
	t.Helper()
	w := holdfasttest.NewWorld(t, holdfasttest.Open(t, address))
	w.Mailing()
	w.Processor.Wait = time.Minute
	next := neighbour(w)
	w.Change(w.Buyer.ID, func(p *party.Party) { p.SendingLimit = holdfasttest.USD("100.00") })
	w.Change(w.Owner.ID, func(p *party.Party) { p.ReceivingLimit = holdfasttest.USD("120.00") })
	w.Deposit(w.Buyer.ID, "50.00")
	w.Deposit(w.Owner.ID, "50.00")
	other := otherCard(w)
	advance := func(by time.Duration) {
		t.Helper()
		if !moves {
			return
		}
		if _, err := w.Processor.AdvanceClock(t.Context(), w.Shop.ID, by); err != nil {
			t.Fatal(err)
		}
	}
	answered := func(id holdfast.TransactionID, err error) {
		t.Helper()
		answers = append(answers, fmt.Sprint(id, " ", err))
	}
	// Each makes one of every kind of request.
	works := func(dollars string) {
		t.Helper()
		ref := func(name string) holdfast.CallerReference {
			return holdfast.CallerReference(name + "-" + dollars + "-" + string(w.Shop.ID))
		}
		held, err := w.Reserve(w.Authorize(dollars), dollars, ref("held"))
		if w.Shop.ID == next.ID {
			answered(held.ID, err)
		}
		if err == nil {
			if _, err := w.Settle(held.ID, "1.00"); err != nil {
				t.Fatal(err)
			}
		}
		paid, err := w.Pay(w.AuthorizeWith(w.Balance(), dollars), dollars, ref("paid"))
		if w.Shop.ID == next.ID {
			answered(paid.ID, err)
		}
		if err == nil {
			if _, err := w.Refund(paid.ID, "1.00", ref("refund")); err != nil {
				t.Fatal(err)
			}
		}
		token := w.Token(payment.Token{Type: holdfast.TokenMultiUse, Instrument: w.Card.ID, Method: w.Card.Method},
			payment.Limit{
				Kind: payment.LimitAmount, Value: holdfasttest.USD("50.00").Micro,
				Period: payment.Period{N: 1, Unit: payment.Month},
			})
		if token, err = edit(w, w.Processor, token, other.ID); err != nil {
			t.Fatal(err)
		}
		if err := w.Processor.CancelToken(t.Context(), w.Shop, holdfast.CancelTokenRequest{TokenID: token}); err != nil {
			t.Fatal(err)
		}
	}
	left, err := w.Reserve(w.Authorize("5.00"), "5.00", "left alone")
	if err != nil {
		t.Fatal(err)
	}
	as(w, next, func() { works("12.00") })
	works("10.00")
	advance(45 * 24 * time.Hour)
	if _, err := w.Processor.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if expired := w.Transaction(left.ID).State == payment.Cancelled; expired != moves {
		t.Errorf("the shop's hold is cancelled: %t", expired)
	}
	works("11.00")
	if _, err := w.Processor.ForgetVisits(t.Context()); err != nil {
		t.Fatal(err)
	}
	as(w, next, func() { works("26.00") })
	as(w, next, func() { works("13.00") }) // more than the limits of the month
	if moves {
		if _, err := w.Processor.ResetClock(t.Context(), w.Shop.ID); err != nil {
			t.Fatal(err)
		}
	}
	as(w, next, func() { works("14.00") })
	w.CheckBooks()
	return othersRows(t, engine, address, w.Shop.ID), answers
}

// After a clock is put back, the caller's expired rows stay expired. The tokens
// and references of another caller do not change.
func TestAResetChangesOneCallerOnly(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.Processor.Wait = time.Minute
		const days = 8 * 24 * time.Hour // longer than a token, a hold or a reference lives
		next := neighbour(w)
		var waiting, held, paid [2]holdfast.TokenID
		var first, hold [2]payment.Transaction
		callers := []party.Caller{w.Shop, next}
		for i, c := range callers {
			as(w, c, func() {
				waiting[i], held[i], paid[i] = w.Authorize("5.00"), w.Authorize("6.00"), w.Authorize("7.00")
				var err error
				if hold[i], err = w.Reserve(held[i], "6.00", "hold"); err != nil {
					t.Fatal(err)
				}
				if first[i], err = w.Pay(paid[i], "7.00", "paid"); err != nil {
					t.Fatal(err)
				}
			})
		}
		if _, err := w.Processor.AdvanceClock(t.Context(), w.Shop.ID, days); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Processor.ResetClock(t.Context(), w.Shop.ID); err != nil {
			t.Fatal(err)
		}
		as(w, next, func() {
			again, err := w.Pay(paid[1], "7.00", "paid")
			if err != nil || again.ID != first[1].ID {
				t.Errorf("the other's identical Pay is answered %s and %v, want %s", again.ID, err, first[1].ID)
			}
			if _, err := w.Pay(waiting[1], "5.00", "later"); err != nil {
				t.Errorf("the other's token: %v", err)
			}
			w.WantState(hold[1].ID, payment.Reserved)
			if _, err := w.Settle(hold[1].ID, ""); err != nil {
				t.Errorf("the other's hold: %v", err)
			}
		})
		_, err := w.Pay(paid[0], "7.00", "paid")
		w.WantCode(err, holdfast.SameTokenIDUsedMultipleTimes) // the reference is free, but the token is used
		_, err = w.Pay(waiting[0], "5.00", "later")
		w.WantCode(err, holdfast.IncompatibleTokens)
		w.WantState(hold[0].ID, payment.Cancelled)
	})
}

func TestAdvancingTheClockMovesOneCallerOnly(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		r := w.Reserved("42.50", "order-1")
		other := w.OtherShop()
		if _, err := w.Processor.AdvanceClock(t.Context(), other.ID, 168*time.Hour); err != nil {
			t.Fatal(err)
		}
		w.WantState(r.ID, payment.Reserved)
		if _, err := w.Processor.AdvanceClock(t.Context(), w.Shop.ID, 168*time.Hour); err != nil {
			t.Fatal(err)
		}
		w.WantState(r.ID, payment.Cancelled)
		if n, err := w.Processor.Sweep(t.Context()); err != nil || n != 1 {
			t.Fatalf("swept %d, %v", n, err)
		}
		_, err := w.Processor.AdvanceClock(t.Context(), w.Shop.ID, -time.Hour)
		w.WantCode(err, holdfast.InvalidParams)
		if _, err := w.Processor.ResetClock(t.Context(), w.Shop.ID); err != nil {
			t.Fatal(err)
		}
		w.WantState(r.ID, payment.Cancelled) // what has expired stays expired
	})
}

func TestAClockPutBackRevivesNothing(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		token := w.Authorize("10.00")
		held := w.Reserved("42.50", "order-1")
		advance := func(by time.Duration) {
			t.Helper()
			if _, err := w.Processor.AdvanceClock(t.Context(), w.Shop.ID, by); err != nil {
				t.Fatal(err)
			}
		}
		reset := func() {
			t.Helper()
			if _, err := w.Processor.ResetClock(t.Context(), w.Shop.ID); err != nil {
				t.Fatal(err)
			}
			w.CheckBooks()
		}
		advance(payment.ReserveLifeMax) // without a sweep
		later := w.Reserved("20.00", "order-2")
		reset()
		w.WantState(held.ID, payment.Cancelled)
		_, err := w.Settle(held.ID, "")
		w.WantCode(err, holdfast.InvalidTransactionState)
		_, err = w.Reserve(token, "10.00", "order-3")
		w.WantCode(err, holdfast.IncompatibleTokens)
		if _, err = w.Reserve(w.Authorize("1.00"), "1.00", "order-1"); err != nil {
			t.Fatalf("a reference that had become free: %v", err)
		}
		s, err := w.Settle(later.ID, "") // reserved at a time that is in the future now
		if err != nil || s.Completed.Before(s.Received) {
			t.Fatalf("settle: %+v, %v", s, err)
		}
	})
}

func TestALiveCallersClockDoesNotMove(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		live, _, err := w.Processor.CreateCaller(t.Context(), processor.NewCaller{Owner: w.Owner.ID, Name: "Live"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Processor.AdvanceClock(t.Context(), live.ID, time.Hour)
		w.WantCode(err, holdfast.AccessFailure)
	})
}
