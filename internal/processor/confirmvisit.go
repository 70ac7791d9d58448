package processor

import (
	"context"
	"errors"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Shown holds the choices that the confirm page showed, in addition to the
// request itself.
type Shown struct {
	Instrument payment.InstrumentID
	Address    party.AddressID
	// Language and Consent are what the page said about a card that is kept. Consent
	// is empty if it said nothing.
	Language, Consent string
}

// ConfirmVisit installs the tokens that the party agrees to, and ends the
// visit. If the instrument or the address differs from what the page showed, or
// if the owner has removed the address, it returns ErrNotShown. The visit ends
// without success if something has changed since it began: a CallerReference
// was used, the party's account was closed, or the token to edit was cancelled.
//
// A click on Confirm reads the visit, the caller and the request twice. The
// door reads them to know which page and session the click belongs to.
// changeVisit reads them again, because they may have changed and the decision
// must rest on what its own transaction reads.
func (p *Processor) ConfirmVisit(
	ctx context.Context, id payment.VisitID, partyID party.ID, shown Shown,
) (payment.Visit, error) {
	ids := p.agreementIDs()
	return p.changeVisit(ctx, id, func(s visitStep) (payment.Visit, error) {
		v, ready, err := s.ready(partyID, shown)
		if err != nil || !ready {
			return v, err
		}
		if s.holdsOnPage() {
			return v, ErrHoldFirst
		}
		v, _, err = p.agree(s, v, ids, shown)
		return v, err
	})
}

func (p *Processor) agreementIDs() (ids [payment.AgreementIDs]holdfast.TokenID) {
	for i := range ids {
		ids[i] = p.ids().Token()
	}
	return ids
}

// ready reports whether the party can agree to the visit's request now, with the
// choices that the page showed. If not, the visit may have ended.
func (s visitStep) ready(partyID party.ID, shown Shown) (v payment.Visit, ready bool, err error) {
	v = s.visit
	if v.Sender != partyID {
		return v, false, ErrNotSender
	}
	if shown.Instrument != v.Instrument || shown.Address != v.Address ||
		s.asked.Request.CollectAddress && v.Address == "" {
		return v, false, ErrNotShown
	}
	if again, over, err := s.resumed(v); err != nil || over {
		return again, false, err
	}
	if end, err := s.cannotConfirm(v); err != nil || end != nil {
		return s.ended(v, end), false, err
	}
	return v, true, nil
}

// agree installs the tokens that the visit's sender agrees to, ends the visit and
// writes the receipt. It returns the first token.
func (p *Processor) agree(
	s visitStep, v payment.Visit, ids [payment.AgreementIDs]holdfast.TokenID, shown Shown,
) (payment.Visit, payment.Token, error) {
	agreed, err := s.agreement(v)
	if err != nil {
		return v, payment.Token{}, err
	}
	agreed.IDs = ids
	made := agreed.Install()
	if v, err = s.install(v, made); err != nil || len(made.Tokens) == 0 {
		return v, payment.Token{}, err
	}
	if shown.Consent != "" && s.caller.Network != "" {
		if err := s.tx.InsertConsent(payment.Consent{
			Caller: s.caller.ID, Token: made.Tokens[0].ID, Language: shown.Language, Text: shown.Consent, At: s.real,
		}); err != nil {
			return v, payment.Token{}, err
		}
	}
	if told, due := agreed.Receipt(made); due {
		err = p.sendReceipt(s.tx, v.Sender, told)
	}
	return v, made.Tokens[0], err
}

// agreement returns what the party agrees to, with all that is needed to carry
// it out.
func (s visitStep) agreement(v payment.Visit) (a payment.Agreement, err error) {
	a = payment.Agreement{
		Request: s.asked.Request, Caller: s.caller, Party: v.Sender, Edited: s.asked.Edited, Now: s.now(),
	}
	if s.asked.Request.Pays() {
		if a.Instrument, err = s.instrument(v.Sender, v.Instrument); err != nil {
			return a, err
		}
	}
	if v.Address != "" {
		_, err := identity.OwnAddress(s.ReadTx, v.Sender, v.Address)
		if _, removed := errors.AsType[*holdfast.Error](err); removed {
			return a, ErrNotShown
		}
		if err != nil {
			return a, err
		}
	}
	if s.asked.Request.Edited == "" {
		return a, nil
	}
	a.EditedLimits, err = s.Limits(string(s.caller.ID), string(a.Edited.ID))
	return a, err
}

// install writes the tokens of an agreement, and ends the visit with success.
func (s visitStep) install(v payment.Visit, made payment.Installation) (payment.Visit, error) {
	if made.Replaces != "" {
		if err := s.tx.CancelToken(s.caller.ID, made.Replaces, s.real); err != nil {
			return v, err
		}
		// An action that has read the old token or its limits conflicts with this one
		// on the instrument's row.
		if err := s.tx.TouchAggregateOf(s.caller.ID, made.Replaces); err != nil {
			return v, err
		}
	}
	installed, err := s.tx.Install(made)
	if err == nil && !installed {
		err = errors.New("a reference that was free is taken")
	}
	if err != nil {
		return v, err
	}
	if err := s.keepGuest(v.Sender); err != nil {
		return v, err
	}
	v.Answer = made.Answer.Encode()
	return s.end(v, made.Status, ""), nil
}
