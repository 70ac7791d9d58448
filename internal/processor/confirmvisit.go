package processor

import (
	"context"
	"errors"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Shown holds the choices that the confirm page showed, in addition to the
// request itself.
type Shown struct {
	Instrument payment.InstrumentID
	Address    party.AddressID
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
	var ids [payment.AgreementIDs]holdfast.TokenID
	for i := range ids {
		ids[i] = p.ids().Token()
	}
	return p.changeVisit(ctx, id, func(s visitStep) (payment.Visit, error) {
		v := s.visit
		if v.Sender != partyID {
			return v, ErrNotSender
		}
		if shown != (Shown{v.Instrument, v.Address}) || s.asked.Request.CollectAddress && v.Address == "" {
			return v, ErrNotShown
		}
		if again, over, err := s.resumed(v); err != nil || over {
			return again, err
		}
		if end, err := s.cannotConfirm(v); err != nil || end != nil {
			return s.ended(v, end), err
		}
		agreed, err := s.agreement(v)
		if err != nil {
			return v, err
		}
		agreed.IDs = ids
		made := agreed.Install()
		if v, err = s.install(v, made); err != nil {
			return v, err
		}
		if told, due := agreed.Receipt(made); due {
			err = p.sendReceipt(s.tx, v.Sender, told)
		}
		return v, err
	})
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
		_, err := ownAddress(s.ReadTx, v.Sender, v.Address)
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
		if err := s.tx.CancelToken(s.caller.ID, made.Replaces); err != nil {
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
	return v.End(made.Status, "", s.real), nil
}
