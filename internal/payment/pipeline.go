package payment

import (
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// A Pipeline is one kind of visit to the Co-Branded pages, named after what it
// makes.
type Pipeline string

// The pipelines. No other names exist.
const (
	PipelineSingleUse     Pipeline = "SingleUse"
	PipelineMultiUse      Pipeline = "MultiUse"
	PipelineRecurring     Pipeline = "Recurring"
	PipelineRecipient     Pipeline = "Recipient"
	PipelineSetupPrepaid  Pipeline = "SetupPrepaid"
	PipelineSetupPostpaid Pipeline = "SetupPostpaid"
	PipelineEditToken     Pipeline = "EditToken"
)

// Pipelines lists them.
var Pipelines = []Pipeline{
	PipelineSingleUse, PipelineMultiUse, PipelineRecurring, PipelineRecipient,
	PipelineSetupPrepaid, PipelineSetupPostpaid, PipelineEditToken,
}

// Bounds on the validity of tokens (MultiUse pipeline, validityStart and
// validityExpiry).
const (
	startsAheadMax = 365 * 24 * time.Hour
	startsAgoMax   = 24 * time.Hour // senders may follow a link much later
	multiUseLife   = 365 * 24 * time.Hour
)

// A PipelineRequest is a caller's request for a party's consent. Fields that
// the pipeline does not have are zero.
type PipelineRequest struct {
	Pipeline Pipeline
	// Reference is the CallerReference of the token. For SetupPrepaid and
	// SetupPostpaid it is that of the token that spends; for EditToken, that of
	// the request. Second is the reference of the funding, settlement or refund
	// token that is made with it.
	Reference, Second holdfast.CallerReference

	Amount      money.Amount // of each payment, or its bound; the largest balance or debt
	AmountType  holdfast.AmountType
	GlobalLimit money.Amount // of all payments together
	Usage       []UsageTerms
	Period      Period    // a recurring token pays once in each
	Starts      time.Time // zero means at once
	Expires     time.Time // zero means the pipeline's default
	Edited      holdfast.TokenID
	Recipients  []holdfast.TokenID // recipient tokens; none means the caller's owner
	PaysFee     bool               // the recipient bears the operator's fee
	FeeCeiling  *FeeCeiling

	Methods        []holdfast.PaymentMethod // allowed, in the caller's order
	Account        NetworkAccountID         // that cards must be kept at: see At
	Visit          VisitID                  // of the request; empty before there is one
	Reserve        bool                     // the caller will use Reserve, not Pay
	Reason         string                   // as sent; may hold inline tags
	Breakdown      []BreakdownLine
	CollectAddress bool             // the sender chooses where to ship to
	CollectEmail   bool             // the caller gets the sender's e-mail address
	Address        holdfast.Address // where the caller will ship to, unless the sender chooses
	LogoURL        string           // https or on the sender's machine, or empty
	Website        string           // name of the caller's site in the link back
	OfRecipient    bool             // also show the recipient of the payment
}

// UsageTerms are one limit of a multi-use token, as the caller requested it.
type UsageTerms struct {
	Kind   LimitKind
	Value  int64 // uses, or micro-dollars
	Period Period
}

// readers read each pipeline's own parameters.
var readers = map[Pipeline]func(*paramReader, *PipelineRequest){
	PipelineSingleUse:     readSingleUse,
	PipelineMultiUse:      readMultiUse,
	PipelineRecurring:     readRecurring,
	PipelineRecipient:     readRecipient,
	PipelineSetupPrepaid:  readSetupPrepaid,
	PipelineSetupPostpaid: readSetupPostpaid,
	PipelineEditToken:     readEditToken,
}

// ReadPipeline reads the parameters of a request whose signature has been
// verified, and whose pipelineName is one of [Pipelines]. Empty parameters
// count as not sent; unknown ones are ignored. The end is a caller error that
// names the malformed parameters.
func ReadPipeline(p holdfast.Params) (PipelineRequest, *PipelineEnd) {
	name, _ := PipelineParam(p, "pipelineName")
	r := PipelineRequest{Pipeline: Pipeline(name)}
	read, known := readers[r.Pipeline]
	if !known {
		return r, Malformed("pipelineName")
	}
	in := &paramReader{params: p}
	read(in, &r)
	r.Reason, r.Website, r.LogoURL = in.text("paymentReason"), in.text("websiteDescription"), in.logoURL("cobrandingUrl")
	in.oneOf("currencyCode", string(money.USD))
	in.oneOf("cobrandingStyle", "logo", "banner")
	if len(in.bad) > 0 {
		return PipelineRequest{}, Malformed(in.bad...)
	}
	return r, nil
}

// readSender reads the parameters that all pipelines for senders have.
func readSender(in *paramReader, r *PipelineRequest) {
	r.Methods = in.methods(r.Reserve)
	r.OfRecipient = in.flag("isRecipientCobranding")
	r.CollectEmail = in.flag("collectEmailAddress")
	if r.CollectAddress = in.flag("collectShippingAddress"); !r.CollectAddress {
		r.Address = in.address()
	}
}

// readValidity reads the start and the end of a token's validity.
func readValidity(in *paramReader, r *PipelineRequest) {
	r.Starts, r.Expires = in.time("validityStart"), in.time("validityExpiry")
	if !r.Starts.IsZero() && !r.Expires.IsZero() && !r.Starts.Before(r.Expires) {
		in.refuse("validityExpiry")
	}
}

// CheckTimes refuses a validity that has ended, or begins too late, at the time
// of the request.
func (r PipelineRequest) CheckTimes(now time.Time) *PipelineEnd {
	switch {
	case !r.Starts.IsZero() && (r.Starts.After(now.Add(startsAheadMax)) || r.Starts.Before(now.Add(-startsAgoMax))):
		return Malformed("validityStart")
	case !r.Expires.IsZero() && !now.Before(r.Expires):
		return Malformed("validityExpiry")
	}
	return nil
}

// References are the references of the tokens to be made, each with the name of
// its parameter. Empty ones are left out.
func (r PipelineRequest) References() (all []NamedReference) {
	names := [2]string{"callerReference"}
	switch r.Pipeline {
	case PipelineRecipient:
		names[1] = "callerReferenceRefund"
	case PipelineSetupPrepaid:
		names = [2]string{"callerReferenceSender", "callerReferenceFunding"}
	case PipelineSetupPostpaid:
		names = [2]string{"callerReferenceSender", "callerReferenceSettlement"}
	case PipelineSingleUse, PipelineMultiUse, PipelineRecurring, PipelineEditToken:
	}
	for i, reference := range []holdfast.CallerReference{r.Reference, r.Second} {
		if reference != "" {
			all = append(all, NamedReference{names[i], reference})
		}
	}
	return all
}

// recipientsName is the parameter that names recipients.
func (r PipelineRequest) recipientsName() string {
	if r.Pipeline == PipelineMultiUse {
		return "recipientTokenList"
	}
	return "recipientToken"
}

// A NamedReference is a reference with the name of its parameter.
type NamedReference struct {
	Name      string
	Reference holdfast.CallerReference
}

// Pays reports whether the party is asked to pay, now or later, and so has to
// choose an instrument.
func (r PipelineRequest) Pays() bool { return r.Pipeline != PipelineRecipient }

// Allows reports whether the sender may pay with an instrument at a time. A
// guest's card pays in one visit.
func (r PipelineRequest) Allows(i Instrument, now time.Time) bool {
	return slices.Contains(r.Methods, i.Method) && !i.Removed && !i.Expired(now) && i.UsableAt(r.Account) &&
		(i.GivenIn == "" || i.GivenIn == r.Visit)
}

// At is the request of a caller whose cards are kept at an account of a card
// network. Such a caller takes only cards.
func (r PipelineRequest) At(a NetworkAccountID) PipelineRequest {
	r.Account = a
	if a != "" && r.Pays() {
		r.Methods = slices.DeleteFunc(slices.Clone(r.Methods), func(m holdfast.PaymentMethod) bool {
			return m != holdfast.MethodCC
		})
	}
	return r
}

// BalanceReaches reports whether a balance is large enough for the request. A
// known amount must be covered in full. If the amount is not known yet, any
// positive balance is enough.
func (r PipelineRequest) BalanceReaches(balance money.Amount) bool {
	switch r.Pipeline {
	case PipelineSingleUse, PipelineRecurring:
		return balance.Cmp(r.Amount) >= 0
	case PipelineMultiUse, PipelineRecipient, PipelineSetupPrepaid, PipelineSetupPostpaid, PipelineEditToken:
	}
	return balance.Positive()
}

// Usable picks the instruments from which a sender may choose.
func (r PipelineRequest) Usable(all []Instrument, now time.Time) []Instrument {
	var usable []Instrument
	for _, i := range all {
		if r.Allows(i, now) {
			usable = append(usable, i)
		}
	}
	return usable
}

// Offers reports whether the request allows a method.
func (r PipelineRequest) Offers(m holdfast.PaymentMethod) bool {
	return r.Pays() && slices.Contains(r.Methods, m)
}
