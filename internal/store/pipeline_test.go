package store_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// A Reserve without competing actions takes six round trips to PostgreSQL. The
// first two read the rows that the request and its token name, and the next two
// write and commit. After the network's answer, one each writes and commits.
func TestRoundTripsOfALoneReserve(t *testing.T) {
	address := postgresAddress(t)
	w := newWire(t, address)
	world := holdfasttest.NewWorld(t, holdfasttest.Open(t, through(t, address, w)))
	least := int64(1000)
	for range 6 { // each connection prepares its statements first
		token := world.Authorize("12.00")
		before := w.turns.Load()
		_, err := world.Processor.Reserve(t.Context(), world.Shop, holdfast.ReserveRequest{
			SenderTokenID: token, TransactionAmount: holdfasttest.USD("12.00"), CallerReference: holdfast.CallerReference(token),
		})
		if err != nil {
			t.Fatal(err)
		}
		least = min(least, w.turns.Load()-before)
	}
	if least != 6 {
		t.Errorf("it took %d round trips, want 6", least)
	}
}
