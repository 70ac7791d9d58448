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

// An AccountBalance answers GetAccountBalance.
type AccountBalance struct {
	Total      money.Amount // Disburse and PendingOut together
	PendingIn  money.Amount // payments that are under way to the account
	PendingOut money.Amount // refunds that are under way from it, and fees set aside
	Disburse   money.Amount // can be paid out
	Refund     money.Amount // can be refunded
	Answer
}

// GetAccountBalance tells what is in the account of the caller's owner.
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

// A GetAccountActivityRequest selects transactions of the account of the
// caller's owner (API action GetAccountActivity). What is left zero does not
// select.
type GetAccountActivityRequest struct {
	StartDate         time.Time // required; counts
	EndDate           time.Time // zero means now; its whole millisecond counts
	MaxBatchSize      int       // 20 to 200; zero means 20
	SortOrderByDate   SortOrder // empty means SortDescending
	FPSOperation      Operation
	PaymentMethod     PaymentMethod
	Roles             []Role // any of them; none means all
	TransactionStatus TransactionStatus
}

// AccountActivity answers GetAccountActivity: one page.
type AccountActivity struct {
	BatchSize    int
	Transactions []AccountTransaction
	// Next is where the next page begins: its StartDate when ascending, its
	// EndDate when descending. It is zero after the last page. A page may be
	// empty and still have a next one.
	Next time.Time
	Answer
}

// An AccountTransaction is a transaction as the account sees it.
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
	OriginalTransactionID TransactionID // of a refund
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

// GetAccountActivity lists a page of transactions. [Client.AccountActivity]
// walks over all pages.
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

// AccountActivity walks over all transactions that a request selects, a page at
// a time. It stops at the first error, and when the loop is left it asks for no
// further page.
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

// from asks for the page that begins there. A page that begins no further on
// than the last one would be walked over for ever.
func (r GetAccountActivityRequest) from(next time.Time) (GetAccountActivityRequest, error) {
	switch {
	case r.SortOrderByDate == SortAscending && next.After(r.StartDate):
		r.StartDate = next
	case r.SortOrderByDate != SortAscending && (r.EndDate.IsZero() || next.Before(r.EndDate)):
		r.EndDate = next
	default:
		return r, fmt.Errorf("walking over account activity: the page after the one asked for begins at %s, which is no "+
			"further on", next.Format(time.RFC3339Nano))
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
