package payment

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A checkout is a visit that its caller has made with the JSON API. Its address
// needs no signature, because it cannot be guessed. All other rules are those of
// a visit that a signed link opens.

// CheckoutPath is the beginning of a checkout's address; the visit's Link follows.
const CheckoutPath = "/cobranded-ui/checkout/"

const (
	// CheckoutLife is how long a buyer can approve a checkout.
	CheckoutLife = 3 * time.Hour
	// checkoutBytesMax is the size of the largest request. A signed link can have
	// as much, and the return URL repeats it.
	checkoutBytesMax = 16 << 10
)

// A CheckoutState says what became of a checkout. Visits by signed links have
// none.
type CheckoutState string

// The states. A checkout begins Open and takes one other state.
const (
	CheckoutOpen      CheckoutState = "Open"
	CheckoutApproved  CheckoutState = "Approved"  // there is a token
	CheckoutCancelled CheckoutState = "Cancelled" // by the buyer or the caller, or the buyer could not pay
	CheckoutExpired   CheckoutState = "Expired"   // the buyer did not approve it in time
)

// CheckoutPipelines are the pipelines that a checkout can have.
var CheckoutPipelines = []Pipeline{PipelineSingleUse, PipelineMultiUse, PipelineRecurring}

// CheckoutField is the parameter of the return URL with a checkout's id.
const CheckoutField = "checkout"

// ReadCheckout reads the request of a checkout. Its parameters have the names of
// a Co-Branded request. The end names the malformed ones.
func ReadCheckout(caller party.Caller, p holdfast.Params) (PipelineRequest, *PipelineEnd) {
	name, _ := PipelineParam(p, "pipelineName")
	if !slices.Contains(CheckoutPipelines, Pipeline(name)) {
		return PipelineRequest{}, Malformed("pipelineName")
	}
	var bad []string
	size := 0
	for _, one := range p {
		size += len(one.Name) + len(one.Value)
		if _, err := holdfast.ParseParams(holdfast.Params{one}.Encode()); err != nil || !isText(one.Value) {
			bad = append(bad, one.Name)
		}
	}
	switch {
	case len(bad) > 0:
		return PipelineRequest{}, Malformed(bad...)
	case size > checkoutBytesMax:
		return PipelineRequest{}, Malformed(longest(p))
	}
	r, end := ReadPipeline(p)
	if end != nil {
		bad = end.Names()
	}
	address, _ := PipelineParam(p, "returnURL")
	if _, err := ReadReturnURL(caller, address, append(ReservedIn(p), CheckoutField)); err != nil {
		bad = append(bad, "returnURL")
	}
	if len(bad) > 0 {
		return PipelineRequest{}, Malformed(bad...)
	}
	return r, nil
}

// isText reports whether a value has no control characters. Line breaks and tabs
// are allowed.
func isText(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool {
		return c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7f
	})
}

// longest is the name of the largest parameter.
func longest(p holdfast.Params) string {
	return slices.MaxFunc(p, func(a, b holdfast.Param) int { return len(a.Value) - len(b.Value) }).Name
}

// IsCheckout reports whether the visit is a checkout.
func (v Visit) IsCheckout() bool { return v.Checkout != "" }

// Lapsed reports whether the visit is a checkout that was not approved in time
// and has not ended yet. now is the caller's time.
func (v Visit) Lapsed(now time.Time) bool {
	return v.Checkout == CheckoutOpen && !now.Before(v.Expires)
}

// CheckoutAt is the state of a checkout at now, the caller's time. An expiry
// counts even if no row records it.
func (v Visit) CheckoutAt(now time.Time) CheckoutState {
	if v.Lapsed(now) {
		return CheckoutExpired
	}
	return v.Checkout
}

// Expire returns a lapsed checkout with its end recorded. Its reference is not
// used up.
func (v Visit) Expire(now time.Time) Visit {
	v = v.End(holdfast.ReturnAbandoned, messageExpired, now)
	v.Checkout = CheckoutExpired
	return v
}

// CancelCheckout ends an open checkout for its caller. A checkout that is
// cancelled stays as it is; others are a *CheckoutStateError. Its reference is not
// used up.
func (v Visit) CancelCheckout(now time.Time) (Visit, error) {
	switch state := v.CheckoutAt(now); state {
	case CheckoutOpen:
		return v.End(holdfast.ReturnCallerError, messageWithdrawn, now), nil
	case CheckoutCancelled:
		return v, nil
	case CheckoutApproved, CheckoutExpired:
		return v, &CheckoutStateError{state}
	default:
		panic("payment: a visit that is no checkout is cancelled by its caller")
	}
}

// A CheckoutStateError says that a checkout cannot be cancelled any more.
type CheckoutStateError struct{ State CheckoutState }

func (e *CheckoutStateError) Error() string {
	return fmt.Sprintf("the checkout is %s and cannot be cancelled", strings.ToLower(string(e.State)))
}

// CheckoutReferenceInUse refuses a checkout whose reference a token has, or under
// whose reference a buyer has left an earlier checkout. why is the end that a signed
// link with the reference has.
func CheckoutReferenceInUse(r holdfast.CallerReference, why *PipelineEnd) error {
	refused := callErrorf(CallReferenceInUse, "the reference %q belongs to a token", r)
	if why.Status != holdfast.ReturnCallerError {
		refused.Message = fmt.Sprintf("the buyer has left an earlier checkout with the reference %q", r)
	}
	refused.Fields = []string{"/reference"}
	return refused
}

// A CheckoutData is a checkout in an event.
type CheckoutData struct {
	ID        string       `json:"id"`
	State     string       `json:"state"`
	Type      string       `json:"type"`
	Amount    *EventAmount `json:"amount,omitempty"`
	Reference string       `json:"reference"`
	Created   string       `json:"created"`
	Expires   string       `json:"expires"`
	Ended     string       `json:"ended,omitempty"`
	Status    string       `json:"status,omitempty"` // in the return URL
	Message   string       `json:"message,omitempty"`
	Token     string       `json:"token,omitempty"`
}

var checkoutEvents = map[CheckoutState]EventType{
	CheckoutOpen: EventCheckoutCreated, CheckoutApproved: EventCheckoutCompleted,
	CheckoutCancelled: EventCheckoutCancelled,
	CheckoutExpired:   EventCheckoutExpired,
}

// CheckoutEvent is the event of a checkout that was made or has ended, as it is. It
// has no number yet.
func (v Visit) CheckoutEvent() Event {
	at := v.Created
	if v.Over() {
		at = v.Ended
	}
	data := CheckoutData{
		ID: string(v.ID), State: apiWord(v.Checkout), Reference: string(v.Reference), Created: eventTime(v.Created),
		Expires: eventTime(v.Expires), Ended: eventTime(v.Ended), Status: string(v.Status), Message: v.Message,
		Token: string(v.TokenOf()),
	}
	if p, err := holdfast.ParseParams(v.Params); err == nil {
		r, _ := ReadPipeline(p)
		data.Type, data.Amount = apiWord(r.Pipeline), maybeEventAmount(r.Amount)
	}
	return Event{Caller: v.Caller, Type: checkoutEvents[v.Checkout], ObjectID: data.ID, At: at, Data: encoded(data)}
}

// TokenOf is the token that the sender of a visit has authorised, or empty. Only
// the pipelines of checkouts have just one.
func (v Visit) TokenOf() holdfast.TokenID {
	answer, err := holdfast.ParseParams(v.Answer)
	if err != nil {
		return ""
	}
	return holdfast.TokenID(answer.Get("tokenID"))
}
