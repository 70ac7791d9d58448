package holdfasttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// PagesOrigin is where the pages of a Collector are. No server answers there.
const PagesOrigin = "http://127.0.0.1:1"

// A Collector is a card network with pages, in memory. It knows one account.
// Set Now before use.
type Collector struct {
	Now func() time.Time

	mu     sync.Mutex
	pages  []*collectorPage
	holds  []*collectorHold
	script []HoldReply
	asked  []string
	looked []string
	down   bool
	gone   []string // customers that were deleted
}

type collectorPage struct {
	card.Collection
	id    string
	state card.PageState
	found card.Collected
}

type collectorHold struct {
	key, ref string
	amount   money.Amount
	state    string // "held", "captured", "released", "action" or "declined"
}

// A HoldReply scripts the answer to the next question about a hold.
type HoldReply struct {
	Decline bool
	Bank    bool // the buyer must confirm the hold at the bank
	Lost    bool // takes effect, but the answer never arrives
	Deaf    bool // has no effect and gives no answer
	Short   bool // the network lets the hold go so soon that it is of no use
}

var (
	_ card.Network  = (*Collector)(nil)
	_ card.Accounts = (*Collector)(nil)
)

// collectorClient adds the methods that no test of pages calls.
type collectorClient struct {
	*Collector
	card.Teller
}

// Account returns the collector itself.
func (c *Collector) Account(context.Context, payment.NetworkAccountID) (card.Client, error) {
	return collectorClient{Collector: c}, nil
}

// Next scripts the answers to the next questions that place a hold.
func (c *Collector) Next(replies ...HoldReply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.script = append(c.script, replies...)
}

// Down makes the network unreachable, or reachable again.
func (c *Collector) Down(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

var errDown = errors.New("the network cannot be reached")

// Customer names a party.
func (c *Collector) Customer(_ context.Context, h card.Holder) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return "", errDown
	}
	name := "cus_" + h.Party
	for slices.Contains(c.gone, name) {
		name += "_again"
	}
	return name, nil
}

// DeleteCustomer deletes the customer of the last page at the network.
func (c *Collector) DeleteCustomer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone = append(c.gone, c.pages[len(c.pages)-1].Customer)
}

// Open makes a page, once for each key.
func (c *Collector) Open(_ context.Context, collection card.Collection) (card.Page, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return card.Page{}, errDown
	}
	for _, p := range c.pages {
		if p.Key == collection.Key {
			return p.page(), nil
		}
	}
	if slices.Contains(c.gone, collection.Customer) {
		return card.Page{}, card.ErrCustomerGone
	}
	p := &collectorPage{Collection: collection, id: fmt.Sprintf("cs_%d", len(c.pages)+1)}
	c.pages = append(c.pages, p)
	return p.page(), nil
}

func (p *collectorPage) page() card.Page {
	return card.Page{ID: p.id, URL: PagesOrigin + "/pay/" + p.id, Until: p.Until}
}

// Collected looks at a page.
func (c *Collector) Collected(ctx context.Context, id string) (card.Collected, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note(ctx, id)
	if c.down {
		return card.Collected{}, errDown
	}
	p := c.page(id)
	if p == nil {
		return card.Collected{}, &card.ForeignError{Object: id}
	}
	found := p.found
	found.State, found.Visit, found.Key = p.state, p.Visit, p.Key
	if p.state == card.PageOpen {
		found.URL = p.page().URL
	}
	return found, nil
}

// Close ends a page.
func (c *Collector) Close(_ context.Context, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return errDown
	}
	if p := c.page(id); p != nil && p.state == card.PageOpen {
		p.state = card.PageExpired
	}
	return nil
}

func (c *Collector) page(id string) *collectorPage {
	for _, p := range c.pages {
		if p.id == id {
			return p
		}
	}
	return nil
}

// Finish completes a page with a card, as its buyer does. It returns where the page
// sends the browser.
func (c *Collector) Finish(t testing.TB, address, number, name, email string) string {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.page(strings.TrimPrefix(address, PagesOrigin+"/pay/"))
	if p == nil || p.state != card.PageOpen || !c.Now().Before(p.Until) {
		t.Fatalf("%s is no open page", address)
	}
	p.state = card.PageComplete
	last4 := number[len(number)-4:]
	p.found = card.Collected{Name: name, Email: email, Card: card.Kept{
		Brand: "Visa", Last4: last4, Ref: "pm_" + p.id, Customer: p.Customer, ExpiryMonth: 12, ExpiryYear: 2031,
		Funding: "credit", Country: "US", Fingerprint: "fp_" + number,
	}}
	if p.Hold != nil {
		h := c.hold(p.Hold.Attempt)
		h.state = "held"
		p.found.Held = &payment.Answer{Verdict: payment.Approved, Authorization: h.ref, Details: c.details(h, HoldReply{})}
	}
	return strings.ReplaceAll(p.Done, "{PAGE}", p.id)
}

