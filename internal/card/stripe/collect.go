package stripe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v85"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A page of Stripe lives for half an hour at least and for a day at most. The
// minute is for clocks that differ.
const (
	pageLifeMin = 31 * time.Minute
	pageLifeMax = 24*time.Hour - time.Minute
)

// Customer returns Stripe's customer for a party. Its key has the name and the
// e-mail address in it, because Stripe refuses a key with other parameters.
func (c *Client) Customer(ctx context.Context, h card.Holder) (string, error) {
	params := &stripego.CustomerCreateParams{Metadata: map[string]string{metaParty: h.Party}}
	if h.Name != "" {
		params.Name = stripego.String(h.Name)
	}
	if h.Email != "" {
		params.Email = stripego.String(h.Email)
	}
	sum := sha256.Sum256([]byte(h.Name + "\x00" + h.Email))
	key := "customer/" + h.Party + "/" + string(h.Account) + "/" + hex.EncodeToString(sum[:8])
	const most = 9
	for n := 1; ; n++ {
		again := key
		if n > 1 {
			again = fmt.Sprintf("%s:%d", key, n)
		}
		made, fresh, f := c.makeCustomer(ctx, again, params)
		if f == nil && !fresh && n < most {
			var gone bool
			if gone, f = c.customerGone(ctx, made); gone {
				continue
			}
		}
		if f != nil {
			return "", f.while("making a customer")
		}
		return made, nil
	}
}

// customerGone reports whether the merchant has deleted a customer.
func (c *Client) customerGone(ctx context.Context, id string) (bool, *failure) {
	there, f := call(ctx, c, "", func(ctx context.Context) (*stripego.Customer, error) {
		return c.api.V1Customers.Retrieve(ctx, id, nil)
	})
	if f != nil {
		return f.missing(), f
	}
	return there.Deleted, nil
}

func (c *Client) makeCustomer(
	ctx context.Context, key string, params *stripego.CustomerCreateParams,
) (id string, fresh bool, f *failure) {
	made, fresh, f := callFresh(ctx, c, key, func(ctx context.Context) (*stripego.Customer, error) {
		return c.api.V1Customers.Create(ctx, params)
	})
	if f != nil {
		return "", false, f
	}
	return made.ID, fresh, nil
}

// Open makes a page of Stripe's Checkout.
func (c *Client) Open(ctx context.Context, what card.Collection) (card.Page, error) {
	until := what.Until
	if earliest := c.now().Add(pageLifeMin); until.Before(earliest) {
		until = earliest
	}
	if latest := c.now().Add(pageLifeMax); until.After(latest) {
		until = latest
	}
	ours := map[string]string{
		metaPage: what.Key, metaVisit: string(what.Visit), metaCaller: what.Caller,
	}
	params := &stripego.CheckoutSessionCreateParams{
		SuccessURL:         stripego.String(strings.ReplaceAll(what.Done, "{PAGE}", "{CHECKOUT_SESSION_ID}")),
		CancelURL:          stripego.String(what.Back),
		ClientReferenceID:  stripego.String(string(what.Visit)),
		ExpiresAt:          stripego.Int64(until.Unix()),
		Locale:             stripego.String(locale(what.Language)),
		Metadata:           ours,
		PaymentMethodTypes: stripego.StringSlice([]string{"card"}),
		WalletOptions: &stripego.CheckoutSessionCreateWalletOptionsParams{
			Link: &stripego.CheckoutSessionCreateWalletOptionsLinkParams{Display: stripego.String("never")},
		},
	}
	if what.Customer != "" {
		params.Customer = stripego.String(what.Customer)
	}
	if what.Hold != nil {
		if err := c.holding(params, what, ours); err != nil {
			return card.Page{}, err
		}
	} else {
		params.Mode = stripego.String("setup")
		params.Currency = stripego.String("usd")
		params.SetupIntentData = &stripego.CheckoutSessionCreateSetupIntentDataParams{Metadata: ours}
	}
	page, f := call(ctx, c, what.Key, func(ctx context.Context) (*stripego.CheckoutSession, error) {
		return c.api.V1CheckoutSessions.Create(ctx, params)
	})
	switch {
	case f != nil && f.missing() && f.param == "customer":
		return card.Page{}, fmt.Errorf("opening a page for a card at Stripe: %w", card.ErrCustomerGone)
	case f != nil:
		return card.Page{}, f.while("opening a page for a card")
	}
	return card.Page{ID: page.ID, URL: page.URL, Until: time.Unix(page.ExpiresAt, 0).UTC()}, nil
}

