package stripefake

import (
	"fmt"
	"regexp"
	"strings"
)

var mailAddress = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)

// The states of a PaymentIntent.
const (
	needsMethod       = "requires_payment_method"
	needsConfirmation = "requires_confirmation"
	needsAction       = "requires_action"
	needsCapture      = "requires_capture"
	succeeded         = "succeeded"
	canceled          = "canceled"
)

// Limits of amounts in cents.
const (
	amountMin = 50
	amountMax = 99_999_999
)

// An intent is a PaymentIntent.
type intent struct {
	head
	amount, captured          int64 // cents
	currency, customer        string
	method, lastMethod        string // the method is gone after a decline
	status, captureMethod     string
	types                     []string
	anyMethod                 bool // the account's settings say which
	metadata                  map[string]string
	description, suffix       string
	setupFuture, receiptEmail string
	request3DS                string
	returnURL                 string
	session                   string // that made it
	charge                    string // the latest
	attempts                  int    // on a card
	offSession                bool   // of the last confirmation
	lastError                 object
	action                    object
	canceledAt                int64
	cancelReason              string
	review                    string
}

func (p *intent) secret() string { return p.id + "_secret_" + p.id[len(p.id)-8:] }

func (p *intent) manual() bool { return p.captureMethod == "manual" }

func (p *intent) render(*Server) object {
	shown := p.shown("payment_intent")
	var capturable int64
	if p.status == needsCapture {
		capturable = p.amount
	}
	types := []any{}
	for _, t := range p.types {
		types = append(types, t)
	}
	shown.add(object{
		"amount": p.amount, "amount_capturable": capturable, "amount_received": p.captured,
		"amount_details": object{"tip": object{}},
		"currency":       p.currency, "customer": orNull(p.customer), "payment_method": orNull(p.method), "status": p.status,
		"capture_method": p.captureMethod, "confirmation_method": "automatic", "payment_method_types": types,
		"payment_method_options": object{"card": object{
			"request_three_d_secure": p.request3DS, "network": nil, "installments": nil, "mandate_options": nil,
		}},
		"metadata": shownMap(p.metadata), "description": orNull(p.description), "statement_descriptor": nil,
		"statement_descriptor_suffix": orNull(p.suffix), "setup_future_usage": orNull(p.setupFuture),
		"receipt_email": orNull(p.receiptEmail), "latest_charge": orNull(p.charge), "client_secret": p.secret(),
		"last_payment_error": nullObject(p.lastError), "next_action": nullObject(p.action), "review": orNull(p.review),
		"canceled_at": orNull(p.canceledAt), "cancellation_reason": orNull(p.cancelReason), "application": nil,
		"application_fee_amount": nil, "on_behalf_of": nil, "processing": nil, "shipping": nil, "source": nil,
		"transfer_data": nil, "transfer_group": nil,
	})
	shown["automatic_payment_methods"] = nil
	if p.anyMethod {
		shown["automatic_payment_methods"] = object{"enabled": true, "allow_redirects": "always"}
	}
	return shown
}

// nullObject shows an absent object as null. Expanding changes what is shown, so
// it is a copy.
func nullObject(o object) any {
	if o == nil {
		return nil
	}
	return clone(o)
}

func clone(o object) object {
	c := object{}
	for key, value := range o {
		if inner, ok := value.(object); ok {
			value = clone(inner)
		}
		c[key] = value
	}
	return c
}

const intentsPath = "/v1/payment_intents"

