package processor_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A calledRequest is a request with its call, as it is sent to another process.
type calledRequest[R any] struct {
	Call    processor.Call
	Request R
}

func called[R any](
	do func(*processor.Processor, context.Context, party.Caller, *processor.Call, R) (payment.Transaction, error),
) func(*processor.Processor, context.Context, party.Caller, []byte) (payment.Transaction, error) {
	return func(
		p *processor.Processor, ctx context.Context, caller party.Caller, text []byte,
	) (payment.Transaction, error) {
		var r calledRequest[R]
		if err := json.Unmarshal(text, &r); err != nil {
			return payment.Transaction{}, err
		}
		return do(p, ctx, caller, &r.Call, r.Request)
	}
}

// callOf is a request with a call of its own, as it is sent to another process.
func callOf[R any](w *holdfasttest.World, action string, r R) []byte {
	w.T.Helper()
	return encode(w, calledRequest[R]{*w.Call("r", action, r), r})
}

// callActions are the actions of the JSON API that make a transaction.
var callActions = []moneyAction{
	{
		name: "CreateHold", verb: "CreateHold", step: payment.StepAuthorize, ends: payment.Reserved, keyed: true,
		prepare: func(w *holdfasttest.World) ready {
			right := processor.CreateHold{Token: w.Authorize("42.50"), Amount: holdfasttest.USD("42.50")}
			less, more := right, right
			less.Amount, more.Amount = holdfasttest.USD("42.49"), holdfasttest.USD("42.51")
			const action = "POST /v1/holds"
			return ready{
				request: callOf(w, action, right), other: callOf(w, action, less), refused: callOf(w, action, more),
				refusal: holdfast.IncompatibleTokens,
			}
		},
	},
	{
		name: "CreatePayment", verb: "CreatePayment", step: payment.StepCharge, ends: payment.Success, keyed: true,
		prepare: func(w *holdfasttest.World) ready {
			right := processor.CreateHold{Token: w.Authorize("42.50"), Amount: holdfasttest.USD("42.50")}
			less, more := right, right
			less.Amount, more.Amount = holdfasttest.USD("42.49"), holdfasttest.USD("42.51")
			const action = "POST /v1/payments"
			return ready{
				request: callOf(w, action, right), other: callOf(w, action, less), refused: callOf(w, action, more),
				refusal: holdfast.IncompatibleTokens,
			}
		},
	},
	{
		name: "RaiseHold", verb: "RaiseHold", step: payment.StepAuthorize, ends: payment.Reserved, keyed: true,
		prepare: func(w *holdfasttest.World) ready {
			root := heldWith(w, w.Authorize("50.00"), "42.50")
			right := processor.RaiseHold{Hold: root.ID, Amount: holdfasttest.USD("7.50")}
			less, more := right, right
			less.Amount, more.Amount = holdfasttest.USD("7.49"), holdfasttest.USD("7.51")
			action := "POST /v1/holds/" + string(root.ID) + "/raise"
			return ready{
				request: callOf(w, action, right), other: callOf(w, action, less), refused: callOf(w, action, more),
				refusal: holdfast.IncompatibleTokens,
			}
		},
	},
	{
		name: "RenewHold", verb: "RenewHold", step: payment.StepAuthorize, ends: payment.Reserved, keyed: true,
		prepare: func(w *holdfasttest.World) ready {
			root, other := heldWith(w, lasting(w, "42.50", 1), "42.50"), heldWith(w, lasting(w, "9.00", 1), "9.00")
			right := processor.RenewHold{Hold: root.ID}
			another, wrong := right, right
			another.Hold, wrong.Hold = other.ID, heldWith(w, w.Authorize("1.00"), "1.00").ID
			action := "POST /v1/holds/" + string(root.ID) + "/renew"
			return ready{
				request: callOf(w, action, right), other: callOf(w, action, another), refused: callOf(w, action, wrong),
				refusal: holdfast.InvalidTokenType, about: root.ID,
			}
		},
	},
	{
		name: "RefundPayment", verb: "RefundPayment", step: payment.StepReturn, ends: payment.Success, keyed: true,
		prepare: func(w *holdfasttest.World) ready {
			right := processor.RefundPayment{Payment: w.Paid("42.50", "order").ID, Amount: holdfasttest.USD("10.00")}
			less, more := right, right
			less.Amount, more.Amount = holdfasttest.USD("9.99"), holdfasttest.USD("42.51")
			action := "POST /v1/payments/" + string(right.Payment) + "/refunds"
			return ready{
				request: callOf(w, action, right), other: callOf(w, action, less), refused: callOf(w, action, more),
				refusal: holdfast.RefundAmountExceeded,
			}
		},
	},
	{
		name: "SettleHold", verb: "SettleHoldByCall", step: payment.StepCapture, ends: payment.Success, keyed: true,
		prepare: func(w *holdfasttest.World) ready {
			right := processor.SettleHold{Hold: w.Reserved("42.50", "order").ID, Amount: holdfasttest.USD("10.00")}
			less, more := right, right
			less.Amount, more.Amount = holdfasttest.USD("9.99"), holdfasttest.USD("42.51")
			action := "POST /v1/holds/" + string(right.Hold) + "/settle"
			return ready{
				request: callOf(w, action, right), other: callOf(w, action, less), refused: callOf(w, action, more),
				refusal: holdfast.SettleAmountGreaterThanReserveAmount,
			}
		},
	},
}

