package identity_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// appoint makes a party a member as a command does.
func appoint(w *holdfasttest.World, id party.ID, of party.CallerID, r party.Role) {
	w.T.Helper()
	m := party.Membership{Party: id, Caller: of, Role: r}
	if err := w.Processor.Identity.SetMember(w.T.Context(), "", m); err != nil {
		w.T.Fatal(err)
	}
}

func memberships(w *holdfasttest.World, id party.ID) []party.Membership {
	w.T.Helper()
	all, err := w.Processor.Identity.Memberships(w.T.Context(), id)
	if err != nil {
		w.T.Fatal(err)
	}
	return all
}

func TestMembers(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		people := w.Processor.Identity
		appoint(w, w.Owner.ID, w.Shop.ID, party.RoleOwner)
		m := party.Membership{
			Party: w.Buyer.ID, Caller: w.Shop.ID, Role: party.RoleFinance, RefundLimit: holdfasttest.USD("50"),
		}
		if err := people.SetMember(t.Context(), w.Owner.ID, m); err != nil {
			t.Fatal(err)
		}
		if all := memberships(w, w.Buyer.ID); len(all) != 1 || all[0] != m {
			t.Errorf("the member is %+v", all)
		}
		for what, err := range map[string]error{
			"finance appoints a member": people.SetMember(t.Context(), w.Buyer.ID, m),
			"a caller's owner for another": people.SetMember(t.Context(), w.Owner.ID, party.Membership{
				Party: w.Buyer.ID, Caller: "C9", Role: party.RolePacker,
			}),
			"a caller's owner for the server": people.SetMember(t.Context(), w.Owner.ID, party.Membership{
				Party: w.Owner.ID, Role: party.RoleOwner,
			}),
			"finance removes the owner": people.RemoveMember(t.Context(), w.Buyer.ID, w.Owner.ID, w.Shop.ID),
		} {
			wantErr(w, what, err, identity.ErrNotAllowed)
		}
		wantErr(w, "the last owner goes", people.RemoveMember(t.Context(), w.Owner.ID, w.Owner.ID, w.Shop.ID),
			party.ErrLastOwner)
		wantErr(w, "the last owner packs", people.ChangeMember(t.Context(), w.Owner.ID,
			party.Membership{Party: w.Owner.ID, Caller: w.Shop.ID, Role: party.RolePacker}), party.ErrLastOwner)
		w.WantCode(people.RemoveMember(t.Context(), w.Owner.ID, "P9", w.Shop.ID), holdfast.InvalidParams)
		w.SetStanding(w.Buyer.ID, party.Suspended)
		if all := memberships(w, w.Buyer.ID); len(all) != 0 {
			t.Errorf("a suspended member has %+v", all)
		}
		w.SetStanding(w.Buyer.ID, party.Active)
		if err := people.RemoveMember(t.Context(), w.Owner.ID, w.Buyer.ID, w.Shop.ID); err != nil {
			t.Fatal(err)
		}
		if all := memberships(w, w.Buyer.ID); len(all) != 0 {
			t.Errorf("a removed member has %+v", all)
		}
	})
}

// Two owners remove each other at the same time on two servers: one stays.
func TestTwoOwnersRemoveEachOther(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		for range 5 {
			appoint(w, w.Owner.ID, "", party.RoleOwner)
			appoint(w, w.Buyer.ID, "", party.RoleOwner)
			var racing sync.WaitGroup
			var errs [2]error
			racing.Go(func() { errs[0] = w.Processor.Identity.RemoveMember(t.Context(), w.Owner.ID, w.Buyer.ID, "") })
			racing.Go(func() { errs[1] = w.Processor.Identity.RemoveMember(t.Context(), w.Buyer.ID, w.Owner.ID, "") })
			racing.Wait()
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("%v and %v, want that one was removed", errs[0], errs[1])
			}
		}
	})
}

