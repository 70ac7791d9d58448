package stripefake

import "slices"

// A setup is a SetupIntent: it keeps a card for later.
type setup struct {
	head
	customer, method, status string
	usage, description       string
	metadata                 map[string]string
	returnURL                string
	session                  string
	attempt                  string // the latest
	action, lastError        object
	cancelReason             string
}

func (t *setup) secret() string { return t.id + "_secret_" + t.id[len(t.id)-8:] }

func (t *setup) render(*Server) object {
	shown := t.shown("setup_intent")
	shown.add(object{
		"status": t.status, "customer": orNull(t.customer), "payment_method": orNull(t.method), "usage": t.usage,
		"metadata": shownMap(t.metadata), "client_secret": t.secret(), "latest_attempt": orNull(t.attempt),
		"next_action": nullObject(t.action), "last_setup_error": nullObject(t.lastError),
		"payment_method_types": []any{"card"},
		"cancellation_reason":  orNull(t.cancelReason), "description": orNull(t.description), "mandate": nil,
		"single_use_mandate": nil, "on_behalf_of": nil, "application": nil, "automatic_payment_methods": nil,
		"payment_method_options": object{"card": object{"request_three_d_secure": "automatic", "network": nil}},
	})
	return shown
}

// A setupAttempt is one try to keep a card.
type setupAttempt struct {
	head
	setup, method, customer, status string
	threeDS                         string
}

func (a *setupAttempt) render(*Server) object {
	shown := a.shown("setup_attempt")
	shown["setup_intent"], shown["payment_method"], shown["customer"] = a.setup, a.method, orNull(a.customer)
	shown["status"], shown["usage"], shown["setup_error"], shown["application"] = a.status, "off_session", nil, nil
	var secure any
	if a.threeDS != "" {
		secure = object{"result": a.threeDS, "version": "2.2.0", "electronic_commerce_indicator": "05", "result_reason": nil}
	}
	shown["payment_method_details"] = object{"type": "card", "card": object{"three_d_secure": secure}}
	return shown
}

func setupRoutes() []route {
	const path, right = "/v1/setup_intents", "setup_intent"
	confirming := []string{"payment_method", "return_url", "use_stripe_sdk"}
	creating := append([]string{
		"customer", "confirm", "usage", "description", "metadata[*]", "payment_method_types[]",
		"payment_method_options[card][request_three_d_secure]",
	}, confirming...)
	return []route{
		{"POST " + path, right, true, creating, createSetup},
		{"GET " + path + "/{id}", right, false, []string{"client_secret"}, getSetup},
		{"GET " + path, right, false, listParams("customer", "payment_method"), listSetups},
		{"POST " + path + "/{id}/confirm", right, true, confirming, confirmSetup},
		{"POST " + path + "/{id}/cancel", right, true, []string{"cancellation_reason"}, cancelSetup},
	}
}

func (c *call) setup() (*setup, error) { return find[*setup](c, "setupintent", c.path(), "intent") }

func createSetup(c *call) (object, error) {
	t := &setup{status: needsMethod, description: c.form.text("description")}
	var err error
	if t.usage, err = c.form.enum("usage", "off_session", "off_session", "on_session"); err != nil {
		return nil, err
	}
	if t.metadata, err = c.form.metadata("metadata", nil); err != nil {
		return nil, err
	}
	confirm, err := c.form.boolean("confirm")
	if err != nil {
		return nil, err
	}
	if c.form.has("customer") {
		u, err := c.customer(c.form.text("customer"), "customer")
		if err != nil {
			return nil, err
		}
		t.customer = u.id
	}
	if err := t.choose(c); err != nil {
		return nil, err
	}
	t.head = c.server.newHead("seti", c.live)
	c.server.keep(t)
	c.server.emit("setup_intent.created", t)
	if confirm {
		return confirmSetupNow(c, t)
	}
	return t.render(c.server), nil
}

func (t *setup) choose(c *call) error {
	if !c.form.has("payment_method") {
		return nil
	}
	m, err := c.method(c.form.text("payment_method"))
	if err != nil {
		return err
	}
	if err := m.mayPay(t.customer); err != nil {
		return err
	}
	t.method, t.status = m.id, needsConfirmation
	return nil
}

func getSetup(c *call) (object, error) {
	t, err := c.setup()
	if err != nil {
		return nil, err
	}
	return t.render(c.server), nil
}

func listSetups(c *call) (object, error) {
	created, err := c.form.period("created")
	if err != nil {
		return nil, err
	}
	customer, card := c.form.text("customer"), c.form.text("payment_method")
	var found []thing
	for _, t := range all[*setup](c.server, "seti") {
		if created.has(t.created) && (customer == "" || t.customer == customer) && (card == "" || t.method == card) {
			found = append(found, t)
		}
	}
	return c.page(found)
}

