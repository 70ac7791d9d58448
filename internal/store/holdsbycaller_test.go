package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// The figures are those of the gauges of open holds: see internal/metrics.
func TestHoldsByCaller(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		w.OtherShop() // has no hold
		want := func(when string, open int, atRisk string) {
			t.Helper()
			var got []store.HoldsOfCaller
			err := db.View(t.Context(), func(tx *store.ReadTx) (err error) {
				got, err = tx.HoldsByCaller(w.Clock.Now())
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			var wanted []store.HoldsOfCaller
			if open > 0 {
				wanted = []store.HoldsOfCaller{{
					Caller: w.Shop.ID, Sandbox: true, Open: open, AtRisk: holdfasttest.USD(atRisk),
				}}
			}
			if diff := cmp.Diff(wanted, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		want("without a hold", 0, "")

		w.Reserved("9.00", "week")
		want("with a hold of a week", 1, "0.00")
		near, err := w.Processor.CreateHold(t.Context(), w.Shop, w.Call("near", "POST /v1/holds", nil), processor.CreateHold{
			Token: w.Authorize("20.00"), Amount: holdfasttest.USD("20.00"), Deadline: w.CallerNow().Add(24*time.Hour + 1e9),
		})
		if err != nil {
			t.Fatal(err)
		}
		want("a second before the last day", 2, "0.00")
		w.Clock.Advance(time.Second)
		want("on the last day", 2, "20.00")
		settlePart(t, w, near.ID, "5.00")
		want("after a settle of a part", 2, "15.00")
		_, err = w.Processor.ReleaseHold(t.Context(), w.Shop, w.Call("lower", "POST /release", nil), processor.ReleaseHold{
			Hold: near.ID, Amount: holdfasttest.USD("3.00"),
		})
		if err != nil {
			t.Fatal(err)
		}
		want("after a release of a part", 2, "12.00")

		w.Processor.Wait = -1
		w.Network.Next(holdfasttest.Reply{Deaf: true})
		if _, err := w.Reserve(w.Authorize("7.00"), "7.00", "pending"); err != nil {
			t.Fatal(err)
		}
		want("with a hold that the network has not answered", 3, "12.00")

		// The caller's clock decides, and what is overdue is at risk, too.
		_, err = w.Processor.ChangeCaller(t.Context(), w.Shop.ID, func(c party.Caller) (party.Caller, error) {
			c.ClockOffset = payment.ReserveLifeMax + time.Hour
			return c, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want("by a clock that is ahead", 3, "21.00")
	})
}

func settlePart(t *testing.T, w *holdfasttest.World, hold holdfast.TransactionID, value string) {
	t.Helper()
	_, err := w.Processor.SettleHold(t.Context(), w.Shop, w.Call("part-"+value, "POST /settle", nil), processor.SettleHold{
		Hold: hold, Amount: holdfasttest.USD(value),
	})
	if err != nil {
		t.Fatal(err)
	}
}
