package processor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// What the pages need of cards, so that they need not know card networks.
type (
	NewCard          = card.Details
	CardRefusedError = card.RefusedError
)

// NewCardNumber hides digits that somebody typed.
func NewCardNumber(digits string) card.Number { return card.NewNumber(digits) }

// Errors of visits that are not ends of the pipeline: the page is shown again.
var (
	ErrNoVisit   = errors.New("there is no such visit")
	ErrNotSender = errors.New("the visit is another sender's")
	ErrNotShown  = errors.New("what was confirmed is not what was shown")
)

// StartVisit begins a pipeline for a request that was checked. It ends at once,
// with a *payment.PipelineEnd, when the caller's reference has a token already
// or its sender had given the pipeline up. A request that was signed by version
// 1 is answered so.
func (p *Processor) StartVisit(ctx context.Context, caller party.Caller, r payment.SingleUse, params holdfast.Params, signatureV1 bool) (payment.Visit, error) {
	v := payment.Visit{
		ID: payment.VisitID(p.ids().Other("V")), Caller: caller.ID, Reference: r.Reference,
		Params: params.Encode(), SignatureV1: signatureV1, Created: p.now(),
	}
	err := p.Store.Update(ctx, func(tx *store.Tx) error {
		_, taken, err := tx.TokenByReference(caller.ID, r.Reference)
		if err != nil {
			return err
		}
		if taken {
			return payment.Malformed("callerReference")
		}
		abandoned, err := tx.Abandoned(caller.ID, r.Reference)
		if err != nil {
			return err
		}
		if abandoned {
			return payment.Restarted()
		}
		return tx.InsertVisit(v)
	})
	return v, err
}

const (
	// visitLife is how long a visit can be gone on with, and how long a browser
	// that comes back to a finished one is sent on its way again.
	visitLife  = 30 * 24 * time.Hour
	forgetsMax = 1000 // visits in one batch of ForgetVisits
)

// ForgetVisits removes visits too old to be gone on with, one bounded batch, and
// reports how many: every link that somebody opens makes one.
func (p *Processor) ForgetVisits(ctx context.Context) (forgotten int, err error) {
	before := p.now().Add(-visitLife)
	var old bool
	err = p.Store.View(ctx, func(tx *store.ReadTx) error {
		old, err = tx.HasOldVisits(before)
		return err
	})
	if err != nil || !old {
		return 0, err
	}
	err = p.Store.Update(ctx, func(tx *store.Tx) error {
		removed, err := tx.ForgetVisits(before, forgetsMax)
		forgotten = int(removed)
		return err
	})
	return forgotten, err
}

// A step is a visit with what it takes to decide on it.
type step struct {
	tx      *store.Tx
	visit   payment.Visit
	caller  party.Caller
	request payment.SingleUse
	real    time.Time
}

// now is the caller's time.
func (s step) now() time.Time { return s.caller.Now(s.real) }

// changeVisit lets change say what becomes of a visit. One that has ended is
// returned as it is: asking twice is asking once.
func (p *Processor) changeVisit(ctx context.Context, id payment.VisitID, change func(step) (payment.Visit, error)) (after payment.Visit, err error) {
	err = p.Store.Update(ctx, func(tx *store.Tx) error {
		v, found, err := tx.Visit(id)
		if err != nil {
			return err
		}
		if !found {
			return ErrNoVisit
		}
		if after = v; v.Over() {
			return nil
		}
		s := step{tx: tx, visit: v, real: p.now()}
		if s.caller, err = callerOf(&tx.ReadTx, v.Caller); err != nil {
			return err
		}
		if s.request, err = RequestOf(v); err != nil {
			return err
		}
		if after, err = change(s); err != nil || after == v {
			return err
		}
		return tx.UpdateVisit(after)
	})
	return after, err
}

// RequestOf reads a visit's request again. It was well formed when the visit
// began.
func RequestOf(v payment.Visit) (payment.SingleUse, error) {
	params, err := holdfast.ParseParams(v.Params)
	if err != nil {
		return payment.SingleUse{}, fmt.Errorf("reading the request of visit %s: %w", v.ID, err)
	}
	r, end := payment.ReadSingleUse(params)
	if end != nil {
		return payment.SingleUse{}, fmt.Errorf("reading the request of visit %s: %w", v.ID, end)
	}
	return r, nil
}

// EnterVisit makes a party the visit's sender and, if it has a default
// instrument that the caller takes, chooses that. A party that cannot pay ends
// the visit.
func (p *Processor) EnterVisit(ctx context.Context, id payment.VisitID, sender party.ID) (payment.Visit, error) {
	return p.changeVisit(ctx, id, func(s step) (payment.Visit, error) {
		v := s.visit
		if v.Sender != sender {
			v.Sender, v.Instrument, v.Address = sender, "", ""
		}
		if end, err := s.accountProblem(v); err != nil || end != nil {
			return s.ended(v, end), err
		}
		if v.Instrument != "" {
			return v, nil
		}
		all, err := s.tx.Instruments(sender)
		if err != nil {
			return v, err
		}
		for _, i := range all {
			if i.Default && s.request.Allows(i, s.now()) {
				v.Instrument = i.ID
			}
		}
		return v, nil
	})
}

