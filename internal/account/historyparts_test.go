package account_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// A hold that is settled in parts shows what is still held, and each part what it
// has taken.
func TestAHoldInParts(t *testing.T) {
	s := newSite(t)
	r := s.Reserved("32.00", "order-1")
	s.Clock.Advance(time.Second)
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	settle := processor.SettleHold{Hold: r.ID, Amount: holdfasttest.USD("10.00")}
	_, err := s.Processor.SettleHold(t.Context(), s.Shop, nil, settle)
	do(err)
	lower := processor.ReleaseHold{Hold: r.ID, Amount: holdfasttest.USD("2.00")}
	_, err = s.Processor.ReleaseHold(t.Context(), s.Shop, nil, lower)
	do(err)
	b := s.ann()
	b.get("")
	b.wantText("$20.00", "Held")
	b.wantNoText("$32.00")
	b.get(links(b.at.body, "history/one")[0]) // the overview leads to the hold
	b.wantText("Amount held", "$32.00", "Charged", "$10.00", "Released", "$2.00 released")
	b.get("history")
	b.wantText("−$10.00", "Paid", "$20.00", "Held")
	b.wantNoText("$32.00")
	b.get(links(b.at.body, "history/one")[1])
	b.wantText("Amount held", "$32.00", "Charged", "$10.00", "Released", "$2.00 released")
	owner := s.owner()
	owner.get("")
	owner.wantText("$20.00", "order-1") // that can still be charged
	owner.get(links(owner.at.body, "history/one")[0])
	owner.wantText("order-1", "$32.00", "$2.00 released")
	_, err = s.Processor.ReleaseHold(t.Context(), s.Shop, nil, processor.ReleaseHold{Hold: r.ID})
	do(err)
	b.get("history")
	b.wantText("−$10.00", "Paid", "$10.00", "of $32.00 held", "Done")
}
