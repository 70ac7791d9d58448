package client_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// collect reads a list to its end.
func collect[T any](t *testing.T, all func(func(T, error) bool)) (found []T) {
	t.Helper()
	for one, err := range all {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, one)
	}
	return found
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// An order of two parcels, from the hold to a refund, against a real server. Every
// call is made twice, as after a lost answer.
func TestAnOrderOfTwoParcels(t *testing.T) {
	w := newWorld(t)
	ctx, c := t.Context(), w.client
	ask := client.NewHold{
		Token: string(w.Authorize("42.50")), Amount: client.Cents(4250), Reference: "order-1001",
		Metadata: map[string]string{"cart": "8841"},
	}
	hold := must[client.Hold](t)(c.CreateHold(ctx, "order-1001-hold", ask))
	again := must[client.Hold](t)(c.CreateHold(ctx, "order-1001-hold", ask))
	if hold.State != client.HoldHeld || again.ID != hold.ID || hold.Open != client.Cents(4250) ||
		hold.Deadline.IsZero() || hold.Metadata["cart"] != "8841" || len(hold.Members) != 1 {
		t.Errorf("the hold is %+v", hold)
	}
	ask.Amount = client.Cents(4249)
	_, err := c.CreateHold(ctx, "order-1001-hold", ask)
	refused, _ := errors.AsType[*client.Error](err)
	if !client.IsCode(err, client.CodeKeyReused) || refused.Status != http.StatusConflict ||
		len(refused.Faults) != 1 || refused.Faults[0].Pointer != "/amount/amount" {
		t.Errorf("another amount: %+v", err)
	}

	first := client.SettleHold{Amount: client.Cents(1250)}
	settled := must[client.SettledHold](t)(c.SettleHold(ctx, "parcel-1", hold.ID, first))
	twice := must[client.SettledHold](t)(c.SettleHold(ctx, "parcel-1", hold.ID, first))
	if len(settled.Payments) != 1 || settled.Payments[0].State != client.PaidSucceeded ||
		settled.Hold.Open != client.Cents(3000) || twice.Payments[0].ID != settled.Payments[0].ID {
		t.Errorf("the first parcel: %+v", settled)
	}
	rest := must[client.SettledHold](t)(c.SettleHold(ctx, "parcel-2", hold.ID,
		client.SettleHold{Amount: client.Cents(2000), Final: true}))
	if rest.Hold.State != client.HoldSettled || rest.Hold.Settled != client.Cents(3250) ||
		rest.Hold.Released != client.Cents(1000) {
		t.Errorf("the second parcel: %+v", rest)
	}
	refunds := must[[]client.Refund](t)(c.CreateRefund(ctx, "return-1", client.NewRefund{
		Payment: settled.Payments[0].ID, Amount: client.Cents(250),
	}))
	if len(refunds) != 1 || refunds[0].State != client.PaidSucceeded || refunds[0].Amount != client.Cents(250) {
		t.Errorf("the refund: %+v", refunds)
	}
	if holds := collect(t, c.Holds(ctx, client.HoldFilter{Reference: "order-1001"})); len(holds) != 1 ||
		holds[0].ID != hold.ID || holds[0].Refunded != client.Cents(250) {
		t.Errorf("the holds are %+v", holds)
	}
	if payments := collect(t, c.Payments(ctx, client.PaidFilter{Of: hold.ID})); len(payments) != 2 {
		t.Errorf("the payments are %+v", payments)
	}
	if all := collect(t, c.Refunds(ctx, client.PaidFilter{Of: settled.Payments[0].ID})); len(all) != 1 {
		t.Errorf("the refunds are %+v", all)
	}
	w.CheckBooks()
}

// A key may do only what its scopes say.
func TestScopesOfAKey(t *testing.T) {
	w := newWorld(t)
	_, text := w.JSONKey(w.Shop, processor.NewKey{Scopes: "read"})
	c := *w.client
	c.Key = holdfast.NewSecretKey(text)
	_, err := c.CreateHold(t.Context(), "x", client.NewHold{Token: string(w.Authorize("1.00")), Amount: client.Cents(100)})
	if refused, ok := errors.AsType[*client.Error](err); !ok || refused.Status != http.StatusForbidden ||
		refused.Code != client.CodeScopeMissing || refused.Scope != "hold" {
		t.Errorf("the error is %+v", err)
	}
	c.Key = holdfast.NewSecretKey(text + "x")
	if _, err := c.Hold(t.Context(), "1T1"); err == nil {
		t.Error("a wrong key is accepted")
	}
	if _, err := w.client.Hold(t.Context(), "1T1"); !client.IsCode(err, client.CodeNotFound) {
		t.Errorf("an unknown hold: %v", err)
	}
}

// A program reads the feed into its inbox, a page in a transaction. It dies before
// some commits, and begins anew from the cursor that it has kept.
func TestTheFeedOfAServer(t *testing.T) {
	w := newWorld(t)
	const orders = 5
	for i := range orders {
		key := fmt.Sprint("order-", i)
		hold := must[client.Hold](t)(w.client.CreateHold(t.Context(), key, client.NewHold{
			Token: string(w.Authorize("10.00")), Amount: client.Cents(1000),
		}))
		must[client.SettledHold](t)(w.client.SettleHold(t.Context(), key+"-settle", hold.ID, client.SettleHold{}))
	}
	if _, err := w.Processor.PlaceEvents(t.Context()); err != nil {
		t.Fatal(err)
	}
	onDatabases(t, func(t *testing.T, p *program) {
		crashes := 0
		for more := true; more; {
			err := p.in(func(tx *sql.Tx) error {
				after, err := p.inbox.After(t.Context(), tx, "shop")
				if err != nil {
					return err
				}
				page, err := w.client.Events(t.Context(), after, client.EventFilter{})
				if err != nil {
					return err
				}
				more = len(page.Data) > 0
				for _, e := range page.Data {
					if err := p.act(tx, e); err != nil {
						return err
					}
				}
				if crashes++; crashes%2 == 1 {
					more = true
					return errCrash
				}
				return p.inbox.Advance(t.Context(), tx, "shop", page.Next)
			})
			if err != nil && !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
		}
		done := p.done()
		if len(done) < 3*orders || len(slices.Compact(slices.Sorted(slices.Values(done)))) != len(done) {
			t.Errorf("acted on %q", done)
		}
		p.wantOnce(nil)
	})
}
