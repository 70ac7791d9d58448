package payment_test

import (
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A mail shows a reference that is a plain word, and none that could be a message or
// lead to an address.
func TestShownReference(t *testing.T) {
	for reference, want := range map[holdfast.CallerReference]string{
		"order-4711":       "order-4711",
		"#A_17":            "#A_17",
		"":                 "",
		"call +1 555 0100": "",
		"win.example":      "",
		"https://win":      "",
		"zwölf":            "",
		"4242424242424242": "",
		holdfast.CallerReference(strings.Repeat("a", 40)): strings.Repeat("a", 40),
		holdfast.CallerReference(strings.Repeat("a", 41)): "",
	} {
		if got := payment.ShownReference(reference); got != want {
			t.Errorf("ShownReference(%q) = %q, want %q", reference, got, want)
		}
	}
}
