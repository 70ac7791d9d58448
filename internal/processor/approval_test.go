package processor_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// staff are members of the shop, which needs a second member above 50.00.
type staff struct {
	*holdfasttest.World
	owner, finance, packer party.Party
}

func newStaff(w *holdfasttest.World) staff {
	w.T.Helper()
	m := holdfasttest.Members{World: w}
	s := staff{
		World: w, owner: m.Add(party.RoleOwner, w.Shop.ID), packer: m.Add(party.RolePacker, w.Shop.ID),
		finance: m.AddLimited(party.RoleFinance, w.Shop.ID, holdfasttest.USD("80.00")),
	}
	_, err := w.Processor.ChangeCaller(w.T.Context(), w.Shop.ID, func(c party.Caller) (party.Caller, error) {
		c.ApproveAbove = holdfasttest.USD("50.00")
		return c, nil
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return s
}

// by is the call of a member's form.
func (s staff) by(member party.ID, key string, request any) *processor.Call {
	s.T.Helper()
	call, err := processor.ByPerson(key, "console", request)
	if err != nil {
		s.T.Fatal(err)
	}
	call.Member = member
	return call
}

func (s staff) settle(member party.ID, hold holdfast.TransactionID, value, key string) error {
	r := processor.SettleHold{Hold: hold}
	if value != "" {
		r.Amount = holdfasttest.USD(value)
	}
	_, err := s.Processor.SettleHold(s.T.Context(), s.Shop, s.by(member, key, r), r)
	return err
}

func (s staff) ask(
	action party.ApprovalAction, by party.ID, object holdfast.TransactionID, value string,
) party.Approval {
	s.T.Helper()
	call := s.by(by, "form-"+string(by)+"-"+value, object)
	a, err := s.Processor.AskApproval(s.T.Context(), call, party.Approval{
		Caller: s.Shop.ID, Action: action, Object: string(object), Amount: holdfasttest.USD(value),
	}, processor.Wanted{Hold: true})
	if err != nil {
		s.T.Fatal(err)
	}
	return a
}

func (s staff) approve(a party.Approval, by party.ID) error {
	_, err := s.Processor.Approve(s.T.Context(), s.Shop, a.ID, by)
	return err
}

// The amount that a settle takes counts, also if none was typed.
func TestAboveTheLimitASecondMemberApproves(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		s := newStaff(w)
		r := w.Reserved("60.00", "order-1")
		if err := s.settle(s.packer.ID, w.Reserved("50.00", "order-2").ID, "", "key-1"); err != nil {
			t.Errorf("at the limit: %v", err)
		}
		needed, ok := errors.AsType[*processor.ApprovalNeededError](s.settle(s.packer.ID, r.ID, "", "key-2"))
		if !ok || needed.Amount != holdfasttest.USD("60.00") {
			t.Fatalf("above the limit: %v", needed)
		}
		w.WantState(r.ID, payment.Reserved)
		a := s.ask(party.ApproveSettle, s.packer.ID, r.ID, "60.00")
		if again := s.ask(party.ApproveSettle, s.packer.ID, r.ID, "60.00"); again.ID != a.ID {
			t.Error("a form that was sent twice asks twice")
		}
		wantErr(w, "the same member", s.approve(a, s.packer.ID), party.ErrOwnApproval)
		wantErr(w, "a stranger", s.approve(a, w.Buyer.ID), identity.ErrNotAllowed)
		w.WantCode(s.approve(party.Approval{ID: "Q9"}, s.owner.ID), holdfast.InvalidParams)
		w.WantState(r.ID, payment.Reserved)
		if err := s.approve(a, s.owner.ID); err != nil {
			t.Fatal(err)
		}
		w.WantState(r.ID, payment.Success)
		if again := s.ask(party.ApproveSettle, s.packer.ID, r.ID, "60.00"); again.ID != a.ID ||
			again.State != party.ApprovalApproved {
			t.Errorf("a form that was sent again after the decision asks for %+v", again)
		}
		wantErr(w, "once more", s.approve(a, s.finance.ID), party.ErrApprovalDecided)
		wantErr(w, "declined afterwards",
			s.Processor.DeclineApproval(t.Context(), s.Shop.ID, a.ID, s.owner.ID), party.ErrApprovalDecided)
	})
}

