package cardtest

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Scenarios are the suite.
func Scenarios() (all []Scenario) {
	all = []Scenario{
		{"N1 a hold is approved", approved},
		{"N2 an issuer declines", declined},
		{"N6 the approval comes after a Cancel", lateApproval},
		{"N7 captures of all, of a part and twice", captures},
		{"N9 the hold lapsed before the capture", lapsedBeforeCapture},
		{"N13 refunds in parts", refunds},
		{"N18 the network's code breaks", broken},
		{"N19 two servers ask at once", twoServers},
	}
	for loss, number := range map[Loss]string{LostQuestion: "N3 ", LostAnswer: "N4 "} {
		for _, l := range losses() {
			all = append(all, Scenario{number + l.name + ", " + loss.String(), func(t *testing.T, b *Bench) {
				b.lost(t, l, loss, false)
			}})
		}
	}
	for _, l := range losses() {
		number := "N5 "
		if l.step == payment.StepReturn {
			number = "N14 "
		}
		all = append(all, Scenario{number + l.name + ", answer lost and keys forgotten", func(t *testing.T, b *Bench) {
			b.lost(t, l, LostAnswer, true)
		}})
	}
	return all
}

// N1: one hold at the network, which is released by a Cancel.
func approved(t *testing.T, b *Bench) {
	b.patient()
	r := b.Reserved("42.50", "order-1")
	b.wantMoney(t, []string{"42.50"}, "", "")
	if known, found := b.NetworkPayment(r.ID); found != (b.Shop.Network != "") ||
		found && (known.Reference == "" || known.HoldUntil.IsZero()) {
		t.Errorf("known: %v, %+v", found, known)
	}
	if _, err := b.Cancel(r.ID); err != nil {
		t.Fatal(err)
	}
	b.quiet(t, r.ID, payment.StepRelease)
	b.want(t, r.ID, payment.Cancelled)
	b.wantMoney(t, nil, "", "")
}

// N2: nothing is held. The message says no more than the buyer may know.
func declined(t *testing.T, b *Bench) {
	b.patient()
	for decline, code := range map[Decline]holdfast.StatusCode{
		DeclinedByIssuer: holdfast.CodeTransactionDenied, DeclinedForFunds: holdfast.StatusCode(holdfast.InsufficientBalance),
	} {
		for step, pay := range map[payment.Step]func() (payment.Transaction, error){
			payment.StepAuthorize: func() (payment.Transaction, error) {
				return b.Reserve(b.Authorize("42.50"), "42.50", b.reference())
			},
			payment.StepCharge: func() (payment.Transaction, error) {
				return b.Pay(b.Authorize("42.50"), "42.50", b.reference())
			},
		} {
			b.Decline(decline)
			r, err := pay()
			if err != nil || r.State != payment.Failure || r.StatusCode != code || r.StatusMessage == "" {
				t.Errorf("%s: %s, %s %q, %v; want %s", step, r.State, r.StatusCode, r.StatusMessage, err, code)
			}
		}
	}
	b.wantMoney(t, nil, "", "")
}

func (b *Bench) reference() holdfast.CallerReference {
	return holdfast.CallerReference(b.IDs.Other("order-"))
}

// N6: a caller gives up while the network is asked. Nothing is held at the end.
func lateApproval(t *testing.T, b *Bench) {
	b.impatient()
	b.Lose(payment.StepAuthorize, LostAnswer)
	r, err := b.Reserve(b.Authorize("42.50"), "42.50", "order-1")
	if err != nil || r.State != payment.Pending {
		t.Fatalf("reserve: %+v, %v", r, err)
	}
	if _, err := b.Cancel(r.ID); err != nil {
		t.Fatal(err)
	}
	b.settled(t, r.ID)
	b.quiet(t, r.ID, payment.StepRelease)
	b.want(t, r.ID, payment.Cancelled)
	b.wantMoney(t, nil, "", "")
}

