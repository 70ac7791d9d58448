package processor_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// toldOfApprovals are the letters about approvals that were written to some parties.
func toldOfApprovals(box *holdfasttest.Postbox, parties ...party.Party) (all []string) {
	for _, p := range parties {
		for _, n := range box.To(p.Email) {
			all = append(all, p.Name+" "+string(n.About)+" "+string(n.Approval.State)+" "+n.Approval.Amount.Decimal()+" by "+
				n.Member+" for "+n.Reference)
		}
	}
	return all
}

// Everybody who may approve gets one letter, and nobody else. The member who has asked
// gets the decision.
func TestLettersAboutApprovals(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		s := newStaff(w) // finance refunds up to 80.00
		m := holdfasttest.Members{World: w}
		support, ofServer := m.Add(party.RoleSupport, w.Shop.ID), m.Add(party.RoleOperator, "")
		elsewhere := m.Add(party.RoleOwner, w.OtherShop().ID)
		m.Appoint(s.owner.ID, party.RoleOwner, "") // two memberships, one letter
		gone := m.Add(party.RoleFinance, "")
		w.SetStanding(gone.ID, party.Suspended)
		everybody := []party.Party{s.owner, s.finance, s.packer, support, ofServer, elsewhere, gone}
		box := w.Mailing()
		r := w.Reserved("90.00", "order-1")

		a := s.ask(party.ApproveSettle, s.packer.ID, r.ID, "90.00")
		s.ask(party.ApproveSettle, s.packer.ID, r.ID, "90.00") // a double click
		asked := " approval-asked Asked 90.00 by " + s.packer.Email + " for order-1"
		want := []string{s.owner.Name + asked, s.finance.Name + asked, ofServer.Name + asked}
		if diff := cmp.Diff(want, toldOfApprovals(box, everybody...)); diff != "" {
			t.Fatal(diff)
		}
		if n := box.Last(s.owner.Email, party.NoticeApprovalAsked); n.Caller != w.Shop.Name || n.Link != "" ||
			n.Approval.ID != a.ID {
			t.Errorf("the letter is %+v", n)
		}
		if err := s.approve(a, s.finance.ID); err != nil {
			t.Fatal(err)
		}
		want = append(want, s.packer.Name+" approval-decided Approved 90.00 by "+s.finance.Email+" for order-1")
		if diff := cmp.Diff(want,
			toldOfApprovals(box, s.owner, s.finance, ofServer, s.packer, support, elsewhere)); diff != "" {
			t.Error(diff)
		}

		// Finance may not approve a refund above its own limit.
		b := s.ask(party.ApproveRefund, s.owner.ID, r.ID, "85.00")
		if n := len(box.To(s.finance.Email)); n != 1 {
			t.Errorf("finance has %d letters", n)
		}
		box.Last(ofServer.Email, party.NoticeApprovalAsked)
		if err := s.Processor.DeclineApproval(t.Context(), s.Shop.ID, b.ID, ofServer.ID); err != nil {
			t.Fatal(err)
		}
		if n := box.Last(s.owner.Email, party.NoticeApprovalDecided); n.Approval.State != party.ApprovalDeclined {
			t.Errorf("the letter is %+v", n)
		}
		// A member who withdraws gets no letter about it.
		before := len(box.To(s.owner.Email))
		c := s.ask(party.ApproveRefund, s.owner.ID, r.ID, "84.00")
		if err := s.Processor.DeclineApproval(t.Context(), s.Shop.ID, c.ID, s.owner.ID); err != nil {
			t.Fatal(err)
		}
		if n := len(box.To(s.owner.Email)); n != before {
			t.Errorf("the owner has %d letters more", n-before)
		}
	})
}

// A member who was removed from a caller gets no letter about it, even as a member of
// another caller.
func TestRemovedAskersGetNoLetter(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		s := newStaff(w)
		members := holdfasttest.Members{World: w}
		members.Appoint(s.packer.ID, party.RoleOwner, w.OtherShop().ID)
		box := w.Mailing()
		a := s.ask(party.ApproveSettle, s.packer.ID, w.Reserved("60.00", "order-1").ID, "60.00")
		if err := s.Processor.Identity.RemoveMember(t.Context(), "", s.packer.ID, s.Shop.ID); err != nil {
			t.Fatal(err)
		}
		if err := s.Processor.DeclineApproval(t.Context(), s.Shop.ID, a.ID, s.owner.ID); err != nil {
			t.Fatal(err)
		}
		for _, n := range box.To(s.packer.Email) {
			if n.About == party.NoticeApprovalDecided {
				t.Errorf("a removed member gets %+v", n)
			}
		}
	})
}

