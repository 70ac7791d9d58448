package payment

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// FundPrepaid decides whether a funding token may raise the balance of its
// instrument. The recipient is paid at once, less the operator's fee. The
// balance rises by the full amount (Query API Reference, FundPrepaid).
func FundPrepaid(in Input, r holdfast.FundPrepaidRequest) (Change, error) {
	c, err := in.onInstrument(fundingOf(r))
	if err != nil {
		return Change{}, err
	}
	a := in.Aggregate
	if total := a.Balance.Add(a.Pending).Add(r.FundingAmount); total.Cmp(a.Limit) > 0 {
		return Change{}, holdfast.Errorf(holdfast.PrepaidFundingLimitExceeded,
			"the balance would be %v, more than the %v that the sender agreed to", total, a.Limit)
	}
	if err := a.takes(r.FundingAmount, in.Movers, in.Now); err != nil {
		return Change{}, err
	}
	return c, nil
}

// CheckFundPrepaid refuses a request that is invalid whatever token it names.
// Such a request is not recorded.
func CheckFundPrepaid(r holdfast.FundPrepaidRequest, caller party.Caller) error {
	return fundingOf(r).check(caller)
}

func fundingOf(r holdfast.FundPrepaidRequest) order {
	return order{
		kind: KindFundPrepaid, use: UseFund, name: "FundingAmount",
		token: r.SenderTokenID, amount: r.FundingAmount, reference: r.CallerReference,
		callerDescription: r.CallerDescription, statement: statement{r.SoftDescriptorType, r.SenderDescription},
		timeoutMins: r.TransactionTimeoutMins, ipnURL: r.OverrideIPNURL,
	}
}

// An order has the common part of FundPrepaid and SettleDebt: a payment that
// funds or settles an instrument.
type order struct {
	kind              Kind
	use               TokenUse
	name              string // of the amount's parameter
	token             holdfast.TokenID
	amount            money.Amount
	reference         holdfast.CallerReference
	callerDescription string
	statement         statement
	timeoutMins       int
	ipnURL            string
}

func (o order) check(caller party.Caller) error {
	if err := sandboxAccount(caller, o.token, ""); err != nil {
		return err
	}
	if err := onlyCards(caller); err != nil {
		return err
	}
	if err := amountFor(o.name, "", o.amount); err != nil {
		return err
	}
	if err := checkTimeout(o.timeoutMins); err != nil {
		return err
	}
	return o.statement.check()
}

// onInstrument decides on a payment that funds or settles an instrument. It
// does not check the instrument's own limit.
func (in *Input) onInstrument(o order) (Change, error) {
	if err := o.check(in.Caller); err != nil {
		return Change{}, err
	}
	if err := in.lasting().usable(in.Caller.ID, o.use, o.amount, in.Now); err != nil {
		return Change{}, err
	}
	if err := in.Aggregate.of(in.Caller); err != nil {
		return Change{}, err
	}
	if err := in.aggregate(); err != nil {
		return Change{}, err
	}
	if err := in.parties(); err != nil {
		return Change{}, err
	}
	if err := in.instrument(); err != nil {
		return Change{}, err
	}
	if err := amountFor(o.name, in.Token.Method, o.amount); err != nil {
		return Change{}, err
	}
	t := in.transaction(o.kind, o.amount)
	t.Reference, t.CallerDescription, t.SenderDescription = o.reference, o.callerDescription, o.statement.description
	t.IPNURL, t.Deadline = o.ipnURL, in.Now.Add(life(o.timeoutMins))
	t.Descriptor = o.statement.descriptor(in.Recipient, in.Caller)
	t.Fee = in.Fees.Fee(t.Method, t.Amount)
	if err := burden(t.FeeBy, t.Fee, t.Commission, t.Amount); err != nil {
		return Change{}, err
	}
	if err := in.funds(t.Amount); err != nil {
		return Change{}, err
	}
	limits, err := in.limits(t.Amount)
	if err != nil {
		return Change{}, err
	}
	c := in.charge(t)
	in.using(&c, limits)
	c.Aggregate = in.Aggregate.begin(t.Amount)
	if c.After.State == Success {
		c.Aggregate.After = c.Aggregate.After.finish(t.Amount).After
	}
	return c, nil
}