// Lapse ends an open page, as time does.
func (c *Collector) Lapse(address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.page(strings.TrimPrefix(address, PagesOrigin+"/pay/")); p != nil && p.state == card.PageOpen {
		p.state = card.PageExpired
	}
}

// Collections are the pages that were asked for.
func (c *Collector) Collections() (all []card.Collection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.pages {
		all = append(all, p.Collection)
	}
	return all
}

// Holds lists the holds in a state, such as "held", by their keys.
func (c *Collector) Holds(state string) (keys []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.holds {
		if h.state == state {
			keys = append(keys, h.key)
		}
	}
	return keys
}

// Asked lists the questions that were asked, such as "H0001/Release".
func (c *Collector) Asked() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.asked)
}

// note remembers a question about a page or a hold.
func (c *Collector) note(ctx context.Context, what string) {
	if card.InBackground(ctx) {
		what += " in background"
	}
	c.looked = append(c.looked, what)
}

// Looked lists the pages and holds that were asked about since the last call,
// such as "H0001/Authorize" or "cs_1 in background".
func (c *Collector) Looked() (all []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all, c.looked = c.looked, nil
	return all
}

// AtBank confirms all holds that wait for the buyer at the bank.
func (c *Collector) AtBank() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.holds {
		if h.state == "action" {
			h.state = "held"
		}
	}
}

// hold finds a hold by its reference or its key, or makes it.
func (c *Collector) hold(a payment.Attempt) *collectorHold {
	for _, h := range c.holds {
		if h.key == a.Key() || h.ref == a.Reference || h.ref == a.Authorization {
			return h
		}
	}
	h := &collectorHold{key: a.Key(), ref: fmt.Sprintf("pi_%d", len(c.holds)+1), amount: a.Amount}
	c.holds = append(c.holds, h)
	return h
}

const collectorHoldLife = 7 * 24 * time.Hour

func (c *Collector) details(h *collectorHold, r HoldReply) payment.Details {
	until := c.Now().Add(collectorHoldLife)
	if r.Short {
		until = c.Now().Add(time.Minute)
	}
	return payment.Details{Reference: h.ref, HoldUntil: until}
}

// Ask answers a question about a hold.
func (c *Collector) Ask(ctx context.Context, q card.Question) (payment.Answer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note(ctx, q.Key())
	c.asked = append(c.asked, q.Key())
	if c.down {
		return payment.Answer{}, errDown
	}
	if q.Step != payment.StepAuthorize {
		h := c.hold(q.Attempt)
		h.state = map[payment.Step]string{payment.StepRelease: "released", payment.StepCapture: "captured"}[q.Step]
		return payment.Answer{Verdict: payment.Approved, Details: payment.Details{Reference: h.ref}}, nil
	}
	var reply HoldReply
	known := slices.ContainsFunc(c.holds, func(h *collectorHold) bool { return h.key == q.Key() || h.ref == q.Reference })
	if !known && len(c.script) > 0 {
		reply, c.script = c.script[0], c.script[1:]
	}
	if reply.Deaf {
		return payment.Answer{}, errDown
	}
	h := c.hold(q.Attempt)
	switch {
	case known:
	case reply.Decline:
		h.state = "declined"
	case reply.Bank:
		h.state = "action"
	default:
		h.state = "held"
	}
	if reply.Lost {
		return payment.Answer{}, errDown
	}
	d := c.details(h, reply)
	switch h.state {
	case "declined":
		d.DeclineCode = "generic_decline"
		return payment.Answer{Code: "TransactionDenied", Message: "The card was declined.", Details: d}, nil
	case "action":
		d.Action = PagesOrigin + "/bank/" + h.ref
		return payment.Answer{}, &card.DoubtError{Known: d, Err: errors.New("the buyer has not confirmed the payment")}
	}
	return payment.Answer{Verdict: payment.Approved, Authorization: h.ref, Details: d}, nil
}

// OnNetwork gives the world's shop an account at a card network with pages, and
// turns on what such callers have.
func (w *World) OnNetwork(change ...func(*party.Caller)) *Collector {
	w.T.Helper()
	c := &Collector{Now: w.Clock.Now}
	w.Processor.Network = c
	w.connect(store.NetworkAccount{
		NetworkAccount: payment.NetworkAccount{
			ID: "N0001", Kind: payment.NetworkStripe, Mode: payment.NetworkTest, Owner: w.Owner.ID, Name: "shop",
			BaseURL: PagesOrigin, PerSecond: 10, Default: true, Created: w.Clock.Now(),
			Fees: payment.FeeRate{Fixed: money.Micros(0)},
		},
		Secrets: store.NewNetworkSecrets("rk_test_1234567890"),
	}, slices.Insert(change, 0, func(c *party.Caller) { c.HoldOnPage, c.Guests = true, true })...)
	return c
}
