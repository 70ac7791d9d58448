package cardtest

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// A loss is a step that goes wrong, and the end that it must have all the same.
type loss struct {
	name string
	step payment.Step
	// ask sends the request. It returns the transaction that the question is about.
	ask             func(t *testing.T, b *Bench) payment.Transaction
	ends            payment.State
	held            []string
	taken, returned string
}

func losses() []loss {
	reserved := func(b *Bench) payment.Transaction {
		b.patient()
		r := b.Reserved("42.50", "order-1")
		b.impatient()
		return r
	}
	return []loss{
		{
			name: "Reserve", step: payment.StepAuthorize, ask: func(t *testing.T, b *Bench) payment.Transaction {
				b.impatient()
				return pending(t)(b.Reserve(b.Authorize("42.50"), "42.50", "order-1"))
			}, ends: payment.Reserved, held: []string{"42.50"},
		},
		{
			name: "Pay", step: payment.StepCharge, ask: func(t *testing.T, b *Bench) payment.Transaction {
				b.impatient()
				return pending(t)(b.Pay(b.Authorize("42.50"), "42.50", "order-1"))
			}, ends: payment.Success, taken: "42.50",
		},
		{
			name: "Settle", step: payment.StepCapture, ask: func(t *testing.T, b *Bench) payment.Transaction {
				return pending(t)(b.Settle(reserved(b).ID, "40.00"))
			}, ends: payment.Success, taken: "40.00",
		},
		{
			name: "Cancel", step: payment.StepRelease, ask: func(t *testing.T, b *Bench) payment.Transaction {
				r, err := b.Cancel(reserved(b).ID)
				if err != nil {
					t.Fatal(err)
				}
				return r
			}, ends: payment.Cancelled,
		},
		{
			name: "Refund", step: payment.StepReturn, ask: func(t *testing.T, b *Bench) payment.Transaction {
				b.patient()
				p := b.Paid("42.50", "order-1")
				b.impatient()
				return pending(t)(b.Refund(p.ID, "10.00", "refund-1"))
			}, ends: payment.Success, taken: "42.50", returned: "10.00",
		},
	}
}

// pending fails the test unless the answer is Pending.
func pending(t *testing.T) func(payment.Transaction, error) payment.Transaction {
	return func(r payment.Transaction, err error) payment.Transaction {
		t.Helper()
		if err != nil || r.State.Status() != holdfast.StatusPending {
			t.Fatalf("the answer is %s (%s), %v; want Pending", r.State, r.StatusMessage, err)
		}
		return r
	}
}

// keysForgotten is when a network may have forgotten its keys, before the
// deadline of a hold.
const keysForgotten = 25 * time.Hour

// lost tells N3, N4 and N5: whatever is lost, the request takes effect once.
func (b *Bench) lost(t *testing.T, l loss, of Loss, forgets bool) {
	b.Lose(l.step, of)
	asked := l.ask(t, b)
	if forgets {
		b.left(t, asked.ID)
		b.Clock.Advance(keysForgotten)
		b.ForgetKeys()
	}
	b.settled(t, asked.ID)
	b.want(t, asked.ID, l.ends)
	b.wantMoney(t, l.held, l.taken, l.returned)
}

// left waits until the question under way is in doubt.
func (b *Bench) left(t *testing.T, id holdfast.TransactionID) {
	t.Helper()
	for !strings.Contains(b.log.String(), "in doubt\" transaction="+string(id)) {
		if b.raw(t, id).Asking == "" || t.Context().Err() != nil {
			t.Fatalf("transaction %s is decided, although something was lost", id)
		}
	}
}

// A server is another server on the same store.
type server = processor.Processor

func (b *Bench) another() *server { return processor.New(b.DB, b.Processor.Config) }