// An operator must not stop an owner, and the last active owner stays.
func TestOnlyOwnersStopMembers(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		operator := w.Party("Op", "op@example.test")
		appoint(w, w.Owner.ID, "", party.RoleOwner)
		appoint(w, operator.ID, "", party.RoleOperator)
		stand := func(by, id party.ID, to party.Standing) error {
			_, err := w.Processor.Identity.ChangeParty(t.Context(), by, id, func(p party.Party) (party.Party, error) {
				p.Standing = to
				return p, nil
			})
			return err
		}
		wantErr(w, "an operator suspends the owner", stand(operator.ID, w.Owner.ID, party.Suspended), identity.ErrNotAllowed)
		_, err := w.Processor.SignOutParty(t.Context(), operator.ID, w.Owner.ID)
		wantErr(w, "an operator signs the owner out", err, identity.ErrNotAllowed)
		if err := stand(operator.ID, w.Buyer.ID, party.Suspended); err != nil {
			t.Errorf("an operator suspends a buyer: %v", err)
		}
		if err := stand(operator.ID, w.Buyer.ID, party.Active); err != nil {
			t.Errorf("an operator reactivates a buyer: %v", err)
		}
		wantErr(w, "a command suspends the last owner", stand("", w.Owner.ID, party.Suspended), party.ErrLastOwner)
		appoint(w, w.Buyer.ID, "", party.RoleOwner)
		if err := stand(w.Owner.ID, w.Buyer.ID, party.Suspended); err != nil {
			t.Fatal(err)
		}
		wantErr(w, "an operator reactivates an owner", stand(operator.ID, w.Buyer.ID, party.Active), identity.ErrNotAllowed)
		wantErr(w, "the other owner is suspended", people(w).RemoveMember(t.Context(), "", w.Owner.ID, ""),
			party.ErrLastOwner)
		if err := people(w).RemoveMember(t.Context(), "", w.Buyer.ID, ""); err != nil {
			t.Errorf("a suspended owner is removed: %v", err)
		}
	})
}

func people(w *holdfasttest.World) *identity.Service { return w.Processor.Identity }

// An invitation is over when the inviting member may no longer invite.
func TestInvitationsOfARemovedOwner(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		appoint(w, w.Owner.ID, w.Shop.ID, party.RoleOwner)
		leaving := w.Party("Lee", "lee@example.test")
		appoint(w, leaving.ID, w.Shop.ID, party.RoleOwner)
		m := party.Membership{Caller: w.Shop.ID, Role: party.RoleOwner}
		known, err := invite(w, leaving.ID, m, w.Buyer.Email)
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := invite(w, leaving.ID, m, "lee2@example.test")
		if err != nil {
			t.Fatal(err)
		}
		if err := people(w).RemoveMember(t.Context(), w.Owner.ID, leaving.ID, w.Shop.ID); err != nil {
			t.Fatal(err)
		}
		_, err = people(w).AcceptInvitation(t.Context(), known, w.Buyer.ID)
		wantErr(w, "with an account", err, identity.ErrLinkOver)
		_, err = people(w).AcceptInvitationAsNew(t.Context(), fresh, identity.NewParty{Name: "Lee", Password: another})
		wantErr(w, "with a new account", err, identity.ErrLinkOver)
	})
}

