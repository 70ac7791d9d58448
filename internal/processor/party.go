package processor

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A NewParty is somebody who signs up.
type NewParty struct {
	Name, Email string
	Password    string // hashed before it is kept
	Language    string // that they read our pages in; empty when not known
	Business    bool   // may be paid by card
}

// CreateParty makes a party with a balance of its own, on behalf of an operator:
// its e-mail address and its account count as verified. An address that is taken
// is InvalidParams.
func (p *Processor) CreateParty(ctx context.Context, n NewParty) (party.Party, error) {
	made, err := p.newParty(ctx, n)
	if err == nil {
		err = p.insertParty(ctx, made, nil)
	}
	if errors.Is(err, ErrEmailTaken) {
		err = holdfast.Errorf(holdfast.InvalidParams, "%s", ErrEmailTaken)
	}
	return made, err
}

// newParty is a party with everything verified, not yet kept.
func (p *Processor) newParty(ctx context.Context, n NewParty) (made party.Party, err error) {
	switch {
	case !party.ValidName(n.Name):
		return made, errName
	case !party.ValidEmail(n.Email):
		return made, holdfast.Errorf(holdfast.InvalidParams,
			"an e-mail address looks like ann@example.com and has at most %d characters", party.EmailMax)
	}
	if err := party.ValidPassword(n.Password); err != nil {
		return made, err
	}
	made = party.Party{
		ID: party.ID(p.ids().Other("P")), Name: n.Name, Email: n.Email, EmailVerified: true, Language: n.Language,
		Standing: party.Active, Business: n.Business, Verified: true, Created: p.now(),
	}
	return made, hash(ctx, func() { made.PasswordHash = p.passwords().Hash(n.Password, salt()) })
}

var errName = holdfast.Errorf(holdfast.InvalidParams,
	"a name is one line of 1 to %d visible characters, and no card number", party.NameMax)

// insertParty keeps a new party, with its balance and the letter that goes to it
// if there is one. An address that is taken is ErrEmailTaken.
func (p *Processor) insertParty(ctx context.Context, made party.Party, verify *letter) error {
	balance := payment.Instrument{
		ID: payment.InstrumentID(p.ids().Other("I")), Owner: made.ID, Method: holdfast.MethodABT,
		Brand: "Balance", Holder: made.Name, Verified: true, Created: made.Created,
	}
	return p.Store.Update(ctx, func(tx *store.Tx) error {
		inserted, err := tx.InsertParty(made)
		if err != nil {
			return err
		}
		if !inserted {
			return ErrEmailTaken
		}
		if err := tx.InsertInstrument(balance); err != nil || verify == nil {
			return err
		}
		return p.send(tx, made, *verify)
	})
}

// Rename changes what a party is called from now on.
func (p *Processor) Rename(ctx context.Context, who party.ID, name string) (party.Party, error) {
	if !party.ValidName(name) {
		return party.Party{}, errName
	}
	return p.ChangeParty(ctx, who, func(had party.Party) (party.Party, error) {
		had.Name = name
		return had, nil
	})
}

// BecomeBusiness has a party paid by card from now on. In the sandbox everybody
// may say so; of real money the operator knows whose business it is.
func (p *Processor) BecomeBusiness(ctx context.Context, who party.ID) (party.Party, error) {
	if p.Live {
		return party.Party{}, holdfast.Errorf(holdfast.AccessFailure, "the operator turns an account into a business account")
	}
	return p.ChangeParty(ctx, who, func(had party.Party) (party.Party, error) {
		had.Business = true
		return had, nil
	})
}

// ChangeParty lets change say what becomes of a party: its standing, what it may
// do and how much.
func (p *Processor) ChangeParty(
	ctx context.Context, id party.ID, change func(party.Party) (party.Party, error),
) (after party.Party, err error) {
	err = p.Store.Update(ctx, func(tx *store.Tx) error {
		before, err := partyOf(&tx.ReadTx, id)
		if err != nil {
			return err
		}
		if after, err = change(before); err != nil {
			return err
		}
		return tx.UpdateParty(after)
	})
	return after, err
}

