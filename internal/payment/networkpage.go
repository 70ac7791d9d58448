package payment

import (
	"fmt"
	"net/url"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// CardOnPage is a visit's choice of a card that the sender gives on the network's
// page after the confirmation. No instrument has this id.
const CardOnPage InstrumentID = "new"

// A PageMode says what a network's page does with the card.
type PageMode string

// A page keeps the card for later payments, or holds an amount on it at once.
const (
	PageKeep    PageMode = "Keep"
	PageHolding PageMode = "Hold"
)

// A NetworkPageState is the state of a network's page.
type NetworkPageState string

// The states of a page. An Asking page may or may not exist, and no browser has
// been there. Nobody can finish an Expired page.
const (
	PageAsking   NetworkPageState = "Asking"
	PageOpen     NetworkPageState = "Open"
	PageComplete NetworkPageState = "Complete"
	PageExpired  NetworkPageState = "Expired"
)

// A NetworkPage is a page of a card network on which the sender of a visit gives
// a card.
type NetworkPage struct {
	Key     string // names the page at the network: see PageKey
	Visit   VisitID
	Account NetworkAccountID
	Party   party.ID // the visit's sender when the page was opened
	Guest   bool     // the sender was a guest then
	Mode    PageMode
	Hold    PageHoldID // of mode Hold
	Page    string     // the network's id; empty until it is known
	// Language and Consent are what the sender agreed to on the page before.
	Language, Consent string
	Created, Expires  time.Time
	State             NetworkPageState
	NextAt            time.Time // from then on the server looks by itself
}

// PageKey names the n-th page of a visit for ever.
func PageKey(v VisitID, n int) string { return fmt.Sprintf("visit/%s/%d", v, n) }

// Over reports whether the page can no longer change.
func (p NetworkPage) Over() bool { return p.State == PageComplete || p.State == PageExpired }

const (
	// PageLife is how long a buyer can finish a page. Stripe allows no less.
	PageLife = 30 * time.Minute
	// pageMargin covers the difference between the network's clock and ours.
	pageMargin = time.Minute
	// pageLookEvery is the pause between two looks at an open page. Without events,
	// this is how long a sender who closed the browser waits for the token.
	pageLookEvery = 5 * time.Minute
)

// PageUntil is the time until which a page that is opened now can be finished.
func PageUntil(now time.Time) time.Time { return now.Add(PageLife + pageMargin) }

// LookAgain is when the server looks at an open page again by itself.
func (p NetworkPage) LookAgain(now time.Time) time.Time {
	next := now.Add(pageLookEvery)
	if end := p.Expires.Add(pageMargin); now.Before(end) && next.After(end) {
		return end
	}
	return next
}

// Lapsed reports whether the network no longer lets anybody finish the page.
func (p NetworkPage) Lapsed(now time.Time) bool { return !now.Before(p.Expires.Add(pageMargin)) }

// stripePages is the origin of Stripe's pages.
const stripePages = "https://checkout.stripe.com"

// PageOrigin is the origin of the network's pages. Forms of our pages lead there.
func (a NetworkAccount) PageOrigin() string {
	if u, err := url.Parse(a.BaseURL); err == nil && u.Host != "" && PlainHost(u.Host) {
		return u.Scheme + "://" + u.Host
	}
	return stripePages
}

// Brand is the network's name as buyers know it.
func (k NetworkKind) Brand() string {
	if k == NetworkStripe {
		return "Stripe"
	}
	return string(k)
}
