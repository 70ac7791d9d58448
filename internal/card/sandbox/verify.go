package sandbox

import (
	"context"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
)

// Fields of the form that a refusal is about.
const (
	fieldNumber = "number"
	fieldExpiry = "expiry"
	fieldCode   = "code"
)

const (
	numberDigitsMin = 12
	numberDigitsMax = 19
	codeDigits      = 3
	codeDigitsAmex  = 4
	expiryYearsMax  = 20 // ahead; a date beyond is a slip
	lastFour        = 4
)

// Verify takes a published test card whose details could be a real card's, and
// refuses every other number: none may ever be kept here.
func (n *Network) Verify(ctx context.Context, d card.Details) (card.Kept, error) {
	if err := ctx.Err(); err != nil {
		return card.Kept{}, err
	}
	number := d.Number.Reveal()
	c, refused := lookUp(number)
	if refused == nil {
		refused = checkExpiry(d.ExpiryMonth, d.ExpiryYear, n.Now())
	}
	if refused == nil {
		refused = checkCode(d.SecurityCode.Reveal(), c.Brand)
	}
	if refused == nil && c.refused != nil {
		again := *c.refused
		refused = &again
	}
	if refused != nil {
		return card.Kept{}, refused
	}
	return card.Kept{Brand: c.Brand, Last4: number[len(number)-lastFour:], Ref: c.Ref()}, nil
}

func lookUp(number string) (Card, *card.RefusedError) {
	refuse := func(message string) (Card, *card.RefusedError) {
		return Card{}, &card.RefusedError{Field: fieldNumber, Message: message}
	}
	switch c, ok := byNumber[number]; {
	case number == "":
		return refuse("Please enter the card number.")
	case !isDigits(number) || len(number) < numberDigitsMin || len(number) > numberDigitsMax:
		return refuse("A card number has 12 to 19 digits and nothing else.")
	case !luhn(number):
		return refuse("This card number has a typing error. Please check its digits.")
	case !ok:
		return refuse("This is a sandbox: it takes test cards only, such as 4242 4242 4242 4242. Never enter a real card here.")
	default:
		return c, nil
	}
}

// checkExpiry: a card is good to the end of the month printed on it.
func checkExpiry(month, year int, now time.Time) *card.RefusedError {
	refuse := func(message string) *card.RefusedError {
		return &card.RefusedError{Field: fieldExpiry, Message: message}
	}
	switch {
	case month < 1 || month > 12:
		return refuse("The expiry month is from 01 to 12.")
	case year < 1000 || year > now.Year()+expiryYearsMax:
		return refuse("Please check the expiry year; it has four digits.")
	case !now.Before(time.Date(year, time.Month(month)+1, 1, 0, 0, 0, 0, time.UTC)):
		return refuse("This card has expired. Please use another card.")
	}
	return nil
}

func checkCode(code, brand string) *card.RefusedError {
	want, words := codeDigits, "The security code is the three digits on the back of the card."
	if brand == amex {
		want, words = codeDigitsAmex, "The security code is the four digits on the front of the card."
	}
	if len(code) != want || !isDigits(code) {
		return &card.RefusedError{Field: fieldCode, Message: words}
	}
	return nil
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
