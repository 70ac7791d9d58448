package account

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// An InstrumentView is an instrument as its owner is shown it.
type InstrumentView struct {
	Title  string
	Detail string
}

// InstrumentIn is an instrument in words.
func InstrumentIn(w webui.Words, i payment.Instrument) InstrumentView {
	switch i.Method {
	case holdfast.MethodABT:
		return InstrumentView{w.T("instrument.balance"), w.T("instrument.balance-detail")}
	case holdfast.MethodACH:
		return InstrumentView{w.T("instrument.bank", "Bank", i.Brand, "Last4", i.Last4), w.T("instrument.bank-detail")}
	default:
		return InstrumentView{w.T("instrument.card", "Brand", i.Brand, "Last4", i.Last4), w.T("instrument.card-detail", "Expiry", i.Expiry())}
	}
}
