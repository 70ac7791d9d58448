package shop_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
	"github.com/holdfast-pay/holdfast/shop"
)

// A cashier adds refunds to the fake payment service.
type cashier struct {
	fps  *fakeFPS
	next http.Handler

	mu     sync.Mutex
	made   []madeRefund
	as     holdfast.TransactionStatus // of the next refund
	lose   int                        // number of answers that are lost after the refund was made
	refuse string                     // code
}

type madeRefund struct {
	id, parent, reference, amount string
	status                        holdfast.TransactionStatus
}

func (st *stage) cashier() *cashier {
	c := &cashier{fps: st.fps, next: st.fps.Config.Handler, as: holdfast.StatusSuccess}
	st.fps.Config.Handler = c
	return c
}

func (c *cashier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	p, err := holdfast.ParseParams(string(body))
	if err != nil {
		panic(err)
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	c.mu.Lock()
	defer c.mu.Unlock()
	switch id := p.Get("TransactionId"); {
	case p.Get("Action") == "Refund":
		c.refund(w, p)
	case p.Get("Action") == "GetTransaction" && c.detail(w, id):
	case p.Get("Action") == "GetTransactionStatus" && strings.HasPrefix(id, "RFD"):
		for _, f := range c.made {
			if f.id == id {
				answer(w, "GetTransactionStatus", outcome(id, f.status))
			}
		}
	default:
		c.next.ServeHTTP(w, r)
	}
}

func answer(w io.Writer, action, result string) {
	fmt.Fprintf(w, `<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult><ResponseMetadata><RequestId>request-refund:0</RequestId></ResponseMetadata></%[1]sResponse>`, action, result)
}

func (c *cashier) refund(w http.ResponseWriter, p holdfast.Params) {
	if c.refuse != "" {
		fail(w, c.refuse)
		return
	}
	var f madeRefund
	for _, had := range c.made {
		if had.reference == p.Get("CallerReference") {
			f = had
		}
	}
	if f.id == "" {
		f = c.make(p.Get("TransactionId"), p.Get("CallerReference"), p.Get("RefundAmount.Value"))
	}
	if c.lose > 0 {
		c.lose--
		panic(http.ErrAbortHandler)
	}
	answer(w, "Refund", outcome(f.id, f.status))
}

func (c *cashier) make(parent, reference, amount string) madeRefund {
	f := madeRefund{
		id: fmt.Sprintf("RFD%032d", len(c.made)+1), parent: parent, reference: reference, amount: amount, status: c.as,
	}
	c.made = append(c.made, f)
	return f
}

// elsewhere makes a refund by another program with the shop's keys.
func (c *cashier) elsewhere(parent, amount string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.make(parent, "by hand "+amount, amount)
}

func (c *cashier) set(status holdfast.TransactionStatus) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.as = status
	for i := range c.made {
		c.made[i].status = status
	}
}

func (c *cashier) detail(w http.ResponseWriter, id string) bool {
	const detail = `<Transaction><TransactionId>%s</TransactionId><CallerReference>%s</CallerReference><DateReceived>2026-11-23T10:00:00.000Z</DateReceived>` +
		`<TransactionAmount><CurrencyCode>USD</CurrencyCode><Value>%s</Value></TransactionAmount><TransactionStatus>%s</TransactionStatus>%s</Transaction>`
	for _, f := range c.made {
		if f.id == id {
			answer(w, "GetTransaction", fmt.Sprintf(detail, id, f.reference, f.amount, f.status, ""))
			return true
		}
	}
	c.fps.mu.Lock()
	defer c.fps.mu.Unlock()
	h := c.fps.held[id]
	if h == nil || h.settled == "" || c.fps.down {
		return false
	}
	related := ""
	for _, f := range c.made {
		if f.parent == id {
			related += "<RelatedTransaction><TransactionId>" + f.id +
				"</TransactionId><RelationType>Refund</RelationType></RelatedTransaction>"
		}
	}
	answer(w, "GetTransaction", fmt.Sprintf(detail, id, h.reference, h.settled, h.status, related))
	return true
}

func (c *cashier) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.made)
}

