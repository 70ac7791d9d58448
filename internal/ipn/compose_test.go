package ipn_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ipn"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

var update = flag.Bool("update", false, "write golden files anew")

// The notifications of each way that a payment can go, as they are on the wire
// (IPN, "values per event").
func TestEvents(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			var told strings.Builder
			for _, story := range events {
				shop := newShop(t, holdfasttest.Open(t, address(t)))
				story.play(shop.World)
				shop.Processor.Close()
				shop.Clock.Advance(time.Minute)
				shop.run()
				fmt.Fprintf(&told, "-- %s --\n%s", story.name, shop.told())
			}
			wantGolden(t, "events.txt", told.String())
		})
	}
}

func wantGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestComposeLeavesOut(t *testing.T) {
	m := ipn.Message{
		Transaction: payment.Transaction{
			ID: "1T", Recipient: "P1", Method: holdfast.MethodCC, Reference: "order-1",
			CallerDescription: "Two mugs", Received: holdfasttest.Start,
		},
		Step: payment.HistoryRow{
			Verb: payment.VerbApprove, After: payment.Reserved, StatusCode: "Success", Amount: holdfasttest.USD("4"),
		},
		Caller:      party.Caller{Owner: "P1"},
		Sender:      party.Party{Name: "Ann", Email: "ann@example.test"},
		Recipient:   party.Party{Name: "Kiln", Email: "kiln@example.test"},
		TokenReason: "Mugs",
	}
	names := func(m ipn.Message) []string {
		var all []string
		for _, p := range ipn.Compose(m) {
			all = append(all, p.Name)
		}
		return all
	}
	if got := ipn.Compose(m); got.Get("paymentReason") != "Two mugs" || got.Get("buyerEmail") != "ann@example.test" {
		t.Errorf("a payment to the caller's owner: %v", got)
	}
	if slices.Contains(names(m), "statusMessage") {
		t.Error("an empty statusMessage is sent")
	}
	m.Transaction.CallerDescription = ""
	if got := ipn.Compose(m).Get("paymentReason"); got != "Mugs" {
		t.Errorf("paymentReason is %q without a CallerDescription, want the token's", got)
	}
	m.Caller.Owner = "P2" // a marketplace
	if slices.Contains(names(m), "buyerEmail") {
		t.Error("a caller that is not the recipient learns the buyer's e-mail address")
	}
	if !slices.Contains(names(m), "buyerName") {
		t.Error("the buyer's name is left out")
	}
}
