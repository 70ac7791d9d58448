package holdfast

import (
	"context"
	"errors"

	"github.com/holdfast-pay/holdfast/money"
)

// A FundPrepaidRequest raises a prepaid instrument's balance (API action
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

// FundPrepaid charges the sender and raises the balance of the instrument by all
// of it; spending the balance is a Pay with the prepaid sender token, and free.
//
// A refusal is an [*Error], no readable answer an [*InDoubtError].
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

// A PrepaidBalance answers GetPrepaidBalance.
type PrepaidBalance struct {
	Available money.Amount
	PendingIn money.Amount // being funded; not given when the server says nothing of it
	Answer
}

// GetPrepaidBalance tells what can be spent of a prepaid instrument.
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

// A PrepaidLiability answers GetTotalPrepaidLiability.
type PrepaidLiability struct {
	Outstanding money.Amount
	PendingIn   money.Amount
	Answer
}

// GetTotalPrepaidLiability tells what the caller owes in goods on all prepaid
// instruments together.
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

// readPair reads a balance, which has to be there, and what is pending of it,
// which may be left out.
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
