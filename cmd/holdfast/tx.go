package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

type txVerb struct {
	List   txList   `cmd:"" help:"List the transactions of the account of the caller's owner, the newest first."`
	Show   txShow   `cmd:"" help:"Show everything about a transaction."`
	Status txStatus `cmd:"" help:"Show the status of a transaction, and why."`
	Settle txSettle `cmd:"" help:"Take what is held, or less; the rest goes back to the buyer."`
	Cancel txCancel `cmd:"" help:"Cancel a transaction that is Reserved or Pending."`
	Refund txRefund `cmd:"" help:"Refund a payment, in full or in part."`
}

// txFlags name a transaction and the caller that asks about it.
type txFlags struct {
	apiFlags
	ID holdfast.TransactionID `arg:"" help:"Choose the transaction by its id."`
}

type txShow struct{ txFlags }

func (v txShow) Run(ctx context.Context, w world) error {
	client, err := v.client(ctx, w)
	if err != nil {
		return err
	}
	detail, err := client.GetTransaction(ctx, v.ID)
	if err != nil {
		return err
	}
	return v.print(w, describeDetail(detail))
}

type txStatus struct{ txFlags }

func (v txStatus) Run(ctx context.Context, w world) error {
	client, err := v.client(ctx, w)
	if err != nil {
		return err
	}
	state, err := client.GetTransactionStatus(ctx, v.ID)
	if err != nil {
		return err
	}
	return v.print(w, stateAnswer{
		TransactionID: state.TransactionID, Status: state.Status, CallerReference: state.CallerReference,
		StatusCode: state.StatusCode, StatusMessage: state.StatusMessage,
		holdAnswer: describeHold(state.Status, state.Answer), RequestID: state.RequestID,
	})
}

type txSettle struct {
	txFlags
	Amount dollars `help:"Take this much; by default all that is held." placeholder:"40.00"`
}

func (v txSettle) Run(ctx context.Context, w world) error {
	client, err := v.client(ctx, w)
	if err != nil {
		return err
	}
	result, err := client.Settle(ctx, holdfast.SettleRequest{
		ReserveTransactionID: v.ID, TransactionAmount: money.Amount(v.Amount),
	})
	if err != nil {
		return doubtful(err, again(v.ID, "settled"))
	}
	return v.print(w, describeMove(result))
}

type txCancel struct {
	txFlags
	Reason string `help:"Record this reason." placeholder:"TEXT"`
}

func (v txCancel) Run(ctx context.Context, w world) error {
	client, err := v.client(ctx, w)
	if err != nil {
		return err
	}
	result, err := client.Cancel(ctx, holdfast.CancelRequest{TransactionID: v.ID, Description: v.Reason})
	if err != nil {
		return doubtful(err, again(v.ID, "cancelled"))
	}
	return v.print(w, describeMove(result))
}

// again says what to do when it is in doubt whether a transaction was changed.
func again(id holdfast.TransactionID, changed string) string {
	return fmt.Sprintf("Run the same command again, since a transaction is %s only once; or see with holdfast tx status "+
		"%s how it stands.", changed, quote(string(id)))
}

type txRefund struct {
	txFlags
	Amount    dollars                  `help:"Refund this much; by default all that is left." placeholder:"40.00"`
	Policy    holdfast.RefundPolicy    `help:"Choose who pays for the refund of a marketplace's payment: MasterTxnOnly, MarketplaceTxnOnly or MasterAndMarketplaceTxn." enum:"MasterTxnOnly,MarketplaceTxnOnly,MasterAndMarketplaceTxn," default:"" placeholder:"POLICY"`
	Reference holdfast.CallerReference `help:"Give the refund this CallerReference, a new one for each; by default one is made up." placeholder:"REF"`
	Reason    string                   `help:"Record this reason." placeholder:"TEXT"`
}

func (v txRefund) Run(ctx context.Context, w world) error {
	client, err := v.client(ctx, w)
	if err != nil {
		return err
	}
	reference := v.Reference
	if reference == "" {
		// It is printed before the request, so that a user who stops the program
		// knows how to ask again.
		reference = holdfast.CallerReference("refund-" + rand.Text())
		fmt.Fprintf(w.Err, "The refund's reference is %[1]s. Send it again with --reference %[1]s if you do not know the "+
			"outcome.\n", reference)
	}
	result, err := client.Refund(ctx, holdfast.RefundRequest{
		TransactionID: v.ID, RefundAmount: money.Amount(v.Amount), CallerReference: reference,
		CallerDescription: v.Reason, MarketplaceRefundPolicy: v.Policy,
	})
	if err != nil {
		return doubtful(err, fmt.Sprintf(
			"Send it again with --reference %s and everything else as it was: that pays back once only. A new reference may "+
				"pay back twice.", quote(string(reference)),
		))
	}
	answer := describeMove(result)
	answer.RefundOf, answer.CallerReference = v.ID, reference
	return v.print(w, answer)
}

// A moveAnswer is the result of a request that moves money, as --json prints
// it.
type moveAnswer struct {
	TransactionID   holdfast.TransactionID     `json:"transactionId"`
	Status          holdfast.TransactionStatus `json:"status"`
	RefundOf        holdfast.TransactionID     `json:"refundOf,omitempty"`
	CallerReference holdfast.CallerReference   `json:"callerReference,omitempty"` // of a refund
	holdAnswer
	RequestID string `json:"requestId"`
}

func describeMove(r holdfast.TransactionResult) moveAnswer {
	return moveAnswer{
		TransactionID: r.TransactionID, Status: r.Status, holdAnswer: describeHold(r.Status, r.Answer),
		RequestID: r.RequestID,
	}
}

func (a moveAnswer) facts() []fact {
	return append([]fact{
		{"transaction", string(a.TransactionID)},
		{"status", string(a.Status)},
		{"refund of", string(a.RefundOf)},
		{"caller reference", string(a.CallerReference)},
	}, a.holdAnswer.facts()...)
}

// A holdAnswer is a hold's deadline by the caller's time. It is empty if the
// answer is not about a hold.
type holdAnswer struct {
	Deadline time.Time     `json:"deadline,omitzero"`
	left     time.Duration // zero when the hold is no longer open
}

func describeHold(status holdfast.TransactionStatus, a holdfast.Answer) holdAnswer {
	h := holdAnswer{Deadline: a.Deadline.UTC()}
	if status == holdfast.StatusReserved || status == holdfast.StatusPending {
		h.left = a.Deadline.Sub(a.ServerTime)
	}
	return h
}

func (h holdAnswer) facts() []fact {
	deadline := moment(h.Deadline)
	if deadline != "" && h.left > 0 {
		deadline += ", in " + inDays(h.left.Truncate(time.Second))
	}
	return []fact{{"deadline", deadline}}
}

// A stateAnswer is a transaction's status, as --json prints it.
type stateAnswer struct {
	TransactionID   holdfast.TransactionID     `json:"transactionId"`
	Status          holdfast.TransactionStatus `json:"status"`
	StatusCode      holdfast.StatusCode        `json:"statusCode"`
	StatusMessage   string                     `json:"statusMessage"`
	CallerReference holdfast.CallerReference   `json:"callerReference"`
	holdAnswer
	RequestID string `json:"requestId"`
}

func (a stateAnswer) facts() []fact {
	return append([]fact{
		{"transaction", string(a.TransactionID)},
		{"status", string(a.Status)},
		{"status code", string(a.StatusCode)},
		{"status message", a.StatusMessage},
		{"caller reference", string(a.CallerReference)},
	}, a.holdAnswer.facts()...)
}
