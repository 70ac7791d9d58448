package stripe

import (
	"strings"
	"unicode"

	"github.com/mozillazg/go-unidecode"
)

// suffix is the part of a statement's text that Stripe puts after the account's
// prefix and "* ". It is empty if no text is left that Stripe would take.
func suffix(descriptor, prefix string) string {
	const longest = 22 // characters of both together
	var text strings.Builder
	// Holdfast's own texts begin with "HF*". Stripe refuses the star, and its prefix
	// does the same duty.
	for _, r := range unidecode.Unidecode(strings.TrimPrefix(descriptor, "HF*")) {
		switch {
		case strings.ContainsRune(`<>\'"*`, r):
		case r < ' ' || r > '~':
			text.WriteByte(' ')
		default:
			text.WriteRune(r)
		}
	}
	room := longest - 2 - len(prefix)
	if prefix == "" {
		room = longest - 2 - prefixMax
	}
	words := strings.Join(strings.Fields(text.String()), " ")
	if len(words) > room {
		words = strings.TrimSpace(words[:max(room, 0)])
	}
	if !strings.ContainsFunc(words, unicode.IsLetter) {
		return ""
	}
	return words
}

// prefixMax is the longest prefix of an account. It is assumed where the prefix
// is not known.
const prefixMax = 10
