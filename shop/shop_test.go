package shop_test

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/shop"
)

const (
	publicURL = "http://shop.example.test:8081"
	coBranded = "http://pay.example.test:8080/cobranded-ui/actions/start"
	testToken = "TOKEN00000000000000000000000000000000000000000000000000000000001"
)

// A stage has a shop, a fake payment service, a buyer's browser and a clock.
type stage struct {
	*testing.T
	shop    *shop.Shop
	fps     *fakeFPS
	handler http.Handler
	clock   *atomic.Int64 // the shop's, as UnixMicro
	cookie  string
	file    string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	st := &stage{T: t, fps: newFakeFPS(t), clock: &atomic.Int64{}, file: filepath.Join(t.TempDir(), "shop.db")}
	st.clock.Store(testNow.UnixMicro())
	st.open()
	return st
}

func (st *stage) now() time.Time { return time.UnixMicro(st.clock.Load()).UTC() }

func (st *stage) open() {
	st.Helper()
	s, err := shop.Open(st.Context(), shop.Config{
		Client: &holdfast.Client{
			Endpoint: st.fps.URL + "/", CoBranded: coBranded, AccessKeyID: "SHOPTESTACCESSKEY001",
			SecretKey: holdfast.NewSecretKey("a secret of this test"), RetriesMax: -1, Now: st.now,
			Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		},
		PublicURL: publicURL, Database: st.file, Now: st.now,
		CallerID: testCaller, Certificates: []*x509.Certificate{testCert(st)},
	})
	if err != nil {
		st.Fatal(err)
	}
	st.Cleanup(func() {
		if st.shop == s {
			s.Close()
		}
	})
	st.shop, st.handler = s, s.Handler()
}

// restart starts a new process on the same file.
func (st *stage) restart() {
	st.Helper()
	if err := st.shop.Close(); err != nil {
		st.Fatal(err)
	}
	st.open()
}

func (st *stage) pass(d time.Duration) { st.clock.Add(d.Microseconds()) }

func (st *stage) do(r *http.Request) *httptest.ResponseRecorder {
	st.Helper()
	if r.Host == "example.com" { // as httptest makes it
		r.Host = strings.TrimPrefix(publicURL, "http://")
	}
	if st.cookie != "" {
		r.Header.Set("Cookie", st.cookie)
	}
	w := httptest.NewRecorder()
	st.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		st.cookie = c.Name + "=" + c.Value
	}
	return w
}

func (st *stage) get(path string) *httptest.ResponseRecorder {
	st.Helper()
	return st.do(httptest.NewRequest(http.MethodGet, path, nil))
}

func (st *stage) post(path string, form ...string) *httptest.ResponseRecorder {
	st.Helper()
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Add(form[i], form[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return st.do(r)
}

// want checks an answer's status and the texts on its page.
func (st *stage) want(w *httptest.ResponseRecorder, status int, texts ...string) {
	st.Helper()
	if w.Code != status {
		st.Fatalf("status %d, want %d:\n%s", w.Code, status, w.Body)
	}
	for _, text := range texts {
		if !strings.Contains(w.Body.String(), text) {
			st.Fatalf("the page does not say %q:\n%s", text, w.Body)
		}
	}
}

// order fills the cart, presses Pay now and returns the new order.
func (st *stage) order(products ...string) shop.OrderID {
	st.Helper()
	for _, p := range products {
		st.want(st.post("/cart", "product", p), http.StatusSeeOther)
	}
	w := st.post("/pay")
	st.want(w, http.StatusSeeOther)
	u, err := url.Parse(w.Header().Get("Location"))
	if err != nil || !strings.HasPrefix(u.String(), coBranded+"?") {
		st.Fatalf("Pay now goes to %s, %v", u, err)
	}
	return shop.OrderID(u.Query().Get("callerReference"))
}

// returnPath returns the return URL, without its host, for an order and a
// status.
func (st *stage) returnPath(id shop.OrderID, status holdfast.ReturnStatus) string {
	p := holdfast.Params{{Name: "callerReference", Value: string(id)}, {Name: "status", Value: string(status)}}
	if (holdfast.Return{Status: status}).Authorised() {
		p = append(
			p,
			holdfast.Param{Name: "tokenID", Value: testToken}, holdfast.Param{Name: "expiry", Value: "12/2030"},
			holdfast.Param{Name: "addressName", Value: "Ann Buyer"}, holdfast.Param{Name: "addressLine1", Value: "1 Kiln Lane"},
			holdfast.Param{Name: "city", Value: "Ely"}, holdfast.Param{Name: "state", Value: "MA"},
			holdfast.Param{Name: "zip", Value: "01060"}, holdfast.Param{Name: "country", Value: "US"},
		)
	}
	return "/return?" + signed(http.MethodGet, publicURL+"/return", p)
}

// paid makes an order whose money is held.
func (st *stage) paid(products ...string) shop.OrderID {
	st.Helper()
	id := st.order(products...)
	st.want(st.get(st.returnPath(id, holdfast.ReturnSuccessCC)), http.StatusSeeOther)
	st.wantState(id, shop.ToShip)
	return id
}

func (st *stage) load(id shop.OrderID) shop.Order {
	st.Helper()
	o, err := st.shop.Order(st.Context(), id)
	if err != nil {
		st.Fatal(err)
	}
	return o
}

func (st *stage) wantState(id shop.OrderID, want shop.OrderState) shop.Order {
	st.Helper()
	o := st.load(id)
	if o.State != want {
		log, err := st.shop.Log(st.Context(), id)
		st.Fatalf("the order is %s, want %s; its log: %+v %v", o.State, want, log, err)
	}
	return o
}

func (st *stage) work(want ...string) {
	st.Helper()
	got, err := st.shop.WorkDue(st.Context())
	if err != nil {
		st.Fatal(err)
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		st.Fatalf("jobs worked: %q, want %q", got, want)
	}
}

// notify delivers a notification and returns the shop's answer.
func (st *stage) notify(h hold, operation, status, code string) int {
	st.Helper()
	return st.deliver(signed(http.MethodPost, publicURL+"/ipn", notification(h, operation, status, code)))
}

// notification returns the parameters of a notification of a hold.
func notification(h hold, operation, status, code string) holdfast.Params {
	return holdfast.Params{
		{Name: "notificationType", Value: "TransactionStatus"},
		{Name: "transactionId", Value: h.id},
		{Name: "transactionDate", Value: "1795428000"},
		{Name: "transactionStatus", Value: status},
		{Name: "statusCode", Value: code},
		{Name: "operation", Value: operation},
		{Name: "transactionAmount", Value: "USD " + h.amount},
		{Name: "callerReference", Value: h.reference},
	}
}

// deliver posts a body to the address for notifications.
func (st *stage) deliver(body string) int {
	st.Helper()
	r := httptest.NewRequest(http.MethodPost, publicURL+"/ipn", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	st.handler.ServeHTTP(w, r)
	return w.Code
}