// holding makes a page hold an amount on the card.
func (c *Client) holding(
	params *stripego.CheckoutSessionCreateParams, what card.Collection, ours map[string]string,
) error {
	hold := what.Hold.Attempt
	amount, whole := cents(hold.Amount)
	if !whole || amount < amountMin || amount > amountMax {
		return fmt.Errorf("opening a page for a card: Stripe cannot hold %v", hold.Amount)
	}
	title := what.Title
	if title == "" {
		title = string(what.Visit)
	}
	params.Mode = stripego.String("payment")
	params.LineItems = []*stripego.CheckoutSessionCreateLineItemParams{{
		Quantity: stripego.Int64(1),
		PriceData: &stripego.CheckoutSessionCreateLineItemPriceDataParams{
			Currency:   stripego.String("usd"),
			UnitAmount: stripego.Int64(amount),
			ProductData: &stripego.CheckoutSessionCreateLineItemPriceDataProductDataParams{
				Name: stripego.String(title),
			},
		},
	}}
	data := &stripego.CheckoutSessionCreatePaymentIntentDataParams{
		CaptureMethod: stripego.String(methodManual),
		Metadata:      marks(hold),
	}
	data.Metadata[metaPage], data.Metadata[metaVisit] = ours[metaPage], ours[metaVisit]
	if text := suffix(hold.Descriptor, c.config.Account.StatementPrefix); text != "" {
		data.StatementDescriptorSuffix = stripego.String(text)
	}
	if what.Hold.Keep {
		data.SetupFutureUsage = stripego.String("on_session")
	}
	params.PaymentIntentData = data
	return nil
}

// Collected looks at what the buyer did on a page.
func (c *Client) Collected(ctx context.Context, page string) (card.Collected, error) {
	if !isPage(page) {
		return card.Collected{}, &card.ForeignError{Object: "the page"}
	}
	params := &stripego.CheckoutSessionRetrieveParams{}
	for _, part := range []string{
		"setup_intent.payment_method", "payment_intent.payment_method", "payment_intent.latest_charge",
	} {
		params.AddExpand(part)
	}
	seen, f := call(ctx, c, "", func(ctx context.Context) (*stripego.CheckoutSession, error) {
		return c.api.V1CheckoutSessions.Retrieve(ctx, page, params)
	})
	switch {
	case f != nil && f.status == http.StatusNotFound:
		return card.Collected{}, &card.ForeignError{Object: page}
	case f != nil:
		return card.Collected{}, f.while("looking at a page for a card")
	case seen.ID != page || seen.Livemode != c.live() || seen.Metadata[metaPage] == "":
		return card.Collected{}, &card.ForeignError{Object: page}
	}
	return c.collected(seen)
}

// collected reads a page that is ours.
func (c *Client) collected(seen *stripego.CheckoutSession) (card.Collected, error) {
	got := card.Collected{
		Visit: payment.VisitID(seen.ClientReferenceID), Key: seen.Metadata[metaPage],
	}
	switch seen.Status {
	case stripego.CheckoutSessionStatusOpen:
		got.State, got.URL = card.PageOpen, page(seen.URL)
		return got, nil
	case stripego.CheckoutSessionStatusExpired:
		got.State = card.PageExpired
		return got, nil
	case stripego.CheckoutSessionStatusComplete:
		got.State = card.PageComplete
	default:
		return got, fmt.Errorf("looking at a page for a card: page %s is in a state that is not known", seen.ID)
	}
	if seen.CustomerDetails != nil {
		got.Name, got.Email = line(seen.CustomerDetails.Name), line(seen.CustomerDetails.Email)
	}
	var kept *stripego.PaymentMethod
	switch {
	case seen.SetupIntent != nil:
		kept = seen.SetupIntent.PaymentMethod
		if seen.SetupIntent.Status != stripego.SetupIntentStatusSucceeded {
			got.Reason, kept = messageDeclined, nil
		}
	case seen.PaymentIntent != nil:
		kept = seen.PaymentIntent.PaymentMethod
		held, err := c.heldByPage(seen)
		if err != nil {
			return card.Collected{}, err
		}
		got.Held = held
	}
	got.Card = readCard(kept)
	if seen.Customer != nil {
		got.Card.Customer = seen.Customer.ID
	}
	if got.Name == "" && kept != nil && kept.BillingDetails != nil {
		got.Name = line(kept.BillingDetails.Name)
	}
	return got, nil
}

