package shop_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/shop"
)

func TestHoldAnswerLost(t *testing.T) {
	st := newStage(t)
	id := st.order("mug")
	st.approve(id)
	st.way.set(func(y *way) { y.lose["hold"] = 2 })
	st.want(st.back(id), http.StatusOK, `id="thank-you"`, "makes the same call again")
	st.wantState(id, shop.Reserving)

	st.restart() // the job is on disk
	st.pass(time.Minute)
	st.work()
	st.wantState(id, shop.Reserving)
	st.work()
	st.wantState(id, shop.ToShip)
	holds := 0
	for _, err := range st.other().Holds(t.Context(), client.HoldFilter{Reference: string(id)}) {
		if err != nil {
			t.Fatal(err)
		}
		holds++
	}
	if holds != 1 {
		t.Errorf("%d holds were made, want one", holds)
	}
}

// The bank does not answer in time. An event tells what it says in the end.
func TestHoldPending(t *testing.T) {
	for verdict, want := range map[holdfast.StatusCode]shop.OrderState{"": shop.ToShip, "TransactionDenied": shop.PaymentFailed} {
		st := newStage(t)
		st.world.Network.Next(holdfasttest.Reply{Deaf: true})
		id := st.order("mug")
		st.approve(id)
		st.want(st.back(id), http.StatusOK, "has not answered")
		st.wantState(id, shop.Pending)
		st.catchUp()
		st.wantState(id, shop.Pending)
		st.world.Network.Next(holdfasttest.Reply{Decline: verdict})
		st.answered()
		st.wantState(id, want)
	}
}

// answered lets the card network answer the open questions.
func (st *stage) answered() {
	st.Helper()
	st.pass(15 * time.Minute)
	if _, err := st.world.Processor.Resolve(st.Context()); err != nil {
		st.Fatal(err)
	}
	st.catchUp()
}

func TestHoldDeclined(t *testing.T) {
	st := newStage(t)
	st.world.Network.Next(holdfasttest.Reply{Decline: "InactiveInstrument"})
	id := st.order("mug")
	st.approve(id)
	st.want(st.back(id), http.StatusOK, "has expired", `id="pay-again"`)
	st.wantState(id, shop.PaymentFailed)
	st.want(st.get("/cart"), http.StatusOK, "Morning mug")
	if again := st.sent(st.post("/orders/" + string(id) + "/again")); again == id {
		t.Error("the second try has the first one's reference")
	}
}

func TestHoldRefused(t *testing.T) {
	for code, want := range map[client.Code]shop.OrderState{
		"token_not_active":    shop.PaymentFailed,
		"reference_in_use":    shop.PaymentFailed,
		"service_unavailable": shop.Reserving, // its job asks again
		"key_revoked":         shop.Reserving, // continues when the key is replaced
	} {
		t.Run(string(code), func(t *testing.T) {
			st := newStage(t)
			id := st.order("mug")
			st.approve(id)
			st.way.set(func(y *way) { y.refuse["hold"] = code })
			st.back(id)
			st.wantState(id, want)
		})
	}
}

// An answer about the hold of somebody else is not believed.
func TestForeignHold(t *testing.T) {
	st := newStage(t)
	id, other := st.paid("mug"), st.paid("mug")
	_, err := st.shop.Database().ExecContext(t.Context(), `UPDATE orders SET hold_id = 'moved' WHERE order_id = ?`, other)
	if err != nil {
		t.Fatal(err)
	}
	_, err = st.shop.Database().ExecContext(t.Context(), `UPDATE orders SET hold_id = ? WHERE order_id = ?`,
		st.load(id).HoldID, other)
	if err == nil {
		t.Error("two orders have one hold")
	}
	foreign := st.world.Reserved("32.00", "another program's order")
	_, err = st.shop.Database().ExecContext(t.Context(), `UPDATE orders SET hold_id = ? WHERE order_id = ?`, foreign.ID, other)
	if err != nil {
		t.Fatal(err)
	}
	st.want(st.post(bench(other, "ship")), http.StatusConflict, "Not shipped", "was not made for this order")
	st.wantState(other, shop.ToShip)
	st.world.WantState(foreign.ID, payment.Reserved)
}

// With the real job library and a real file, Run alone repairs a lost answer and
// reads the events.
func TestRun(t *testing.T) {
	st := newStage(t)
	id := st.order("mug")
	st.approve(id)
	st.way.set(func(y *way) { y.lose["hold"] = 1 })
	st.back(id)
	st.wantState(id, shop.Reserving)
	if _, err := st.world.Processor.PlaceEvents(t.Context()); err != nil {
		t.Fatal(err)
	}
	worked, stop := st.shop.WorkedJobs()
	defer stop()
	st.due()
	st.run()
	kinds := map[string]bool{}
	for !kinds["hold"] || !kinds["look"] {
		kinds[st.next(worked).Job.Kind] = true
	}
	st.wantState(id, shop.ToShip)
}

// due makes all jobs due by real time, which River counts by. It does so for jobs
// that are added later, too.
func (st *stage) due() {
	st.Helper()
	_, err := st.shop.Database().ExecContext(context.Background(), `
		UPDATE river_job SET scheduled_at = '2020-01-01 00:00:00', state = 'available' WHERE state <> 'running';
		CREATE TRIGGER due AFTER INSERT ON river_job BEGIN
			UPDATE river_job SET scheduled_at = '2020-01-01 00:00:00', state = 'available' WHERE id = NEW.id;
		END`)
	if err != nil {
		st.Fatal(err)
	}
}
