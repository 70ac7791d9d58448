package console_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast/internal/console"
)

func TestReadAmount(t *testing.T) {
	for typed, want := range map[string]string{
		"25": "25.00", "25.00": "25.00", "25,00": "25.00", "25,5": "25.50", " $1,234.50 ": "1234.50",
		"1.234,50\u00a0US$": "1234.50", "USD 7": "7.00", "1,234,567.89": "1234567.89", "0.01": "0.01",
		"": "", "0": "", "0.00": "", "-5": "", "1.234": "", "1,234": "", "12,34.50": "", "1.2.3": "", "five": "", "1e3": "",
		"0.001": "", "99999999999999999999": "", "1 2": "",
	} {
		a, ok := console.ReadAmount(typed)
		got := ""
		if ok {
			got = a.Decimal()
		}
		if got != want {
			t.Errorf("%q is read as %q, want %q", typed, got, want)
		}
	}
}
