package shop_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/shop"
)

// The shop stores which pieces were left out of a parcel. Both pages name them
// and say why less was charged.
func TestAPartShipmentIsRemembered(t *testing.T) {
	for _, row := range []struct {
		name         string
		form         []string
		charge       string
		says, saysNo []string
	}{
		{
			"a line is out of stock",
			[]string{"listed", "1", "line", "0"},
			"57.50",
			[]string{"Not everything was in stock", "Milk jug", "<del>Milk jug</del>", "−$59.50", "we charged $57.50"},
			[]string{"lowered the price", `id="discount"`},
		},
		{
			"one of two pieces",
			[]string{"listed", "1", "line", "0", "pieces-0", "1", "line", "1"},
			"91.50",
			[]string{"Not everything was in stock", "1 of 2 × Morning mug", "1 of 2 in the parcel"},
			[]string{"lowered the price", "<del>"},
		},
		{
			"a discount",
			[]string{"listed", "1", "line", "0", "line", "1", "amount", "100"},
			"100.00",
			[]string{"lowered the price", "charged $100.00 instead of $117.00", `id="discount"`, "−$17.00"},
			[]string{"in stock", `id="missing"`},
		},
		{
			"an amount alone",
			[]string{"amount", "100"},
			"100.00",
			[]string{"lowered the price"},
			[]string{"in stock"},
		},
		{
			"both",
			[]string{"listed", "1", "line", "0", "amount", "50"},
			"50.00",
			[]string{
				"Not everything was in stock", "lowered the price", "charged $50.00 instead of $57.50", "−$59.50", "−$7.50",
			},
			nil,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			st := newStage(t)
			id := st.threePieces()
			st.want(st.post("/bench/orders/"+string(id)+"/ship", row.form...), http.StatusSeeOther)
			st.restart() // the database has it
			if o := st.wantState(id, shop.Shipped); o.Charge.Decimal() != row.charge {
				t.Errorf("charged %v, want %s", o.Charge, row.charge)
			}
			buyer := st.get("/orders/" + string(id)).Body.String()
			packing := st.get("/bench/orders/" + string(id)).Body.String()
			for _, words := range row.says {
				if !strings.Contains(buyer, words) {
					t.Errorf("the buyer's page does not say %q:\n%s", words, buyer)
				}
			}
			for _, words := range row.saysNo {
				if strings.Contains(buyer, words) || strings.Contains(packing, words) {
					t.Errorf("a page says %q", words)
				}
			}
			for _, mark := range []string{"<del>Milk jug</del>", "1 of 2 in the parcel", `id="discount"`, `id="missing"`} {
				if strings.Contains(buyer, mark) != strings.Contains(packing, mark) {
					t.Errorf("only one of the two pages has %q", mark)
				}
			}
		})
	}
}

// threePieces makes a paid order of $117.00: two mugs and a jug.
func (st *stage) threePieces() shop.OrderID {
	st.Helper()
	st.want(st.post("/cart", "product", "mug", "quantity", "2"), http.StatusSeeOther)
	st.want(st.post("/cart", "product", "jug"), http.StatusSeeOther)
	return st.paid()
}

func TestAParcelIsChecked(t *testing.T) {
	st := newStage(t)
	id := st.threePieces()
	for name, row := range map[string]struct {
		words string
		form  []string
	}{
		"more than there are": {"between 1 and 2 of Morning mug", []string{"listed", "1", "line", "0", "pieces-0", "3"}},
		"none of them":        {"untick it", []string{"listed", "1", "line", "0", "pieces-0", "0"}},
		"nothing ticked":      {"nothing is ticked", []string{"listed", "1", "amount", "10"}},
		"more than it costs": {"more than the $57.50 that the ticked pieces cost", []string{
			"listed", "1", "line", "0", "amount", "60",
		}},
	} {
		w := st.post("/bench/orders/"+string(id)+"/ship", row.form...)
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), row.words) {
			t.Errorf("%s: status %d, want the words %q", name, w.Code, row.words)
		}
	}
	st.wantState(id, shop.ToShip)
}

// After a refused Settle, no piece is marked as left out, and the packer starts
// again.
func TestARefusedParcelIsForgotten(t *testing.T) {
	st := newStage(t)
	id := st.threePieces()
	st.fps.set(func(f *fakeFPS) { f.refuse["Settle"] = "AccessFailure" })
	st.want(st.post("/bench/orders/"+string(id)+"/ship", "listed", "1", "line", "0"), http.StatusSeeOther)
	o := st.wantState(id, shop.ToShip)
	for _, l := range o.Lines {
		if l.LeftOut != 0 {
			t.Errorf("%d of %s are left out", l.LeftOut, l.Name)
		}
	}
}

