package holdfast

import (
	"context"
	"errors"

	"github.com/holdfast-pay/holdfast/money"
)

// A FundPrepaidRequest adds money to a prepaid instrument (API action
// FundPrepaid).
type FundPrepaidRequest struct {
	SenderTokenID          TokenID         // required; the funding token
	PrepaidInstrumentID    InstrumentID    // required
	FundingAmount          money.Amount    // required
	CallerReference        CallerReference // required; at most 128 bytes
	SenderDescription      string          // at most 160 characters
	CallerDescription      string          // at most 160 characters
	SoftDescriptorType     string          // "Static" (default) or "Dynamic"
	CSOwner                string          // "Recipient" (default) or "Caller"
	TransactionTimeoutMins int             // minutes; zero means 10080
	OverrideIPNURL         string          // not in version 2008-09-17
}

// FundPrepaid charges the sender and adds the full amount to the instrument's
// balance. To spend the balance, call Pay with the prepaid sender token; that
// Pay costs no fee.
//
// It returns an [*Error] when it is refused, and an [*InDoubtError] when there
// is no readable answer.
func (c *Client) FundPrepaid(ctx context.Context, r FundPrepaidRequest) (TransactionResult, error) {
	var p Params
	p.add("SenderTokenId", string(r.SenderTokenID))
	p.add("PrepaidInstrumentId", string(r.PrepaidInstrumentID))
	p.addAmount("FundingAmount", r.FundingAmount)
	p.add("CallerReference", string(r.CallerReference))
	p.add("SenderDescription", r.SenderDescription)
	p.add("CallerDescription", r.CallerDescription)
	p.addDescriptor(r.SoftDescriptorType, r.CSOwner)
	p.addCount("TransactionTimeoutInMins", r.TransactionTimeoutMins)
	p.add("OverrideIPNURL", r.OverrideIPNURL)
	return c.move(ctx, p, InDoubtError{Action: actionFundPrepaid, Reference: r.CallerReference})
}

// A PrepaidBalance is the answer to GetPrepaidBalance.
type PrepaidBalance struct {
	Available money.Amount
	PendingIn money.Amount // being funded; not given if the server does not send it
	Answer
}

// GetPrepaidBalance returns the balance of a prepaid instrument.
func (c *Client) GetPrepaidBalance(ctx context.Context, id InstrumentID) (PrepaidBalance, error) {
	var p Params
	p.add("PrepaidInstrumentId", string(id))
	balance, answer, err := ask(ctx, c, actionGetPrepaidBalance, p, func(result xmlResult) (PrepaidBalance, error) {
		var x struct {
			PrepaidBalance struct{ AvailableBalance, PendingInBalance xmlAmount }
		}
		available, pending, err := readPair(result, &x, &x.PrepaidBalance.AvailableBalance,
			&x.PrepaidBalance.PendingInBalance)
		return PrepaidBalance{Available: available, PendingIn: pending}, err
	})
	balance.Answer = answer
	return balance, err
}

// A PrepaidLiability is the answer to GetTotalPrepaidLiability.
type PrepaidLiability struct {
	Outstanding money.Amount
	PendingIn   money.Amount
	Answer
}

// GetTotalPrepaidLiability returns the balances of all the caller's prepaid
// instruments together: the value of the goods that the caller still owes.
func (c *Client) GetTotalPrepaidLiability(ctx context.Context) (PrepaidLiability, error) {
	total, answer, err := ask(ctx, c, actionGetTotalPrepaidLiability, nil,
		func(result xmlResult) (PrepaidLiability, error) {
			var x struct {
				OutstandingPrepaidLiability struct{ OutstandingBalance, PendingInBalance xmlAmount }
			}
			outstanding, pending, err := readPair(result, &x, &x.OutstandingPrepaidLiability.OutstandingBalance,
				&x.OutstandingPrepaidLiability.PendingInBalance)
			return PrepaidLiability{Outstanding: outstanding, PendingIn: pending}, err
		})
	total.Answer = answer
	return total, err
}

// readPair reads a balance, which is required, and its pending amount, which is
// optional.
func readPair(result xmlResult, into any, balance, pending *xmlAmount) (have, moving money.Amount, err error) {
	if err := result(into); err != nil {
		return have, moving, err
	}
	if have, err = balance.amount(); err != nil {
		return have, moving, err
	}
	if !have.Given() {
		return have, moving, errors.New("it has no balance")
	}
	moving, err = pending.amount()
	return have, moving, err
}
