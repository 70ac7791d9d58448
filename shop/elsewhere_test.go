package shop_test

import (
	"net/http"
	"testing"

	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/shop"
)

// asking makes an order whose part is asked for. The call has not arrived.
func (st *stage) asking(action string) shop.OrderID {
	st.Helper()
	id := st.paid("mug")
	call := map[string]string{"ship": "settle", "cancel": "release"}[action]
	st.way.set(func(y *way) { y.refuse[call] = "service_unavailable" })
	st.want(st.post(bench(id, action)), http.StatusSeeOther)
	st.way.set(func(y *way) { delete(y.refuse, call) })
	return id
}

// settleElsewhere charges an order's hold with another program.
func (st *stage) settleElsewhere(id shop.OrderID, amount client.Amount) {
	st.Helper()
	_, err := st.other().SettleHold(st.Context(), "by-hand", st.load(id).HoldID, client.SettleHold{Amount: amount})
	if err != nil {
		st.Fatal(err)
	}
}

// While a part is asked for, another program charges the whole hold. The buyer has
// paid, and is not asked to pay again.
func TestChargedElsewhereDuringAPart(t *testing.T) {
	for _, action := range []string{"ship", "cancel"} {
		t.Run(action, func(t *testing.T) {
			st := newStage(t)
			id := st.asking(action)
			st.settleElsewhere(id, client.Amount{})
			st.want(st.get(bench(id)), http.StatusOK, "Charged by another program")
			st.wantState(id, shop.NeedsAttention)
			st.wantCharges(id, "32.00")
			st.want(st.get("/orders/"+string(id)), http.StatusOK, "you need not pay again")
			st.wantStock("mug", 59)
		})
	}
}

// Another program charges a part of the hold, and then the shop's own call is carried
// out.
func TestPartlyChargedElsewhereDuringAPart(t *testing.T) {
	st := newStage(t)
	id := st.asking("cancel")
	st.settleElsewhere(id, client.Cents(10_00))
	st.want(st.get(bench(id)), http.StatusOK, "Charged by another program")
	st.wantState(id, shop.NeedsAttention)
	st.wantCharges(id, "10.00")
}

// The bank has not answered about another program's charge. The part waits for that.
func TestChargeElsewhereInDoubt(t *testing.T) {
	for _, action := range []string{"ship", "cancel"} {
		t.Run(action, func(t *testing.T) {
			st := newStage(t)
			id := st.asking(action)
			before := st.load(id).State
			st.world.Network.Next(holdfasttest.Reply{Deaf: true})
			st.settleElsewhere(id, client.Amount{})
			st.want(st.get(bench(id)), http.StatusOK)
			if o := st.wantState(id, before); o.Parts[0].State != shop.PartAsked {
				t.Errorf("the part is %s, want Asked", o.Parts[0].State)
			}
			st.answered()
			st.wantState(id, shop.NeedsAttention)
			st.wantCharges(id, "32.00")
		})
	}
}
