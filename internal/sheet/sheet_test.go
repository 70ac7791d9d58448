package sheet

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

func TestTextsDoNotBecomeFormulas(t *testing.T) {
	for text, want := range map[string]string{
		"order-4711":               "order-4711",
		"=HYPERLINK(\"evil\")":     "'=HYPERLINK(\"evil\")",
		"  =1+1":                   "'  =1+1",
		"\t=1+1":                   "' =1+1",
		"+1":                       "'+1",
		"-1":                       "'-1",
		"@SUM(A1)":                 "'@SUM(A1)",
		"|calc":                    "'|calc",
		"%0A=1":                    "'%0A=1",
		"two\r\nlines":             "two  lines",
		"a \x1b[31mred\x1b[0m one": "a \uFFFD[31mred\uFFFD[0m one",
		"＝1+1":                     "'＝1+1",
		"":                         "",
	} {
		if got := Harmless(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// Amounts are numbers for a spreadsheet, also below zero.
func TestRows(t *testing.T) {
	var file strings.Builder
	w, err := NewWriter(&file, "what", "amount", "none", "count", "at", "never")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 30, 17, 0, 0, 0, time.UTC)
	for range 2 {
		if err := w.Row("a, \"b\"", money.Micros(-1_250_000), money.Amount{}, int64(-3), at, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(file.String())).ReadAll()
	want := []string{"a, \"b\"", "-1.25", "", "-3", "2026-11-30T17:00:00Z", ""}
	if err != nil || len(rows) != 3 || !slices.Equal(rows[2], want) {
		t.Errorf("%q, %v", rows, err)
	}
}
