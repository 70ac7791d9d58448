package party_test

import (
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/party"
)

func TestReturnSchemes(t *testing.T) {
	for scheme, want := range map[string]bool{
		"com.example.shop": true, "shop": true, "shop+pay": true, "javascript": false, "data": false, "https": false, "file": false, "intent": false,
		"": false, "1shop": false, "Shop": false, "shop:": false, "sh op": false, strings.Repeat("x", 64): false,
	} {
		if got := party.MayReturnBy(scheme); got != want {
			t.Errorf("a caller may return by %q: %v", scheme, got)
		}
	}
	c := party.Caller{ReturnSchemes: "com.example.shop shop"}
	for scheme, want := range map[string]bool{"shop": true, "com.example.shop": true, "example": false, "": false} {
		if got := c.ReturnsBy(scheme); got != want {
			t.Errorf("the caller returns by %q: %v", scheme, got)
		}
	}
}
