package shop_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
	"github.com/holdfast-pay/holdfast/shop"
)

func TestShipInFull(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug", "bowl")
	st.want(st.get("/bench"), http.StatusOK, `data-order="`+string(id)+`"`, "7 days left")
	st.want(st.get("/bench/orders/"+string(id)), http.StatusOK, `id="ship"`, `id="cancel"`, `name="amount"`,
		string(st.load(id).TransactionID), testToken)
	st.want(st.post("/bench/orders/"+string(id)+"/ship", "line", "0", "line", "1"), http.StatusSeeOther)
	o := st.wantState(id, shop.Shipped)
	if o.Charge != o.Totals.Total || st.fps.only(t).settled != "66.00" {
		t.Errorf("charged %v and settled %s, want the whole %v", o.Charge, st.fps.only(t).settled, o.Totals.Total)
	}
	st.want(st.get("/orders/"+string(id)), http.StatusOK, `id="thank-you"`, "was charged $66.00")
	st.want(st.get("/bench/orders/"+string(id)), http.StatusOK, "Hand the parcel over", "request-")
	// A second attempt is refused and charges nothing.
	st.want(st.post("/bench/orders/"+string(id)+"/ship", "line", "0"), http.StatusConflict, "already shipped and charged")
	st.want(st.post("/bench/orders/"+string(id)+"/cancel"), http.StatusConflict, "cannot be undone")
	st.pass(time.Minute)
	st.work("fulfil", "reserve", "settle")
	if n := st.fps.times("Settle"); n != 1 {
		t.Errorf("Settle was asked %d times, want once", n)
	}
}

func TestShipForLess(t *testing.T) {
	for _, row := range []struct {
		name string
		form []string
		want string
	}{
		{"a line is not in stock", []string{"line", "0"}, "32.00"}, // 24.00 + 1.50 + 6.50
		{"an amount", []string{"line", "0", "line", "1", "amount", "50.10"}, "50.10"},
		{"an amount with its sign", []string{"amount", " $12 "}, "12.00"},
		{"the whole, written out", []string{"amount", "66"}, "66.00"},
	} {
		t.Run(row.name, func(t *testing.T) {
			st := newStage(t)
			id := st.paid("mug", "bowl")
			st.want(st.post("/bench/orders/"+string(id)+"/ship", row.form...), http.StatusSeeOther)
			o := st.wantState(id, shop.Shipped)
			if got := st.fps.only(t).settled; got != row.want || o.Charge.Decimal() != row.want {
				t.Errorf("settled %s, kept %v; want %s", got, o.Charge, row.want)
			}
		})
	}
}

func TestShipFormIsChecked(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	for amount, words := range map[string]string{
		"32.01":  "more than the $32.00 that is held",
		"0":      "cancel the order",
		"-1":     "digits with at most two decimals",
		"1.234":  "digits with at most two decimals",
		"twelve": "digits with at most two decimals",
	} {
		st.want(st.post("/bench/orders/"+string(id)+"/ship", "line", "0", "amount", amount), http.StatusUnprocessableEntity,
			words)
	}
	st.want(st.post("/bench/orders/"+string(id)+"/ship"), http.StatusUnprocessableEntity, "nothing is ticked")
	st.wantState(id, shop.ToShip)
	if n := st.fps.times("Settle"); n != 0 {
		t.Errorf("Settle was asked %d times", n)
	}
}

func TestSettleAnswerLost(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug", "bowl")
	st.fps.set(func(f *fakeFPS) { f.lose["Settle"] = 1 })
	st.want(st.post("/bench/orders/"+string(id)+"/ship", "amount", "40.00"), http.StatusSeeOther)
	st.wantState(id, shop.Shipping)
	// The packer's page sends the same Settle again and learns that it succeeded.
	st.want(st.get("/bench/orders/"+string(id)), http.StatusOK, "charged $40.00")
	st.wantState(id, shop.Shipped)

	st = newStage(t)
	id = st.paid("mug", "bowl")
	st.fps.set(func(f *fakeFPS) { f.lose["Settle"] = 1 })
	st.want(st.post("/bench/orders/"+string(id)+"/ship", "amount", "40.00"), http.StatusSeeOther)
	st.restart()
	st.pass(30 * time.Second)
	st.work("fulfil", "reserve", "settle")
	o := st.wantState(id, shop.Shipped)
	if h := st.fps.only(t); h.settled != "40.00" || o.Charge != money.Cents(4000) {
		t.Errorf("settled %s, kept %v; want 40.00 once", h.settled, o.Charge)
	}
}

