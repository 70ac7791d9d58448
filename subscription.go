package holdfast

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

// A CancelSubscriptionAndRefundRequest ends a subscription (API action
// CancelSubscriptionAndRefund). The id of a subscription is the id of its
// recurring token.
type CancelSubscriptionAndRefundRequest struct {
	SubscriptionID  TokenID         // required
	RefundAmount    money.Amount    // of the last payment; the zero Amount refunds nothing
	CallerReference CallerReference // required if there is a RefundAmount
	CancelReason    string
}

// A CancelledSubscription is the answer to CancelSubscriptionAndRefund.
type CancelledSubscription struct {
	RefundTransactionID TransactionID // empty if nothing was refunded
	Answer
}

// CancelSubscriptionAndRefund ends a subscription. If there is a RefundAmount,
// it also pays back that amount of the last payment, even if the subscription
// has already ended.
//
// It returns an [*Error] when it is refused. If there is a RefundAmount but no
// readable answer, it returns an [*InDoubtError], and the same request may be
// sent again. Without a RefundAmount no money moves, and a second request is
// refused with InvalidSubscriptionState.
func (c *Client) CancelSubscriptionAndRefund(
	ctx context.Context, r CancelSubscriptionAndRefundRequest,
) (CancelledSubscription, error) {
	var p Params
	p.add("SubscriptionId", string(r.SubscriptionID))
	p.addAmount("RefundAmount", r.RefundAmount)
	p.add("CallerReference", string(r.CallerReference))
	p.add("CancelReason", r.CancelReason)
	cancelled, answer, err := ask(ctx, c, actionCancelSubscriptionAndRefund, p,
		func(result xmlResult) (CancelledSubscription, error) {
			var x struct {
				RefundTransactionID TransactionID `xml:"RefundTransactionId"`
			}
			if err := result(&x); err != nil {
				return CancelledSubscription{}, err
			}
			if r.RefundAmount.Given() && x.RefundTransactionID == "" {
				return CancelledSubscription{}, errors.New("it has no refund id")
			}
			return CancelledSubscription{RefundTransactionID: x.RefundTransactionID}, nil
		})
	if unanswered, ok := errors.AsType[*unansweredError](err); ok && r.RefundAmount.Given() {
		return cancelled, &InDoubtError{
			Action: actionCancelSubscriptionAndRefund, Reference: r.CallerReference, Err: unanswered.err,
		}
	}
	cancelled.Answer = answer
	return cancelled, err
}

// A SubscriptionPeriod is a period such as one month.
type SubscriptionPeriod struct {
	Value int
	Unit  TimeUnit
}

// SubscriptionDetails are the answer to GetSubscriptionDetails. Fields that the
// server does not send are zero.
type SubscriptionDetails struct {
	SubscriptionID                  TokenID
	Description                     string
	Amount                          money.Amount
	NextTransactionAmount           money.Amount
	PromotionalAmount               money.Amount
	NumberOfPromotionalTransactions int
	StartDate                       time.Time
	EndDate                         time.Time
	Period                          SubscriptionPeriod // of the whole subscription
	Frequency                       SubscriptionPeriod // between payments
	OverrideIPNURL                  string
	Status                          SubscriptionStatus
	NumberOfTransactionsProcessed   int
	RecipientEmail, RecipientName   string
	SenderEmail, SenderName         string
	NextTransactionDate             time.Time
	Answer
}

type xmlDuration struct {
	Value    int
	TimeUnit TimeUnit
}

type xmlSubscription struct {
	SubscriptionID                  TokenID `xml:"SubscriptionId"`
	Description                     string
	SubscriptionAmount              xmlAmount
	NextTransactionAmount           xmlAmount
	PromotionalAmount               xmlAmount
	NumberOfPromotionalTransactions int
	StartDate                       xmlTime
	EndDate                         xmlTime
	SubscriptionPeriod              xmlDuration
	SubscriptionFrequency           xmlDuration
	OverrideIPNURL                  string `xml:"OverrideIPNUrl"`
	SubscriptionStatus              SubscriptionStatus
	NumberOfTransactionsProcessed   int
	RecipientEmail                  string
	RecipientName                   string
	SenderEmail                     string
	SenderName                      string
	NextTransactionDate             xmlTime
}