func confirmSetup(c *call) (object, error) {
	t, err := c.setup()
	if err != nil {
		return nil, err
	}
	return confirmSetupNow(c, t)
}

func confirmSetupNow(c *call, t *setup) (object, error) {
	if t.status == succeeded || t.status == canceled {
		return nil, t.wrongState("confirm")
	}
	if err := t.choose(c); err != nil {
		return nil, err
	}
	if t.method == "" {
		return nil, t.wrongState("confirm")
	}
	t.returnURL = c.form.text("return_url")
	m := c.server.things[t.method].(*method)
	if refusal := c.server.tryToKeep(t, m); refusal != nil {
		return nil, refusal
	}
	return t.render(c.server), nil
}

// tryToKeep asks a card's issuer whether the card can be kept.
func (s *Server) tryToKeep(t *setup, m *method) *apiError {
	a := &setupAttempt{
		head: s.newHead("setatt", t.live), setup: t.id, method: m.id, customer: t.customer, status: "requires_confirmation",
	}
	s.keep(a)
	t.attempt, t.method, t.lastError, t.action = a.id, m.id, nil, nil
	switch {
	case m.card.decline != nil && !m.card.keeps && m.card.challenge == challengeNever:
		return s.notKept(t, m, *m.card.decline)
	case m.card.challenge != challengeNever && !m.card.lookup:
		t.status, a.status = needsAction, needsAction
		t.action = object{"type": "redirect_to_url", "redirect_to_url": object{
			"url": s.pageBase() + "/3ds/" + t.id + "/" + t.secret(), "return_url": orNull(t.returnURL),
		}}
		s.emit("setup_intent.requires_action", t)
		return nil
	case m.card.lookup:
		return s.notKept(t, m, *m.card.decline)
	}
	s.cardKept(t, m, "")
	return nil
}

func (s *Server) notKept(t *setup, m *method, d Decline) *apiError {
	a := s.things[t.attempt].(*setupAttempt)
	t.status, t.method, t.action, a.status = needsMethod, "", nil, "failed"
	c := call{server: s}
	e := c.cardError(d, t, m)
	t.lastError = object{
		"type": e.Type, "code": e.Code, "decline_code": orNull(e.DeclineCode), "message": e.Message,
		"payment_method": m.render(s),
	}
	e.SetupIntent = t.render(s)
	s.emit("setup_intent.setup_failed", t)
	return e
}

func (s *Server) cardKept(t *setup, m *method, threeDS string) {
	a := s.things[t.attempt].(*setupAttempt)
	a.status, a.threeDS = succeeded, threeDS
	t.status, t.method, t.action = succeeded, m.id, nil
	m.kept = t.usage == "off_session"
	if t.customer != "" && m.customer == "" {
		m.customer = t.customer
		s.emit("payment_method.attached", m)
	}
	s.emit("setup_intent.succeeded", t)
}

// setupAuthenticated goes on after the holder has, or has not, authenticated.
func (s *Server) setupAuthenticated(t *setup, passed bool) {
	m := s.things[t.method].(*method)
	switch {
	case !passed:
		_ = s.notKept(t, m, Decline{Code: "setup_intent_authentication_failure"})
	case m.card.decline != nil && !m.card.keeps:
		_ = s.notKept(t, m, *m.card.decline)
	default:
		s.cardKept(t, m, "authenticated")
	}
}

func cancelSetup(c *call) (object, error) {
	t, err := c.setup()
	if err != nil {
		return nil, err
	}
	reason, err := c.form.enum("cancellation_reason", "", "abandoned", "duplicate", "requested_by_customer")
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]string{needsMethod, needsConfirmation, needsAction}, t.status) {
		return nil, t.wrongState("cancel")
	}
	if t.session != "" {
		return nil, refused("", "You cannot cancel a SetupIntent that was created by a Checkout Session. Expire the "+
			"session instead.")
	}
	c.server.endSetup(t, reason)
	return t.render(c.server), nil
}

func (s *Server) endSetup(t *setup, reason string) {
	t.status, t.cancelReason, t.action = canceled, reason, nil
	s.emit("setup_intent.canceled", t)
}

func (t *setup) wrongState(verb string) *apiError {
	e := refused("setup_intent_unexpected_state", "You cannot %s this SetupIntent because it has a status of %s.", verb,
		t.status)
	e.SetupIntent = t.render(nil)
	return e
}
