package processor_test

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// auditWorlds runs a test in a world on each database. spoil runs a statement
// that no part of the server would run.
func auditWorlds(t *testing.T, test func(w *holdfasttest.World, spoil func(statement string))) {
	t.Helper()
	for engine, address := range holdfasttest.Addresses(t) {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			at, driver := address(t), "sqlite"
			if engine == "PostgreSQL" {
				driver = "pgx"
			}
			raw, err := sql.Open(driver, at)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { raw.Close() })
			w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
			w.Unchecked = true
			test(w, func(statement string) {
				t.Helper()
				if _, err := raw.ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// audited runs a whole pass, and returns all violations of the store.
func audited(w *holdfasttest.World, p *processor.Processor) []store.Violation {
	w.T.Helper()
	if mine, err := p.AuditPass(w.T.Context()); err != nil || !mine {
		w.T.Fatalf("the pass ended with %v, %v", mine, err)
	}
	return violations(w)
}

func violations(w *holdfasttest.World) (all []store.Violation) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.Violations(true)
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return all
}

// wantViolations fails the test unless there are so many violations.
func wantViolations(w *holdfasttest.World, all []store.Violation, want int) {
	w.T.Helper()
	if len(all) != want {
		w.T.Fatalf("there are %d violations, want %d: %+v", len(all), want, all)
	}
}

// While payments of all kinds go on and deadlines pass, the audit finds nothing,
// and never adds up wrongly. Its batches are so short that it meets transactions
// at each moment of their lives.
func TestTheAuditNeverRaisesAFalseAlarm(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		var log lockedText
		w := holdfasttest.NewWorld(t, db)
		w.Unchecked = true
		w.Processor.Log = slog.New(slog.NewTextHandler(&log, nil))
		w.Processor.KeepAuditShort(2)
		compared := 0
		rapid.Check(t, func(rt *rapid.T) {
			m := newModel(rt, w)
			from := &store.AuditPlace{Part: store.AuditForget, Caller: callerBefore(w.Shop.ID)}
			rt.Repeat(m.actions(func(rt *rapid.T) {
				m.now = w.Clock.Now()
				for range rapid.IntRange(1, 2).Draw(rt, "batches") {
					at, mine, err := w.Processor.StepAudit(t.Context(), from)
					if err != nil || !mine {
						rt.Fatalf("the audit ended with %v, %v", mine, err)
					}
					if from = nil; at.Caller != w.Shop.ID {
						from = &store.AuditPlace{Part: store.AuditForget, Caller: callerBefore(w.Shop.ID)}
					}
					if at.Part == store.AuditInstruments {
						compared++
					}
				}
				if text := log.String(); strings.Contains(text, "books") {
					rt.Fatal(text)
				}
			}))
		})
		wantViolations(w, violations(w), 0)
		if compared == 0 {
			t.Error("no balance was compared")
		}
	})
}

// lockedText keeps a log that several goroutines write.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// callerBefore is the id of the caller that was made before one.
func callerBefore(c party.CallerID) party.CallerID {
	var n int
	if _, err := fmt.Sscanf(string(c), "C%d", &n); err != nil {
		panic(err)
	}
	return party.CallerID(fmt.Sprintf("C%04d", n-1))
}

// Money moves between two batches, and between the read of a batch and its
// commit.
func TestMoneyMovesDuringAPass(t *testing.T) {
	auditWorlds(t, func(w *holdfasttest.World, _ func(string)) {
		var log lockedText
		w.Processor.Log = slog.New(slog.NewTextHandler(&log, nil))
		w.Processor.KeepAuditShort(2)
		var held []payment.Transaction
		for i := range 7 {
			held = append(held, w.Reserved("20.00", holdfast.CallerReference(fmt.Sprintf("order-%d", i))))
		}
		w.Clock.Advance(time.Hour)
		paid := 0
		w.Processor.Hook = func(point string) {
			if paid == 40 || point != processor.PointAuditRead && point != processor.PointAuditKept {
				return // a pass of two rows at a time would never catch up
			}
			w.Paid("3.00", holdfast.CallerReference(fmt.Sprintf("paid-%d", paid)))
			paid++
			if w.Clock.Advance(7 * time.Second); len(held) > 0 {
				if _, err := w.Settle(held[0].ID, "15.00"); err != nil {
					w.T.Error(err)
				}
				held = held[1:]
			}
		}
		wantViolations(w, audited(w, w.Processor), 0)
		if paid < 10 || len(held) > 0 || strings.Contains(log.String(), "wrong") {
			w.T.Errorf("%d payments, %d holds left: %s", paid, len(held), log.String())
		}
	})
}

