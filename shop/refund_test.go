package shop_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/shop"
)

// shipped makes an order of one mug that is shipped and charged.
func (st *stage) shipped() shop.OrderID {
	st.Helper()
	id := st.paid("mug")
	st.ships(id)
	st.wantState(id, shop.Shipped)
	return id
}

func (st *stage) wantRefunded(id shop.OrderID, want string) {
	st.Helper()
	if got := st.load(id).Refunded.Decimal(); got != want {
		st.Errorf("refunded is %s, want %s", got, want)
	}
	if got := st.hold(id).Refunded.Decimal(); got != want {
		st.Errorf("the payment service refunded %s, want %s", got, want)
	}
}

func TestRefundFromThePackersPage(t *testing.T) {
	st := newStage(t)
	id := st.shipped()
	st.want(st.get(bench(id)), http.StatusOK, `id="refund"`, `name="refund" value="1"`, "at most $32.00")
	for range 2 { // a double click
		st.want(st.post(bench(id, "refund"), "refund", "1", "parcel", "1", "amount", "$10", "reason", "A chip in the glaze"),
			http.StatusSeeOther)
	}
	st.wantRefunded(id, "10.00")
	st.want(st.get(bench(id)), http.StatusOK, "A chip in the glaze", `name="refund" value="2"`, "at most $22.00")
	st.want(st.get("/orders/"+string(id)), http.StatusOK, "was charged $32.00", "$10.00 of it is refunded", `id="refunded"`)

	for amount, words := range map[string]string{
		"22.01": "more than the $22.00 that is left", "0": "enter an amount above zero",
		"-1": "digits with at most two decimals", "": "digits with at most two decimals",
	} {
		if w := st.post(bench(id, "refund"), "refund", "2", "parcel", "1", "amount", amount); w.Code/100 != 4 {
			t.Errorf("%q: status %d", amount, w.Code)
		} else {
			st.want(w, w.Code, words)
		}
	}
	st.want(st.post(bench(id, "refund"), "refund", "2", "parcel", "2", "amount", "1"), http.StatusUnprocessableEntity,
		"choose a parcel that was charged")
	st.want(st.post(bench(id, "refund"), "refund", "2", "parcel", "1", "amount", "22"), http.StatusSeeOther)
	st.wantRefunded(id, "32.00")
	st.wantNot(st.get(bench(id)), `id="refund"`)
	st.want(st.get("/orders/"+string(id)), http.StatusOK, "This order was refunded", "The full amount is refunded")
	st.want(st.get("/bench"), http.StatusOK, "Refunded $32.00")
}

// Each parcel has its own payment, and a refund gives back no more than its parcel.
func TestRefundOfOneParcel(t *testing.T) {
	st := newStage(t)
	id := st.threePieces()
	st.ships(id, "listed", "1", "line", "1", "rest", "later") // 66.00
	st.ships(id)                                              // 51.00
	st.want(st.post(bench(id, "refund"), "refund", "1", "parcel", "2", "amount", "51.01"), http.StatusConflict,
		"more than the $51.00 that is left")
	st.want(st.post(bench(id, "refund"), "refund", "1", "parcel", "2", "amount", "51"), http.StatusSeeOther)
	st.wantRefunded(id, "51.00")
	w := st.get(bench(id))
	st.want(w, http.StatusOK, "Parcel 1, at most $66.00")
	st.wantNot(w, "Parcel 2, at most")
	for _, p := range st.payments(id) {
		if want := map[string]string{"66.00": "0.00", "51.00": "51.00"}[p.Amount.Decimal()]; p.Refunded.Decimal() != want {
			t.Errorf("of %v, %v is refunded, want %s", p.Amount, p.Refunded, want)
		}
	}
	st.world.CheckBooks()
}

