package party_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast/internal/party"
)

func TestMaskEmail(t *testing.T) {
	for address, want := range map[string]string{
		"ann@example.test": "a…@example.test", "a@b": "a…@b", "ö.x@example.test": "ö…@example.test",
		`"odd@name"@example.test`: `"…@example.test`, "@b": "…@b", "": "", "nobody": "",
	} {
		if got := party.MaskEmail(address); got != want {
			t.Errorf("%q is shown as %q, want %q", address, got, want)
		}
	}
}
