package console

import (
	"regexp"
	"strings"

	"github.com/holdfast-pay/holdfast/money"
)

// Amounts as people type them. A point or a comma before two digits is the decimal
// separator. Thousands may be grouped only if cents follow, because "1.234" alone
// could mean two amounts.
var (
	plainAmount   = regexp.MustCompile(`^\d+([.,]\d{1,2})?$`)
	englishAmount = regexp.MustCompile(`^\d{1,3}(,\d{3})+\.\d{2}$`)
	germanAmount  = regexp.MustCompile(`^\d{1,3}(\.\d{3})+,\d{2}$`)
)

// readAmount reads an amount above zero that a person typed.
func readAmount(text string) (a money.Amount, ok bool) {
	text = strings.TrimSpace(strings.NewReplacer("US$", "", "USD", "", "$", "", "\u00a0", "").Replace(text))
	switch {
	case plainAmount.MatchString(text):
		text = strings.Replace(text, ",", ".", 1)
	case englishAmount.MatchString(text):
		text = strings.ReplaceAll(text, ",", "")
	case germanAmount.MatchString(text):
		text = strings.Replace(strings.ReplaceAll(text, ".", ""), ",", ".", 1)
	default:
		return a, false
	}
	a, err := money.Parse(text, money.USD)
	return a, err == nil && a.Positive()
}
