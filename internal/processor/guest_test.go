package processor_test

import (
	"errors"
	"fmt"
	"strings"
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

// takesGuests lets the shop's senders pay as guests.
func takesGuests(w *holdfasttest.World, change func(*party.Caller)) {
	w.T.Helper()
	_, err := w.Processor.ChangeCaller(w.T.Context(), w.Shop.ID, func(c party.Caller) (party.Caller, error) {
		c.Guests = true
		if change != nil {
			change(&c)
		}
		return c, nil
	})
	if err != nil {
		w.T.Fatal(err)
	}
}

// guestVisit begins a visit that guests may enter.
func guestVisit(w *holdfasttest.World, reference string) payment.VisitID {
	w.T.Helper()
	return visit(w, "pipelineName", "SingleUse", "callerReference", reference, "transactionAmount", "12", "reserve",
		"True")
}

// A guestCard is what a guest types.
type guestCard struct{ number, name, email string }

var gusTypes = guestCard{"4000000000000077", "Gus Guest", "gus@example.test"}

func (g guestCard) details() processor.NewCard {
	return processor.NewCard{
		Number: processor.NewCardNumber(g.number), ExpiryMonth: 12, ExpiryYear: 2031, Holder: g.name,
	}
}

// asGuest goes through a visit up to the card.
func asGuest(w *holdfasttest.World, reference string, g guestCard) (payment.Visit, error) {
	w.T.Helper()
	v, err := w.Processor.EnterAsGuest(w.T.Context(), guestVisit(w, reference), "203.0.113.7", "de")
	if err != nil {
		return v, err
	}
	return w.Processor.AddGuestCard(w.T.Context(), v.ID, v.Sender, g.email, g.details())
}

// approved goes through a whole visit as a guest, and returns the token.
func approved(w *holdfasttest.World, reference string, g guestCard) (payment.Visit, holdfast.TokenID) {
	w.T.Helper()
	v, err := asGuest(w, reference, g)
	if err != nil {
		w.T.Fatal(err)
	}
	v, err = w.Processor.ConfirmVisit(w.T.Context(), v.ID, v.Sender, processor.Shown{Instrument: v.Instrument})
	if err != nil || v.Answer == "" {
		w.T.Fatalf("confirming %+v: %v", v, err)
	}
	answer, err := holdfast.ParseParams(v.Answer)
	if err != nil {
		w.T.Fatal(err)
	}
	return v, holdfast.TokenID(answer.Get("tokenID"))
}

func readParty(w *holdfasttest.World, id party.ID) (p party.Party, found bool) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		p, found, err = tx.Party(id)
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return p, found
}

// linkReceipt writes a guest's receipt with its link as the text.
func linkReceipt(r payment.Receipt) (subject, text string) {
	subject, _ = receipt(r)
	return subject + " " + r.Language, r.Guest
}

// linkTo returns the link in the last mail to a guest.
func linkTo(w *holdfasttest.World, to string) (link string) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) error {
		mails, err := tx.Mails("", 100)
		for _, m := range mails {
			if m.To == to && link == "" && strings.Count(m.Text, ".") == 2 {
				link = m.Text
			}
		}
		return err
	})
	if err != nil || link == "" {
		w.T.Fatalf("there is no link to %s (%v)", to, err)
	}
	return link
}

