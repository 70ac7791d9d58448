package processor

import (
	"context"
	"slices"
	"sync"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A SettleHold asks for an amount of a hold.
type SettleHold struct {
	Hold   holdfast.TransactionID // or one of its members
	Amount money.Amount           // not given means all that is open
	Final  bool                   // the rest of the hold is released
	// Reference is the caller's own name for the part; empty means the idempotency
	// key. A settle that needs no part, because it is the only one, keeps the
	// reference of its hold.
	Reference holdfast.CallerReference
}

// SettleHold takes an amount of a hold. It returns the payments: parts of the
// hold, or the hold itself if this is its first settle and takes all of it or is
// final. There are several if no member of a raised hold has the whole amount.
func (p *Processor) SettleHold(
	ctx context.Context, caller party.Caller, call *Call, r SettleHold,
) ([]payment.Transaction, error) {
	digest := payment.DigestOf("SettleHold", r)
	r.Reference = call.reference(r.Reference)
	return p.several(ctx, caller, call, severally{
		action: actionSettle, scope: party.ScopeSettle, hold: r.Hold, reference: r.Reference, digest: digest,
		made:   payment.KindPart,
		decide: func(d decision) (changes, error) { return p.settleHold(d, r) },
	})
}

// settleHold decides on a settle of a hold.
func (p *Processor) settleHold(d decision, r SettleHold) (all changes, err error) {
	h, err := d.hold(r.Hold)
	if err != nil {
		return all, err
	}
	h = h.AsOf(d.now)
	if r.Amount.Given() && !r.Amount.Positive() {
		return all, holdfast.Errorf(holdfast.AmountOutOfRange, "the amount to settle must be above zero")
	}
	draws, err := h.Draws(r.Amount)
	if err != nil {
		return all, err
	}
	settle, err := p.settling(d, h, r)
	if err != nil {
		return all, err
	}
	for _, draw := range draws {
		c, err := settle.take(draw)
		if err != nil {
			return all, err
		}
		all.add(c, draw.Amount)
	}
	if !r.Final {
		return all, nil
	}
	for _, m := range h.Others(draws) {
		c, err := m.Release(money.Amount{}, "", d.now)
		if err != nil {
			return all, err
		}
		all.others = append(all.others, c)
	}
	payment.TellTogether(all.others, money.Micros(0))
	return all, nil
}

// A settling has what all draws of one settle depend on. Each draw changes it for
// the next one.
type settling struct {
	SettleHold
	decision
	ids     IDs
	input   payment.SettleInput
	several bool // the card network captures a hold several times
}

func (p *Processor) settling(d decision, h payment.Hold, r SettleHold) (s settling, err error) {
	s = settling{SettleHold: r, decision: d, ids: p.ids()}
	in := changeInput{d, h.EndsFirst()} // the root may have ended, and then has no account
	for _, m := range h.Members {
		if err := (changeInput{d, m}).attended("settled"); err != nil {
			return s, err
		}
	}
	if s.input, err = in.settleInput(); err != nil {
		return s, err
	}
	s.input.Earlier = payment.EarlierOf(h.Members...)
	s.several, err = d.capturesSeveral(h.Root())
	return s, err
}

// take decides on one draw.
func (s *settling) take(draw payment.Draw) (c payment.Change, err error) {
	m := draw.Member
	if m.Whole(draw.Amount, s.Final, s.input.Earlier) {
		s.input.Amount = draw.Amount
		if c, err = m.Settle(s.input); err != nil {
			return c, err
		}
	} else {
		c, err = payment.SettlePart(payment.PartInput{
			ID: s.ids.Transaction(), CommissionID: s.ids.Transaction(), Hold: m, Earlier: s.input.Earlier,
			Amount: draw.Amount, Final: s.Final, Reference: s.Reference, Several: s.several, Owner: s.input.Owner,
			OwnerBalance: s.input.OwnerBalance, Fees: s.input.Fees, Now: s.now,
		})
		if err != nil {
			return c, err
		}
	}
	e := &s.input.Earlier
	e.Amount, e.Fee, e.Commission = e.Amount.Add(draw.Amount), e.Fee.Add(c.After.Fee), e.Commission.Add(c.After.Commission)
	if s.input.OwnerBalance.Given() {
		spent := ledger.Balance(c.Postings, ledger.Party(string(m.Owner)))
		s.input.OwnerBalance = s.input.OwnerBalance.Add(spent)
	}
	return c, nil
}

// capturesSeveral reports whether the card network of a hold captures it several
// times.
func (d decision) capturesSeveral(t payment.Transaction) (bool, error) {
	i, _, err := d.tx.Instrument(t.Sender, t.Instrument)
	if err != nil || i.Account == "" {
		return payment.NetworkKind("").SeveralCaptures(), err
	}
	const why = "the kind of an account never changes"
	a, found, err := d.tx.Unlocked(why).NetworkAccount(i.Account)
	return found && a.Kind.SeveralCaptures(), err
}

// A ReleaseHold asks for the release of a hold, or of a part of it.
type ReleaseHold struct {
	Hold   holdfast.TransactionID // or one of its members
	Amount money.Amount           // not given means all that is open, which ends the hold
	Reason string
}

// ReleaseHold releases an amount of a hold, or all that is open. It returns the
// members that have changed. The card network is asked when a member ends.
func (p *Processor) ReleaseHold(
	ctx context.Context, caller party.Caller, call *Call, r ReleaseHold,
) ([]payment.Transaction, error) {
	return p.several(ctx, caller, call, severally{
		action: actionRelease, scope: party.ScopeSettle, always: true,
		decide: func(d decision) (changes, error) { return releaseHold(d, r) },
	})
}

func releaseHold(d decision, r ReleaseHold) (all changes, err error) {
	h, err := d.hold(r.Hold)
	if err != nil {
		return all, err
	}
	h = h.AsOf(d.now)
	var draws []payment.Draw
	if r.Amount.Given() {
		if draws, err = h.Releases(r.Amount); err != nil {
			return all, err
		}
	} else {
		for _, m := range h.Members {
			if m.State == payment.Reserved || m.State == payment.Pending {
				draws = append(draws, payment.Draw{Member: m})
			}
		}
		if len(draws) == 0 { // the root says why
			draws = []payment.Draw{{Member: h.Root()}}
		}
	}
	for _, draw := range draws {
		if err := (changeInput{d, draw.Member}).attended("released"); err != nil {
			return all, err
		}
		c, err := draw.Member.Release(draw.Amount, r.Reason, d.now)
		if err != nil {
			return all, err
		}
		all.add(c, money.Amount{})
	}
	payment.TellTogether(all.main, h.Held())
	return all, nil
}

// changes are what one request does to a hold.
type changes struct {
	main   []payment.Change // whose transactions are the answer
	others []payment.Change
	amount money.Amount // that the main ones move; not given if they move none
}

func (all *changes) add(c payment.Change, amount money.Amount) {
	all.main = append(all.main, c)
	if amount.Given() {
		all.amount = money.Micros(all.amount.Micro + amount.Micro)
	}
}

// A severally is a request whose answer may be several transactions.
type severally struct {
	action    party.AuditAction
	scope     party.Scope
	hold      holdfast.TransactionID
	reference holdfast.CallerReference // of new transactions; empty if it makes none
	made      payment.Kind             // of them
	digest    payment.Digest
	always    bool // also while the caller's payments are stopped
	decide    func(decision) (changes, error)
}

// several carries out a request on a hold. The same call gets the same
// transactions again, for good. Without a call, the same reference gets them for
// seven days.
func (p *Processor) several(
	ctx context.Context, caller party.Caller, call *Call, r severally,
) ([]payment.Transaction, error) {
	var before []payment.Transaction
	var all changes
	read := caller
	err := p.db.Update(ctx, func(tx *store.Tx) error {
		before, all = nil, changes{}
		call.foresee(tx, caller.ID)
		d, err := p.decision(tx, caller)
		if err != nil {
			return err
		}
		read = d.caller
		if before, err = d.repeatedly(call, r); err != nil {
			return err
		}
		if before != nil {
			return tx.Confirm()
		}
		if err := payment.MayMoveMoney(d.caller); err != nil && !r.always {
			return err
		}
		if all, err = r.decide(d); err != nil {
			return err
		}
		return p.recordAll(d, call, r, &all)
	})
	if err != nil {
		return nil, failure(err)
	}
	if before != nil {
		return before, nil
	}
	return p.askChanges(ctx, &read, all)
}

// repeatedly returns the transactions of the same request if it was carried out
// before.
func (d decision) repeatedly(call *Call, r severally) (all []payment.Transaction, err error) {
	earlier, err := d.meet(call, r.scope)
	if err != nil {
		return nil, err
	}
	if earlier != nil {
		return d.transactions(earlier)
	}
	if r.reference == "" || call != nil {
		return nil, nil
	}
	const why = "a request that makes a transaction reads its reference again, see remember"
	first, found, err := d.tx.Unlocked(why).Request(d.caller.ID, r.reference)
	if err != nil || !found {
		return nil, err
	}
	free, err := first.Again(r.digest, d.now)
	if err != nil || free {
		return nil, err
	}
	if first.Refusal != nil {
		return nil, first.Refusal
	}
	return d.madeBy(r)
}

// madeBy returns the transactions that a request has made: they belong to its
// hold, or to a payment of it, and have its reference.
func (d decision) madeBy(r severally) (made []payment.Transaction, err error) {
	h, found, err := d.tx.Hold(d.caller.ID, r.hold)
	if err != nil || !found {
		return nil, err
	}
	related := h.Parts
	for _, t := range h.Payments() {
		children, err := d.tx.Children(d.caller.ID, t.ID)
		if err != nil {
			return nil, err
		}
		related = append(related, children...)
	}
	for _, t := range related {
		if t.Kind == r.made && t.Reference == r.reference {
			made = append(made, t.AsOf(d.now))
		}
	}
	return made, nil
}

// remember writes the reference of new transactions, which must be free.
func (d decision) remember(r severally, made holdfast.TransactionID) error {
	used, found, err := d.tx.Request(d.caller.ID, r.reference)
	switch {
	case err != nil:
		return err
	case found && !used.Forgotten(d.now):
		return payment.ReferenceInUse(used)
	}
	return d.tx.RememberRequest(payment.Request{
		Caller: d.caller.ID, Reference: r.reference, Digest: r.digest, Received: d.now, Transaction: made,
	})
}

// recordAll writes all changes of a request, and the request.
func (p *Processor) recordAll(d decision, call *Call, r severally, all *changes) error {
	var objects []string
	for _, c := range all.main {
		objects = append(objects, string(c.After.ID))
	}
	made := slices.IndexFunc(all.main, func(c payment.Change) bool { return c.Before.State == payment.None })
	if made >= 0 && r.reference != "" {
		if err := d.remember(r, all.main[made].After.ID); err != nil {
			return err
		}
	}
	if err := d.keep(call, payment.KeyUse{Scope: r.scope, Amount: all.amount}, objects...); err != nil {
		return err
	}
	if err := d.logMove(call, r.action, &all.main[0], all.amount); err != nil {
		return err
	}
	for _, some := range [][]payment.Change{all.main, all.others} {
		for i := range some {
			if err := p.recordWithEffects(d.tx, d.caller, &some[i], d.real); err != nil {
				return err
			}
		}
	}
	return nil
}

// askChanges asks the questions of all changes at the same time. Releases are asked
// in the background.
func (p *Processor) askChanges(
	ctx context.Context, caller *party.Caller, all changes,
) ([]payment.Transaction, error) {
	answers := make([]payment.Transaction, len(all.main))
	failed := make([]error, len(all.main))
	var asking sync.WaitGroup
	for i := range all.main {
		c := &all.main[i]
		if c.Ask != nil && c.Ask.Step == payment.StepRelease {
			answers[i] = c.After
			p.at(PointIntent)
			p.askInBackground(c)
			continue
		}
		asking.Go(func() { answers[i], failed[i] = p.askNetwork(ctx, caller, c) })
	}
	for i := range all.others {
		p.askInBackground(&all.others[i])
	}
	asking.Wait()
	for _, err := range failed {
		if err != nil {
			return nil, err
		}
	}
	return answers, nil
}
