package party

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ValidLine reports whether text is one line that can be shown to others. It
// must be valid UTF-8 with something visible. It must have no character that
// breaks a line, is invisible, or changes the reading order of the text around
// it.
func ValidLine(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	visible := false
	before := ' '
	for i, c := range text {
		after, size := utf8.DecodeRuneInString(text[i+utf8.RuneLen(c):])
		switch {
		case joins(c):
			if !joinable(before) || size == 0 || !joinable(after) {
				return false
			}
		case hidden(c):
			return false
		case unicode.In(c, unicode.L, unicode.N, unicode.S, unicode.P):
			visible = true
		}
		before = c
	}
	return visible
}

// joins reports whether c is a joiner. Persian, the scripts of India and emoji
// need joiners between two characters.
func joins(c rune) bool { return c == '\u200c' || c == '\u200d' }

// joinable reports whether a joiner may be before or after c.
func joinable(c rune) bool { return c == '\ufe0f' || unicode.In(c, unicode.L, unicode.M, unicode.S) }

// blanks are letters and symbols that are invisible.
var blanks = []rune{'\u115f', '\u1160', '\u2800', '\u3164', '\uffa0'}

// hidden reports whether c is a control or format character, a line break, a
// private or an unassigned character.
func hidden(c rune) bool {
	return !unicode.IsGraphic(c) || slices.Contains(blanks, c)
}

// A FieldProblem is a problem of a line of text that a person typed into a
// field.
type FieldProblem string

// The problems.
const (
	FieldMissing  FieldProblem = "missing"
	FieldTooLong  FieldProblem = "too long"
	FieldNotALine FieldProblem = "not one line of visible text"
	FieldCard     FieldProblem = "a card number"
	FieldUnknown  FieldProblem = "not used there" // the country is unknown, or has no such state or postal code
)

// CheckLine finds the problem of a line that is stored and shown to others. It
// is empty if the line can be used. A line has at most charactersMax
// characters.
func CheckLine(text string, charactersMax int) FieldProblem {
	switch {
	case strings.TrimSpace(text) == "":
		return FieldMissing
	case utf8.RuneCountInString(text) > charactersMax:
		return FieldTooLong
	case !ValidLine(text):
		return FieldNotALine
	case LooksLikeCard(text):
		return FieldCard
	}
	return ""
}

// ValidName reports whether a name can be shown to others.
func ValidName(name string) bool { return CheckLine(name, NameMax) == "" }

// Lengths of card numbers, in digits (ISO/IEC 7812).
const cardDigitsMin, cardDigitsMax = 13, 19

// cardDigitsLeast is the length of the shortest card numbers that were ever given
// out.
const cardDigitsLeast = 12

// LooksLikeCard reports whether text has a card number in it: 13 to 19 digits
// that pass the Luhn check, also in groups and in the digits of other scripts.
// People paste card numbers into wrong fields, and those fields are stored in
// clear text.
func LooksLikeCard(text string) bool {
	return hasCard(text, cardDigitsMin)
}

// HasCardDigits is LooksLikeCard for text that is refused unread, so it also finds
// the shortest numbers, of 12 digits.
func HasCardDigits(text string) bool { return hasCard(text, cardDigitsLeast) }

func hasCard(text string, digitsMin int) bool {
	if !hasDigits(text, digitsMin) {
		return false
	}
	var groups [][]int // of digits, with only separators between them
	inGroup := false
	for _, c := range text {
		digit, is := Digit(c)
		switch {
		case is && inGroup:
			groups[len(groups)-1] = append(groups[len(groups)-1], digit)
		case is:
			groups = append(groups, []int{digit})
		case !between(c):
			if anyCard(groups, digitsMin) {
				return true
			}
			groups = nil
		}
		inGroup = is
	}
	return anyCard(groups, digitsMin)
}

// hasDigits reports whether text has at least so many digits.
func hasDigits(text string, least int) bool {
	if len(text) < least {
		return false
	}
	found := 0
	for _, c := range text {
		if _, is := Digit(c); is {
			found++
		}
	}
	return found >= least
}

// anyCard reports whether any consecutive groups together are a card number.
func anyCard(groups [][]int, digitsMin int) bool {
	for first := range groups {
		var digits []int
		for _, group := range groups[first:] {
			if digits = append(digits, group...); len(digits) > cardDigitsMax {
				break
			}
			if len(digits) >= digitsMin && digits[0] != 0 && luhn(digits) {
				return true
			}
		}
	}
	return false
}

// between reports whether c can separate the groups of a number.
func between(c rune) bool {
	return unicode.IsSpace(c) || unicode.In(c, unicode.Pd, unicode.Cf) || strings.ContainsRune("._/", c)
}

// luhn reports whether the last digit is the check digit of the others.
func luhn(digits []int) bool {
	sum := 0
	for i, d := range digits {
		if (len(digits)-i)%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// Digit is the value of a decimal digit of any script. In Unicode the digits of
// each script are in order from zero to nine, and a range of digits always has
// complete scripts.
func Digit(c rune) (value int, ok bool) {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0'), true
	case c <= unicode.MaxASCII:
		return 0, false
	}
	for _, r := range unicode.Nd.R16 {
		if low, high := rune(r.Lo), rune(r.Hi); low <= c && c <= high {
			return int(c-low) % 10, true
		}
	}
	for _, r := range unicode.Nd.R32 {
		if low, high := rune(r.Lo), rune(r.Hi); low <= c && c <= high {
			return int(c-low) % 10, true
		}
	}
	return 0, false
}

// PlainDigits replaces the digits of all scripts with ASCII digits. It does not
// change other characters.
func PlainDigits(text string) string {
	return strings.Map(func(c rune) rune {
		if value, is := Digit(c); is {
			return '0' + rune(value)
		}
		return c
	}, text)
}