func TestExpiredHoldIsNeverShipped(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	st.fps.set(func(f *fakeFPS) { f.now = f.now.Add(7*24*time.Hour - time.Microsecond) })
	st.want(st.get("/bench"), http.StatusOK, `id="to-ship"`, "less than a minute left", "6 days 23 hours ahead")
	st.fps.set(func(f *fakeFPS) { f.now = f.now.Add(time.Microsecond) })

	// The packer loaded the page before the deadline and presses the button after
	// it.
	w := st.post("/bench/orders/"+string(id)+"/ship", "line", "0")
	st.want(w, http.StatusConflict, "Not shipped", "expired on Monday 30 November 2026, 10:00 UTC",
		"ask the buyer to pay again")
	st.wantState(id, shop.Lapsed)
	if n := st.fps.times("Settle"); n != 0 {
		t.Errorf("Settle was asked %d times for an expired hold", n)
	}
	w = st.get("/bench")
	st.want(w, http.StatusOK, `id="do-not-ship"`, `data-order="`+string(id)+`"`, "Do not ship it")
	if strings.Contains(w.Body.String(), `id="to-ship"`) {
		t.Error("the packing bench still lists the order to ship")
	}
	w = st.get("/bench/orders/" + string(id))
	st.want(w, http.StatusOK, "expired on")
	if strings.Contains(w.Body.String(), `id="ship"`) || strings.Contains(w.Body.String(), `id="cancel"`) {
		t.Error("an order with an expired hold has a button to ship or cancel")
	}
	st.want(st.get("/orders/"+string(id)), http.StatusOK, "Nothing was charged", `id="pay-again"`)
}

// The payment service does not answer, but its last answer and its clock show
// that the hold has expired.
func TestExpiredHoldIsKnownWithoutAsking(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	st.fps.set(func(f *fakeFPS) { f.down = true })
	st.pass(7 * 24 * time.Hour)
	w := st.get("/bench")
	st.want(w, http.StatusOK, `id="do-not-ship"`, "could not be asked")
	if strings.Contains(w.Body.String(), `id="to-ship"`) {
		t.Error("the packing bench lists the order to ship")
	}
	w = st.get("/bench/orders/" + string(id))
	if strings.Contains(w.Body.String(), `id="ship"`) {
		t.Error("there is a button to ship it")
	}
	st.want(st.post("/bench/orders/"+string(id)+"/ship", "line", "0"), http.StatusServiceUnavailable,
		"could not be asked whether the money is still held")
	st.wantState(id, shop.ToShip)
}

func TestFulfilNoticesTheExpiry(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	st.work("fulfil")
	st.wantState(id, shop.ToShip)
	st.fps.set(func(f *fakeFPS) { f.now = f.now.Add(8 * 24 * time.Hour) })
	st.work("fulfil")
	st.wantState(id, shop.Lapsed)
	st.work()
}

func TestHoldCancelledElsewhere(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	h := st.fps.only(t)
	st.fps.set(func(f *fakeFPS) { f.held[h.id].status, f.held[h.id].code = holdfast.StatusCancelled, "Canceled" })
	st.want(st.post("/bench/orders/"+string(id)+"/ship", "line", "0"), http.StatusConflict,
		"cancelled at the payment service")
	st.wantState(id, shop.Cancelled)
}

func TestSettledElsewhere(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	h := st.fps.only(t)
	st.fps.set(func(f *fakeFPS) { f.held[h.id].status, f.held[h.id].settled = holdfast.StatusSuccess, "1.00" })
	st.want(st.post("/bench/orders/"+string(id)+"/ship", "line", "0"), http.StatusConflict, "operator can find out")
	st.wantState(id, shop.NeedsAttention)
}

func TestSettleRefused(t *testing.T) {
	for code, words := range map[string]string{
		"SettleAmountGreaterThanReserveAmount": "more than the $32.00 that is held",
		"InvalidTransactionState":              "cannot settle this order at the moment",
		"InvalidAccountState_Recipient":        "operator can fix that there",
		"AccessFailure":                        "refused with AccessFailure",
	} {
		t.Run(code, func(t *testing.T) {
			st := newStage(t)
			id := st.paid("mug")
			st.fps.set(func(f *fakeFPS) { f.refuse["Settle"] = code })
			st.want(st.post("/bench/orders/"+string(id)+"/ship", "line", "0"), http.StatusSeeOther)
			o := st.wantState(id, shop.ToShip)
			if o.Charge.Given() {
				t.Errorf("a charge of %v is kept though it was refused", o.Charge)
			}
			st.want(st.get("/bench/orders/"+string(id)), http.StatusOK, words, "until Monday 30 November 2026", `id="ship"`,
				"request-refused")
			// When the cause is fixed, it ships.
			st.fps.set(func(f *fakeFPS) { delete(f.refuse, "Settle") })
			st.want(st.post("/bench/orders/"+string(id)+"/ship", "line", "0"), http.StatusSeeOther)
			st.wantState(id, shop.Shipped)
		})
	}
}