func intentRoutes() []route {
	const right = "payment_intent"
	confirming := []string{
		"payment_method", "off_session", "error_on_requires_action", "return_url", "setup_future_usage", "use_stripe_sdk",
	}
	creating := append([]string{
		"amount", "currency", "customer", "confirm", "confirmation_method", "description", "metadata[*]", "receipt_email",
		"capture_method", "payment_method_types[]", "payment_method_options[card][request_three_d_secure]",
		"statement_descriptor", "statement_descriptor_suffix", "automatic_payment_methods[enabled]",
		"automatic_payment_methods[allow_redirects]",
	}, confirming...)
	updating := []string{
		"amount", "currency", "customer", "payment_method", "description", "metadata[*]", "statement_descriptor_suffix",
		"receipt_email", "setup_future_usage",
	}
	return []route{
		{"POST " + intentsPath, right, true, creating, createIntent},
		{"GET " + intentsPath + "/{id}", right, false, []string{"client_secret"}, getIntent},
		{"POST " + intentsPath + "/{id}", right, true, updating, updateIntent},
		{"GET " + intentsPath, right, false, listParams("customer"), listIntents},
		{"POST " + intentsPath + "/{id}/confirm", right, true, confirming, confirmIntent},
		{
			"POST " + intentsPath + "/{id}/capture", right, true,
			[]string{"amount_to_capture", "final_capture", "metadata[*]", "statement_descriptor_suffix"},
			captureIntent,
		},
		{"POST " + intentsPath + "/{id}/cancel", right, true, []string{"cancellation_reason"}, cancelIntent},
		{"GET " + intentsPath + "/search", right, false, []string{"query", "limit", "page"}, searchIntents},
	}
}

func (c *call) intent() (*intent, error) {
	return find[*intent](c, "payment_intent", c.path(), "intent")
}

func createIntent(c *call) (object, error) {
	p := &intent{status: needsMethod, metadata: map[string]string{}, request3DS: "automatic"}
	if err := p.read(c); err != nil {
		return nil, err
	}
	confirm, err := c.form.boolean("confirm")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"off_session", "error_on_requires_action", "return_url", "use_stripe_sdk"} {
		if c.form.has(name) && !confirm {
			return nil, invalid(name, "You cannot pass `%s` unless you confirm the PaymentIntent with `confirm=true`.", name)
		}
	}
	var way confirmation
	if confirm {
		if way, err = p.readConfirmation(c); err != nil {
			return nil, err
		}
	}
	if err := p.choose(c); err != nil {
		return nil, err
	}
	p.head = c.server.newHead("pi", c.live)
	c.server.keep(p)
	c.server.emit("payment_intent.created", p)
	if confirm {
		return p.confirm(c, way)
	}
	return p.render(c.server), nil
}

// read checks and takes the parameters of a new PaymentIntent.
func (p *intent) read(c *call) error {
	if _, err := c.form.required("amount"); err != nil {
		return err
	}
	if _, err := c.form.required("currency"); err != nil {
		return err
	}
	if c.form.text("confirmation_method") != "" {
		if _, err := c.form.enum("confirmation_method", "", "automatic"); err != nil {
			return err
		}
	}
	p.types = c.form.list("payment_method_types")
	p.anyMethod = len(p.types) == 0
	if p.anyMethod {
		p.types = []string{"card"}
	}
	for _, t := range p.types {
		if t != "card" {
			return invalid("payment_method_types",
				"The payment method type provided: %s is invalid. The fake knows card only.", t)
		}
	}
	var err error
	p.captureMethod, err = c.form.enum("capture_method", "automatic_async", "automatic", "automatic_async", "manual")
	if err != nil {
		return err
	}
	if c.form.has("statement_descriptor") {
		return invalid("statement_descriptor", "The parameter `statement_descriptor` is not supported for card payments. "+
			"Use `statement_descriptor_suffix` instead.")
	}
	return p.change(c)
}

// change takes the parameters that an update may have, too.
func (p *intent) change(c *call) error {
	amount, err := c.form.integer("amount", p.amount)
	if err != nil {
		return err
	}
	if c.form.has("currency") {
		p.currency = strings.ToLower(c.form.text("currency"))
	}
	if err := checkAmount(amount, p.currency); err != nil {
		return err
	}
	p.amount = amount
	if p.metadata, err = c.form.metadata("metadata", p.metadata); err != nil {
		return err
	}
	if p.setupFuture, err = c.form.enum("setup_future_usage", p.setupFuture, "off_session", "on_session"); err != nil {
		return err
	}
	p.request3DS, err = c.form.enum("payment_method_options[card][request_three_d_secure]", p.request3DS,
		"any", "automatic", "challenge")
	if err != nil {
		return err
	}
	for name, field := range map[string]*string{
		"description": &p.description, "receipt_email": &p.receiptEmail, "statement_descriptor_suffix": &p.suffix,
	} {
		if c.form.has(name) {
			*field = c.form.text(name)
		}
	}
	if err := c.server.checkSuffix(p.suffix, "statement_descriptor_suffix"); err != nil {
		return err
	}
	if c.form.has("customer") {
		u, err := c.customer(c.form.text("customer"), "customer")
		if err != nil {
			return err
		}
		p.customer = u.id
	}
	return nil
}

