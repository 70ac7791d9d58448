package processor_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A dispute tells its caller when the amount is taken and when it is decided. An
// inquiry, and a dispute of a caller without events, tell nothing.
func TestADisputeTells(t *testing.T) {
	for name, won := range map[string]bool{"won": true, "lost": false} {
		t.Run(name, func(t *testing.T) {
			atStripe(t, func(s striped) {
				silent := s.settled("")
				_, err := s.fake.Dispute(s.intent(silent.ID), "fraudulent", false)
				s.must(err)
				s.heard()
				s.StartEvents()
				asked := s.settled("")
				_, err = s.fake.Dispute(s.intent(asked.ID), "fraudulent", true)
				s.must(err)
				s.heard()
				sold := s.settled("")
				dispute, err := s.fake.Dispute(s.intent(sold.ID), "product_not_received", false)
				s.must(err)
				s.heard()
				s.must(s.fake.CloseDispute(dispute, won))
				s.heard()
				s.poll()
				var told []string
				for _, e := range s.Feed() {
					if e.Object() != payment.ObjectDispute {
						continue
					}
					var data payment.DisputeData
					s.must(json.Unmarshal([]byte(e.Data), &data))
					if data.Payment != string(sold.ID) || data.Hold != string(sold.ID) || e.ObjectID != dispute {
						t.Errorf("event %s is about %+v", e.Type, data)
					}
					told = append(told, fmt.Sprint(e.Seq, " ", e.Type, " ", data.State))
				}
				want := []string{"1 dispute.opened open", "2 dispute.lost lost"}
				if won {
					want[1] = "2 dispute.won won"
				}
				if diff := cmp.Diff(want, told); diff != "" {
					t.Errorf("the events (-want +got):\n%s", diff)
				}
			})
		})
	}
}
