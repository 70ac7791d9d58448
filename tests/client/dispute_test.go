package client_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// The client reads the events of disputes as the server writes them.
func TestTheClientReadsDisputes(t *testing.T) {
	due := time.Date(2026, 12, 8, 12, 0, 0, 0, time.UTC)
	d := payment.Dispute{
		ID: "dp_1", Caller: "C1", Transaction: "1P", Amount: money.Cents(42_50), Reason: "fraudulent", Due: due,
	}
	for kind, state := range map[payment.EventType]client.DisputeState{
		payment.EventDisputeWarned: client.DisputeWarned, payment.EventDisputeInquiry: client.DisputeInquiry,
		payment.EventDisputeInquiryClosed: client.DisputeClosed, payment.EventDisputeOpened: client.DisputeOpen,
		payment.EventDisputeWon: client.DisputeWon, payment.EventDisputeLost: client.DisputeLost,
	} {
		var e client.Event
		var got client.Dispute
		if err := json.Unmarshal(d.Event(kind, "1H", due.Add(-time.Hour)).JSON(), &e); err != nil {
			t.Fatal(err)
		}
		if err := e.Into(&got); err != nil || e.ObjectID != d.ID {
			t.Errorf("%s of %s: %v", kind, e.ObjectID, err)
		}
		want := client.Dispute{
			ID: "dp_1", State: state, Amount: client.Cents(42_50), Reason: "fraudulent", Payment: "1P", Hold: "1H",
		}
		if state == client.DisputeOpen || state == client.DisputeInquiry {
			want.Due = due
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
}
