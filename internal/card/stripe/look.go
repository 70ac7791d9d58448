package stripe

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v85"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// Look reads the present state of what an event is about. An event of a type that
// is not known, and one about an object that is not in the account, find nothing.
func (c *Client) Look(ctx context.Context, e card.Event) (card.Finding, error) {
	var found card.Finding
	var f *failure
	switch kind, _, _ := strings.Cut(e.Type, "."); kind {
	case "payment_intent", "charge", "refund", "radar", "review":
		found, f = c.lookAtPayment(ctx, e)
	case "checkout":
		return c.lookAtPage(ctx, e.Object)
	case "setup_intent":
		return c.lookAtSetup(ctx, e.Object)
	case "payment_method":
		found.Removed, f = c.removed(ctx, e.Object)
	case "payout":
		found.Payout, f = c.listed(ctx, e.Object)
	}
	switch {
	case f == nil:
		return found, nil
	case f.status == http.StatusNotFound:
		return card.Finding{}, nil
	}
	return card.Finding{}, f.while("looking at " + word(e.Object))
}

// lookAtPayment reads a payment with its refunds and disputes.
func (c *Client) lookAtPayment(ctx context.Context, e card.Event) (card.Finding, *failure) {
	id, f := c.paymentOf(ctx, e)
	if f != nil || id == "" {
		return card.Finding{}, f
	}
	pi, f := call(ctx, c, "", func(ctx context.Context) (*stripego.PaymentIntent, error) {
		params := &stripego.PaymentIntentRetrieveParams{}
		params.AddExpand("latest_charge")
		return c.api.V1PaymentIntents.Retrieve(ctx, id, params)
	})
	if f != nil || pi.Livemode != c.live() {
		return card.Finding{}, f
	}
	found := foundPayment(pi)
	found.Warned = strings.HasPrefix(e.Type, "radar.early_fraud_warning.")
	ch := pi.LatestCharge
	if ch == nil {
		return card.Finding{Payment: &found}, nil
	}
	// A refund that failed no longer counts in the charge.
	if ch.AmountRefunded > 0 || strings.HasPrefix(e.Type, "refund.") || e.Type == "charge.refunded" {
		all, f := c.refundsOf(ctx, id)
		if f != nil {
			return card.Finding{}, f
		}
		found.Refunds = foundRefunds(all, ch)
	}
	if ch.Disputed || strings.HasPrefix(e.Type, "charge.dispute.") {
		if found.Disputes, f = c.disputesOf(ctx, id); f != nil {
			return card.Finding{}, f
		}
	}
	return card.Finding{Payment: &found}, nil
}

// paymentOf is the payment that an event is about, as far as the event does not
// name it itself. It may be empty.
func (c *Client) paymentOf(ctx context.Context, e card.Event) (string, *failure) {
	if e.Parent != "" {
		return e.Parent, nil
	}
	var parent *stripego.PaymentIntent
	var f *failure
	switch prefix, _, _ := strings.Cut(e.Object, "_"); prefix {
	case "pi":
		return e.Object, nil
	case "ch", "py":
		var ch *stripego.Charge
		ch, f = call(ctx, c, "", func(ctx context.Context) (*stripego.Charge, error) {
			return c.api.V1Charges.Retrieve(ctx, e.Object, nil)
		})
		if f == nil {
			parent = ch.PaymentIntent
		}
	case "re", "pyr":
		var r *stripego.Refund
		r, f = call(ctx, c, "", func(ctx context.Context) (*stripego.Refund, error) {
			return c.api.V1Refunds.Retrieve(ctx, e.Object, nil)
		})
		if f == nil {
			parent = r.PaymentIntent
		}
	case "dp", "du":
		var d *stripego.Dispute
		d, f = call(ctx, c, "", func(ctx context.Context) (*stripego.Dispute, error) {
			return c.api.V1Disputes.Retrieve(ctx, e.Object, nil)
		})
		if f == nil {
			parent = d.PaymentIntent
		}
	}
	if f != nil || parent == nil {
		return "", f
	}
	return parent.ID, nil
}

func foundPayment(pi *stripego.PaymentIntent) card.PaymentFound {
	i := readIntent(pi)
	at := i.created
	switch {
	case pi.CanceledAt > 0:
		at = time.Unix(pi.CanceledAt, 0).UTC()
	case pi.LatestCharge != nil && pi.LatestCharge.Created > 0:
		at = time.Unix(pi.LatestCharge.Created, 0).UTC()
	}
	return card.PaymentFound{
		Reference: i.id, Key: keyOf(pi.Metadata), Caller: party.CallerID(word(i.caller)), Status: word(i.status),
		Held: i.capturable * microPerCent, Captured: i.received * microPerCent, Ended: i.status == canceled, At: at,
	}
}

// foundRefunds reads the refunds of a charge. One that we did not ask for may be
// the rest of a hold that was captured in part, or all of a hold that was let go.
func foundRefunds(all []refund, ch *stripego.Charge) (found []card.RefundFound) {
	rest := restOf(all, ch)
	for _, r := range all {
		found = append(found, card.RefundFound{
			Reference: r.id, Key: r.key, Status: word(r.status), Micro: r.amount * microPerCent,
			Failed: r.status == failed || r.status == canceled, Paid: r.status == succeeded,
			Rest: r.key == "" && (!ch.Captured || r.id == rest || r.reason == reasonLapsed), At: r.created,
		})
	}
	return found
}

