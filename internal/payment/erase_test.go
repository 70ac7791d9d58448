package payment_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// An erased guest is erased like an account: nobody erases it again or reactivates it.
func TestErased(t *testing.T) {
	for _, guest := range []bool{false, true} {
		p := party.Party{ID: "P1", Standing: party.Closed, Guest: guest}
		if all := (payment.EraseInput{Party: p}).Obstacles(); len(all) != 1 || all[0].Why != payment.ObstacleErased {
			t.Errorf("guest %t: the obstacles are %v", guest, all)
		}
		for name, other := range map[string]party.Party{
			"a closed account": {Standing: party.Closed, Email: "ann@example.test", Guest: guest},
			"without address":  {Standing: party.Active, Guest: guest},
		} {
			if payment.Erased(other) {
				t.Errorf("guest %t: %s was erased", guest, name)
			}
		}
	}
}