// One asker causes letters about at most 20 approvals in an hour.
func TestLettersAboutApprovalsAreBounded(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		s := newStaff(w)
		box := w.Mailing()
		r := w.Reserved("90.00", "order-1")
		askMany := func(first int) {
			for i := range 22 {
				a := s.ask(party.ApproveSettle, s.packer.ID, r.ID, strconv.Itoa(first+i)+".00")
				if err := s.Processor.DeclineApproval(t.Context(), s.Shop.ID, a.ID, s.packer.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		askMany(100)
		if n := len(box.To(s.finance.Email)); n != 20 {
			t.Errorf("there are %d letters in the first hour", n)
		}
		w.Clock.Advance(time.Hour)
		askMany(200)
		if n := len(box.To(s.finance.Email)); n != 40 {
			t.Errorf("there are %d letters in two hours", n)
		}
	})
}

// A letter is durable with the question: an ask that fails writes none.
func TestNoLetterWithoutApproval(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		s := newStaff(w)
		s.Mailing()
		r := w.Reserved("90.00", "order-1")
		_, err := s.Processor.AskApproval(t.Context(), s.by(s.finance.ID, "form-1", nil), party.Approval{
			Caller: s.Shop.ID, Action: party.ApproveRefund, Object: string(r.ID), Amount: holdfasttest.USD("81.00"),
		}, processor.Wanted{})
		if err == nil {
			t.Error("finance asks for more than its limit")
		}
		if err := w.DB.View(t.Context(), func(tx *store.ReadTx) error {
			mails, err := tx.Mails("", 10)
			for _, m := range mails {
				if m.Subject == string(party.NoticeApprovalAsked) {
					t.Errorf("there is a mail to %s", m.To)
				}
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// A command above the limit moves nothing. A member approves what it asks for; a command
// can decline it, and cannot approve.
func TestCommandsAboveTheLimit(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		s := newStaff(w)
		box := w.Mailing()
		small, r := w.Reserved("50.00", "order-1"), w.Reserved("60.00", "order-2")
		if err := s.settle("", small.ID, "", "key-1"); err != nil {
			t.Errorf("at the limit: %v", err)
		}
		err := s.settle("", r.ID, "", "key-2")
		if _, needed := err.(*processor.ApprovalNeededError); !needed { //nolint:errorlint // it is not wrapped
			t.Fatalf("above the limit: %v", err)
		}
		w.WantState(r.ID, payment.Reserved)
		ask := func(key string) party.Approval {
			t.Helper()
			a, err := s.Processor.AskApproval(t.Context(), s.by("", key, nil), party.Approval{
				Caller: s.Shop.ID, Action: party.ApproveSettle, Object: string(r.ID), Amount: holdfasttest.USD("60.00"),
			}, processor.Wanted{By: "ann", Reference: "parcel-1"})
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		declined := ask("key-2")
		if n := box.Last(s.packer.Email, party.NoticeApprovalAsked); n.Member != "" {
			t.Errorf("a command asks in the name of %q", n.Member)
		}
		wantErr(w, "a command approves", s.approve(declined, ""), party.ErrOwnApproval)
		if err := s.Processor.DeclineApproval(t.Context(), s.Shop.ID, declined.ID, ""); err != nil {
			t.Fatal(err)
		}
		a := ask("key-3")
		if err := s.approve(a, s.packer.ID); err != nil {
			t.Fatal(err)
		}
		w.WantState(r.ID, payment.Success)
		if got := w.Transaction(r.ID); got.ID != r.ID {
			t.Errorf("the hold is %+v", got)
		}
		if again := ask("key-3"); again.ID != a.ID || again.State != party.ApprovalApproved {
			t.Errorf("the same command again gets %+v", again)
		}
	})
}

// Keys have limits of their own: they need no second person.
func TestKeysNeedNoSecondPerson(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		s := newStaff(w)
		r := w.Reserved("60.00", "order-1")
		key, _ := w.JSONKey(s.Shop, processor.NewKey{Scopes: party.Scopes(party.ScopeSettle)})
		wish := processor.SettleHold{Hold: r.ID}
		if _, err := s.Processor.SettleHold(t.Context(), s.Shop, w.CallWith(key, "key-1", "POST /v1/x", wish),
			wish); err != nil {
			t.Error(err)
		}
		w.WantState(r.ID, payment.Success)
	})
}
