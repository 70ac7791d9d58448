package processor_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// otherCard gives the buyer another card.
func otherCard(w *holdfasttest.World) payment.Instrument {
	w.T.Helper()
	i, err := w.Processor.AddCard(w.T.Context(), w.Buyer.ID, card.Details{
		Number: card.NewNumber("5555555555554444"), ExpiryMonth: 12, ExpiryYear: 2031, Holder: "Ann Buyer",
	}, false)
	if err != nil {
		w.T.Fatal(err)
	}
	return i
}

// edit changes the instrument of a token, and returns the token that replaces
// it.
func edit(
	w *holdfasttest.World, p *processor.Processor, token holdfast.TokenID, with payment.InstrumentID,
) (holdfast.TokenID, error) {
	w.T.Helper()
	id := visit(w, "pipelineName", "EditToken", "callerReference", w.IDs.Other("edit-"), "tokenID", string(token))
	if _, err := p.EnterVisit(w.T.Context(), id, w.Buyer.ID); err != nil {
		return "", err
	}
	if _, err := p.ChooseInstrument(w.T.Context(), id, w.Buyer.ID, with); err != nil {
		return "", err
	}
	v, err := p.ConfirmVisit(w.T.Context(), id, w.Buyer.ID, processor.Shown{Instrument: with})
	if err != nil {
		return "", err
	}
	answer, err := holdfast.ParseParams(v.Answer)
	return holdfast.TokenID(answer.Get("tokenID")), err
}

// used returns how much of a token's limits is used.
func used(w *holdfasttest.World, token holdfast.TokenID) string {
	w.T.Helper()
	var text string
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) error {
		limits, err := tx.Limits(string(w.Shop.ID), string(token))
		for _, l := range limits {
			text += fmt.Sprintf("%d %s;", l.UsedCount, l.UsedAmount.Decimal())
		}
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return text
}

// A hold of a token also counts against the token that replaces it. If the hold
// fails, the limits of the new token get it back.
func TestUsesGoBackToTheNewToken(t *testing.T) {
	for name, test := range map[string]struct {
		ends func(w *holdfasttest.World, id holdfast.TransactionID) error
		used string // of 2 uses and 28.00; an earlier payment used 8.00
	}{
		"cancelled": {
			func(w *holdfasttest.World, id holdfast.TransactionID) error {
				_, err := w.Cancel(id)
				return err
			}, "1 8.00;1 8.00;",
		},
		"expired": {
			func(w *holdfasttest.World, _ holdfast.TransactionID) error {
				w.Clock.Advance(payment.ReserveLifeMax)
				_, err := w.Processor.Sweep(w.T.Context())
				return err
			}, "0 0.00;0 0.00;", // the earlier one has expired, too
		},
		"declined when it is settled": {
			func(w *holdfasttest.World, id holdfast.TransactionID) error {
				w.Network.Next(holdfasttest.Reply{Step: payment.StepCapture, Decline: holdfast.CodeTransactionDenied})
				_, err := w.Settle(id, "")
				return err
			}, "1 8.00;1 8.00;",
		},
		"settled for less": {
			func(w *holdfasttest.World, id holdfast.TransactionID) error {
				_, err := w.Settle(id, "5.00")
				return err
			}, "2 13.00;2 13.00;",
		},
		"settled in full": {
			func(w *holdfasttest.World, id holdfast.TransactionID) error {
				_, err := w.Settle(id, "")
				return err
			}, "2 28.00;2 28.00;",
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				w.Processor.Wait = time.Minute
				token := w.Token(payment.Token{Type: holdfast.TokenMultiUse, Instrument: w.Card.ID, Method: w.Card.Method},
					payment.Limit{Kind: payment.LimitCount, Value: 2},
					payment.Limit{Kind: payment.LimitAmount, Value: holdfasttest.USD("28.00").Micro})
				if _, err := w.Reserve(token, "8.00", "before"); err != nil {
					t.Fatal(err)
				}
				held, err := w.Reserve(token, "20.00", "held")
				if err != nil {
					t.Fatal(err)
				}
				for _, with := range []payment.InstrumentID{otherCard(w).ID, w.Card.ID} { // edited twice
					if token, err = edit(w, w.Processor, token, with); err != nil {
						t.Fatal(err)
					}
				}
				want(w, used(w, token), "2 28.00;2 28.00;")
				if err := test.ends(w, held.ID); err != nil {
					t.Fatal(err)
				}
				want(w, used(w, token), test.used)
				w.CheckBooks()
			})
		})
	}
}
