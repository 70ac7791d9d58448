package holdfast_test

import (
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
)

func TestIsAppScheme(t *testing.T) {
	for scheme, want := range map[string]bool{
		"com.example.shop": true, "shop": true, "shop+pay": true, "javascript": false, "data": false, "https": false,
		"file": false, "intent": false,
		"": false, "1shop": false, "Shop": false, "shop:": false, "sh op": false, strings.Repeat("x", 64): false,
	} {
		if got := holdfast.IsAppScheme(scheme); got != want {
			t.Errorf("%q is a scheme of an application: %v", scheme, got)
		}
	}
}