// heldByPage is the answer to the question that a page has asked.
func (c *Client) heldByPage(seen *stripego.CheckoutSession) (*payment.Answer, error) {
	pi := readIntent(seen.PaymentIntent)
	transaction, step, _ := strings.Cut(pi.key, "/")
	q := card.Question{Attempt: payment.Attempt{
		Caller: party.CallerID(seen.Metadata[metaCaller]), Transaction: holdfast.TransactionID(transaction),
		Step:   payment.Step(step),
		Amount: money.Amount{Micro: seen.AmountTotal * microPerCent}, Since: pi.created, Present: true,
	}}
	d := c.view(q, pi).decide()
	if d.move != moveAnswer {
		if d.why == "" {
			d.why = "is not decided, though its page is complete"
		}
		return nil, d.error(pi.id, pi.details())
	}
	return &d.answer, nil
}

// Close makes sure that nobody can finish a page any more.
func (c *Client) Close(ctx context.Context, page string) error {
	if !isPage(page) {
		return &card.ForeignError{Object: "the page"}
	}
	_, f := call(ctx, c, "expire/"+page, func(ctx context.Context) (*stripego.CheckoutSession, error) {
		return c.api.V1CheckoutSessions.Expire(ctx, page, nil)
	})
	switch {
	case f == nil, f.invalid(): // Stripe expires open pages only
		return nil
	case f.status == http.StatusNotFound:
		return &card.ForeignError{Object: page}
	}
	return f.while("closing a page for a card")
}

// isPage reports whether a text, which may come from a browser, can be the id of
// a page.
func isPage(id string) bool {
	rest, ok := strings.CutPrefix(id, "cs_")
	return ok && rest != "" && isID(id)
}

// locales are Stripe's names of the languages that its pages have.
var locales = []string{
	"bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA", "hr", "hu", "id", "it",
	"ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl", "sv", "th", "tr", "vi",
	"zh", "zh-HK", "zh-TW",
}

// locale is the language of Stripe's page for one of ours, such as "de-CH".
func locale(language string) string {
	base, _, _ := strings.Cut(language, "-")
	for _, one := range []string{language, base} {
		if slices.Contains(locales, one) {
			return one
		}
	}
	return "auto"
}

// brands are the names of card brands as buyers know them.
var brands = map[stripego.PaymentMethodCardBrand]string{
	"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express", "discover": "Discover",
	"diners": "Diners Club", "jcb": "JCB", "unionpay": "UnionPay", "cartes_bancaires": "Cartes Bancaires",
	"eftpos_au": "eftpos", "interac": "Interac",
}

// readCard is what is stored of a card. It is zero without one.
func readCard(pm *stripego.PaymentMethod) card.Kept {
	if pm == nil || pm.Card == nil {
		return card.Kept{}
	}
	brand := brands[pm.Card.Brand]
	if brand == "" {
		brand = "Card"
	}
	kept := card.Kept{
		Brand: brand, Last4: last4(pm.Card.Last4), Ref: pm.ID,
		ExpiryMonth: int(pm.Card.ExpMonth), ExpiryYear: int(pm.Card.ExpYear),
		Country: country(pm.Card.Country), Fingerprint: word(pm.Card.Fingerprint), Funding: funding(string(pm.Card.Funding)),
	}
	if pm.Customer != nil {
		kept.Customer = pm.Customer.ID
	}
	return kept
}