func TestAGuestPays(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		takesGuests(w, nil)
		w.Processor.Receipts = linkReceipt
		v, token := approved(w, "order-1", gusTypes)
		guest, _ := readParty(w, v.Sender)
		want := party.Party{
			ID: v.Sender, Name: "Gus Guest", Email: "gus@example.test", Guest: true, Language: "de", Standing: party.Active,
			Verified: true, Created: guest.Created,
		}
		if guest != want {
			t.Errorf("the guest is %+v, want %+v", guest, want)
		}
		later := func() { w.Clock.Advance(time.Microsecond) } // mails of the same moment have no order
		r, err := w.Reserve(token, "12.00", "reserve-1")
		if err != nil || r.Sender != guest.ID || r.State != payment.Reserved {
			t.Fatalf("reserving: %+v, %v", r, err)
		}
		later()
		if _, err := w.Settle(r.ID, "10.00"); err != nil {
			t.Fatal(err)
		}
		later()
		if _, err := w.Refund(r.ID, "4.00", "refund-1"); err != nil {
			t.Fatal(err)
		}
		if got, want := told(w, guest.Email), "approved SingleUse USD 12.00 de; charged USD 10.00 CC, rest USD 2.00 de; "+
			"refunded USD 4.00 CC de"; got != want {
			t.Errorf("the guest is told %q, want %q", got, want)
		}
		link := linkTo(w, guest.Email)
		if by, err := w.Processor.GuestBy(t.Context(), link); err != nil || by != guest {
			t.Errorf("the link leads to %+v, %v", by, err)
		}
		w.Clock.Advance(payment.ReserveLifeMax + payment.RefundWindow)
		if _, err := w.Processor.GuestBy(t.Context(), link); err != nil {
			t.Errorf("when the last refund may come, the link is %v", err)
		}
		w.Clock.Advance(31 * 24 * time.Hour)
		_, err = w.Processor.GuestBy(t.Context(), link)
		wantErr(w, "the link, long after", err, identity.ErrLinkOver)
	})
}

func TestOnlyVisitsOfOnePaymentTakeGuests(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		enter := func(id payment.VisitID) error {
			_, err := w.Processor.EnterAsGuest(t.Context(), id, "203.0.113.7", "")
			return err
		}
		wantErr(w, "a caller without guests", enter(guestVisit(w, "none")), processor.ErrNoGuests)
		takesGuests(w, nil)
		for name, pairs := range map[string][]string{
			"for later":  {"pipelineName", "MultiUse", "callerReference", "multi", "globalAmountLimit", "100"},
			"to be paid": {"pipelineName", "Recipient", "callerReference", "recipient", "recipientPaysFee", "True"},
			"by balance": {
				"pipelineName", "SingleUse", "callerReference", "abt", "transactionAmount", "12", "paymentMethod", "ABT",
			},
		} {
			wantErr(w, name, enter(visit(w, pairs...)), processor.ErrNoGuests)
		}
		wantErr(w, "no visit", enter("V0"), processor.ErrNoVisit)
	})
}

// Until a guest leaves its visit, nobody else can act in it.
func TestNobodyTakesAGuestsVisitOver(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		takesGuests(w, nil)
		id := guestVisit(w, "order-1")
		v, err := w.Processor.EnterAsGuest(t.Context(), id, "203.0.113.7", "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Processor.EnterVisit(t.Context(), id, w.Buyer.ID)
		wantErr(w, "an account", err, processor.ErrNotSender)
		_, err = w.Processor.EnterAsGuest(t.Context(), id, "203.0.113.7", "")
		wantErr(w, "another guest", err, processor.ErrNotSender)
		_, err = w.Processor.AddGuestCard(t.Context(), id, w.Buyer.ID, gusTypes.email, gusTypes.details())
		wantErr(w, "an account's card", err, processor.ErrNotSender)
		_, err = w.Processor.ConfirmVisit(t.Context(), id, w.Buyer.ID, processor.Shown{})
		wantErr(w, "an account's confirmation", err, processor.ErrNotSender)
		if v, err = w.Processor.LeaveVisit(t.Context(), id, v.Sender); err != nil || v.Sender != "" {
			t.Fatalf("leaving: %+v, %v", v, err)
		}
		if _, err = w.Processor.EnterVisit(t.Context(), id, w.Buyer.ID); err != nil {
			t.Errorf("an account, after the guest has left: %v", err)
		}
		ann, _ := readParty(w, w.Buyer.ID)
		if ann.Guest || ann.Email != w.Buyer.Email {
			t.Errorf("the account is %+v", ann)
		}
	})
}

