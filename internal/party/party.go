// Package party has the participants of payments: senders, recipients and
// callers, with their access keys, passwords and standing.
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

// An ID names a party, such as "P01K…". A party may be a sender, a recipient or
// the owner of a caller.
type ID string

// A Standing says whether a party's account may take part in payments.
type Standing string

// The standings.
const (
	Active    Standing = "Active"
	Suspended Standing = "Suspended"
	Closed    Standing = "Closed"
)

// A Party is a person or a business with an account at this server.
type Party struct {
	ID            ID
	Name          string // shown to the other side
	Email         string // as typed; compared without case
	EmailVerified bool
	// VerifyBy is the time until which a newcomer may pay without a verified
	// e-mail address. It is zero for parties that were never asked to verify it. For
	// guests see below.
	VerifyBy     time.Time
	Language     string // of the pages that the party last read, "de-CH"; empty if unknown
	PasswordHash string // from Hashing.Hash; never shown
	Standing     Standing

	// Business accounts may be paid by card; personal ones may not.
	Business bool
	// Verified means that the operator knows the account's owner, because a bank
	// account or a card was confirmed. A party without it can neither pay nor be
	// paid.
	Verified bool
	// SendingLimit and ReceivingLimit are the largest sums that the party may pay
	// and receive in a month. The zero Amount means no limit.
	SendingLimit, ReceivingLimit money.Amount

	// Guest says that the party pays once without an account. It cannot sign in, and
	// has neither a name nor an e-mail address until it gives them with its card. A
	// guest without a token is forgotten at VerifyBy.
	Guest   bool
	Created time.Time
}

// ProvedEmail is the e-mail address if the party has proved it; otherwise it is empty.
func (p Party) ProvedEmail() string {
	if !p.EmailVerified {
		return ""
	}
	return p.Email
}

// MayPay reports whether the party's e-mail address allows it to pay: the
// address is verified, or the party is new enough, or a guest. To be paid, a party
// must always have a verified address.
func (p Party) MayPay(now time.Time) bool {
	return p.EmailVerified || p.Guest || now.Before(p.VerifyBy)
}

// Newcomer reports whether the party has signed up by itself and has not
// verified its e-mail address yet. Other parties are unverified only if an
// operator marked them so.
func (p Party) Newcomer() bool { return !p.Guest && !p.EmailVerified && !p.VerifyBy.IsZero() }

// Verification is the API's name for the party's verification
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

// Limits of names, e-mail addresses and passwords.
const (
	NameMax     = 128 // characters
	EmailMax    = 65  // characters: the size of buyerEmail in an IPN
	PasswordMin = 8   // characters
	PasswordMax = 200 // characters
)

// EmailKey is the key by which an address is stored and found. Two spellings of
// one mailbox have the same key; two mailboxes have different keys. In the
// local part, only ASCII letters ignore case, because a mail server may
// distinguish all others: Unicode's rules would make a Kelvin sign a k. The
// domain is in the form that is looked up in the DNS (IDNA, RFC 5891 and UTS
// 46).
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

// MailDomain is the domain of an address in the form that name servers use.
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

// A NetworkAccountID names a merchant's account at a card network, such as
// "N01K…". The empty id is the sandbox, which needs no account.
type NetworkAccountID string