// Of two memberships with limits, the larger limit counts.
func TestTheLargerRefundLimitCounts(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		for of, limit := range map[party.CallerID]string{"": "50.00", w.Shop.ID: "80.00"} {
			if err := people(w).SetMember(t.Context(), "", party.Membership{
				Party: w.Buyer.ID, Caller: of, Role: party.RoleFinance, RefundLimit: holdfasttest.USD(limit),
			}); err != nil {
				t.Fatal(err)
			}
		}
		err := w.DB.View(t.Context(), func(tx *store.ReadTx) error {
			m, err := identity.Permit(tx, w.Buyer.ID, party.MayRefund, w.Shop.ID)
			if err == nil && m.RefundLimit.Cmp(holdfasttest.USD("80.00")) != 0 {
				t.Errorf("the limit is %s", m.RefundLimit.Decimal())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func invite(w *holdfasttest.World, by party.ID, m party.Membership, email string) (string, error) {
	return w.Processor.Identity.Invite(w.T.Context(), by, identity.NewInvitation{Membership: m, Email: email, From: here})
}

func TestAnInvitationMakesAnAccount(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		people, post := w.Processor.Identity, w.Mailing()
		appoint(w, w.Owner.ID, w.Shop.ID, party.RoleOwner)
		m := party.Membership{Caller: w.Shop.ID, Role: party.RolePacker}
		if secret, err := invite(w, w.Owner.ID, m, "pat@example.test"); err != nil || secret != "" {
			t.Fatalf("the inviting member gets the link %q, %v", secret, err)
		}
		letter := post.Last("pat@example.test", party.NoticeInvitation)
		if letter.Caller != w.Shop.Name || letter.Role != party.RolePacker {
			t.Errorf("the letter is %+v", letter)
		}
		n := identity.NewParty{Name: "Pat", Password: another}
		_, err := people.AcceptInvitationAsNew(t.Context(), "another link", n)
		wantErr(w, "another link", err, identity.ErrLinkOver)
		_, err = people.AcceptInvitationAsNew(t.Context(), letter.Link, identity.NewParty{Name: "Pat", Password: "short"})
		w.WantCode(err, holdfast.InvalidParams)
		pat, err := people.AcceptInvitationAsNew(t.Context(), letter.Link, n)
		if err != nil {
			t.Fatal(err)
		}
		if all := memberships(w, pat.ID); len(all) != 1 || all[0].Role != party.RolePacker || !pat.EmailVerified {
			t.Errorf("the new member is %+v, %+v", pat, all)
		}
		if err := signIn(w, "pat@example.test", another); err != nil {
			t.Error(err)
		}
		_, err = people.AcceptInvitationAsNew(t.Context(), letter.Link, n)
		wantErr(w, "the link again", err, identity.ErrLinkOver)
	})
}

func TestAnInvitationOfAnAccount(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		people, post := w.Processor.Identity, w.Mailing()
		m := party.Membership{Role: party.RoleOperator}
		send := func() string {
			if _, err := invite(w, "", m, "ANN@example.test"); err != nil {
				t.Fatal(err)
			}
			return post.Last("ANN@example.test", party.NoticeInvitation).Link
		}
		first, second := send(), send()
		accept := func(link string, id party.ID) error {
			_, err := people.AcceptInvitation(t.Context(), link, id)
			return err
		}
		wantErr(w, "a link that was replaced", accept(first, w.Buyer.ID), identity.ErrLinkOver)
		wantErr(w, "another account", accept(second, w.Owner.ID), identity.ErrNotAllowed)
		_, err := people.AcceptInvitationAsNew(t.Context(), second, identity.NewParty{Name: "Eve", Password: another})
		wantErr(w, "a second account with the address", err, identity.ErrEmailTaken)
		w.Change(w.Buyer.ID, func(p *party.Party) { p.EmailVerified = false })
		wantErr(w, "an account whose address is not proved", accept(second, w.Buyer.ID), identity.ErrNotAllowed)
		w.Change(w.Buyer.ID, func(p *party.Party) { p.EmailVerified = true })
		if err := accept(second, w.Buyer.ID); err != nil {
			t.Fatal(err)
		}
		wantErr(w, "the link again", accept(second, w.Buyer.ID), identity.ErrLinkOver)
		if all := memberships(w, w.Buyer.ID); len(all) != 1 || !all[0].OfServer() {
			t.Errorf("the member is %+v", all)
		}
	})
}

func TestInvitationsEnd(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		people := w.Processor.Identity // sends no mail: the link is given to the inviting member
		appoint(w, w.Owner.ID, w.Shop.ID, party.RoleOwner)
		m := party.Membership{Caller: w.Shop.ID, Role: party.RoleSupport}
		old, err := invite(w, w.Owner.ID, m, w.Buyer.Email)
		if err != nil || old == "" {
			t.Fatalf("without mails the link is %q, %v", old, err)
		}
		w.Clock.Advance(party.InvitationLife)
		_, err = people.AcceptInvitation(t.Context(), old, w.Buyer.ID)
		wantErr(w, "after a week", err, identity.ErrLinkOver)
		withdrawn, err := invite(w, w.Owner.ID, m, w.Buyer.Email)
		if err != nil {
			t.Fatal(err)
		}
		wantErr(w, "somebody else withdraws it",
			people.WithdrawInvitation(t.Context(), w.Buyer.ID, w.Shop.ID, w.Buyer.Email), identity.ErrNotAllowed)
		if err := people.WithdrawInvitation(t.Context(), w.Owner.ID, w.Shop.ID, w.Buyer.Email); err != nil {
			t.Fatal(err)
		}
		_, err = people.AcceptInvitation(t.Context(), withdrawn, w.Buyer.ID)
		wantErr(w, "a withdrawn one", err, identity.ErrLinkOver)
		_, err = invite(w, w.Buyer.ID, m, "eve@example.test")
		wantErr(w, "a stranger invites", err, identity.ErrNotAllowed)
		_, err = invite(w, w.Owner.ID, party.Membership{Role: party.RoleOwner}, "eve@example.test")
		wantErr(w, "a caller's owner invites to the server", err, identity.ErrNotAllowed)
	})
}

// Letters of invitation are counted, so that a member cannot flood a mailbox.
func TestInvitationsAreThrottled(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.Mailing()
		appoint(w, w.Owner.ID, w.Shop.ID, party.RoleOwner)
		m := party.Membership{Caller: w.Shop.ID, Role: party.RoleSupport}
		for range party.AccountLetters.Free {
			if _, err := invite(w, w.Owner.ID, m, "victim@example.test"); err != nil {
				t.Fatal(err)
			}
		}
		_, err := invite(w, w.Owner.ID, m, "victim@example.test")
		wantBlocked(w, "one more", err)
	})
}

