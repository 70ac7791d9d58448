package party

import "regexp"

// secretForms are the forms of keys that people paste by mistake: the text of a JSON
// key, the secret of a webhook, the key of an account at a card network, and a key
// that opens the sealed store.
var secretForms = regexp.MustCompile(`(?:^|[^0-9A-Za-z_])(?:hf_(?:test|live)_[0-9A-Z]+_[0-9A-Za-z]{16}|` +
	`whsec_[0-9A-Za-z+/=_-]{16}|[rs]k_(?:test|live)_[0-9A-Za-z_]{8}|(?i:AGE-SECRET-KEY-1)[0-9A-Za-z]{16})`)

// secretAccessKey is the form of the secret part of an access key.
var secretAccessKey = regexp.MustCompile(`(?:^|[^0-9A-Za-z])([0-9A-Za-z]{40})(?:$|[^0-9A-Za-z])`)

var (
	hasLower = regexp.MustCompile(`[a-z]`)
	hasUpper = regexp.MustCompile(`[A-Z]`)
	hasDigit = regexp.MustCompile(`[0-9]`)
)

// LooksLikeSecret reports whether text has a card number or a secret key in it, so
// that it must not get into an address, a log or a page.
func LooksLikeSecret(text string) bool {
	if LooksLikeCard(text) || secretForms.MatchString(text) {
		return true
	}
	for _, found := range secretAccessKey.FindAllStringSubmatch(text, -1) {
		// A hash in hexadecimal digits has letters of one case only.
		if key := found[1]; hasLower.MatchString(key) && hasUpper.MatchString(key) && hasDigit.MatchString(key) {
			return true
		}
	}
	return false
}
