package shop_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/shop"
)

func TestShipInFull(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug", "bowl")
	st.want(st.get("/bench"), http.StatusOK, `data-order="`+string(id)+`"`, "7 days left")
	st.want(st.get(bench(id)), http.StatusOK, `id="ship"`, `id="cancel"`, `name="amount"`, st.load(id).HoldID)
	st.ships(id, "listed", "1", "line", "0", "line", "1")
	st.wantState(id, shop.Shipped)
	st.want(st.get("/orders/"+string(id)), http.StatusOK, `id="thank-you"`, "was charged $66.00", "Parcel 1: Morning mug")
	st.want(st.get(bench(id)), http.StatusOK, "Hand the parcel over", `id="hold-state">settled`)
	// A second attempt is refused and charges nothing.
	st.want(st.post(bench(id, "ship"), "line", "0"), http.StatusConflict, "already shipped and charged")
	st.want(st.post(bench(id, "cancel")), http.StatusConflict, "already shipped and charged")
	st.pass(time.Minute)
	st.catchUp()
	if n := st.way.times("settle"); n != 1 {
		t.Errorf("%d settles were asked for, want one", n)
	}
	st.wantCharges(id, "66.00")
}

// threePieces makes a paid order of $117.00: two mugs and a jug.
func (st *stage) threePieces() shop.OrderID {
	st.Helper()
	st.want(st.post("/cart", "product", "mug", "quantity", "2"), http.StatusSeeOther)
	return st.paid("jug")
}

// An order ships in three parcels. Each is charged when it goes, and the buyer sees
// which pieces are in it.
func TestThreeParcels(t *testing.T) {
	st := newStage(t)
	id := st.threePieces()
	page := "/orders/" + string(id)
	st.ships(id, "listed", "1", "line", "0", "pieces-0", "1", "rest", "later") // 24.00 + 1.50 + 6.50
	st.restart()                                                               // the database has it
	o := st.wantState(id, shop.ToShip)
	if !slices.Equal(o.Shipped(), []int64{1, 0}) || !slices.Equal(o.Rest(), []int64{1, 1}) {
		t.Errorf("shipped %v, left %v", o.Shipped(), o.Rest())
	}
	st.want(st.get("/bench"), http.StatusOK, "2 pieces left, of $117.00", "Charged $32.00")
	st.want(st.get(bench(id)), http.StatusOK, "Hand the parcel over. Still to ship: 1 of 2 × Morning mug, Milk jug",
		"Parcel 1: 1 of 2 × Morning mug", "Pack the next parcel", "Cancel the rest")
	st.want(st.get(page), http.StatusOK, "the first part is on its way", "was charged $32.00",
		"Parcel 1: 1 of 2 × Morning mug", "1 of 2 shipped")

	st.ships(id, "listed", "1", "line", "1", "rest", "later") // 56.00 + 3.50
	st.wantState(id, shop.ToShip)
	st.want(st.get(bench(id, "parcels/2/slip")), http.StatusOK, "Milk jug", "charged $59.50", "In another parcel: 1 of 2")
	st.ships(id, "listed", "1", "line", "0", "rest", "later") // 24.00 + 1.50; nothing is left
	st.wantState(id, shop.Shipped)
	w := st.get(page)
	st.want(w, http.StatusOK, "Your parcels are on their way", "was charged $117.00", "Parcel 3: 1 of 2 × Morning mug")
	st.wantNot(w, "released", "available")
	st.catchUp()
	st.wantCharges(id, "32.00", "59.50", "25.50")
	if h := st.hold(id); h.State != client.HoldSettled || h.Released.Positive() {
		t.Errorf("the hold is %+v", h)
	}
}

// The last parcel leaves something out, and its price is released.
func TestShipForLess(t *testing.T) {
	for _, row := range []struct {
		name         string
		form         []string
		charge       string
		says, saysNo []string
	}{
		{
			"a line is not available",
			[]string{"listed", "1", "line", "0", "rest", "release"},
			"57.50",
			[]string{"Not everything was available", "<del>Milk jug</del>", "charged $57.50"},
			[]string{"lowered the price"},
		},
		{
			"one of two pieces",
			[]string{"listed", "1", "line", "0", "pieces-0", "1", "line", "1", "rest", "release"},
			"91.50",
			[]string{"Not everything was available", "1 of 2 × Morning mug", "1 of 2 not available"},
			[]string{"lowered the price", "<del>"},
		},
		{
			"a discount",
			[]string{"listed", "1", "line", "0", "line", "1", "amount", " $100 "},
			"100.00",
			[]string{"lowered the price: the pieces cost $117.00"},
			[]string{"available"},
		},
		{"an amount alone", []string{"amount", "100"}, "100.00", []string{"lowered the price"}, []string{"available"}},
		{
			"both",
			[]string{"listed", "1", "line", "0", "rest", "release", "amount", "50"},
			"50.00",
			[]string{"Not everything was available", "lowered the price: the pieces cost $57.50"},
			nil,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			st := newStage(t)
			id := st.threePieces()
			st.ships(id, row.form...)
			st.wantState(id, shop.Shipped)
			st.wantCharges(id, row.charge)
			w := st.get("/orders/" + string(id))
			st.want(w, http.StatusOK, row.says...)
			st.wantNot(w, row.saysNo...)
		})
	}
}