// code is the present code of a party's authenticator app.
func code(w *holdfasttest.World, app party.TOTP) string {
	return holdfasttest.AppCode(app, w.Clock.Now())
}

// setUpApp gives the session's party an authenticator app.
func setUpApp(w *holdfasttest.World, at party.SignedIn) (app party.TOTP, recovery []string) {
	w.T.Helper()
	app, err := w.Processor.Identity.BeginTOTP(w.T.Context(), at)
	if err != nil {
		w.T.Fatal(err)
	}
	if recovery, err = w.Processor.Identity.ConfirmTOTP(w.T.Context(), at, code(w, app)); err != nil {
		w.T.Fatal(err)
	}
	w.Clock.Advance(time.Minute)
	return app, recovery
}

// proved reports whether a session counts as proved.
func proved(w *holdfasttest.World, at party.SignedIn) bool {
	w.T.Helper()
	var now party.SignedIn
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		now, _, err = tx.SignedIn(at.Party, at.ID)
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return now.ProvedAt(w.Clock.Now())
}

func TestAnAuthenticatorApp(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		people, post := w.Processor.Identity, w.Mailing()
		at := signedIn(w, w.Buyer.ID)
		wantErr(w, "a code without an app", people.ProveByApp(t.Context(), at, "123456"), identity.ErrWrongFactor)
		app, recovery := setUpApp(w, at)
		post.Last(w.Buyer.Email, party.NoticeFactorAdded)
		if len(recovery) != party.RecoveryCodes || !proved(w, at) {
			t.Errorf("%d recovery codes, proved %t", len(recovery), proved(w, at))
		}
		next := signedIn(w, w.Buyer.ID)
		if proved(w, next) {
			t.Error("a new session is proved by its password")
		}
		typed := code(w, app)
		if err := people.ProveByApp(t.Context(), next, typed); err != nil || !proved(w, next) {
			t.Errorf("the code: %v", err)
		}
		wantErr(w, "the code again", people.ProveByApp(t.Context(), next, typed), identity.ErrWrongFactor)
		w.Clock.Advance(party.ProvedLife)
		if proved(w, next) {
			t.Error("the session is still proved after 12 hours")
		}
		third := signedIn(w, w.Buyer.ID)
		if err := people.ProveByApp(t.Context(), third, recovery[0]); err != nil || !proved(w, third) {
			t.Errorf("a recovery code: %v", err)
		}
		post.Last(w.Buyer.Email, party.NoticeRecoveryUsed)
		wantErr(w, "the recovery code again", people.ProveByApp(t.Context(), third, recovery[0]), identity.ErrWrongFactor)
		if f, err := people.SecondFactor(t.Context(), w.Buyer.ID); err != nil || !f.App || f.Codes != party.RecoveryCodes-1 {
			t.Errorf("the second factor is %+v, %v", f, err)
		}
	})
}

// The same code is sent twice at the same time: one of them is refused.
func TestACodeProvesOneSession(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		at := signedIn(w, w.Buyer.ID)
		app, _ := setUpApp(w, at)
		typed := code(w, app)
		sessions := []party.SignedIn{signedIn(w, w.Buyer.ID), signedIn(w, w.Buyer.ID)}
		var errs [2]error
		var racing sync.WaitGroup
		for i := range sessions {
			racing.Go(func() { errs[i] = w.Processor.Identity.ProveByApp(t.Context(), sessions[i], typed) })
		}
		racing.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs[:]...), identity.ErrWrongFactor) {
			t.Errorf("%v and %v, want that one is refused", errs[0], errs[1])
		}
		if proved(w, sessions[0]) == proved(w, sessions[1]) {
			t.Error("one session is proved, and the other is not")
		}
	})
}

func TestGuessesAtTheSecondFactorAreBounded(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		at := signedIn(w, w.Buyer.ID)
		app, _ := setUpApp(w, at)
		for range party.AccountGuesses.Free {
			wantErr(w, "a guess", w.Processor.Identity.ProveByApp(t.Context(), at, "a guess"), identity.ErrWrongFactor)
		}
		wantBlocked(w, "the right code", w.Processor.Identity.ProveByApp(t.Context(), at, code(w, app)))
		w.Clock.Advance(party.AccountGuesses.Every)
		if err := w.Processor.Identity.ProveByApp(t.Context(), at, code(w, app)); err != nil {
			t.Errorf("after a wait: %v", err)
		}
	})
}

