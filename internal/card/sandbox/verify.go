package sandbox

import (
	"context"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

const (
	numberDigitsMin = 12
	numberDigitsMax = 19
	codeDigits      = 3
	codeDigitsAmex  = 4
	expiryYearsMax  = 20 // ahead; a date beyond is a slip
	lastFour        = 4
)

// Verify accepts a published test card with plausible details. It refuses every
// other number, because a real card number must never be stored.
func (n *Network) Verify(ctx context.Context, d card.Details) (card.Kept, error) {
	if err := ctx.Err(); err != nil {
		return card.Kept{}, err
	}
	number := d.Number.Reveal()
	c, problem := lookUp(number)
	if problem == "" {
		problem = expiryProblem(d.ExpiryMonth, d.ExpiryYear, n.Now())
	}
	if problem == "" {
		problem = codeProblem(d.SecurityCode.Reveal(), c.Brand)
	}
	if problem == "" {
		problem = c.refused
	}
	if problem != "" {
		return card.Kept{}, &card.RefusedError{Problem: problem}
	}
	return card.Kept{
		Brand: c.Brand, Last4: number[len(number)-lastFour:], Ref: c.Ref(), Fingerprint: c.Ref(), // one number, one card
	}, nil
}

func lookUp(number string) (c Card, problem payment.CardProblem) {
	c, ok := byNumber[number]
	switch {
	case ok:
		return c, ""
	case number == "":
		return c, payment.CardNumberMissing
	case !isDigits(number) || len(number) < numberDigitsMin || len(number) > numberDigitsMax:
		return c, payment.CardNumberForm
	case !luhn(number):
		return c, payment.CardNumberMistyped
	}
	return c, payment.CardNotForTests
}

// expiryProblem refuses an expired card. A card is valid to the end of the
// month printed on it.
func expiryProblem(month, year int, now time.Time) payment.CardProblem {
	switch {
	case month < 1 || month > 12, year < 1000 || year > now.Year()+expiryYearsMax:
		return payment.CardExpiryForm
	case !now.Before(time.Date(year, time.Month(month)+1, 1, 0, 0, 0, 0, time.UTC)):
		return payment.CardExpired
	}
	return ""
}

func codeProblem(code, brand string) payment.CardProblem {
	want, problem := codeDigits, payment.CardCodeThree
	if brand == amex {
		want, problem = codeDigitsAmex, payment.CardCodeFour
	}
	if len(code) == want && isDigits(code) {
		return ""
	}
	return problem
}

func isDigits(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// luhn checks the last digit of a card number against the others (ISO/IEC
// 7812-1, annex B).
func luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
