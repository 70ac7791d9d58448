package stripefake

import (
	"fmt"
	"time"
)

// A refund gives money back. Stripe makes one by itself for the rest of a hold.
type refund struct {
	head
	charge, intent        string
	amount                int64 // cents
	status, reason        string
	pending, failure      string // reasons
	rest                  bool   // of a hold
	metadata              map[string]string
	transaction, reversal string // of the balance
}

func (r *refund) render(*Server) object {
	shown := r.shown("refund")
	delete(shown, "livemode") // a refund has none
	shown.add(object{
		"amount": r.amount, "charge": r.charge, "payment_intent": r.intent, "status": r.status, "reason": orNull(r.reason),
		"currency": "usd", "metadata": shownMap(r.metadata), "balance_transaction": orNull(r.transaction),
		"receipt_number": nil, "source_transfer_reversal": nil, "transfer_reversal": nil,
		"destination_details": object{"type": "card", "card": object{"type": "refund", "reference_status": "pending"}},
	})
	for field, value := range map[string]string{
		"pending_reason": r.pending, "failure_reason": r.failure, "failure_balance_transaction": r.reversal,
	} {
		if value != "" {
			shown[field] = value
		}
	}
	return shown
}

func refundRoutes() []route {
	return []route{
		{
			"POST /v1/refunds", "charge", true,
			[]string{"payment_intent", "charge", "amount", "reason", "metadata[*]"},
			createRefund,
		},
		{"GET /v1/refunds/{id}", "charge", false, nil, getRefund},
		{"POST /v1/refunds/{id}", "charge", true, []string{"metadata[*]"}, updateRefund},
		{"GET /v1/refunds", "charge", false, listParams("payment_intent", "charge"), listRefunds},
	}
}

func (s *Server) newRefund(ch *charge, amount int64, reason string) *refund {
	r := &refund{
		head: s.newHead("re", ch.live), charge: ch.id, intent: ch.intent, amount: amount, status: succeeded, reason: reason,
		metadata: map[string]string{},
	}
	s.keep(r)
	return r
}

func createRefund(c *call) (object, error) {
	ch, err := c.refunded()
	if err != nil {
		return nil, err
	}
	metadata, err := c.form.metadata("metadata", nil)
	if err != nil {
		return nil, err
	}
	reason, err := c.form.enum("reason", "", "duplicate", "fraudulent", "requested_by_customer")
	if err != nil {
		return nil, err
	}
	amount, err := c.form.integer("amount", ch.left())
	if err != nil {
		return nil, err
	}
	r, err := c.server.giveBack(ch, amount, reason)
	if err != nil {
		return nil, err
	}
	r.metadata = metadata
	c.server.announce(r, ch)
	return r.render(c.server), nil
}

// refunded returns the charge that the request names.
func (c *call) refunded() (*charge, error) {
	if id := c.form.text("charge"); id != "" {
		return find[*charge](c, "charge", id, "charge")
	}
	id, err := c.form.required("payment_intent")
	if err != nil {
		return nil, err
	}
	p, err := find[*intent](c, "payment_intent", id, "payment_intent")
	if err != nil {
		return nil, err
	}
	ch, ok := c.server.things[p.charge].(*charge)
	if !ok || p.status != succeeded {
		return nil, refused("", "This PaymentIntent (%s) does not have a successful charge to refund.", p.id)
	}
	return ch, nil
}

// left is what can still be given back. The rest of a hold counts as refunded.
func (ch *charge) left() int64 {
	rest := ch.amount - ch.captured
	return ch.captured - (ch.refunded - rest)
}

// giveBack makes a refund of what was captured.
func (s *Server) giveBack(ch *charge, amount int64, reason string) (*refund, error) {
	left := ch.left()
	switch {
	case !ch.paid || !ch.isCaptured:
		return nil, refused("charge_not_refundable", "Charge %s is not captured.", ch.id)
	case ch.dispute != "" && s.things[ch.dispute].(*dispute).open():
		return nil, refused("charge_disputed", "Charge %s is disputed and cannot be refunded.", ch.id)
	case left == 0:
		return nil, refused("charge_already_refunded", "Charge %s has already been refunded.", ch.id)
	case amount < 1:
		return nil, invalidCode("parameter_invalid_integer", "amount", "This value must be greater than or equal to 1.")
	case amount > left:
		e := refused("", "Refund amount (%s) is greater than unrefunded amount on charge (%s)", dollars(amount),
			dollars(left))
		e.Param = "amount"
		return nil, e
	}
	r := s.newRefund(ch, amount, reason)
	ch.refunded += amount
	card := s.things[ch.method].(*method).card
	if s.settings.RefundsWait || card.refund == refundSucceedsLater {
		r.status, r.pending = "pending", "processing"
	}
	r.transaction = s.book(r.live, "refund", -amount, 0, r.id).id
	return r, nil
}

// Refunds of some cards change this much later.
const refundDelay = time.Minute

// announce tells of a new refund.
func (s *Server) announce(r *refund, ch *charge) {
	s.emit("refund.created", r)
	s.emit("charge.refunded", ch)
	later := s.things[ch.method].(*method).card.refund
	if later == "" {
		return
	}
	s.timers.add(s.now.Add(refundDelay), func() { s.endRefund(r, later, "lost_or_stolen_card") })
}

// endRefund ends a refund. One that has succeeded can still fail.
func (s *Server) endRefund(r *refund, status, reason string) {
	ch := s.things[r.charge].(*charge)
	if r.status == "failed" || r.status == canceled || r.status == status {
		return
	}
	r.status, r.pending = status, ""
	if status != succeeded {
		r.failure = reason
		r.reversal = s.book(r.live, "refund_failure", r.amount, 0, r.id).id
		ch.refunded -= r.amount
		s.emit("refund.failed", r)
	}
	s.emit("refund.updated", r)
	s.emit("charge.refund.updated", r)
}

func dollars(cents int64) string { return fmt.Sprintf("$%d.%02d", cents/100, cents%100) }

func getRefund(c *call) (object, error) {
	r, err := find[*refund](c, "refund", c.path(), "id")
	if err != nil {
		return nil, err
	}
	return r.render(c.server), nil
}

func updateRefund(c *call) (object, error) {
	r, err := find[*refund](c, "refund", c.path(), "id")
	if err != nil {
		return nil, err
	}
	if r.metadata, err = c.form.metadata("metadata", r.metadata); err != nil {
		return nil, err
	}
	c.server.emit("refund.updated", r)
	return r.render(c.server), nil
}

func listRefunds(c *call) (object, error) {
	created, err := c.form.period("created")
	if err != nil {
		return nil, err
	}
	payment, ch := c.form.text("payment_intent"), c.form.text("charge")
	if payment != "" {
		if _, err := find[*intent](c, "payment_intent", payment, "payment_intent"); err != nil {
			return nil, err
		}
	}
	var found []thing
	for _, r := range all[*refund](c.server, "re") {
		if created.has(r.created) && (payment == "" || r.intent == payment) && (ch == "" || r.charge == ch) {
			found = append(found, r)
		}
	}
	return c.page(found)
}
