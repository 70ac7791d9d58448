package stripefake

import "time"

// A charge is one attempt on a card: a hold, a payment or a decline.
type charge struct {
	head
	intent, method             string
	amount, captured, refunded int64 // cents
	isCaptured, paid           bool
	expired                    bool
	offSession                 bool
	captureBefore              int64
	threeDS                    string
	failure, failureMessage    string
	outcome                    object
	transaction                string // of the balance
	dispute                    string
	authorisation, networkID   string
}

func (s *Server) newCharge(p *intent, m *method) *charge {
	ch := &charge{
		head: s.newHead("ch", p.live), intent: p.id, method: m.id, amount: p.amount, paid: true, offSession: p.offSession,
		outcome: object{
			"type": "authorized", "network_status": "approved_by_network", "reason": nil, "risk_level": "normal",
			"seller_message": "Payment complete.", "advice_code": nil, "network_advice_code": nil, "network_decline_code": nil,
		},
	}
	ch.authorisation = letters(s.ids, 6)
	ch.networkID = "MC" + letters(s.ids, 10)
	s.keep(ch)
	return ch
}

func (ch *charge) fail(d Decline, message, advice string) {
	ch.paid, ch.failure, ch.failureMessage, ch.authorisation = false, d.Code, message, ""
	ch.outcome = object{
		"type": "issuer_declined", "network_status": "declined_by_network", "reason": d.reason(), "risk_level": "normal",
		"seller_message": "The bank did not return any further details with this decline.", "advice_code": orNull(advice),
		"network_advice_code": nil, "network_decline_code": "05",
	}
	if d.blocked {
		ch.outcome["type"], ch.outcome["network_status"] = "blocked", "not_sent_to_network"
		ch.outcome["reason"], ch.outcome["risk_level"] = "highest_risk_level", "highest"
	}
}

func (ch *charge) render(s *Server) object {
	shown := ch.shown("charge")
	status := "succeeded"
	if !ch.paid {
		status = "failed"
	}
	p, m := s.things[ch.intent].(*intent), s.things[ch.method].(*method)
	shown.add(object{
		"amount": ch.amount, "amount_captured": ch.captured, "amount_refunded": ch.refunded, "captured": ch.isCaptured,
		"paid": ch.paid, "refunded": ch.refunded >= ch.amount, "status": status, "currency": p.currency,
		"customer": orNull(p.customer), "payment_intent": ch.intent, "payment_method": ch.method,
		"metadata": shownMap(p.metadata), "description": orNull(p.description), "outcome": clone(ch.outcome),
		"failure_code": orNull(ch.failure), "failure_message": orNull(ch.failureMessage),
		"failure_balance_transaction": nil, "balance_transaction": orNull(ch.transaction), "dispute": orNull(ch.dispute),
		"disputed": ch.dispute != "", "statement_descriptor_suffix": orNull(p.suffix), "statement_descriptor": nil,
		"calculated_statement_descriptor": s.settings.StatementPrefix + suffixShown(p.suffix),
		"receipt_email":                   orNull(p.receiptEmail),
		"receipt_url":                     nil, "review": orNull(p.review), "application_fee": nil,
		"application_fee_amount": nil,
		"fraud_details":          object{},
		"billing_details":        m.render(s)["billing_details"], "payment_method_details": ch.details(m),
	})
	return shown
}

func suffixShown(suffix string) string {
	if suffix == "" {
		return ""
	}
	return "* " + suffix
}

func (ch *charge) details(m *method) object {
	card := m.shownCard()
	for _, field := range []string{"display_brand", "generated_from", "networks", "three_d_secure_usage"} {
		delete(card, field)
	}
	card.add(object{
		"amount_authorized": ch.amount, "authorization_code": orNull(ch.authorisation),
		"capture_before":         orNull(ch.captureBefore),
		"extended_authorization": object{"status": "disabled"}, "incremental_authorization": object{"status": "unavailable"},
		"multicapture": object{"status": "unavailable"},
		"overcapture":  object{"maximum_amount_capturable": ch.amount, "status": "unavailable"},
		"network":      m.card.brand, "network_transaction_id": ch.networkID, "installments": nil, "mandate": nil,
		"three_d_secure": nil,
	})
	if ch.threeDS != "" {
		card["three_d_secure"] = object{
			"result": ch.threeDS, "version": "2.2.0", "electronic_commerce_indicator": "05", "authentication_flow": "challenge",
			"result_reason": nil, "exemption_indicator": nil,
		}
	}
	return object{"type": "card", "card": card}
}

func chargeRoutes() []route {
	return []route{
		{"GET /v1/charges/{id}", "charge", false, nil, getCharge},
		{"GET /v1/charges", "charge", false, listParams("customer", "payment_intent"), listCharges},
	}
}

func getCharge(c *call) (object, error) {
	ch, err := find[*charge](c, "charge", c.path(), "charge")
	if err != nil {
		return nil, err
	}
	return ch.render(c.server), nil
}

func listCharges(c *call) (object, error) {
	created, err := c.form.period("created")
	if err != nil {
		return nil, err
	}
	customer, payment := c.form.text("customer"), c.form.text("payment_intent")
	var found []thing
	for _, ch := range all[*charge](c.server, "ch") {
		p := c.server.things[ch.intent].(*intent)
		if created.has(ch.created) && (customer == "" || p.customer == customer) && (payment == "" || p.id == payment) {
			found = append(found, ch)
		}
	}
	return c.page(found)
}

// Stripe's fee: 2.9 % and 30 cents.
const (
	feePerMille = 29
	feeFixed    = 30
)

// A balance transaction of an asynchronous capture comes this much later.
const asyncDelay = 2 * time.Second

// take captures an amount. The rest of the hold becomes a refund.
func (s *Server) take(ch *charge, amount int64, atOnce bool) {
	ch.isCaptured, ch.captured, ch.captureBefore = true, amount, 0
	fee := (amount*feePerMille+500)/1000 + feeFixed
	book := func() {
		ch.transaction = s.book(ch.live, "charge", ch.amount, fee, ch.id).id
	}
	if atOnce {
		book()
		return
	}
	s.timers.add(s.now.Add(asyncDelay), func() {
		book()
		s.emit("charge.updated", ch)
	})
}

// trouble brings about what the numbers of some test cards announce.
func (s *Server) trouble(p *intent, ch *charge) {
	card := s.things[ch.method].(*method).card
	if card.dispute != "" {
		s.newDispute(ch, card.dispute, card.inquiry)
	}
	if card.warned {
		s.warn(p)
	}
}
