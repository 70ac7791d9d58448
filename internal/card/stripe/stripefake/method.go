package stripefake

import "strings"

// A method is a payment method: a card.
type method struct {
	head
	card        testCard
	name, email string
	month, year int
	customer    string
	used        bool // without a customer, once
	detached    bool
	kept        bool     // its holder has authenticated it for payments while absent
	override    *Decline // of every payment from now on
	metadata    map[string]string
}

func (m *method) render(*Server) object {
	shown := m.shown("payment_method")
	shown["type"], shown["customer"], shown["metadata"] = "card", orNull(m.customer), shownMap(m.metadata)
	shown["allow_redisplay"] = "unspecified"
	shown["billing_details"] = object{
		"name": orNull(m.name), "email": orNull(m.email), "phone": nil,
		"address": object{"city": nil, "country": nil, "line1": nil, "line2": nil, "postal_code": nil, "state": nil},
	}
	shown["card"] = m.shownCard()
	return shown
}

func (m *method) shownCard() object {
	return object{
		"brand": m.card.brand, "display_brand": m.card.brand, "last4": m.card.last4(), "exp_month": int64(m.month),
		"exp_year": int64(m.year), "funding": m.card.funding, "country": m.card.country,
		"fingerprint": m.card.fingerprint(), "generated_from": nil, "wallet": nil, "regulated_status": "unregulated",
		"networks":             object{"available": []any{m.card.brand}, "preferred": nil},
		"three_d_secure_usage": object{"supported": true},
		"checks":               object{"address_line1_check": nil, "address_postal_code_check": nil, "cvc_check": "pass"},
	}
}

const methodsPath = "/v1/payment_methods"

func methodRoutes() []route {
	return []route{
		{
			"POST " + methodsPath, "payment_method", true,
			[]string{"type", "card[token]", "billing_details[name]", "billing_details[email]", "metadata[*]"},
			createMethod,
		},
		{"GET " + methodsPath + "/{id}", "payment_method", false, nil, getMethod},
		{"GET " + methodsPath, "payment_method", false, append(pageOf, "customer", "type"), listMethods},
		{"POST " + methodsPath + "/{id}/attach", "payment_method", true, []string{"customer"}, attachMethod},
		{"POST " + methodsPath + "/{id}/detach", "payment_method", true, nil, detachMethod},
	}
}

// Test cards never expire.
const (
	tokenMonth = 12
	tokenYears = 4
)

func (s *Server) newMethod(card testCard, live bool) *method {
	m := &method{head: s.newHead("pm", live), card: card, month: tokenMonth, year: s.now.Year() + tokenYears}
	s.keep(m)
	return m
}

// method returns a payment method. The alias of a test card is a new one.
func (c *call) method(id string) (*method, error) {
	if card, ok := cardByAlias(id); ok {
		return c.server.newMethod(card, c.live), nil
	}
	m, err := find[*method](c, "PaymentMethod", id, "payment_method")
	if err != nil {
		return nil, err
	}
	return m, nil
}

// mayPay refuses a payment method that cannot be used for a customer's payment.
func (m *method) mayPay(customer string) error {
	switch {
	case m.detached || m.customer == "" && m.used:
		return refused("payment_method_unactivated",
			"The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a "+
				"connected account without Customer attachment, or was detached from a Customer. It may not be used again. To "+
				"use a PaymentMethod multiple times, you must attach it to a Customer first.")
	case m.customer != "" && customer == "":
		return refused("", "The PaymentMethod %s belongs to the Customer %s. Please include the Customer in the `customer` "+
			"parameter on the PaymentIntent.", m.id, m.customer)
	case m.customer != "" && m.customer != customer:
		return refused("", "The PaymentMethod %s does not belong to the Customer %s you supplied.", m.id, customer)
	}
	return nil
}

func createMethod(c *call) (object, error) {
	if c.form.text("type") != "card" {
		return nil, invalid("type", "The fake knows payment methods of type card only.")
	}
	card, ok := cardByAlias(strings.Replace(c.form.text("card[token]"), "tok_", "pm_card_", 1))
	if !ok {
		return nil, missing("token", c.form.text("card[token]"), "card[token]")
	}
	metadata, err := c.form.metadata("metadata", nil)
	if err != nil {
		return nil, err
	}
	m := c.server.newMethod(card, c.live)
	m.name, m.email = c.form.text("billing_details[name]"), c.form.text("billing_details[email]")
	m.metadata = metadata
	return m.render(c.server), nil
}

func getMethod(c *call) (object, error) {
	m, err := c.method(c.path())
	if err != nil {
		return nil, err
	}
	return m.render(c.server), nil
}

func (s *Server) methodsOf(customer string) []thing {
	var found []thing
	for _, m := range all[*method](s, "pm") {
		if m.customer == customer {
			found = append(found, m)
		}
	}
	return found
}

func listMethods(c *call) (object, error) {
	if customer := c.form.text("customer"); customer != "" {
		return c.page(c.server.methodsOf(customer))
	}
	return nil, invalid("customer", "The fake lists payment methods of a customer only.")
}

func attachMethod(c *call) (object, error) {
	id, err := c.form.required("customer")
	if err != nil {
		return nil, err
	}
	u, err := c.customer(id, "customer")
	if err != nil {
		return nil, err
	}
	m, err := c.method(c.path())
	if err != nil {
		return nil, err
	}
	switch {
	case m.customer != "" && m.customer != u.id:
		return nil, refused("", "The payment method you provided has already been attached to a customer.")
	case m.customer == u.id:
		return m.render(c.server), nil
	}
	if err := m.mayPay(""); err != nil {
		return nil, err
	}
	if m.card.decline != nil && !m.card.keeps && m.card.challenge == challengeNever {
		return nil, c.cardError(*m.card.decline, nil, m)
	}
	m.customer = u.id
	c.server.emit("payment_method.attached", m)
	return m.render(c.server), nil
}

func detachMethod(c *call) (object, error) {
	m, err := c.method(c.path())
	if err != nil {
		return nil, err
	}
	if m.customer == "" {
		return nil, refused("", "The payment method you provided is not attached to a customer so detachment is impossible.")
	}
	c.server.detach(m)
	return m.render(c.server), nil
}

func (s *Server) detach(m *method) {
	m.customer, m.detached = "", true
	s.emit("payment_method.detached", m)
}
