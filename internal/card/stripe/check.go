package stripe

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v85"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A Report is what the operator should know of an account and its key.
type Report struct {
	Mode       payment.NetworkMode // of the key
	Restricted bool                // the key has only the rights that it was given
	APIVersion string              // that requests are made in
	// Remote, Country, Currency and Prefix are those of the account. They are empty
	// if the key may not read the account.
	Remote, Country, Currency, Prefix string

	Missing  []string      // rights that the key lacks, by their names at Stripe
	Clock    time.Duration // how far this machine's clock is ahead of Stripe's
	Problems []string      // what must be put right, for the operator
}

// A right is one that a restricted key needs, and a request that tells whether the
// key has it. The request changes nothing: it reads, or it is about an object that
// does not exist.
type right struct {
	name   string
	method string
	path   string
}

// noObject is the end of an id that no object has.
const noObject = "_holdfastcheck"

// rights are named as in Stripe's dashboard and in docs/going-live.md.
var rights = []right{
	{"PaymentIntents: write", http.MethodPost, "/v1/payment_intents/pi" + noObject + "/cancel"},
	{"SetupIntents: write", http.MethodPost, "/v1/setup_intents/seti" + noObject + "/cancel"},
	{"Checkout Sessions: write", http.MethodPost, "/v1/checkout/sessions/cs" + noObject + "/expire"},
	{"Customers: write", http.MethodPost, "/v1/customers/cus" + noObject},
	{"PaymentMethods: write", http.MethodPost, "/v1/payment_methods/pm" + noObject + "/detach"},
	{"Charges and Refunds: write", http.MethodPost, "/v1/refunds/re" + noObject},
	{"Disputes: read", http.MethodGet, "/v1/disputes"},
	{"Events: read", http.MethodGet, "/v1/events"},
	{"Balance, and balance transaction sources: read", http.MethodGet, "/v1/balance_transactions"},
	{"Payouts: read", http.MethodGet, "/v1/payouts"},
}

// clockMax is how far the clocks may differ. Messages that are older than five
// minutes are refused.
const clockMax = time.Minute

// Check asks Stripe whether the account and its key can do what Holdfast needs. It
// changes nothing. Its error means that Stripe could not be asked.
func (c *Client) Check(ctx context.Context) (Report, error) {
	key, problem := c.readKey()
	report := Report{Mode: key.Mode, Restricted: problem == "" && !key.Full, APIVersion: APIVersion}
	if problem != "" {
		report.Problems = append(report.Problems, problem)
		return report, nil
	}
	if !report.Restricted {
		report.Problems = append(report.Problems, "The key may do everything. Make a restricted key with the rights that "+
			"docs/going-live.md lists.")
	}
	if known, err := c.checkAccount(ctx, &report); err != nil || !known {
		return report, err
	}
	for _, right := range rights {
		has, err := c.has(ctx, right, &report)
		if err != nil {
			return report, err
		}
		if !has {
			report.Missing = append(report.Missing, right.name)
		}
	}
	if len(report.Missing) > 0 {
		report.Problems = append(report.Problems, "The key lacks these rights: "+strings.Join(report.Missing, ", ")+".")
	}
	if report.Clock.Abs() > clockMax {
		report.Problems = append(report.Problems,
			fmt.Sprintf("The clock of this machine differs from Stripe's by %v: set it.", report.Clock.Abs().Round(time.Second)))
	}
	return report, nil
}

// readKey reads the account's key, and says why the account cannot use it.
func (c *Client) readKey() (key payment.NetworkKey, problem string) {
	key, err := payment.ReadNetworkKey(c.config.Secrets.Key())
	switch {
	case err != nil:
		return key, "The key is no API key of Stripe: it must begin with rk_live_ or rk_test_."
	case key.Mode != c.config.Account.Mode:
		return key, fmt.Sprintf("The key is for %s mode, but the account is for %s mode.", key.Mode, c.config.Account.Mode)
	}
	return key, ""
}

// checkAccount reads the account. A restricted key may lack the right for it. known
// says that Stripe knows the key.
func (c *Client) checkAccount(ctx context.Context, report *Report) (known bool, err error) {
	x := &exchange{}
	account, err := c.api.V1Accounts.Retrieve(withExchange(ctx, x), nil)
	c.compareClocks(x, report)
	switch f := c.failed(x, err); {
	case f == nil:
	case f.status == http.StatusForbidden:
		return true, nil
	case f.status == http.StatusUnauthorized:
		report.Problems = append(report.Problems, "Stripe does not know the key, or it was revoked.")
		return false, nil
	default:
		return false, f.while("reading the account")
	}
	report.Remote, report.Country = word(account.ID), word(account.Country)
	report.Currency = word(strings.ToUpper(string(account.DefaultCurrency)))
	if account.Settings != nil && account.Settings.CardPayments != nil {
		report.Prefix = account.Settings.CardPayments.StatementDescriptorPrefix
	}
	if report.Prefix == "" && account.Settings != nil && account.Settings.Payments != nil {
		report.Prefix = account.Settings.Payments.StatementDescriptor
	}
	if remote := c.config.Account.Remote; remote != "" && remote != account.ID {
		report.Problems = append(report.Problems,
			fmt.Sprintf("The key is of account %s, and not of %s.", report.Remote, remote))
	}
	if !account.ChargesEnabled && c.live() {
		report.Problems = append(report.Problems, "Stripe does not let the account take money yet: see its dashboard.")
	}
	if account.DefaultCurrency != stripego.CurrencyUSD {
		report.Problems = append(report.Problems,
			"The account is settled in "+report.Currency+". Holdfast's books are in USD, so they cannot be compared.")
	}
	return true, nil
}

// has asks with the request of a right. Any answer but 403 means that the key has
// it.
func (c *Client) has(ctx context.Context, r right, report *Report) (bool, error) {
	key := ""
	if r.method == http.MethodPost {
		key = fmt.Sprintf("check/%s/%d", r.path, c.now().UnixNano())
	}
	x := &exchange{key: key}
	body := ""
	if r.method == http.MethodGet {
		body = "limit=1"
	}
	params := &stripego.Params{Context: withExchange(ctx, x)}
	err := c.backend.CallRaw(r.method, r.path, c.config.Secrets.Key(), []byte(body), params, &stripego.APIResource{})
	c.compareClocks(x, report)
	switch f := c.failed(x, err); {
	case f == nil, f.status == http.StatusNotFound, f.status == http.StatusBadRequest:
		return true, nil
	case f.status == http.StatusForbidden || f.refused && f.status == 0:
		return false, nil
	default:
		return false, f.while("asking for the rights of the key")
	}
}

// compareClocks finds out how far this machine's clock is ahead of Stripe's, by the
// time of an answer.
func (c *Client) compareClocks(x *exchange, report *Report) {
	if theirs, err := http.ParseTime(x.header.Get("Date")); err == nil {
		report.Clock = c.now().Sub(theirs)
	}
}
