package cobranded

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// Sizes of what can be typed into the card's form.
const (
	numberMax = 30 // 19 digits with blanks between
	expiryMax = 9
	codeMax   = 4
)

func (s *Server) showCard(c *call) error {
	form := c.cardForm()
	for i := range form.Fields {
		if form.Fields[i].Name == "holder" {
			form.Fields[i].Value = c.sender.Name
		}
	}
	return s.renderCard(c, http.StatusOK, form)
}

func (c *call) cardForm() webui.Form {
	return webui.Form{
		Action: actions + "card", Hidden: c.hidden(), Submit: "Use this card",
		Fields: []webui.Field{
			{Name: "number", Label: "Card number", Autocomplete: "cc-number", InputMode: "numeric", MaxLength: numberMax, Code: true},
			{Name: "expiry", Label: "Expiry date", Hint: "MM/YY", Autocomplete: "cc-exp", InputMode: "numeric", MaxLength: expiryMax, Half: true, Code: true},
			{Name: "code", Label: "Security code", Hint: "3 or 4 digits", Autocomplete: "cc-csc", InputMode: "numeric", MaxLength: codeMax, Half: true, Code: true},
			{Name: "holder", Label: "Name on the card", Autocomplete: "cc-name", MaxLength: party.NameMax},
			{Name: "default", Label: "Pay with this card next time, too", Type: "checkbox", Value: "yes"},
		},
	}
}

func (s *Server) renderCard(c *call, status int, form webui.Form) error {
	if status != http.StatusOK && form.Problem == "" {
		form.Problem = "The card was not added. For your safety, its number and security code have to be entered again."
	}
	usable, err := s.usable(c)
	if err != nil {
		return err
	}
	page := cardPage{Frame: c.frame(), Form: form, Test: c.started.caller.Sandbox}
	if len(usable) > 0 || !c.request.Offers(holdfast.MethodCC) {
		page.Back = pageURL("payment", c.visit.ID)
	}
	return c.render(status, "card", "Add a card", stagePayment, page)
}

// addCard passes a card on to the network and chooses it. When something is
// wrong with it, the page comes back with the number and the security code
// empty: they are written into no page.
func (s *Server) addCard(c *call) error {
	form := c.cardForm()
	form.Fill(c.form, "number", "code")
	month, year, ok := parseExpiry(c.form.Get("expiry"))
	if !ok {
		form.SetError("expiry", "Please enter the month and year printed on the card, such as 08/31.")
	}
	holder := strings.TrimSpace(c.form.Get("holder"))
	if holder == "" || len(holder) > party.NameMax {
		form.SetError("holder", "Please enter the name printed on the card.")
	}
	number, code := digits(c.form.Get("number")), digits(c.form.Get("code"))
	if number == "" || len(number) > numberMax {
		form.SetError("number", "Please enter the card number.")
	}
	if code == "" || len(code) > codeMax {
		form.SetError("code", "Please enter the security code.")
	}
	if form.Failed() {
		return s.renderCard(c, http.StatusUnprocessableEntity, form)
	}
	card, err := s.Processor.AddCard(c.r.Context(), c.sender.ID, processor.NewCard{
		Number: processor.NewCardNumber(number), SecurityCode: processor.NewCardNumber(code),
		ExpiryMonth: month, ExpiryYear: year, Holder: holder,
	}, c.form.Get("default") != "")
	if refused, ok := errors.AsType[*processor.CardRefusedError](err); ok {
		form.SetError(refused.Field, refused.Message)
		return s.renderCard(c, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	v, err := s.Processor.ChooseInstrument(c.r.Context(), c.visit.ID, c.sender.ID, card.ID)
	if isRefusal(err) { // good in the world's time, expired by the caller's clock
		form.SetError("expiry", "This card has expired by the shop's clock. Please use another card.")
		return s.renderCard(c, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	return s.proceed(c, v)
}

// digits takes out what people put between the digits of a number.
func digits(typed string) string {
	return strings.NewReplacer(" ", "", "-", "", "\u00a0", "", "\t", "").Replace(typed)
}

// parseExpiry reads MM/YY or MM/YYYY, also without the stroke, as some keyboards
// have none, and YYYY-MM, as some browsers fill it in. Two digits of a year are
// this century's.
func parseExpiry(typed string) (month, year int, ok bool) {
	var m, y string
	switch parts := strings.FieldsFunc(typed, func(r rune) bool { return strings.ContainsRune("/-. \u00a0\t", r) }); {
	case len(parts) == 1 && (len(parts[0]) == len("MMYY") || len(parts[0]) == len("MMYYYY")):
		m, y = parts[0][:2], parts[0][2:]
	case len(parts) == 2 && len(parts[0]) == len("YYYY"):
		y, m = parts[0], parts[1]
	case len(parts) == 2:
		m, y = parts[0], parts[1]
	}
	if !number(m) || !number(y) || len(m) > 2 || len(y) != 2 && len(y) != 4 {
		return 0, 0, false
	}
	month, errMonth := strconv.Atoi(m)
	year, errYear := strconv.Atoi(y)
	if len(y) == 2 {
		const century = 2000
		year += century
	}
	return month, year, errMonth == nil && errYear == nil && month >= 1 && month <= 12
}

func number(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// isRefusal reports whether what the sender asked for cannot be, as opposed to
// a fault of ours.
func isRefusal(err error) bool {
	_, ok := errors.AsType[*holdfast.Error](err)
	return ok
}
