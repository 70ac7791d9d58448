package processor_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// change changes the shop's settings.
func change(w *holdfasttest.World, to func(*party.Caller)) {
	w.T.Helper()
	changed, err := w.Processor.ChangeCaller(w.T.Context(), w.Shop.ID, func(c party.Caller) (party.Caller, error) {
		to(&c)
		return c, nil
	})
	if err != nil {
		w.T.Fatal(err)
	}
	w.Shop = changed
}

// toldSteps lists the steps that the shop is told of, with the seconds from the
// start of the test to each notification.
func toldSteps(w *holdfasttest.World, id holdfast.TransactionID) (steps []string) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) error {
		all, err := tx.Notifications(w.Shop.ID, string(id))
		for _, n := range all {
			steps = append(steps, fmt.Sprintf("%d after %v", n.Seq, n.NextAt.Sub(holdfasttest.Start)))
		}
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return steps
}

// A caller is told of PENDING if its Reserve was answered with Pending, or if it
// is set to hear of it always.
func TestPendingIsToldWhereItWasTheAnswer(t *testing.T) {
	for _, row := range []struct {
		name    string
		setting func(*party.Caller)
		reply   holdfasttest.Reply
		pay     bool
		answer  payment.State
		want    []string // after the answer
		after   []string // after the network's answer, a minute later
	}{
		{
			name: "reserved at once", answer: payment.Reserved,
			want: []string{"2 after 3s"}, after: []string{"2 after 3s"},
		},
		{
			name: "declined at once", reply: holdfasttest.Reply{Decline: holdfast.CodeTransactionDenied},
			answer: payment.Failure, want: []string{"2 after 3s"}, after: []string{"2 after 3s"},
		},
		{
			name: "answered Pending after the wait", reply: holdfasttest.Reply{Deaf: true},
			answer: payment.Pending, want: []string{"1 after 3s"}, after: []string{"1 after 3s", "2 after 1m3s"},
		},
		{
			name: "a caller that wants Pending first", answer: payment.Pending,
			setting: func(c *party.Caller) { c.PendingFirst = true },
			reply:   holdfasttest.Reply{Deaf: true}, want: []string{"1 after 3s"},
			after: []string{"1 after 3s", "2 after 1m3s"},
		},
		{
			name: "a caller that is told of PENDING always", answer: payment.Reserved,
			setting: func(c *party.Caller) { c.PendingNotice = true },
			want:    []string{"1 after 3s", "2 after 3s"}, after: []string{"1 after 3s", "2 after 3s"},
		},
		{
			name: "the same, answered Pending", answer: payment.Pending, reply: holdfasttest.Reply{Deaf: true},
			setting: func(c *party.Caller) { c.PendingNotice = true },
			want:    []string{"1 after 3s"}, after: []string{"1 after 3s", "2 after 1m3s"},
		},
		{
			name: "a caller without an address", setting: func(c *party.Caller) { c.IPNURL = "" }, answer: payment.Pending,
			reply: holdfasttest.Reply{Deaf: true},
		},
		{
			name: "Pay", pay: true, answer: payment.Success,
			want: []string{"1 after 3s", "2 after 3s"}, after: []string{"1 after 3s", "2 after 3s"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				if row.setting != nil {
					change(w, row.setting)
				}
				w.Network.Next(row.reply)
				if row.reply.Deaf {
					impatient(w)
				}
				act := w.Reserve
				if row.pay {
					act = w.Pay
				}
				r, err := act(w.Authorize("25.00"), "25.00", "order-1")
				if err != nil || r.State != row.answer {
					t.Fatalf("answered %s, %v, want %s", r.State, err, row.answer)
				}
				if diff := cmp.Diff(row.want, toldSteps(w, r.ID)); diff != "" {
					t.Errorf("told after the answer (-want +got):\n%s", diff)
				}
				later(w)
				if diff := cmp.Diff(row.after, toldSteps(w, r.ID)); diff != "" {
					t.Errorf("told after the outcome (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// An outcome that comes at the end of the wait is the answer, and PENDING is not
// told.
func TestOutcomeAtTheEndOfTheWait(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		impatient(w)
		answered := make(chan struct{})
		w.Network.Next(holdfasttest.Reply{Wait: answered})
		w.Processor.Hook = func(point string) {
			if point == processor.PointWaited {
				close(answered)
				decided(w, "1T000000000000000000000000000000001", payment.StepAuthorize)
			}
		}
		r, err := w.Reserve(w.Authorize("25.00"), "25.00", "order-1")
		if err != nil || r.State != payment.Reserved {
			t.Fatalf("answered %s (%s), %v", r.State, r.ID, err)
		}
		if diff := cmp.Diff([]string{"2 after 3s"}, toldSteps(w, r.ID)); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}

// OverrideIPNURL is the address of the late notification, too.
func TestPendingIsToldToTheRequestsAddress(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.Processor.Wait = -1
		w.Network.Next(holdfasttest.Reply{Deaf: true})
		const elsewhere = "http://elsewhere.example.test/ipn"
		r, err := w.Processor.Reserve(t.Context(), w.Shop, holdfast.ReserveRequest{
			SenderTokenID: w.Authorize("25.00"), TransactionAmount: holdfasttest.USD("25.00"), CallerReference: "order-1",
			OverrideIPNURL: elsewhere,
		})
		if err != nil {
			t.Fatal(err)
		}
		err = w.DB.View(t.Context(), func(tx *store.ReadTx) error {
			all, err := tx.Notifications(w.Shop.ID, string(r.ID))
			if err == nil && (len(all) != 1 || all[0].URL != elsewhere || !all[0].Overrides) {
				t.Errorf("told %+v", all)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// A server that dies between the end of the wait and its answer loses the
// notification of PENDING, and nothing else: the caller has no answer, and the
// outcome is told.
func TestDeathBeforePendingIsTold(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		impatient(w)
		w.Network.Next(holdfasttest.Reply{Deaf: true})
		w.Processor.Hook = func(point string) {
			if point == processor.PointWaited {
				runtime.Goexit() // of the request, as if its server had died
			}
		}
		token := w.Authorize("25.00")
		var request sync.WaitGroup
		request.Go(func() {
			_, err := w.Reserve(token, "25.00", "order-1")
			t.Errorf("the request has an answer, %v", err)
		})
		request.Wait()
		w.Processor.Hook = nil
		later(w)
		r, err := w.Reserve(token, "25.00", "order-1")
		if err != nil || r.State != payment.Reserved {
			t.Fatalf("asked again: %s, %v", r.State, err)
		}
		if diff := cmp.Diff([]string{"2 after 1m3s"}, toldSteps(w, r.ID)); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}
