package processor

import (
	"context"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A NewNetworkAccount is an account at a card network to add.
type NewNetworkAccount struct {
	// The id and the time are chosen here. Zero PerSecond is the mode's default.
	payment.NetworkAccount
	Secrets store.NetworkSecrets
	FullKey bool // accepts a key with all rights
}

// CreateNetworkAccount adds an account at a card network. Its owner becomes a
// business. A live account needs a sealed store: see [store.ErrPlainStore].
func (p *Processor) CreateNetworkAccount(ctx context.Context, n NewNetworkAccount) (store.NetworkAccount, error) {
	a := store.NetworkAccount{NetworkAccount: n.NetworkAccount, Secrets: n.Secrets}
	a.ID, a.Created = payment.NetworkAccountID(p.ids().Other("N")), p.now()
	if a.PerSecond == 0 {
		a.PerSecond = a.Mode.PerSecond()
	}
	if !a.Fees.Fixed.Given() {
		a.Fees.Fixed = money.Micros(0)
	}
	if err := checkNetworkAccount(a, n.FullKey); err != nil {
		return a, err
	}
	err := p.db.Update(ctx, func(tx *store.Tx) error {
		owner, err := partyOf(&tx.ReadTx, a.Owner)
		if err != nil {
			return err
		}
		if !owner.Business {
			owner.Business = true
			if err := tx.UpdateParty(owner); err != nil {
				return err
			}
		}
		if err := agree(tx, a); err != nil {
			return err
		}
		if err := logNetwork(tx, "network.create", nil, networkFacts(a), a, p.now()); err != nil {
			return err
		}
		return tx.InsertNetworkAccount(a)
	})
	return a, err
}

// ChangeNetworkAccount applies change to the settings and secrets of an account,
// and stores the result. fullKey accepts a key with all rights.
func (p *Processor) ChangeNetworkAccount(
	ctx context.Context, id payment.NetworkAccountID, fullKey bool,
	change func(store.NetworkAccount) (store.NetworkAccount, error),
) (after store.NetworkAccount, err error) {
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		before, err := networkAccountOf(&tx.ReadTx, id)
		if err != nil {
			return err
		}
		if after, err = change(before); err != nil {
			return err
		}
		if after.Secrets.Key() != before.Secrets.Key() {
			after.Stopped = "" // the network refused the old key
		} else {
			fullKey = true // it was accepted before
		}
		if err := checkNetworkAccount(after, fullKey); err != nil {
			return err
		}
		if err := agree(tx, after); err != nil {
			return err
		}
		err = logNetwork(tx, "network.change", networkFacts(before), networkFacts(after), after, p.now())
		if err != nil {
			return err
		}
		return tx.UpdateNetworkAccount(after)
	})
	return after, err
}

// NetworkStopped stores why a network refuses the key of an account, for the
// operator. why is empty when the network accepts the key again. It does nothing if
// the account has another key by now.
func (p *Processor) NetworkStopped(ctx context.Context, asked store.NetworkAccount, why string) {
	ctx, cancel := context.WithTimeout(ctx, or(p.NetworkTimeout, networkTimeoutDefault))
	defer cancel()
	id := asked.ID
	err := p.db.Update(ctx, func(tx *store.Tx) error {
		a, err := networkAccountOf(&tx.ReadTx, id)
		if err != nil || a.Stopped == why || a.Secrets.Key() != asked.Secrets.Key() {
			return err
		}
		a.Stopped = why
		return tx.UpdateNetworkAccount(a)
	})
	switch {
	case err != nil:
		p.Log.Error("what the card network says of an account's key is not stored", "account", id, "stopped", why,
			"error", err)
	case why != "":
		p.Log.Error("the card network refuses the key of an account: store one that works with holdfast network set",
			"account", id, "why", why)
	default:
		p.Log.Info("the card network accepts the key of an account", "account", id)
	}
}

func checkNetworkAccount(a store.NetworkAccount, fullKey bool) error {
	if err := a.Check(); err != nil {
		return err
	}
	if err := a.CheckKey(a.Secrets.Key(), fullKey); err != nil {
		return err
	}
	return payment.CheckEventSecrets(a.Secrets.Events())
}