// A violation stops the actions that move money, of this caller only, until it
// is acknowledged. Senders get their money back.
func TestAViolationStopsItsCaller(t *testing.T) {
	auditWorlds(t, func(w *holdfasttest.World, spoil func(string)) {
		open, kept := w.Reserved("20.00", "order-1"), w.Reserved("30.00", "order-2")
		token := w.Authorize("10.00")
		paid, err := w.Pay(token, "10.00", "order-3")
		if err != nil {
			w.T.Fatal(err)
		}
		other := w.OtherShop()
		server := processor.New(w.DB, processor.Config{
			Network: w.Network, Now: w.Clock.Now, IDs: w.IDs, Log: slog.New(slog.DiscardHandler),
			People: identity.Config{Hashing: holdfasttest.QuickHashing},
		})
		w.T.Cleanup(server.Close)
		w.Clock.Advance(time.Minute)
		spoil(`UPDATE balances SET micro = micro + 10000 WHERE caller_id = '` + string(w.Shop.ID) + `'`)
		spoil(`DELETE FROM requests WHERE reference = 'order-2'`)
		all := audited(w, w.Processor)
		wantViolations(w, all, 2)
		for _, v := range all {
			if v.Caller != w.Shop.ID || v.Table == "" || v.Row == "" || v.Problem == "" || v.ID == "" {
				w.T.Errorf("the violation is %+v", v)
			}
		}

		stopped := func(p *processor.Processor, want holdfast.Code) {
			w.T.Helper()
			reference := holdfast.CallerReference(w.IDs.Other("stopped-"))
			_, reserving := p.Reserve(w.T.Context(), w.Shop, holdfast.ReserveRequest{
				SenderTokenID: w.Authorize("5.00"), TransactionAmount: holdfasttest.USD("5.00"), CallerReference: reference,
			})
			_, refunding := p.Refund(w.T.Context(), w.Shop, holdfast.RefundRequest{
				TransactionID: paid.ID, RefundAmount: holdfasttest.USD("1.00"), CallerReference: "refund-" + reference,
			})
			_, settling := p.Settle(w.T.Context(), w.Shop, holdfast.SettleRequest{
				ReserveTransactionID: kept.ID, TransactionAmount: holdfasttest.USD("30.00"),
			})
			for action, err := range map[string]error{"Reserve": reserving, "Refund": refunding, "Settle": settling} {
				refused, _ := errors.AsType[*holdfast.Error](err)
				switch {
				case want == "" && err != nil:
					w.T.Errorf("%s: %v", action, err)
				case want != "" && (refused == nil || refused.Code != want || !refused.Retriable()):
					w.T.Errorf("%s: %v, want %s", action, err, want)
				}
			}
		}
		stopped(w.Processor, holdfast.InvalidAccountStateCaller)
		stopped(server, holdfast.InvalidAccountStateCaller)
		if before, err := w.Pay(token, "10.00", "order-3"); err != nil || before.ID != paid.ID {
			w.T.Errorf("the same request does not get its first answer again: %+v, %v", before, err)
		}
		if _, err := w.Cancel(open.ID); err != nil {
			w.T.Errorf("Cancel: %v", err)
		}
		shop := w.Shop
		w.Shop = other
		w.Paid("1.00", "elsewhere")
		w.Shop = shop

		for i, v := range all {
			if err := w.Processor.Acknowledge(w.T.Context(), []store.ViolationID{v.ID}, "ann", "it was a drill"); err != nil {
				w.T.Fatal(err)
			}
			if i == 0 {
				stopped(server, holdfast.InvalidAccountStateCaller)
			}
		}
		if err := w.Processor.Acknowledge(w.T.Context(), []store.ViolationID{all[0].ID}, "ann", "again"); !errors.Is(
			err, store.ErrNoViolation) {
			w.T.Errorf("a second time: %v", err)
		}
		stopped(server, "")

		w.Clock.Advance(time.Hour)
		seen := audited(w, server) // amounts have changed, the fault has not
		wantViolations(w, seen, 2)
		if v := seen[0]; !v.LastSeen.After(v.Found) || v.By != "ann" || v.Reason != "it was a drill" ||
			v.Acknowledged.IsZero() {
			w.T.Errorf("seen again, it is %+v", v)
		}
		w.Paid("2.00", "order-5")
		spoil(`UPDATE balances SET micro = micro + 1 WHERE caller_id = '` + string(w.Shop.ID) + `'`)
		wantViolations(w, audited(w, server), 3)
		if _, err = w.Pay(w.Authorize("2.00"), "2.00", "order-6"); err == nil {
			w.T.Error("a fault that has changed does not stop the caller again")
		}
	})
}