// The card is declined when the packer ships. Packer and buyer see the same
// reason, and each has a button for the next step.
func TestAFailedSettle(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	packing, page := "/bench/orders/"+string(id), "/orders/"+string(id)
	st.failAtSettle(id)
	st.wantState(id, shop.NeedsAttention)
	w := st.get(packing)
	st.want(w, http.StatusOK, "ask the buyer to pay again", `id="copy-link"`, `value="`+publicURL+page+`"`, `id="done"`)
	for _, button := range []string{`id="ship"`, `id="cancel"`, `id="refund"`} {
		if strings.Contains(w.Body.String(), button) {
			t.Errorf("a declined order has the button %s", button)
		}
	}
	w = st.get(page)
	st.want(w, http.StatusOK, "Your card was declined when we shipped. Please pay again", `id="pay-again"`)
	if strings.Contains(w.Body.String(), "need not pay again") || strings.Contains(w.Body.String(), `id="charged"`) {
		t.Errorf("the buyer's page contradicts the packer's page:\n%s", w.Body)
	}
	st.want(st.get("/bench"), http.StatusOK, `id="do-not-ship"`, string(id), "Tell the buyer")

	st.want(st.post(packing+"/done"), http.StatusSeeOther)
	if w := st.get("/bench"); strings.Contains(w.Body.String(), `id="do-not-ship"`) {
		t.Error("an order that is done is still on the list")
	}
	st.want(st.get("/bench"), http.StatusOK, "Recently completed", string(id))
	st.want(st.get(page), http.StatusOK, `id="pay-again"`)

	again := asked(t, st.post(page+"/again"))
	st.fps.set(func(f *fakeFPS) { delete(f.refuse, "Settle") })
	st.want(st.get(st.returnPath(again, holdfast.ReturnSuccessCC)), http.StatusSeeOther)
	st.wantState(again, shop.ToShip)
}

// failAtSettle makes the card decline after the status request and before the
// Settle.
func (st *stage) failAtSettle(id shop.OrderID) {
	st.Helper()
	st.fps.set(func(f *fakeFPS) {
		f.refuse["Settle"] = "TransactionDenied"
		f.before["Settle"] = func() {
			f.set(func(f *fakeFPS) {
				for _, h := range f.held {
					h.status, h.code = holdfast.StatusFailure, "TransactionDenied"
				}
			})
		}
	})
	st.want(st.post("/bench/orders/"+string(id)+"/ship", "listed", "1", "line", "0"), http.StatusSeeOther)
}

func TestHeldIsSaidOfWhatIsHeld(t *testing.T) {
	const held = `id="held">$32.00, until`
	st := newStage(t)
	id := st.paid("mug")
	packing := "/bench/orders/" + string(id)
	st.want(st.get(packing), http.StatusOK, held)
	st.want(st.post(packing+"/ship", "line", "0"), http.StatusSeeOther)
	w := st.get(packing)
	st.want(w, http.StatusOK, "Nothing. $32.00 of $32.00 was charged")
	if strings.Contains(w.Body.String(), held) {
		t.Error("a charged order is still held")
	}
	st = newStage(t)
	id = st.paid("mug")
	packing = "/bench/orders/" + string(id)
	st.want(st.post(packing+"/cancel"), http.StatusSeeOther)
	w = st.get(packing)
	st.want(w, http.StatusOK, "Nothing. Nothing was charged")
	if strings.Contains(w.Body.String(), held) {
		t.Error("a cancelled order is still held")
	}
}

// An address is never shortened: text that is too long is refused and shown
// again.
func TestALongAddressIsRefused(t *testing.T) {
	st := newStage(t)
	id := st.order("vase")
	st.fps.set(func(f *fakeFPS) { f.tokens[string(id)] = testToken })
	st.pass(time.Hour)
	st.work("recover_redirect")
	packing := "/bench/orders/" + string(id)
	long := strings.Repeat("x", 128) + " Flat 7"
	st.want(st.post(packing+"/address", "name", "Ann", "line1", long, "city", "Ely"), http.StatusUnprocessableEntity,
		"Street has 135 characters, but only 128 fit", `value="`+long+`"`)
	st.want(st.post(packing+"/address", "name", "Ann\x00", "line1", "1 Kiln Lane", "city", "Ely"),
		http.StatusUnprocessableEntity, "cannot be printed")
	if o := st.load(id); o.Address.Line1 != "" {
		t.Errorf("kept %q", o.Address.Line1)
	}
	fits := strings.Repeat("東", 128) // characters count, not bytes
	st.want(st.post(packing+"/address", "name", "Ann", "line1", fits, "city", "Ely", "phone", "123"), http.StatusSeeOther)
	if o := st.load(id); o.Address.Line1 != fits || o.Address.Phone != "123" {
		t.Errorf("kept %+v", o.Address)
	}
	if w := st.get(packing); strings.Contains(w.Body.String(), "maxlength") {
		t.Error("a field of the form shortens pasted text")
	}
}

