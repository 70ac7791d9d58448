package processor_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// scenes bring a hold into a state.
var scenes = map[string]func(w *holdfasttest.World) holdfast.TransactionID{
	"held": func(w *holdfasttest.World) holdfast.TransactionID { return w.Reserved("42.50", "order").ID },
	"held with a token for less": func(w *holdfasttest.World) holdfast.TransactionID {
		r, err := w.Reserve(w.Authorize("60.00"), "42.50", "order")
		if err != nil {
			w.T.Fatal(err)
		}
		return r.ID
	},
	"lasting": func(w *holdfasttest.World) holdfast.TransactionID {
		return heldWith(w, lasting(w, "500.00", 9), "42.50").ID
	},
	"settled in part": func(w *holdfasttest.World) holdfast.TransactionID {
		id := heldWith(w, lasting(w, "500.00", 9), "42.50").ID
		part(w, id, "10.00")
		return id
	},
	"settled": func(w *holdfasttest.World) holdfast.TransactionID {
		id := w.Reserved("42.50", "order").ID
		if _, err := w.Settle(id, "42.50"); err != nil {
			w.T.Fatal(err)
		}
		return id
	},
	"settling": func(w *holdfasttest.World) holdfast.TransactionID {
		id := w.Reserved("42.50", "order").ID
		w.Processor.Wait = -1
		w.Network.Next(holdfasttest.Reply{Step: payment.StepCapture, Deaf: true})
		if _, err := w.Settle(id, "42.50"); err != nil {
			w.T.Fatal(err)
		}
		w.Processor.Wait = 0
		return id
	},
	"pending": func(w *holdfasttest.World) holdfast.TransactionID {
		w.Processor.Wait = -1
		w.Network.Next(holdfasttest.Reply{Deaf: true})
		r, err := w.Reserve(w.Authorize("42.50"), "42.50", "order")
		if err != nil {
			w.T.Fatal(err)
		}
		w.Processor.Wait = 0
		return r.ID
	},
	"released": func(w *holdfasttest.World) holdfast.TransactionID {
		id := w.Reserved("42.50", "order").ID
		if err := release(w, id, ""); err != nil {
			w.T.Fatal(err)
		}
		return id
	},
	"expired": func(w *holdfasttest.World) holdfast.TransactionID {
		r := w.Reserved("42.50", "order")
		w.Clock.Set(r.Deadline)
		return r.ID
	},
	"failed": func(w *holdfasttest.World) holdfast.TransactionID {
		w.Network.Next(holdfasttest.Reply{Decline: "TransactionDenied"})
		r, err := w.Reserve(w.Authorize("42.50"), "42.50", "order")
		if err != nil {
			w.T.Fatal(err)
		}
		return r.ID
	},
	"cancelled token": func(w *holdfasttest.World) holdfast.TransactionID {
		token := lasting(w, "500.00", 9)
		id := heldWith(w, token, "42.50").ID
		if err := w.Processor.CancelToken(w.T.Context(), w.Shop, holdfast.CancelTokenRequest{TokenID: token}); err != nil {
			w.T.Fatal(err)
		}
		return id
	},
	"suspended owner": func(w *holdfasttest.World) holdfast.TransactionID {
		id := heldWith(w, lasting(w, "500.00", 9), "42.50").ID
		part(w, id, "10.00")
		w.SetStanding(w.Owner.ID, party.Suspended)
		return id
	},
	"refund too late": func(w *holdfasttest.World) holdfast.TransactionID {
		id := w.Reserved("42.50", "order").ID
		if _, err := w.Settle(id, "42.50"); err != nil {
			w.T.Fatal(err)
		}
		w.Clock.Advance(payment.RefundWindow)
		return id
	},
}

// acts carry out each action.
var acts = map[payment.Action]func(w *holdfasttest.World, id holdfast.TransactionID) error{
	payment.ActSettle: func(w *holdfasttest.World, id holdfast.TransactionID) error {
		_, err := settlePart(w, id, "", false)
		return err
	},
	payment.ActSettlePart: func(w *holdfasttest.World, id holdfast.TransactionID) error {
		_, err := settlePart(w, id, "1.00", false)
		return err
	},
	payment.ActRelease:     func(w *holdfasttest.World, id holdfast.TransactionID) error { return release(w, id, "") },
	payment.ActReleasePart: func(w *holdfasttest.World, id holdfast.TransactionID) error { return release(w, id, "1.00") },
	payment.ActRaise: func(w *holdfasttest.World, id holdfast.TransactionID) error {
		_, err := raise(w, id, "1.00", "raise-1")
		return err
	},
	payment.ActRenew: func(w *holdfasttest.World, id holdfast.TransactionID) error {
		_, err := renew(w, id, "renew-1")
		return err
	},
	payment.ActRemind: func(w *holdfasttest.World, id holdfast.TransactionID) error {
		_, err := w.Processor.RemindOfHold(w.T.Context(), w.Shop, id)
		return err
	},
	payment.ActRefund: func(w *holdfasttest.World, id holdfast.TransactionID) error {
		_, err := w.Processor.RefundHold(w.T.Context(), w.Shop, nil, processor.RefundHold{Hold: id, Reference: "refund-1"})
		return err
	},
	payment.ActEndToken: func(w *holdfasttest.World, id holdfast.TransactionID) error {
		return w.Processor.CancelToken(w.T.Context(), w.Shop, holdfast.CancelTokenRequest{TokenID: w.Transaction(id).Token})
	},
}

// What is said to be possible succeeds, and all else is refused.
func TestPossibleIsWhatSucceeds(t *testing.T) {
	t.Parallel()
	address := holdfasttest.Addresses(t)["SQLite"]
	for name, scene := range scenes {
		for action, act := range acts {
			w := holdfasttest.NewWorld(t, holdfasttest.Open(t, address(t)))
			w.Clock.Advance(time.Minute)
			id := scene(w)
			for _, p := range caseOf(w, id).Possible {
				if p.Action != action {
					continue
				}
				if err := act(w, id); (err == nil) != p.OK() {
					t.Errorf("%s: %s is possible: %v %s, but the answer is %v", name, action, p.OK(), p.Why, err)
				}
			}
		}
	}
}