// A guest's address finds no account: not by signing in, up or for a new password.
func TestAGuestIsNotFoundByItsAddress(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		takesGuests(w, nil)
		box := w.Mailing()
		v, _ := approved(w, "order-1", gusTypes)
		for _, email := range []string{gusTypes.email, "guest:" + string(v.Sender)} {
			for _, password := range []string{"", "a guess"} {
				wantErr(w, "signing in as "+email, signIn(w, email, password), identity.ErrWrongPassword)
			}
			if err := w.Processor.Identity.Forgotten(t.Context(), email, "203.0.113.8", ""); err != nil {
				t.Errorf("a new password for %s: %v", email, err)
			}
		}
		if letters := box.To(gusTypes.email); len(letters) != 0 {
			t.Errorf("letters to the guest: %+v", letters)
		}
		made, err := w.Processor.Identity.SignUp(t.Context(), identity.NewParty{
			Name: "Gus", Email: gusTypes.email, Password: holdfasttest.Password,
		}, "203.0.113.8")
		if err != nil || made.ID == v.Sender {
			t.Errorf("signing up: %+v, %v", made, err)
		}
		if _, again := approved(w, "order-2", gusTypes); again == "" {
			t.Error("a guest cannot pay with the address of an account")
		}
		if guest, _ := readParty(w, v.Sender); !guest.Guest || guest.PasswordHash != "" {
			t.Errorf("the guest is now %+v", guest)
		}
	})
}

func TestGuestsAreCounted(t *testing.T) {
	for name, row := range map[string]struct {
		hour, day party.GuessLimit
		guest     func(n int) (from string, g guestCard)
	}{
		"by address": {party.GuestsOfAddress, party.GuestsOfAddressLong, func(n int) (string, guestCard) {
			return "203.0.113.7", guestCard{number(n), "Gus", fmt.Sprintf("gus-%d@example.test", n)}
		}},
		"by mailbox": {party.GuestsOfMailbox, party.GuestsOfMailboxLong, func(n int) (string, guestCard) {
			return fmt.Sprintf("192.0.2.%d", n), guestCard{number(n), "Gus", gusTypes.email}
		}},
		"by card": {party.GuestsOfCard, party.GuestsOfCardLong, func(n int) (string, guestCard) {
			return fmt.Sprintf("192.0.2.%d", n), guestCard{number(0), "Gus", fmt.Sprintf("gus-%d@example.test", n)}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := holdfasttest.NewWorld(t, holdfasttest.Open(t, t.TempDir()+"/holdfast.db"))
			takesGuests(w, nil)
			n, began := 0, w.Clock.Now()
			next := func() error {
				n++
				from, g := row.guest(n)
				v, err := w.Processor.EnterAsGuest(t.Context(), guestVisit(w, fmt.Sprintf("order-%d", n)), from, "")
				if err == nil {
					_, err = w.Processor.AddGuestCard(t.Context(), v.ID, v.Sender, g.email, g.details())
				}
				return err
			}
			for range row.hour.Free {
				if err := next(); err != nil {
					t.Fatalf("guest %d: %v", n, err)
				}
			}
			blocked, _ := errors.AsType[*processor.GuestsError](next())
			if blocked == nil || blocked.Wait != row.hour.Every {
				t.Fatalf("one guest more: %+v, want to wait %v", blocked, row.hour.Every)
			}
			w.Clock.Advance(blocked.Wait)
			if err := next(); err != nil {
				t.Errorf("after the wait: %v", err)
			}
			w.Clock.Advance(2 * time.Hour)
			made := row.hour.Free + 1
			for made < 2*row.day.Free && next() == nil {
				made++
				w.Clock.Advance(row.hour.Every)
			}
			took := w.Clock.Now().Sub(began)
			if most := row.day.Free + int(took/row.day.Every) + 1; made > most {
				t.Errorf("%d guests in %v, want %d at most", made, took, most)
			}
		})
	}
}