// Pieces that cannot ship are released while the others wait. The price of the rest
// is charged to the cent.
func TestWithdraw(t *testing.T) {
	st := newStage(t)
	id := st.threePieces()
	st.want(st.post(bench(id, "withdraw"), "missing-0", "1"), http.StatusSeeOther)
	o := st.wantState(id, shop.ToShip)
	if h := st.hold(id); h.Open.Decimal() != "91.50" || h.Released.Decimal() != "25.50" {
		t.Errorf("the hold has %v open and %v released", h.Open, h.Released)
	}
	if !slices.Equal(o.Rest(), []int64{1, 1}) {
		t.Errorf("left are %v", o.Rest())
	}
	st.want(st.get("/orders/"+string(id)), http.StatusOK, "$91.50 is set aside", "Not available, and not charged: 1 of 2")
	for form, words := range map[string]string{
		"missing-0=2": "between 0 and 1 of Morning mug", "missing-0=-1": "between 0 and 1", "": "choose the pieces",
	} {
		name, value, _ := strings.Cut(form, "=")
		st.want(st.post(bench(id, "withdraw"), name, value), http.StatusUnprocessableEntity, words)
	}
	st.ships(id, "listed", "1", "line", "0", "rest", "later")
	st.want(st.post(bench(id, "withdraw"), "missing-1", "1"), http.StatusSeeOther) // the last piece
	st.wantState(id, shop.Shipped)
	st.wantCharges(id, "32.00")
	if h := st.hold(id); h.State != client.HoldSettled || h.Released.Decimal() != "85.00" {
		t.Errorf("the hold is %s and has released %v", h.State, h.Released)
	}
}

func TestCancel(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	st.want(st.post(bench(id, "cancel"), "reason", strings.Repeat("x", 161)), http.StatusUnprocessableEntity, "too long")
	st.want(st.post(bench(id, "cancel"), "reason", "Broken in the kiln."), http.StatusSeeOther)
	st.wantState(id, shop.Cancelled)
	if h := st.hold(id); h.State != client.HoldReleased {
		t.Errorf("the hold is %s", h.State)
	}
	st.want(st.get("/orders/"+string(id)), http.StatusOK, "Broken in the kiln", "Nothing was charged")
	st.want(st.post(bench(id, "ship"), "line", "0"), http.StatusConflict, "Not shipped")
	st.wantCharges(id)
}

// After the first parcel, the buyer wants nothing more.
func TestCancelTheRest(t *testing.T) {
	st := newStage(t)
	id := st.threePieces()
	st.ships(id, "listed", "1", "line", "1", "rest", "later")
	st.want(st.post(bench(id, "cancel"), "reason", "The buyer changed her mind"), http.StatusSeeOther)
	st.wantState(id, shop.Shipped)
	st.wantCharges(id, "66.00")
	st.want(st.get("/orders/"+string(id)), http.StatusOK, "was charged $66.00", "We did not charge for 2 × Morning mug")
}

func TestAPartIsChecked(t *testing.T) {
	st := newStage(t)
	id := st.threePieces()
	for words, form := range map[string][]string{
		"between 1 and 2 of Morning mug": {"listed", "1", "line", "0", "pieces-0", "3"},
		"untick it":                      {"listed", "1", "line", "0", "pieces-0", "0"},
		"nothing is ticked":              {"listed", "1", "amount", "10"},
		"more than the $57.50 that the ticked pieces cost": {"listed", "1", "line", "0", "amount", "60"},
		"more than the $117.00":                            {"amount", "117.01"},
		"cancel the order":                                 {"amount", "0"},
		"digits with at most two decimals":                 {"amount", "1.234"},
	} {
		st.want(st.post(bench(id, "ship"), form...), http.StatusUnprocessableEntity, words)
	}
	st.wantState(id, shop.ToShip)
	st.wantCharges(id)
}

