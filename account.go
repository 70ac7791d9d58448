package holdfast

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

// An AccountBalance is the answer to GetAccountBalance.
type AccountBalance struct {
	Total      money.Amount // Disburse plus PendingOut
	PendingIn  money.Amount // payments to the account that are not complete
	PendingOut money.Amount // refunds from the account that are not complete, and fees set aside
	Disburse   money.Amount // can be paid out
	Refund     money.Amount // can be refunded
	Answer
}

// GetAccountBalance returns the balance of the caller's owner.
func (c *Client) GetAccountBalance(ctx context.Context) (AccountBalance, error) {
	balance, answer, err := ask(ctx, c, actionGetAccountBalance, nil, readAccountBalance)
	balance.Answer = answer
	return balance, err
}

func readAccountBalance(result xmlResult) (b AccountBalance, err error) {
	var x struct {
		AccountBalance struct {
			TotalBalance, PendingInBalance, PendingOutBalance xmlAmount
			AvailableBalances                                 struct{ DisburseBalance, RefundBalance xmlAmount }
		}
	}
	if err := result(&x); err != nil {
		return b, err
	}
	a := x.AccountBalance
	for _, part := range []struct {
		from xmlAmount
		to   *money.Amount
	}{
		{a.TotalBalance, &b.Total},
		{a.PendingInBalance, &b.PendingIn},
		{a.PendingOutBalance, &b.PendingOut},
		{a.AvailableBalances.DisburseBalance, &b.Disburse},
		{a.AvailableBalances.RefundBalance, &b.Refund},
	} {
		if *part.to, err = part.from.amount(); err != nil {
			return b, err
		}
	}
	if !b.Total.Given() {
		return b, errors.New("it has no balance")
	}
	return b, nil
}

// A GetAccountActivityRequest selects transactions of the caller's owner (API
// action GetAccountActivity). A field that is zero does not restrict the
// selection.
type GetAccountActivityRequest struct {
	StartDate         time.Time // required; inclusive
	EndDate           time.Time // inclusive, with its whole millisecond; zero means now
	MaxBatchSize      int       // 20 to 200; zero means 20
	SortOrderByDate   SortOrder // empty means SortDescending
	FPSOperation      Operation
	PaymentMethod     PaymentMethod
	Roles             []Role // transactions in which the account has any of these; empty means all
	TransactionStatus TransactionStatus
}

// AccountActivity is the answer to GetAccountActivity: one page of
// transactions.
type AccountActivity struct {
	BatchSize    int
	Transactions []AccountTransaction
	// Next is the date at which the next page begins. Use it as the StartDate when
	// the order is ascending, and as the EndDate when it is descending. It is zero
	// on the last page. An empty page may have a next page.
	Next time.Time
	Answer
}

// An AccountTransaction is a transaction from the account's point of view.
type AccountTransaction struct {
	TransactionID         TransactionID
	CallerTransactionDate time.Time
	DateReceived          time.Time
	DateCompleted         time.Time // zero while pending
	TransactionAmount     money.Amount
	Operation             Operation
	Status                TransactionStatus
	StatusMessage         string
	StatusCode            StatusCode
	OriginalTransactionID TransactionID // of a refund: the payment
	Parts                 []TransactionPart
	PaymentMethod         PaymentMethod
	SenderName            string
	CallerName            string
	RecipientName         string
	FPSFees               money.Amount // below zero for a refund
	Balance               money.Amount // of the account, after the transaction
	SenderTokenID         TokenID
	RecipientTokenID      TokenID
}

// A TransactionPart is one role that the account plays in a transaction.
type TransactionPart struct {
	InstrumentID string
	Role         Role
	Name         string
	Reference    string
	Description  string
	FeesPaid     money.Amount
}

// GetAccountActivity returns one page of transactions. [Client.AccountActivity]
// iterates over all pages.
func (c *Client) GetAccountActivity(ctx context.Context, r GetAccountActivityRequest) (AccountActivity, error) {
	var p Params
	p.addCount("MaxBatchSize", r.MaxBatchSize)
	p.addDate("StartDate", r.StartDate)
	p.addDate("EndDate", r.EndDate)
	p.add("SortOrderByDate", string(r.SortOrderByDate))
	p.add("FPSOperation", string(r.FPSOperation))
	p.add("PaymentMethod", string(r.PaymentMethod))
	for i, role := range r.Roles {
		p.add("Role."+strconv.Itoa(i+1), string(role))
	}
	p.add("TransactionStatus", string(r.TransactionStatus))
	page, answer, err := ask(ctx, c, actionGetAccountActivity, p, readAccountActivity)
	page.Answer = answer
	return page, err
}

