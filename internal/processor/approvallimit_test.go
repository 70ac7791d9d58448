package processor_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// as is the context of what a member does in the console.
func (s staff) as(p party.Party) context.Context {
	return store.ByActor(s.T.Context(), party.Actor{
		Kind: party.ActorMember, ID: string(p.ID), Name: p.Email, From: "192.0.2.1",
	})
}

// setLimit sends a form of the settings with a limit and a name.
func (s staff) setLimit(by party.Party, key string, to money.Amount, name string) (*party.Approval, error) {
	_, asked, err := s.Processor.ChangeSettings(s.as(by), s.Shop.ID, s.by(by.ID, key, to.String()), func(
		c party.Caller,
	) (party.Caller, error) {
		c.ApproveAbove, c.Name = to, name
		return c, nil
	})
	return asked, err
}

// wantLimit fails the test if the shop has another limit or another name.
func (s staff) wantLimit(about string, limit money.Amount, name string) {
	s.T.Helper()
	err := s.DB.View(s.T.Context(), func(tx *store.ReadTx) error {
		c, _, err := tx.Caller(s.Shop.ID)
		if c.ApproveAbove != limit || c.Name != name {
			s.T.Errorf("%s: the limit of %s is %v, want %v of %s", about, c.Name, c.ApproveAbove, limit, name)
		}
		return err
	})
	if err != nil {
		s.T.Fatal(err)
	}
}

// One owner cannot raise or remove the limit, act, and lower it again. The other settings
// of the same form change at once.
func TestASecondOwnerApprovesAHigherLimit(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		s := newStaff(w)
		second := w.Buyer
		members := holdfasttest.Members{World: w}
		members.Appoint(second.ID, party.RoleOwner, w.Shop.ID)
		box := w.Mailing()
		none, fifty := money.Amount{}, holdfasttest.USD("50.00")

		a, err := s.setLimit(s.owner, "form-1", none, "Kiln")
		if err != nil || a == nil || a.State != party.ApprovalAsked || a.Action != party.ApproveLimit {
			t.Fatalf("removing the limit asks for %+v (%v)", a, err)
		}
		s.wantLimit("removed by one owner", fifty, "Kiln")
		if again, err := s.setLimit(s.owner, "form-1", none, "Kiln"); err != nil || again.ID != a.ID {
			t.Errorf("the same form again asks for %+v (%v)", again, err)
		}
		_, err = s.setLimit(s.owner, "form-1", holdfasttest.USD("70.00"), "Kiln")
		if err == nil {
			t.Error("another form under the same key was accepted")
		}
		for name, change := range map[string]func() error{
			"settings": func() error {
				_, err := w.Processor.ChangeCaller(s.as(s.owner), w.Shop.ID, func(c party.Caller) (party.Caller, error) {
					c.ApproveAbove = holdfasttest.USD("50.01")
					return c, nil
				})
				return err
			},
			"network": func() error {
				_, err := w.Processor.UseNetwork(s.as(s.owner), w.Shop.ID, "", false, func(c party.Caller) (party.Caller, error) {
					c.ApproveAbove = none
					return c, nil
				})
				return err
			},
		} {
			if err := change(); err == nil {
				t.Errorf("a member raises the limit alone with a change of the %s", name)
			}
		}
		wantErr(w, "the same owner", s.approve(*a, s.owner.ID), party.ErrOwnApproval)
		wantErr(w, "who may not change settings", s.approve(*a, s.finance.ID), identity.ErrNotAllowed)
		s.wantLimit("not approved", fifty, "Kiln")
		if n := box.Last(second.Email, party.NoticeApprovalAsked); n.Limit != fifty || n.Member != s.owner.Email {
			t.Errorf("the second owner gets %+v", n)
		}
		if n := len(box.To(s.finance.Email)); n != 0 {
			t.Errorf("finance has %d letters", n)
		}
		if err := s.approve(*a, second.ID); err != nil {
			t.Fatal(err)
		}
		s.wantLimit("approved", none, "Kiln")
		box.Last(s.owner.Email, party.NoticeApprovalDecided)
		wantErr(w, "once more", s.approve(*a, second.ID), party.ErrApprovalDecided)

		// A limit for the first time and a lower one need one owner.
		for _, lower := range []money.Amount{holdfasttest.USD("40.00"), holdfasttest.USD("30.00")} {
			if asked, err := s.setLimit(s.owner, "form-"+lower.Value(), lower, "Kiln"); err != nil || asked != nil {
				t.Errorf("a limit of %v asks for %+v (%v)", lower, asked, err)
			}
			s.wantLimit("lower", lower, "Kiln")
		}
		b, err := s.setLimit(s.owner, "form-2", holdfasttest.USD("31.00"), "Kiln 2")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Processor.DeclineApproval(t.Context(), w.Shop.ID, b.ID, second.ID); err != nil {
			t.Fatal(err)
		}
		s.wantLimit("declined", holdfasttest.USD("30.00"), "Kiln 2")
	})
}

