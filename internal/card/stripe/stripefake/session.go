package stripefake

import (
	"net/url"
	"time"
)

// The states of a Checkout Session.
const (
	sessionOpen     = "open"
	sessionComplete = "complete"
	sessionExpired  = "expired"
)

// Limits of the life of a Checkout Session.
const (
	sessionLifeMin = 30 * time.Minute
	sessionLifeMax = 24 * time.Hour
)

const clientReferenceMax = 200

// A session is a Checkout Session: a page that collects a card.
type session struct {
	head
	mode, status, customer  string
	successURL, cancelURL   string
	reference, locale       string
	email, name             string // as the buyer gives them, or the customer's
	submit, customerCreated string
	title                   string // of what is bought
	amount                  int64
	expires                 int64
	metadata                map[string]string
	intent, setup           string
	template                *intent // of the PaymentIntent that the first try makes
	page                    string  // its address
}

func (n *session) render(s *Server) object {
	shown := n.shown("checkout.session")
	payment := "no_payment_required"
	if n.mode == "payment" {
		payment = "unpaid"
		if p, ok := s.things[n.intent].(*intent); ok && p.status == succeeded {
			payment = "paid"
		}
	}
	var address any
	if n.status == sessionOpen {
		address = n.page
	}
	var details, amount, creation any
	if n.name != "" || n.email != "" {
		details = object{
			"email": orNull(n.email), "name": orNull(n.name), "phone": nil, "tax_exempt": "none", "tax_ids": []any{},
			"address": nil,
		}
	}
	if n.mode == "payment" {
		amount, creation = n.amount, n.customerCreated
	}
	shown.add(object{
		"mode": n.mode, "status": n.status, "payment_status": payment, "url": address, "customer": orNull(n.customer),
		"customer_details": details, "customer_email": nil, "customer_creation": creation,
		"client_reference_id": orNull(n.reference), "success_url": n.successURL, "cancel_url": orNull(n.cancelURL),
		"expires_at": n.expires, "metadata": shownMap(n.metadata), "payment_intent": orNull(n.intent),
		"setup_intent": orNull(n.setup), "amount_total": amount, "amount_subtotal": amount, "currency": "usd",
		"locale": orNull(n.locale), "submit_type": orNull(n.submit), "payment_method_types": []any{"card"},
		"ui_mode":                   "hosted",
		"payment_method_collection": "if_required", "wallet_options": object{"link": object{"display": "never"}},
		"client_secret": nil, "subscription": nil, "invoice": nil, "payment_link": nil, "after_expiration": nil,
	})
	return shown
}

func sessionRoutes() []route {
	const path, right = "/v1/checkout/sessions", "checkout_session"
	const item, data = "line_items[]", "payment_intent_data"
	creating := []string{
		"mode", "customer", "customer_email", "customer_creation", "currency", "payment_method_types[]", "success_url",
		"cancel_url",
		"wallet_options[link][display]", "client_reference_id", "expires_at", "locale", "metadata[*]", "submit_type",
		"ui_mode",
		"setup_intent_data[metadata][*]", "setup_intent_data[description]",
		"payment_method_options[card][request_three_d_secure]",
		item + "[quantity]", item + "[price_data][currency]", item + "[price_data][unit_amount]",
		item + "[price_data][product_data][name]", item + "[price_data][product_data][description]",
		data + "[capture_method]", data + "[metadata][*]", data + "[statement_descriptor_suffix]",
		data + "[setup_future_usage]",
		data + "[description]", data + "[receipt_email]", "name_collection[individual][enabled]",
		"name_collection[individual][optional]", "billing_address_collection", "custom_text[submit][message]",
	}
	return []route{
		{"POST " + path, right, true, creating, createSession},
		{"GET " + path + "/{id}", right, false, nil, getSession},
		{"GET " + path, right, false, listParams("customer", "payment_intent", "status"), listSessions},
		{"POST " + path + "/{id}/expire", right, true, nil, expireSession},
	}
}

