// Package party says who takes part: senders, recipients and callers, with
// their access keys, passwords and standing.
package party

import (
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// An ID names a party, such as "P01K…". A party may be a sender, a recipient,
// or the owner of a caller.
type ID string

// A Standing says whether a party's account may take part in payments.
type Standing string

// The standings there are.
const (
	Active    Standing = "Active"
	Suspended Standing = "Suspended"
	Closed    Standing = "Closed"
)

// A Party is a person or a business with an account here.
type Party struct {
	ID            ID
	Name          string // shown to the other side
	Email         string // as typed; compared without case
	EmailVerified bool
	// VerifyBy is until when a newcomer may pay before the e-mail address is
	// verified. It is zero for those who were never asked to verify it.
	VerifyBy     time.Time
	Language     string // that the party last read our pages in, "de-CH"; empty when not known
	PasswordHash string // from Hashing.Hash; never shown
	Standing     Standing

	// Business accounts may be paid by card; personal ones may not.
	Business bool
	// Verified means that the operator knows whose account it is: a bank account
	// or a card was confirmed. Others neither pay nor are paid.
	Verified bool
	// SendingLimit and ReceivingLimit bound what may be sent and received in a
	// month; the zero Amount is no limit.
	SendingLimit, ReceivingLimit money.Amount

	Created time.Time
}

// MayPay reports whether the party's e-mail address stands in the way of paying:
// it is verified, or the party is new enough. Whoever is paid has to be verified.
func (p Party) MayPay(now time.Time) bool { return p.EmailVerified || now.Before(p.VerifyBy) }

// Newcomer reports whether the party has signed up by itself and not verified its
// e-mail address yet. Others are unverified because an operator says so.
func (p Party) Newcomer() bool { return !p.EmailVerified && !p.VerifyBy.IsZero() }

// Verification is how far the party is verified, in the API's words
// (GetRecipientVerificationStatus).
func (p Party) Verification() holdfast.RecipientVerificationStatus {
	switch {
	case !p.Verified || !p.EmailVerified || p.Standing != Active:
		return holdfast.VerificationPending
	case p.ReceivingLimit.Given():
		return holdfast.VerificationComplete
	}
	return holdfast.VerificationCompleteNoLimits
}

// Limits of what a party may call itself.
const (
	NameMax     = 128 // characters
	EmailMax    = 65  // characters: the size IPN gives buyerEmail
	PasswordMin = 8   // characters
	PasswordMax = 200 // characters
)

// EmailKey is what an address is found by: two spellings of one mailbox have one
// key, and two mailboxes have two. Of the local part only ASCII letters are compared
// without their case, since a mail server may tell all others apart: Unicode would
// make a Kelvin sign a k. A domain is what is looked up for it in the DNS (IDNA, RFC
// 5891 and UTS 46), in either of its forms.
func EmailKey(address string) string {
	address = strings.TrimSpace(address)
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return holdfast.FoldName(address)
	}
	domain, err := MailDomain(address[at+1:])
	if err != nil {
		domain = address[at+1:] // such as [192.0.2.1]
	}
	return holdfast.FoldName(address[:at+1] + domain)
}

var mailDomains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.VerifyDNSLength(true))

// MailDomain is the domain of an address as name servers know it.
func MailDomain(domain string) (string, error) { return mailDomains.ToASCII(domain) }

// ValidEmail reports whether address is a bare e-mail address of a length that
// notifications can carry.
func ValidEmail(address string) bool {
	parsed, err := mail.ParseAddress(address)
	return err == nil && parsed.Address == address && ValidLine(address) && utf8.RuneCountInString(address) <= EmailMax
}

// A CallerID names a caller, such as "C01K…". Return URLs and notifications
// carry it.
type CallerID = holdfast.CallerID

