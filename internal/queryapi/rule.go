package queryapi

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A rule says which values a parameter may have. Its words are used in refusals
// and in docs/api. A rule without met allows every value; other code checks it.
type rule struct {
	allowed string // completes "Name has to be …"
	form    string // what docs/api says instead, where allowed are recorded words that say little
	met     func(value string) bool
	refuse  func(name, value string) error // nil for the usual refusal
}

func (r rule) check(name, value string) error {
	switch {
	case r.met == nil || r.met(value):
		return nil
	case r.refuse != nil:
		return r.refuse(name, value)
	}
	return invalid(name, r.allowed, value)
}

func bytesMax(most int) rule {
	return rule{
		allowed: "at most " + strconv.Itoa(most) + " bytes",
		met:     func(value string) bool { return len(value) <= most },
	}
}

func charactersMax(most int) rule {
	return rule{
		allowed: "at most " + strconv.Itoa(most) + " characters",
		met:     func(value string) bool { return utf8.RuneCountInString(value) <= most },
	}
}

func oneOf(words ...string) rule {
	return rule{
		allowed: "one of " + strings.Join(words, ", "),
		met:     func(value string) bool { return slices.Contains(words, value) },
	}
}

// minutes is a whole number of minutes within a reserve's longest life.
var minutes = wholeNumber(payment.TimeoutMinsMax, " minutes")

// wholeNumber is from 1 to most, written without a sign.
func wholeNumber(most int, unit string) rule {
	return rule{
		allowed: "from 1 to " + strconv.Itoa(most) + unit,
		met: func(value string) bool {
			n, err := strconv.Atoi(value)
			return err == nil && n >= 1 && n <= most && value[0] != '+'
		},
	}
}

var percent = rule{
	allowed: "a percentage from 0 to 100 with at most four decimals",
	met: func(value string) bool {
		_, err := money.ParsePercent(value)
		return err == nil
	},
}

// identifier refuses a value that cannot be the id of a token or an instrument.
var identifier = bytesMax(identifierMax)

// transactionID refuses a value that cannot be a transaction's id, with the
// recorded message of FPS. The processor finds out whether the transaction
// exists.
var transactionID = rule{
	allowed: "a valid transaction ID",
	form:    strconv.Itoa(transactionIDSize) + " characters, of 0–9 and A–Z",
	met: func(value string) bool {
		strange := func(c rune) bool { return (c < '0' || c > '9') && (c < 'A' || c > 'Z') }
		return len(value) == transactionIDSize && !strings.ContainsFunc(value, strange)
	},
}

// webAddress is an http or https address to send notifications to. It is not
// quoted back, because it may contain a password.
var webAddress = rule{
	allowed: webAddressAllowed,
	met: func(value string) bool {
		u, err := url.Parse(value)
		return err == nil && len(value) <= urlMax && (u.Scheme == "http" || u.Scheme == "https") &&
			u.Hostname() != "" && u.User == nil && u.Fragment == ""
	},
	refuse: func(name, _ string) error {
		return holdfast.Errorf(holdfast.InvalidParams, "%s has to be %s.", name, webAddressAllowed)
	},
}

var webAddressAllowed = "an http or https URL of at most " + strconv.Itoa(urlMax) +
	" bytes, without user name and fragment"
