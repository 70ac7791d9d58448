package account_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A marketplace's overview shows the marketplace's own hold, even if its sellers
// have more holds with nearer deadlines than the overview shows.
func TestAMarketplacesOwnHold(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		m := s.Market(false)
		for i := range 51 {
			if _, err := m.Reserve("1.00", "", holdfast.CallerReference(fmt.Sprint("seller-", i))); err != nil {
				t.Fatal(err)
			}
		}
		s.Clock.Advance(time.Hour)
		s.Reserved("12.00", "own")
		s.owner().wantText("$12.00 in one hold.")
		b := s.newBrowser()
		b.signIn(m.Seller.Email, holdfasttest.Password)
		b.wantText("Showing the 50 holds")
	})
}
