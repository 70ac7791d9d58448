package queryapi

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// getTransaction returns everything about a transaction (Query API Reference,
// GetTransaction; data type TransactionDetail).
var getTransaction = action{
	name:       "GetTransaction",
	parameters: []parameter{{name: "TransactionId", required: true, rule: transactionID}},
	byClock:    true,
	answer:     (*Server).getTransaction,
}

// A detail is the content of a TransactionDetail.
type detail struct {
	payment.Transaction
	sender, recipient party.Party
	children          []payment.Transaction
	history           []payment.HistoryRow
}

func (s *Server) getTransaction(ctx context.Context, q *request, out *document) error {
	var d detail
	err := s.Store.View(ctx, func(tx *store.ReadTx) (err error) {
		d, err = q.detail(tx)
		return err
	})
	if err != nil {
		return err
	}
	d.history = slices.DeleteFunc(d.HistoryAsOf(d.history, q.now()), isLower)
	d.Transaction = d.AsOf(q.now())
	q.about(d.Transaction)
	d.write(q.caller, out)
	return nil
}

func (q *request) detail(tx *store.ReadTx) (d detail, err error) {
	if d.Transaction, err = q.transaction(tx); err != nil {
		return d, err
	}
	var foundSender, foundRecipient bool
	var errSender, errRecipient error
	d.sender, foundSender, errSender = tx.Party(d.Sender)
	d.recipient, foundRecipient, errRecipient = tx.Party(d.Recipient)
	if err := errors.Join(errSender, errRecipient); err != nil {
		return d, err
	}
	if !foundSender || !foundRecipient {
		return d, fmt.Errorf("a party of transaction %s is missing", d.ID)
	}
	if d.children, err = tx.Children(q.caller.ID, d.ID); err != nil {
		return d, err
	}
	d.history, err = tx.History(q.caller.ID, d.ID)
	return d, err
}

// isLower reports whether a step released a part of a hold. FPS's programs know no
// such step.
func isLower(h payment.HistoryRow) bool { return h.Verb == payment.VerbLower }

// related are the related transactions with their relation: for a payment its
// marketplace fee, its refunds, its disputes and the parts of a hold, for these the
// payment. FPS has no word for the relation of a dispute or a part.
func (d detail) related(out *document) {
	relate := func(id holdfast.TransactionID, relation holdfast.RelationType) {
		out.open("RelatedTransaction")
		out.text("TransactionId", string(id))
		out.text("RelationType", string(relation))
		out.close("RelatedTransaction")
	}
	if d.Parent != "" {
		relate(d.Parent, holdfast.RelationParent)
	}
	for _, child := range d.children {
		switch child.Kind {
		case payment.KindCommission:
			relate(child.ID, holdfast.RelationMarketplaceFee)
		case payment.KindRefund, payment.KindOutsideRefund:
			relate(child.ID, holdfast.RelationRefund)
		case payment.KindRefundReversal:
			relate(child.ID, holdfast.RelationRefundReversal)
		case payment.KindDispute, payment.KindDisputeReturn, payment.KindPart:
			relate(child.ID, "")
		default:
		}
	}
}

// write keeps the schema's order. Only a caller that is also the recipient gets
// the sender's e-mail address.
func (d detail) write(caller party.Caller, out *document) {
	out.open("Transaction")
	out.text("TransactionId", string(d.ID))
	out.text("CallerReference", string(d.Reference))
	out.text("CallerDescription", d.CallerDescription)
	out.text("SenderDescription", d.SenderDescription)
	out.date("DateReceived", d.Received)
	out.date("DateCompleted", d.Completed)
	out.amount("TransactionAmount", d.Current())
	out.amount("FPSFees", d.FeeCharged())
	if commission := d.CommissionCharged(); commission.Micro != 0 {
		out.amount("MarketplaceFees", commission)
	}
	out.text("FPSFeesPaidBy", string(d.FeeBy))
	out.text("SenderTokenId", string(d.Token))
	out.text("RecipientTokenId", string(d.RecipientToken))
	switch d.AggregateMethod() {
	case holdfast.MethodPrepaid:
		out.text("PrepaidInstrumentId", string(d.Aggregate))
	case holdfast.MethodDebt:
		out.text("CreditInstrumentId", string(d.Aggregate))
	default:
	}
	out.text("FPSOperation", string(d.Operation()))
	out.text("PaymentMethod", string(d.Method))
	out.text("TransactionStatus", string(d.State.Status()))
	out.text("StatusCode", string(d.StatusCode))
	out.text("StatusMessage", d.StatusMessage)
	out.text("SenderName", d.sender.Name)
	if caller.Owner == d.Recipient {
		out.text("SenderEmail", d.sender.Email)
	}
	out.text("CallerName", caller.Name)
	out.text("RecipientName", d.recipient.Name)
	out.text("RecipientEmail", d.recipient.Email)
	d.related(out)
	for _, h := range d.history {
		out.open("StatusHistory")
		out.date("Date", h.At)
		out.text("TransactionStatus", string(h.After.Status()))
		out.text("StatusCode", string(h.StatusCode))
		out.amount("Amount", h.Amount)
		out.close("StatusHistory")
	}
	out.close("Transaction")
}