// A NewCaller is a web site that will ask for payments.
type NewCaller struct {
	Owner        party.ID // who is paid
	Name         string
	Descriptor   string // see party.Caller; required where the name cannot be written in Latin letters
	IPNURL       string
	BareReturn   bool
	PendingFirst bool
	SignatureV1  bool // see party.Caller: it is a risk
	Marketplace  bool
	Resume       bool
	Sandbox      bool

	ReuseCancelled bool
	ReturnSchemes  string // as in party.Caller
}

const (
	accessKeySize = 20 // characters, as callerKey has in practice
	secretKeySize = 40
)

// CreateCaller makes a caller and its first access key. The secret is shown
// this once. Whoever owns a caller is a business.
func (p *Processor) CreateCaller(ctx context.Context, n NewCaller) (party.Caller, party.AccessKey, error) {
	if !party.ValidName(n.Name) {
		return party.Caller{}, party.AccessKey{}, errName
	}
	descriptor, err := payment.CheckDescriptor(n.Descriptor, n.Name)
	if err != nil {
		return party.Caller{}, party.AccessKey{}, err
	}
	now := p.now()
	caller := party.Caller{
		ID: party.CallerID(p.ids().Other("C")), Owner: n.Owner, Name: n.Name, Descriptor: descriptor, IPNURL: n.IPNURL,
		BareReturn: n.BareReturn, PendingFirst: n.PendingFirst, SignatureV1: n.SignatureV1,
		Marketplace: n.Marketplace, Resume: n.Resume, Sandbox: n.Sandbox, Created: now,
		ReuseCancelled: n.ReuseCancelled, ReturnSchemes: n.ReturnSchemes,
	}
	key := party.AccessKey{
		ID:     "HF" + random(accessKeySize-2, base36),
		Secret: holdfast.NewSecretKey(p.ids().Secret(secretKeySize)),
		Caller: caller.ID,
	}
	err = p.Store.Update(ctx, func(tx *store.Tx) error {
		owner, err := partyOf(&tx.ReadTx, n.Owner)
		if err != nil {
			return err
		}
		if !owner.Business {
			owner.Business = true
			if err := tx.UpdateParty(owner); err != nil {
				return err
			}
		}
		if err := tx.InsertCaller(caller); err != nil {
			return err
		}
		return tx.InsertAccessKey(key, now)
	})
	return caller, key, err
}

// ChangeCaller lets change say what becomes of a caller's settings or clock.
func (p *Processor) ChangeCaller(
	ctx context.Context, id party.CallerID, change func(party.Caller) (party.Caller, error),
) (after party.Caller, err error) {
	err = p.Store.Update(ctx, func(tx *store.Tx) error {
		before, err := callerOf(&tx.ReadTx, id)
		if err != nil {
			return err
		}
		if after, err = change(before); err != nil {
			return err
		}
		return tx.UpdateCaller(after)
	})
	return after, err
}

// AdvanceClock moves a sandbox caller's clock forward, and with it everything
// of that caller and of nobody else.
func (p *Processor) AdvanceClock(ctx context.Context, id party.CallerID, by time.Duration) (party.Caller, error) {
	return p.ChangeCaller(ctx, id, func(c party.Caller) (party.Caller, error) { return c.Advance(by) })
}

// ResetClock puts a sandbox caller back to real time. What had expired stays
// expired: holds are released before the clock moves, tokens and references are
// marked with it.
func (p *Processor) ResetClock(ctx context.Context, id party.CallerID) (after party.Caller, err error) {
	for {
		var due []store.Due
		err = p.Store.Update(ctx, func(tx *store.Tx) error {
			real := p.now()
			before, err := callerOf(&tx.ReadTx, id)
			if err != nil {
				return err
			}
			if after, err = before.ResetClock(); err != nil {
				return err
			}
			now := before.Now(real)
			if due, err = tx.Unlocked("a hold made in this moment lasts as long as one made a moment earlier").DueOf(id, now,
				sweepMax); err != nil || len(due) > 0 {
				return err
			}
			if err := tx.KeepExpired(id, now, real); err != nil {
				return err
			}
			if err := tx.KeepForgotten(id, now, real); err != nil {
				return err
			}
			return tx.UpdateCaller(after)
		})
		if err != nil || len(due) == 0 {
			return after, err
		}
		if _, err := p.expireAll(ctx, due, false); err != nil { // this process may run no Release
			return after, err
		}
	}
}
