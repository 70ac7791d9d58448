package api

import (
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Expanded has the objects that the parameter expand asks for. Their ids are in
// the answer in any case.
type Expanded struct {
	Token    *Token    `json:"token,omitempty"`
	Hold     *Hold     `json:"hold,omitempty"`
	Payment  *Payment  `json:"payment,omitempty"`
	Payments []Payment `json:"payments,omitempty"`
	Refunds  []Refund  `json:"refunds,omitempty"`
}

// related names the objects that belong to the object of an answer.
type related struct {
	token, hold, payment string
	payments, refunds    func() ([]payment.Transaction, error)
}

// expand reads the objects that expand names; nil if it names none.
func (q *request) expand(tx *store.ReadTx, names []string, to related) (*Expanded, error) {
	if len(names) == 0 {
		return nil, nil
	}
	e := &Expanded{}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if err := q.expandOne(tx, name, to, e); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (q *request) expandOne(tx *store.ReadTx, name string, to related, e *Expanded) error {
	switch {
	case name == "token" && to.token != "":
		t, err := q.token(tx, to.token)
		if err != nil {
			return err
		}
		shown, err := tokenOf(tx, q, t)
		e.Token = &shown
		return err
	case name == "hold" && to.hold != "":
		shown, err := q.hold(tx, holdfast.TransactionID(to.hold))
		e.Hold = &shown
		return err
	case name == "payment":
		t, _, err := tx.Transaction(q.caller.ID, holdfast.TransactionID(to.payment))
		if err != nil {
			return err
		}
		shown, err := q.payments(tx, []payment.Transaction{t})
		if err == nil {
			e.Payment = &shown[0]
		}
		return err
	case name == "payments":
		all, err := to.payments()
		if err == nil {
			e.Payments, err = q.payments(tx, all)
		}
		return err
	case name == "refunds":
		all, err := to.refunds()
		if err == nil {
			e.Refunds, err = q.refunds(tx, all)
		}
		return err
	}
	return nil
}

// paymentsOf are the payments that were made of a hold.
func paymentsOf(h payment.Hold) (paid []payment.Transaction) {
	for _, some := range [][]payment.Transaction{h.Members, h.Parts} {
		for i := range some {
			if isPayment(&some[i]) {
				paid = append(paid, some[i])
			}
		}
	}
	return paid
}

// refundsOf reads the refunds of a payment.
func (q *request) refundsOf(tx *store.ReadTx, id holdfast.TransactionID) (refunds []payment.Transaction, err error) {
	children, err := tx.Children(q.caller.ID, id)
	for i := range children {
		if isRefund(&children[i]) {
			refunds = append(refunds, children[i])
		}
	}
	return refunds, err
}