// An owner who was removed meanwhile raises no limit.
func TestTheAskerOfALimitIsStillAnOwner(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		s := newStaff(w)
		members := holdfasttest.Members{World: w}
		members.Appoint(w.Buyer.ID, party.RoleOwner, w.Shop.ID)
		a, err := s.setLimit(s.owner, "form-1", money.Amount{}, "Kiln")
		if err != nil {
			t.Fatal(err)
		}
		members.Appoint(s.owner.ID, party.RoleFinance, w.Shop.ID)
		wantErr(w, "an owner no more", s.approve(*a, w.Buyer.ID), identity.ErrNotAllowed)
		_, err = s.setLimit(s.owner, "form-2", money.Amount{}, "Kiln")
		wantErr(w, "asking, as an owner no more", err, identity.ErrNotAllowed)
		s.wantLimit("refused", holdfasttest.USD("50.00"), "Kiln")
	})
}

// A command raises the limit alone, and each owner gets one letter about it.
func TestOwnersHearOfALimitThatACommandRaises(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		s := newStaff(w)
		members := holdfasttest.Members{World: w}
		ofServer := members.Add(party.RoleOwner, "")
		box := w.Mailing()
		ctx := store.ByActor(t.Context(), party.Actor{Kind: party.ActorCommand, ID: "root", From: "host"})
		var told []string
		for _, to := range []string{"60.00", "55.00", ""} {
			entries := holdfasttest.Logged(t, w.DB.Reader, func() {
				_, err := w.Processor.ChangeCaller(ctx, w.Shop.ID, func(c party.Caller) (party.Caller, error) {
					if c.ApproveAbove = (money.Amount{}); to != "" {
						c.ApproveAbove = holdfasttest.USD(to)
					}
					return c, nil
				})
				if err != nil {
					t.Fatal(err)
				}
			})
			if len(entries) != 1 || entries[0].Actor.ID != "root" || entries[0].Before["approve_above"] == "" {
				t.Errorf("the audit log has %+v", entries)
			}
		}
		for _, p := range []party.Party{s.owner, ofServer, s.finance, s.packer} {
			for _, n := range box.To(p.Email) {
				told = append(told, p.Name+" "+string(n.About)+" by "+n.Member+" "+n.LimitBefore.String()+" "+n.Limit.String())
			}
		}
		var want []string
		for _, p := range []party.Party{s.owner, ofServer} {
			for _, step := range [][2]money.Amount{
				{holdfasttest.USD("50.00"), holdfasttest.USD("60.00")}, {holdfasttest.USD("55.00"), {}},
			} {
				want = append(want, p.Name+" limit-raised by root "+step[0].String()+" "+step[1].String())
			}
		}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Error(diff)
		}
	})
}

// lapsed are the letters about approvals that nobody decided on.
func lapsed(box *holdfasttest.Postbox, parties ...party.Party) (all []string) {
	for _, p := range parties {
		for _, n := range box.To(p.Email) {
			if n.About == party.NoticeApprovalLapsed {
				all = append(all, p.Name+" "+n.Approval.Amount.Decimal()+" by "+n.Member+" for "+n.Reference)
			}
		}
	}
	return all
}

func lapseNow(w *holdfasttest.World) (done int) {
	w.T.Helper()
	done, err := w.Processor.LapseApprovals(w.T.Context())
	if err != nil {
		w.T.Fatal(err)
	}
	return done
}

