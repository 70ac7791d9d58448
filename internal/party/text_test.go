package party_test

import (
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/party"
)

func TestValidLine(t *testing.T) {
	for text, ok := range map[string]bool{
		"Ann": true, "Åsa 愛子": true, "<b>Ann</b>": true, "O'Neil & Söhne, 2. OG": true, "Ann\u00a0B": true, "🏺 Fen": true,
		"می\u200cخواهم": true, "क्\u200dष": true, "👩\u200d🍳 Kitchen": true,
		"": false, " ": false, "\u00a0": false, "\u3164": false, "\u2800": false, "\u0301": false,
		"Ann\r\nBcc: x": false, "Ann\x00": false, "\xff": false, "Ann\u2028B": false, "Ann\u0085B": false,
		"\u202eAnn": false, "Ann\u2066": false, "Ann\u200e": false, "Ann\u200b": false, "\ufeffAnn": false,
		"Ann\u00ad": false, "Ann\u200d": false, "\u200dAnn": false, "A \u200d B": false, "Ann\ue000": false,
		"Ann\U000e0041": false, "Ann\ufffe": false,
	} {
		if got := party.ValidLine(text); got != ok {
			t.Errorf("%+q: %v", text, got)
		}
	}
}

func TestValidName(t *testing.T) {
	for name, ok := range map[string]bool{
		strings.Repeat("n", party.NameMax): true, strings.Repeat("n", party.NameMax+1): false,
		strings.Repeat("愛", party.NameMax): true, strings.Repeat("愛", party.NameMax+1): false,
		"4242 4242 4242 4242": false,
	} {
		if got := party.ValidName(name); got != ok {
			t.Errorf("%+q: %v", name, got)
		}
	}
}

func TestLooksLikeCard(t *testing.T) {
	for text, looks := range map[string]bool{
		"4242424242424242": true, "4242 4242 4242 4242": true, "4242-4242-4242-4242": true, "Ann, 3782 822463 10005": true,
		"4242\u00a04242\u20114242.4242": true, "4242\u200b424242424242": true, "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢": true,
		"４２４２ ４２４２ ４２４２ ４２４２": true, "4242424242424242 12/31 123": true, "4222222222222": true, "6304000000000000000": true,
		"4242424242424241": false, "424242424242": false, "0000000000000000": false, "4242 4242, 4242 4242": false,
		"Hauptstr. 4242": false, "": false,
	} {
		if got := party.LooksLikeCard(text); got != looks {
			t.Errorf("%+q: %v", text, got)
		}
	}
}

func TestDigit(t *testing.T) {
	for c, want := range map[rune]int{
		'0': 0, '9': 9, '٣': 3, '۳': 3, '९': 9, '３': 3, '𝟘': 0, '𝟡': 9, '𝟎': 0, '𝟗': 9, '𝟿': 9, '𐒠': 0, '𐒩': 9, '０': 0,
		'９': 9,
	} {
		if got, ok := party.Digit(c); !ok || got != want {
			t.Errorf("%c is %d, %v", c, got, ok)
		}
	}
	for _, c := range "a½²〇 " {
		if _, ok := party.Digit(c); ok {
			t.Errorf("%c is a digit", c)
		}
	}
	if got := party.PlainDigits("a٣b９"); got != "a3b9" {
		t.Errorf("plain is %q", got)
	}
}
