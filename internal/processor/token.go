package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// CancelToken cancels a token that the caller installed, and notifies the
// caller (Query API Reference, CancelToken).
func (p *Processor) CancelToken(ctx context.Context, caller party.Caller, r holdfast.CancelTokenRequest) error {
	return failure(p.db.Update(ctx, func(tx *store.Tx) error {
		d, err := p.decision(tx, caller)
		if err != nil {
			return err
		}
		t, found, err := tx.Token(r.TokenID)
		if err != nil {
			return err
		}
		if err := payment.FindToken(t, found, d.caller.ID, r.TokenID); err != nil {
			return err
		}
		return p.cancelToken(d, t, r.OverrideIPNURL)
	}))
}

// CancelOwnToken cancels a token for the party that has given it, by the same
// rule, and notifies the token's caller. Another party's token is
// InvalidTokenID.
func (p *Processor) CancelOwnToken(ctx context.Context, partyID party.ID, id holdfast.TokenID) error {
	return failure(p.db.Update(ctx, func(tx *store.Tx) error {
		t, found, err := tx.Token(id)
		if err != nil {
			return err
		}
		if err := payment.FindOwnToken(t, found, partyID, id); err != nil {
			return err
		}
		return p.giveUpToken(tx, t)
	}))
}

// giveUpToken cancels a token for the party that has given it.
func (p *Processor) giveUpToken(tx *store.Tx, t payment.Token) error {
	d, err := p.decision(tx, party.Caller{ID: t.Caller})
	if err != nil {
		return err
	}
	return p.cancelToken(d, t, "")
}

// cancelToken cancels a token. It also writes the row of the token's prepaid or
// credit instrument. Every step that puts money on the instrument writes that
// row, too, so one of two simultaneous steps is refused or runs again.
func (p *Processor) cancelToken(d decision, t payment.Token, override string) (err error) {
	var a payment.AggregateInstrument
	if t.Aggregate != "" {
		if a, err = d.instrument(t.Aggregate); err != nil {
			return err
		}
	}
	if t, err = t.CancelToken(a, d.now); err != nil {
		return err
	}
	if a.ID != "" {
		if err := d.tx.ChangeAggregate(payment.AggregateChange{Before: a, After: a}); err != nil {
			return err
		}
	}
	return p.cancelled(d, t, override)
}

// cancelled writes a token's cancellation with its notification.
func (p *Processor) cancelled(d decision, t payment.Token, override string) error {
	if err := d.tx.CancelToken(t.Caller, t.ID, d.real); err != nil {
		return err
	}
	if err := d.logCaller("token.cancel", string(t.ID), nil); err != nil {
		return err
	}
	if d.caller.Network != "" {
		if err := d.tx.LookAtPageHolds(t.Caller, t.ID, d.real); err != nil {
			return err
		}
	}
	return p.tellCancelled(d, t, override)
}

// tellCancelled writes the notification that a token was cancelled.
func (p *Processor) tellCancelled(d decision, t payment.Token, override string) error {
	url := ipnURL(d.caller, override)
	if url == "" {
		return nil
	}
	n := p.notification(d.caller, url, d.real)
	n.Overrides = override != ""
	n.About, n.Token, n.Seq = store.AboutToken, t.ID, 1
	return d.tx.InsertNotification(n)
}

// decision begins the decision on a request: it reads the caller again and
// fixes the time.
func (p *Processor) decision(tx *store.Tx, caller party.Caller) (decision, error) {
	real := p.now()
	caller, err := callerOf(&tx.ReadTx, caller.ID)
	return decision{tx: tx, caller: caller, now: caller.Now(real), real: real}, err
}

// InstallPaymentInstruction installs a token of the caller's owner. Unlike the
// actions that move money, it does not repeat its answer: a CallerReference
// that belongs to a token is a DuplicateRequest (Query API Reference,
// InstallPaymentInstruction).
func (p *Processor) InstallPaymentInstruction(
	ctx context.Context, caller party.Caller, r holdfast.InstallPaymentInstructionRequest,
) (holdfast.TokenID, error) {
	id := p.ids().Token()
	err := p.db.Update(ctx, func(tx *store.Tx) error {
		d, err := p.decision(tx, caller)
		if err != nil {
			return err
		}
		owner, err := partyOf(&tx.ReadTx, d.caller.Owner)
		if err != nil {
			return err
		}
		instruments, err := tx.Instruments(owner.ID)
		if err != nil {
			return err
		}
		made, err := payment.Install(payment.InstallInput{
			ID: id, Caller: d.caller, Owner: owner, Instruments: instruments, Now: d.now,
		}, r)
		if err != nil {
			return err
		}
		installed, err := tx.Install(made)
		if err == nil && !installed {
			err = holdfast.Errorf(holdfast.DuplicateRequest,
				"This request is a duplicate of a previous request and cannot be executed.")
		}
		if err != nil {
			return err
		}
		return d.logCaller("token.install", string(id), nil)
	})
	return id, failure(err)
}
