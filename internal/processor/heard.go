package processor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// An owned payment is one at a network, with the transaction or the page hold
// that it belongs to.
type owned struct {
	account     payment.NetworkAccount
	caller      party.CallerID
	transaction holdfast.TransactionID // empty if there is none
	hold        payment.PageHold       // zero if there is none
	// elsewhere says that it belongs to another account of this store, which hears of
	// it, too.
	elsewhere bool
}

// heardOfPayment takes one step towards the state of a payment at its network.
func (p *Processor) heardOfPayment(
	ctx context.Context, e store.NetworkEvent, found payment.PaymentFound,
) (outcome store.NetworkEventOutcome, more bool, err error) {
	var of owned
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		of, err = findOwned(tx, e.Account, found)
		return err
	})
	switch {
	case err != nil:
		return store.NetworkEventWaiting, false, err
	case of.elsewhere:
		return store.NetworkEventIgnored, false, nil
	case of.transaction != "":
		return p.heardOfTransaction(ctx, of, found)
	case of.hold.ID != "":
		return p.heardOfPageHold(ctx, e, of, found)
	case found.Key == "":
		return store.NetworkEventIgnored, false, nil // the account is used by others, too
	}
	return p.heardOfStranger(ctx, e, of.account, found)
}

// findOwned looks for the transaction of a payment: by the network's name for it,
// then by the name of the question that made it.
func findOwned(tx *store.ReadTx, id payment.NetworkAccountID, found payment.PaymentFound) (of owned, err error) {
	account, there, err := tx.NetworkAccount(id)
	if err != nil || !there {
		return of, errors.Join(err, missing(there, "account", string(id)))
	}
	of.account = account.NetworkAccount
	known, there, err := tx.NetworkPaymentByReference(id, found.Reference)
	if err != nil || there {
		of.caller, of.transaction = known.Caller, known.Transaction
		return of, err
	}
	name, _, _ := strings.Cut(found.Key, "/")
	if name == "" {
		return of, nil
	}
	if of.elsewhere, err = heldElsewhere(tx, id, found.Reference); err != nil || of.elsewhere {
		return of, err
	}
	hold, there, err := tx.PageHold(payment.PageHoldID(name))
	if err != nil {
		return of, err
	}
	if there {
		of.hold, of.caller, of.transaction = hold, hold.Caller, hold.Transaction
		of.elsewhere, err = belongsElsewhere(tx, of, hold.Account)
		return of, err
	}
	t, there, err := tx.Transaction(found.Caller, holdfast.TransactionID(name))
	if err != nil || !there {
		return of, err
	}
	of.caller, of.transaction = found.Caller, t.ID
	paid, _, err := tx.Instrument(t.Sender, t.Instrument)
	if err != nil {
		return of, err
	}
	of.elsewhere, err = belongsElsewhere(tx, of, paid.Account)
	return of, err
}

// heldElsewhere reports whether another account has a payment with the network's
// name: both are then the same account at the network.
func heldElsewhere(tx *store.ReadTx, id payment.NetworkAccountID, reference string) (bool, error) {
	all, err := tx.NetworkAccounts()
	if err != nil {
		return false, err
	}
	for _, other := range all {
		if other.ID == id {
			continue
		}
		if _, there, err := tx.NetworkPaymentByReference(other.ID, reference); err != nil || there {
			return there, err
		}
	}
	return false, nil
}

// belongsElsewhere reports whether a payment with a card at an account is not to
// be heard of at the owned account. If the card's account was removed, another
// account of the same owner may hear of it.
func belongsElsewhere(tx *store.ReadTx, of owned, at payment.NetworkAccountID) (bool, error) {
	if at == of.account.ID {
		return false, nil
	}
	caller, err := callerOf(tx, of.caller)
	if err != nil || at == "" || caller.Owner != of.account.Owner {
		return true, err
	}
	_, there, err := tx.NetworkAccount(at)
	return there, err
}