// number returns a card number that differs from others in its last digits.
func number(n int) string { return fmt.Sprintf("400000000000%04d", n) }

// A guest may type its address again without being counted again, but each card
// counts.
func TestAGuestTypesAgain(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		takesGuests(w, nil)
		v, err := asGuest(w, "order-1", gusTypes)
		again := func(card int, email string) error {
			_, err := w.Processor.AddGuestCard(t.Context(), v.ID, v.Sender, email,
				guestCard{number(card), "Gus", email}.details())
			return err
		}
		for n := range party.GuestsOfMailbox.Free {
			if err == nil {
				err = again(n, gusTypes.email)
			}
		}
		if err != nil {
			t.Errorf("the same address again: %v", err)
		}
		for n := range party.GuestsOfCard.Free {
			if err == nil {
				err = again(7777, fmt.Sprintf("gus-%d@example.test", n))
			}
		}
		if err != nil {
			t.Errorf("the same card again: %v", err)
		}
		for range 2 { // and it stays so
			if _, limited := errors.AsType[*processor.GuestsError](again(7777, "another@example.test")); !limited {
				t.Error("the same card once more is not refused")
			}
		}
		if guest, _ := readParty(w, v.Sender); guest.Email == "another@example.test" {
			t.Errorf("the guest is %+v", guest)
		}
	})
}

// The operator's limit for guests adds up what different guests pay with one card.
func TestGuestsShareTheLimitOfTheirCard(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		takesGuests(w, func(c *party.Caller) { c.GuestLimit = holdfasttest.USD("30.00") })
		pay := func(n int, g guestCard) (payment.Transaction, error) {
			_, token := approved(w, fmt.Sprintf("order-%d", n), g)
			return w.Reserve(token, "12.00", holdfast.CallerReference(fmt.Sprintf("reserve-%d", n)))
		}
		first, err := pay(1, gusTypes)
		if err == nil {
			_, err = pay(2, guestCard{gusTypes.number, "Another", "another@example.test"})
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = pay(3, gusTypes)
		w.WantCode(err, holdfast.AccountLimitsExceeded)
		if _, err := pay(4, guestCard{"4000000000000085", "Gus", "gus@example.test"}); err != nil {
			t.Errorf("with another card: %v", err)
		}
		if _, err := w.Cancel(first.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := pay(5, gusTypes); err != nil {
			t.Errorf("after a hold was cancelled: %v", err)
		}
	})
}

func TestGuestsWithoutTokensAreForgotten(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		takesGuests(w, nil)
		forgotten, err := asGuest(w, "order-1", gusTypes)
		if err != nil {
			t.Fatal(err)
		}
		kept, _ := approved(w, "order-2", gusTypes)
		for day := range 30 {
			if _, found := readParty(w, forgotten.Sender); !found {
				t.Fatalf("the guest is gone on day %d", day)
			}
			if _, err := w.Processor.ForgetVisits(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.Clock.Advance(24 * time.Hour)
		}
		w.Clock.Advance(time.Second)
		if n, err := w.Processor.ForgetVisits(t.Context()); err != nil || n != 3 {
			t.Errorf("%d are forgotten, want two visits and a guest (%v)", n, err)
		}
		if guest, found := readParty(w, forgotten.Sender); found {
			t.Errorf("the guest without a token is there: %+v", guest)
		}
		err = w.DB.View(t.Context(), func(tx *store.ReadTx) error {
			cards, err := tx.Instruments(forgotten.Sender)
			if len(cards) > 0 {
				t.Errorf("its cards are there: %+v", cards)
			}
			return err
		})
		if _, found := readParty(w, kept.Sender); !found || err != nil {
			t.Errorf("the guest with a token is there: %t (%v)", found, err)
		}
	})
}