// AccountActivity iterates over all transactions that the request selects. It
// fetches one page at a time, only when the loop needs it, and stops at the
// first error.
func (c *Client) AccountActivity(
	ctx context.Context, r GetAccountActivityRequest,
) iter.Seq2[AccountTransaction, error] {
	return func(yield func(AccountTransaction, error) bool) {
		for {
			page, err := c.GetAccountActivity(ctx, r)
			if err != nil {
				yield(AccountTransaction{}, err)
				return
			}
			for _, t := range page.Transactions {
				if !yield(t, nil) {
					return
				}
			}
			if page.Next.IsZero() {
				return
			}
			if r, err = r.from(page.Next); err != nil {
				yield(AccountTransaction{}, err)
				return
			}
		}
	}
}

// from returns the request for the page that begins at next. It fails if that
// page does not begin beyond the current one, because the loop would then never
// end.
func (r GetAccountActivityRequest) from(next time.Time) (GetAccountActivityRequest, error) {
	switch {
	case r.SortOrderByDate == SortAscending && next.After(r.StartDate):
		r.StartDate = next
	case r.SortOrderByDate != SortAscending && (r.EndDate.IsZero() || next.Before(r.EndDate)):
		r.EndDate = next
	default:
		return r, fmt.Errorf("reading account activity: the next page begins at %s, which is not beyond "+
			"this page", next.Format(time.RFC3339Nano))
	}
	return r, nil
}

type xmlActivity struct {
	TransactionID         TransactionID `xml:"TransactionId"`
	CallerTransactionDate xmlTime
	DateReceived          xmlTime
	DateCompleted         xmlTime
	TransactionAmount     xmlAmount
	FPSOperation          Operation
	TransactionStatus     TransactionStatus
	StatusMessage         string
	StatusCode            StatusCode
	OriginalTransactionID TransactionID `xml:"OriginalTransactionId"`
	TransactionPart       []struct {
		InstrumentID string `xml:"InstrumentId"`
		Role         Role
		Name         string
		Reference    string
		Description  string
		FeesPaid     xmlAmount
	}
	PaymentMethod    PaymentMethod
	SenderName       string
	CallerName       string
	RecipientName    string
	FPSFees          xmlAmount
	Balance          xmlAmount
	SenderTokenID    TokenID `xml:"SenderTokenId"`
	RecipientTokenID TokenID `xml:"RecipientTokenId"`
}

func readAccountActivity(result xmlResult) (AccountActivity, error) {
	var x struct {
		BatchSize                   int
		Transaction                 []xmlActivity
		StartTimeForNextTransaction xmlTime
	}
	if err := result(&x); err != nil {
		return AccountActivity{}, err
	}
	page := AccountActivity{BatchSize: x.BatchSize, Next: x.StartTimeForNextTransaction.Time}
	for i, row := range x.Transaction {
		t, err := row.transaction()
		if err != nil {
			return AccountActivity{}, fmt.Errorf("transaction %d: %w", i+1, err)
		}
		page.Transactions = append(page.Transactions, t)
	}
	return page, nil
}

func (x xmlActivity) transaction() (AccountTransaction, error) {
	if x.TransactionID == "" || x.TransactionStatus == "" {
		return AccountTransaction{}, errors.New("it has no id or no status")
	}
	t := AccountTransaction{
		TransactionID: x.TransactionID, CallerTransactionDate: x.CallerTransactionDate.Time,
		DateReceived: x.DateReceived.Time, DateCompleted: x.DateCompleted.Time, Operation: x.FPSOperation,
		Status: x.TransactionStatus, StatusMessage: x.StatusMessage,
		StatusCode: x.StatusCode, OriginalTransactionID: x.OriginalTransactionID, PaymentMethod: x.PaymentMethod,
		SenderName: x.SenderName, CallerName: x.CallerName, RecipientName: x.RecipientName,
		SenderTokenID: x.SenderTokenID, RecipientTokenID: x.RecipientTokenID,
	}
	var err error
	if t.TransactionAmount, err = x.TransactionAmount.amount(); err != nil {
		return t, err
	}
	if t.FPSFees, err = x.FPSFees.amount(); err != nil {
		return t, err
	}
	if t.Balance, err = x.Balance.amount(); err != nil {
		return t, err
	}
	for _, part := range x.TransactionPart {
		fees, err := part.FeesPaid.amount()
		if err != nil {
			return t, err
		}
		t.Parts = append(t.Parts, TransactionPart{
			InstrumentID: part.InstrumentID, Role: part.Role, Name: part.Name, Reference: part.Reference,
			Description: part.Description, FeesPaid: fees,
		})
	}
	return t, nil
}
