package payment

import (
	"fmt"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/money"
)

// AuditRelated compares the totals in a transaction's row with its parts, its
// refunds and its marketplace fee.
func (f File) AuditRelated() (found []Finding) {
	t := f.Transaction
	pays := t.Kind == KindReserve || t.Kind == KindPart || t.Kind == KindPay
	found = f.auditParts()
	back := f.returned()
	if pays || t.Kind == KindFundPrepaid {
		found = f.compare(found, "the refunded amount", t.Refunded, back.amount)
		found = f.compare(found, "the returned fee", t.FeeReturned, back.fee)
	}
	if pays {
		found = f.compare(found, "the returned marketplace fee", t.CommissionReturned, back.commission)
		taken := money.Micros(0)
		if t.State == Success && !t.Parted() {
			taken = t.Commission
		}
		found = f.compare(found, "the marketplace fee", taken, f.commission())
	}
	return append(found, f.auditLinked()...)
}

// auditLinked compares a hold with its linked holds, and with what a single-use
// token authorises for all of them together.
func (f File) auditLinked() (found []Finding) {
	t, n, uses := f.Transaction, 0, f.Transaction.uses()
	if t.Kind != KindReserve || t.Link != "" {
		return nil
	}
	for _, c := range f.Children {
		if c.Parent == t.ID && c.Link != "" {
			n, uses = n+1, uses.Add(c.uses())
		}
	}
	if n != t.Linked {
		found = append(found, f.finding("transactions", nil, "counts %d linked holds but has %d", t.Linked, n))
	}
	if most := f.Token.Amount; n > 0 && f.Token.Type == holdfast.TokenSingleUse && uses.Cmp(most) > 0 {
		found = append(found, f.finding("tokens", nil, "allows %v, but the hold and its raises use %v", most, uses))
	}
	return found
}

// AuditUnderWay compares the transaction's money in the accounts Held and
// Outgoing with its state.
func (f File) AuditUnderWay() (found []Finding) {
	held, outgoing := f.UnderWay()
	for account, want := range map[ledger.AccountID]money.Amount{ledger.Held: held, ledger.Outgoing: outgoing} {
		if got := f.Balance(account); got.Micro != want.Micro {
			found = append(found, f.finding("postings", account, "leave %v in the account but should leave %v", got, want))
		}
	}
	return found
}

func (f File) compare(found []Finding, what string, kept, rows money.Amount) []Finding {
	if kept.Micro == rows.Micro {
		return found
	}
	return append(found, Differs(f.finding("transactions", nil, ""), what, kept, rows))
}

// Differs completes a finding about a stored total that is not the sum of its
// rows.
func Differs(f Finding, what string, kept, rows money.Amount) Finding {
	f.Problem = fmt.Sprintf("%s: %v is stored, but the rows add up to %v", what,
		money.Micros(kept.Micro), money.Micros(rows.Micro))
	f.Fault = fmt.Sprintf("%s differs by %d", what, kept.Micro-rows.Micro)
	return f
}

// returns are what a payment's refunds have given back.
type returns struct{ amount, fee, commission money.Amount }

// returned adds up the refunds of a payment. Refunds that failed after their
// success are taken off. Refunds of the marketplace fee alone count only there.
func (f File) returned() returns {
	t, none := f.Transaction, money.Micros(0)
	sum, refunds := returns{none, none, none}, make(map[holdfast.TransactionID]bool)
	for _, c := range f.Children {
		if c.Parent == t.ID && c.Refunds() {
			refunds[c.ID] = true
		}
	}
	for _, c := range f.Children {
		lost := c.State == Failure || c.State == Cancelled
		switch {
		case c.Parent == t.ID && !lost && c.Policy != holdfast.RefundMarketplaceOnly && c.Refunds():
			sum.amount = sum.amount.Add(c.Amount)
		case refunds[c.Parent] && c.Kind == KindRefundReversal:
			sum.amount = sum.amount.Sub(c.Amount)
		case c.Parent == t.CommissionID && t.CommissionID != "" && c.Kind == KindRefund && !lost:
			sum.commission = sum.commission.Add(c.Amount)
			continue
		default:
			continue
		}
		sum.fee, sum.commission = sum.fee.Sub(money.Micros(c.Fee.Micro)), sum.commission.Sub(money.Micros(c.Commission.Micro))
	}
	return sum
}

// commission is the marketplace fee that was booked.
func (f File) commission() money.Amount {
	for _, c := range f.Children {
		if c.ID == f.Transaction.CommissionID && c.Parent == f.Transaction.ID && c.Kind == KindCommission {
			return c.Amount
		}
	}
	return money.Micros(0)
}
