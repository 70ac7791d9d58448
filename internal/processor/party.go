package processor

import (
	"cmp"
	"context"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// BecomeBusiness lets a party be paid by card. In the sandbox any party may
// turn its account into a business account. With real money only the operator
// does that.
func (p *Processor) BecomeBusiness(ctx context.Context, partyID party.ID) (party.Party, error) {
	if p.Live {
		return party.Party{}, holdfast.Errorf(holdfast.AccessFailure,
			"only the operator can turn an account into a business account")
	}
	return p.Identity.ChangeParty(ctx, "", partyID, func(had party.Party) (party.Party, error) {
		had.Business = true
		if had.Name == "" { // it was a guest, and has not given a name yet
			return had, identity.ErrName
		}
		return had, nil
	})
}

// A NewCaller is a caller to create.
type NewCaller struct {
	Owner         party.ID // is paid unless a request names a recipient
	Name          string
	Descriptor    string // see party.Caller; required if the name cannot be written in Latin letters
	IPNURL        string
	Zone          party.Zone
	BareReturn    bool
	PendingFirst  bool
	PendingNotice bool // see party.Caller
	SignatureV1   bool // see party.Caller: it is a risk
	Marketplace   bool
	Resume        bool
	Sandbox       bool // if Network is empty

	ReuseCancelled bool
	ReturnSchemes  string // as in party.Caller

	// Network is the account at a card network; empty means the sandbox. Live says
	// that the operator means real money.
	Network payment.NetworkAccountID
	Live    bool
	Wait    time.Duration // as in party.Caller
	// HoldOnPage and Guests are as in party.Caller. Nil is what suits the account.
	HoldOnPage, Guests *bool
	GuestLimit         money.Amount // as in party.Caller

	// Warnings and WarningMails are as in party.Caller. Nil is the default:
	// party.DefaultWarnings, with mails.
	Warnings     *party.Warnings
	WarningMails *bool
	// BuyerMails is as in party.Caller. Nil means that senders get mails.
	BuyerMails *bool

	ApproveAbove money.Amount // as in party.Caller

	Once string // see [Processor.idOf]
}

// CreateCaller creates a caller with its first access key. The secret is
// returned only here. The owner becomes a business.
func (p *Processor) CreateCaller(ctx context.Context, n NewCaller) (party.Caller, party.AccessKey, error) {
	if !party.ValidName(n.Name) {
		return party.Caller{}, party.AccessKey{}, identity.ErrName
	}
	descriptor, err := payment.CheckDescriptor(n.Descriptor, n.Name)
	if err != nil {
		return party.Caller{}, party.AccessKey{}, err
	}
	now := p.now()
	caller := party.Caller{
		ID: party.CallerID(p.idOf("C", "", n.Once)), Owner: n.Owner, Name: n.Name, Descriptor: descriptor, IPNURL: n.IPNURL,
		BareReturn: n.BareReturn, PendingFirst: n.PendingFirst, PendingNotice: n.PendingNotice, SignatureV1: n.SignatureV1,
		Marketplace: n.Marketplace, Resume: n.Resume, Sandbox: n.Sandbox, Created: now,
		ReuseCancelled: n.ReuseCancelled, ReturnSchemes: n.ReturnSchemes, Wait: n.Wait,
		Warnings: party.DefaultWarnings, WarningMails: true, BuyerMails: true, Zone: n.Zone,
		ApproveAbove: n.ApproveAbove,
	}
	setIf(&caller.Warnings, n.Warnings)
	setIf(&caller.WarningMails, n.WarningMails)
	setIf(&caller.BuyerMails, n.BuyerMails)
	key := p.newAccessKey(caller.ID, NewAccessKey{Name: firstKeyName})
	var made party.Caller
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		if n.Once != "" {
			if _, found, err := tx.Caller(caller.ID); err != nil || found {
				return cmp.Or(err, ErrRepeated)
			}
		}
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
		if made, err = p.atNetwork(tx, caller, n); err != nil {
			return err
		}
		if err := tx.InsertCaller(made); err != nil {
			return err
		}
		if err := logSettings(tx, "caller.create", nil, made, now); err != nil {
			return err
		}
		return tx.InsertAccessKey(key)
	})
	return made, key, err
}