// If nobody decides in time, the member who has asked and those who may approve get one
// letter each. Others get none, and decided approvals cause none.
func TestLettersAboutApprovalsThatLapse(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		s := newStaff(w)
		box := w.Mailing()
		r := w.Reserved("90.00", "order-1")
		a := s.ask(party.ApproveSettle, s.packer.ID, r.ID, "90.00")
		declined := s.ask(party.ApproveSettle, s.packer.ID, r.ID, "70.00")
		if err := w.Processor.DeclineApproval(t.Context(), w.Shop.ID, declined.ID, s.packer.ID); err != nil {
			t.Fatal(err)
		}
		w.Clock.Set(a.Until().Add(-1000))
		if n := lapseNow(w); n != 0 {
			t.Errorf("%d lapse too early", n)
		}
		w.Clock.Set(a.Until())
		entries := holdfasttest.Logged(t, w.DB.Reader, func() {
			if n := lapseNow(w) + lapseNow(w); n != 1 {
				t.Errorf("%d have lapsed", n)
			}
		})
		if len(entries) != 1 || entries[0].Action != "approval.lapse" || entries[0].Object != string(r.ID) {
			t.Errorf("the audit log has %+v", entries)
		}
		late := " 90.00 by " + s.packer.Email + " for order-1"
		want := []string{s.owner.Name + late, s.finance.Name + late, s.packer.Name + late}
		if diff := cmp.Diff(want, lapsed(box, s.owner, s.finance, s.packer, w.Buyer)); diff != "" {
			t.Error(diff)
		}
		wantErr(w, "approved too late", s.approve(a, s.owner.ID), party.ErrApprovalOver)
		if again := s.ask(party.ApproveSettle, s.packer.ID, r.ID, "90.00"); again.State != party.ApprovalLapsed {
			t.Errorf("the same form again asks for %+v", again)
		}
	})
}

// A command that asked gets no letter, and those who may approve do.
func TestALapsedApprovalOfACommand(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		s := newStaff(w)
		box := w.Mailing()
		r := w.Reserved("90.00", "order-1")
		a := s.ask(party.ApproveSettle, "", r.ID, "90.00")
		w.Clock.Set(a.Until())
		lapseNow(w)
		if got := lapsed(box, s.owner, s.finance, s.packer); len(got) != 3 {
			t.Errorf("there are letters %q", got)
		}
	})
}

// A server that dies while an approval lapses writes no letter twice, and another one
// writes each of them.
func TestAServerDiesWhileAnApprovalLapses(t *testing.T) {
	for _, point := range []string{processor.PointApprovalLate, processor.PointApprovalLapsed} {
		t.Run(point, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				s := newStaff(w)
				box := w.Mailing()
				a := s.ask(party.ApproveSettle, s.packer.ID, w.Reserved("90.00", "order-1").ID, "90.00")
				w.Clock.Set(a.Until())
				dying := newServer(w)
				dying.Identity.Letters = w.Processor.Identity.Letters
				dies(t, dying, point, func() { _, _ = dying.LapseApprovals(t.Context()) })
				for range 2 {
					lapseNow(w)
					if got := lapsed(box, s.owner, s.finance, s.packer); len(got) != 3 {
						t.Errorf("there are letters %q", got)
					}
				}
			})
		})
	}
}

// Two servers that find the same approvals write each letter once.
func TestTwoServersEndApprovals(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		s := newStaff(w)
		box := w.Mailing()
		r := w.Reserved("90.00", "order-1")
		a := s.ask(party.ApproveSettle, s.packer.ID, r.ID, "90.00")
		s.ask(party.ApproveSettle, s.packer.ID, r.ID, "80.00")
		w.Clock.Set(a.Until())
		other := newServer(w)
		other.Identity.Letters = w.Processor.Identity.Letters
		w.Processor.Hook = func(at string) {
			if at == processor.PointApprovalLate {
				if _, err := other.LapseApprovals(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
		if n := lapseNow(w); n != 0 {
			t.Errorf("the slower server ends %d", n)
		}
		if got := lapsed(box, s.owner, s.finance, s.packer); len(got) != 6 {
			t.Errorf("there are letters %q", got)
		}
		if mails := waitingMails(w, party.NoticeApprovalLapsed); mails != 6 {
			t.Errorf("%d mails wait", mails)
		}
	})
}

// waitingMails counts the mails with a subject.
func waitingMails(w *holdfasttest.World, about party.NoticeAbout) (n int) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) error {
		mails, err := tx.Mails("", 100)
		for _, m := range mails {
			if m.Subject == string(about) {
				n++
			}
		}
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return n
}
