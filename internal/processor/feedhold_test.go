package processor_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// checkHoldTold compares the last event of a hold with the hold as it is stored.
func checkHoldTold(t rapid.TB, w *holdfasttest.World, id holdfast.TransactionID) {
	t.Helper()
	var h payment.Hold
	var all []payment.Event
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		if h, _, err = tx.Hold(w.Shop.ID, id); err == nil {
			all, err = tx.EventsOf(w.Shop.ID, string(id), 1, 1000)
		}
		return err
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("the hold has %d events: %v", len(all), err)
	}
	var got, want payment.HoldData
	for to, text := range map[*payment.HoldData]string{&got: all[len(all)-1].Data, &want: h.EventData()} {
		if err := json.Unmarshal([]byte(text), to); err != nil {
			t.Fatal(err)
		}
	}
	got.Payment = ""
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("the last event, %s, is not the hold: %s", all[len(all)-1].Type, diff)
	}
	for i, e := range all {
		if e.Seq != i+1 {
			t.Fatalf("the event %d of the hold has the number %d", i+1, e.Seq)
		}
	}
}

// A hold that is settled in parts, lowered, raised and renewed is one object: each
// action tells it once, as it is after the whole action, and its parts are payments.
func TestAHoldTellsAsOne(t *testing.T) {
	for _, row := range []struct {
		name string
		do   func(*holdfasttest.World, holdfast.TransactionID)
		want string
	}{
		{"two parcels", func(w *holdfasttest.World, id holdfast.TransactionID) {
			part(w, id, "10.00")
			done(settlePart(w, id, "5.00", true))(w.T)
		}, "hold.settling hold.part_settled hold.settling hold.part_settled hold.settled"},
		{"a declined parcel", func(w *holdfasttest.World, id holdfast.TransactionID) {
			part(w, id, "10.00")
			w.Network.Next(holdfasttest.Reply{Step: payment.StepCapture, Decline: holdfast.CodeTransactionDenied})
			done(settlePart(w, id, "5.00", false))(w.T)
		}, "hold.settling hold.part_settled hold.settling hold.part_failed"},
		{"a line that is sold out", func(w *holdfasttest.World, id holdfast.TransactionID) {
			check(w.T, release(w, id, "5.00"))
			part(w, id, "10.00")
			check(w.T, release(w, id, "5.00"))
			check(w.T, release(w, id, ""))
		}, "hold.lowered hold.settling hold.part_settled hold.lowered hold.settled"},
		{"a raise, and a settle of both", func(w *holdfasttest.World, id holdfast.TransactionID) {
			done(raise(w, id, "20.00", "more"))(w.T)
			done(settlePart(w, id, "", false))(w.T)
		}, "hold.raised hold.settling hold.part_settled hold.settled"},
		{"a raise that is declined", func(w *holdfasttest.World, id holdfast.TransactionID) {
			w.Network.Next(holdfasttest.Reply{Step: payment.StepAuthorize, Decline: holdfast.CodeTransactionDenied})
			done(raise(w, id, "20.00", "more"))(w.T)
		}, "hold.raise_failed"},
		{"a renewal, and an expiry", func(w *holdfasttest.World, id holdfast.TransactionID) {
			part(w, id, "10.00")
			w.Clock.Advance(time.Hour)
			done(renew(w, id, "again"))(w.T)
			w.Clock.Advance(30 * 24 * time.Hour)
			done(w.Processor.Sweep(w.T.Context()))(w.T)
		}, "hold.settling hold.part_settled hold.renewed hold.settled"},
		{"a renewal that is declined", func(w *holdfasttest.World, id holdfast.TransactionID) {
			w.Network.Next(holdfasttest.Reply{Step: payment.StepAuthorize, Decline: holdfast.CodeTransactionDenied})
			done(renew(w, id, "again"))(w.T)
		}, "hold.renew_failed"},
		{"a raised hold that expires in two steps", func(w *holdfasttest.World, id holdfast.TransactionID) {
			w.Clock.Advance(time.Hour)
			more := done(raise(w, id, "20.00", "more"))(w.T)
			w.Clock.Set(w.Transaction(id).Deadline)
			done(w.Processor.Sweep(w.T.Context()))(w.T)
			w.Clock.Set(w.Transaction(more.ID).Deadline)
			done(w.Processor.Sweep(w.T.Context()))(w.T)
		}, "hold.raised hold.lowered hold.expired"},
		{"refunds of parts", func(w *holdfasttest.World, id holdfast.TransactionID) {
			part(w, id, "10.00")
			done(settlePart(w, id, "5.00", true))(w.T)
			done(w.Processor.RefundHold(w.T.Context(), w.Shop, nil, processor.RefundHold{
				Hold: id, Amount: holdfasttest.USD("12.00"), Reference: "back",
			}))(w.T)
		}, "hold.settling hold.part_settled hold.settling hold.part_settled hold.settled hold.refunded"},
	} {
		t.Run(row.name, func(t *testing.T) {
			holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
				w := holdfasttest.NewWorld(t, db)
				w.StartEvents()
				w.Deposit(w.Owner.ID, "10.00")
				root := heldWith(w, lasting(w, "200.00", 9), "40.00")
				row.do(w, root.ID)
				all := w.Feed()
				holdfasttest.CheckFeed(t, all)
				got := strings.ReplaceAll(toldOf(all, string(root.ID)), " hold.deadline_near", "") // tests of warnings count them
				if want := "hold.pending hold.held " + row.want; got != want {
					t.Errorf("the hold tells\n%s, want\n%s", got, want)
				}
				checkHoldTold(t, w, root.ID)
				checkPartsTold(t, w, root.ID, all)
			})
		})
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// checkPartsTold compares the last event of each part of a hold with the part.
func checkPartsTold(t *testing.T, w *holdfasttest.World, id holdfast.TransactionID, all []payment.Event) {
	t.Helper()
	h := holdOf(w, id)
	for _, p := range h.Parts {
		checkTold(t, all, p)
	}
	for _, m := range h.Members[1:] {
		if got := toldOf(all, string(m.ID)); got != "" {
			t.Errorf("a linked hold tells %s by itself", got)
		}
	}
}
