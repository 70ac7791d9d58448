package stripe

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Texts of Stripe are stored, logged and shown. The functions in this file let
// through only what such a text can be; anything else becomes empty.

// Limits of texts, in bytes. Stripe's ids have at most 255.
const (
	wordMax    = 80
	idMax      = 255
	lineMax    = 1000
	addressMax = 4000
)

// word is a code of the network as it may be stored and logged. Anything else
// than a short word of plain letters is dropped.
func word(s string) string {
	if len(s) > wordMax || !plain(s) {
		return ""
	}
	return s
}

// plain reports whether a text has only letters, digits and the few signs that
// Stripe's codes and ids are made of.
func plain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_-.[]", r)
	})
}

// isID reports whether a text can be the id of an object.
func isID(s string) bool { return s != "" && len(s) <= idMax && plain(s) }

// line is a text that a buyer typed on Stripe's page, as one line. Control
// characters become blanks. The processor decides whether the text can be stored.
func line(s string) string {
	if len(s) > lineMax || !utf8.ValidString(s) {
		return ""
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
}

// last4 are the last four digits of a card's number. A text with more digits is
// dropped.
func last4(s string) string {
	if len(s) != 4 || strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s
}

// country is the code of a country, such as "US".
func country(s string) string {
	if len(s) != 2 || s[0] < 'A' || s[0] > 'Z' || s[1] < 'A' || s[1] > 'Z' {
		return ""
	}
	return s
}

// funding is the kind of a card, if Stripe knows it.
func funding(s string) string {
	switch s {
	case "credit", "debit", "prepaid":
		return s
	}
	return ""
}

// page is the address of a page for the buyer.
func page(s string) string {
	at, err := url.Parse(s)
	foreign := strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
	if err != nil || foreign || len(s) > addressMax || at.Host == "" || at.Scheme != "https" && at.Scheme != "http" {
		return ""
	}
	return s
}