// agree refuses a name, a key and an account at the network that another account
// has: each of the two would hear of the other's payments. It takes the default from
// another account of the same owner and mode.
func agree(tx *store.Tx, a store.NetworkAccount) error {
	all, err := tx.NetworkAccounts()
	if err != nil {
		return err
	}
	for _, other := range all {
		switch {
		case other.ID == a.ID:
		case other.Name == a.Name:
			return holdfast.Errorf(holdfast.InvalidParams, "there is an account with the name %s already", a.Name)
		case other.Secrets.Key() == a.Secrets.Key():
			return holdfast.Errorf(holdfast.InvalidParams, "the account %s has this key already", other.Name)
		case a.Remote != "" && other.Remote == a.Remote && other.Kind == a.Kind && other.Mode == a.Mode:
			return holdfast.Errorf(holdfast.InvalidParams, "the account %s is this account at the network already", other.Name)
		case a.Default && other.Default && other.Owner == a.Owner && other.Mode == a.Mode:
			other.Default = false
			if err := tx.UpdateNetworkAccount(other); err != nil {
				return err
			}
		}
	}
	return nil
}

// RemoveNetworkAccount removes an account that nothing needs any more. giveUp
// accepts that its payments can no longer be refunded.
func (p *Processor) RemoveNetworkAccount(ctx context.Context, id payment.NetworkAccountID, giveUp bool) error {
	return p.db.Update(ctx, func(tx *store.Tx) error {
		a, err := networkAccountOf(&tx.ReadTx, id)
		if err != nil {
			return err
		}
		rest := tx.Unlocked("a caller that begins to use the account in this moment has read its row, which is removed here")
		need, err := rest.NetworkNeed(id, p.now())
		if err != nil {
			return err
		}
		if err := need.MayRemove(giveUp); err != nil {
			return err
		}
		if err := logNetwork(tx, "network.remove", networkFacts(a), nil, a, p.now()); err != nil {
			return err
		}
		return tx.RemoveNetworkAccount(id)
	})
}

// logNetwork writes the audit entry of a change of an account at a card network.
func logNetwork(
	tx *store.Tx, action party.AuditAction, before, after party.Facts, a store.NetworkAccount, real time.Time,
) error {
	return tx.Log(party.AuditEntry{Action: action, Object: string(a.ID), Before: before, After: after}, real)
}

func networkAccountOf(tx *store.ReadTx, id payment.NetworkAccountID) (store.NetworkAccount, error) {
	a, found, err := tx.NetworkAccount(id)
	if err == nil && !found {
		err = missing(false, "network account", string(id))
	}
	return a, err
}

// useNetwork lets a caller use another account, or the sandbox if id is empty.
// live says that the operator means real money.
func (p *Processor) useNetwork(
	tx *store.Tx, c party.Caller, id payment.NetworkAccountID, live bool,
) (party.Caller, error) {
	choice := payment.NetworkChoice{Live: live}
	if id != "" {
		a, err := networkAccountOf(&tx.ReadTx, id)
		if err != nil {
			return c, err
		}
		choice.Account = &a.NetworkAccount
	}
	past := tx.Unlocked("a payment of this moment asks the network of its card, whatever its caller uses next")
	var err error
	if choice.Began, choice.Open, choice.Elsewhere, err = past.CallersPast(c, id, c.Now(p.now())); err != nil {
		return c, err
	}
	return payment.UseNetwork(c, choice)
}

// UseNetwork lets a caller use another account at a card network, or the sandbox
// if id is empty, and then applies change. live says that the operator means real
// money.
func (p *Processor) UseNetwork(
	ctx context.Context, caller party.CallerID, id payment.NetworkAccountID, live bool,
	change func(party.Caller) (party.Caller, error),
) (after party.Caller, err error) {
	defer p.callerChanged()
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		before, err := callerOf(&tx.ReadTx, caller)
		if err != nil {
			return err
		}
		if after, err = p.useNetwork(tx, before, id, live); err != nil {
			return err
		}
		if after, err = change(after); err != nil {
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

// checkCaller refuses settings of a caller that do not go together.
func checkCaller(c party.Caller) error {
	if err := payment.CheckWait(c.Wait); err != nil {
		return err
	}
	if _, err := party.ParseZone(string(c.Zone)); err != nil {
		return err
	}
	return payment.CheckRealCaller(c)
}

// DefaultNetwork returns the account that new callers of a party get, or false if
// there is none.
func DefaultNetwork(all []store.NetworkAccount, owner party.ID, mode payment.NetworkMode) (store.NetworkAccount, bool) {
	at := slices.IndexFunc(all, func(a store.NetworkAccount) bool {
		return a.Default && a.Owner == owner && a.Mode == mode
	})
	if at < 0 {
		return store.NetworkAccount{}, false
	}
	return all[at], true
}