// firstOf is an action whose answer is the first of its transactions.
func firstOf[R any](
	do func(*processor.Processor, context.Context, party.Caller, *processor.Call, R) ([]payment.Transaction, error),
) func(*processor.Processor, context.Context, party.Caller, *processor.Call, R) (payment.Transaction, error) {
	return func(
		p *processor.Processor, ctx context.Context, caller party.Caller, c *processor.Call, r R,
	) (payment.Transaction, error) {
		all, err := do(p, ctx, caller, c, r)
		if err != nil {
			return payment.Transaction{}, err
		}
		return all[0], nil
	}
}

// underWay is the state of an action's transaction while the network is asked.
func (a moneyAction) underWay() payment.State {
	if a.step == payment.StepCapture {
		return payment.Settling
	}
	return payment.Pending
}

func TestIdempotencyOfCalls(t *testing.T) {
	for _, action := range callActions {
		for situation, test := range map[string]func(*testing.T, *holdfasttest.World, moneyAction, ready){
			"first, and again":                again,
			"concurrent":                      concurrent,
			"after in doubt":                  afterDoubt,
			"other body":                      otherBody,
			"other action":                    otherAction,
			"after a refusal":                 callAfterRefusal,
			"with an outcome that is pending": callWhilePending,
			"after a year":                    callAfterYear,
			"on a server that was restarted":  callAfterRestart,
		} {
			t.Run(action.name+", "+situation, func(t *testing.T) {
				t.Parallel()
				story(t, func(w *holdfasttest.World) {
					test(w.T.(*testing.T), w, action, action.prepare(w))
					w.CheckBooks()
				})
			})
		}
	}
}

// wantCallCode fails the test unless err is a CallError with a code and fields.
func wantCallCode(w *holdfasttest.World, err error, code payment.CallCode, fields ...string) {
	w.T.Helper()
	if refused, ok := errors.AsType[*payment.CallError](err); !ok || refused.Code != code {
		w.T.Errorf("refused with %v, want %s", err, code)
	} else if !slices.Equal(refused.Fields, fields) {
		w.T.Errorf("the fields are %q, want %q", refused.Fields, fields)
	}
}

// differs is the field in which the other request of a call differs.
func (a moneyAction) differs() string {
	if a.verb == "RenewHold" {
		return "/Hold"
	}
	return "/Amount/Micro"
}

func otherBody(_ *testing.T, w *holdfasttest.World, a moneyAction, r ready) {
	before := w.Network.Effects()
	first := a.done(w, r)
	_, err := a.ask(w, r.other)
	wantCallCode(w, err, payment.CallKeyReused, a.differs())
	a.repeated(w, r, first)
	a.once(w, before, first.ID)
}

func otherAction(_ *testing.T, w *holdfasttest.World, a moneyAction, r ready) {
	before := w.Network.Effects()
	first := a.done(w, r)
	elsewhere := strings.Replace(string(r.request), `"POST /v1/`, `"POST /v2/`, 1)
	_, err := a.ask(w, []byte(elsewhere))
	wantCallCode(w, err, payment.CallKeyReused)
	a.repeated(w, r, first)
	a.once(w, before, first.ID)
}

// A refused call leaves no trace: its key is free for the same and for a
// corrected body.
func callAfterRefusal(t *testing.T, w *holdfasttest.World, a moneyAction, r ready) {
	before := w.Network.Effects()
	for range 2 {
		_, err := a.ask(w, r.refused)
		w.WantCode(err, r.refusal)
	}
	if after := w.Network.Effects(); len(after) != len(before) {
		t.Errorf("the network was asked: %v", after[len(before):])
	}
	first := a.done(w, r)
	a.repeated(w, r, first)
	_, err := a.ask(w, r.refused)
	wantCallCode(w, err, payment.CallKeyReused, a.differs())
	a.once(w, before, first.ID)
}