// heardOfTransaction asks the open questions again that the network may answer
// now, or writes one step of what has happened without a question.
func (p *Processor) heardOfTransaction(
	ctx context.Context, of owned, found payment.PaymentFound,
) (outcome store.NetworkEventOutcome, more bool, err error) {
	var h payment.Heard
	var in payment.HeardInput
	var later bool
	id, began := p.ids().Transaction(), p.Now()
	err = p.db.Background(ctx, func(tx *store.Tx) error {
		real := p.now()
		caller, err := callerOf(&tx.ReadTx, of.caller)
		if err != nil {
			return err
		}
		if in, err = readHeard(&tx.ReadTx, of, found); err != nil {
			return err
		}
		in.ID, in.Now = id, caller.Now(real)
		for _, t := range in.Due() {
			if err := tx.AskAgain(t, real); err != nil {
				return err
			}
		}
		if h, more, later = in.Next(); !more {
			return nil
		}
		return p.recordHeard(tx, of, caller, in, h, real)
	})
	switch {
	case err != nil:
		return store.NetworkEventWaiting, false, err
	case !more && later:
		return store.NetworkEventWaiting, false, errNotYet
	case !more:
		return store.NetworkEventDone, false, nil
	}
	if h.Attention != "" {
		p.Log.Error("a payment differs at the card network; an operator must look", "caller", in.Transaction.Caller,
			"transaction", in.Transaction.ID, "reference", found.Reference, "problem", h.Attention)
	}
	if h.Change != nil {
		p.logMove(string(h.Change.After.Kind), &h.Change.After, began)
		p.askInBackground(h.Change)
	}
	return store.NetworkEventDone, true, nil
}

// readHeard reads everything that the next step depends on.
func readHeard(tx *store.ReadTx, of owned, found payment.PaymentFound) (in payment.HeardInput, err error) {
	in = payment.HeardInput{Account: of.account.ID, Found: found}
	t, there, err := tx.Transaction(of.caller, of.transaction)
	if err != nil || !there {
		return in, errors.Join(err, missing(there, "transaction", string(of.transaction)))
	}
	in.Transaction = t
	known, _, err := tx.NetworkPayment(of.caller, of.transaction)
	if err != nil {
		return in, err
	}
	in.Attention = known.Attention
	if in.Children, err = tx.Children(of.caller, of.transaction); err != nil {
		return in, err
	}
	for _, child := range slices.Clone(in.Children) {
		if !child.Refunds() {
			continue
		}
		back, err := tx.Children(of.caller, child.ID)
		if err != nil {
			return in, err
		}
		in.Children = append(in.Children, back...)
	}
	in.Disputes, err = tx.Disputes(of.caller, of.transaction)
	return in, err
}

// recordHeard writes one step, with its letters.
func (p *Processor) recordHeard(
	tx *store.Tx, of owned, caller party.Caller, in payment.HeardInput, h payment.Heard, real time.Time,
) error {
	if c := h.Change; c != nil {
		if err := p.recordWithEffects(tx, caller, c, real); err != nil {
			return err
		}
		if c.After.Kind.FromNetwork() {
			err := tx.SaveNetworkPayment(payment.NetworkPayment{
				Caller: c.After.Caller, Transaction: c.After.ID, Account: of.account.ID, Updated: real,
				Details: payment.Details{Reference: c.After.Authorization},
			})
			if err != nil {
				return err
			}
		}
	}
	if h.Dispute != nil {
		before, _ := in.Disputes.Find(h.Dispute.ID)
		if err := tx.SaveDispute(before, *h.Dispute); err != nil {
			return err
		}
		for _, kind := range h.Dispute.Tells(before) {
			if err := tx.AddDisputeEvent(*h.Dispute, kind, real); err != nil {
				return err
			}
		}
	}
	if h.Attention != "" {
		err := tx.SaveNetworkPayment(payment.NetworkPayment{
			Caller: in.Transaction.Caller, Transaction: in.Transaction.ID, Account: of.account.ID, Updated: real,
			Details: payment.Details{Reference: in.Found.Reference, Attention: h.Attention},
		})
		if err != nil {
			return err
		}
	}
	for _, n := range h.Notices {
		n.Caller = caller
		if err := p.tellOfNetwork(tx, of.account, n); err != nil {
			return err
		}
	}
	return nil
}

// tellOfNetwork writes a letter to the owner of the account, who is the recipient
// of its payments, and to the operator.
func (p *Processor) tellOfNetwork(tx *store.Tx, account payment.NetworkAccount, n payment.NetworkNotice) error {
	if p.NetworkLetters == nil {
		return nil
	}
	owner, err := partyOf(&tx.ReadTx, account.Owner)
	if err != nil {
		return err
	}
	n.Language = owner.Language
	to := []string{owner.Email}
	if !owner.EmailVerified {
		to = nil
	}
	if p.Operator != "" && party.EmailKey(p.Operator) != party.EmailKey(owner.Email) {
		to = append(to, p.Operator)
	}
	for _, address := range to {
		subject, text := p.NetworkLetters(n)
		if err := p.Identity.Mail(tx, address, subject, text); err != nil {
			return err
		}
	}
	return nil
}

