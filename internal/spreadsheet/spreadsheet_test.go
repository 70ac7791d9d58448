package spreadsheet_test

import (
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/spreadsheet"
)

func TestCell(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "",
		"order-4711":           "order-4711",
		"12.50":                "12.50",
		"-12.50":               "-12.50",
		"-":                    "'-",
		"-1+2":                 "'-1+2",
		"-1.":                  "'-1.",
		"--1":                  "'--1",
		"=HYPERLINK(\"http\")": "'=HYPERLINK(\"http\")",
		"+1":                   "'+1",
		"@SUM(A1)":             "'@SUM(A1)",
		"|cmd":                 "'|cmd",
		"%0A":                  "'%0A",
		"  =1":                 "'  =1",
		"\t=1":                 "' =1",
		"\u00a0=1":             "'\u00a0=1",
		"＝1":                   "'＝1",
		"two\r\nlines":         "two  lines",
		"Käthe = Ann":          "Käthe = Ann",
	} {
		if got := spreadsheet.Cell(text); got != want {
			t.Errorf("Cell(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestRows(t *testing.T) {
	var file strings.Builder
	w := spreadsheet.NewWriter(&file)
	for _, row := range [][]string{{"reference", "amount"}, {"=1", "-2.00"}, {`a "b", c`, ""}} {
		if err := w.Row(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if want := "reference,amount\n'=1,-2.00\n\"a \"\"b\"\", c\",\n"; file.String() != want {
		t.Errorf("the file is %q, want %q", file.String(), want)
	}
}
