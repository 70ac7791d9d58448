package shop_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/shop"
)

func TestDeadlineOfWhatIsHeld(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	st.want(st.get(bench(id)), http.StatusOK, `id="deadline"`)
	st.ships(id)
	st.wantNot(st.get(bench(id)), `id="deadline"`)
}

func TestPastOrders(t *testing.T) {
	st := newStage(t)
	var first shop.OrderID
	for i := range 30 {
		st.pass(time.Minute)
		id := st.paid("mug")
		st.want(st.post(bench(id, "cancel")), http.StatusSeeOther)
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
		"1001": first, "#1001": first, "breakfast": bowl, string(bowl)[6:20]: bowl, st.load(first).HoldID: first,
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
	st.want(st.get(bench(id, "parcels/1/slip")), http.StatusNotFound, "no such parcel")
	st.ships(id, "listed", "1", "line", "0", "pieces-0", "1", "rest", "release")
	st.want(st.get(bench(id, "parcels/1/slip")), http.StatusOK, "Morning mug", "Ann Buyer", "1 Kiln Lane", "charged $32.00",
		"Not available, and not charged: 1 of 2 × Morning mug, Milk jug")
}

// The packing bench says each thing once and does not list carts that nobody
// paid for.
func TestThePackingBenchIsTidy(t *testing.T) {
	st := newStage(t)
	st.order("bowl")
	st.want(st.get("/bench"), http.StatusOK, "On the payment pages")
	st.pass(3 * time.Hour)
	st.wantNot(st.get("/bench"), "On the payment pages")

	st = newStage(t)
	st.paid("mug")
	st.pass(8 * 24 * time.Hour)
	w := st.get("/bench")
	st.want(w, http.StatusOK, `id="do-not-ship"`)
	if n := strings.Count(strings.ToLower(w.Body.String()), "hold expired"); n != 1 {
		t.Errorf("the page says %d times that the hold expired", n)
	}

	st = newStage(t)
	shipped := st.shipped()
	st.pass(time.Minute)
	cancelled := st.paid("bowl")
	st.want(st.post(bench(cancelled, "cancel")), http.StatusSeeOther)
	page := st.get("/bench").Body.String()
	if strings.Index(page, string(cancelled)) > strings.Index(page, string(shipped)) {
		t.Error("what was cancelled last is not first")
	}
}

// The packer asks for a buyer who has not come back.
func TestTheBuyerHasNotComeBack(t *testing.T) {
	st := newStage(t)
	id := st.order("mug")
	st.want(st.get(bench(id)), http.StatusOK, `id="look"`)
	st.approve(id)
	st.want(st.post(bench(id, "look")), http.StatusSeeOther)
	st.wantState(id, shop.ToShip)
}
