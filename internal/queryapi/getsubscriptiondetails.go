package queryapi

import (
	"context"
	"errors"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// getSubscriptionDetails describes a recurring token as a subscription (Query
// API Reference, GetSubscriptionDetails; version 2010-08-28).
var getSubscriptionDetails = action{
	name:       "GetSubscriptionDetails",
	since:      holdfast.Version2010,
	parameters: []parameter{{name: "SubscriptionId", required: true, rule: bytesMax(tokenIDMax)}},
	byClock:    true,
	answer:     (*Server).getSubscriptionDetails,
}

// A subscription is a recurring token with its parties and its use.
type subscription struct {
	payment.Token
	sender, recipient party.Party
	limits            []payment.Limit
	paid              int64
}

func (s *Server) getSubscriptionDetails(ctx context.Context, q *request, out *document) error {
	var sub subscription
	err := s.Store.View(ctx, func(tx *store.ReadTx) (err error) {
		sub, err = q.subscription(tx)
		return err
	})
	if err != nil {
		return err
	}
	q.write(sub, out)
	return nil
}

func (q *request) subscriptionToken(tx *store.ReadTx) (payment.Token, error) {
	id := holdfast.TokenID(q.params.Get("SubscriptionId"))
	t, found, err := tx.Token(id)
	if err != nil {
		return t, err
	}
	return t, payment.FindSubscription(t, found, q.caller.ID, id)
}

func (q *request) subscription(tx *store.ReadTx) (sub subscription, err error) {
	if sub.Token, err = q.subscriptionToken(tx); err != nil {
		return sub, err
	}
	recipient := sub.Recipient
	if recipient == "" {
		recipient = q.caller.Owner
	}
	var foundSender, foundRecipient bool
	if sub.sender, foundSender, err = tx.Party(sub.Sender); err != nil {
		return sub, err
	}
	if sub.recipient, foundRecipient, err = tx.Party(recipient); err != nil {
		return sub, err
	}
	if !foundSender || !foundRecipient {
		return sub, errors.New("a party of a subscription is missing")
	}
	if sub.limits, err = tx.Limits(string(q.caller.ID), string(sub.ID)); err != nil {
		return sub, err
	}
	sub.paid, err = tx.CountPaid(q.caller.ID, sub.ID)
	return sub, err
}

func (q *request) write(sub subscription, out *document) {
	now := q.now()
	value, unit, _ := sub.Period.Frequency()
	out.open("SubscriptionDetails")
	out.text("SubscriptionId", string(sub.ID))
	out.text("Description", sub.FriendlyName)
	out.amount("SubscriptionAmount", sub.Amount)
	next, goesOn := sub.NextPayment(sub.paidThisPeriod(q), now)
	if goesOn {
		out.amount("NextTransactionAmount", sub.Amount)
	}
	out.count("NumberOfPromotionalTransactions", 0)
	out.date("StartDate", sub.Begins())
	out.date("EndDate", sub.Expires)
	out.open("SubscriptionFrequency")
	out.count("Value", int64(value))
	out.text("TimeUnit", string(unit))
	out.close("SubscriptionFrequency")
	out.text("SubscriptionStatus", string(sub.SubscriptionStatus(now)))
	out.count("NumberOfTransactionsProcessed", sub.paid)
	out.text("RecipientEmail", sub.recipient.Email)
	out.text("RecipientName", sub.recipient.Name)
	out.text("SenderEmail", sub.sender.Email)
	out.text("SenderName", sub.sender.Name)
	if goesOn {
		out.date("NextTransactionDate", next)
	}
	out.close("SubscriptionDetails")
}

func (sub subscription) paidThisPeriod(q *request) bool {
	for _, l := range sub.limits {
		if l = l.At(q.now()); l.Kind == payment.LimitCount && !l.Period.Endless() {
			return l.UsedCount >= l.Value
		}
	}
	return false
}

// getTransactionsForSubscription lists the payments of a subscription, the
// oldest first (Query API Reference, GetTransactionsForSubscription; version
// 2010-08-28).
var getTransactionsForSubscription = action{
	name:       "GetTransactionsForSubscription",
	since:      holdfast.Version2010,
	parameters: []parameter{{name: "SubscriptionId", required: true, rule: bytesMax(tokenIDMax)}},
	byClock:    true,
	answer:     (*Server).getTransactionsForSubscription,
}

// subscriptionPaymentsMax limits the list: more than eighty years of months.
const subscriptionPaymentsMax = 1000

func (s *Server) getTransactionsForSubscription(ctx context.Context, q *request, out *document) error {
	var all []payment.Transaction
	var t payment.Token
	var before int64
	err := s.Store.View(ctx, func(tx *store.ReadTx) (err error) {
		if t, err = q.subscriptionToken(tx); err != nil {
			return err
		}
		if all, err = tx.PaymentsOf(q.caller.ID, t.ID, subscriptionPaymentsMax); err != nil {
			return err
		}
		before, err = tx.CountPayments(q.caller.ID, t.ID)
		before -= int64(len(all))
		return err
	})
	if err != nil {
		return err
	}
	for i := len(all) - 1; i >= 0; i-- {
		made := all[i].AsOf(q.now())
		before++
		description := made.CallerDescription
		if description == "" {
			description = t.FriendlyName
		}
		out.open("SubscriptionTransaction")
		out.text("TransactionId", string(made.ID))
		out.date("TransactionDate", made.Received)
		out.count("TransactionSerialNumber", before)
		out.amount("TransactionAmount", made.Current())
		out.text("Description", description)
		out.text("TransactionStatus", string(made.State.Status()))
		out.close("SubscriptionTransaction")
	}
	return nil
}