func callWhilePending(t *testing.T, w *holdfasttest.World, a moneyAction, r ready) {
	before := w.Network.Effects()
	answers := make(chan struct{})
	w.Network.Next(holdfasttest.Reply{Step: a.step, Wait: answers})
	first, err := unanswered(w, func() (payment.Transaction, error) { return a.ask(w, r.request) })
	if err != nil || first.State != a.underWay() {
		t.Fatalf("first: %s, %v", first.State, err)
	}
	a.repeated(w, r, first)
	_, err = a.ask(w, r.other)
	wantCallCode(w, err, payment.CallKeyReused, a.differs())
	close(answers)
	decided(w, first.ID, a.step)
	w.WantState(first.ID, a.ends)
	a.repeated(w, r, first)
	a.once(w, before, first.ID)
}

// Calls are kept for good, and longer than their references.
func callAfterYear(t *testing.T, w *holdfasttest.World, a moneyAction, r ready) {
	before := w.Network.Effects()
	first := a.done(w, r)
	w.Clock.Advance(365 * 24 * time.Hour)
	next, err := a.ask(w, r.request)
	want := w.Transaction(first.ID).AsOf(w.CallerNow())
	if err != nil || next.ID != first.ID || next.State != want.State {
		t.Errorf("a year later: %s %s, %v; want %s %s", next.ID, next.State, err, first.ID, want.State)
	}
	a.once(w, before, first.ID)
}

func callAfterRestart(t *testing.T, w *holdfasttest.World, a moneyAction, r ready) {
	before := w.Network.Effects()
	w.Network.Next(holdfasttest.Reply{Step: a.step, Deaf: true})
	first, err := unanswered(w, func() (payment.Transaction, error) { return a.ask(w, r.request) })
	if err != nil || first.State != a.underWay() {
		t.Fatalf("first: %s, %v", first.State, err)
	}
	w.Processor.Close()
	next := processor.New(w.DB, w.Processor.Config)
	w.Processor = next
	t.Cleanup(next.Close)
	a.repeated(w, r, first)
	later(w)
	decided(w, first.ID, a.step)
	w.WantState(first.ID, a.ends)
	a.repeated(w, r, first)
	a.once(w, before, first.ID)
}

// Two calls with the same key at the same moment make one transaction, also on two
// servers.
func TestTheSameCallOnTwoServers(t *testing.T) {
	for _, action := range callActions {
		for name, address := range holdfasttest.Addresses(t) {
			t.Run(action.name+" on "+name, func(t *testing.T) {
				t.Parallel()
				at := address(t)
				w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
				other := processor.New(holdfasttest.Open(t, at), w.Processor.Config)
				t.Cleanup(other.Close)
				callOnServers(w, action, w.Processor, other)
				w.CheckBooks()
			})
		}
	}
}

func callOnServers(w *holdfasttest.World, a moneyAction, servers ...*processor.Processor) {
	w.T.Helper()
	ready := a.prepare(w)
	before := w.Network.Effects()
	ids, errs := make([]holdfast.TransactionID, racers), make([]error, racers)
	var asking sync.WaitGroup
	for i := range racers {
		asking.Go(func() {
			answer, err := verbs[a.verb](servers[i%len(servers)], w.T.Context(), w.Shop, ready.request)
			ids[i], errs[i] = answer.ID, err
		})
	}
	asking.Wait()
	if err := errors.Join(errs...); err != nil {
		w.T.Fatal(err)
	}
	if slices.Sort(ids); ids[0] != ids[racers-1] {
		w.T.Fatalf("the answers are about %v", slices.Compact(ids))
	}
	decided(w, ids[0], a.step)
	a.once(w, before, ids[0])
}

// createHold asks for a hold of the shop with a call.
func createHold(w *holdfasttest.World, c *processor.Call, h processor.CreateHold) (payment.Transaction, error) {
	w.T.Helper()
	return w.Processor.CreateHold(w.T.Context(), w.Shop, c, h)
}

// hold is a request for a hold with a new token.
func hold(w *holdfasttest.World, amount string) processor.CreateHold {
	w.T.Helper()
	return processor.CreateHold{Token: w.Authorize(amount), Amount: holdfasttest.USD(amount)}
}