// atNetwork gives a new caller its account at a card network, and the settings
// that go with it.
func (p *Processor) atNetwork(tx *store.Tx, c party.Caller, n NewCaller) (_ party.Caller, err error) {
	if n.Network != "" || n.Live {
		if c, err = p.useNetwork(tx, c, n.Network, n.Live); err != nil {
			return c, err
		}
	}
	setIf(&c.HoldOnPage, n.HoldOnPage)
	setIf(&c.Guests, n.Guests)
	c.GuestLimit = n.GuestLimit
	return c, checkCaller(c)
}

func setIf[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

// ChangeCaller applies change to a caller's settings and clock, and stores the
// result. It does not change the caller's network: see [Processor.UseNetwork]. A member
// cannot raise the limit for approvals with it: see [Processor.ChangeSettings].
func (p *Processor) ChangeCaller(
	ctx context.Context, id party.CallerID, change func(party.Caller) (party.Caller, error),
) (after party.Caller, err error) {
	defer p.callerChanged()
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		before, err := callerOf(&tx.ReadTx, id)
		if err != nil {
			return err
		}
		if after, err = change(before); err != nil {
			return err
		}
		if err := checkCaller(after); err != nil {
			return err
		}
		if err := p.raisesLimit(tx, before, after); err != nil {
			return err
		}
		return p.saveCaller(tx, before, after)
	})
	return after, err
}

// logSettings writes the audit entry of a change of a caller's settings.
func logSettings(
	tx *store.Tx, action party.AuditAction, before party.Facts, after party.Caller, real time.Time,
) error {
	return tx.Log(party.AuditEntry{
		Action: action, Caller: after.ID, Object: string(after.ID), Before: before, After: callerFacts(after),
	}, real)
}

func (p *Processor) callerChanged() {
	if p.CallerChanged != nil {
		p.CallerChanged()
	}
}

// saveCaller writes a changed caller. Its waiting notifications, its warnings and
// its daily sums follow its clock.
func (p *Processor) saveCaller(tx *store.Tx, before, after party.Caller) error {
	if err := logSettings(tx, "caller.change", callerFacts(before), after, p.now()); err != nil {
		return err
	}
	if after.ClockOffset != before.ClockOffset || after.Warnings != before.Warnings {
		if err := tx.ResetWarningMarks(after); err != nil {
			return err
		}
	}
	if after.ClockOffset != before.ClockOffset {
		if err := tx.QueueNotifications(after.ID); err != nil {
			return err
		}
		if err := p.reopenDays(tx, before, after); err != nil {
			return err
		}
	}
	return tx.UpdateCaller(after)
}

// AdvanceClock moves a sandbox caller's clock forward. It affects no other
// caller.
func (p *Processor) AdvanceClock(ctx context.Context, id party.CallerID, by time.Duration) (party.Caller, error) {
	return p.ChangeCaller(ctx, id, func(c party.Caller) (party.Caller, error) { return c.Advance(by) })
}

// ResetClock puts a sandbox caller's clock back to real time. What has expired
// stays expired: ResetClock first cancels the holds that have expired, and
// marks expired tokens and references.
func (p *Processor) ResetClock(ctx context.Context, id party.CallerID) (after party.Caller, err error) {
	defer p.callerChanged()
	for {
		var due []store.Due
		err = p.db.Update(ctx, func(tx *store.Tx) error {
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
			return p.saveCaller(tx, before, after)
		})
		if err != nil || len(due) == 0 {
			return after, err
		}
		if _, err := p.expireAll(ctx, due, false); err != nil { // this process may not run Release
			return after, err
		}
	}
}