// A Caller is a web site that asks for payments on behalf of its owner.
type Caller struct {
	ID    CallerID
	Owner ID     // the party that is paid unless a recipient token says otherwise
	Name  string // shown to senders
	// Descriptor is what card statements show where the recipient's name or the
	// words of a payment cannot be written in Latin letters.
	Descriptor string
	IPNURL     string // where notifications go; empty sends none

	// BareReturn gives the caller's return URL only the answer, not the
	// parameters of the Co-Branded request beside it.
	BareReturn bool
	// PendingFirst answers Reserve with Pending always, as programs of the
	// time expect; the outcome follows by IPN and GetTransactionStatus.
	PendingFirst bool
	// SignatureV1 lets the caller sign by version 1, for programs that know no
	// other. Its text runs names and values together, so a request can be split
	// into others with the same signature, and nobody can tell.
	SignatureV1 bool
	// Marketplace callers are registered to bring together senders and recipients
	// other than their owner, and to take a fee for it.
	Marketplace bool
	// Resume answers a Co-Branded request that comes again to the letter, once the
	// same sender has signed in, with what it came to before. Without it the second
	// request is a caller error, as it was with FPS.
	Resume bool
	// ReuseCancelled lets a reference be asked for again on the pages after its
	// sender gave up. Without it the reference is used up, as it was with FPS.
	ReuseCancelled bool
	// ReturnSchemes are those that return addresses may have besides http and https,
	// apart by blanks: of applications on the sender's own device.
	ReturnSchemes string
	// Sandbox callers use test cards and may move their clock. A live caller
	// has no offset.
	Sandbox     bool
	ClockOffset time.Duration
	Created     time.Time
}

// ReturnsBy reports whether the caller is set to have return addresses of a scheme
// besides http and https.
func (c Caller) ReturnsBy(scheme string) bool {
	return holdfast.IsAppScheme(scheme) && slices.Contains(strings.Fields(c.ReturnSchemes), scheme)
}

// LimitScope names what is counted together against a party's limits: the payments
// of all live callers, and those of each sandbox caller by itself. A sandbox caller
// has a clock of its own, and windows that all of them shared would move with it.
func (c Caller) LimitScope() string {
	if c.Sandbox {
		return string(c.ID)
	}
	return "live"
}

// Now is the caller's time when the world's is real.
func (c Caller) Now(real time.Time) time.Time { return real.Add(c.ClockOffset) }

// clockOffsetMax keeps a moved clock within dates that every program can read.
const clockOffsetMax = 10 * 366 * 24 * time.Hour

// Advance moves a sandbox caller's clock forward. Live callers are refused, and
// so is the way back, since what has expired cannot come alive again; Reset is
// the one exception.
func (c Caller) Advance(by time.Duration) (Caller, error) {
	switch {
	case !c.Sandbox:
		return c, holdfast.Errorf(holdfast.AccessFailure, "only a sandbox caller's clock can be moved")
	case by <= 0:
		return c, holdfast.Errorf(holdfast.InvalidParams, "the clock moves forward only; give a duration such as 168h")
	case by > clockOffsetMax-c.ClockOffset:
		return c, holdfast.Errorf(holdfast.InvalidParams, "the clock may be at most ten years ahead")
	}
	c.ClockOffset += by
	return c, nil
}

// ResetClock puts a sandbox caller back to real time. What expired meanwhile
// stays expired.
func (c Caller) ResetClock() (Caller, error) {
	if !c.Sandbox {
		return c, holdfast.Errorf(holdfast.AccessFailure, "only a sandbox caller's clock can be moved")
	}
	c.ClockOffset = 0
	return c, nil
}

// SignatureV1Hint says how a program that knows signature version 1 only gets in.
func SignatureV1Hint(id CallerID) string {
	return "Signature version 1 is switched off for this caller. For an old program that knows no other: holdfast " +
		"caller set --caller " + string(id) + " --signature-v1"
}

// An AccessKey signs a caller's requests.
type AccessKey struct {
	ID     string // 20 characters, public
	Secret holdfast.SecretKey
	Caller CallerID
}