func createSession(c *call) (object, error) {
	n := &session{status: sessionOpen}
	if err := n.read(c); err != nil {
		return nil, err
	}
	var t *setup
	switch n.mode {
	case "payment":
		if err := n.readPayment(c); err != nil {
			return nil, err
		}
	default:
		var err error
		if t, err = n.readSetup(c); err != nil {
			return nil, err
		}
	}
	prefix := "cs_test"
	if c.live {
		prefix = "cs_live"
	}
	n.head = c.server.newHead(prefix, c.live)
	n.page = c.server.pageBase() + "/c/pay/" + n.id
	c.server.keep(n)
	if t != nil {
		t.head = c.server.newHead("seti", c.live)
		t.session, n.setup = n.id, t.id
		c.server.keep(t)
		c.server.emit("setup_intent.created", t)
	}
	c.server.timers.add(time.Unix(n.expires, 0), func() { c.server.expire(n) })
	return n.render(c.server), nil
}

// read checks and takes what both modes have.
func (n *session) read(c *call) error {
	var err error
	if n.mode, err = c.form.required("mode"); err != nil {
		return err
	}
	if n.mode, err = c.form.enum("mode", "", "payment", "setup"); err != nil {
		return err
	}
	if n.successURL, err = c.form.required("success_url"); err != nil {
		return err
	}
	n.cancelURL = c.form.text("cancel_url")
	for name, address := range map[string]string{"success_url": n.successURL, "cancel_url": n.cancelURL} {
		u, err := url.Parse(address)
		if address != "" && (err != nil || u.Host == "") {
			return invalidCode("url_invalid", name, "Not a valid URL")
		}
	}
	if c.form.has("customer") {
		u, err := c.customer(c.form.text("customer"), "customer")
		if err != nil {
			return err
		}
		n.customer, n.email, n.name = u.id, u.email, u.name
	}
	if c.form.has("customer_email") {
		if n.customer != "" {
			return invalid("customer_email", "You may only specify one of these parameters: customer, customer_email.")
		}
		n.email = c.form.text("customer_email")
	}
	n.reference, n.locale = c.form.text("client_reference_id"), c.form.text("locale")
	if len(n.reference) > clientReferenceMax {
		return invalid("client_reference_id", "Invalid string: must be at most %d characters", clientReferenceMax)
	}
	if n.metadata, err = c.form.metadata("metadata", nil); err != nil {
		return err
	}
	if _, err := c.form.enum("wallet_options[link][display]", "", "auto", "never"); err != nil {
		return err
	}
	if _, err := c.form.enum("ui_mode", "", "hosted", "hosted_page"); err != nil {
		return err
	}
	return n.readLife(c)
}

func (n *session) readLife(c *call) error {
	now := c.server.now
	expires, err := c.form.integer("expires_at", now.Add(sessionLifeMax).Unix())
	if err != nil {
		return err
	}
	if expires < now.Add(sessionLifeMin).Unix() || expires > now.Add(sessionLifeMax).Unix() {
		return invalid("expires_at", "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout "+
			"Session creation.")
	}
	n.expires = expires
	return nil
}

func (n *session) readSetup(c *call) (*setup, error) {
	for _, name := range []string{"submit_type", "line_items[][quantity]"} {
		if c.form.has(name) {
			return nil, invalid(name, "You can not pass `%s` in `setup` mode.", name)
		}
	}
	if len(c.form.hash("payment_intent_data")) > 0 {
		return nil, invalid("payment_intent_data", "You can not pass `payment_intent_data` in `setup` mode.")
	}
	if c.form.text("currency") == "" && len(c.form.list("payment_method_types")) == 0 {
		return nil, invalidCode("parameter_missing", "currency",
			"Missing required param: currency. It is needed in `setup` mode unless payment_method_types are set.")
	}
	metadata, err := c.form.metadata("setup_intent_data[metadata]", nil)
	if err != nil {
		return nil, err
	}
	return &setup{
		customer: n.customer, status: needsMethod, usage: "off_session", metadata: metadata,
		description: c.form.text("setup_intent_data[description]"),
	}, nil
}

