package payment

import (
	"cmp"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// An Action is what a person may do with a hold or a payment.
type Action string

// The actions.
const (
	ActSettle      Action = "settle"       // take all that is open
	ActSettlePart  Action = "settle_part"  // take a part, and leave the rest on hold
	ActRelease     Action = "release"      // give back all that is open
	ActReleasePart Action = "release_part" // give back a part
	ActRaise       Action = "raise"
	ActRenew       Action = "renew"
	ActRemind      Action = "remind" // send the mail about the deadline
	ActRefund      Action = "refund"
	ActResend      Action = "resend"    // send notices again
	ActEndToken    Action = "end_token" // cancel the buyer's token
)

// Actions lists every action.
var Actions = []Action{
	ActSettle, ActSettlePart, ActRelease, ActReleasePart, ActRaise, ActRenew, ActRemind, ActRefund, ActResend, ActEndToken,
}

// A Reason says why an action is not possible now.
type Reason string

// The reasons.
const (
	WhyPending    Reason = "pending"     // the network has not answered
	WhyBusy       Reason = "busy"        // a settle is under way
	WhyRenewing   Reason = "renewing"    // a renewal is under way
	WhySettled    Reason = "settled"     // the hold has ended, and something was paid
	WhyReleased   Reason = "released"    // the hold has ended by its caller
	WhyExpired    Reason = "expired"     // the hold has ended by its deadline
	WhyFailed     Reason = "failed"      // it was declined
	WhyStopped    Reason = "stopped"     // the audit has stopped the caller's payments
	WhySuspended  Reason = "suspended"   // the account of the caller's owner
	WhyAttention  Reason = "attention"   // an operator must look at its state at the network first
	WhyOnce       Reason = "once"        // the network takes from a hold only once
	WhyNotKept    Reason = "not_kept"    // the network has not kept the card
	WhyOneAmount  Reason = "one_amount"  // the buyer has approved this amount and no more
	WhySingleUse  Reason = "single_use"  // the token was for one payment
	WhyTokenEnded Reason = "token_ended" // used up, cancelled or expired
	WhyTooOften   Reason = "too_often"   // it was raised and renewed as often as can be
	WhyNoMails    Reason = "no_mails"    // the caller gets no mails about deadlines
	WhyNotPaid    Reason = "not_paid"    // there is nothing to refund
	WhyRefunded   Reason = "refunded"    // all was refunded
	WhyDisputed   Reason = "disputed"    // a dispute is not decided
	WhyTooLate    Reason = "too_late"    // the time for refunds is over
	WhyNotRefunds Reason = "not_refunds" // this kind of transaction is not refunded
	WhyNoNotice   Reason = "no_notice"   // there is none to send
)

// Reasons lists every reason.
var Reasons = []Reason{
	WhyPending, WhyBusy, WhyRenewing, WhySettled, WhyReleased, WhyExpired, WhyFailed, WhyStopped, WhySuspended,
	WhyAttention, WhyOnce, WhyNotKept, WhyOneAmount, WhySingleUse, WhyTokenEnded, WhyTooOften, WhyNoMails, WhyNotPaid,
	WhyRefunded, WhyDisputed, WhyTooLate, WhyNotRefunds, WhyNoNotice,
}

// A Possible is an action with whether it is possible now. It is advice for a
// person: the action itself decides again, and also looks at balances and limits.
type Possible struct {
	Action Action
	Why    Reason       // why not; empty if it is possible
	Amount money.Amount // at most; not given if the action has none, or if its limit is not known
	Until  time.Time    // possible until then, in the caller's time; zero for no end
}

// OK reports whether the action is possible.
func (p Possible) OK() bool { return p.Why == "" }

// A PossibleInput has what decides about the actions on a hold, or on a payment
// that belongs to no hold.
type PossibleInput struct {
	Hold      Hold        // as of Now; without members for a payment of no hold
	Payment   Transaction // as of Now; unless Hold has members
	Token     Token       // of the sender; zero if there is none
	Caller    party.Caller
	Owner     party.Party                         // of the caller
	Several   bool                                // the card network captures a hold several times
	Attention bool                                // see NetworkPayment.Attention, of any open member
	Disputes  map[holdfast.TransactionID]Disputes // of the payments
	Window    time.Duration                       // see RefundInput
	Notices   int                                 // of the hold or the payment
	Now       time.Time
}

// Possible are the actions that make sense for a hold or a payment at all, with
// whether each is possible now.
func (in PossibleInput) Possible() (all []Possible) {
	if len(in.Hold.Members) > 0 {
		all = in.ofHold()
	}
	all = append(all, in.refund(), Possible{Action: ActResend, Why: unless(in.Notices > 0, WhyNoNotice)})
	if in.Token.ID != "" {
		ended := unless(in.Token.Status(in.Now) == holdfast.TokenActive, WhyTokenEnded)
		all = append(all, Possible{Action: ActEndToken, Why: ended, Until: in.Token.Expires})
	}
	return all
}

func unless(ok bool, why Reason) Reason {
	if ok {
		return ""
	}
	return why
}

// ofHold are the actions of a hold.
func (in PossibleInput) ofHold() []Possible {
	h := in.Hold
	open, until := h.Open(), h.Deadline()
	part := cmp.Or(in.settle(), unless(in.Several, WhyOnce))
	all := []Possible{
		{ActSettle, in.settle(), open, until},
		{ActSettlePart, part, open, until},
		{ActRelease, in.release(), open, until},
		{ActReleasePart, cmp.Or(in.attention(), in.held()), open, until},
		{ActRaise, in.raise(), in.raiseMost(), until},
		{ActRenew, in.renew(), open, until},
		{ActRemind, cmp.Or(in.remind(), unless(h.State() == HoldHeld, in.ended())), money.Amount{}, until},
	}
	for i := range all {
		if !all[i].OK() {
			all[i].Amount, all[i].Until = money.Amount{}, time.Time{}
		}
	}
	return all
}

// mayMove is why the caller may not move money at all.
func (in PossibleInput) mayMove() Reason {
	switch {
	case !in.Caller.Stopped.IsZero():
		return WhyStopped
	case in.Owner.Standing != party.Active:
		return WhySuspended
	}
	return ""
}

func (in PossibleInput) attention() Reason { return unless(!in.Attention, WhyAttention) }

// ended is why nothing of the hold can be settled any more, or yet.
func (in PossibleInput) ended() Reason {
	switch in.Hold.State() {
	case HoldPending:
		return WhyPending
	case HoldSettling:
		return WhyBusy
	case HoldSettled:
		return WhySettled
	case HoldReleased:
		return WhyReleased
	case HoldExpired:
		return WhyExpired
	case HoldFailed:
		return WhyFailed
	case HoldHeld:
	}
	return ""
}

// held is why no amount of the hold can be taken or lowered now.
func (in PossibleInput) held() Reason {
	return cmp.Or(in.ended(), unless(!in.Hold.settling(), WhyBusy))
}

func (in PossibleInput) settle() Reason { return cmp.Or(in.mayMove(), in.attention(), in.held()) }

// release is why the hold cannot be given up. A hold that the network has not
// answered can be.
func (in PossibleInput) release() Reason {
	why := in.ended()
	for _, m := range in.Hold.Members {
		switch {
		case m.State != Reserved && m.State != Pending:
		case m.Taking.Positive():
			return WhyBusy
		default:
			why = ""
		}
	}
	return cmp.Or(in.attention(), why)
}

// link is why no linked hold can be added.
func (in PossibleInput) link() Reason {
	renewing := func(t Transaction) bool { return t.Link == LinkRenew && t.State == Pending }
	k := in.Token
	k.UsedBy = ""
	return cmp.Or(
		in.mayMove(), in.attention(), in.ended(),
		unless(!slices.ContainsFunc(in.Hold.Members, renewing), WhyRenewing),
		unless(in.Hold.Root().Linked < LinkedMax, WhyTooOften),
		unless(k.ID != "" && k.Status(in.Now) == holdfast.TokenActive, WhyTokenEnded),
	)
}

func (in PossibleInput) raise() Reason {
	why := in.link()
	if k := in.Token; why == "" && k.Type == holdfast.TokenSingleUse {
		switch {
		case in.Caller.Network != "":
			return WhyNotKept
		case k.AmountType != holdfast.AmountMaximum || !k.Amount.Given() || !in.raiseMost().Positive():
			return WhyOneAmount
		}
	}
	return why
}

// raiseMost is the largest raise that a single-use token allows. Other tokens have
// limits of their own.
func (in PossibleInput) raiseMost() money.Amount {
	if in.Token.Type != holdfast.TokenSingleUse || !in.Token.Amount.Given() {
		return money.Amount{}
	}
	return less(in.Token.Amount, sum(in.Hold.Members, Transaction.uses))
}

func (in PossibleInput) renew() Reason {
	if in.Token.Type == holdfast.TokenSingleUse && in.ended() == "" {
		return WhySingleUse
	}
	pending := func(t Transaction) bool { return t.State == Pending }
	return cmp.Or(
		in.link(), unless(!in.Hold.settling(), WhyBusy), unless(!slices.ContainsFunc(in.Hold.Members, pending), WhyPending),
	)
}

func (in PossibleInput) remind() Reason {
	return unless(in.Caller.WarningMails && in.Owner.EmailVerified, WhyNoMails)
}

// refund says whether all that was paid and not refunded can be refunded.
func (in PossibleInput) refund() Possible {
	p := Possible{Action: ActRefund, Amount: money.Micros(0)}
	paid := in.Hold.paidOr(in.Payment)
	for _, t := range paid {
		of := RefundInput{
			Original: t, Owner: in.Owner, Disputes: in.Disputes[t.ID], Window: in.Window, Now: in.Now,
		}
		left := of.Left("")
		if !left.Positive() {
			continue
		}
		p.Amount = p.Amount.Add(left)
		last := t.Completed.Add(cmp.Or(in.Window, RefundWindow))
		switch {
		case of.Disputes.Open():
			p.Why = cmp.Or(p.Why, WhyDisputed)
		case in.Window >= 0 && !in.Now.Before(last):
			p.Why = cmp.Or(p.Why, WhyTooLate)
		case in.Window >= 0 && (p.Until.IsZero() || last.Before(p.Until)):
			p.Until = last
		}
	}
	p.Why = cmp.Or(in.refundable(len(paid)), p.Why, unless(p.Amount.Positive(), WhyRefunded))
	if !p.OK() {
		p.Amount, p.Until = money.Amount{}, time.Time{}
	}
	return p
}

// paidOr are the payments of a hold, or another payment if it has succeeded.
func (h Hold) paidOr(other Transaction) []Transaction {
	if len(h.Members) > 0 {
		return h.Payments()
	}
	if other.State == Success {
		return []Transaction{other}
	}
	return nil
}

// refundable is why nothing can be refunded, whatever was refunded before.
func (in PossibleInput) refundable(paid int) Reason {
	isHold := len(in.Hold.Members) > 0
	state := in.Payment.State
	switch {
	case !isHold && in.Payment.Kind != KindPay:
		return WhyNotRefunds
	case paid > 0:
		return in.mayMove()
	case isHold && in.Hold.settling(), !isHold && state == Pending:
		return WhyPending
	case isHold && in.Hold.State() == HoldFailed, !isHold && state == Failure:
		return WhyFailed
	}
	return WhyNotPaid
}
