package stripefake

import (
	"net/http"
	"net/url"
	"time"
)

func confirmIntent(c *call) (object, error) {
	p, err := c.intent()
	if err != nil {
		return nil, err
	}
	way, err := p.readConfirmation(c)
	if err != nil {
		return nil, err
	}
	if p.session != "" {
		return nil, refused("", "You cannot confirm a PaymentIntent that was created by a Checkout Session.")
	}
	if p.status == needsMethod && p.attempts > 0 {
		c.server.fault("POST %s: a second attempt on the card of a declined PaymentIntent", c.request.URL.Path)
	}
	if err := p.choose(c); err != nil {
		return nil, err
	}
	return p.confirm(c, way)
}

// A confirmation is how a PaymentIntent is confirmed.
type confirmation struct {
	presence
	setupFuture, returnURL string
}

// readConfirmation checks and reads the parameters of a confirmation.
func (p *intent) readConfirmation(c *call) (confirmation, error) {
	var way confirmation
	var err error
	if way.offSession, err = c.form.boolean("off_session"); err != nil {
		if text := c.form.text("off_session"); text != "one_off" && text != "recurring" {
			return way, err
		}
		way.offSession = true
	}
	if way.mustNotAct, err = c.form.boolean("error_on_requires_action"); err != nil {
		return way, err
	}
	script, err := c.form.boolean("use_stripe_sdk") // on the merchant's page, in place of a redirect
	if err != nil {
		return way, err
	}
	way.setupFuture, err = c.form.enum("setup_future_usage", p.setupFuture, "off_session", "on_session")
	if err != nil {
		return way, err
	}
	if way.offSession && way.setupFuture != "" {
		return way, invalid("off_session", "You cannot use `setup_future_usage` with `off_session=true`.")
	}
	way.returnURL = c.form.text("return_url")
	if u, err := url.Parse(way.returnURL); way.returnURL != "" && (err != nil || u.Host == "") {
		return way, invalidCode("url_invalid", "return_url", "Not a valid URL")
	}
	if p.anyMethod && way.returnURL == "" && !way.offSession {
		return way, invalid("return_url", "This PaymentIntent is configured to accept payment methods enabled in your "+
			"Dashboard. Because some of these payment methods might redirect your customer off of your page, you must "+
			"provide a `return_url`.")
	}
	if script {
		way.returnURL = ""
	}
	return way, nil
}

func (p *intent) confirm(c *call, way confirmation) (object, error) {
	if p.status != needsConfirmation && (p.status != needsAction || p.method == "") {
		e := p.wrongState("confirm")
		if p.status == needsMethod {
			e.Message = "You cannot confirm this PaymentIntent because it's missing a payment method. You can either " +
				"update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a " +
				"payment method."
		}
		return nil, e
	}
	p.setupFuture, p.returnURL = way.setupFuture, way.returnURL
	m := c.server.things[p.method].(*method)
	if err := m.mayPay(p.customer); err != nil {
		return nil, err
	}
	if refusal := c.server.attempt(p, m, way.presence); refusal != nil {
		return nil, refusal
	}
	return p.render(c.server), nil
}

// A presence says whether the card's holder can act.
type presence struct{ offSession, mustNotAct bool }

// attempt tries to pay with a card. It returns a decline.
func (s *Server) attempt(p *intent, m *method, at presence) *apiError {
	p.attempts++
	p.offSession, p.lastError, p.action = at.offSession, nil, nil
	p.lastMethod = m.id
	outcome := s.outcome(p, m, at)
	switch {
	case outcome.decline != nil:
		return s.decline(p, m, *outcome.decline)
	case outcome.challenge && (at.offSession || at.mustNotAct):
		return s.decline(p, m, Decline{Code: "authentication_required", DeclineCode: "authentication_required"})
	case outcome.challenge:
		p.status = needsAction
		p.action = object{"type": "use_stripe_sdk", "use_stripe_sdk": object{"type": "three_d_secure_redirect"}}
		if p.returnURL != "" || p.session != "" {
			p.action = object{"type": "redirect_to_url", "redirect_to_url": object{
				"url": s.pageBase() + "/3ds/" + p.id + "/" + p.secret(), "return_url": orNull(p.returnURL),
			}}
		}
		s.emit("payment_intent.requires_action", p)
		return nil
	}
	s.approve(p, m, "")
	return nil
}

// An outcome is what an issuer says at first.
type outcome struct {
	decline   *Decline
	challenge bool
}

func (s *Server) outcome(p *intent, m *method, at presence) outcome {
	if len(s.declines) > 0 {
		next := s.declines[0]
		s.declines = s.declines[1:]
		return outcome{decline: &next}
	}
	if m.override != nil {
		return outcome{decline: m.override}
	}
	if m.card.asksForChallenge(at.offSession, m.kept) && !m.card.lookup || p.request3DS == "challenge" && !at.offSession {
		return outcome{challenge: true}
	}
	return outcome{decline: m.card.decline}
}