// The answer to a settle is lost, and then the shop dies. The job makes the same
// call, and the parcel is charged once.
func TestSettleAnswerLost(t *testing.T) {
	st := newStage(t)
	id := st.threePieces()
	st.way.set(func(y *way) { y.lose["settle"] = 1 })
	st.ships(id, "listed", "1", "line", "0", "rest", "later")
	st.wantState(id, shop.Shipping)
	// The packer's page makes the same call again.
	st.want(st.get(bench(id)), http.StatusOK, "charged $57.50")
	st.wantState(id, shop.ToShip)

	st.way.set(func(y *way) { y.lose["settle"] = 1 })
	st.ships(id)
	st.wantState(id, shop.Shipping)
	st.restart()
	st.pass(30 * time.Second)
	st.work()
	st.wantState(id, shop.Shipped)
	st.wantCharges(id, "57.50", "59.50")
}

// The hold is read while a parcel is being charged. The charge is the shop's own,
// although its answer has not come, and the hold has not lapsed.
func TestTheHoldIsReadDuringACharge(t *testing.T) {
	st := newStage(t)
	id := st.threePieces()
	st.way.set(func(y *way) {
		y.lose["settle"] = 1
		y.before["read"] = func() { st.ships(id, "listed", "1", "line", "0", "rest", "later") }
	})
	st.want(st.get(bench(id)), http.StatusOK)
	st.wantState(id, shop.Shipping)
	st.want(st.get(bench(id)), http.StatusOK, "charged $57.50")
	st.wantState(id, shop.ToShip)

	st.way.set(func(y *way) { y.lose["settle"] = 1 })
	st.ships(id) // the last parcel: the hold is used up
	st.want(st.post(bench(id, "refund"), "refund", "1", "parcel", "1", "amount", "7.50"), http.StatusSeeOther)
	st.wantState(id, shop.Shipping)
	st.hear()
	st.wantState(id, shop.Shipped)
	st.wantCharges(id, "57.50", "59.50")
	st.wantStock("mug", 58)
}

func TestReleaseAnswerLost(t *testing.T) {
	st := newStage(t)
	id := st.threePieces()
	st.way.set(func(y *way) { y.lose["release"] = 1 })
	st.want(st.post(bench(id, "withdraw"), "missing-0", "1"), http.StatusSeeOther)
	st.wantState(id, shop.Releasing)
	st.restart()
	st.pass(30 * time.Second)
	st.work()
	st.wantState(id, shop.ToShip)
	if h := st.hold(id); h.Released.Decimal() != "25.50" {
		t.Errorf("released %v, want 25.50 once", h.Released)
	}
}

func TestExpiredHoldIsNeverShipped(t *testing.T) {
	st := newStage(t)
	id := st.threePieces()
	st.ships(id, "listed", "1", "line", "1", "rest", "later")
	st.pass(7*24*time.Hour - time.Second)
	st.want(st.get("/bench"), http.StatusOK, `id="to-ship"`, "less than a minute left")
	st.pass(time.Second)
	// Nobody has told the shop yet, and the packer's page is still open.
	st.want(st.post(bench(id, "ship")), http.StatusConflict, "Not shipped", "ask the buyer to pay for it again")
	st.wantState(id, shop.Lapsed)
	st.wantCharges(id, "66.00")
	w := st.get("/bench")
	st.want(w, http.StatusOK, `id="do-not-ship"`, `data-order="`+string(id)+`"`, "Do not ship it")
	st.wantNot(w, `id="to-ship"`)
	st.wantNot(st.get(bench(id)), `id="ship"`, `id="cancel"`)
	st.want(st.get("/orders/"+string(id)), http.StatusOK, "Please pay for the rest again", "We charged $66.00", `id="pay-again"`)
	again := st.sent(st.post("/orders/" + string(id) + "/again"))
	if o := st.load(again); len(o.Lines) != 1 || o.Lines[0].Quantity != 2 || o.Lines[0].Product != "mug" {
		t.Errorf("paid again is %+v, want the two mugs", o.Lines)
	}
}

// The payment service does not answer, but its last answer shows that the hold has
// expired.
func TestExpiredHoldIsKnownWithoutAsking(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	st.way.set(func(y *way) { y.down = true })
	st.pass(7 * 24 * time.Hour)
	w := st.get("/bench")
	st.want(w, http.StatusOK, `id="do-not-ship"`)
	st.wantNot(w, `id="to-ship"`)
	w = st.get(bench(id))
	st.want(w, http.StatusOK, "could not be asked")
	st.wantNot(w, `id="ship"`)
	st.want(st.post(bench(id, "ship")), http.StatusServiceUnavailable, "could not be asked whether the money is still held")
	st.wantState(id, shop.ToShip)
}