// GetSubscriptionDetails returns all details of a subscription (version
// 2010-08-28).
func (c *Client) GetSubscriptionDetails(ctx context.Context, id TokenID) (SubscriptionDetails, error) {
	var p Params
	p.add("SubscriptionId", string(id))
	details, answer, err := ask(ctx, c, actionGetSubscriptionDetails, p,
		func(result xmlResult) (SubscriptionDetails, error) {
			var x struct{ SubscriptionDetails xmlSubscription }
			if err := result(&x); err != nil {
				return SubscriptionDetails{}, err
			}
			return x.SubscriptionDetails.details()
		})
	details.Answer = answer
	return details, err
}

func (x xmlSubscription) details() (d SubscriptionDetails, err error) {
	if x.SubscriptionID == "" || x.SubscriptionStatus == "" {
		return d, errors.New("it has no subscription id or no status")
	}
	d = SubscriptionDetails{
		SubscriptionID: x.SubscriptionID, Description: x.Description,
		NumberOfPromotionalTransactions: x.NumberOfPromotionalTransactions, StartDate: x.StartDate.Time,
		EndDate: x.EndDate.Time, OverrideIPNURL: x.OverrideIPNURL, Status: x.SubscriptionStatus,
		Period:                        SubscriptionPeriod{x.SubscriptionPeriod.Value, x.SubscriptionPeriod.TimeUnit},
		Frequency:                     SubscriptionPeriod{x.SubscriptionFrequency.Value, x.SubscriptionFrequency.TimeUnit},
		NumberOfTransactionsProcessed: x.NumberOfTransactionsProcessed,
		RecipientEmail:                x.RecipientEmail, RecipientName: x.RecipientName, SenderEmail: x.SenderEmail,
		SenderName:          x.SenderName,
		NextTransactionDate: x.NextTransactionDate.Time,
	}
	if d.Amount, err = x.SubscriptionAmount.amount(); err != nil {
		return d, err
	}
	if d.NextTransactionAmount, err = x.NextTransactionAmount.amount(); err != nil {
		return d, err
	}
	d.PromotionalAmount, err = x.PromotionalAmount.amount()
	return d, err
}

// A SubscriptionTransaction is one payment of a subscription.
type SubscriptionTransaction struct {
	TransactionID TransactionID
	Date          time.Time
	SerialNumber  int // from 1
	Amount        money.Amount
	Description   string
	Status        TransactionStatus
}

// SubscriptionTransactions are the answer to GetTransactionsForSubscription.
type SubscriptionTransactions struct {
	Transactions []SubscriptionTransaction
	Answer
}

// GetTransactionsForSubscription returns the payments of a subscription, the
// oldest first (version 2010-08-28).
func (c *Client) GetTransactionsForSubscription(ctx context.Context, id TokenID) (SubscriptionTransactions, error) {
	var p Params
	p.add("SubscriptionId", string(id))
	all, answer, err := ask(ctx, c, actionGetTransactionsForSubscription, p, readSubscriptionTransactions)
	all.Answer = answer
	return all, err
}

func readSubscriptionTransactions(result xmlResult) (all SubscriptionTransactions, err error) {
	var x struct {
		SubscriptionTransaction []struct {
			TransactionID           TransactionID `xml:"TransactionId"`
			TransactionDate         xmlTime
			TransactionSerialNumber int
			TransactionAmount       xmlAmount
			Description             string
			TransactionStatus       TransactionStatus
		}
	}
	if err := result(&x); err != nil {
		return all, err
	}
	for i, row := range x.SubscriptionTransaction {
		if row.TransactionID == "" || row.TransactionStatus == "" {
			return all, fmt.Errorf("transaction %d: it has no id or no status", i+1)
		}
		amount, err := row.TransactionAmount.amount()
		if err != nil {
			return all, fmt.Errorf("transaction %d: %w", i+1, err)
		}
		all.Transactions = append(all.Transactions, SubscriptionTransaction{
			TransactionID: row.TransactionID, Date: row.TransactionDate.Time, SerialNumber: row.TransactionSerialNumber,
			Amount: amount, Description: row.Description, Status: row.TransactionStatus,
		})
	}
	return all, nil
}