// The expiry of a stopped caller's hold is written, and the hold is released.
func TestHoldsOfAStoppedCallerExpire(t *testing.T) {
	auditWorlds(t, func(w *holdfasttest.World, spoil func(string)) {
		held := w.Reserved("20.00", "order-1")
		w.Paid("10.00", "order-2")
		spoil(`UPDATE balances SET micro = micro + 10000 WHERE account LIKE 'party:%'`)
		w.Clock.Advance(time.Minute)
		if len(audited(w, w.Processor)) == 0 {
			w.T.Fatal("nothing was found")
		}
		w.Clock.Advance(payment.ReserveLifeMax)
		if _, err := w.Processor.Sweep(w.T.Context()); err != nil {
			w.T.Fatal(err)
		}
		if _, err := w.Processor.Release(w.T.Context()); err != nil {
			w.T.Fatal(err)
		}
		w.WantState(held.ID, payment.Cancelled)
		if got := w.Transaction(held.ID); got.Asking != "" {
			w.T.Errorf("the network was not asked to release the hold: %+v", got)
		}
	})
}

// What a server has changed is checked within a minute, without a pass.
func TestChangesAreCheckedWithinAMinute(t *testing.T) {
	auditWorlds(t, func(w *holdfasttest.World, spoil func(string)) {
		var checked int
		w.Processor.BooksChecked = func(n, missed int) { checked += n + 1000*missed }
		w.Processor.Operator = "operator@example.test"
		w.Processor.BooksLetters = func(n payment.BooksNotice) (subject, text string) {
			return "books", fmt.Sprintf("%s in %s", n.Rows[0].Problem, n.Rows[0].Row)
		}
		round := func() {
			w.T.Helper()
			for {
				n, err := w.Processor.AuditChanged(w.T.Context())
				if err != nil {
					w.T.Fatal(err)
				}
				if n == 0 {
					return
				}
			}
		}
		round()
		paid := w.Paid("10.00", "order-1")
		spoil(`UPDATE steps SET amount = amount + 1 WHERE seq = 1`)
		for range 2 {
			wantViolations(w, violations(w), 0)
			w.Clock.Advance(processor.ChangedEvery)
			round()
		}
		all := violations(w)
		wantViolations(w, all, 1)
		if want := string(paid.ID) + "/1"; all[0].Row != want || checked != 1 {
			w.T.Errorf("found %+v after checking %d, want row %s", all[0], checked, want)
		}
		if at := w.Processor.ChangedChecked(); at.IsZero() || w.Clock.Now().Sub(at) > processor.ChangedEvery {
			w.T.Errorf("the last check was at %v", at)
		}
		var mails []store.Mail
		err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
			mails, err = tx.Mails("", 10)
			return err
		})
		if err != nil || len(mails) != 1 || mails[0].To != "operator@example.test" {
			w.T.Errorf("the mails are %+v, %v", mails, err)
		}
		_, err = w.Pay(w.Authorize("2.00"), "2.00", "order-2")
		w.WantCode(err, holdfast.InvalidAccountStateCaller)
	})
}