// reasonLapsed is Stripe's reason for the refund of a hold that was not captured
// in time.
const reasonLapsed = "expired_uncaptured_charge"

// restOf is the refund that Stripe made for the part of a hold that was not
// captured: the oldest one of that amount that we did not ask for.
func restOf(all []refund, ch *stripego.Charge) string {
	var first *refund
	for i, r := range all {
		if r.key != "" || r.amount != ch.Amount-ch.AmountCaptured {
			continue
		}
		// Stripe lists the newest first.
		if first == nil || !r.created.After(first.created) {
			first = &all[i]
		}
	}
	if first == nil {
		return ""
	}
	return first.id
}

func (c *Client) disputesOf(ctx context.Context, payment string) ([]card.DisputeFound, *failure) {
	params := &stripego.DisputeListParams{PaymentIntent: stripego.String(payment)}
	params.Limit = stripego.Int64(100)
	return call(ctx, c, "", func(ctx context.Context) (found []card.DisputeFound, err error) {
		for d, err := range c.api.V1Disputes.List(ctx, params).All(ctx) {
			if err != nil {
				return nil, err
			}
			found = append(found, foundDispute(d))
		}
		return found, nil
	})
}

func foundDispute(d *stripego.Dispute) card.DisputeFound {
	one := card.DisputeFound{
		Reference: d.ID, Status: word(string(d.Status)), Reason: word(string(d.Reason)), Micro: d.Amount * microPerCent,
		Inquiry: strings.HasPrefix(string(d.Status), "warning_") || d.Status == "prevented",
		Won:     d.Status == stripego.DisputeStatusWon, Lost: d.Status == stripego.DisputeStatusLost,
		Closed: d.Status == stripego.DisputeStatusWarningClosed || d.Status == stripego.DisputeStatusPrevented,
		At:     time.Unix(d.Created, 0).UTC(),
	}
	if d.EvidenceDetails != nil && d.EvidenceDetails.DueBy > 0 {
		one.Due = time.Unix(d.EvidenceDetails.DueBy, 0).UTC()
	}
	return one
}

// lookAtPage reads a page. A page that is not ours finds nothing.
func (c *Client) lookAtPage(ctx context.Context, id string) (card.Finding, error) {
	got, err := c.Collected(ctx, id)
	if _, foreign := errors.AsType[*card.ForeignError](err); foreign {
		return card.Finding{}, nil
	}
	if err != nil {
		return card.Finding{}, err
	}
	return card.Finding{Page: &got, PageID: id}, nil
}

// lookAtSetup finds the page that a SetupIntent belongs to. Stripe does not list
// pages by it, but by its customer.
func (c *Client) lookAtSetup(ctx context.Context, id string) (card.Finding, error) {
	setup, f := call(ctx, c, "", func(ctx context.Context) (*stripego.SetupIntent, error) {
		return c.api.V1SetupIntents.Retrieve(ctx, id, nil)
	})
	switch {
	case f != nil && f.status == http.StatusNotFound:
		return card.Finding{}, nil
	case f != nil:
		return card.Finding{}, f.while("looking at " + word(id))
	case setup.Customer == nil || setup.Metadata[metaPage] == "":
		return card.Finding{}, nil
	}
	params := &stripego.CheckoutSessionListParams{Customer: stripego.String(setup.Customer.ID)}
	params.Limit = stripego.Int64(100)
	page, f := call(ctx, c, "", func(ctx context.Context) (string, error) {
		for s, err := range c.api.V1CheckoutSessions.List(ctx, params).All(ctx) {
			if err != nil {
				return "", err
			}
			if s.Metadata[metaPage] == setup.Metadata[metaPage] {
				return s.ID, nil
			}
		}
		return "", nil
	})
	switch {
	case f != nil:
		return card.Finding{}, f.while("looking for the page of " + word(id))
	case page == "":
		return card.Finding{}, nil
	}
	return c.lookAtPage(ctx, page)
}

// removed is a card that no longer belongs to a customer, so that it cannot be
// charged any more. It is empty if the card still does.
func (c *Client) removed(ctx context.Context, id string) (string, *failure) {
	pm, f := call(ctx, c, "", func(ctx context.Context) (*stripego.PaymentMethod, error) {
		return c.api.V1PaymentMethods.Retrieve(ctx, id, nil)
	})
	switch {
	case f != nil && f.status == http.StatusNotFound:
		return id, nil
	case f != nil || pm.Customer != nil:
		return "", f
	}
	return id, nil
}

// listed is a payout of which Stripe has finished the list of lines. It is empty
// if Stripe has not.
func (c *Client) listed(ctx context.Context, id string) (string, *failure) {
	p, f := call(ctx, c, "", func(ctx context.Context) (*stripego.Payout, error) {
		return c.api.V1Payouts.Retrieve(ctx, id, nil)
	})
	if f != nil || p.ReconciliationStatus != stripego.PayoutReconciliationStatusCompleted {
		return "", f
	}
	return id, nil
}