// A thief knows the password of a member, and has no second factor.
func TestAPasswordDoesNotChangeTheSecondFactor(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		people := w.Processor.Identity
		appoint(w, w.Buyer.ID, w.Shop.ID, party.RolePacker)
		thief := signedIn(w, w.Buyer.ID)
		planted, err := people.BeginTOTP(t.Context(), thief)
		if err != nil {
			t.Fatal(err)
		}
		owner := signedIn(w, w.Buyer.ID)
		k := addPasskey(w, w.Buyer.ID, device(t)) // at a time when there is no second factor
		_, err = people.BeginTOTP(t.Context(), owner)
		wantErr(w, "an app by the password alone", err, identity.ErrUnproved)
		_, err = people.ConfirmTOTP(t.Context(), thief, code(w, planted))
		wantErr(w, "the app that was begun before", err, identity.ErrUnproved)
		_, err = people.BeginPasskey(t.Context(), relyingParty, thief, own)
		wantErr(w, "another passkey", err, identity.ErrUnproved)
		wantErr(w, "no passkey", people.RemovePasskey(t.Context(), thief, own, k.ID), identity.ErrUnproved)
		wantErr(w, "no app", people.RemoveTOTP(t.Context(), thief), identity.ErrUnproved)
		if len(passkeys(w)) != 1 {
			t.Error("the passkey was removed")
		}
	})
}

// A thief of the password begins to set up an app. The owner's session gets another
// secret, and the thief's can no longer be confirmed.
func TestASecretBelongsToTheSessionThatSawIt(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		people := w.Processor.Identity
		thief, owner := signedIn(w, w.Buyer.ID), signedIn(w, w.Buyer.ID)
		planted, err := people.BeginTOTP(t.Context(), thief)
		if err != nil {
			t.Fatal(err)
		}
		app, err := people.BeginTOTP(t.Context(), owner)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := people.BeginTOTP(t.Context(), owner); err != nil ||
			string(again.Secret.Reveal()) != string(app.Secret.Reveal()) {
			t.Errorf("the page loaded again has another secret, %v", err)
		}
		if string(planted.Secret.Reveal()) == string(app.Secret.Reveal()) {
			t.Fatal("two sessions were shown one secret")
		}
		_, err = people.ConfirmTOTP(t.Context(), thief, code(w, app))
		wantErr(w, "the other session", err, identity.ErrWrongFactor)
		if _, err := people.ConfirmTOTP(t.Context(), owner, code(w, app)); err != nil {
			t.Error(err)
		}
	})
}

func TestAPasskeyIsASecondFactor(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		people := w.Processor.Identity
		mine, foreign := device(t), device(t)
		addPasskey(w, w.Buyer.ID, mine)
		addPasskey(w, w.Owner.ID, foreign)
		at := signedIn(w, w.Buyer.ID)
		prove := func(answer []byte) error { return people.ProveByPasskey(t.Context(), relyingParty, at, answer, here) }
		wantErr(w, "another party's", prove(foreign.Sign(askPasskey(w))), identity.ErrPasskey)
		wantErr(w, "none", prove([]byte("{}")), identity.ErrPasskey)
		if proved(w, at) {
			t.Fatal("the session is proved nevertheless")
		}
		if err := prove(mine.Sign(askPasskey(w))); err != nil || !proved(w, at) {
			t.Errorf("the own passkey: %v", err)
		}
		account, err := signInByPasskey(w, mine)
		if err != nil {
			t.Fatal(err)
		}
		s, err := people.BeginSignedIn(t.Context(), account, party.Device{}, identity.ByPasskey)
		if err != nil || !proved(w, s) {
			t.Errorf("a session by passkey is not proved, %v", err)
		}
	})
}

func TestASecondFactorIsReset(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		at := signedIn(w, w.Buyer.ID)
		app, _ := setUpApp(w, at)
		if err := w.Processor.Identity.ResetSecondFactor(t.Context(), w.Buyer.ID); err != nil {
			t.Fatal(err)
		}
		want(w, sessions(w, w.Buyer.ID), "")
		wantErr(w, "an ended session", w.Processor.Identity.ProveByApp(t.Context(), at, code(w, app)),
			identity.ErrWrongFactor)
		if f, err := w.Processor.Identity.SecondFactor(t.Context(), w.Buyer.ID); err != nil || !f.None() {
			t.Errorf("what is left is %+v, %v", f, err)
		}
	})
}