// Nothing more ships to a buyer who was paid back.
func TestARefundedHoldIsNotShipped(t *testing.T) {
	st := newStage(t)
	id := st.threePieces()
	st.ships(id, "listed", "1", "line", "1", "rest", "later")
	_, err := st.other().CreateRefund(t.Context(), "by-hand", client.NewRefund{Hold: st.load(id).HoldID})
	if err != nil {
		t.Fatal(err)
	}
	st.want(st.post(bench(id, "ship")), http.StatusConflict, "Not shipped", "everything that was charged for this order was refunded")
	st.wantCharges(id, "66.00")
	st.want(st.get("/bench"), http.StatusOK, `id="do-not-ship"`)
	st.want(st.post(bench(id, "cancel")), http.StatusSeeOther)
	st.wantState(id, shop.Shipped)
	st.want(st.get("/orders/"+string(id)), http.StatusOK, "This order was refunded")
}

func TestChargedElsewhere(t *testing.T) {
	st := newStage(t)
	id := st.threePieces()
	_, err := st.other().SettleHold(t.Context(), "by-hand", st.load(id).HoldID, client.SettleHold{Amount: client.Cents(30_00)})
	if err != nil {
		t.Fatal(err)
	}
	st.want(st.post(bench(id, "ship")), http.StatusConflict, "operator can find out")
	st.wantState(id, shop.NeedsAttention)
	st.wantCharges(id, "30.00")
	st.want(st.get(bench(id)), http.StatusOK, "Charged by another program", `id="refund"`, `id="done"`, "at most $30.00")
	st.want(st.get("/orders/"+string(id)), http.StatusOK, "you need not pay again")
	st.want(st.post(bench(id, "refund"), "refund", "1", "parcel", "1", "amount", "30"), http.StatusSeeOther)
	st.want(st.post(bench(id, "done")), http.StatusSeeOther)
	st.want(st.get("/orders/"+string(id)), http.StatusOK, "This order was refunded")
	st.wantNot(st.get("/bench"), `id="do-not-ship"`)
}

func TestReleasedElsewhere(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	if _, err := st.other().ReleaseHold(t.Context(), "by-hand", st.load(id).HoldID, client.ReleaseHold{}); err != nil {
		t.Fatal(err)
	}
	st.want(st.post(bench(id, "ship")), http.StatusConflict, "The hold was released")
	st.wantState(id, shop.Cancelled)
}

func TestSettleRefused(t *testing.T) {
	for code, words := range map[client.Code]string{
		"amount_above_hold":    "more than the $117.00 that is still held",
		"network_settles_once": "can be charged only once for an order",
		"hold_state":           "cannot charge this order now (No)",
		"account_state":        "operator can fix that there",
		"not_allowed":          "refused with not_allowed",
	} {
		t.Run(string(code), func(t *testing.T) {
			st := newStage(t)
			id := st.threePieces()
			st.way.set(func(y *way) { y.refuse["settle"] = code })
			st.ships(id, "listed", "1", "line", "0", "rest", "later")
			st.wantState(id, shop.ToShip)
			st.want(st.get(bench(id)), http.StatusOK, words, "until <time", `id="ship"`, "req_refused")
			// When the cause is fixed, it ships.
			st.way.set(func(y *way) { delete(y.refuse, "settle") })
			st.ships(id)
			st.wantState(id, shop.Shipped)
			st.wantCharges(id, "117.00")
		})
	}
}

// A late refusal belongs to the parcel that it refused, not to a later one.
func TestLateRefusalOfACharge(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	refuse := func(code client.Code) { st.way.set(func(y *way) { y.refuse["settle"] = code }) }
	refuse("service_unavailable")
	st.ships(id, "amount", "30.00")
	st.wantState(id, shop.Shipping)

	asked, arrive := make(chan struct{}), make(chan struct{})
	st.way.set(func(y *way) { y.before["settle"] = func() { close(asked); <-arrive } })
	worked := make(chan error, 1)
	st.pass(time.Minute)
	go func() {
		_, err := st.shop.WorkDue(context.WithoutCancel(t.Context()))
		worked <- err
	}()
	<-asked

	refuse("not_allowed")
	st.want(st.get(bench(id)), http.StatusOK) // makes the same call again, and it is refused
	st.wantState(id, shop.ToShip)
	refuse("service_unavailable")
	st.ships(id, "amount", "20.00")
	st.wantState(id, shop.Shipping)

	refuse("not_allowed")
	close(arrive)
	if err := <-worked; err != nil {
		t.Fatal(err)
	}
	st.wantState(id, shop.Shipping)
	st.way.set(func(y *way) { delete(y.refuse, "settle") })
	st.want(st.get(bench(id)), http.StatusOK)
	st.wantState(id, shop.Shipped)
	st.wantCharges(id, "20.00")
}

