package processor_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A dispute tells its caller when the amount is taken and when it is decided. A
// dispute of a caller without events tells nothing.
func TestADisputeTells(t *testing.T) {
	for name, won := range map[string]bool{"won": true, "lost": false} {
		t.Run(name, func(t *testing.T) {
			atStripe(t, func(s striped) {
				silent := s.settled("")
				_, err := s.fake.Dispute(s.intent(silent.ID), "fraudulent", false)
				s.must(err)
				s.heard()
				s.StartEvents()
				sold := s.settled("")
				dispute, err := s.fake.Dispute(s.intent(sold.ID), "product_not_received", false)
				s.must(err)
				s.heard()
				s.must(s.fake.CloseDispute(dispute, won))
				s.heard()
				s.poll()
				if won {
					s.wantDispute(sold, dispute, "1 dispute.opened open", "2 dispute.won won")
				} else {
					s.wantDispute(sold, dispute, "1 dispute.opened open", "2 dispute.lost lost")
				}
			})
		})
	}
}

// A dispute that was won before it was heard of tells nothing, however often it is
// looked at.
func TestADisputeThatWasWonUnheardTellsNothing(t *testing.T) {
	atStripe(t, func(s striped) {
		s.StartEvents()
		sold := s.settled("")
		dispute, err := s.fake.Dispute(s.intent(sold.ID), "product_not_received", false)
		s.must(err)
		s.must(s.fake.CloseDispute(dispute, true))
		s.heard()
		s.poll()
		s.wantDispute(sold, dispute)
	})
}

// An inquiry and a warning of fraud are events, too, although no money moves.
func TestAnInquiryTells(t *testing.T) {
	for name, warned := range map[string]bool{"inquiry": false, "warning": true} {
		t.Run(name, func(t *testing.T) {
			atStripe(t, func(s striped) {
				s.StartEvents()
				sold := s.settled("")
				if warned {
					s.must(s.fake.Warn(s.intent(sold.ID)))
					s.heard()
					s.poll()
					s.wantDispute(sold, "warning_"+s.intent(sold.ID), "1 dispute.warned warned")
					return
				}
				inquiry, err := s.fake.Dispute(s.intent(sold.ID), "fraudulent", true)
				s.must(err)
				s.heard()
				s.must(s.fake.CloseDispute(inquiry, false))
				s.heard()
				s.poll()
				s.wantDispute(sold, inquiry, "1 dispute.inquiry inquiry", "2 dispute.inquiry_closed closed")
			})
		})
	}
}

// wantDispute fails the test unless the feed's events of disputes are those of one
// dispute of a payment: each with its number, type and state.
func (s striped) wantDispute(sold payment.Transaction, dispute string, want ...string) {
	s.T.Helper()
	var told []string
	for _, e := range s.Feed() {
		if e.Object() != payment.ObjectDispute {
			continue
		}
		var data payment.DisputeData
		s.must(json.Unmarshal([]byte(e.Data), &data))
		if data.Payment != string(sold.ID) || data.Hold != string(sold.ID) || e.ObjectID != dispute {
			s.T.Errorf("event %s of %s is about %+v", e.Type, e.ObjectID, data)
		}
		told = append(told, fmt.Sprint(e.Seq, " ", e.Type, " ", data.State))
	}
	if diff := cmp.Diff(want, told); diff != "" {
		s.T.Errorf("the events (-want +got):\n%s", diff)
	}
}