// A late refusal belongs to the charge that it refused, not to a later one.
func TestLateRefusalOfACharge(t *testing.T) {
	for name, second := range map[string]string{"another amount": "20.00", "the same amount": "30.00"} {
		t.Run(name, func(t *testing.T) {
			st := newStage(t)
			id := st.paid("mug")
			packing := "/bench/orders/" + string(id)
			refuse := func(code string) { st.fps.set(func(f *fakeFPS) { f.refuse["Settle"] = code }) }
			refuse("ServiceUnavailable")
			st.want(st.post(packing+"/ship", "amount", "30.00"), http.StatusSeeOther)
			st.wantState(id, shop.Shipping)

			asked, arrive := make(chan struct{}), make(chan struct{})
			st.fps.set(func(f *fakeFPS) { f.before["Settle"] = func() { close(asked); <-arrive } })
			worked := make(chan error, 1)
			st.pass(time.Minute)
			go func() {
				_, err := st.shop.WorkDue(context.WithoutCancel(t.Context()))
				worked <- err
			}()
			<-asked

			refuse("AccessFailure")
			st.want(st.get(packing), http.StatusOK) // sends the same Settle again, and it is refused
			st.wantState(id, shop.ToShip)
			refuse("ServiceUnavailable")
			st.want(st.post(packing+"/ship", "amount", second), http.StatusSeeOther)
			st.wantState(id, shop.Shipping)

			refuse("AccessFailure")
			close(arrive)
			if err := <-worked; err != nil {
				t.Fatal(err)
			}
			if o := st.wantState(id, shop.Shipping); o.Charge.Decimal() != second {
				t.Errorf("the charge is %v, want %s", o.Charge, second)
			}
			st.fps.set(func(f *fakeFPS) { delete(f.refuse, "Settle") })
			st.want(st.get(packing), http.StatusOK)
			st.wantState(id, shop.Shipped)
			if got := st.fps.only(t).settled; got != second {
				t.Errorf("settled %s, want %s", got, second)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	st.want(st.post("/bench/orders/"+string(id)+"/cancel", "reason", strings.Repeat("x", 161)),
		http.StatusUnprocessableEntity, "too long")
	st.want(st.post("/bench/orders/"+string(id)+"/cancel", "reason", "Broken in the kiln."), http.StatusSeeOther)
	st.wantState(id, shop.Cancelled)
	if h := st.fps.only(t); h.status != holdfast.StatusCancelled {
		t.Errorf("the hold is %s", h.status)
	}
	st.want(st.get("/orders/"+string(id)), http.StatusOK, "Broken in the kiln", "Nothing was charged")
	st.want(st.post("/bench/orders/"+string(id)+"/ship", "line", "0"), http.StatusConflict, "Not shipped")
	if n := st.fps.times("Settle"); n != 0 {
		t.Errorf("Settle was asked %d times", n)
	}
}

func TestCancelAnswerLost(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	st.fps.set(func(f *fakeFPS) { f.lose["Cancel"] = 1 })
	st.want(st.post("/bench/orders/"+string(id)+"/cancel"), http.StatusSeeOther)
	st.wantState(id, shop.Cancelling)
	st.pass(30 * time.Second)
	st.fps.set(func(f *fakeFPS) { f.refuse["GetTransactionStatus"] = "ServiceUnavailable" })
	st.work("fulfil", "reserve", "cancel failed") // refused because it is already cancelled
	st.wantState(id, shop.Cancelling)
	st.fps.set(func(f *fakeFPS) { delete(f.refuse, "GetTransactionStatus") })
	st.work("fulfil", "cancel")
	st.wantState(id, shop.Cancelled)
}

// With the real job library and a real file, Run alone repairs a lost answer.
func TestRunRepairsALostAnswer(t *testing.T) {
	st := newStage(t)
	st.clock.Store(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()) // all jobs are already due by real time
	st.fps.set(func(f *fakeFPS) { f.lose["Reserve"] = 1; f.tokens = nil })
	id := st.order("mug")
	st.want(st.get(st.returnPath(id, holdfast.ReturnSuccessCC)), http.StatusSeeOther)
	st.wantState(id, shop.Reserving)

	worked, stop := st.shop.WorkedJobs()
	defer stop()
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- st.shop.Run(ctx) }()
	for event := range worked {
		if event.Job.Kind == "reserve" {
			break
		}
	}
	st.wantState(id, shop.ToShip)
	cancel()
	if err := <-ran; err != nil {
		t.Errorf("Run ended with %v", err)
	}
}
