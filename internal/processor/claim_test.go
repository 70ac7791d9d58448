package processor_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// paidAsGuest returns a guest with a hold, its link and its letters.
func paidAsGuest(w *holdfasttest.World) (guest party.Party, link string, box *holdfasttest.Postbox) {
	w.T.Helper()
	takesGuests(w, nil)
	box, w.Processor.Receipts = w.Mailing(), linkReceipt
	v, token := approved(w, "order-1", gusTypes)
	if _, err := w.Reserve(token, "12.00", "reserve-1"); err != nil {
		w.T.Fatal(err)
	}
	guest, _ = readParty(w, v.Sender)
	return guest, linkTo(w, guest.Email), box
}

// askClaim asks for the letter that makes an account, and returns its link.
func askClaim(w *holdfasttest.World, link string, box *holdfasttest.Postbox) string {
	w.T.Helper()
	if err := w.Processor.AskClaim(w.T.Context(), link, "203.0.113.7"); err != nil {
		w.T.Fatal(err)
	}
	return box.Last(gusTypes.email, party.NoticeGuestClaim).Link
}

func TestAGuestBecomesAnAccount(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		guest, link, box := paidAsGuest(w)
		var held payment.Transaction
		if err := w.DB.View(t.Context(), func(tx *store.ReadTx) error {
			all, err := tx.Next(&store.Listing{Sender: guest.ID, To: w.Clock.Now().AddDate(1, 0, 0)}, 10)
			held = all[0]
			return err
		}); err != nil {
			t.Fatal(err)
		}
		secret := askClaim(w, link, box)
		if found, err := w.Processor.ClaimableBy(t.Context(), secret); err != nil || found.ID != guest.ID {
			t.Fatalf("the letter's link is about %+v, %v", found, err)
		}
		_, err := w.Processor.Claim(t.Context(), secret, "short")
		wantErr(w, "a short password", err, party.ErrPasswordShort)
		account, err := w.Processor.Claim(t.Context(), secret, holdfasttest.Password)
		if err != nil {
			t.Fatal(err)
		}
		stored, _ := readParty(w, guest.ID)
		want := guest
		want.Guest, want.EmailVerified, want.PasswordHash, want.Name = false, true, account.PasswordHash, ""
		if stored != want || account != want {
			t.Errorf("the account is %+v, stored as %+v, want %+v", account, stored, want)
		}
		if err := signIn(w, "GUS@example.test", holdfasttest.Password); err != nil {
			t.Errorf("signing in: %v", err)
		}
		if w.BalanceOf(guest.ID).ID == "" {
			t.Error("the account has no balance")
		}
		_, err = w.Processor.GuestBy(t.Context(), link)
		wantErr(w, "the old link", err, identity.ErrLinkOver)
		wantErr(w, "asking again", w.Processor.AskClaim(t.Context(), link, "203.0.113.7"), identity.ErrLinkOver)
		_, err = w.Processor.Claim(t.Context(), secret, "another password")
		wantErr(w, "the letter again", err, identity.ErrLinkOver)
		_, token := approved(w, "order-2", gusTypes)
		if token == "" {
			t.Error("the address can be no guest's any more")
		}
		// The card was for one payment. That payment goes on.
		var given payment.Instrument
		err = w.DB.View(t.Context(), func(tx *store.ReadTx) error {
			cards, err := tx.Instruments(guest.ID)
			if lasting := payment.Lasting(cards); len(cards) != 2 || len(lasting) != 1 ||
				lasting[0].Method != holdfast.MethodABT || lasting[0].Holder != "" {
				t.Errorf("of the instruments %+v the account has %+v", cards, lasting)
			}
			for _, i := range cards {
				if i.GivenIn != "" {
					given = i
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.WantCode(w.Processor.ChooseDefaultInstrument(t.Context(), guest.ID, given.ID), holdfast.InvalidPaymentInstrument)
		w.WantCode(w.Processor.RemoveInstrument(t.Context(), guest.ID, given.ID), holdfast.InvalidPaymentInstrument)
		if _, err := w.Settle(held.ID, "12.00"); err != nil {
			t.Errorf("settling: %v", err)
		}
		if _, err := w.Refund(held.ID, "2.00", "refund-1"); err != nil {
			t.Errorf("refunding: %v", err)
		}
	})
}

// Neither the guest's link nor a link for another purpose is enough to make an
// account, and a letter for an account proves nothing else.
func TestLinksThatMakeNoAccount(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		guest, link, box := paidAsGuest(w)
		secret := askClaim(w, link, box)
		if err := w.Processor.Identity.Forgotten(t.Context(), w.Buyer.Email, "203.0.113.7", ""); err != nil {
			t.Fatal(err)
		}
		reset := box.Last(w.Buyer.Email, party.NoticeReset).Link
		for name, wrong := range map[string]string{"none": "", "of the mails": link, "for a password": reset} {
			_, err := w.Processor.Claim(t.Context(), wrong, holdfasttest.Password)
			wantErr(w, "a link "+name, err, identity.ErrLinkOver)
		}
		_, err := w.Processor.Identity.ResetPassword(t.Context(), secret, "a new password")
		wantErr(w, "a new password by the letter", err, identity.ErrLinkOver)
		for _, p := range []party.ID{guest.ID, w.Buyer.ID} {
			wantErr(w, "a verified address by the letter", proveByLink(w, p, secret), identity.ErrLinkOver)
		}
		for name, forged := range map[string]string{
			"none": "", "without a signature": string(guest.ID), "of an account": string(w.Buyer.ID) + link[len(guest.ID):],
		} {
			wantErr(w, "asking by a link "+name, w.Processor.AskClaim(t.Context(), forged, "203.0.113.7"),
				identity.ErrLinkOver)
		}
		newer := askClaim(w, link, box)
		_, err = w.Processor.Claim(t.Context(), secret, holdfasttest.Password)
		wantErr(w, "the letter before the last", err, identity.ErrLinkOver)
		w.Clock.Advance(24 * time.Hour)
		_, err = w.Processor.Claim(t.Context(), newer, holdfasttest.Password)
		wantErr(w, "a letter of yesterday", err, identity.ErrLinkOver)
		if stored, _ := readParty(w, guest.ID); stored != guest {
			t.Errorf("the guest is now %+v", stored)
		}
	})
}