func (n *session) readPayment(c *call) error {
	const item, data = "line_items[]", "payment_intent_data"
	if len(c.form.hash("setup_intent_data")) > 0 {
		return invalid("setup_intent_data", "You can not pass `setup_intent_data` in `payment` mode.")
	}
	unit, err := c.form.integer(item+"[price_data][unit_amount]", 0)
	if err != nil {
		return err
	}
	quantity, err := c.form.integer(item+"[quantity]", 0)
	if err != nil {
		return err
	}
	n.title = c.form.text(item + "[price_data][product_data][name]")
	if quantity < 1 || n.title == "" || !c.form.has(item+"[price_data][unit_amount]") {
		return invalidCode("parameter_missing", "line_items",
			"You must pass `line_items` with quantity, price_data[currency], price_data[unit_amount] and "+
				"price_data[product_data][name] in `payment` mode.")
	}
	n.amount = unit * quantity
	if err := checkAmount(n.amount, c.form.text(item+"[price_data][currency]")); err != nil {
		return err
	}
	if n.submit, err = c.form.enum("submit_type", "", "auto", "book", "donate", "pay"); err != nil {
		return err
	}
	if n.customerCreated, err = c.form.enum("customer_creation", "if_required", "always", "if_required"); err != nil {
		return err
	}
	p := &intent{
		amount: n.amount, currency: "usd", customer: n.customer, status: needsMethod, types: []string{"card"},
		description: c.form.text(data + "[description]"), suffix: c.form.text(data + "[statement_descriptor_suffix]"),
		receiptEmail: c.form.text(data + "[receipt_email]"),
	}
	p.captureMethod, err = c.form.enum(data+"[capture_method]", "automatic_async", "automatic", "automatic_async",
		"manual")
	if err != nil {
		return err
	}
	if p.setupFuture, err = c.form.enum(data+"[setup_future_usage]", "", "off_session", "on_session"); err != nil {
		return err
	}
	const secure = "payment_method_options[card][request_three_d_secure]"
	if p.request3DS, err = c.form.enum(secure, "automatic", "any", "automatic", "challenge"); err != nil {
		return err
	}
	if p.metadata, err = c.form.metadata(data+"[metadata]", nil); err != nil {
		return err
	}
	n.template = p
	return c.server.checkSuffix(p.suffix, data+"[statement_descriptor_suffix]")
}

func (c *call) session() (*session, error) {
	return find[*session](c, "checkout.session", c.path(), "session")
}

func getSession(c *call) (object, error) {
	n, err := c.session()
	if err != nil {
		return nil, err
	}
	return n.render(c.server), nil
}

func listSessions(c *call) (object, error) {
	created, err := c.form.period("created")
	if err != nil {
		return nil, err
	}
	customer, payment, status := c.form.text("customer"), c.form.text("payment_intent"), c.form.text("status")
	var found []thing
	for _, n := range all[*session](c.server, "cs") {
		if created.has(n.created) && (customer == "" || n.customer == customer) && (payment == "" || n.intent == payment) &&
			(status == "" || n.status == status) {
			found = append(found, n)
		}
	}
	return c.page(found)
}

func expireSession(c *call) (object, error) {
	n, err := c.session()
	if err != nil {
		return nil, err
	}
	if n.status != sessionOpen {
		return nil, refused("", "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout "+
			"Session has a status of %s.", n.status)
	}
	c.server.expire(n)
	return n.render(c.server), nil
}

// expire ends a session that nobody has finished.
func (s *Server) expire(n *session) {
	if n.status != sessionOpen {
		return
	}
	n.status = sessionExpired
	if p, ok := s.things[n.intent].(*intent); ok {
		p.end(s, "abandoned")
	}
	if t, ok := s.things[n.setup].(*setup); ok {
		s.endSetup(t, "abandoned")
	}
	s.emit("checkout.session.expired", n)
}

// complete ends a session after the buyer has finished it.
func (s *Server) complete(n *session) {
	n.status = sessionComplete
	s.emit("checkout.session.completed", n)
}