func (s step) accountProblem(v payment.Visit) (*payment.PipelineEnd, error) {
	sender, err := partyOf(&s.tx.ReadTx, v.Sender)
	if err != nil {
		return nil, err
	}
	recipient, err := partyOf(&s.tx.ReadTx, s.caller.Owner)
	if err != nil {
		return nil, err
	}
	return payment.AccountProblem(sender, recipient), nil
}

func (s step) ended(v payment.Visit, end *payment.PipelineEnd) payment.Visit {
	if end == nil {
		return v
	}
	return v.End(end.Status, end.Message, s.real)
}

// LeaveVisit takes the sender out of a visit, for another one to sign in.
func (p *Processor) LeaveVisit(ctx context.Context, id payment.VisitID) (payment.Visit, error) {
	return p.changeVisit(ctx, id, func(s step) (payment.Visit, error) {
		v := s.visit
		v.Sender, v.Instrument, v.Address = "", "", ""
		return v, nil
	})
}

// ChooseInstrument has the sender pay with one of its instruments. One that
// the caller does not take is InvalidPaymentInstrument.
func (p *Processor) ChooseInstrument(ctx context.Context, id payment.VisitID, sender party.ID, choice payment.InstrumentID) (payment.Visit, error) {
	return p.changeVisit(ctx, id, func(s step) (payment.Visit, error) {
		v := s.visit
		if v.Sender != sender {
			return v, ErrNotSender
		}
		if _, err := s.instrument(sender, choice); err != nil {
			return v, err
		}
		v.Instrument = choice
		return v, nil
	})
}

// instrument reads the sender's choice, which must be one that the caller takes.
func (s step) instrument(sender party.ID, choice payment.InstrumentID) (payment.Instrument, error) {
	i, found, err := s.tx.Instrument(sender, choice)
	if err == nil && (!found || !s.request.Allows(i, s.now())) {
		err = holdfast.Errorf(holdfast.InvalidPaymentInstrument, "this payment method cannot be used here")
	}
	return i, err
}

// EndVisit ends a visit without a token.
func (p *Processor) EndVisit(ctx context.Context, id payment.VisitID, end *payment.PipelineEnd) (payment.Visit, error) {
	return p.changeVisit(ctx, id, func(s step) (payment.Visit, error) { return s.ended(s.visit, end), nil })
}

// Shown is what a sender read on the confirm page beside the request itself.
type Shown struct {
	Instrument payment.InstrumentID
	Address    party.AddressID
}

// ConfirmVisit installs the token that the sender authorises, and ends the
// visit. What is confirmed must be what was shown, else it is ErrNotShown. The
// caller's reference may have been used meanwhile, or the sender's account
// closed: then the visit ends without a token.
func (p *Processor) ConfirmVisit(ctx context.Context, id payment.VisitID, sender party.ID, shown Shown) (payment.Visit, error) {
	tokenID := p.ids().Token()
	return p.changeVisit(ctx, id, func(s step) (payment.Visit, error) {
		v := s.visit
		if v.Sender != sender {
			return v, ErrNotSender
		}
		if shown != (Shown{v.Instrument, v.Address}) || s.request.CollectAddress && v.Address == "" {
			return v, ErrNotShown
		}
		if end, err := s.accountProblem(v); err != nil || end != nil {
			return s.ended(v, end), err
		}
		// In another tab the sender may have given up already, and the caller
		// been told.
		abandoned, err := s.tx.Abandoned(s.caller.ID, s.request.Reference)
		if err != nil {
			return v, err
		}
		if abandoned {
			return s.ended(v, payment.Restarted()), nil
		}
		instrument, err := s.instrument(sender, v.Instrument)
		if err != nil {
			return v, err
		}
		now := s.now()
		installed, err := s.tx.InsertToken(payment.Token{
			ID: tokenID, Caller: s.caller.ID, Use: payment.UsePay, Type: holdfast.TokenSingleUse,
			Reference: s.request.Reference, Reason: s.request.Reason,
			FriendlyName: payment.NameFor(holdfast.TokenSingleUse, s.request.Reason, s.request.Amount),
			Sender:       sender, Recipient: s.caller.Owner, Instrument: instrument.ID, Method: instrument.Method,
			AmountType: payment.AmountMaximum, Amount: s.request.Amount, Installed: now, Expires: now.Add(payment.SingleUseLife),
		})
		if err != nil {
			return v, err
		}
		if !installed {
			return s.ended(v, payment.Malformed("callerReference")), nil
		}
		v.Token = tokenID
		return v.End(instrument.ReturnStatus(), "", s.real), nil
	})
}
