package payment

import (
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A hold can be settled in parts. Each part is a transaction of its own, whose
// parent is the hold. It begins with a Capture and takes no step before that. The
// hold stays Reserved until a part uses it up or is the last one, or until the
// rest is released or expires. Then it takes the step Close.
//
// At most one part of a hold is under way. Meanwhile the hold takes no step: the
// next step depends on the outcome.

// less is an amount without some others.
func less(a money.Amount, others ...money.Amount) money.Amount {
	left := a.Micro
	for _, o := range others {
		left -= o.Micro
	}
	return money.Micros(left)
}

// Parted reports whether the transaction is a hold of which parts have taken
// something. Their transactions have moved the money.
func (t Transaction) Parted() bool { return t.Kind == KindReserve && t.Taken.Positive() }

// rest is the amount of a hold that no part has taken and that was not released in
// parts.
func (t Transaction) rest() money.Amount { return less(t.Amount, t.Taken, t.Lowered) }

// Open is the amount of a hold that can still be settled.
func (t Transaction) Open() money.Amount {
	if t.State != Reserved || !t.Hold() {
		return money.Micros(0)
	}
	return t.rest()
}

// Held is the amount that a hold keeps on hold. The amount of a part under way is
// in it.
func (t Transaction) Held() money.Amount {
	if t.State != Reserved && t.State != Settling || !t.Hold() {
		return money.Micros(0)
	}
	return money.Micros(t.rest().Micro + t.Taking.Micro)
}

// capturing reports whether the network was asked to capture the transaction, or a
// part of it.
func (t Transaction) capturing() bool { return t.State == Settling || t.Taking.Positive() }

// Charged is what was taken from a hold, or the amount of another payment. It is
// zero dollars before that.
func (t Transaction) Charged() money.Amount {
	switch {
	case t.State == Success:
		return t.Current()
	case t.Hold() && t.State == Reserved:
		return less(t.Taken, t.Taking)
	}
	return money.Micros(0)
}

// Earlier is what settles have taken from a hold before another one, and the
// marketplace's terms for the hold as a whole.
type Earlier struct {
	Amount, Fee, Commission money.Amount
	Terms                   CommissionTerms
}

// EarlierOf adds up what was taken from the members of a hold, or is being taken.
// The first member is the root.
func EarlierOf(members ...Transaction) Earlier {
	var e Earlier
	for _, t := range members {
		if t.State == Failure || t.State == Cancelled {
			continue
		}
		taken := t.Settled
		if t.State == Reserved {
			taken = t.Taken
		}
		e.Amount.Micro += taken.Micro
		e.Fee.Micro += t.Fee.Micro
		e.Commission.Micro += t.Commission.Micro
	}
	return Earlier{
		money.Micros(e.Amount.Micro), money.Micros(e.Fee.Micro), money.Micros(e.Commission.Micro), members[0].Terms,
	}
}

// fees are the fees of one more settle of a hold: those of all that is taken
// with it, less those of earlier settles. So the fees of all settles add up to the
// fees of one settle of the whole, rounding and fixed parts included. They are
// never below zero, even if the operator has lowered the fees meanwhile.
func (e Earlier) fees(t Transaction, f FeeSchedule, amount money.Amount) (fee, commission money.Amount) {
	all := money.Micros(amount.Micro + e.Amount.Micro)
	fee, commission = less(f.Fee(t.Method, all), e.Fee), less(e.Terms.of(all), e.Commission)
	return money.Micros(max(0, fee.Micro)), money.Micros(max(0, commission.Micro))
}

// A PartInput has everything that the decision on a part depends on.
type PartInput struct {
	ID, CommissionID holdfast.TransactionID // for the part and for its commission
	Hold             Transaction            // that the part draws from
	// Earlier is what was taken before, from Hold and from the other members.
	Earlier      Earlier
	Amount       money.Amount
	Final        bool // the rest of Hold is released afterwards
	Reference    holdfast.CallerReference
	Several      bool         // the card network captures a hold several times
	Owner        party.Party  // the caller's owner
	OwnerBalance money.Amount // used if the owner bears the fee
	Fees         FeeSchedule
	Now          time.Time
}

// Whole reports whether a settle of an amount takes all of a hold that has no
// parts, or is said to be the last. It then needs no part: see
// [Transaction.Settle]. A linked hold may have no transaction for the commission;
// a part brings its own.
func (t Transaction) Whole(amount money.Amount, final bool, e Earlier) bool {
	return !t.Parted() && (final || amount == t.rest()) && (t.CommissionID != "" || !e.Terms.any())
}

// SettlePart decides whether a part of a hold may be taken.
func SettlePart(in PartInput) (Change, error) {
	h := in.Hold
	if err := h.settleable(in.Amount, in.Owner, in.Now); err != nil {
		return Change{}, err
	}
	if !in.Several {
		return Change{}, callErrorf(CallNetworkOnce,
			"the card network takes from a hold only once: settle all that is open, or make this settle the final one")
	}
	fee, commission := in.Earlier.fees(h, in.Fees, in.Amount)
	if err := h.affords(fee, commission, in.Amount, in.OwnerBalance); err != nil {
		return Change{}, err
	}
	part := h.part(in)
	if part.Fee, part.Commission = fee, commission; commission.Positive() {
		part.CommissionID = in.CommissionID
	}
	part = part.withAside()
	c := part.begun(VerbSettle, in.Now, holdfast.CodePendingNetworkResponse, messagePending)
	c.Postings = move(c.After.stepPostings(VerbSettle, None))
	c.ask(StepCapture)
	if part.FeeBy == holdfast.RoleCaller {
		c.Spends = []party.ID{part.Owner}
	}
	after := h
	after.Taking, after.Taken = in.Amount, money.Micros(h.Taken.Micro+in.Amount.Micro)
	after.Fee, after.Commission = after.Fee.Add(fee), after.Commission.Add(commission)
	c.Member = &Change{Before: h, After: after, At: in.Now}
	return c, nil
}

// part is the transaction of a part, without its fees.
func (t Transaction) part(in PartInput) Transaction {
	reference := in.Reference
	if reference == "" {
		reference = t.Reference
	}
	p := Transaction{
		ID: in.ID, Caller: t.Caller, Kind: KindPart, Reference: reference, Parent: t.ID, Sender: t.Sender,
		Recipient: t.Recipient, Owner: t.Owner, Token: t.Token, RecipientToken: t.RecipientToken, Instrument: t.Instrument,
		Method: t.Method, Amount: in.Amount, Final: in.Final, FeeBy: t.FeeBy,
		CallerDescription: t.CallerDescription, SenderDescription: t.SenderDescription, Descriptor: t.Descriptor,
		Authorization: t.Authorization, Received: in.Now, Deadline: t.Deadline,
	}
	return p.withNoAmounts()
}

// settleable refuses a settle of an amount that the hold does not allow.
func (t Transaction) settleable(amount money.Amount, owner party.Party, now time.Time) error {
	asOf := t.AsOf(now)
	switch {
	case t.Kind != KindReserve:
		return invalidTransaction(t.ID)
	case !amount.Positive():
		return holdfast.Errorf(holdfast.AmountOutOfRange, "TransactionAmount must be above zero")
	case asOf.State == Failure:
		return holdfast.Errorf(holdfast.OriginalTransactionFailed, "the transaction failed: %s", t.StatusMessage)
	}
	if err := active(owner); err != nil {
		return err
	}
	if err := asOf.can(VerbSettle, "settled"); err != nil {
		return err
	}
	if amount.Cmp(t.rest()) > 0 {
		return holdfast.Errorf(holdfast.SettleAmountGreaterThanReserveAmount,
			"Settle Amount \"$%s\" is greater than the Reserve Amount \"$%s\"", amount.Value(), t.rest().Value())
	}
	return nil
}

// affords refuses a settle whose fees are not covered.
func (t Transaction) affords(fee, commission, amount, ownerBalance money.Amount) error {
	if err := burden(t.FeeBy, fee, commission, amount); err != nil {
		return err
	}
	return callerBears(t.FeeBy, fee, commission, money.Micros(0), ownerBalance)
}

// underWay refuses a step of a hold while a part of it is being settled.
func (t Transaction) underWay(done string) error {
	if !t.Taking.Positive() {
		return nil
	}
	return t.busy(done)
}

func (t Transaction) busy(done string) error {
	return holdfast.Errorf(holdfast.InvalidTransactionState,
		"transaction %s cannot be %s: another settle of this hold is under way", t.ID, done)
}

// afterPart is the change of a hold by the outcome of a part: in its totals, and
// its end if the part was the last. gone says that the network has let the hold
// go. A deadline that passed while the part was under way counts now.
func (t Transaction) afterPart(part Transaction, gone bool, now time.Time) *Change {
	after := t
	after.Taking = money.Micros(0)
	if part.State == Failure {
		after.Taken = less(t.Taken, part.Amount)
		after.Fee, after.Commission = t.Fee.Sub(part.Fee), t.Commission.Sub(part.Commission)
	}
	c := Change{Before: t, After: after, At: now}
	switch {
	case gone:
		c = after.Gone(now)
	case part.State == Success && (part.Final || !after.rest().Positive()):
		c = after.closed(now, messageSuccess)
	default:
		if expired, due := after.Expire(now); due {
			c = expired
		}
	}
	c.Before = t
	return &c
}

// closed ends a hold of which parts were settled. The rest is released.
func (t Transaction) closed(now time.Time, message string) Change {
	c := Change{Before: t, After: t}
	c.close(now, message)
	if left := less(t.Amount, t.Taken); left.Positive() {
		c.ask(StepRelease)
	}
	return c
}

// close makes the step that ends a hold with parts, without the question to the
// network.
func (c *Change) close(now time.Time, message string) {
	c.After.Settled = c.After.Taken
	c.done(VerbClose, now, holdfast.CodeSuccess, message)
}

// Release releases an amount of a hold, or all that is open if no amount is given.
// A release of all ends the hold; see [Transaction.Cancel]. A release of a part
// asks no network: card networks let a part go at the end of the hold, with the
// rest.
func (t Transaction) Release(amount money.Amount, reason string, now time.Time) (Change, error) {
	if t.Kind != KindReserve {
		return Change{}, invalidTransaction(t.ID)
	}
	if !amount.Given() {
		return t.Cancel(reason, now)
	}
	if err := t.AsOf(now).can(VerbLower, "lowered"); err != nil {
		return Change{}, err
	}
	switch {
	case !amount.Positive():
		return Change{}, holdfast.Errorf(holdfast.AmountOutOfRange, "the amount to release must be above zero")
	case amount.Cmp(t.Open()) > 0:
		return Change{}, holdfast.Errorf(holdfast.AmountOutOfRange,
			"the amount to release is %v, more than the %v of the hold that are open", amount, t.Open())
	case amount == t.Open():
		return t.Cancel(reason, now)
	}
	message := because(amount.String()+" of the hold were released by the caller", reason)
	t.Lowered = money.Micros(t.Lowered.Micro + amount.Micro)
	c := t.step(VerbLower, now, holdfast.CodeSuccess, message)
	c.Before.Lowered = less(t.Lowered, amount)
	c.Postings = move(lowerPostings(amount))
	return c, nil
}

// because is a sentence with the caller's reason, if there is one.
func because(done, reason string) string {
	if reason = strings.Join(strings.Fields(reason), " "); reason != "" {
		return done + ": " + reason
	}
	return done + "."
}
