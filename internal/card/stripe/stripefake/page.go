package stripefake

import (
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

//go:embed page.html
var pageText string

var pageTemplates = template.Must(template.New("").Parse(pageText))

// pages adds the pages for buyers: that of a session, and that of a card's bank.
func (s *Server) pages() {
	s.mux.HandleFunc("GET /c/pay/{id}", s.showSession)
	s.mux.HandleFunc("POST /c/pay/{id}", s.submitSession)
	s.mux.HandleFunc("GET /3ds/{id}/{secret}", s.showBank)
	s.mux.HandleFunc("POST /3ds/{id}/{secret}", s.submitBank)
}

// pageBase is the address of the pages, as links have it.
func (s *Server) pageBase() string {
	switch {
	case s.settings.PagesAt != "":
		return s.settings.PagesAt
	case s.url != "":
		return s.url
	case s.current != nil:
		return "http://" + s.current.request.Host
	}
	return "http://127.0.0.1"
}

// A Typed is what a buyer types on the page.
type Typed struct {
	Name, Email  string
	Number       string
	Expiry       string // such as "12 / 34"; empty is a date in the future, for tests
	SecurityCode string // empty is "123", for tests
}

// A pageShown is what the templates show.
type pageShown struct {
	Language, Title, Button, Amount string
	Typed                           Typed
	AskName                         bool
	Problem, Back, Next             string
	Done, Expired                   bool
}

func (s *Server) showSession(w http.ResponseWriter, r *http.Request) {
	s.lock()
	n, ok := s.things[r.PathValue("id")].(*session)
	if !ok {
		s.mu.Unlock()
		http.NotFound(w, r)
		return
	}
	shown := s.shownSession(n)
	s.mu.Unlock()
	show(w, "session", shown)
}

func (s *Server) shownSession(n *session) pageShown {
	shown := pageShown{
		Language: "en", Title: n.title, Button: "Save card", Back: n.cancelURL, AskName: n.asksName(),
		Typed: Typed{Name: n.name, Email: n.email}, Done: n.status == sessionComplete, Expired: n.status == sessionExpired,
		Next: n.success(),
	}
	if n.mode == "payment" {
		shown.Amount = dollars(n.amount)
		shown.Button = "Pay " + shown.Amount
	}
	if p, ok := s.things[n.intent].(*intent); ok && p.lastError != nil {
		shown.Problem, _ = p.lastError["message"].(string)
	}
	if t, ok := s.things[n.setup].(*setup); ok && t.lastError != nil {
		shown.Problem, _ = t.lastError["message"].(string)
	}
	return shown
}

// success is where the browser goes from a finished page.
func (n *session) success() string {
	return strings.ReplaceAll(n.successURL, "{CHECKOUT_SESSION_ID}", n.id)
}

func (s *Server) submitSession(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, bodyMax)
	typed := Typed{
		Name: r.PostFormValue("name"), Email: r.PostFormValue("email"), Number: r.PostFormValue("number"),
		Expiry: r.PostFormValue("expiry"), SecurityCode: r.PostFormValue("cvc"),
	}
	next, err := s.Submit(r.PathValue("id"), typed)
	var problem *ProblemError
	switch {
	case errors.As(err, &problem):
		s.lock()
		shown := s.shownSession(s.things[r.PathValue("id")].(*session))
		s.mu.Unlock()
		shown.Problem = problem.Message
		shown.Typed.Name, shown.Typed.Email = typed.Name, typed.Email
		show(w, "session", shown)
	case err != nil:
		http.NotFound(w, r)
	default:
		http.Redirect(w, r, next, http.StatusSeeOther)
	}
}

// A ProblemError is what the page tells the buyer, who can then try again.
type ProblemError struct{ Message string }

func (p *ProblemError) Error() string { return p.Message }