// The bank answers about a parcel later. Until then nothing is handed over.
func TestSettlePending(t *testing.T) {
	for name, decline := range map[string]bool{"approved": false, "declined": true} {
		t.Run(name, func(t *testing.T) {
			st := newStage(t)
			id := st.threePieces()
			st.world.Network.Next(holdfasttest.Reply{Deaf: true})
			st.ships(id, "listed", "1", "line", "0", "rest", "later")
			st.wantState(id, shop.Shipping)
			w := st.get(bench(id))
			st.want(w, http.StatusOK, "Keep the parcel", "Charging $57.50")
			st.wantNot(w, `id="ship"`)
			if decline {
				st.world.Network.Next(holdfasttest.Reply{Decline: "TransactionDenied"})
			}
			st.answered()
			st.wantState(id, shop.ToShip)
			if decline {
				st.want(st.get(bench(id)), http.StatusOK, "do not hand the parcel over", "bank declined")
				st.wantCharges(id)
			} else {
				st.wantCharges(id, "57.50")
			}
			st.ships(id)
			st.wantState(id, shop.Shipped)
		})
	}
}

// The card is declined when the only parcel ships. Packer and buyer see the same
// reason, and each has a button for the next step.
func TestAFailedCharge(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	page := "/orders/" + string(id)
	st.world.Network.Next(holdfasttest.Reply{Decline: "TransactionDenied"})
	st.ships(id)
	st.wantState(id, shop.ChargeFailed)
	w := st.get(bench(id))
	st.want(w, http.StatusOK, "ask the buyer to pay again", `id="copy-link"`, `value="`+publicURL+page+`"`, `id="done"`)
	st.wantNot(w, `id="ship"`, `id="cancel"`, `id="refund"`)
	w = st.get(page)
	st.want(w, http.StatusOK, "Your card was declined when we shipped. Please pay again", `id="pay-again"`)
	st.wantNot(w, "need not pay again", `id="charged"`)
	st.want(st.get("/bench"), http.StatusOK, `id="do-not-ship"`, string(id), "Tell the buyer")

	st.want(st.post(bench(id, "done")), http.StatusSeeOther)
	w = st.get("/bench")
	st.want(w, http.StatusOK, "Recently completed", string(id))
	st.wantNot(w, `id="do-not-ship"`)
	again := st.sent(st.post(page + "/again"))
	st.approve(again)
	st.back(again)
	st.wantState(again, shop.ToShip)
}

// However an order is divided into parcels and withdrawals, the parcels cost what
// is kept, to the cent.
func TestPartsAddUp(t *testing.T) {
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 8))
		st := newStage(t)
		for _, p := range []string{"mug", "plate", "teapot"} {
			st.want(st.post("/cart", "product", p, "quantity", []string{"1", "2", "3"}[random.IntN(3)]), http.StatusSeeOther)
		}
		id := st.paid()
		for st.load(id).State == shop.ToShip {
			o := st.load(id)
			line := random.IntN(3)
			left := o.Rest()[line]
			if left == 0 {
				continue
			}
			name, pieces := string('0'+rune(line)), string('1'+rune(random.Int64N(left)))
			if random.IntN(4) == 0 {
				st.want(st.post(bench(id, "withdraw"), "missing-"+name, pieces), http.StatusSeeOther)
			} else {
				st.ships(id, "listed", "1", "line", name, "pieces-"+name, pieces, "rest", "later")
			}
		}
		o, h := st.load(id), st.hold(id)
		if price := o.PriceOf(o.Shipped()); h.Settled.Decimal() != price || o.Charged().Decimal() != price {
			t.Errorf("seed %d: shipped %v for %s, settled %v, charged %v", seed, o.Shipped(), price, h.Settled, o.Charged())
		}
		if h.Settled.Add(h.Released.Amount) != o.Totals.Total || h.Open.Positive() {
			t.Errorf("seed %d: of %v, %v is settled, %v released, %v open", seed, o.Totals.Total, h.Settled, h.Released, h.Open)
		}
		st.world.CheckBooks()
	}
}
