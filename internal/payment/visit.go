package payment

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A VisitID names a visit, such as "V01K…". It cannot be guessed: a browser has
// it only because a caller's link led to the visit.
type VisitID string

// A Visit is one sender's way through a pipeline. The sender's choices are
// stored here and not in the browser.
type Visit struct {
	ID          VisitID
	Caller      party.CallerID
	Reference   holdfast.CallerReference
	Params      string                // of the Co-Branded request, encoded, without its signature fields
	SignatureV1 bool                  // request and answer are signed with version 1
	Sender      party.ID              // empty until somebody signed in
	Instrument  InstrumentID          // empty until chosen
	Address     party.AddressID       // empty until chosen
	Status      holdfast.ReturnStatus // empty until it has ended
	Message     string                // why it ended without success
	Answer      string                // ids of the new tokens, encoded as in the return URL
	// Key is held by the browsers that came by the caller's link. After sign-in
	// only the sender's browser holds it.
	Key     string
	Created time.Time // real time, as is Ended; for a checkout both are the caller's time
	Ended   time.Time

	// Fields of checkouts; see [CheckoutPath].
	Checkout CheckoutState
	Link     string    // the secret end of its address
	Expires  time.Time // the caller's time
	Language string    // of the pages, such as "de"; empty means the browser's
}

// Over reports whether the visit has ended. Its result then no longer changes.
func (v Visit) Over() bool { return !v.Ended.IsZero() }

// End returns the visit with its end recorded. If the sender has authorised
// something, the visit has its Answer already.
func (v Visit) End(status holdfast.ReturnStatus, message string, now time.Time) Visit {
	v.Status, v.Message, v.Ended = status, message, now
	switch {
	case !v.IsCheckout():
	case v.Answer != "":
		v.Checkout = CheckoutApproved
	default:
		v.Checkout = CheckoutCancelled
	}
	return v
}

// A PipelineEnd is how a pipeline ends without a token: the status and the
// errorMessage of the return URL.
type PipelineEnd struct { //nolint:errname // it is an answer, and an error only inside the server
	Status  holdfast.ReturnStatus
	Message string
	Wrong   string // names of the malformed parameters, with blanks; see Malformed
}

// Names are the names of the malformed parameters.
func (e *PipelineEnd) Names() []string { return strings.Fields(e.Wrong) }

func (e *PipelineEnd) Error() string {
	return fmt.Sprintf("pipeline ends with %s: %s", e.Status, e.Message)
}

// Messages to callers. Programs look at the status. The first two texts are the
// original service's (Co-Branded Service, captured answers).
const (
	malformed        = "The following input(s) are not well formed: "
	messageRestarted = "User Error: The pipeline was aborted and restarted"
	messageAbandoned = "User Error: The sender left the pipeline"
	messageNoMethod  = "User Error: The sender has none of the requested payment methods"
	messageExpired   = "User Error: The checkout was not approved in time"
	messageWithdrawn = "Caller Error: The caller has cancelled the checkout"
)

// Malformed is the end of a request with malformed parameters.
func Malformed(names ...string) *PipelineEnd {
	return &PipelineEnd{
		Status: holdfast.ReturnCallerError, Message: malformed + list(names), Wrong: strings.Join(names, " "),
	}
}

// Restarted is the end of a pipeline started again after its sender gave it up.
func Restarted() *PipelineEnd {
	return &PipelineEnd{Status: holdfast.ReturnAccountProblem, Message: messageRestarted}
}

// Abandoned is the end of a pipeline that the sender left.
func Abandoned() *PipelineEnd {
	return &PipelineEnd{Status: holdfast.ReturnAbandoned, Message: messageAbandoned}
}

// NotMarketplace is the end of a request that names recipients, if the caller
// is no marketplace.
func NotMarketplace() *PipelineEnd {
	return &PipelineEnd{
		Status:  holdfast.ReturnNotMarketplace,
		Message: "Caller Error: The caller is not registered as a marketplace and cannot name recipients",
	}
}

// NoMethod is the end for a sender who has none of the requested payment
// methods.
func NoMethod() *PipelineEnd {
	return &PipelineEnd{Status: holdfast.ReturnPaymentError, Message: messageNoMethod}
}

// SystemError is the end if the server failed. The caller may send the same
// request again.
func SystemError() *PipelineEnd {
	return &PipelineEnd{Status: holdfast.ReturnSystemError, Message: "System error. Please try again"}
}

// AccountProblem says why a sender cannot pay a recipient with any of the
// methods that the caller accepts. It is nil if the sender can.
func (r PipelineRequest) AccountProblem(sender, recipient party.Party) *PipelineEnd {
	switch {
	case sender.ID == recipient.ID:
		return accountProblem("The sender and the recipient are the same account")
	case recipient.Standing != party.Active:
		return accountProblem("The recipient's account is not active")
	case r.cardsOnly() && !recipient.Business:
		return accountProblem("The recipient has a personal account, which cannot take cards")
	}
	return nil
}

func (r PipelineRequest) cardsOnly() bool {
	return !slices.ContainsFunc(r.Methods, func(m holdfast.PaymentMethod) bool { return m != holdfast.MethodCC })
}

// A Payee is a party that a request would pay: the caller's owner, or the
// holder of a recipient token that it names.
type Payee struct {
	Party party.Party
	Named holdfast.TokenID // empty for the owner, as are the rest
	Token Token
	Found bool
}

// TakenBy reduces a request's methods to those that every payee accepts. Cards
// stay if they are the only method left; they are then an account problem.
func (r PipelineRequest) TakenBy(payees []Payee) PipelineRequest {
	cardsOnly := r.cardsOnly()
	r.Methods = slices.DeleteFunc(slices.Clone(r.Methods), func(m holdfast.PaymentMethod) bool {
		return slices.ContainsFunc(payees, func(p Payee) bool {
			refused := len(p.Token.Methods) > 0 && !slices.Contains(p.Token.Methods, m)
			return refused || m == holdfast.MethodCC && !p.Party.Business && !cardsOnly
		})
	})
	return r
}

// CheckPayees refuses recipients that the caller cannot name, and a request
// without a method that the recipients accept.
func (r PipelineRequest) CheckPayees(c party.Caller, payees []Payee, now time.Time) *PipelineEnd {
	for _, p := range payees {
		switch {
		case p.Named == "":
		case !c.Marketplace:
			return NotMarketplace()
		case FindRecipient(p.Token, p.Found, c.ID, p.Named) != nil || p.Token.Status(now) != holdfast.TokenActive:
			return Malformed(r.recipientsName())
		}
	}
	if r.Pays() && len(r.Methods) == 0 {
		return Malformed("paymentMethod")
	}
	return nil
}

// OwnProblem says why a party cannot agree to the request because of its own
// account; nil if it can. A recipient must have a verified e-mail address. A
// sender may still be new at real.
func (r PipelineRequest) OwnProblem(p party.Party, real time.Time) *PipelineEnd {
	switch {
	case p.Standing != party.Active:
		return accountProblem("The account is not active")
	case r.Unproved(p, real):
		return accountProblem("The e-mail address is not verified")
	}
	return nil
}

// Unproved reports whether the party's e-mail address has to be verified before
// it can agree to the request.
func (r PipelineRequest) Unproved(p party.Party, real time.Time) bool {
	if r.Pipeline == PipelineRecipient {
		return !p.EmailVerified
	}
	return !p.MayPay(real)
}

func accountProblem(what string) *PipelineEnd {
	return &PipelineEnd{Status: holdfast.ReturnAccountProblem, Message: "User Error: " + what}
}