// Submit does what the button of a session's page does. It returns where the
// browser goes: to the session's success address, or to the page of the card's
// bank. A *ProblemError leaves the session open.
func (s *Server) Submit(sessionID string, typed Typed) (next string, err error) {
	s.lock()
	defer s.mu.Unlock()
	n, ok := s.things[sessionID].(*session)
	switch {
	case !ok:
		return "", fmt.Errorf("the fake has no session %s", sessionID)
	case n.status == sessionComplete:
		return n.success(), nil
	case n.status == sessionExpired:
		return "", &ProblemError{"This page has expired."}
	}
	card, err := s.check(n, &typed)
	if err != nil {
		return "", err
	}
	s.write(entry{Page: &pageEntry{sessionID, typed}})
	m := s.typedCard(n, typed, card)
	if n.mode == "payment" {
		return s.payBySession(n, m)
	}
	t := s.things[n.setup].(*setup)
	t.customer = n.customer
	if refusal := s.tryToKeep(t, m); refusal != nil {
		return "", &ProblemError{refusal.Message}
	}
	if t.status == needsAction {
		return s.bankPage(t.id, t.secret()), nil
	}
	return s.finish(n), nil
}

func (s *Server) bankPage(id, secret string) string {
	return s.pageBase() + "/3ds/" + id + "/" + secret
}

// payBySession tries to pay. The first try makes the PaymentIntent.
func (s *Server) payBySession(n *session, m *method) (next string, err error) {
	p, ok := s.things[n.intent].(*intent)
	if !ok {
		made := *n.template
		p = &made
		p.head = s.newHead("pi", n.live)
		p.session, n.intent = n.id, p.id
		s.keep(p)
		s.emit("payment_intent.created", p)
	}
	p.customer = n.customer
	if refusal := s.attempt(p, m, presence{}); refusal != nil {
		return "", &ProblemError{refusal.Message}
	}
	if p.status == needsAction {
		return s.bankPage(p.id, p.secret()), nil
	}
	return s.finish(n), nil
}

func (s *Server) finish(n *session) string {
	s.complete(n)
	return n.success()
}

// check checks what the buyer has typed, and trims it.
func (s *Server) check(n *session, typed *Typed) (testCard, error) {
	number := strings.NewReplacer(" ", "", "-", "").Replace(typed.Number)
	const numberMin, numberMax = 12, 19
	digits := strings.Trim(number, "0123456789") == "" && len(number) >= numberMin && len(number) <= numberMax
	card, known := cardByNumber(number)
	_, _, ok := s.expiry(typed.Expiry)
	code := typed.SecurityCode
	typed.Name, typed.Email = strings.TrimSpace(typed.Name), strings.TrimSpace(typed.Email)
	switch {
	case !digits || !luhn(number):
		return card, &ProblemError{"Your card number is invalid."}
	case !ok:
		return card, &ProblemError{"Your card's expiration date is incomplete or in the past."}
	case code != "" && (strings.Trim(code, "0123456789") != "" || len(code) < 3 || len(code) > 4):
		return card, &ProblemError{"Your card's security code is incomplete."}
	case !known:
		return card, &ProblemError{"Your card was declined. This page takes test cards only."}
	case n.asksName() && (typed.Name == "" || !mailAddress.MatchString(typed.Email)):
		return card, &ProblemError{"Please give your name and e-mail address."}
	}
	return card, nil
}

// asksName reports whether the page asks for the buyer's name and e-mail address.
func (n *session) asksName() bool { return n.customer == "" || n.email == "" }

// typedCard makes a payment method of what the buyer has typed. If the card is to
// be kept, it makes a customer of a guest.
func (s *Server) typedCard(n *session, typed Typed, card testCard) *method {
	if n.asksName() {
		n.name, n.email = typed.Name, typed.Email
	}
	if n.customer == "" && (n.customerCreated == "always" || n.template != nil && n.template.setupFuture != "") {
		u := &customer{head: s.newHead("cus", n.live), name: n.name, email: n.email}
		s.keep(u)
		n.customer = u.id
		s.emit("customer.created", u)
	}
	m := s.newMethod(card, n.live)
	m.name, m.email = n.name, n.email
	m.month, m.year, _ = s.expiry(typed.Expiry)
	return m
}