// An account with the guest's address stays as it is. Only the reader of the
// address's mail learns that there is one.
func TestAnAccountWithTheAddressIsNotTouched(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		guest, link, box := paidAsGuest(w)
		secret := askClaim(w, link, box)
		account := w.Party("Gus the first", "Gus@Example.test")
		if err := w.Processor.AskClaim(t.Context(), link, "203.0.113.7"); err != nil {
			t.Fatalf("asking once more: %v", err)
		}
		told := box.Last(guest.Email, party.NoticeGuestHasAccount)
		if told.Link != "" || told.Code != "" || told.Guest != link {
			t.Errorf("the letter is %+v", told)
		}
		_, err := w.Processor.Claim(t.Context(), secret, "another password")
		wantErr(w, "an earlier letter", err, identity.ErrEmailTaken)
		for _, want := range []party.Party{guest, account} {
			if stored, _ := readParty(w, want.ID); stored != want {
				t.Errorf("the party is %+v, want %+v", stored, want)
			}
		}
		if by, err := w.Processor.GuestBy(t.Context(), link); err != nil || by.ID != guest.ID {
			t.Errorf("the guest's link leads to %+v, %v", by, err)
		}
		if err := signIn(w, account.Email, holdfasttest.Password); err != nil {
			t.Errorf("signing in to the account: %v", err)
		}
	})
}

func TestTwoBrowsersMakeOneAccount(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		guest, link, box := paidAsGuest(w)
		secret := askClaim(w, link, box)
		var wait sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			wait.Go(func() { _, errs[i] = w.Processor.Claim(t.Context(), secret, holdfasttest.Password+string(rune('a'+i))) })
		}
		wait.Wait()
		won := slices.Index(errs, nil)
		for i, err := range errs {
			if i != won && !errors.Is(err, identity.ErrLinkOver) {
				t.Errorf("browser %d: %v (browser %d won)", i, err, won)
			}
		}
		if won < 0 {
			t.Fatal("no browser made an account")
		}
		if err := signIn(w, guest.Email, holdfasttest.Password+string(rune('a'+won))); err != nil {
			t.Errorf("signing in: %v", err)
		}
	})
}

