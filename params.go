package holdfast

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// A Param is one decoded parameter: a name such as "TransactionAmount.Value"
// and its value.
type Param struct{ Name, Value string }

// ParamsMax is the largest number of parameters in a query or a form. Genuine
// messages have far fewer. The limit bounds the work of sorting and encoding
// them for every text that may have been signed.
const ParamsMax = 512

// fewParams are compared with each other faster than a map of them is made.
const fewParams = 32

// Params are the parameters of a query or a form body in the order received.
// Unlike url.Values, they keep the order and every occurrence of a name,
// because both are part of the signed text.
type Params []Param

// ParseParams reads a raw query or form body. "+" and "%20" both mean a blank,
// ";" is an ordinary character, a pair without "=" has the value "", and empty
// pairs are skipped. ParseParams fails on a broken %-escape, on decoded text
// that is not UTF-8, on a NUL, and on more than [ParamsMax] pairs.
func ParseParams(raw string) (Params, error) {
	count := strings.Count(raw, "&") + 1
	if count > ParamsMax {
		return nil, errTooMany
	}
	var params Params
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := unescapeParam(name)
		if err != nil {
			return nil, fmt.Errorf("reading a parameter's name: %w", err)
		}
		value, err = unescapeParam(value)
		if err != nil {
			return nil, fmt.Errorf("reading the value of parameter %q: %w", name, err)
		}
		if params == nil {
			params = make(Params, 0, count)
		}
		params = append(params, Param{Name: name, Value: value})
	}
	return params, nil
}

var (
	errBadEscape = errors.New("% is not followed by two hexadecimal digits")
	errNotText   = errors.New("it is not UTF-8 text")
	errTooMany   = fmt.Errorf("there are more than %d parameters", ParamsMax)
)

// unescapeParam replaces the standard library's errors, which quote the text. A
// parameter may be a secret, and errors are logged.
func unescapeParam(raw string) (string, error) {
	text, err := url.QueryUnescape(raw)
	switch {
	case err != nil:
		return "", errBadEscape
	case !utf8.ValidString(text) || strings.Contains(text, "\x00"):
		return "", errNotText
	}
	return text, nil
}

// Get returns the first value of the name, or "".
func (p Params) Get(name string) string {
	value, _ := p.Lookup(name)
	return value
}

// Lookup returns the first value of the name and whether there is one.
func (p Params) Lookup(name string) (string, bool) {
	for _, param := range p {
		if param.Name == name {
			return param.Value, true
		}
	}
	return "", false
}

// Fold returns the first parameter whose name matches when case is ignored.
// Clients of the Co-Branded service spell the names of parameters in several
// ways.
func (p Params) Fold(name string) (Param, bool) {
	for _, param := range p {
		if SameName(param.Name, name) {
			return param, true
		}
	}
	return Param{}, false
}

// Duplicate returns the first name that occurs twice in the same spelling.
func (p Params) Duplicate() (name string, ok bool) {
	if len(p) <= fewParams {
		for i, param := range p {
			if _, ok := p[:i].Lookup(param.Name); ok {
				return param.Name, true
			}
		}
		return "", false
	}
	seen := make(map[string]bool, len(p))
	for _, param := range p {
		if seen[param.Name] {
			return param.Name, true
		}
		seen[param.Name] = true
	}
	return "", false
}

// Without returns the parameters without those of the given name. Case is
// ignored.
func (p Params) Without(fold string) Params {
	var kept Params
	for _, param := range p {
		if !SameName(param.Name, fold) {
			kept = append(kept, param)
		}
	}
	return kept
}

// SameName reports whether two names are equal when the case of ASCII letters
// is ignored. Unicode's case folding would go too far: "ſignature" would equal
// "signature", and "toKenId" with a Kelvin sign would equal "tokenId".
func SameName(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lowerASCII(a[i]) != lowerASCII(b[i]) {
			return false
		}
	}
	return true
}

// FoldName returns a name with its ASCII letters in lower case. Two names are
// the same by [SameName] if their FoldNames are equal.
func FoldName(name string) string {
	b := []byte(name)
	for i, c := range b {
		b[i] = lowerASCII(c)
	}
	return string(b)
}

func lowerASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// Encode returns the parameters in their order and in the canonical encoding,
// which suits queries, form bodies and signing.
func (p Params) Encode() string {
	size := 0
	for _, param := range p {
		size += len(param.Name) + len(param.Value) + len("=&")
	}
	var b strings.Builder
	b.Grow(size + size/4) // a quarter for escapes
	for i, param := range p {
		if i > 0 {
			b.WriteByte('&')
		}
		writeCanonical(&b, param.Name)
		b.WriteByte('=')
		writeCanonical(&b, param.Value)
	}
	return b.String()
}

// canonical encodes every byte except A–Z a–z 0–9 - _ . ~ as %XX in upper case
// (RFC 3986).
func canonical(s string) string {
	var b strings.Builder
	writeCanonical(&b, s)
	return b.String()
}

func writeCanonical(b *strings.Builder, s string) {
	const digits = "0123456789ABCDEF"
	start := 0
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == '~':
		default:
			b.WriteString(s[start:i])
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
			start = i + 1
		}
	}
	b.WriteString(s[start:])
}
