package payment

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// An Installation is what a party's word makes: one token or the several of a
// prepaid or credit instrument, their limits, and the instrument.
type Installation struct {
	Tokens    []Token
	Limits    []Limit
	Aggregate *AggregateInstrument // nil without one
	Replaces  holdfast.TokenID     // that is given up for the new one

	// Status and Answer are what the caller is told: the ids, spelt as the
	// return URL spells them.
	Status holdfast.ReturnStatus
	Answer holdfast.Params
}

// AgreementIDs is how many ids the largest installation needs.
const AgreementIDs = 3

// An Agreement is a party's word to what a caller asked it for.
type Agreement struct {
	Request      PipelineRequest
	IDs          [AgreementIDs]holdfast.TokenID // for what is made
	Caller       party.Caller
	Party        party.ID
	Instrument   Instrument // chosen by a sender
	Edited       Token      // and its limits, of EditToken
	EditedLimits []Limit
	Now          time.Time // the caller's
}

// Install is what the agreement makes.
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

// token is what all tokens have in common.
func (a Agreement) token(id holdfast.TokenID, use TokenUse, kind holdfast.TokenType) Token {
	r := a.Request
	return Token{
		ID: id, Caller: a.Caller.ID, Use: use, Type: kind, Reference: r.Reference,
		Reason: r.Reason, FriendlyName: NameFor(kind, r.Reason, r.Amount), Installed: a.Now, Starts: r.Starts,
		Expires: r.Expires,
	}
}

// sending is a sender's token: by the instrument chosen, to whom the request
// names, or else the caller's owner.
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

// one is the installation of one token of a sender's.
func (a Agreement) one(t Token) Installation {
	return Installation{
		Tokens: []Token{t}, Status: a.Instrument.ReturnStatus(),
		Answer: holdfast.Params{{Name: "tokenID", Value: string(t.ID)}},
	}
}

// limits are a token's, with nothing used.
func (a Agreement) limits(t Token, terms []UsageTerms) (all []Limit) {
	for i, u := range terms {
		all = append(all, Limit{
			Scope: string(t.Caller), Subject: string(t.ID), Slot: i, Kind: u.Kind, Value: u.Value, Period: u.Period,
			Start: t.Begins(), Window: t.Begins(), UsedAmount: money.Micros(0),
		})
	}
	return all
}