func TestRefundAnswerLost(t *testing.T) {
	st := newStage(t)
	id := st.shipped()
	st.way.set(func(y *way) { y.lose["refund"] = 1 })
	st.want(st.post(bench(id, "refund"), "refund", "1", "parcel", "1", "amount", "32"), http.StatusSeeOther)
	st.pass(time.Minute)
	st.work()
	st.wantRefunded(id, "32.00")

	// The events may also find the refund first, by the shop's own reference.
	st = newStage(t)
	id = st.shipped()
	st.way.set(func(y *way) { y.lose["refund"] = 1 })
	st.want(st.post(bench(id, "refund"), "refund", "1", "parcel", "1", "amount", "12"), http.StatusSeeOther)
	st.catchUp()
	w := st.get(bench(id))
	st.want(w, http.StatusOK, `name="refund" value="2"`)
	st.wantNot(w, "by another program")
	st.wantRefunded(id, "12.00")
}

func TestRefundIsRefused(t *testing.T) {
	st := newStage(t)
	id := st.shipped()
	st.way.set(func(y *way) { y.refuse["refund"] = "not_refundable" })
	st.want(st.post(bench(id, "refund"), "refund", "1", "parcel", "1", "amount", "32"), http.StatusConflict, "Not refunded")
	st.wantRefunded(id, "0.00")
	st.way.set(func(y *way) { delete(y.refuse, "refund") })
	st.want(st.post(bench(id, "refund"), "refund", "2", "parcel", "1", "amount", "32"), http.StatusSeeOther)
	st.wantRefunded(id, "32.00")
}

func TestRefundPending(t *testing.T) {
	st := newStage(t)
	id := st.shipped()
	st.world.Network.Next(holdfasttest.Reply{Deaf: true})
	st.want(st.post(bench(id, "refund"), "refund", "1", "parcel", "1", "amount", "32"), http.StatusSeeOther)
	st.want(st.get(bench(id)), http.StatusOK, "Bank has not answered")
	st.world.Network.Next(holdfasttest.Reply{Decline: "TransactionDenied"})
	st.answered()
	st.wantRefunded(id, "0.00")
	st.want(st.get(bench(id)), http.StatusOK, "Not refunded", `id="refund"`)
}

// Another program of the caller, such as the command line, makes a refund.
func TestRefundMadeElsewhere(t *testing.T) {
	st := newStage(t)
	id := st.shipped()
	other := st.other()
	byHand := func(key string, cents int64) {
		t.Helper()
		if _, err := other.CreateRefund(t.Context(), key, client.NewRefund{
			Hold: st.load(id).HoldID, Amount: client.Cents(cents),
		}); err != nil {
			t.Fatal(err)
		}
	}
	byHand("one", 20_00)
	// The shop asks for other refunds first, so that it never refunds more than is
	// left.
	st.want(st.post(bench(id, "refund"), "refund", "1", "parcel", "1", "amount", "32"), http.StatusConflict,
		"another program has refunded", "$12.00")
	st.wantRefunded(id, "20.00")
	st.want(st.get(bench(id)), http.StatusOK, "by another program", `name="refund" value="2"`)

	// The events also tell of it.
	st.world.Network.Next(holdfasttest.Reply{Deaf: true})
	byHand("two", 12_00)
	st.catchUp()
	st.wantRefunded(id, "32.00")
	st.want(st.get(bench(id)), http.StatusOK, "Bank has not answered")
	st.answered()
	st.wantNot(st.get(bench(id)), "Bank has not answered")
	st.want(st.get("/orders/"+string(id)), http.StatusOK, "This order was refunded")

	st.way.set(func(y *way) { y.down = true })
	st.want(st.post(bench(id, "refund"), "refund", "3", "parcel", "1", "amount", "1"), http.StatusServiceUnavailable,
		"could not be asked")
}

// A refund that was cancelled has paid nothing back.
func TestACancelledRefund(t *testing.T) {
	st := newStage(t)
	id := st.shipped()
	st.want(st.post(bench(id, "refund"), "refund", "1", "parcel", "1", "amount", "32"), http.StatusSeeOther)
	_, err := st.shop.Database().ExecContext(t.Context(), `UPDATE refunds SET state = ?`, client.PaidCancelled)
	if err != nil {
		t.Fatal(err)
	}
	if got := st.load(id).Refunded; got.Positive() {
		t.Errorf("refunded is %v, want nothing", got)
	}
	st.way.set(func(y *way) { y.down = true })
	st.want(st.get(bench(id)), http.StatusOK, "Not refunded", "at most $32.00")
}