// expiry reads a date such as "12 / 34". It must not be in the past.
func (s *Server) expiry(text string) (month, year int, ok bool) {
	if text == "" {
		return tokenMonth, s.now.Year() + tokenYears, true
	}
	first, second, found := strings.Cut(strings.ReplaceAll(text, " ", ""), "/")
	month, monthErr := strconv.Atoi(first)
	year, yearErr := strconv.Atoi(second)
	if !found || monthErr != nil || yearErr != nil || month < 1 || month > 12 {
		return 0, 0, false
	}
	if year < 100 {
		year += s.now.Year() / 100 * 100
	}
	past := year < s.now.Year() || year == s.now.Year() && month < int(s.now.Month())
	return month, year, !past
}

func (s *Server) showBank(w http.ResponseWriter, r *http.Request) {
	s.lock()
	waits, next, ok := s.atBank(r)
	s.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	show(w, "bank", pageShown{Language: "en", Done: !waits, Next: next})
}

// atBank finds what a card's bank is to confirm, and where the browser goes next.
func (s *Server) atBank(r *http.Request) (waits bool, next string, ok bool) {
	id, secret := r.PathValue("id"), r.PathValue("secret")
	switch t := s.things[id].(type) {
	case *intent:
		return t.status == needsAction, s.afterBank(t.session, t.returnURL, "payment_intent", t), t.secret() == secret
	case *setup:
		return t.status == needsAction, s.afterBank(t.session, t.returnURL, "setup_intent", t), t.secret() == secret
	}
	return false, "", false
}

// afterBank is where the browser goes from the bank's page: back to a session that
// is still open, else to its success address, or to the return address.
func (s *Server) afterBank(sessionID, back, kind string, t interface {
	thing
	secret() string
},
) string {
	if n, ok := s.things[sessionID].(*session); ok {
		if n.status == sessionComplete {
			return n.success()
		}
		return n.page
	}
	u, err := url.Parse(back)
	if err != nil || back == "" {
		return ""
	}
	status := "failed"
	if is := t.render(s)["status"]; is == needsCapture || is == succeeded {
		status = "succeeded"
	}
	query := u.Query()
	query.Set(kind, t.common().id)
	query.Set(kind+"_client_secret", t.secret())
	query.Set("redirect_status", status)
	u.RawQuery = query.Encode()
	return u.String()
}

func (s *Server) submitBank(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, bodyMax)
	passed := r.PostFormValue("result") == "complete"
	s.lock()
	waits, _, ok := s.atBank(r)
	if !ok {
		s.mu.Unlock()
		http.NotFound(w, r)
		return
	}
	if waits {
		s.atBankDone(r.PathValue("id"), passed)
	}
	_, next, _ := s.atBank(r)
	s.mu.Unlock()
	if next == "" {
		show(w, "bank", pageShown{Language: "en", Done: true})
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // the merchant's program has named the address
}

// atBankDone goes on with a payment, or a card, after its holder was asked.
func (s *Server) atBankDone(id string, passed bool) {
	s.write(entry{Bank: &bankEntry{id, passed}})
	var sessionID string
	var done bool
	switch t := s.things[id].(type) {
	case *intent:
		s.authenticated(t, passed)
		sessionID, done = t.session, t.status == needsCapture || t.status == succeeded
	case *setup:
		s.setupAuthenticated(t, passed)
		sessionID, done = t.session, t.status == succeeded
	}
	if n, ok := s.things[sessionID].(*session); ok && done && n.status == sessionOpen {
		s.complete(n)
	}
}

func show(w http.ResponseWriter, name string, shown pageShown) {
	var text strings.Builder
	if err := pageTemplates.ExecuteTemplate(&text, name, shown); err != nil {
		panic(fmt.Sprintf("stripefake: showing a page: %v", err))
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'")
	_, _ = w.Write([]byte(text.String())) // the client may be gone
}
