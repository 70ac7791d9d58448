package processor_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// A severalAction is a call that changes several transactions of one hold in one
// commit, and asks the network several questions.
type severalAction struct {
	name, verb string
	prepare    func(w *holdfasttest.World) (request []byte, hold holdfast.TransactionID)
	points     []string
	want       []string // what takes effect at the network: a step and an amount each
	state      payment.HoldState
	open       string // of the hold afterwards
}

// raisedHold is a hold of 42.50 with a raise of 7.50.
func raisedHold(w *holdfasttest.World) holdfast.TransactionID {
	w.T.Helper()
	root := heldWith(w, w.Authorize("50.00"), "42.50")
	if _, err := w.Processor.RaiseHold(w.T.Context(), w.Shop, nil, processor.RaiseHold{
		Hold: root.ID, Amount: holdfasttest.USD("7.50"), Reference: "raise",
	}); err != nil {
		w.T.Fatal(err)
	}
	return root.ID
}

var severalActions = []severalAction{
	{
		name: "settle of two members", verb: "SettleHoldByCall",
		points: []string{processor.PointIntent, pointAsked, processor.PointOutcome},
		prepare: func(w *holdfasttest.World) ([]byte, holdfast.TransactionID) {
			id := raisedHold(w)
			return callOf(w, "POST /v1/holds/"+string(id)+"/settle", processor.SettleHold{
				Hold: id, Amount: holdfasttest.USD("50.00"),
			}), id
		},
		want: []string{"Capture USD 42.50", "Capture USD 7.50"}, state: payment.HoldSettled, open: "0.00",
	},
	{
		name: "release of two members", verb: "ReleaseHold", points: []string{processor.PointIntent, pointAsked},
		prepare: func(w *holdfasttest.World) ([]byte, holdfast.TransactionID) {
			id := raisedHold(w)
			return callOf(w, "POST /v1/holds/"+string(id)+"/release", processor.ReleaseHold{Hold: id}), id
		},
		want: []string{"Release USD 42.50", "Release USD 7.50"}, state: payment.HoldReleased, open: "0.00",
	},
	{
		name: "release of a part", verb: "ReleaseHold", points: []string{processor.PointOutcome},
		prepare: func(w *holdfasttest.World) ([]byte, holdfast.TransactionID) {
			id := raisedHold(w)
			return callOf(w, "POST /v1/holds/"+string(id)+"/release", processor.ReleaseHold{
				Hold: id, Amount: holdfasttest.USD("10.00"),
			}), id
		},
		state: payment.HoldHeld, open: "40.00",
	},
	{
		name: "refund of two payments", verb: "RefundHold",
		points: []string{processor.PointIntent, pointAsked, processor.PointOutcome},
		prepare: func(w *holdfasttest.World) ([]byte, holdfast.TransactionID) {
			id := w.Reserved("42.50", "order").ID
			part(w, id, "10.00")
			part(w, id, "32.50")
			return callOf(w, "POST /v1/refunds", processor.RefundHold{Hold: id}), id
		},
		want: []string{"Return USD 10.00", "Return USD 32.50"}, state: payment.HoldSettled, open: "0.00",
	},
}

// A call that changes several transactions is killed at every point, on both
// databases. Sent again, it changes nothing twice and leaves nothing out.
func TestKilledWhileSeveralAreChanged(t *testing.T) {
	for _, action := range severalActions {
		for _, point := range action.points {
			for name, address := range holdfasttest.Addresses(t) {
				t.Run(action.name+" at "+point+" on "+name, func(t *testing.T) {
					t.Parallel()
					crashSeveral(t, action, point, address(t))
				})
			}
		}
	}
}

func crashSeveral(t *testing.T, action severalAction, point, address string) {
	network := &fileNetwork{path: filepath.Join(t.TempDir(), "network")}
	w := holdfasttest.NewWorld(t, holdfasttest.Open(t, address))
	w.Processor.Network = network
	w.StartEvents()
	request, id := action.prepare(w)
	before, err := network.effects()
	if err != nil {
		t.Fatal(err)
	}
	killInChild(w, action.verb, point, address, network.path, request)
	w.Clock.Advance(10 * time.Minute)
	if _, err := w.Processor.Resolve(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.CheckBooks()
	first, err := verbs[action.verb](w.Processor, t.Context(), w.Shop, request)
	if err != nil {
		t.Fatalf("asking again: %v", err)
	}
	second, err := verbs[action.verb](w.Processor, t.Context(), w.Shop, request)
	if err != nil || first.ID != second.ID || first.Asking != "" {
		t.Errorf("asking again is answered with %s, which asks %q, then with %s (%v)", first.ID, first.Asking, second.ID, err)
	}
	h := holdOf(w, id)
	if open := h.Open().Decimal(); h.State() != action.state || open != action.open {
		t.Errorf("the hold is %s, and %s is open; want %s, %s", h.State(), open, action.state, action.open)
	}
	w.CheckBooks()
	all, err := network.effects()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, effect := range all[len(before):] {
		_, what, _ := strings.Cut(effect, "/")
		got = append(got, what)
	}
	slices.Sort(got)
	if diff := cmp.Diff(action.want, got); diff != "" {
		t.Errorf("at the network (-want +got):\n%s", diff)
	}
	feed := w.Feed()
	holdfasttest.CheckFeed(t, feed)
	if !slices.ContainsFunc(feed, func(e payment.Event) bool {
		return e.ObjectID == string(id) && e.Data == h.EventData()
	}) {
		t.Errorf("no event tells the state of the hold, %s", h.EventData())
	}
}