// A Caller is a program, usually a web site, that requests payments for its
// owner.
type Caller struct {
	ID    CallerID
	Owner ID     // the party that is paid unless a recipient token says otherwise
	Name  string // shown to senders
	// Descriptor is the text on card statements if the recipient's name or the
	// payment's description cannot be written in Latin letters.
	Descriptor string
	IPNURL     string // where notifications go; empty for none
	Zone       Zone   // of the times on the caller's pages of the console

	// BareReturn adds only the answer to the caller's return URL, without the
	// parameters of the Co-Branded request.
	BareReturn bool
	// PendingFirst answers every Reserve with Pending, which old FPS programs
	// expect. They get the outcome by IPN or GetTransactionStatus.
	PendingFirst bool
	// PendingNotice sends a notification of PENDING for every Reserve. Without it,
	// only Reserves that were answered with Pending have one.
	PendingNotice bool
	// SignatureV1 lets the caller sign with version 1, for programs that have no
	// other version. Version 1 signs names and values without separators. So an
	// attacker can build a different request with the same signature, and the
	// server cannot detect it.
	SignatureV1 bool
	// Marketplace callers may move money between senders and recipients other than
	// their owner, and take a fee for it.
	Marketplace bool
	// Resume gives an identical Co-Branded request the result of the first one,
	// after the same sender has signed in. Without it, the second request is a
	// caller error, as it was with FPS.
	Resume bool
	// ReuseCancelled lets a caller use a reference again on the pages after its
	// sender left the pipeline. Without it, the reference is used up, as it was
	// with FPS.
	ReuseCancelled bool
	// ReturnSchemes are the schemes that return addresses may have in addition to
	// http and https, separated by blanks. They belong to applications on the
	// sender's device.
	ReturnSchemes string
	// Network is the account at a card network that the caller's payments use. It is
	// empty in the sandbox.
	Network NetworkAccountID
	// Wait is how long a Reserve or Pay waits for the network before it is answered
	// with Pending. Zero is the server's default for the caller: see
	// [Caller.WaitFor].
	Wait time.Duration
	// HoldOnPage places the hold of a single payment on the network's page, where
	// the sender is present, if the request says that a Reserve follows.
	HoldOnPage bool
	// Guests lets senders pay once without an account.
	Guests bool
	// GuestLimit is the largest sum that guests may pay with one card in a month. The
	// zero Amount means no limit.
	GuestLimit money.Amount
	// ApproveAbove is the largest amount that a member or a command may settle or refund
	// without the approval of a second person. The zero Amount means any amount.
	ApproveAbove money.Amount
	// Warnings are when the caller is warned of the deadline of a hold, and
	// WarningMails says that its owner gets them by mail, too.
	Warnings     Warnings
	WarningMails bool
	// BuyerMails says that senders get mails about approvals, charges, releases and
	// refunds. A caller that writes to its buyers itself can switch them off.
	BuyerMails bool
	// Sandbox callers move no real money. They may move their clock, unless they use
	// an account at a card network. A live caller has no offset.
	Sandbox     bool
	ClockOffset time.Duration
	// Stopped is since when the caller may not move money, because the audit has
	// found a fault in its books. Zero means that it may.
	Stopped time.Time
	// Events says that the caller's objects have events. It is set with the first key or
	// endpoint of the JSON API, and stays set.
	Events  bool
	Created time.Time
}

// ReturnsBy reports whether ReturnSchemes has the scheme.
func (c Caller) ReturnsBy(scheme string) bool {
	return holdfast.IsAppScheme(scheme) && slices.Contains(strings.Fields(c.ReturnSchemes), scheme)
}

// LimitScope names the group of payments that count together against a party's
// limits. The payments of all live callers are one group; those of each sandbox
// caller are another. A sandbox caller has its own clock, which would move the
// windows of all callers if they shared them.
func (c Caller) LimitScope() string {
	if c.Sandbox {
		return string(c.ID)
	}
	return "live"
}

// Now is the caller's time at the given real time.
func (c Caller) Now(real time.Time) time.Time { return real.Add(c.ClockOffset) }

// Waits of an answer for the card network. A real network takes longer.
const (
	waitSandbox = 2 * time.Second
	waitNetwork = 5 * time.Second
)

// WaitFor is how long an answer waits for the card network.
func (c Caller) WaitFor() time.Duration {
	switch {
	case c.Wait > 0:
		return c.Wait
	case c.Network != "":
		return waitNetwork
	}
	return waitSandbox
}

// clockOffsetMax keeps a moved clock within the dates that every program can
// read.
const clockOffsetMax = 10 * 366 * 24 * time.Hour

var errNetworkClock = holdfast.Errorf(holdfast.AccessFailure,
	"the clock of a caller with an account at a card network cannot be moved: the network has its own time")

// Advance moves a sandbox caller's clock forward. It refuses live callers. It
// also refuses to move the clock back, because an expired hold cannot become
// valid again; only ResetClock does that.
func (c Caller) Advance(by time.Duration) (Caller, error) {
	switch {
	case !c.Sandbox:
		return c, holdfast.Errorf(holdfast.AccessFailure, "only a sandbox caller's clock can be moved")
	case c.Network != "":
		return c, errNetworkClock
	case by <= 0:
		return c, holdfast.Errorf(holdfast.InvalidParams, "the clock moves forward only; give a duration such as 168h")
	case by > clockOffsetMax-c.ClockOffset:
		return c, holdfast.Errorf(holdfast.InvalidParams, "the clock may be at most ten years ahead")
	}
	c.ClockOffset += by
	return c, nil
}

// ResetClock sets a sandbox caller's clock back to real time. Holds that have
// expired stay expired.
func (c Caller) ResetClock() (Caller, error) {
	switch {
	case !c.Sandbox:
		return c, holdfast.Errorf(holdfast.AccessFailure, "only a sandbox caller's clock can be moved")
	case c.Network != "":
		return c, errNetworkClock
	}
	c.ClockOffset = 0
	return c, nil
}

// SignatureV1Hint says how to allow a program that has only signature version
// 1.
func SignatureV1Hint(id CallerID) string {
	return "Signature version 1 is switched off for this caller. For an old program that knows no other: holdfast " +
		"caller set --caller " + string(id) + " --signature-v1"
}
