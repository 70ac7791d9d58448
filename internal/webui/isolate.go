package webui

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"
)

// Characters that keep the order of a text to itself (Unicode Standard Annex 9).
const (
	firstStrongIsolate = "\u2068"
	popIsolate         = "\u2069"
)

// Isolate makes a stranger's text safe to stand in a sentence of ours, on a page
// or in a mail. Text that is read from right to left keeps its order to itself,
// so that it cannot turn an amount next to it round, and characters that change
// the order by themselves are left out.
func Isolate(text string) string {
	text = withoutOrder(text)
	if !strings.ContainsFunc(text, rightToLeft) {
		return text
	}
	return firstStrongIsolate + text + popIsolate
}

// reorders reports whether c changes the order of the text behind it.
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

// orderly isolates what is read from right to left in the text of a whole page,
// and leaves out characters that change the order by themselves. It is for the
// strangers' texts that stand on a page without a sentence of ours around them.
// Attributes keep what they have but for those characters.
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

// withoutOrder leaves out characters that change the order of text.
func withoutOrder(text string) string {
	return strings.Map(func(c rune) rune {
		if reorders(c) {
			return -1
		}
		return c
	}, text)
}

// orderlyText isolates each run of a text that is read from right to left. Texts
// that are isolated already stay as they are.
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