func TestPastOrders(t *testing.T) {
	st := newStage(t)
	var first shop.OrderID
	for i := range 30 {
		st.pass(time.Minute)
		id := st.paid("mug")
		st.want(st.post("/bench/orders/"+string(id)+"/cancel"), http.StatusSeeOther)
		if i == 0 {
			first = id
		}
	}
	bowl := st.paid("bowl")
	page := st.get("/bench/past").Body.String()
	if strings.Index(page, ">1031<") > strings.Index(page, ">1030<") || strings.Contains(page, ">1001<") ||
		!strings.Contains(page, "page=2") {
		t.Errorf("the first page of past orders:\n%s", page)
	}
	st.want(st.get("/bench/past?page=2"), http.StatusOK, ">1001<", "page=1")
	for sought, want := range map[string]shop.OrderID{
		"1001": first, "#1001": first, "breakfast": bowl, string(bowl)[6:20]: bowl,
		string(st.load(first).TransactionID): first,
	} {
		w := st.get("/bench/past?q=" + url.QueryEscape(sought))
		if n := strings.Count(w.Body.String(), "data-order="); n != 1 || !strings.Contains(w.Body.String(), string(want)) {
			t.Errorf("%q finds %d orders", sought, n)
		}
	}
	st.want(st.get("/bench/past?q=Kiln+Lane"), http.StatusOK, "Ann Buyer")
	for _, sought := range []string{"%", "_", `\`, "nobody"} {
		st.want(st.get("/bench/past?q="+url.QueryEscape(sought)), http.StatusOK, "No order matches")
	}
	for _, strange := range []string{"?page=-1", "?page=x", "?page=99999999999999999999", "?page=3"} {
		st.want(st.get("/bench/past"+strange), http.StatusOK)
	}
	st.want(st.get("/bench/past?q="+strings.Repeat("x", 161)), http.StatusUnprocessableEntity, "Too long")
}

func TestPackingSlip(t *testing.T) {
	st := newStage(t)
	id := st.threePieces()
	slip := fmt.Sprintf("/bench/orders/%s/slip", id)
	st.want(st.get(slip), http.StatusOK, "Morning mug", "Ann Buyer", "1 Kiln Lane")
	st.want(st.post("/bench/orders/"+string(id)+"/ship", "listed", "1", "line", "0", "pieces-0", "1"), http.StatusSeeOther)
	st.want(st.get(slip), http.StatusOK, "1 of 2", "0 of 1", "was charged $32.00")
	cancelled := st.paid("bowl")
	st.want(st.post("/bench/orders/"+string(cancelled)+"/cancel"), http.StatusSeeOther)
	st.want(st.get(fmt.Sprintf("/bench/orders/%s/slip", cancelled)), http.StatusConflict, "no parcel")
}

// The packing bench says each thing once and does not list carts that nobody
// paid for.
func TestThePackingBenchIsTidy(t *testing.T) {
	st := newStage(t)
	st.order("bowl")
	st.want(st.get("/bench"), http.StatusOK, "On the payment pages")
	st.fps.set(func(f *fakeFPS) { f.down = true })
	st.pass(3 * time.Hour)
	if w := st.get("/bench"); strings.Contains(w.Body.String(), "On the payment pages") {
		t.Error("a cart of three hours ago is still on the payment pages")
	}
	st = newStage(t)
	st.paid("mug")
	st.fps.set(func(f *fakeFPS) { f.now = f.now.Add(8 * 24 * time.Hour) })
	w := st.get("/bench")
	st.want(w, http.StatusOK, `id="do-not-ship"`)
	if n := strings.Count(strings.ToLower(w.Body.String()), "hold expired"); n != 1 {
		t.Errorf("the page says %d times that the hold expired", n)
	}

	st = newStage(t)
	_, shipped := st.shipped("mug")
	st.pass(time.Minute)
	cancelled := st.paid("bowl")
	st.want(st.post("/bench/orders/"+string(cancelled)+"/cancel"), http.StatusSeeOther)
	page := st.get("/bench").Body.String()
	if strings.Index(page, string(cancelled)) > strings.Index(page, strings.TrimPrefix(shipped, "/bench/orders/")) {
		t.Error("what was cancelled last is not first")
	}
}
