package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Each question without an answer is on one page, of its caller and of all callers. Those
// that the network decides later are left out of the doubts.
func TestQuestionsWithoutAnAnswer(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		w.Processor.Wait = -1
		var want []string
		var last payment.Transaction
		for _, order := range []holdfast.CallerReference{"order-1", "order-2", "order-3"} {
			w.Network.Next(holdfasttest.Reply{Deaf: true})
			pending, err := w.Reserve(w.Authorize("42.50"), "42.50", order)
			if err != nil || pending.State != payment.Pending {
				t.Fatalf("the hold is %+v (%v)", pending, err)
			}
			w.Clock.Advance(time.Second)
			last = pending
			want = append(want, string(order)+" Authorize 42.50")
		}
		err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.AskAgain(last, w.Clock.Now().Add(time.Hour)) })
		if err != nil {
			t.Fatal(err)
		}
		pages := func(of party.CallerID, doubts bool, limit int) (all []string) {
			t.Helper()
			place := &store.QuestionPlace{}
			for n := 0; place != nil; n++ {
				if n > 10 {
					t.Fatal("the pages do not end")
				}
				err := db.View(t.Context(), func(tx *store.ReadTx) error {
					page, next, err := tx.Questions(of, doubts, w.Clock.Now(), *place, limit)
					for _, q := range page {
						all = append(all, string(q.Reference)+" "+string(q.Step)+" "+q.Amount.Decimal())
						if q.Since.IsZero() || q.Next.IsZero() || q.Asked != 1 ||
							q.InDoubt(w.Clock.Now()) != (q.Transaction != last.ID) {
							t.Errorf("a question is %+v", q)
						}
					}
					place = next
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			return all
		}
		for name, got := range map[string][]string{
			"all at once": pages(w.Shop.ID, false, 10), "two at a time": pages(w.Shop.ID, false, 2),
			"one at a time, of all callers": pages("", false, 1),
		} {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		if diff := cmp.Diff(want[:2], pages(w.Shop.ID, true, 1)); diff != "" {
			t.Errorf("in doubt: %s", diff)
		}
		if got := pages(w.OtherShop().ID, true, 2); len(got) != 0 {
			t.Errorf("another caller has %q", got)
		}
	})
}
