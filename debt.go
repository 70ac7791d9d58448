package holdfast

import (
	"context"

	"github.com/holdfast-pay/holdfast/money"
)

// A SettleDebtRequest charges the debt of a credit instrument, or a part of it
// (API action SettleDebt).
type SettleDebtRequest struct {
	SenderTokenID          TokenID         // required; the settlement token
	CreditInstrumentID     InstrumentID    // required
	SettlementAmount       money.Amount    // required; at most the debt
	CallerReference        CallerReference // required; at most 128 bytes
	SenderDescription      string          // at most 160 characters
	CallerDescription      string          // at most 160 characters
	SoftDescriptorType     string          // "Static" (default) or "Dynamic"
	CSOwner                string          // "Recipient" (default) or "Caller"
	TransactionTimeoutMins int             // minutes; zero means 10080
	OverrideIPNURL         string          // not in version 2008-09-17
}

// SettleDebt charges the sender and lowers the debt by the same amount. It
// cannot be refunded.
//
// It returns an [*Error] when it is refused, and an [*InDoubtError] when there
// is no readable answer.
func (c *Client) SettleDebt(ctx context.Context, r SettleDebtRequest) (TransactionResult, error) {
	var p Params
	p.add("SenderTokenId", string(r.SenderTokenID))
	p.add("CreditInstrumentId", string(r.CreditInstrumentID))
	p.addAmount("SettlementAmount", r.SettlementAmount)
	p.add("CallerReference", string(r.CallerReference))
	p.add("SenderDescription", r.SenderDescription)
	p.add("CallerDescription", r.CallerDescription)
	p.addDescriptor(r.SoftDescriptorType, r.CSOwner)
	p.addCount("TransactionTimeoutInMins", r.TransactionTimeoutMins)
	p.add("OverrideIPNURL", r.OverrideIPNURL)
	return c.move(ctx, p, InDoubtError{Action: actionSettleDebt, Reference: r.CallerReference})
}

// A WriteOffDebtRequest forgives the debt of a credit instrument, or a part of
// it (API action WriteOffDebt).
type WriteOffDebtRequest struct {
	CreditInstrumentID InstrumentID    // required
	AdjustmentAmount   money.Amount    // required; at most the debt
	CallerReference    CallerReference // required; at most 128 bytes
	CallerDescription  string          // at most 160 characters
}

// WriteOffDebt lowers a debt without charging anybody. It cannot be undone.
//
// It returns an [*Error] when it is refused, and an [*InDoubtError] when there
// is no readable answer.
func (c *Client) WriteOffDebt(ctx context.Context, r WriteOffDebtRequest) (TransactionResult, error) {
	var p Params
	p.add("CreditInstrumentId", string(r.CreditInstrumentID))
	p.addAmount("AdjustmentAmount", r.AdjustmentAmount)
	p.add("CallerReference", string(r.CallerReference))
	p.add("CallerDescription", r.CallerDescription)
	return c.move(ctx, p, InDoubtError{Action: actionWriteOffDebt, Reference: r.CallerReference})
}

// A DebtBalance is the answer to GetDebtBalance.
type DebtBalance struct {
	Available  money.Amount // the debt
	PendingOut money.Amount // the part of the debt that is being settled; not given if the server does not send it
	Answer
}

// GetDebtBalance returns the debt of a credit instrument.
func (c *Client) GetDebtBalance(ctx context.Context, id InstrumentID) (DebtBalance, error) {
	var p Params
	p.add("CreditInstrumentId", string(id))
	balance, answer, err := ask(ctx, c, actionGetDebtBalance, p, func(result xmlResult) (DebtBalance, error) {
		var x struct {
			DebtBalance struct{ AvailableBalance, PendingOutBalance xmlAmount }
		}
		owed, pending, err := readPair(result, &x, &x.DebtBalance.AvailableBalance, &x.DebtBalance.PendingOutBalance)
		return DebtBalance{Available: owed, PendingOut: pending}, err
	})
	balance.Answer = answer
	return balance, err
}

// An OutstandingDebt is the answer to GetOutstandingDebtBalance.
type OutstandingDebt struct {
	Outstanding money.Amount
	PendingOut  money.Amount
	Answer
}

// GetOutstandingDebtBalance returns the debts of all the caller's credit
// instruments together.
func (c *Client) GetOutstandingDebtBalance(ctx context.Context) (OutstandingDebt, error) {
	total, answer, err := ask(ctx, c, actionGetOutstandingDebtBalance, nil,
		func(result xmlResult) (OutstandingDebt, error) {
			var x struct {
				OutstandingDebt struct{ OutstandingBalance, PendingOutBalance xmlAmount }
			}
			outstanding, pending, err := readPair(result, &x, &x.OutstandingDebt.OutstandingBalance,
				&x.OutstandingDebt.PendingOutBalance)
			return OutstandingDebt{Outstanding: outstanding, PendingOut: pending}, err
		})
	total.Answer = answer
	return total, err
}
