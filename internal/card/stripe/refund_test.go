package stripe_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Stripe may make a refund for a day after a stored 500. The day begins with the
// 500, however old the question is. Without a note of it, the refund is never sent
// under a second key.
func TestRefundIsRepeatedADayAfterItsError(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		c := s.card("visa")
		charged, _ := s.settle(s.question(payment.StepCharge, c, 4250))
		q := s.about(payment.StepReturn, c, 1000, charged.Authorization)
		s.fake.Next(http.MethodPost, refundsPath, stripefake.WrongKey)
		s.wantDoubt(&q)
		s.clock.Advance(25 * time.Hour)
		s.fake.Next(http.MethodPost, refundsPath, stripefake.ErrorBefore)
		s.wantDoubt(&q)
		q.Asked = 40
		begin := s.clock.Now()
		answer, doubts := s.settle(q)
		s.wantApproved(answer)
		if waited := s.clock.Now().Sub(begin); waited < 24*time.Hour || waited > 26*time.Hour {
			s.t.Errorf("it was sent again after %v", waited)
		}
		alarms := false
		for _, doubt := range doubts {
			alarms = alarms || doubt.Alarm
		}
		if !alarms {
			s.t.Error("nobody is told of an error that is older than a day")
		}
		if refunds := s.fake.Objects("refund"); len(refunds) != 1 || s.fake.Refunded() != 1000 {
			s.t.Errorf("refunds %v", refunds)
		}
		want := 1
		if s.forgets {
			want = 0
		}
		if got := s.sentUnder(":2"); got != want {
			s.t.Errorf("%d requests under a second key, want %d", got, want)
		}
	})
}

// If the second key has a stored 500 as well, Stripe gets another day for it. The
// operator is told.
func TestRefundWithTwoErrors(t *testing.T) {
	s := newStand(t)
	c := s.card("visa")
	charged, _ := s.settle(s.question(payment.StepCharge, c, 4250))
	q := s.about(payment.StepReturn, c, 1000, charged.Authorization)
	q.Asked, q.FailedAt = 40, s.clock.Now().Add(-24*time.Hour)
	s.fake.Next(http.MethodPost, refundsPath, stripefake.ErrorBefore)
	s.wantDoubt(&q)
	s.clock.Advance(5 * time.Minute)
	begin := s.clock.Now()
	_, doubt := s.ask(&q)
	if doubt == nil || !doubt.Alarm || doubt.Retry < time.Hour || !doubt.Known.FailedAt.Equal(begin) {
		t.Fatalf("the doubt is %+v", doubt)
	}
	answer, _ := s.settle(q)
	s.wantApproved(answer)
	if waited := s.clock.Now().Sub(begin); waited < 24*time.Hour || s.fake.Refunded() != 1000 {
		t.Errorf("after %v, %d are refunded", waited, s.fake.Refunded())
	}
}

// sentUnder counts the requests whose key ends with a text.
func (s *stand) sentUnder(suffix string) (n int) {
	for _, r := range s.fake.Requests() {
		if r.Method == http.MethodPost && strings.HasSuffix(r.Key, suffix) {
			n++
		}
	}
	return n
}
