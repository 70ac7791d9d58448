package payment_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

var warnedAt = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func warnedHold(life time.Duration) payment.Transaction {
	return payment.Transaction{
		ID: "1T1", Caller: "C1", Kind: payment.KindReserve, State: payment.Reserved, Amount: money.Cents(42_50),
		Received: warnedAt, Deadline: warnedAt.Add(life),
	}
}

// A warning is due at its time before the deadline, if the hold is then at least
// ten minutes old.
func TestWarningsThatAreDue(t *testing.T) {
	times := party.DefaultWarnings.Times()
	for name, row := range map[string]struct {
		hold payment.Transaction
		left time.Duration // until the deadline
		want []time.Duration
	}{
		"too early":               {warnedHold(168 * time.Hour), 48*time.Hour + 1, nil},
		"the first":               {warnedHold(168 * time.Hour), 48 * time.Hour, times[:1]},
		"the second, too":         {warnedHold(168 * time.Hour), 24 * time.Hour, times[:2]},
		"all":                     {warnedHold(168 * time.Hour), time.Hour, times},
		"at the deadline":         {warnedHold(168 * time.Hour), 0, times},
		"as old as it must be":    {warnedHold(6*time.Hour + payment.WarnedAfter), 0, times[2:]},
		"not old enough":          {warnedHold(6*time.Hour + payment.WarnedAfter - 1), 0, times[3:]},
		"shorter than any":        {warnedHold(time.Hour), 0, nil},
		"before it was received":  {warnedHold(24 * time.Hour), 24 * time.Hour, nil},
		"a hold that has settled": {as(warnedHold(168*time.Hour), payment.Success), 0, nil},
		"one that is asked about": {as(warnedHold(168*time.Hour), payment.Pending), 0, nil},
	} {
		now := row.hold.Deadline.Add(-row.left)
		var got []time.Duration
		for _, w := range row.hold.Warnings(times, now) {
			if w.Transaction != "1T1" || w.Caller != "C1" || !w.At.Equal(row.hold.Deadline.Add(-w.Before)) {
				t.Errorf("%s: %+v", name, w)
			}
			got = append(got, w.Before)
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func as(t payment.Transaction, s payment.State) payment.Transaction {
	t.State = s
	return t
}

// A notice has the open and the expired holds, and no others.
func TestDueNotice(t *testing.T) {
	var n payment.DueNotice
	for i, hold := range []payment.Transaction{
		warnedHold(3 * time.Hour), warnedHold(time.Hour), warnedHold(2 * time.Hour),
		as(warnedHold(time.Hour), payment.Success), as(warnedHold(time.Hour), payment.Cancelled),
		as(warnedHold(time.Hour), payment.Settling),
	} {
		hold.Amount = money.Cents(int64(100 * (i + 1)))
		n.Add(hold, hold)
	}
	expired := as(warnedHold(time.Hour), payment.Cancelled)
	expired.StatusCode = holdfast.CodeExpired
	n.Add(expired, payment.Transaction{ID: "1T0", Reference: "order-0"})
	n.Cut(2)
	if len(n.Open) != 2 || n.OpenMore != 1 || n.Sum != money.Cents(600) || len(n.Expired) != 1 || n.Empty() ||
		n.Open[0].Amount != money.Cents(200) || n.Open[1].Amount != money.Cents(300) ||
		n.Expired[0].ID != "1T0" || n.Expired[0].Reference != "order-0" {
		t.Errorf("the notice is %+v", n)
	}
	if empty := (payment.DueNotice{}); !empty.Empty() {
		t.Error("an empty notice is not empty")
	}
}