func TestTheReferenceOfACall(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		h := hold(w, "10.00")
		first, err := createHold(w, w.Call("key-1", "POST /v1/holds", h), h)
		if err != nil || first.Reference != "key-1" {
			t.Fatalf("a hold without a reference has %q, %v", first.Reference, err)
		}
		// FPS programs see the same transaction. The same Reserve is the same request.
		same, err := w.Reserve(h.Token, "10.00", "key-1")
		if err != nil || same.ID != first.ID {
			t.Errorf("the same Reserve: %s, %v", same.ID, err)
		}
		_, err = w.Reserve(h.Token, "9.00", "key-1")
		w.WantCode(err, holdfast.DuplicateRequest)

		h = hold(w, "10.00")
		h.Reference = "key-1" // of the first hold
		_, err = createHold(w, w.Call("key-2", "POST /v1/holds", h), h)
		wantCallCode(w, err, payment.CallReferenceInUse, "/reference")
		h.Reference = "order-2"
		second, err := createHold(w, w.Call("key-2", "POST /v1/holds", h), h)
		if err != nil || second.Reference != "order-2" {
			t.Errorf("a hold has the reference %q, %v", second.Reference, err)
		}
		// A reference of FPS is in use, too, also for the identical request.
		reserved := w.Reserved("10.00", "order-3")
		h = processor.CreateHold{Token: reserved.Token, Amount: reserved.Amount, Reference: "order-3"}
		_, err = createHold(w, w.Call("key-3", "POST /v1/holds", h), h)
		wantCallCode(w, err, payment.CallReferenceInUse, "/reference")
		w.Clock.Advance(payment.ReferenceLife)
		h.Token = w.Authorize("10.00")
		if _, err = createHold(w, w.Call("key-3", "POST /v1/holds", h), h); err != nil {
			t.Errorf("after seven days: %v", err)
		}
		w.CheckBooks()
	})
}

// Two callers may use the same idempotency key, and neither may use a key of the
// other.
func TestCallsOfTwoCallers(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		h := hold(w, "10.00")
		first, err := createHold(w, w.Call("key", "POST /v1/holds", h), h)
		if err != nil {
			t.Fatal(err)
		}
		other := w.OtherShop()
		foreign := w.Call("another", "POST /v1/holds", h)
		if _, err := w.Processor.CreateHold(t.Context(), other, foreign, h); !errors.Is(err, party.ErrKeyUnknown) {
			t.Errorf("with a key of another caller: %v", err)
		}
		key, _ := w.JSONKey(other, processor.NewKey{})
		_, err = w.Processor.CreateHold(t.Context(), other, w.CallWith(key, "key", "POST /v1/holds", h), h)
		w.WantCode(err, holdfast.IncompatibleTokens) // not the first caller's hold
		again, err := createHold(w, w.Call("key", "POST /v1/holds", h), h)
		if err != nil || again.ID != first.ID {
			t.Errorf("again: %s, %v", again.ID, err)
		}
	})
}

func TestTheDeadlineOfACall(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		now := w.CallerNow()
		for i, ahead := range []time.Duration{time.Minute, 90*time.Second + time.Microsecond, payment.ReserveLifeMax} {
			h := hold(w, "10.00")
			h.Deadline = now.Add(ahead)
			made, err := createHold(w, w.Call(fmt.Sprint("key-", i), "POST /v1/holds", h), h)
			if err != nil || !made.Deadline.Equal(h.Deadline) || !w.Transaction(made.ID).Deadline.Equal(h.Deadline) {
				t.Errorf("a hold until %v lasts until %v, %v", h.Deadline, made.Deadline, err)
			}
		}
		h := hold(w, "10.00")
		h.Deadline = now.Add(payment.ReserveLifeMax + time.Microsecond)
		_, err := createHold(w, w.Call("late", "POST /v1/holds", h), h)
		wantCallCode(w, err, payment.CallDeadlineInvalid, "/deadline")
		h.Deadline = now.Add(time.Hour)
		made, err := createHold(w, w.Call("late", "POST /v1/holds", h), h)
		if err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(2 * time.Hour)
		again, err := createHold(w, w.Call("late", "POST /v1/holds", h), h)
		if err != nil || again.ID != made.ID || again.State != payment.Cancelled {
			t.Errorf("after its deadline: %s %s, %v", again.ID, again.State, err)
		}
	})
}

func TestTheMetadataOfACall(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		kept := func(id holdfast.TransactionID) (m payment.Metadata) {
			if err := w.DB.View(t.Context(), func(tx *store.ReadTx) error {
				all, err := tx.Metadata(w.Shop.ID, "unknown", string(id))
				m = all[string(id)]
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return m
		}
		h := hold(w, "10.00")
		c := w.Call("key", "POST /v1/holds", h)
		c.Metadata = payment.Metadata{"order": strings.Repeat("9", 501)}
		_, err := createHold(w, c, h)
		wantCallCode(w, err, payment.CallMetadataInvalid, "/metadata/order")
		c.Metadata = payment.Metadata{"order": "1 \" & 2", "née": "日本"}
		first, err := createHold(w, c, h)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.Metadata, kept(first.ID)); diff != "" {
			t.Errorf("kept (-want +got):\n%s", diff)
		}
		plain := hold(w, "10.00")
		second, err := createHold(w, w.Call("plain", "POST /v1/holds", plain), plain)
		if err != nil || len(kept(second.ID)) > 0 {
			t.Errorf("a hold without metadata has %v, %v", kept(second.ID), err)
		}
	})
}