// choose takes the payment method that the request names.
func (p *intent) choose(c *call) error {
	if !c.form.has("payment_method") {
		return nil
	}
	m, err := c.method(c.form.text("payment_method"))
	if err != nil {
		return err
	}
	if err := m.mayPay(p.customer); err != nil {
		return err
	}
	p.method = m.id
	if p.status == needsMethod {
		p.status = needsConfirmation
	}
	return nil
}

func checkAmount(amount int64, currency string) error {
	switch {
	case currency != "usd":
		return invalid("currency", "Invalid currency: %s. The fake's account takes usd only.", currency)
	case amount < amountMin:
		return invalidCode("amount_too_small", "amount", "Amount must be at least $0.50 usd")
	case amount > amountMax:
		return invalidCode("amount_too_large", "amount", "Amount must be no more than $999,999.99")
	}
	return nil
}

// The account's prefix, an asterisk, a blank and the suffix have this length at
// most.
const statementMax = 22

var asciiLetter = regexp.MustCompile(`[A-Za-z]`)

func (s *Server) checkSuffix(suffix, param string) error {
	switch {
	case suffix == "":
		return nil
	case strings.ContainsAny(suffix, `<>\'"*`):
		return invalid(param, "The statement descriptor must not contain any of the characters <, >, \\, ', \" or *.")
	case strings.ContainsFunc(suffix, func(r rune) bool { return r < ' ' || r > 'ÿ' }):
		return invalid(param, "The statement descriptor must contain Latin characters only.")
	case !asciiLetter.MatchString(suffix):
		return invalid(param, "The statement descriptor must contain at least one letter.")
	case len(s.settings.StatementPrefix)+len("* ")+len([]rune(suffix)) > statementMax:
		return invalid(param, "The statement descriptor prefix and suffix must have %d characters together at most: %s* %s",
			statementMax, s.settings.StatementPrefix, suffix)
	}
	return nil
}

func getIntent(c *call) (object, error) {
	p, err := c.intent()
	if err != nil {
		return nil, err
	}
	return p.render(c.server), nil
}

func updateIntent(c *call) (object, error) {
	p, err := c.intent()
	if err != nil {
		return nil, err
	}
	settled := p.status == succeeded || p.status == canceled || p.status == needsCapture
	if settled && (c.form.has("amount") || c.form.has("currency") || c.form.has("payment_method") ||
		c.form.has("customer")) {
		return nil, p.wrongState("update")
	}
	changed := *p
	if err := changed.change(c); err != nil {
		return nil, err
	}
	if err := changed.choose(c); err != nil {
		return nil, err
	}
	changed.lastError = nil
	*p = changed
	return p.render(c.server), nil
}

func listIntents(c *call) (object, error) {
	created, err := c.form.period("created")
	if err != nil {
		return nil, err
	}
	customer := c.form.text("customer")
	if customer != "" {
		if _, err := c.customer(customer, "customer"); err != nil {
			return nil, err
		}
	}
	var found []thing
	for _, p := range all[*intent](c.server, "pi") {
		if created.has(p.created) && (customer == "" || p.customer == customer) {
			found = append(found, p)
		}
	}
	return c.page(found)
}

func searchIntents(c *call) (object, error) {
	c.server.fault("GET %s/search: a search lags, and must not decide anything", intentsPath)
	return object{"object": "search_result", "data": []any{}, "has_more": false, "url": intentsPath + "/search"}, nil
}

// wrongState refuses what the PaymentIntent's state does not allow. The error has
// the PaymentIntent.
func (p *intent) wrongState(verb string) *apiError {
	e := refused("payment_intent_unexpected_state",
		"This PaymentIntent's status is %s. You cannot %s it in this state.", p.status, verb)
	e.PaymentIntent = p.render(nil)
	return e
}

func (p *intent) String() string { return fmt.Sprintf("%s (%s)", p.id, p.status) }
