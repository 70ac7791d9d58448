package payment_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

func TestHandlesOfTokens(t *testing.T) {
	token := payment.Token{ID: "K000001", Installed: now}
	h := token.Handle()
	if at, ok := h.Installed(); !ok || !at.Equal(now) {
		t.Errorf("%s is of %v, %v", h, at, ok)
	}
	if digits := regexp.MustCompile(`\d{12}`); strings.Contains(string(h), string(token.ID)) ||
		digits.MatchString(string(h)) {
		t.Errorf("%s shows the id, or looks like a card number", h)
	}
	if other := (payment.Token{ID: "K000002", Installed: now}).Handle(); other == h {
		t.Error("two tokens have the same handle")
	}
	for _, wrong := range []payment.TokenHandle{"", "-", "x-" + h, h +
		"x", "12", "12-ab", payment.TokenHandle(strings.Repeat("9", 40)) + "-ab"} {
		if _, ok := wrong.Installed(); ok {
			t.Errorf("%q is accepted as a handle", wrong)
		}
	}
}
