package holdfast

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

// The actions of the Query API.
const (
	actionReserve                        = "Reserve"
	actionPay                            = "Pay"
	actionSettle                         = "Settle"
	actionCancel                         = "Cancel"
	actionRefund                         = "Refund"
	actionGetTransactionStatus           = "GetTransactionStatus"
	actionGetTransaction                 = "GetTransaction"
	actionGetAccountActivity             = "GetAccountActivity"
	actionGetAccountBalance              = "GetAccountBalance"
	actionGetTokenByCaller               = "GetTokenByCaller"
	actionGetTokens                      = "GetTokens"
	actionGetTokenUsage                  = "GetTokenUsage"
	actionCancelToken                    = "CancelToken"
	actionInstallPaymentInstruction      = "InstallPaymentInstruction"
	actionGetPaymentInstruction          = "GetPaymentInstruction"
	actionGetRecipientVerificationStatus = "GetRecipientVerificationStatus"
	actionVerifySignature                = "VerifySignature"
	actionFundPrepaid                    = "FundPrepaid"
	actionGetPrepaidBalance              = "GetPrepaidBalance"
	actionGetTotalPrepaidLiability       = "GetTotalPrepaidLiability"
	actionSettleDebt                     = "SettleDebt"
	actionWriteOffDebt                   = "WriteOffDebt"
	actionGetDebtBalance                 = "GetDebtBalance"
	actionGetOutstandingDebtBalance      = "GetOutstandingDebtBalance"
	actionCancelSubscriptionAndRefund    = "CancelSubscriptionAndRefund"
	actionGetSubscriptionDetails         = "GetSubscriptionDetails"
	actionGetTransactionsForSubscription = "GetTransactionsForSubscription"
)

// Reserve holds an amount on the sender's credit card. The answer's status is
// Pending or Reserved. A Pending transaction becomes Reserved or Failure;
// [Client.GetTransactionStatus] and a notification give the final status.
//
// Sending the same request again is safe: it does not hold a second amount.
// Reserve returns an [*Error] when it is refused. An [*InDoubtError] means that
// the amount may be held.
func (c *Client) Reserve(ctx context.Context, r ReserveRequest) (TransactionResult, error) {
	return c.move(ctx, r.params(), InDoubtError{Action: actionReserve, Reference: r.CallerReference})
}

// params returns the parameters of a Reserve or a Pay.
func (r ReserveRequest) params() Params {
	var p Params
	p.add("SenderTokenId", string(r.SenderTokenID))
	p.add("RecipientTokenId", string(r.RecipientTokenID))
	p.addAmount("TransactionAmount", r.TransactionAmount)
	p.add("CallerReference", string(r.CallerReference))
	p.add("CallerDescription", r.CallerDescription)
	p.add("SenderDescription", r.SenderDescription)
	p.add("ChargeFeeTo", string(r.ChargeFeeTo))
	p.addDescriptor(r.SoftDescriptorType, r.CSOwner)
	p.addCount("TransactionTimeoutInMins", r.TransactionTimeoutMins)
	p.addAmount("MarketplaceFixedFee", r.MarketplaceFixedFee)
	p.add("MarketplaceVariableFee", r.MarketplaceVariableFee)
	p.add("OverrideIPNURL", r.OverrideIPNURL)
	return p
}

// Settle charges a hold, in full or less, when the goods ship. The rest of the
// hold is released and cannot be charged later: a hold can be settled only
// once.
//
// Sending the same request again is safe: it gets the same answer. Settle
// returns an [*Error] when it is refused. An [*InDoubtError] means that the
// card may have been charged.
func (c *Client) Settle(ctx context.Context, r SettleRequest) (TransactionResult, error) {
	var p Params
	p.add("ReserveTransactionId", string(r.ReserveTransactionID))
	p.addAmount("TransactionAmount", r.TransactionAmount)
	p.add("OverrideIPNURL", r.OverrideIPNURL)
	return c.move(ctx, p, InDoubtError{Action: actionSettle, TransactionID: r.ReserveTransactionID})
}

// Cancel gives up a Reserved or Pending transaction. It returns an [*Error]
// when it is refused, and an [*InDoubtError] when there is no readable answer.
func (c *Client) Cancel(ctx context.Context, r CancelRequest) (TransactionResult, error) {
	var p Params
	p.add("TransactionId", string(r.TransactionID))
	p.add("Description", r.Description)
	p.add("OverrideIPNURL", r.OverrideIPNURL)
	return c.move(ctx, p, InDoubtError{Action: actionCancel, TransactionID: r.TransactionID})
}

// move sends an action that moves money. If there is no readable answer, the
// error is the given doubt.
func (c *Client) move(ctx context.Context, p Params, doubt InDoubtError) (TransactionResult, error) {
	result, answer, err := ask(ctx, c, doubt.Action, p, readTransactionResult)
	if unanswered, ok := errors.AsType[*unansweredError](err); ok {
		doubt.Err = unanswered.err
		return TransactionResult{}, &doubt
	}
	if err != nil {
		return TransactionResult{}, err
	}
	result.Answer = answer
	return result, nil
}

// GetTransactionStatus returns the status of a transaction and the reason for
// it.
func (c *Client) GetTransactionStatus(ctx context.Context, id TransactionID) (TransactionState, error) {
	var p Params
	p.add("TransactionId", string(id))
	state, answer, err := ask(ctx, c, actionGetTransactionStatus, p, readTransactionState)
	state.Answer = answer
	return state, err
}

// GetTransaction returns all details of a transaction.
func (c *Client) GetTransaction(ctx context.Context, id TransactionID) (TransactionDetail, error) {
	var p Params
	p.add("TransactionId", string(id))
	detail, answer, err := ask(ctx, c, actionGetTransaction, p, readTransactionDetail)
	detail.Answer = answer
	return detail, err
}

// VerifySignature asks the server whether it signed a message. A Client without
// AccessKeyID may ask, too. A [Verifier] is easier to use.
func (c *Client) VerifySignature(ctx context.Context, r VerifySignatureRequest) (VerifySignatureResult, error) {
	var p Params
	p.add("UrlEndPoint", r.URLEndPoint)
	p.add("HttpParameters", r.HTTPParameters)
	result, answer, err := ask(ctx, c, actionVerifySignature, p, readVerifySignatureResult)
	result.Answer = answer
	return result, err
}

// add appends a parameter; an empty value is one that is not given.
func (p *Params) add(name, value string) {
	if value != "" {
		*p = append(*p, Param{name, value})
	}
}

// addCount appends a number above zero; zero is one that is not given.
func (p *Params) addCount(name string, n int) {
	if n != 0 {
		p.add(name, strconv.Itoa(n))
	}
}

func (p *Params) addDate(name string, t time.Time) {
	if !t.IsZero() {
		p.add(name, t.UTC().Format(timestampLayout))
	}
}

// addDescriptor appends the parameters for the text on the sender's card
// statement.
func (p *Params) addDescriptor(softType, csOwner string) {
	p.add("DescriptorPolicy.SoftDescriptorType", softType)
	p.add("DescriptorPolicy.CSOwner", csOwner)
}

func (p *Params) addAmount(name string, a money.Amount) {
	if a.Given() {
		p.add(name+".CurrencyCode", string(a.Currency))
		p.add(name+".Value", a.Decimal())
	}
}