func (c testCard) asksForChallenge(offSession, kept bool) bool {
	switch c.challenge {
	case challengeNever:
		return false
	case challengeUnlessKept:
		return !offSession || !kept
	case challengePresent:
		return !offSession
	case challengeAlways:
		return true
	}
	return false
}

// authenticated goes on after the holder has, or has not, authenticated a payment.
// Nobody waits for an answer: the object has it.
func (s *Server) authenticated(p *intent, passed bool) {
	m := s.things[p.lastMethod].(*method)
	p.action = nil
	switch {
	case !passed:
		_ = s.decline(p, m, Decline{Code: "payment_intent_authentication_failure"})
	case m.override != nil:
		_ = s.decline(p, m, *m.override)
	case m.card.decline != nil:
		_ = s.decline(p, m, *m.card.decline)
	default:
		s.approve(p, m, "authenticated")
	}
}

// Stripe's windows: how long a hold lives by the brand, and whether the holder
// was present.
const (
	holdLife           = 7 * 24 * time.Hour
	holdLifeVisaAbsent = 4*24*time.Hour + 18*time.Hour
)

func lifeOf(brand string, offSession bool) time.Duration {
	if brand == "visa" && offSession {
		return holdLifeVisaAbsent
	}
	return holdLife
}

// approve holds the amount, or takes it.
func (s *Server) approve(p *intent, m *method, threeDS string) {
	ch := s.newCharge(p, m)
	ch.threeDS = threeDS
	p.charge, p.method, p.lastError, p.action = ch.id, m.id, nil, nil
	s.keepCard(p, m)
	if !p.manual() {
		p.status, p.captured = succeeded, p.amount
		s.take(ch, p.amount, p.captureMethod == "automatic")
		s.emit("charge.succeeded", ch)
		s.emit("payment_intent.succeeded", p)
		s.trouble(p, ch)
		return
	}
	p.status = needsCapture
	until := s.now.Add(lifeOf(m.card.brand, p.offSession))
	ch.captureBefore = until.Unix()
	s.timers.add(time.Unix(ch.captureBefore, 0), func() { s.lapse(p) })
	s.emit("charge.succeeded", ch)
	s.emit("payment_intent.amount_capturable_updated", p)
}

// keepCard attaches the card to the customer if the payment asked for it.
func (s *Server) keepCard(p *intent, m *method) {
	if p.customer == "" {
		m.used = true
		return
	}
	if m.customer != "" {
		return
	}
	if p.setupFuture == "" {
		m.used = true
		return
	}
	m.customer, m.kept = p.customer, p.setupFuture == "off_session"
	s.emit("payment_method.attached", m)
}

// decline ends an attempt. The PaymentIntent then has no payment method.
func (s *Server) decline(p *intent, m *method, d Decline) *apiError {
	if d.Code == "" {
		d.Code = "card_declined"
	}
	ch := s.newCharge(p, m)
	p.charge, p.method, p.action, p.status = ch.id, "", nil, needsMethod
	message, advice := d.words()
	if d.Code == "payment_intent_authentication_failure" {
		message, advice = "The provided PaymentMethod has failed authentication. You can provide payment_method_data or "+
			"a new PaymentMethod to attempt to fulfill this PaymentIntent again.", ""
	}
	ch.fail(d, message, advice)
	refusal := &apiError{
		status: http.StatusPaymentRequired, Type: typeCard, Code: d.Code, DeclineCode: d.DeclineCode, AdviceCode: advice,
		Message: message, Charge: ch.id, PaymentMethod: m.render(s), DocURL: "https://stripe.com/docs/error-codes/" + d.Code,
	}
	if !d.blocked {
		refusal.NetworkDeclineCode = "05"
	}
	if d.Code == "payment_intent_authentication_failure" {
		refusal.Type = typeInvalid
	}
	p.lastError = object{
		"type": refusal.Type, "code": d.Code, "message": message, "charge": ch.id, "doc_url": refusal.DocURL,
		"payment_method": m.render(s),
	}
	for field, value := range map[string]string{
		"decline_code": d.DeclineCode, "advice_code": advice, "network_decline_code": refusal.NetworkDeclineCode,
	} {
		if value != "" {
			p.lastError[field] = value
		}
	}
	s.emit("charge.failed", ch)
	s.emit("payment_intent.payment_failed", p)
	refusal.PaymentIntent = p.render(s)
	return refusal
}

// cardError is a decline without a payment, such as of a card that is to be kept.
func (c *call) cardError(d Decline, t *setup, m *method) *apiError {
	message, advice := d.words()
	e := &apiError{
		status: http.StatusPaymentRequired, Type: typeCard, Code: d.Code, DeclineCode: d.DeclineCode, AdviceCode: advice,
		Message: message, PaymentMethod: m.render(c.server),
	}
	if t != nil {
		e.SetupIntent = t.render(c.server)
	}
	return e
}