// N7: the exact amount is taken, the rest is free, and a second Settle takes
// nothing.
func captures(t *testing.T, b *Bench) {
	b.patient()
	for i, settle := range []string{"42.50", "40.00", "0.50"} {
		r := b.Reserved("42.50", b.reference())
		for range 2 {
			if s, err := b.Settle(r.ID, settle); err != nil || s.State != payment.Success {
				t.Fatalf("settle %s: %+v, %v", settle, s, err)
			}
		}
		b.wantMoney(t, nil, []string{"42.50", "82.50", "83.00"}[i], "")
	}
	paid := b.Paid("10.00", "order-paid")
	if paid.Authorization == "" {
		t.Error("a payment has no name at the network")
	}
	b.wantMoney(t, nil, "93.00", "")
}

// N9: no money, and no end of releases.
func lapsedBeforeCapture(t *testing.T, b *Bench) {
	if b.LetGo == nil {
		return
	}
	b.patient()
	r := b.Reserved("42.50", "order-1")
	b.LetGo(r)
	s, err := b.Settle(r.ID, "")
	if err != nil || s.State != payment.Failure || s.StatusCode != holdfast.CodeTransactionDenied {
		t.Fatalf("settle: %+v, %v", s, err)
	}
	b.quiet(t, r.ID, payment.StepRelease)
	if open := b.raw(t, r.ID).Asking; open != "" {
		t.Errorf("%s is still open", open)
	}
	b.wantMoney(t, nil, "", "")
}

// N13: two refunds of one amount are two refunds. One that is sent twice is one.
func refunds(t *testing.T, b *Bench) {
	b.patient()
	p := b.Paid("42.50", "order-1")
	for _, ref := range []holdfast.CallerReference{"refund-1", "refund-2", "refund-2"} {
		if r, err := b.Refund(p.ID, "10.00", ref); err != nil || r.State != payment.Success {
			t.Fatalf("refund: %+v, %v", r, err)
		}
	}
	b.wantMoney(t, nil, "42.50", "20.00")
	if r, err := b.Refund(p.ID, "", "refund-3"); err != nil || r.State != payment.Success {
		t.Fatalf("refund: %+v, %v", r, err)
	}
	b.wantMoney(t, nil, "42.50", "42.50")
	_, err := b.Refund(p.ID, "", "refund-4")
	b.WantCode(err, holdfast.TransactionFullyRefundedAlready)
}

// A breaking network panics at the first question, before or after it has asked.
type breaking struct {
	card.Network
	mu    sync.Mutex
	after bool
	done  bool
}

func (n *breaking) Ask(ctx context.Context, q card.Question) (payment.Answer, error) {
	n.mu.Lock()
	now := !n.done
	n.done = true
	n.mu.Unlock()
	if now && !n.after {
		panic("the network's code is broken")
	}
	answer, err := n.Network.Ask(ctx, q)
	if now {
		panic("the network's code is broken")
	}
	return answer, err
}

// N18: a panic is a doubt.
func broken(t *testing.T, b *Bench) {
	network := b.Processor.Network
	for i, after := range []bool{false, true} {
		b.Processor.Network = &breaking{Network: network, after: after}
		b.impatient()
		r, err := b.Reserve(b.Authorize("42.50"), "42.50", b.reference())
		if err != nil || r.State != payment.Pending {
			t.Fatalf("reserve: %+v, %v", r, err)
		}
		b.settled(t, r.ID)
		b.want(t, r.ID, payment.Reserved)
		b.wantMoney(t, []string{"42.50", "42.50"}[:i+1], "", "")
	}
}

// N19: two servers that resolve the same doubts have one effect.
func twoServers(t *testing.T, b *Bench) {
	b.impatient()
	var ids []holdfast.TransactionID
	for range 3 {
		b.Lose(payment.StepAuthorize, LostAnswer)
		r, err := b.Reserve(b.Authorize("42.50"), "42.50", b.reference())
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	others := []*server{b.another(), b.another()}
	for range 5 {
		b.Clock.Advance(time.Minute)
		var asking sync.WaitGroup
		for _, s := range others {
			asking.Go(func() {
				if _, err := s.Resolve(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		asking.Wait()
	}
	for _, s := range others {
		s.Close()
	}
	for _, id := range ids {
		b.settled(t, id)
		b.want(t, id, payment.Reserved)
	}
	b.wantMoney(t, strings.Fields(strings.Repeat("42.50 ", len(ids))), "", "")
}
