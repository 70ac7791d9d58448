package stripe

import (
	"context"
	"fmt"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v85"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Lines reads the balance transactions that Stripe wrote from a time until before
// another, the newest first.
func (c *Client) Lines(ctx context.Context, from, to time.Time) ([]payment.NetworkLine, error) {
	params := &stripego.BalanceTransactionListParams{
		CreatedRange: &stripego.RangeQueryParams{GreaterThanOrEqual: from.Unix(), LesserThan: to.Unix()},
	}
	return c.lines(ctx, params, "")
}

// PayoutLines reads the balance transactions that an automatic payout has paid
// out, and its own.
func (c *Client) PayoutLines(ctx context.Context, payout string) ([]payment.NetworkLine, error) {
	return c.lines(ctx, &stripego.BalanceTransactionListParams{Payout: stripego.String(payout)}, payout)
}

func (c *Client) lines(
	ctx context.Context, params *stripego.BalanceTransactionListParams, payout string,
) ([]payment.NetworkLine, error) {
	params.Limit = stripego.Int64(100)
	params.AddExpand("data.source")
	read, f := call(ctx, c, "", func(ctx context.Context) (all []*stripego.BalanceTransaction, err error) {
		for b, err := range c.api.V1BalanceTransactions.List(ctx, params).All(ctx) {
			if err != nil {
				return nil, err
			}
			all = append(all, b)
		}
		return all, nil
	})
	if f != nil {
		return nil, f.while("reading the balance")
	}
	lines := make([]payment.NetworkLine, 0, len(read))
	for _, b := range read {
		if b.Currency != stripego.CurrencyUSD {
			return nil, fmt.Errorf("line %s of the balance is in %s: only accounts that are settled in USD can be compared",
				word(b.ID), word(strings.ToUpper(string(b.Currency))))
		}
		line, err := c.line(ctx, b)
		if err != nil {
			return nil, err
		}
		line.Payout = payout
		lines = append(lines, line)
	}
	return lines, nil
}

// line reads a balance transaction.
func (c *Client) line(ctx context.Context, b *stripego.BalanceTransaction) (payment.NetworkLine, error) {
	line := payment.NetworkLine{
		Account: c.config.Account.ID, ID: b.ID, Type: lineType(b),
		Micro: b.Amount * microPerCent, Fee: b.Fee * microPerCent, Created: time.Unix(b.Created, 0).UTC(),
	}
	if b.Source == nil {
		return line, nil
	}
	line.Source = b.Source.ID
	var about *stripego.PaymentIntent
	switch {
	case b.Source.Charge != nil:
		about = b.Source.Charge.PaymentIntent
	case b.Source.Refund != nil:
		about = b.Source.Refund.PaymentIntent
	case b.Source.Dispute != nil:
		about = b.Source.Dispute.PaymentIntent
	}
	if about != nil {
		line.Payment = about.ID
	}
	if line.Type == payment.LineRefund && b.Source.Refund != nil {
		rest, err := c.isRest(ctx, b.Source.Refund)
		if err != nil {
			return line, err
		}
		if rest {
			line.Type = payment.LineRest
		}
	}
	return line, nil
}

// isRest reports whether Stripe made a refund for the part of a hold that was not
// captured.
func (c *Client) isRest(ctx context.Context, theirs *stripego.Refund) (bool, error) {
	r := readRefund(theirs)
	if r.key != "" || r.charge == "" {
		return false, nil
	}
	ch, f := call(ctx, c, "", func(ctx context.Context) (*stripego.Charge, error) {
		return c.api.V1Charges.Retrieve(ctx, r.charge, nil)
	})
	switch {
	case f != nil:
		return false, f.while("reading " + word(r.charge))
	case r.amount != ch.Amount-ch.AmountCaptured:
		return false, nil
	case ch.AmountRefunded <= r.amount:
		return true, nil
	}
	// There are other refunds, and one of them may have the same amount.
	all, f := c.refundsOf(ctx, r.intent)
	if f != nil {
		return false, f.while("reading the refunds of " + word(r.intent))
	}
	return restOf(all, ch) == r.id, nil
}

// lineType is the kind of a balance transaction.
func lineType(b *stripego.BalanceTransaction) payment.LineType {
	switch b.Type {
	case "charge", "payment":
		return payment.LineCharge
	case "refund", "payment_refund":
		return payment.LineRefund
	case "refund_failure", "payment_failure_refund":
		return payment.LineRefundFailure
	case "stripe_fee", "stripe_fx_fee", "tax_fee":
		return payment.LineFee
	case "payout", "payout_cancel", "payout_failure":
		return payment.LinePayout
	default:
	}
	if strings.HasPrefix(string(b.ReportingCategory), "dispute") {
		return payment.LineDispute
	}
	return payment.LineOther
}
