package processor_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func caseOf(w *holdfasttest.World, id holdfast.TransactionID) (c processor.Case) {
	w.T.Helper()
	found := false
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		c, found, err = w.Processor.CaseOf(tx, w.Shop.ID, id)
		return err
	})
	if err != nil || !found {
		w.T.Fatalf("the case of %s: %v, %v", id, found, err)
	}
	return c
}

// The timeline has every step, question, notice and delivery, in order.
func TestTimeline(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		if _, err := w.Processor.ChangeCaller(t.Context(), w.Shop.ID, func(c party.Caller) (party.Caller, error) {
			c.IPNURL += "?key=secret"
			return c, nil
		}); err != nil {
			t.Fatal(err)
		}
		w.StartEvents()
		hold := w.Reserved("42.50", "order-1")
		w.Clock.Advance(time.Hour)
		part := part(w, hold.ID, "10.00")
		w.Clock.Advance(time.Hour)
		refund, err := w.Refund(part.ID, "4.00", "refund-1")
		if err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(time.Hour)
		if _, err := w.Processor.ReleaseHold(t.Context(), w.Shop, w.Call("rest", "POST /r", nil), processor.ReleaseHold{
			Hold: hold.ID,
		}); err != nil {
			t.Fatal(err)
		}
		for _, id := range []holdfast.TransactionID{hold.ID, part.ID, refund.ID} {
			c := caseOf(w, id)
			if c.ID() != hold.ID || !c.IsHold() || len(c.Related) != 1 {
				t.Fatalf("the case of %s is %s with %v", id, c.ID(), c.Related)
			}
			var got []string
			for _, e := range c.Timeline {
				if e.Kind == processor.EntryStep || e.Kind == processor.EntryQuestion {
					if e.What == string(payment.StepRelease) { // the network is asked in the background
						e.Result = ""
					}
					got = append(got, strings.Join([]string{string(e.Kind), e.What, e.Result, e.Amount.Decimal()}, " "))
				}
			}
			want := []string{
				"step Reserve Pending 42.50", "question Authorize Approved 42.50", "step Approve Reserved 42.50",
				"step Settle Settling 10.00", "question Capture Approved 10.00", "step Capture Success 10.00",
				"step Refund Pending 4.00", "question Return Approved 4.00", "step Return Success 4.00",
				"step Close Success 10.00", "question Release  32.50",
			}
			if !slices.Equal(got, want) {
				t.Errorf("the timeline of %s is\n%s\nwant\n%s", id, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
		c := caseOf(w, hold.ID)
		notices, posted := 0, 0
		for i, e := range c.Timeline {
			if i > 0 && e.At.Before(c.Timeline[i-1].At) {
				t.Errorf("%v comes after %v", e, c.Timeline[i-1])
			}
			if e.Kind == processor.EntryNotice && !strings.HasPrefix(e.URL, "http://shop.example.test/ipn … (") {
				t.Errorf("a notice goes to %q", e.URL)
			}
			if e.Kind == processor.EntryNotice {
				notices++
			}
			posted += len(e.Postings)
		}
		if notices < 3 || posted < 5 || c.Timeline[0].Kind != processor.EntryToken {
			t.Errorf("there are %d notices and %d postings: %+v", notices, posted, c.Timeline)
		}
	})
}

// An expiry that is not written yet is in the timeline.
func TestTimelineOfAnExpiredHold(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		hold := w.Reserved("42.50", "order-1")
		w.Clock.Set(hold.Deadline)
		c := caseOf(w, hold.ID)
		last := c.Timeline[len(c.Timeline)-1]
		if c.Hold.State() != payment.HoldExpired || last.What != string(payment.VerbExpire) || !last.At.Equal(hold.Deadline) {
			t.Errorf("the hold is %s, and its last entry is %+v", c.Hold.State(), last)
		}
	})
}

// What is said to be possible is possible, and nothing else.
func TestPossible(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		check := func(when string, id holdfast.TransactionID, want string) {
			t.Helper()
			var got []string
			for _, p := range caseOf(w, id).Possible {
				word := string(p.Action)
				if !p.OK() {
					word += ":" + string(p.Why)
				}
				got = append(got, word)
			}
			if all := strings.Join(got, " "); all != want {
				t.Errorf("%s:\n%s, want\n%s", when, all, want)
			}
		}
		hold := w.Reserved("42.50", "order-1")
		check("a hold", hold.ID, "settle settle_part release release_part raise:one_amount renew:single_use remind "+
			"refund:not_paid resend end_token:token_ended")
		part := part(w, hold.ID, "10.00")
		check("after a part", hold.ID, "settle settle_part release release_part raise:one_amount renew:single_use remind "+
			"refund resend end_token:token_ended")
		if _, err := w.Refund(part.ID, "10.00", "refund-1"); err != nil {
			t.Fatal(err)
		}
		check("after a refund of the part", hold.ID, "settle settle_part release release_part raise:one_amount "+
			"renew:single_use remind refund:refunded resend end_token:token_ended")
		w.Clock.Set(hold.Deadline)
		check("after the deadline", hold.ID, "settle:settled settle_part:settled release:settled release_part:settled "+
			"raise:settled renew:settled remind:settled refund:refunded resend end_token:token_ended")
		w.Clock.Set(holdfasttest.Start)

		w.Processor.Wait = -1
		w.Network.Next(holdfasttest.Reply{Deaf: true})
		pending, err := w.Reserve(w.Authorize("9.00"), "9.00", "order-2")
		if err != nil {
			t.Fatal(err)
		}
		check("a pending hold", pending.ID, "settle:pending settle_part:pending release release_part:pending raise:pending "+
			"renew:pending remind:pending refund:not_paid resend end_token:token_ended")
		w.Processor.Wait = 0

		paid := w.Paid("12.50", "order-3")
		check("a payment", paid.ID, "refund resend end_token:token_ended")
		w.Clock.Advance(payment.RefundWindow)
		check("a payment, 90 days later", paid.ID, "refund:too_late resend end_token:token_ended")
	})
}
