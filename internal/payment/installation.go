package payment

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// An Installation has everything that an agreement creates: a token, or the
// tokens of a prepaid or credit instrument, their limits, and the instrument.
type Installation struct {
	Tokens    []Token
	Limits    []Limit
	Aggregate *AggregateInstrument // nil if none was made
	Replaces  holdfast.TokenID     // the old token that the new one replaces

	// Status and Answer go to the caller. Answer has the ids under the names that
	// the return URL uses.
	Status holdfast.ReturnStatus
	Answer holdfast.Params
}

// AgreementIDs is the number of ids that the largest installation needs.
const AgreementIDs = 3

// An Agreement is a party's consent to a caller's request.
type Agreement struct {
	Request      PipelineRequest
	IDs          [AgreementIDs]holdfast.TokenID // for the new tokens and the instrument
	Caller       party.Caller
	Party        party.ID
	Instrument   Instrument // chosen by the sender
	Edited       Token      // with its limits below; only for EditToken
	EditedLimits []Limit
	Now          time.Time // the caller's time
}

// Install returns what the agreement creates.
func (a Agreement) Install() Installation {
	switch a.Request.Pipeline {
	case PipelineMultiUse:
		return a.installMultiUse()
	case PipelineRecurring:
		return a.installRecurring()
	case PipelineRecipient:
		return a.installRecipient()
	case PipelineSetupPrepaid:
		return a.installSetupPrepaid()
	case PipelineSetupPostpaid:
		return a.installSetupPostpaid()
	case PipelineEditToken:
		return a.installEditToken()
	case PipelineSingleUse:
	}
	return a.installSingleUse()
}

// token makes a token with the fields that all tokens share.
func (a Agreement) token(id holdfast.TokenID, use TokenUse, kind holdfast.TokenType) Token {
	r := a.Request
	return Token{
		ID: id, Caller: a.Caller.ID, Use: use, Type: kind, Reference: r.Reference,
		Reason: r.Reason, FriendlyName: NameFor(kind, r.Reason, r.Amount), Installed: a.Now, Starts: r.Starts,
		Expires: r.Expires,
	}
}

// sending makes a sender's token. It pays with the chosen instrument, to the
// recipients that the request names, or else to the caller's owner.
func (a Agreement) sending(id holdfast.TokenID, use TokenUse, kind holdfast.TokenType) Token {
	r := a.Request
	t := a.token(id, use, kind)
	t.Sender, t.Instrument, t.Method = a.Party, a.Instrument.ID, a.Instrument.Method
	t.Amount, t.AmountType, t.Recipients = r.Amount, r.AmountType, r.Recipients
	if len(r.Recipients) == 0 {
		t.Recipient = a.Caller.Owner
	}
	return t
}

// one is an installation of one sender token.
func (a Agreement) one(t Token) Installation {
	return Installation{
		Tokens: []Token{t}, Status: a.Instrument.ReturnStatus(),
		Answer: holdfast.Params{{Name: "tokenID", Value: string(t.ID)}},
	}
}

// limits are the unused limits of a token.
func (a Agreement) limits(t Token, terms []UsageTerms) (all []Limit) {
	for i, u := range terms {
		all = append(all, Limit{
			Scope: string(t.Caller), Subject: string(t.ID), Slot: i, Kind: u.Kind, Value: u.Value, Period: u.Period,
			Start: t.Begins(), Window: t.Begins(), UsedAmount: money.Micros(0),
		})
	}
	return all
}