func TestAGuestBecomesAnAccountByAPasskey(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		guest, link, box := paidAsGuest(w)
		secret := askClaim(w, link, box)
		site := identity.RelyingParty{Host: "localhost", Origin: "http://localhost"}
		device := &holdfasttest.Authenticator{T: t, Host: site.Host, Origin: site.Origin}
		question, err := w.Processor.BeginClaimPasskey(t.Context(), site, secret)
		if err != nil {
			t.Fatal(err)
		}
		answer := device.Make(question)
		_, err = w.Processor.ClaimByPasskey(t.Context(), site, secret, "Phone", []byte("{}"))
		wantErr(w, "no passkey", err, identity.ErrPasskey)
		account, err := w.Processor.ClaimByPasskey(t.Context(), site, secret, "Phone", answer)
		if err != nil || account.ID != guest.ID || account.Guest || !account.EmailVerified {
			t.Fatalf("the account is %+v, %v", account, err)
		}
		question, err = w.Processor.Identity.AskPasskey(t.Context(), site, "203.0.113.7")
		if err != nil {
			t.Fatal(err)
		}
		in, err := w.Processor.Identity.SignInByPasskey(t.Context(), site, device.Sign(question),
			identity.SignIn{From: "203.0.113.7"})
		if err != nil || in.ID != guest.ID {
			t.Errorf("signing in by passkey: %+v, %v", in, err)
		}
		wantErr(w, "signing in without a password", signIn(w, guest.Email, ""), identity.ErrWrongPassword)
		_, err = w.Processor.ClaimByPasskey(t.Context(), site, secret, "Phone", answer)
		wantErr(w, "once more", err, identity.ErrLinkOver)
	})
}

func TestLettersForGuestsAreCounted(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		_, link, box := paidAsGuest(w)
		for range party.AccountLetters.Free {
			askClaim(w, link, box)
		}
		wantBlocked(w, "one letter more", w.Processor.AskClaim(t.Context(), link, "203.0.113.9"))
		w.Processor.Identity.Letters = nil
		wantErr(w, "a server without mail", w.Processor.AskClaim(t.Context(), link, "203.0.113.7"), identity.ErrNoMail)
	})
}

func TestLinksOfClosedGuests(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		guest, link, box := paidAsGuest(w)
		secret := askClaim(w, link, box)
		w.SetStanding(guest.ID, party.Suspended)
		if _, err := w.Processor.GuestBy(t.Context(), link); err != nil {
			t.Errorf("a suspended guest cannot see its payments: %v", err)
		}
		_, err := w.Processor.Claim(t.Context(), secret, holdfasttest.Password)
		wantErr(w, "an account for a suspended guest", err, identity.ErrLinkOver)
		w.SetStanding(guest.ID, party.Closed)
		_, err = w.Processor.GuestBy(t.Context(), link)
		wantErr(w, "a closed guest", err, identity.ErrLinkOver)
		w.Clock.Advance(payment.SingleUseLife)
		_, token := approved(w, "order-2", gusTypes)
		_, err = w.Reserve(token, "12.00", holdfast.CallerReference("reserve-2"))
		if err != nil {
			t.Errorf("another guest with the address: %v", err)
		}
	})
}

// An account that is made before the shop reserves does not stop the shop.
func TestAnAccountBeforeTheReserve(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		takesGuests(w, nil)
		box := w.Mailing()
		w.Processor.Receipts = linkReceipt
		_, token := approved(w, "order-1", gusTypes)
		secret := askClaim(w, linkTo(w, gusTypes.email), box)
		if _, err := w.Processor.Claim(t.Context(), secret, holdfasttest.Password); err != nil {
			t.Fatal(err)
		}
		if r, err := w.Reserve(token, "12.00", "reserve-1"); err != nil || r.State != payment.Reserved {
			t.Errorf("reserving: %+v, %v", r, err)
		}
	})
}

// If several browsers become guests at once, one gets the visit.
func TestOneGuestInAVisit(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		takesGuests(w, nil)
		id := guestVisit(w, "order-1")
		var wait sync.WaitGroup
		errs, visits := make([]error, 4), make([]payment.Visit, 4)
		for i := range errs {
			wait.Go(func() { visits[i], errs[i] = w.Processor.EnterAsGuest(t.Context(), id, "203.0.113.7", "") })
		}
		wait.Wait()
		won := slices.Index(errs, nil)
		if won < 0 {
			t.Fatalf("no browser gets the visit: %v", errs)
		}
		for i, err := range errs {
			if i != won && !errors.Is(err, processor.ErrNotSender) {
				t.Errorf("browser %d: %+v, %v (browser %d won)", i, visits[i], err, won)
			}
		}
	})
}
