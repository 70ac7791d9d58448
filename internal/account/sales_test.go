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

// A seller's overview shows a hold of another marketplace, even if the seller's
// own caller has made more holds with later deadlines.
func TestAnotherMarketplacesHold(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		other := *s.World
		other.Shop = s.OtherShop()
		m := other.MarketWith(s.Owner, false)
		if _, err := m.Reserve("12.00", "", "other"); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(time.Hour)
		own := s.MarketWith(s.Owner, false)
		for i := range 51 {
			if _, err := own.Reserve("1.00", "", holdfast.CallerReference(fmt.Sprint("own-", i))); err != nil {
				t.Fatal(err)
			}
		}
		s.owner().wantText("Showing the 50 holds", "$12.00")
	})
}