// shipped makes an order that is shipped and charged in full. It returns the
// order and its packer's page.
func (st *stage) shipped(products ...string) (id shop.OrderID, packing string) {
	st.Helper()
	id = st.paid(products...)
	packing = "/bench/orders/" + string(id)
	st.want(st.post(packing+"/ship", "amount", st.load(id).Totals.Total.Decimal()), http.StatusSeeOther)
	st.wantState(id, shop.Shipped)
	return id, packing
}

func (st *stage) wantRefunded(id shop.OrderID, want string) {
	st.Helper()
	if got := st.load(id).Refunded.Decimal(); got != want {
		st.Errorf("refunded is %s, want %s", got, want)
	}
}

func TestRefundFromThePackersPage(t *testing.T) {
	st := newStage(t)
	cash := st.cashier()
	id, packing := st.shipped("mug")
	st.want(st.get(packing), http.StatusOK, `id="refund"`, `name="refund" value="1"`, `value="32.00"`)
	for range 2 { // a double click
		st.want(st.post(packing+"/refund", "refund", "1", "amount", "$10", "reason", "A chip in the glaze"),
			http.StatusSeeOther)
	}
	st.wantRefunded(id, "10.00")
	if n := cash.count(); n != 1 {
		t.Errorf("%d refunds were made, want one", n)
	}
	st.want(st.get(packing), http.StatusOK, "A chip in the glaze", `name="refund" value="2"`, `value="22.00"`)
	st.want(st.get("/orders/"+string(id)), http.StatusOK, "was charged $32.00", "$10.00 of it is refunded",
		`id="refunded"`)

	for amount, words := range map[string]string{
		"22.01": "more than the $22.00 that is left", "0": "enter an amount above zero",
		"-1": "digits with at most two decimals",
		"":   "digits with at most two decimals",
	} {
		if w := st.post(packing+"/refund", "refund", "2", "amount", amount); w.Code/100 != 4 ||
			!strings.Contains(w.Body.String(), words) {
			t.Errorf("%q: status %d, want the words %q", amount, w.Code, words)
		}
	}
	st.want(st.post(packing+"/refund", "refund", "2", "amount", "22"), http.StatusSeeOther)
	st.wantRefunded(id, "32.00")
	if w := st.get(packing); strings.Contains(w.Body.String(), `id="refund"`) {
		t.Error("there is a button to refund what is not left")
	}
	st.want(st.get("/orders/"+string(id)), http.StatusOK, "This order was refunded", "The full amount is refunded")
	st.want(st.get("/bench"), http.StatusOK, "Refunded $32.00")
}

func TestRefundAnswerLost(t *testing.T) {
	st := newStage(t)
	cash := st.cashier()
	id, packing := st.shipped("mug")
	cash.lose = 1
	st.want(st.post(packing+"/refund", "refund", "1", "amount", "32.00"), http.StatusSeeOther)
	st.want(st.get("/orders/"+string(id)), http.StatusOK, "refunded")
	st.pass(time.Minute)
	st.work("fulfil", "reserve", "settle", "refund")
	st.wantRefunded(id, "32.00")
	if n := cash.count(); n != 1 {
		t.Errorf("%d refunds were made, want one", n)
	}

	// The packer's page may also find the refund first, by the shop's own
	// reference.
	st = newStage(t)
	cash = st.cashier()
	id, packing = st.shipped("mug")
	cash.lose = 1
	st.want(st.post(packing+"/refund", "refund", "1", "amount", "12.00"), http.StatusSeeOther)
	w := st.get(packing)
	st.want(w, http.StatusOK, `name="refund" value="2"`)
	if strings.Contains(w.Body.String(), "by another program") {
		t.Error("the shop's own refund is another program's")
	}
	st.wantRefunded(id, "12.00")
}

func TestRefundIsRefused(t *testing.T) {
	st := newStage(t)
	cash := st.cashier()
	id, packing := st.shipped("mug")
	cash.refuse = "TransactionDenied"
	st.want(st.post(packing+"/refund", "refund", "1", "amount", "32.00"), http.StatusConflict, "Not refunded",
		"TransactionDenied")
	st.wantRefunded(id, "0.00")
	cash.refuse = ""
	st.want(st.post(packing+"/refund", "refund", "2", "amount", "32.00"), http.StatusSeeOther)
	st.wantRefunded(id, "32.00")
}

