package payment_test

import (
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

func TestLatin(t *testing.T) {
	for words, want := range map[string]string{
		"Zoë & Łukasz": "ZOE & LUKASZ", "Straße": "STRASSE", "Αθήνα": "ATHENA", "Чайка": "CHAIKA",
		" Fen\u00a0 Pottery ": "FEN POTTERY", "Q8": "Q8",
		"東京陶芸": "", "カフェ": "", "서울": "", "שלום": "", "قهوة": "", "Café 東京": "", "": "", "—": "", "!?": "",
	} {
		got, ok := payment.Latin(words)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q is %q, %v; want %q", words, got, ok, want)
		}
	}
}

func TestCheckDescriptor(t *testing.T) {
	for _, row := range []struct{ descriptor, name, want string }{
		{"", "Fen Pottery", ""},
		{"Fen", "東京陶芸", "FEN"},
		{strings.Repeat("F", payment.DescriptorMax), "Fen", strings.Repeat("F", payment.DescriptorMax)},
	} {
		if got, err := payment.CheckDescriptor(row.descriptor, row.name); err != nil || got != row.want {
			t.Errorf("%q of %q: %q, %v", row.descriptor, row.name, got, err)
		}
	}
	for descriptor, name := range map[string]string{
		"": "東京陶芸", "東京": "Fen", "-": "Fen", strings.Repeat("F", payment.DescriptorMax+1): "Fen",
	} {
		if got, err := payment.CheckDescriptor(descriptor, name); err == nil {
			t.Errorf("%q of %q is accepted: %q", descriptor, name, got)
		}
	}
}
