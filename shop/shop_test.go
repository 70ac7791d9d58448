package shop_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/internal/api"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/shop"
)

const publicURL = "http://shop.example.test:8081"

// A stage has a shop, a payment service with its own API, a buyer and a clock that
// all of them share.
type stage struct {
	*testing.T
	world   *holdfasttest.World
	way     *way
	shop    *shop.Shop
	key     string
	handler http.Handler
	cookie  string
	file    string
	log     bytes.Buffer
	address party.AddressID // the buyer's
}

func newStage(t *testing.T) *stage {
	t.Helper()
	db := holdfasttest.Open(t, holdfasttest.Addresses(t)["SQLite"](t))
	st := &stage{T: t, world: holdfasttest.NewWorld(t, db), file: filepath.Join(t.TempDir(), "shop.db")}
	w := st.world
	home, err := w.Processor.Identity.AddAddress(t.Context(), w.Buyer.ID, holdfast.Address{
		Name: "Ann Buyer", Line1: "1 Kiln Lane", City: "Ely", State: "MA", Zip: "01060", Country: "US",
	})
	if err != nil {
		t.Fatal(err)
	}
	st.address = home.ID
	public, err := url.Parse("https://pay.example.test/")
	if err != nil {
		t.Fatal(err)
	}
	door := &api.Server{
		Processor: w.Processor, Store: db.Reader, Keys: api.NewKeys(db.CallerByJSONKey, w.Clock.Now), Public: public,
		Now: w.Clock.Now, Log: slog.New(slog.DiscardHandler),
	}
	st.way = &way{
		to: door.Handler(), lose: map[string]int{}, refuse: map[string]client.Code{}, before: map[string]func(){},
	}
	_, st.key = w.JSONKey(w.Shop, processor.NewKey{Scopes: "read hold settle refund"})
	st.open()
	return st
}

