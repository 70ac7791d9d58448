package store_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// A Reserve with its outcome takes four round trips to PostgreSQL if no other
// action competes. Two read the rows that the request and its token name, the
// third writes and commits. The fourth writes and commits the network's answer.
func TestRoundTripsOfALoneReserve(t *testing.T) {
	address := holdfasttest.PostgresAddress(t)
	w := holdfasttest.NewWire(t, address)
	world := holdfasttest.NewWorld(t, holdfasttest.Open(t, holdfasttest.Through(t, address, w)))
	least := int64(1000)
	for range 6 { // each connection prepares its statements first
		token := world.Authorize("12.00")
		before := w.Turns.Load()
		_, err := world.Processor.Reserve(t.Context(), world.Shop, holdfast.ReserveRequest{
			SenderTokenID: token, TransactionAmount: holdfasttest.USD("12.00"), CallerReference: holdfast.CallerReference(token),
		})
		if err != nil {
			t.Fatal(err)
		}
		least = min(least, w.Turns.Load()-before)
	}
	if least != 4 {
		t.Errorf("it took %d round trips, want 4", least)
	}
}
