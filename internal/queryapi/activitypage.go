package queryapi

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/money"
)

// An activityPage is a page of GetAccountActivity, to be written.
type activityPage struct{ processor.ActivityPage }

// write keeps the schema's order. There is one part for each role that the
// account plays, the recipient's before the caller's, as recorded.
func (p *activityPage) write(t payment.Transaction, out *document) {
	caller := p.Callers[t.Caller]
	out.open("Transaction")
	out.text("TransactionId", string(t.ID))
	out.date("CallerTransactionDate", t.Received)
	out.date("DateReceived", t.Received)
	out.date("DateCompleted", t.Completed)
	out.amount("TransactionAmount", t.Current())
	out.text("FPSOperation", string(t.Operation()))
	out.text("TransactionStatus", string(t.State.Status()))
	out.text("StatusMessage", t.StatusMessage)
	out.text("StatusCode", string(t.StatusCode))
	if t.Kind == payment.KindRefund {
		out.text("OriginalTransactionId", string(t.Parent))
	}
	for _, role := range t.Roles(p.Account) {
		p.part(t, role, caller, out)
	}
	out.text("PaymentMethod", string(t.Method))
	out.text("SenderName", p.Parties[t.Sender])
	out.text("CallerName", caller.Name)
	out.text("RecipientName", p.Parties[t.Recipient])
	out.amount("FPSFees", t.FeeCharged())
	out.amount("Balance", p.balanceAfter(t))
	out.text("SenderTokenId", string(t.Token))
	out.text("RecipientTokenId", string(t.RecipientToken))
	out.close("Transaction")
}

func (p *activityPage) part(t payment.Transaction, role holdfast.Role, caller party.Caller, out *document) {
	out.open("TransactionPart")
	switch role {
	case holdfast.RoleSender:
		out.text("InstrumentId", string(t.Aggregate))
		out.text("Role", string(role))
		out.text("Name", p.Parties[t.Sender])
		out.text("Description", t.SenderDescription)
	case holdfast.RoleRecipient:
		out.text("InstrumentId", string(t.Aggregate))
		out.text("Role", string(role))
		out.text("Name", p.Parties[t.Recipient])
	case holdfast.RoleCaller:
		out.text("Role", string(role))
		out.text("Name", caller.Name)
		out.text("Reference", string(t.Reference))
		out.text("Description", t.CallerDescription)
	}
	fees := money.Micros(0)
	if t.FeeBy == role {
		fees = t.FeeCharged()
	}
	out.amount("FeesPaid", fees)
	out.close("TransactionPart")
}

// balanceAfter is the account's balance after the transaction moved money on
// it, or its present balance if the transaction moved none.
func (p *activityPage) balanceAfter(t payment.Transaction) money.Amount {
	switch {
	case t.Recipient == p.Account && t.RecipientBalance.Given():
		return t.RecipientBalance
	case t.Sender == p.Account && t.SenderBalance.Given():
		return t.SenderBalance
	}
	return p.Balance
}
