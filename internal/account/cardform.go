package account

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// Sizes of the card form's fields, in digits.
const (
	numberMax = 19
	codeMax   = 4
)

// cardScript groups the digits of a card number during typing.
const cardScript = "card.js"

// CardForm is the form for a new card. It works without its script.
func CardForm(w webui.Words, holder string) webui.Form {
	return webui.Form{
		Submit: w.T("card.submit"),
		Fields: []webui.Field{
			{Name: "number", Label: w.T("card.number"), Autocomplete: "cc-number", InputMode: "numeric", Code: true},
			{
				Name: "expiry", Label: w.T("card.expiry"), Hint: w.T("card.expiry-hint"), Autocomplete: "cc-exp",
				InputMode: "numeric", Half: true, Code: true,
			},
			{
				Name: "code", Label: w.T("card.code"), Hint: w.T("card.code-hint"), Autocomplete: "cc-csc", InputMode: "numeric",
				Half: true, Code: true,
			},
			{Name: "holder", Label: w.T("card.holder"), Value: holder, Autocomplete: "cc-name"},
			{Name: "default", Label: w.T("card.default"), Type: "checkbox", Value: "yes"},
		},
	}
}

// ReadCard reads a card that somebody typed, and puts errors at the form's
// fields.
func ReadCard(w webui.Words, typed holdfast.Params) (processor.NewCard, webui.Form) {
	form := CardForm(w, "")
	form.Fill(typed, "number", "code")
	month, year, ok := parseExpiry(typed.Get("expiry"))
	if !ok {
		form.SetError("expiry", w.T("card.expiry-form"))
	}
	holder := strings.TrimSpace(typed.Get("holder"))
	if problem := party.CheckLine(holder, party.NameMax); problem != "" {
		setLineProblem(w, &form, "holder", problem, w.T("card.holder-missing"))
	}
	number, code := digits(typed.Get("number")), digits(typed.Get("code"))
	if number == "" || len(number) > numberMax {
		form.SetError("number", w.T("card.number-missing"))
	}
	if code == "" || len(code) > codeMax {
		form.SetError("code", w.T("card.code-missing"))
	}
	return processor.NewCard{
		Number: processor.NewCardNumber(number), SecurityCode: processor.NewCardNumber(code),
		ExpiryMonth: month, ExpiryYear: year, Holder: holder,
	}, form
}

// CardProblem describes why a card cannot be stored, and names the field for
// the message.
func CardProblem(w webui.Words, p payment.CardProblem) (field, message string) {
	switch p {
	case payment.CardNumberMissing:
		return "number", w.T("card.number-missing")
	case payment.CardNumberForm:
		return "number", w.T("card.number-form")
	case payment.CardNumberMistyped:
		return "number", w.T("card.number-mistyped")
	case payment.CardNotForTests:
		return "number", w.T("card.not-test")
	case payment.CardExpiryForm:
		return "expiry", w.T("card.expiry-form")
	case payment.CardExpired:
		return "expiry", w.T("card.expired")
	case payment.CardExpiredByIssuer:
		return "expiry", w.T("card.expired-by-issuer")
	case payment.CardCodeThree:
		return "code", w.T("card.code-three")
	case payment.CardCodeFour:
		return "code", w.T("card.code-four")
	case payment.CardCodeWrong:
		return "code", w.T("card.code-wrong")
	}
	return "", w.T("card.not-added")
}

// digits removes separators between the digits of a number, and accepts the
// digits of every script.
func digits(typed string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) || unicode.In(c, unicode.Pd, unicode.Cf) {
			return -1
		}
		return c
	}, party.PlainDigits(typed))
}

// parseExpiry reads MM/YY or MM/YYYY, also without the slash, which some
// keyboards lack. It also reads YYYY-MM, which some browsers fill in. A year of
// two digits is in this century.
func parseExpiry(typed string) (month, year int, ok bool) {
	var m, y string
	typed = party.PlainDigits(typed)
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
