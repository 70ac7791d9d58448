package stripefake

import "slices"

func captureIntent(c *call) (object, error) {
	p, err := c.intent()
	if err != nil {
		return nil, err
	}
	amount, err := c.form.integer("amount_to_capture", p.amount)
	if err != nil {
		return nil, err
	}
	if _, err := c.form.boolean("final_capture"); err != nil {
		return nil, err
	}
	if c.form.text("final_capture") == "false" {
		return nil, invalid("final_capture", "This account is not eligible for the requested card features.")
	}
	suffix := c.form.text("statement_descriptor_suffix")
	if err := c.server.checkSuffix(suffix, "statement_descriptor_suffix"); err != nil {
		return nil, err
	}
	metadata, err := c.form.metadata("metadata", p.metadata)
	if err != nil {
		return nil, err
	}
	if amount < 1 {
		return nil, invalidCode("parameter_invalid_integer", "amount_to_capture",
			"This value must be greater than or equal to 1.")
	}
	if err := c.server.capture(p, amount); err != nil {
		return nil, err
	}
	p.metadata = metadata
	if suffix != "" {
		p.suffix = suffix
	}
	return p.render(c.server), nil
}

// capture takes an amount of a hold, and lets the rest go.
func (s *Server) capture(p *intent, amount int64) error {
	if p.status != needsCapture {
		e := p.wrongState("capture")
		e.Message = "This PaymentIntent could not be captured because it has a status of " + p.status + ". Only a " +
			"PaymentIntent with one of the following statuses may be captured: requires_capture."
		return e
	}
	if amount > p.amount {
		e := refused("amount_too_large", "The amount_to_capture is greater than the amount that can be captured: %d",
			p.amount)
		e.Param = "amount_to_capture"
		return e
	}
	ch := s.things[p.charge].(*charge)
	p.status, p.captured = succeeded, amount
	s.take(ch, amount, true)
	if rest := ch.amount - amount; rest > 0 {
		r := s.newRefund(ch, rest, "")
		r.rest = true
		r.transaction = s.book(ch.live, "refund", -rest, 0, r.id).id
		ch.refunded = rest
		s.emit("refund.created", r)
		s.emit("charge.refunded", ch)
	}
	s.emit("charge.captured", ch)
	s.emit("payment_intent.succeeded", p)
	s.trouble(p, ch)
	return nil
}

func cancelIntent(c *call) (object, error) {
	p, err := c.intent()
	if err != nil {
		return nil, err
	}
	reason, err := c.form.enum("cancellation_reason", "", "duplicate", "fraudulent", "requested_by_customer", "abandoned")
	if err != nil {
		return nil, err
	}
	if p.session != "" && p.status != needsCapture && p.status != canceled && p.status != succeeded {
		return nil, refused("", "You cannot cancel this PaymentIntent because it was created by a Checkout Session. "+
			"Expire the Checkout Session instead.")
	}
	if err := c.server.cancel(p, reason); err != nil {
		return nil, err
	}
	return p.render(c.server), nil
}

// cancel ends a PaymentIntent that has not succeeded, and lets its hold go.
func (s *Server) cancel(p *intent, reason string) error {
	if !slices.Contains([]string{needsMethod, needsConfirmation, needsAction, needsCapture}, p.status) {
		e := p.wrongState("cancel")
		e.Message = "You cannot cancel this PaymentIntent because it has a status of " + p.status + ". Only a " +
			"PaymentIntent with one of the following statuses may be canceled: requires_payment_method, requires_capture, " +
			"requires_confirmation, requires_action, processing."
		return e
	}
	if p.status == needsCapture {
		s.letGo(p, "")
	}
	p.end(s, reason)
	return nil
}

func (p *intent) end(s *Server, reason string) {
	p.status, p.cancelReason, p.canceledAt, p.action = canceled, reason, s.now.Unix(), nil
	s.emit("payment_intent.canceled", p)
}

// letGo marks the charge of a hold as refunded.
func (s *Server) letGo(p *intent, reason string) {
	ch := s.things[p.charge].(*charge)
	r := s.newRefund(ch, ch.amount, reason)
	r.rest = true
	ch.refunded, ch.captureBefore = ch.amount, 0
	s.emit("refund.created", r)
	s.emit("charge.refunded", ch)
}

// lapse ends a hold that nobody has captured in time.
func (s *Server) lapse(p *intent) {
	if p.status != needsCapture {
		return
	}
	s.letGo(p, "expired_uncaptured_charge")
	ch := s.things[p.charge].(*charge)
	ch.expired = true
	s.emit("charge.expired", ch)
	p.end(s, "automatic")
}
