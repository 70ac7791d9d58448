package account

import "testing"

func TestParseExpiry(t *testing.T) {
	for _, row := range []struct {
		typed       string
		month, year int
		ok          bool
	}{
		{"08/31", 8, 2031, true},
		{"8/31", 8, 2031, true},
		{" 12 / 2031 ", 12, 2031, true},
		{"0831", 8, 2031, true},
		{"082031", 8, 2031, true},
		{"13/31", 0, 0, false},
		{"00/31", 0, 0, false},
		{"08/1", 0, 0, false},
		{"08/031", 0, 0, false},
		{"2031-08", 8, 2031, true},
		{"2031-8", 8, 2031, true},
		{"08-31", 8, 2031, true},
		{"08.2031", 8, 2031, true},
		{"08 31", 8, 2031, true},
		{"2031-13", 0, 0, false},
		{"2031-2031", 0, 0, false},
		{"2031", 0, 0, false},
		{"８/31", 8, 2031, true},
		{"٠٨/٣١", 8, 2031, true},
		{"", 0, 0, false},
		{"/", 0, 0, false},
		{"+8/31", 0, 0, false},
		{"08/31/1", 0, 0, false},
	} {
		month, year, ok := parseExpiry(row.typed)
		if ok != row.ok || ok && (month != row.month || year != row.year) {
			t.Errorf("%q is read as %d/%d, %v", row.typed, month, year, ok)
		}
	}
}
