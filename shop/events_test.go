package shop_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/shop"
)

// The shop dies after it has read some events. Nothing is acted on twice, and
// nothing is lost.
func TestEventsAfterACrash(t *testing.T) {
	st := newStage(t)
	id := st.threePieces()
	st.ships(id, "listed", "1", "line", "0", "rest", "later")
	st.hear()
	log := len(st.logOf(id))
	st.restart()
	st.hear()
	if again := len(st.logOf(id)); again != log {
		t.Errorf("after the restart the log has %d entries, and had %d", again, log)
	}
	st.pass(8 * 24 * time.Hour)
	st.way.set(func(y *way) { y.down = true })
	if _, err := st.world.Processor.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := st.shop.ReadEvents(t.Context()); err == nil {
		t.Error("events were read although the payment service is away")
	}
	st.restart()
	st.way.set(func(y *way) { y.down = false })
	st.hear()
	st.wantState(id, shop.Lapsed)
}

// Orders of other programs of the same caller are none of the shop's business.
func TestEventsOfOthers(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	reserved := st.world.Reserved("12.50", "another-program")
	if _, err := st.world.Settle(reserved.ID, "12.50"); err != nil {
		t.Fatal(err)
	}
	before := st.way.times("read")
	st.catchUp()
	st.wantState(id, shop.ToShip)
	if n := st.way.times("read") - before; n == 0 || n > 4 {
		t.Errorf("%d objects were read, want only those of the shop's order", n)
	}
}

// The cursor of the feed is lost when the payment service is restored from a backup.
// The shop reads the events again, and acts only on new ones.
func TestEventsAfterARestore(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	st.hear()
	st.way.set(func(y *way) { y.refuse["events"] = "cursor_lost" })
	if more, err := st.shop.ReadEvents(t.Context()); err != nil || !more {
		t.Errorf("after the loss of the cursor: %v, %v", more, err)
	}
	st.way.set(func(y *way) { delete(y.refuse, "events") })
	log := len(st.logOf(id))
	st.hear()
	if again := len(st.logOf(id)); again != log {
		t.Errorf("the log has %d entries, and had %d", again, log)
	}
	st.pass(8 * 24 * time.Hour)
	st.catchUp()
	st.wantState(id, shop.Lapsed)
}

// While the buyer disputes a parcel, the next one does not ship.
func TestADisputedHoldIsNotShipped(t *testing.T) {
	st := newStage(t)
	id := st.threePieces()
	st.ships(id, "listed", "1", "line", "0", "rest", "later")
	st.dispute(id, payment.EventDisputeOpened, 1, "open")
	st.hear()
	st.want(st.post(bench(id, "ship")), http.StatusConflict, "Not shipped", "disputes the charge")
	w := st.get(bench(id))
	st.want(w, http.StatusOK, "Do not ship", "disputes the charge at the bank")
	st.wantNot(w, `id="ship"`)
	st.want(st.get("/bench"), http.StatusOK, `id="do-not-ship"`, "The buyer disputes the charge")
	st.wantCharges(id, "57.50")
	st.dispute(id, payment.EventDisputeWon, 2, "won")
	st.hear()
	st.ships(id)
	st.wantState(id, shop.Shipped)

	id = st.threePieces()
	st.ships(id, "listed", "1", "line", "0", "rest", "later")
	st.dispute(id, payment.EventDisputeLost, 1, "lost")
	st.hear()
	st.want(st.post(bench(id, "ship")), http.StatusConflict, "disputes the charge")
}

// A dispute arrives while a parcel waits for its charge. The parcel is not charged.
func TestADisputeDuringACharge(t *testing.T) {
	st := newStage(t)
	id := st.threePieces()
	st.ships(id, "listed", "1", "line", "0", "rest", "later")
	st.hear()
	st.way.set(func(y *way) { y.refuse["settle"] = "service_unavailable" })
	st.ships(id)
	st.dispute(id, payment.EventDisputeOpened, 1, "open")
	st.hear()
	st.way.set(func(y *way) { y.down = true })
	st.want(st.get(bench(id)), http.StatusOK, `id="stop"`, "disputes the charge")
	st.wantState(id, shop.Shipping)
	st.way.set(func(y *way) { y.down = false; delete(y.refuse, "settle") })
	st.pass(time.Minute)
	st.work()
	st.wantState(id, shop.ToShip)
	st.wantCharges(id, "57.50")
	st.dispute(id, payment.EventDisputeWon, 2, "won")
	st.hear()
	st.ships(id)
	st.wantState(id, shop.Shipped)
	st.wantCharges(id, "57.50", "59.50")
}

// The charge was carried out before the dispute, but its answer was lost. The parcel
// counts as charged, and stays here.
func TestADisputeAfterALostAnswer(t *testing.T) {
	st := newStage(t)
	id := st.threePieces()
	st.ships(id, "listed", "1", "line", "0", "rest", "later")
	st.way.set(func(y *way) { y.lose["settle"] = 1 })
	st.ships(id)
	st.dispute(id, payment.EventDisputeOpened, 1, "open")
	st.hear()
	w := st.get(bench(id))
	st.want(w, http.StatusOK, `id="stop"`, "disputes the charge")
	st.wantNot(w, "Hand the parcel over")
	st.wantState(id, shop.Shipped)
	st.wantCharges(id, "57.50", "59.50")
}

// dispute tells the shop of a dispute of the first payment of an order, as the
// payment service does.
func (st *stage) dispute(id shop.OrderID, kind payment.EventType, seq int, state string) {
	st.Helper()
	data, err := json.Marshal(map[string]string{
		"id": "dp_" + string(id), "state": state, "payment": st.hold(id).Payments[0], "hold": st.load(id).HoldID,
	})
	if err != nil {
		st.Fatal(err)
	}
	now := st.world.Clock.Now()
	err = st.world.DB.Update(st.Context(), func(tx *store.Tx) error {
		return tx.AddEvent(payment.Event{
			Caller: st.world.Shop.ID, Type: kind, ObjectID: "dp_" + string(id), Seq: seq, At: now, Data: string(data),
		}, now)
	})
	if err != nil {
		st.Fatal(err)
	}
}
