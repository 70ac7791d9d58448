package processor_test

import (
	"errors"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// limit sets the amount above which the shop needs a second member; empty means none.
func (s staff) limit(value string) {
	s.T.Helper()
	_, err := s.Processor.ChangeCaller(s.T.Context(), s.Shop.ID, func(c party.Caller) (party.Caller, error) {
		if c.ApproveAbove = (money.Amount{}); value != "" {
			c.ApproveAbove = holdfasttest.USD(value)
		}
		return c, nil
	})
	if err != nil {
		s.T.Fatal(err)
	}
}

// refused asks for the approval of a call that was refused.
func (s staff) refused(err error, a party.Approval, w processor.Wanted) party.Approval {
	s.T.Helper()
	needed, ok := errors.AsType[*processor.ApprovalNeededError](err)
	if !ok {
		s.T.Fatalf("%v, want that an approval is needed", err)
	}
	a.Caller, a.Amount = s.Shop.ID, needed.Amount
	a, err = s.Processor.AskApproval(s.T.Context(), needed.Call, a, w)
	if err != nil {
		s.T.Fatal(err)
	}
	return a
}

// A refund that asks for an approval and is repeated without the limit pays back once, in
// both orders.
func TestAnApprovalAndItsCallActOnce(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		s := newStaff(w)
		for _, member := range []party.ID{s.owner.ID, ""} {
			for _, approvedFirst := range []bool{true, false} {
				s.limit("50.00")
				key := "key-" + string(member) + map[bool]string{true: "-approved", false: "-repeated"}[approvedFirst]
				r := w.Reserved("130.00", holdfast.CallerReference("order-"+key))
				if _, err := w.Settle(r.ID, ""); err != nil {
					t.Fatal(err)
				}
				repeat := func(value string) error {
					wish := processor.RefundHold{Hold: r.ID, Amount: holdfasttest.USD(value)}
					_, err := s.Processor.RefundHold(t.Context(), s.Shop, s.by(member, key, wish), wish)
					return err
				}
				a := s.refused(repeat("60.00"), party.Approval{Action: party.ApproveRefund, Object: string(r.ID)},
					processor.Wanted{Hold: true})
				if repeat("1.00") == nil {
					t.Error("another refund has the key of one that waits")
				}
				s.limit("")
				state := party.ApprovalApproved
				if approvedFirst {
					if err := errors.Join(s.approve(a, s.finance.ID), repeat("60.00")); err != nil {
						t.Error(err)
					}
				} else {
					if err := repeat("60.00"); err != nil {
						t.Error(err)
					}
					wantErr(w, "approved afterwards", s.approve(a, s.finance.ID), party.ErrApprovalDecided)
					state = party.ApprovalUnneeded
				}
				if got := w.Transaction(r.ID).Refunded; got != holdfasttest.USD("60.00") {
					t.Errorf("%s: refunded are %v", key, got)
				}
				if err := w.DB.View(t.Context(), func(tx *store.ReadTx) error {
					kept, _, err := tx.Approval(s.Shop.ID, a.ID)
					if kept.State != state {
						t.Errorf("%s: the approval is %s, want %s", key, kept.State, state)
					}
					return err
				}); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// An approved settle is named after the idempotency key of the call that asked.
func TestAnApprovedSettleKeepsItsReference(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		s := newStaff(w)
		r := w.Reserved("100.00", "order-1")
		a := s.refused(s.settle("", r.ID, "60.00", "parcel-1"),
			party.Approval{Action: party.ApproveSettle, Object: string(r.ID)}, processor.Wanted{})
		all, err := s.Processor.Approve(t.Context(), s.Shop, a.ID, s.owner.ID)
		if err != nil || len(all) != 1 || all[0].Reference != holdfast.CallerReference("parcel-1") {
			t.Errorf("the payments are %+v, %v", all, err)
		}
	})
}