// heardOfPageHold makes a page hold due whose outcome is open. If it is over here,
// the payment is one that nobody knows: see heardOfStranger. A hold that was
// captured in the network's dashboard is looked at again until it has ended here or
// a payment has adopted it.
func (p *Processor) heardOfPageHold(
	ctx context.Context, e store.NetworkEvent, of owned, found payment.PaymentFound,
) (outcome store.NetworkEventOutcome, more bool, err error) {
	inUse := of.hold.State == payment.PageHoldHeld || of.hold.State == payment.PageHoldReleasing
	if inUse && found.Captured > 0 {
		return store.NetworkEventWaiting, false, errNotYet
	}
	switch of.hold.State {
	case payment.PageHoldReleased, payment.PageHoldDeclined:
		return p.heardOfStranger(ctx, e, of.account, found)
	case payment.PageHoldHeld:
		if !found.Ended {
			return store.NetworkEventDone, false, nil
		}
	case payment.PageHoldAsking, payment.PageHoldAction, payment.PageHoldReleasing, payment.PageHoldAdopted:
	}
	err = p.db.Background(ctx, func(tx *store.Tx) error {
		after := of.hold
		after.NextAt = p.now()
		if after.Undecided() && after.OnNetworkPage() && found.Held > 0 {
			after.Reference = found.Reference // so that it can be released even if its page is gone
		}
		return tx.ChangePageHold(of.hold, after)
	})
	if err != nil {
		return store.NetworkEventWaiting, false, err
	}
	return store.NetworkEventDone, false, nil
}

// strangerAge is how long a payment with one of our keys may be unknown here. Its
// row is written before the network is asked, so only a backup that was restored
// does not know it.
const strangerAge = time.Hour

// heardOfStranger deals with a payment that one of our questions has made and
// that nobody here knows. A hold of one of our callers is let go. A hold of
// another store, and money that was taken, need a person.
func (p *Processor) heardOfStranger(
	ctx context.Context, e store.NetworkEvent, account payment.NetworkAccount, found payment.PaymentFound,
) (outcome store.NetworkEventOutcome, more bool, err error) {
	kept := found.Kept()
	switch {
	case found.Held <= 0 && kept <= 0:
		return store.NetworkEventDone, false, nil
	case p.now().Sub(found.At) < strangerAge:
		return store.NetworkEventWaiting, false, errNotYet
	}
	if found.Held > 0 {
		known, err := p.hasCaller(ctx, found.Caller)
		switch {
		case err != nil:
			return store.NetworkEventWaiting, false, err
		case known:
			return p.letGo(ctx, account.ID, found)
		}
		return store.NetworkEventGivenUp, false, fmt.Errorf("%v are held for caller %q, which is not in this "+
			"store: another store may use the same account at the network", money.Micros(found.Held), found.Caller)
	}
	why := fmt.Errorf("%v were taken for a payment that this server does not know", money.Micros(kept))
	err = p.db.Background(ctx, func(tx *store.Tx) error {
		told, err := tx.NetworkEventGivenUp(e.Account, found.Reference)
		if err != nil || told {
			return err
		}
		return p.tellOfNetwork(tx, account, payment.NetworkNotice{
			About: payment.AboutUnknown, Amount: money.Micros(kept), Reference: found.Reference,
		})
	})
	if err != nil {
		return store.NetworkEventWaiting, false, err
	}
	return store.NetworkEventGivenUp, false, why
}

// hasCaller reports whether a caller is in this store. The ids of callers are
// random, so another store that uses the same account at the network has others.
func (p *Processor) hasCaller(ctx context.Context, id party.CallerID) (known bool, err error) {
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		_, known, err = tx.Caller(id)
		return err
	})
	return known, err
}

// letGo asks the network to release a hold that belongs to nothing.
func (p *Processor) letGo(
	ctx context.Context, account payment.NetworkAccountID, found payment.PaymentFound,
) (outcome store.NetworkEventOutcome, more bool, err error) {
	name, _, _ := strings.Cut(found.Key, "/")
	asking, cancel := context.WithTimeout(card.Background(ctx), or(p.NetworkTimeout, networkTimeoutDefault))
	defer cancel()
	answer, err := p.Network.Ask(asking, card.Question{Expired: true, Attempt: payment.Attempt{
		Transaction: holdfast.TransactionID(name), Step: payment.StepRelease, Amount: money.Micros(found.Held),
		Authorization: found.Reference, Reference: found.Reference, State: payment.AttemptOpen, Asked: 1,
		Since: p.now(), Card: payment.StoredCard{Account: account},
	}})
	if err != nil {
		return store.NetworkEventWaiting, false, fmt.Errorf("releasing a hold that belongs to nothing: %w", err)
	}
	p.Log.Warn("a hold that belongs to no transaction was released", "account", account, "reference", found.Reference,
		"key", found.Key, "approved", answer.Approved())
	return store.NetworkEventDone, false, nil
}
