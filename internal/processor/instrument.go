package processor

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// ErrInstrumentNeeded means that a transaction that has not ended uses the
// instrument, or that a debt is settled with it.
var ErrInstrumentNeeded = errors.New("the instrument is needed by a payment that has not ended, or by a debt")

// instrumentsMax bounds the instruments that a party has at a time.
const instrumentsMax = 50

// AddCard asks the network to verify a card, and stores what may be stored of
// it. A card that the network refuses is a *card.RefusedError.
func (p *Processor) AddCard(
	ctx context.Context, owner party.ID, d card.Details, makeDefault bool,
) (payment.Instrument, error) {
	kept, err := p.verifyCard(ctx, d)
	if err != nil {
		return payment.Instrument{}, err
	}
	i := payment.Instrument{
		ID: payment.InstrumentID(p.ids().Other("I")), Owner: owner, Method: holdfast.MethodCC,
		Brand: kept.Brand, Last4: kept.Last4, Holder: d.Holder, NetworkRef: kept.Ref,
		ExpiryMonth: d.ExpiryMonth, ExpiryYear: d.ExpiryYear, Default: makeDefault, Verified: true, Created: p.now(),
	}
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		have, err := tx.Instruments(owner)
		if err == nil && len(have) >= instrumentsMax {
			err = holdfast.Errorf(holdfast.InvalidParams, "an account has at most %d payment methods", instrumentsMax)
		}
		if err != nil {
			return err
		}
		return tx.InsertInstrument(i)
	})
	return i, err
}

func (p *Processor) verifyCard(ctx context.Context, d card.Details) (card.Kept, error) {
	ctx, cancel := context.WithTimeout(ctx, or(p.NetworkTimeout, networkTimeoutDefault))
	defer cancel()
	verifier, ok := p.Network.(card.Verifier)
	if !ok {
		return card.Kept{}, errors.New("the card network does not take typed cards")
	}
	return verifier.Verify(ctx, d)
}

// ChooseDefaultInstrument sets the instrument that a party pays with unless it
// chooses another.
func (p *Processor) ChooseDefaultInstrument(ctx context.Context, owner party.ID, id payment.InstrumentID) error {
	return p.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := ownInstrument(&tx.ReadTx, owner, id); err != nil {
			return err
		}
		return tx.SetDefaultInstrument(owner, id)
	})
}

// RemoveInstrument removes one of a party's instruments. If a payment or a debt
// still needs it, it returns ErrInstrumentNeeded. A balance cannot be removed.
func (p *Processor) RemoveInstrument(ctx context.Context, owner party.ID, id payment.InstrumentID) error {
	return p.db.Update(ctx, func(tx *store.Tx) error {
		i, err := ownInstrument(&tx.ReadTx, owner, id)
		if err != nil {
			return err
		}
		if i.Method == holdfast.MethodABT {
			return holdfast.Errorf(holdfast.InvalidParams, "a balance belongs to its account")
		}
		needed, err := NeedsInstrument(&tx.ReadTx, i, p.now())
		if err != nil {
			return err
		}
		owed, err := tx.TouchSettledWith(owner, id)
		if err != nil {
			return err
		}
		if len(needed) > 0 || owed {
			return ErrInstrumentNeeded
		}
		return tx.RemoveInstrument(owner, id)
	})
}

// neededMax bounds how many payments NeedsInstrument reads.
const neededMax = 100

// NeedsInstrument returns the payments with an instrument that have not ended,
// each by its caller's clock.
func NeedsInstrument(tx *store.ReadTx, i payment.Instrument, real time.Time) (needed []payment.Transaction, err error) {
	open, err := tx.OpenWith(i.Owner, i.ID, neededMax)
	if err != nil {
		return nil, err
	}
	for _, t := range open {
		caller, err := callerOf(tx, t.Caller)
		if err != nil {
			return nil, err
		}
		if t = t.AsOf(caller.Now(real)); !t.State.Final() {
			needed = append(needed, t)
		}
	}
	return needed, nil
}

// ownInstrument reads one of a party's instruments that it has not removed. An
// account does not have the cards of the guest that it was.
func ownInstrument(tx *store.ReadTx, owner party.ID, id payment.InstrumentID) (payment.Instrument, error) {
	i, found, err := tx.Instrument(owner, id)
	if err == nil && (!found || i.Removed || i.GivenIn != "") {
		err = holdfast.Errorf(holdfast.InvalidPaymentInstrument, "there is no such payment method")
	}
	return i, err
}
