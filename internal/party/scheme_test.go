package party_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast/internal/party"
)

func TestReturnsBy(t *testing.T) {
	c := party.Caller{ReturnSchemes: "com.example.shop shop javascript"}
	for scheme, want := range map[string]bool{
		"shop": true, "com.example.shop": true, "example": false, "javascript": false, "": false,
	} {
		if got := c.ReturnsBy(scheme); got != want {
			t.Errorf("ReturnsBy(%q) is %v", scheme, got)
		}
	}
}
