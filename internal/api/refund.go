package api

import (
	"context"
	"net/http"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Refund is money that goes back to the buyer.
type Refund struct {
	ID          string            `json:"id"`
	State       string            `json:"state" enum:"pending,succeeded,failed" doc:"pending: the card network has not answered."`
	Amount      Money             `json:"amount"`
	Fee         Money             `json:"fee" doc:"How much of the operator's fee is given back."`
	Payment     string            `json:"payment" doc:"The payment that is refunded."`
	Reference   string            `json:"reference"`
	Description string            `json:"description,omitempty"`
	Created     time.Time         `json:"created"`
	Completed   *time.Time        `json:"completed,omitempty"`
	Code        string            `json:"code" example:"Success"`
	Message     string            `json:"message"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Expanded    *Expanded         `json:"expanded,omitempty" doc:"The objects that expand asks for."`
}

func isRefund(t *payment.Transaction) bool { return t.Refunds() }

func refundOf(t payment.Transaction, metadata payment.Metadata) Refund {
	fee := moneyOf(t.Fee)
	if t.Fee.Given() && t.Fee.Micro < 0 {
		fee = moneyOf(t.Fee.Sub(t.Fee).Sub(t.Fee))
	}
	r := Refund{
		ID: string(t.ID), State: paidState(t.State), Amount: moneyOf(t.Amount), Fee: fee, Payment: string(t.Parent),
		Reference: string(t.Reference), Description: t.CallerDescription, Created: t.Received,
		Code: string(t.StatusCode), Message: t.StatusMessage, Metadata: metadata,
	}
	if !t.Completed.IsZero() {
		r.Completed = &t.Completed
	}
	return r
}

const tagRefunds = "Refunds"

func addRefunds(s *Server) {
	register(s, operation{
		id: "create-refund", method: http.MethodPost, path: Path + "refunds", tag: tagRefunds, scope: party.ScopeRefund,
		keyed: true, status: http.StatusCreated, summary: "Refund a payment or a hold",
		about: "Pays a payment or all payments of a hold back: in full, or up to an amount. The refund of a hold is one " +
			"refund for each of its payments, the oldest first, so `data` may have several.",
	}, (*Server).createRefund)
	register(s, operation{
		id: "list-refunds", method: http.MethodGet, path: Path + "refunds", tag: tagRefunds, scope: party.ScopeRead,
		summary: "List refunds", about: "Lists refunds, the newest first.",
	}, (*Server).listRefunds)
	register(s, operation{
		id: "get-refund", method: http.MethodGet, path: Path + "refunds/{id}", tag: tagRefunds, scope: party.ScopeRead,
		summary: "Get a refund", about: "Returns a refund as it is now.",
	}, (*Server).getRefund)
}

// NewRefund is the body of create-refund.
type NewRefund struct {
	Payment     string            `json:"payment,omitempty" maxLength:"128" doc:"The payment to refund. Give this or hold."`
	Hold        string            `json:"hold,omitempty" maxLength:"128" doc:"The hold whose payments to refund."`
	Amount      *Money            `json:"amount,omitempty" doc:"The default is all that is not refunded yet."`
	Reference   string            `json:"reference,omitempty" minLength:"1" maxLength:"128" doc:"Your own name for the refund. The default is the Idempotency-Key." example:"return-77"`
	Description string            `json:"description,omitempty" maxLength:"160" doc:"For your own books."`
	BorneBy     string            `json:"borne_by,omitempty" enum:"recipient,marketplace,both" doc:"For marketplaces: the side that gives the money back. The default is the recipient for its part and you for your fee."`
	Metadata    map[string]string `json:"metadata,omitempty" doc:"What you want to keep with the refund."`
}

var policies = map[string]holdfast.RefundPolicy{
	"recipient": holdfast.RefundMasterOnly, "marketplace": holdfast.RefundMarketplaceOnly,
	"both": holdfast.RefundMasterAndMarketplace,
}

type (
	createRefundInput struct {
		Keyed
		Body NewRefund
	}
	refundAnswer  struct{ Body Refund }
	refundsAnswer struct{ Body List[Refund] }
)

func (s *Server) createRefund(ctx context.Context, q *request, in *createRefundInput) (*refundsAnswer, error) {
	b := in.Body
	if (b.Payment == "") == (b.Hold == "") {
		return nil, newProblem(InvalidRequest, "", Fault{
			Pointer: "/payment", Code: MissingField, Detail: "Give a payment or a hold, and not both.",
		})
	}
	amount, err := amountOf(b.Amount, "/amount")
	if err != nil {
		return nil, err
	}
	q.call.Metadata = b.Metadata
	var made []payment.Transaction
	if b.Hold != "" {
		made, err = s.Processor.RefundHold(ctx, q.caller, q.call, processor.RefundHold{
			Hold: holdfast.TransactionID(b.Hold), Amount: amount, Reference: holdfast.CallerReference(b.Reference),
			Description: b.Description, Policy: policies[b.BorneBy],
		})
	} else {
		made = make([]payment.Transaction, 1)
		made[0], err = s.Processor.RefundPayment(ctx, q.caller, q.call, processor.RefundPayment{
			Payment: holdfast.TransactionID(b.Payment), Amount: amount, Reference: holdfast.CallerReference(b.Reference),
			Description: b.Description, Policy: policies[b.BorneBy],
		})
	}
	if err != nil {
		return nil, err
	}
	q.moved(made)
	answer := &refundsAnswer{}
	err = s.view(ctx, func(tx *store.ReadTx) error {
		answer.Body.Data, err = q.refunds(tx, made)
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

func (q *request) refunds(tx *store.ReadTx, all []payment.Transaction) ([]Refund, error) {
	metadata, err := tx.Metadata(q.caller.ID, idsOf(all)...)
	shown := make([]Refund, len(all))
	for i, t := range all {
		shown[i] = refundOf(t.AsOf(q.now()), metadata[string(t.ID)])
	}
	return shown, err
}

type getRefundInput struct {
	ByID
	Expand []string `query:"expand" enum:"payment" doc:"Objects to add in full, with commas."`
}

func (s *Server) getRefund(ctx context.Context, q *request, in *getRefundInput) (*refundAnswer, error) {
	var shown []Refund
	err := s.view(ctx, func(tx *store.ReadTx) error {
		t, found, err := tx.Transaction(q.caller.ID, holdfast.TransactionID(in.ID))
		if err == nil && (!found || !isRefund(&t)) {
			err = notFound("refund")
		}
		if err != nil {
			return err
		}
		if shown, err = q.refunds(tx, []payment.Transaction{t}); err != nil {
			return err
		}
		shown[0].Expanded, err = q.expand(tx, in.Expand, related{payment: shown[0].Payment})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &refundAnswer{shown[0]}, nil
}

type listRefundsInput struct {
	Paged
	Filtered
	Payment string `query:"payment" maxLength:"128" doc:"Only refunds of this payment."`
}

func (s *Server) listRefunds(ctx context.Context, q *request, in *listRefundsInput) (*refundsAnswer, error) {
	l, err := in.listing(q, in.Paged, in.Payment, isRefund)
	if err != nil {
		return nil, err
	}
	if in.Payment != "" {
		l.Of = func(tx *store.ReadTx) ([]payment.Transaction, error) {
			return tx.Children(q.caller.ID, holdfast.TransactionID(in.Payment))
		}
	}
	page, err := listed(ctx, s, q, l, q.refunds)
	return &refundsAnswer{page}, err
}
