package payment

import (
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// A Pipeline is one way over the Co-Branded pages, named for what it makes.
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

// Of the validity of tokens (MultiUse pipeline, validityStart and
// validityExpiry).
const (
	startsAheadMax = 365 * 24 * time.Hour
	startsAgoMax   = 24 * time.Hour // a link takes a while to be followed
	multiUseLife   = 365 * 24 * time.Hour
)

// A PipelineRequest is what a caller asks a party to agree to. What a pipeline
// does not have is left zero.
type PipelineRequest struct {
	Pipeline Pipeline
	// Reference is the token's; of SetupPrepaid and SetupPostpaid that of the
	// token which spends, of EditToken the request's own. Second is that of the
	// funding, settlement or refund token which comes with it.
	Reference, Second holdfast.CallerReference

	Amount      money.Amount // of each payment, or its bound; the largest balance or debt
	AmountType  holdfast.AmountType
	GlobalLimit money.Amount // of all payments together
	Usage       []UsageTerms
	Period      Period    // in which a recurring token pays once
	Starts      time.Time // zero means at once
	Expires     time.Time // zero means as the pipeline has it
	Edited      holdfast.TokenID
	Recipients  []holdfast.TokenID // recipient tokens; none means the caller's owner
	PaysFee     bool               // the recipient bears the operator's fee
	FeeCeiling  *FeeCeiling

	Methods        []holdfast.PaymentMethod // allowed, in the caller's order
	Reserve        bool                     // Reserve will follow, not Pay
	Reason         string                   // as sent; may hold inline tags
	Breakdown      []BreakdownLine
	CollectAddress bool             // the sender chooses where to ship to
	CollectEmail   bool             // the caller is told the sender's e-mail address
	Address        holdfast.Address // where the caller means to ship to, unless collected
	LogoURL        string           // https or on the sender's machine, or empty
	Website        string           // names the caller's site in the link back
	OfRecipient    bool             // show whom the payment is for, beside the caller
}

// UsageTerms are one limit of a token for many uses, as the caller asked for it.
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

// ReadPipeline reads the parameters of a request that is known to be the
// caller's, and whose pipelineName is one of [Pipelines]. Empty ones count as not
// sent and unknown ones are ignored. The end is a caller error that names what is
// not well formed.
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

// readSender reads what every pipeline has that asks somebody to pay.
func readSender(in *paramReader, r *PipelineRequest) {
	r.Methods = in.methods(r.Reserve)
	r.OfRecipient = in.flag("isRecipientCobranding")
	r.CollectEmail = in.flag("collectEmailAddress")
	if r.CollectAddress = in.flag("collectShippingAddress"); !r.CollectAddress {
		r.Address = in.address()
	}
}

// readValidity reads from when until when a token holds.
func readValidity(in *paramReader, r *PipelineRequest) {
	r.Starts, r.Expires = in.time("validityStart"), in.time("validityExpiry")
	if !r.Starts.IsZero() && !r.Expires.IsZero() && !r.Starts.Before(r.Expires) {
		in.refuse("validityExpiry")
	}
}

// CheckTimes refuses a validity that has passed, or begins too late, at the time
// at which the request comes in.
func (r PipelineRequest) CheckTimes(now time.Time) *PipelineEnd {
	switch {
	case !r.Starts.IsZero() && (r.Starts.After(now.Add(startsAheadMax)) || r.Starts.Before(now.Add(-startsAgoMax))):
		return Malformed("validityStart")
	case !r.Expires.IsZero() && !now.Before(r.Expires):
		return Malformed("validityExpiry")
	}
	return nil
}

// References are those that tokens will be found by, each with the name of its
// parameter; empty ones are left out.
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

// A NamedReference is a reference with the name of the parameter that has it.
type NamedReference struct {
	Name      string
	Reference holdfast.CallerReference
}

// Pays reports whether the party is asked to pay, now or later, and so for a way
// to.
func (r PipelineRequest) Pays() bool { return r.Pipeline != PipelineRecipient }

// Allows reports whether the sender may pay with an instrument at a time.
func (r PipelineRequest) Allows(i Instrument, now time.Time) bool {
	return slices.Contains(r.Methods, i.Method) && !i.Removed && !i.Expired(now)
}

// BalanceReaches reports whether a balance can pay what is asked now: all of a
// single amount, and something of what is not yet known.
func (r PipelineRequest) BalanceReaches(balance money.Amount) bool {
	switch r.Pipeline {
	case PipelineSingleUse, PipelineRecurring:
		return balance.Cmp(r.Amount) >= 0
	case PipelineMultiUse, PipelineRecipient, PipelineSetupPrepaid, PipelineSetupPostpaid, PipelineEditToken:
	}
	return balance.Positive()
}

// Usable picks what a sender may choose from.
func (r PipelineRequest) Usable(all []Instrument, now time.Time) []Instrument {
	var usable []Instrument
	for _, i := range all {
		if r.Allows(i, now) {
			usable = append(usable, i)
		}
	}
	return usable
}

// Offers reports whether a method is allowed.
func (r PipelineRequest) Offers(m holdfast.PaymentMethod) bool {
	return r.Pays() && slices.Contains(r.Methods, m)
}
