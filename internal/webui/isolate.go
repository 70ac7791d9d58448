package webui

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"
)

// Characters that isolate the direction of a text (Unicode Standard Annex 9).
const (
	firstStrongIsolate = "\u2068"
	popIsolate         = "\u2069"
)

// Isolate makes a stranger's text safe to use in a sentence on a page or in a
// mail. Text that is read from right to left is isolated, so that it cannot
// reverse the digits of an amount next to it. Characters that change the
// direction of text are removed.
func Isolate(text string) string {
	text = withoutOrder(text)
	if !strings.ContainsFunc(text, rightToLeft) {
		return text
	}
	return firstStrongIsolate + text + popIsolate
}

// reorders reports whether c changes the direction of the text after it.
func reorders(c rune) bool {
	return c >= '\u202a' && c <= '\u202e' || c >= '\u2066' && c <= '\u2069'
}

// rightToLeft reports whether c belongs to a script that is read from right to
// left, or is one of its marks.
func rightToLeft(c rune) bool {
	properties, _ := bidi.LookupRune(c)
	switch properties.Class() {
	case bidi.R, bidi.AL, bidi.AN:
		return true
	default:
		return false
	}
}

// orderly isolates right-to-left text in a whole page and removes characters
// that change the direction of text. It protects strangers' texts that are not
// part of a message. In attributes it only removes those characters.
func orderly(page []byte) []byte {
	if !bytes.ContainsFunc(page, func(c rune) bool { return reorders(c) || c > utf8.RuneSelf && rightToLeft(c) }) {
		return page
	}
	var b strings.Builder
	for rest := string(page); rest != ""; {
		text, tag, more := strings.Cut(rest, "<")
		b.WriteString(orderlyText(text))
		if !more {
			break
		}
		var inside string
		inside, rest, _ = strings.Cut(tag, ">")
		b.WriteString("<" + withoutOrder(inside) + ">")
	}
	return []byte(b.String())
}

// withoutOrder removes the characters that change the direction of text.
func withoutOrder(text string) string {
	return strings.Map(func(c rune) rune {
		if reorders(c) {
			return -1
		}
		return c
	}, text)
}

// orderlyText isolates each right-to-left run of a text. Runs that are already
// isolated do not change.
func orderlyText(text string) string {
	before, isolated, opened := strings.Cut(text, firstStrongIsolate)
	inside, after, closed := strings.Cut(isolated, popIsolate)
	if opened && closed {
		return orderlyText(before) + Isolate(inside) + orderlyText(after)
	}
	text = withoutOrder(text)
	first := strings.IndexFunc(text, rightToLeft)
	if first < 0 {
		return text
	}
	end := first
	for i, c := range text[first:] {
		if rightToLeft(c) {
			end = first + i + utf8.RuneLen(c)
		}
	}
	return text[:first] + firstStrongIsolate + text[first:end] + popIsolate + text[end:]
}