func TestRefundPending(t *testing.T) {
	st := newStage(t)
	cash := st.cashier()
	id, packing := st.shipped("mug")
	cash.set(holdfast.StatusPending)
	st.want(st.post(packing+"/refund", "refund", "1", "amount", "32.00"), http.StatusSeeOther)
	st.want(st.get(packing), http.StatusOK, "Bank has not answered")
	cash.set(holdfast.StatusFailure)
	st.pass(time.Minute)
	st.work("fulfil", "reserve", "settle", "refund")
	st.wantRefunded(id, "0.00")
	st.want(st.get(packing), http.StatusOK, "Not refunded", `id="refund"`)
}

// Another program with the shop's keys, such as the command line, makes a
// refund.
func TestRefundMadeElsewhere(t *testing.T) {
	st := newStage(t)
	cash := st.cashier()
	id, packing := st.shipped("mug")
	h := st.fps.only(t)
	cash.elsewhere(h.id, "20.00")

	// The shop asks for other refunds first, so that it never refunds more than is
	// left.
	st.want(st.post(packing+"/refund", "refund", "1", "amount", "32.00"), http.StatusConflict,
		"another program has refunded", "$12.00")
	st.wantRefunded(id, "20.00")
	st.want(st.get(packing), http.StatusOK, "by another program", `name="refund" value="2"`)

	// The notification also leads to it, by a request to the payment service.
	cash.elsewhere(h.id, "12.00")
	if status := st.notifyRefund(h.id, "32.00"); status != http.StatusOK {
		t.Errorf("the notification was answered with %d", status)
	}
	st.wantRefunded(id, "32.00")
	if status := st.notifyRefund("TXN00000000000000000000000000000099", "1.00"); status != http.StatusOK {
		t.Errorf("the notification of another's refund was answered with %d", status)
	}
	st.want(st.get("/orders/"+string(id)), http.StatusOK, "This order was refunded")

	st.fps.set(func(f *fakeFPS) { f.down = true })
	st.want(st.post(packing+"/refund", "refund", "3", "amount", "1"), http.StatusServiceUnavailable, "could not be asked")
}

func (st *stage) notifyRefund(parent, amount string) int {
	body := signed(http.MethodPost, publicURL+"/ipn", holdfast.Params{
		{Name: "notificationType", Value: "TransactionStatus"},
		{Name: "transactionId", Value: "RFD00000000000000000000000000000077"},
		{Name: "transactionStatus", Value: "SUCCESS"},
		{Name: "operation", Value: "REFUND"},
		{Name: "transactionAmount", Value: "USD " + amount},
		{Name: "callerReference", Value: "by hand"},
		{Name: "parentTransactionId", Value: parent},
	})
	r := httptest.NewRequest(http.MethodPost, publicURL+"/ipn", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	st.handler.ServeHTTP(w, r)
	return w.Code
}

// Another program settles. The packer's page shows the charge and can refund
// it.
func TestSettledElsewhereIsRefunded(t *testing.T) {
	st := newStage(t)
	st.cashier()
	id := st.paid("mug")
	packing := "/bench/orders/" + string(id)
	h := st.fps.only(t)
	st.fps.set(func(f *fakeFPS) { f.held[h.id].status, f.held[h.id].settled = holdfast.StatusSuccess, "30.00" })
	if status := st.notify(h, "SETTLE", "SUCCESS", "Success"); status != http.StatusOK {
		t.Fatalf("the notification was answered with %d", status)
	}
	st.wantState(id, shop.NeedsAttention)
	st.want(st.get(packing), http.StatusOK, "Another program charged", `id="refund"`, `id="done"`, `value="30.00"`)
	if o := st.load(id); o.Charge != money.Cents(30_00) {
		t.Errorf("the charge is %v", o.Charge)
	}
	st.want(st.get("/orders/"+string(id)), http.StatusOK, "you need not pay again")
	st.want(st.post(packing+"/refund", "refund", "1", "amount", "30.00"), http.StatusSeeOther)
	st.wantRefunded(id, "30.00")
	st.want(st.post(packing+"/done"), http.StatusSeeOther)
	st.want(st.get("/orders/"+string(id)), http.StatusOK, "This order was refunded")
	if w := st.get("/bench"); strings.Contains(w.Body.String(), `id="do-not-ship"`) {
		t.Error("the order is still one to look into")
	}
}
