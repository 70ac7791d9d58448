package payment

import (
	"regexp"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// Limits of the settings of network accounts.
const (
	NetworkNameMax      = 40  // characters
	NetworkPerSecondMax = 500 // requests to one endpoint
	EventSecretsMax     = 2   // while one replaces the other
	WaitMin             = 100 * time.Millisecond
	WaitMax             = 30 * time.Second
)

// PerSecond is how many requests to one endpoint an account may send in a second
// unless the operator sets another number. Both are below what Stripe allows.
func (m NetworkMode) PerSecond() int {
	if m == NetworkLive {
		return 20
	}
	return 10
}

// SeveralCaptures reports whether a card network captures a hold more than once,
// as parts of a hold need it. The sandbox, which has no kind, does so. Stripe does
// so only for few accounts and cards, and is never asked to.
func (k NetworkKind) SeveralCaptures() bool {
	switch k {
	case NetworkStripe:
		return false
	}
	return true
}

// accountName matches names that need no quotes on a command line, and cannot be
// mistaken for an id.
var accountName = regexp.MustCompile(`^[a-z][a-z0-9._-]*$`)

// SandboxName stands for the sandbox where an account is expected. No account has
// this name.
const SandboxName = "sandbox"

// statementPrefix matches what Stripe accepts in front of the text on a card
// statement. A prefix also needs a letter.
var statementPrefix = regexp.MustCompile(`^[A-Za-z0-9 .,&/#+-]{2,10}$`)

// Check refuses settings of an account that cannot be right.
func (a NetworkAccount) Check() error {
	switch {
	case a.Kind != NetworkStripe:
		return holdfast.Errorf(holdfast.InvalidParams, "the only card network is %s", NetworkStripe)
	case a.Mode != NetworkTest && a.Mode != NetworkLive:
		return holdfast.Errorf(holdfast.InvalidParams, "the mode of an account is %s or %s", NetworkTest, NetworkLive)
	case !accountName.MatchString(a.Name) || len(a.Name) > NetworkNameMax || a.Name == SandboxName:
		return holdfast.Errorf(holdfast.InvalidParams,
			"the name of an account has from 1 to %d small letters, digits, dots, dashes and underscores, and begins with a "+
				"letter; %s is taken", NetworkNameMax, SandboxName)
	case a.StatementPrefix != "" && (!statementPrefix.MatchString(a.StatementPrefix) || !hasLetter(a.StatementPrefix)):
		return holdfast.Errorf(holdfast.InvalidParams,
			"a statement prefix has from 2 to 10 Latin letters, digits and signs, and at least one letter")
	case a.PerSecond < 1 || a.PerSecond > NetworkPerSecondMax:
		return holdfast.Errorf(holdfast.InvalidParams, "an account sends from 1 to %d requests a second to one endpoint",
			NetworkPerSecondMax)
	case a.Fees.Share < 0 || a.Fees.Fixed.Micro < 0:
		return holdfast.Errorf(holdfast.InvalidParams, "a fee is not negative")
	case a.BaseURL != "" && a.Mode == NetworkLive:
		return holdfast.Errorf(holdfast.InvalidParams, "only a test account may be at another address than the network's")
	}
	return nil
}

func hasLetter(text string) bool {
	return strings.ContainsFunc(text, func(c rune) bool { return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' })
}

// Forms of Stripe's secrets. Both bounds are far from the lengths that Stripe
// uses.
var (
	stripeKey         = regexp.MustCompile(`^(sk|rk)_(test|live)_[A-Za-z0-9_]{8,247}$`)
	stripeEventSecret = regexp.MustCompile(`^whsec_[A-Za-z0-9+/=_-]{16,250}$`)
)

// A NetworkKey is what the form of an API key tells about it.
type NetworkKey struct {
	Mode NetworkMode
	Full bool // the key may do everything in the account
}

// ReadNetworkKey reads the form of an API key of Stripe. Its error does not
// contain the key.
func ReadNetworkKey(key string) (NetworkKey, error) {
	form := stripeKey.FindStringSubmatch(key)
	switch {
	case form != nil:
		return NetworkKey{Mode: NetworkMode(form[2]), Full: form[1] == "sk"}, nil
	case strings.HasPrefix(key, "pk_"):
		return NetworkKey{}, holdfast.Errorf(holdfast.InvalidParams,
			"this is a publishable key; give a restricted key, which begins with rk_")
	case strings.HasPrefix(key, "whsec_"):
		return NetworkKey{}, holdfast.Errorf(holdfast.InvalidParams,
			"this is the secret of a webhook endpoint; give a restricted key, which begins with rk_")
	}
	return NetworkKey{}, holdfast.Errorf(holdfast.InvalidParams,
		"this is no key of Stripe; give a restricted key, which begins with rk_test_ or rk_live_")
}

// CheckKey refuses an API key of the other mode, and a key with all rights
// unless full allows it. Its error does not contain the key.
func (a NetworkAccount) CheckKey(key string, full bool) error {
	form, err := ReadNetworkKey(key)
	switch {
	case err != nil:
		return err
	case form.Mode != a.Mode:
		return holdfast.Errorf(holdfast.InvalidParams, "this is a %s key, but the account is a %s account", form.Mode,
			a.Mode)
	case form.Full && !full:
		return holdfast.Errorf(holdfast.InvalidParams,
			"this key may do everything in the account; make a restricted key with the rights that docs/going-live.md lists, "+
				"or accept the risk with --full-key")
	}
	return nil
}

// CheckEventSecrets refuses secrets that do not sign a network's messages. Its
// error does not contain them.
func CheckEventSecrets(secrets []string) error {
	if len(secrets) > EventSecretsMax {
		return holdfast.Errorf(holdfast.InvalidParams,
			"the account has %d event secrets already; remove the old one first", EventSecretsMax)
	}
	for i, secret := range secrets {
		if !stripeEventSecret.MatchString(secret) {
			return holdfast.Errorf(holdfast.InvalidParams,
				"this is no secret of a webhook endpoint, which begins with whsec_")
		}
		for _, other := range secrets[:i] {
			if other == secret {
				return holdfast.Errorf(holdfast.InvalidParams, "the account has this event secret already")
			}
		}
	}
	return nil
}

// CheckWait refuses a wait for the network that no caller can use. Zero is the
// server's default.
func CheckWait(wait time.Duration) error {
	if wait != 0 && (wait < WaitMin || wait > WaitMax) {
		return holdfast.Errorf(holdfast.InvalidParams, "a caller waits from %v to %v for the network", WaitMin, WaitMax)
	}
	return nil
}

// A NetworkChoice is the account that a caller is to use, and what the caller has
// already.
type NetworkChoice struct {
	// Account is the account. Nil is the sandbox.
	Account *NetworkAccount
	// Live says that the operator means real money.
	Live bool
	// Began says that the caller has a payment, a token or a sender on the pages, old
	// or new.
	Began bool
	// Open says that the caller has a payment that is not over.
	Open bool
	// Elsewhere says that a sender of the caller could still pay with a card that is
	// not kept at the account.
	Elsewhere bool
}

// UseNetwork lets a caller use another account at a card network. The caller's
// settings for the pages are those that suit the account; the operator may change
// them afterwards.
func UseNetwork(c party.Caller, n NetworkChoice) (party.Caller, error) {
	id, sandbox := party.NetworkAccountID(""), true
	if n.Account != nil {
		id, sandbox = n.Account.ID, n.Account.Mode != NetworkLive
	}
	switch {
	case n.Live && sandbox:
		return c, holdfast.Errorf(holdfast.InvalidParams, "a live caller needs a live account")
	case !n.Live && !sandbox:
		return c, holdfast.Errorf(holdfast.InvalidParams,
			"real money moves on the account %s; add --live if that is meant", n.Account.Name)
	case n.Account != nil && n.Account.Owner != c.Owner:
		return c, holdfast.Errorf(holdfast.AccessFailure, "the account %s belongs to another party than the caller",
			n.Account.Name)
	}
	if id == c.Network && sandbox == c.Sandbox {
		return c, nil
	}
	switch {
	case sandbox != c.Sandbox && n.Began:
		return c, holdfast.Errorf(holdfast.InvalidParams,
			"the caller has payments or tokens already, and real money is never in the same books as test money; make a new "+
				"caller")
	case n.Open:
		return c, holdfast.Errorf(holdfast.InvalidParams,
			"the caller has payments that are not over; settle or cancel them, or wait for their end")
	case n.Elsewhere:
		return c, holdfast.Errorf(holdfast.InvalidParams,
			"the caller has tokens with cards that are not kept at this account; cancel them first, or make a new caller")
	case id != "" && c.ClockOffset != 0:
		return c, holdfast.Errorf(holdfast.InvalidParams,
			"the caller's clock was moved, and a card network goes by real time; reset it with holdfast clock reset")
	}
	if id != "" != (c.Network != "") {
		c.HoldOnPage, c.Guests = id != "", id != ""
	}
	c.Network, c.Sandbox = id, sandbox
	return c, CheckRealCaller(c)
}

// CheckRealCaller refuses settings that a caller with an account at a card
// network cannot have.
func CheckRealCaller(c party.Caller) error {
	if c.Network != "" && c.Marketplace {
		return holdfast.Errorf(holdfast.InvalidParams,
			"a marketplace cannot use an account at a card network: money goes only to the owner of the account")
	}
	return nil
}

// A NetworkNeed counts what still needs an account at a card network.
type NetworkNeed struct {
	Callers   int64 // that use it
	Open      int64 // payments that are not over
	Tokens    int64 // that can still pay with a card that is kept there
	PageHolds int64 // that are not adopted or released
	Disputes  int64 // that are open
	Paid      int64 // payments that could be refunded or disputed
}

// MayRemove refuses to remove an account that something needs. giveUp accepts
// that the account's payments can no longer be refunded.
func (n NetworkNeed) MayRemove(giveUp bool) error {
	for _, need := range []struct {
		count int64
		what  string
	}{
		{n.Callers, "callers that use it: %d; give them another one with holdfast caller set --network"},
		{n.Open, "payments that are not over: %d"},
		{n.PageHolds, "holds that buyers placed on its pages and that are not over: %d"},
		{n.Tokens, "tokens that can still pay with its cards: %d; cancel them first"},
		{n.Disputes, "open disputes: %d"},
	} {
		if need.count > 0 {
			return holdfast.Errorf(holdfast.InvalidParams, "the account is still needed by "+need.what, need.count)
		}
	}
	if n.Paid > 0 && !giveUp {
		return holdfast.Errorf(holdfast.InvalidParams,
			"the account has taken %d payments, which could not be refunded without its key, and whose disputes would not be "+
				"seen; keep it, or give that up with --give-up-refunds", n.Paid)
	}
	return nil
}
