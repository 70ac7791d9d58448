package stripefake

import (
	"fmt"
	"strings"
	"time"
)

// A dispute takes a payment back for the holder's bank.
type dispute struct {
	head
	charge, intent string
	amount         int64 // cents
	reason, status string
	inquiry        bool
	due            int64
	transactions   []string
}

// A dispute costs the merchant this much, and must be answered in this time.
const (
	disputeFee  = 1500
	disputeTime = 9 * 24 * time.Hour
)

func (d *dispute) open() bool {
	return d.status == "needs_response" || d.status == "warning_needs_response"
}

func (d *dispute) render(s *Server) object {
	shown := d.shown("dispute")
	lines := []any{}
	for _, id := range d.transactions {
		lines = append(lines, s.things[id].render(s))
	}
	shown.add(object{
		"amount": d.amount, "charge": d.charge, "payment_intent": d.intent, "reason": d.reason, "status": d.status,
		"currency": "usd", "is_charge_refundable": d.inquiry && d.open(), "balance_transactions": lines, "metadata": object{},
		"evidence":         object{},
		"evidence_details": object{"due_by": d.due, "has_evidence": false, "past_due": false, "submission_count": int64(0)},
		"payment_method_details": object{
			"type": "card", "card": object{"brand": "visa", "case_type": "chargeback", "network_reason_code": "10"},
		},
	})
	return shown
}

func (s *Server) newDispute(ch *charge, reason string, inquiry bool) *dispute {
	d := &dispute{
		head: s.newHead("dp", ch.live), charge: ch.id, intent: ch.intent, amount: ch.captured, reason: reason,
		status: "needs_response", inquiry: inquiry, due: s.now.Add(disputeTime).Unix(),
	}
	if inquiry {
		d.status = "warning_needs_response"
	}
	s.keep(d)
	ch.dispute = d.id
	s.emit("charge.dispute.created", d)
	if !inquiry {
		d.transactions = append(d.transactions, s.book(d.live, "adjustment", -d.amount, disputeFee, d.id).id)
		s.emit("charge.dispute.funds_withdrawn", d)
	}
	return d
}

func (s *Server) endDispute(d *dispute, won bool) {
	switch {
	case !d.open():
		return
	case d.inquiry:
		d.status = "warning_closed"
	case won:
		d.status = "won"
		d.transactions = append(d.transactions, s.book(d.live, "adjustment", d.amount, 0, d.id).id)
	default:
		d.status = "lost"
	}
	s.emit("charge.dispute.closed", d)
	if d.status == "won" {
		s.emit("charge.dispute.funds_reinstated", d)
	}
}

// A warning tells that the issuer suspects fraud.
type warning struct {
	head
	charge, intent string
}

func (w *warning) render(*Server) object {
	shown := w.shown("radar.early_fraud_warning")
	shown["charge"], shown["payment_intent"] = w.charge, w.intent
	shown["actionable"], shown["fraud_type"] = true, "made_with_stolen_card"
	return shown
}

func (s *Server) warn(p *intent) {
	w := &warning{head: s.newHead("issfr", p.live), charge: p.charge, intent: p.id}
	s.keep(w)
	s.emit("radar.early_fraud_warning.created", w)
}

func disputeRoutes() []route {
	return []route{
		{"GET /v1/disputes/{id}", "dispute", false, nil, getDispute},
		{"GET /v1/disputes", "dispute", false, listParams("charge", "payment_intent"), listDisputes},
		{"POST /v1/disputes/{id}/close", "dispute", true, nil, closeDispute},
		{
			"GET /v1/radar/early_fraud_warnings", "charge", false,
			listParams("charge", "payment_intent"), listWarnings,
		},
		{"GET /v1/radar/early_fraud_warnings/{id}", "charge", false, nil, getWarning},
		{"GET /v1/reviews/{id}", "payment_intent", false, nil, getReview},
		{"GET /v1/account", "accounts_kyc_basic", false, nil, getAccount},
	}
}

func getDispute(c *call) (object, error) {
	d, err := find[*dispute](c, "dispute", c.path(), "dispute")
	if err != nil {
		return nil, err
	}
	return d.render(c.server), nil
}

func closeDispute(c *call) (object, error) {
	d, err := find[*dispute](c, "dispute", c.path(), "dispute")
	if err != nil {
		return nil, err
	}
	if !d.open() {
		return nil, refused("", "This dispute is already closed.")
	}
	c.server.endDispute(d, false)
	return d.render(c.server), nil
}

func listDisputes(c *call) (object, error) {
	created, err := c.form.period("created")
	if err != nil {
		return nil, err
	}
	ch, payment := c.form.text("charge"), c.form.text("payment_intent")
	var found []thing
	for _, d := range all[*dispute](c.server, "dp") {
		if created.has(d.created) && (ch == "" || d.charge == ch) && (payment == "" || d.intent == payment) {
			found = append(found, d)
		}
	}
	return c.page(found)
}

func getWarning(c *call) (object, error) {
	w, err := find[*warning](c, "early_fraud_warning", c.path(), "early_fraud_warning")
	if err != nil {
		return nil, err
	}
	return w.render(c.server), nil
}

func listWarnings(c *call) (object, error) {
	created, err := c.form.period("created")
	if err != nil {
		return nil, err
	}
	ch, payment := c.form.text("charge"), c.form.text("payment_intent")
	var found []thing
	for _, w := range all[*warning](c.server, "issfr") {
		if created.has(w.created) && (ch == "" || w.charge == ch) && (payment == "" || w.intent == payment) {
			found = append(found, w)
		}
	}
	return c.page(found)
}

// A review is Radar's question whether a payment is fraud.
type review struct {
	head
	intent string
	open   bool
}

func (v *review) render(s *Server) object {
	shown := v.shown("review")
	shown["payment_intent"], shown["open"], shown["reason"] = v.intent, v.open, "rule"
	shown["charge"], shown["closed_reason"] = orNull(s.things[v.intent].(*intent).charge), nil
	shown["opened_reason"] = "rule"
	if !v.open {
		shown["reason"], shown["closed_reason"] = "approved", "approved"
	}
	return shown
}

func getReview(c *call) (object, error) {
	v, err := find[*review](c, "review", c.path(), "review")
	if err != nil {
		return nil, err
	}
	return v.render(c.server), nil
}

func getAccount(c *call) (object, error) {
	prefix := c.server.settings.StatementPrefix
	return object{
		"id": accountID, "object": "account", "type": "standard", "country": "US", "default_currency": "usd",
		"charges_enabled": true, "payouts_enabled": true, "details_submitted": true, "email": "merchant@shop.example",
		"business_profile": object{"name": "Shop", "mcc": "5734"},
		"capabilities":     object{"card_payments": "active", "transfers": "active"},
		"settings": object{
			"payments":      object{"statement_descriptor": prefix},
			"card_payments": object{"statement_descriptor_prefix": prefix},
			"dashboard":     object{"display_name": fmt.Sprintf("%s's account", strings.ToLower(prefix))},
		},
	}, nil
}