func (st *stage) open() {
	st.Helper()
	s, err := shop.Open(st.Context(), shop.Config{
		Client: &client.Client{
			Address: "https://pay.example.test/", Key: holdfast.NewSecretKey(st.key), HTTP: &http.Client{Transport: st.way},
			RetriesMax: -1,
		},
		PublicURL: publicURL, Database: st.file, Now: st.world.Clock.Now, Log: slog.New(slog.NewTextHandler(&st.log, nil)),
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

// A way is the connection to the payment service. It can fail in every way that
// matters to a shop.
type way struct {
	to http.Handler

	mu     sync.Mutex
	down   bool                   // no call arrives
	lose   map[string]int         // how many calls of a name are carried out without an answer
	refuse map[string]client.Code // calls that are refused
	before map[string]func()      // runs once, before a call
	asked  []string               // the names of all calls
}

// nameOf names a call: "settle", "hold", "refund", or "read".
func nameOf(r *http.Request) string {
	switch last := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]; {
	case r.Method == http.MethodGet && last == "events":
		return "events"
	case r.Method == http.MethodGet:
		return "read"
	default:
		return strings.TrimSuffix(last, "s")
	}
}

func (y *way) RoundTrip(r *http.Request) (*http.Response, error) {
	name := nameOf(r)
	y.mu.Lock()
	happens := y.before[name]
	delete(y.before, name)
	y.mu.Unlock()
	if happens != nil {
		happens()
	}
	y.mu.Lock()
	y.asked = append(y.asked, name)
	lost, refusal := y.lose[name] > 0, y.refuse[name]
	if lost {
		y.lose[name]--
	}
	down := y.down
	y.mu.Unlock()
	to := httptest.NewRecorder()
	switch {
	case down:
		return nil, errors.New("the payment service is away")
	case refusal != "":
		status, known := map[client.Code]int{
			"service_unavailable": http.StatusServiceUnavailable, "key_revoked": http.StatusUnauthorized,
		}[refusal]
		if !known {
			status = http.StatusUnprocessableEntity
		}
		to.Header().Set("Content-Type", "application/problem+json")
		to.WriteHeader(status)
		fmt.Fprintf(to, `{"status":%d,"code":%q,"detail":"No.","request_id":"req_refused"}`, status, refusal)
	default:
		to.Code = http.StatusOK
		y.to.ServeHTTP(to, r)
	}
	if lost {
		return nil, errors.New("the answer is lost")
	}
	return to.Result(), nil
}

// set changes the way.
func (y *way) set(change func(*way)) {
	y.mu.Lock()
	defer y.mu.Unlock()
	change(y)
}

// times counts the calls of a name.
func (y *way) times(name string) (n int) {
	y.set(func(y *way) {
		for _, a := range y.asked {
			if a == name {
				n++
			}
		}
	})
	return n
}

func (st *stage) pass(d time.Duration) { st.world.Clock.Advance(d) }

// work runs the jobs that are due.
func (st *stage) work() {
	st.Helper()
	for range 5 {
		n, err := st.shop.WorkDue(st.Context())
		if err != nil {
			st.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// catchUp lets the payment service do what is due, and the shop hear of it.
func (st *stage) catchUp() {
	st.Helper()
	if _, err := st.world.Processor.Sweep(st.Context()); err != nil {
		st.Fatal(err)
	}
	st.hear()
}

func (st *stage) hear() {
	st.Helper()
	for placed := 1; placed > 0; {
		var err error
		if placed, err = st.world.Processor.PlaceEvents(st.Context()); err != nil {
			st.Fatal(err)
		}
	}
	for more := true; more; {
		var err error
		if more, err = st.shop.ReadEvents(st.Context()); err != nil {
			st.Fatal(err)
		}
	}
	st.work()
}

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

func postOf(path string, form ...string) *http.Request {
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Add(form[i], form[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

func (st *stage) post(path string, form ...string) *httptest.ResponseRecorder {
	st.Helper()
	return st.do(postOf(path, form...))
}

// want checks an answer's status and the texts on its page.
func (st *stage) want(w *httptest.ResponseRecorder, status int, texts ...string) {
	st.Helper()
	if w.Code != status {
		st.Fatalf("status %d, want %d:\n%s\n%s", w.Code, status, w.Body, &st.log)
	}
	for _, text := range texts {
		if !strings.Contains(w.Body.String(), text) {
			st.Fatalf("the page does not say %q:\n%s", text, w.Body)
		}
	}
}

// wantNot checks that a page lacks some texts.
func (st *stage) wantNot(w *httptest.ResponseRecorder, texts ...string) {
	st.Helper()
	for _, text := range texts {
		if strings.Contains(w.Body.String(), text) {
			st.Errorf("the page says %q:\n%s", text, w.Body)
		}
	}
}

// order fills the cart, presses Pay now and returns the new order.
func (st *stage) order(products ...string) shop.OrderID {
	st.Helper()
	for _, p := range products {
		st.want(st.post("/cart", "product", p), http.StatusSeeOther)
	}
	return st.sent(st.post("/pay"))
}

// sent returns the order whose buyer was sent to the payment pages.
func (st *stage) sent(w *httptest.ResponseRecorder) shop.OrderID {
	st.Helper()
	st.want(w, http.StatusSeeOther)
	id, err := st.shop.OrderOfCheckout(st.Context(), w.Header().Get("Location"))
	if err != nil {
		st.Fatalf("the buyer is sent to %s: %v", w.Header().Get("Location"), err)
	}
	return id
}

// approve goes the buyer's way on the payment pages.
func (st *stage) approve(id shop.OrderID) {
	st.Helper()
	if err := st.approves(st.Context(), st.load(id)); err != nil {
		st.Fatal(err)
	}
}

func (st *stage) approves(ctx context.Context, o shop.Order) error {
	p, buyer, visit := st.world.Processor, st.world.Buyer.ID, payment.VisitID(o.CheckoutID)
	if v, err := p.EnterVisit(ctx, visit, buyer); err != nil || v.Over() {
		return fmt.Errorf("entering the checkout %s: %w", v.Checkout, err)
	}
	if _, err := p.ChooseInstrument(ctx, visit, buyer, st.world.Card.ID); err != nil {
		return fmt.Errorf("choosing a card: %w", err)
	}
	if _, err := p.ChooseAddress(ctx, visit, buyer, st.address); err != nil {
		return fmt.Errorf("choosing an address: %w", err)
	}
	v, err := p.ConfirmVisit(ctx, visit, buyer, processor.Shown{Instrument: st.world.Card.ID, Address: st.address})
	if err != nil || v.TokenOf() == "" {
		return fmt.Errorf("confirming, which ends with %s: %w", v.Status, err)
	}
	return nil
}

// back loads the address at which the browser comes back.
func (st *stage) back(id shop.OrderID) *httptest.ResponseRecorder {
	st.Helper()
	w := st.get("/orders/" + string(id) + "/paid")
	st.want(w, http.StatusSeeOther)
	return st.get(w.Header().Get("Location"))
}

// paid makes an order whose money is held.
func (st *stage) paid(products ...string) shop.OrderID {
	st.Helper()
	id := st.order(products...)
	st.approve(id)
	st.back(id)
	st.wantState(id, shop.ToShip)
	return id
}

// bench is the packer's page of an order, and of an action on it.
func bench(id shop.OrderID, action ...string) string {
	return strings.Join(append([]string{"/bench/orders/" + string(id)}, action...), "/")
}

// ships presses the packer's button.
func (st *stage) ships(id shop.OrderID, form ...string) {
	st.Helper()
	st.want(st.post(bench(id, "ship"), form...), http.StatusSeeOther)
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
		st.Fatalf("the order is %s, want %s; its log: %+v\n%s", o.State, want, st.logOf(id), &st.log)
	}
	return o
}

func (st *stage) logOf(id shop.OrderID) []shop.Happening {
	st.Helper()
	log, err := st.shop.Log(st.Context(), id)
	if err != nil {
		st.Fatal(err)
	}
	return log
}

// other is a client of another program of the same caller.
func (st *stage) other() *client.Client {
	st.Helper()
	_, text := st.world.JSONKey(st.world.Shop, processor.NewKey{})
	return &client.Client{
		Address: "https://pay.example.test/", Key: holdfast.NewSecretKey(text),
		HTTP: &http.Client{Transport: &way{to: st.way.to}},
	}
}

// hold is an order's hold at the payment service.
func (st *stage) hold(id shop.OrderID) client.Hold {
	st.Helper()
	h, err := st.other().Hold(st.Context(), st.load(id).HoldID)
	if err != nil {
		st.Fatal(err)
	}
	return h
}

// payments lists what was taken from an order's hold, the oldest first.
func (st *stage) payments(id shop.OrderID) (all []client.Payment) {
	st.Helper()
	for p, err := range st.other().Payments(st.Context(), client.PaidFilter{Of: st.load(id).HoldID}) {
		if err != nil {
			st.Fatal(err)
		}
		all = slices.Insert(all, 0, p)
	}
	return all
}

// wantCharges checks the amounts that the payment service has taken for an order.
func (st *stage) wantCharges(id shop.OrderID, want ...string) {
	st.Helper()
	var got []string
	for _, p := range st.payments(id) {
		if p.State == client.PaidSucceeded {
			got = append(got, p.Amount.Decimal())
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		st.Errorf("charged %q, want %q", got, want)
	}
	sum := holdfasttest.USD("0.00")
	for _, amount := range want {
		sum = sum.Add(holdfasttest.USD(amount))
	}
	if o := st.load(id); o.Charged() != sum {
		st.Errorf("the order has %v as charged, want %v", o.Charged(), sum)
	}
	st.world.CheckBooks()
}

// run runs the shop until the test ends.
func (st *stage) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- st.shop.Run(ctx) }()
	st.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			st.Errorf("Run ended with %v", err)
		}
	})
}