// A server may die between any two steps of a pass. When the lease has ended, another
// one continues the pass. Each fault is found once.
func TestACrashDuringAPass(t *testing.T) {
	for _, point := range []string{processor.PointAuditLeased, processor.PointAuditRead, processor.PointAuditKept} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			auditWorlds(t, func(w *holdfasttest.World, spoil func(string)) {
				for i := range 5 {
					w.Paid("10.00", holdfast.CallerReference(fmt.Sprintf("order-%d", i)))
				}
				spoil(`UPDATE balances SET micro = micro + 10000 WHERE account = 'party:` + string(w.Owner.ID) + `'`)
				spoil(`UPDATE steps SET amount = amount + 1 WHERE seq = 1 AND transaction_id IN (
					SELECT transaction_id FROM transactions WHERE reference = 'order-2')`)
				w.Clock.Advance(time.Hour)
				server := func(dies bool) (p *processor.Processor) {
					p = processor.New(w.DB, processor.Config{
						Network: w.Network, Now: w.Clock.Now, IDs: w.IDs, Log: slog.New(slog.DiscardHandler),
					})
					if p.KeepAuditShort(2); dies {
						p.Hook = func(at string) {
							if at == point {
								panic(errKilled)
							}
						}
					}
					w.T.Cleanup(p.Close)
					return p
				}
				for crashes := 1; ; crashes++ {
					done := passOrCrash(w, server(crashes < 60))
					w.Clock.Advance(11 * time.Minute) // until the lease has ended
					if done {
						break
					}
				}
				wantViolations(w, violations(w), 2)
			})
		})
	}
}

var errKilled = errors.New("the process was killed")

func passOrCrash(w *holdfasttest.World, p *processor.Processor) (done bool) {
	w.T.Helper()
	defer func() {
		if killed := recover(); killed != nil && killed != any(errKilled) {
			panic(killed)
		}
	}()
	mine, err := p.AuditPass(w.T.Context())
	if err != nil || !mine {
		w.T.Fatalf("the pass ended with %v, %v", mine, err)
	}
	return true
}

// Only one server has the audit. Another takes it over when the lease has ended. A
// batch that the first one still reads then is not kept.
func TestTwoServersShareAnAudit(t *testing.T) {
	auditWorlds(t, func(w *holdfasttest.World, _ func(string)) {
		w.Paid("10.00", "order-1")
		other := processor.New(w.DB, processor.Config{
			Network: w.Network, Now: w.Clock.Now, IDs: w.IDs, Log: slog.New(slog.DiscardHandler),
		})
		w.T.Cleanup(other.Close)
		step := func(p *processor.Processor, want bool) (at store.AuditPlace) {
			w.T.Helper()
			at, mine, err := p.StepAudit(w.T.Context(), nil)
			if err != nil || mine != want {
				w.T.Fatalf("the step was taken: %v, want %v; %v", mine, want, err)
			}
			return at
		}
		step(w.Processor, true)
		step(other, false)
		taken := false
		w.Processor.Hook = func(point string) {
			if point == processor.PointAuditRead && !taken {
				taken = true
				w.Clock.Advance(2 * time.Minute)
				step(other, true)
			}
		}
		step(w.Processor, false)
		step(other, true)
		if mine, err := other.AuditPass(w.T.Context()); err != nil || !mine {
			w.T.Fatalf("the pass ended with %v, %v", mine, err)
		}
		wantViolations(w, violations(w), 0)
	})
}

// A pass begins once in its time, at a bounded pace.
func TestThePaceOfTheAudit(t *testing.T) {
	auditWorlds(t, func(w *holdfasttest.World, _ func(string)) {
		w.Processor.KeepAuditShort(2)
		for i := range 40 {
			w.Paid("10.00", holdfast.CallerReference(fmt.Sprintf("order-%d", i)))
		}
		w.Clock.Advance(time.Hour)
		state := func() (a store.AuditState) {
			w.T.Helper()
			err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
				a, _, err = tx.AuditState()
				return err
			})
			if err != nil {
				w.T.Fatal(err)
			}
			return a
		}
		round := func() int {
			w.T.Helper()
			n, err := w.Processor.AuditBooks(w.T.Context())
			if err != nil {
				w.T.Fatal(err)
			}
			return n
		}
		began := w.Clock.Now()
		for state().Finished.IsZero() {
			if round() == 0 {
				w.Clock.Advance(10 * time.Millisecond)
			}
		}
		a, took := state(), w.Clock.Now().Sub(began)
		if limit := time.Duration(a.Rows) * time.Second / time.Duration(w.Processor.AuditRate()); took > limit ||
			took < limit/2 || a.Rows < 40 {
			w.T.Errorf("%d rows took %v, want at most %v", a.Rows, took, limit)
		}
		for range 20 {
			w.Clock.Advance(time.Hour)
			if round() != 0 {
				w.T.Fatalf("a second pass begins %v after the first", w.Clock.Now().Sub(a.Began))
			}
		}
		w.Clock.Advance(4 * time.Hour)
		if round() == 0 || !state().Began.After(a.Began) {
			w.T.Error("the second pass does not begin after a day")
		}
	})
}