// The asking member and the approving one need the permission when it is carried out.
func TestApprovalsNeedBothMembers(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		s := newStaff(w)
		r := w.Reserved("60.00", "order-1")
		a := s.ask(party.ApproveSettle, s.packer.ID, r.ID, "60.00")
		if err := s.Processor.Identity.RemoveMember(t.Context(), "", s.packer.ID, s.Shop.ID); err != nil {
			t.Fatal(err)
		}
		wantErr(w, "the asking member is gone", s.approve(a, s.owner.ID), identity.ErrNotAllowed)
		wantErr(w, "a member that is gone settles", s.settle(s.packer.ID, r.ID, "5.00", "key-1"), identity.ErrNotAllowed)
		w.WantState(r.ID, payment.Reserved)
		if err := s.Processor.DeclineApproval(t.Context(), s.Shop.ID, a.ID, s.owner.ID); err != nil {
			t.Fatal(err)
		}
		wantErr(w, "a declined one", s.approve(a, s.finance.ID), party.ErrApprovalDecided)
		late := s.ask(party.ApproveSettle, s.owner.ID, r.ID, "60.00")
		w.Clock.Advance(party.ApprovalLife)
		wantErr(w, "after a week", s.approve(late, s.finance.ID), party.ErrApprovalOver)
	})
}

// Two members say yes at the same time: the money moves once, and one of them is told
// that the other was first.
func TestTwoMembersApproveAtOnce(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		s := newStaff(w)
		r := w.Reserved("60.00", "order-1")
		a := s.ask(party.ApproveSettle, s.packer.ID, r.ID, "60.00")
		var errs [2]error
		var racing sync.WaitGroup
		for i, by := range []party.ID{s.owner.ID, s.finance.ID} {
			racing.Go(func() { errs[i] = s.approve(a, by) })
		}
		racing.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs[:]...), party.ErrApprovalDecided) {
			t.Errorf("%v and %v, want that one was first", errs[0], errs[1])
		}
		w.WantState(r.ID, payment.Success)
	})
}

// Refunds have the limit of the member, of the asking one and of the approving one.
func TestRefundsOfMembersHaveALimit(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		s := newStaff(w)
		r := w.Reserved("100.00", "order-1")
		if _, err := w.Settle(r.ID, ""); err != nil {
			t.Fatal(err)
		}
		refund := func(member party.ID, value, key string) error {
			wish := processor.RefundHold{Hold: r.ID, Amount: holdfasttest.USD(value)}
			_, err := s.Processor.RefundHold(t.Context(), s.Shop, s.by(member, key, wish), wish)
			return err
		}
		if _, above := errors.AsType[*processor.RefundLimitError](refund(s.finance.ID, "80.01", "key-1")); !above {
			t.Error("finance refunds more than its limit")
		}
		wantErr(w, "a packer refunds", refund(s.packer.ID, "1.00", "key-2"), identity.ErrNotAllowed)
		if err := refund(s.finance.ID, "10.00", "key-3"); err != nil {
			t.Error(err)
		}
		a := s.ask(party.ApproveRefund, s.owner.ID, r.ID, "85.00")
		if _, above := errors.AsType[*processor.RefundLimitError](s.approve(a, s.finance.ID)); !above {
			t.Error("finance approves more than its limit")
		}
		b := s.ask(party.ApproveRefund, s.finance.ID, r.ID, "70.00")
		if err := s.approve(b, s.owner.ID); err != nil {
			t.Error(err)
		}
		if got := w.Transaction(r.ID).Refunded; got != holdfasttest.USD("80.00") {
			t.Errorf("refunded are %v", got)
		}
	})
}
