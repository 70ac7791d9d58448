package account

import (
	"strings"
	"unicode/utf8"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// An InstrumentView is an instrument as its owner sees it.
type InstrumentView struct {
	Title  string
	Detail string
	Card   string // letters in its mark, if it is a card
}

// InstrumentIn describes an instrument in words.
func InstrumentIn(w webui.Words, i payment.Instrument) InstrumentView {
	switch i.Method {
	case holdfast.MethodABT:
		return InstrumentView{Title: w.T("instrument.balance"), Detail: w.T("instrument.balance-detail")}
	case holdfast.MethodACH:
		return InstrumentView{
			Title: w.T("instrument.bank", "Bank", i.Brand, "Last4", i.Last4), Detail: w.T("instrument.bank-detail"),
		}
	default:
		return InstrumentView{
			Title:  w.T("instrument.card", "Brand", i.Brand, "Last4", i.Last4),
			Detail: w.T("instrument.card-detail", "Expiry", i.Expiry()),
			Card:   cardLetters(i.Brand),
		}
	}
}

// cardLetters returns the initials of a brand, "AE", for the card's mark. We do
// not use the networks' logos.
func cardLetters(brand string) (letters string) {
	if brand == "Mastercard" {
		return "MC"
	}
	for _, word := range strings.Fields(brand) {
		first, _ := utf8.DecodeRuneInString(word)
		letters += string(first)
	}
	return letters
}
