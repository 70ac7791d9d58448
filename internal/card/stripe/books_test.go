package stripe_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// lines shows lines in a few words, in order.
func show(lines []payment.NetworkLine) string {
	var words []string
	for _, l := range lines {
		words = append(words, fmt.Sprintf("%s %d %d", l.Type, l.Micro/10_000, l.Fee/10_000))
	}
	slices.Sort(words)
	return strings.Join(words, "; ")
}

// A payout of a partial capture, a refund of ours, one in the dashboard of as much
// as the rest, a refund that failed and a dispute.
func TestS22Lines(t *testing.T) {
	s := newStand(t)
	begin := s.clock.Now()
	c := s.card("visa")
	partial := s.held(c, 5000)
	s.settle(s.about(payment.StepCapture, c, 4000, partial))
	s.clock.Advance(time.Minute)
	if _, err := s.fake.Refund(partial, 1000); err != nil {
		t.Fatal(err)
	}
	answer, _ := s.settle(s.about(payment.StepReturn, c, 300, partial))
	if err := s.fake.FailRefund(answer.Details.Reference, "lost_or_stolen_card"); err != nil {
		t.Fatal(err)
	}
	charged, _ := s.settle(s.question(payment.StepCharge, c, 2000))
	if _, err := s.fake.Dispute(charged.Authorization, "fraudulent", false); err != nil {
		t.Fatal(err)
	}
	payout := s.fake.Payout(false)
	s.clock.Advance(time.Hour)
	later := s.question(payment.StepCharge, c, 700)
	later.Transaction = "T9"
	s.settle(later)

	ctx := context.Background()
	of, err := s.client.PayoutLines(ctx, payout)
	if err != nil {
		t.Fatal(err)
	}
	const want = "charge 2000 88; charge 5000 146; dispute -2000 1500; payout -1266 0; refund -1000 0; refund -300 0; " +
		"refund_failure 300 0; rest -1000 0"
	if got := show(of); got != want {
		t.Errorf("the payout has %s\nwant %s", got, want)
	}
	var sum int64
	for _, l := range of {
		sum += l.Micro - l.Fee
		if l.Payout != payout || l.Account != "N1" || l.Created.IsZero() || l.ID == "" {
			t.Errorf("a line is %+v", l)
		}
		about := map[payment.LineType]string{
			payment.LineRest: partial, payment.LineRefund: partial, payment.LineRefundFailure: partial,
			payment.LineDispute: charged.Authorization,
		}[l.Type]
		if about != "" && l.Payment != about {
			t.Errorf("a line is about payment %q: %+v", l.Payment, l)
		}
		if l.Type == payment.LineCharge && l.Payment == "" {
			t.Errorf("a line is about no payment: %+v", l)
		}
	}
	if sum != 0 {
		t.Errorf("the lines and their payout differ by %d", sum)
	}
	all, err := s.client.Lines(ctx, begin, s.clock.Now().Add(time.Second))
	if err != nil || len(all) != len(of)+1 {
		t.Errorf("%d lines in all, %v", len(all), err)
	}
	if none, err := s.client.Lines(ctx, begin.Add(-time.Hour), begin); err != nil || len(none) != 0 {
		t.Errorf("before the first payment: %v, %v", none, err)
	}
}
