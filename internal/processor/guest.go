package processor

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// ErrNoGuests means that the visit's sender must sign in.
var ErrNoGuests = errors.New("the caller takes no guests for this request")

// A GuestsError says that an address, a mailbox or a card has made too many guests,
// and when it may make the next one.
type GuestsError struct{ Wait time.Duration }

func (e *GuestsError) Error() string { return "too many guests" }

// EnterAsGuest makes a new guest the sender of a visit that nobody has signed in
// to. A visit with a sender is ErrNotSender. The visit gets a new key, which only
// the guest's browser holds: it takes the place of a session. from is the client's
// network address, which may make a limited number of guests.
func (p *Processor) EnterAsGuest(
	ctx context.Context, id payment.VisitID, from, language string,
) (payment.Visit, error) {
	if err := p.makeLinkKey(ctx); err != nil {
		return payment.Visit{}, err
	}
	now := p.now()
	guest := party.Party{
		ID: party.ID(p.ids().Other("P")), Guest: true, Language: language, Standing: party.Active, Verified: true,
		VerifyBy: now.Add(visitLife), Created: now,
	}
	key := p.ids().Secret(visitKeySize)
	return p.changeVisit(ctx, id, func(s visitStep) (payment.Visit, error) {
		v := s.visit
		switch {
		case !s.asked.Request.TakesGuests(s.caller):
			return v, ErrNoGuests
		case v.Sender != "":
			return v, ErrNotSender
		}
		if err := countGuest(s.tx, guestsOfAddress(from), now); err != nil {
			return v, err
		}
		guest.SendingLimit = s.caller.GuestLimit
		inserted, err := s.tx.InsertParty(guest)
		if err == nil && !inserted {
			err = errors.New("the id of a new guest is taken")
		}
		if err != nil {
			return v, err
		}
		v.Sender, v.Instrument, v.Address, v.Key = guest.ID, "", "", key
		if end, err := s.accountProblem(v); err != nil || end != nil {
			return s.ended(v, end), err
		}
		again, _, err := s.resumed(v)
		return again, err
	})
}

// keepGuest keeps a guest that has given a token. It does nothing for an account.
func (s visitStep) keepGuest(sender party.ID) error {
	guest, err := partyOf(s.ReadTx, sender)
	if err != nil || !guest.Guest {
		return err
	}
	guest.VerifyBy = time.Time{}
	return s.tx.UpdateParty(guest)
}

// AddGuestCard asks the network to verify a card that a guest has typed, and stores
// it with the guest's name and e-mail address. It chooses the card for the visit.
// A card that the network refuses is a *card.RefusedError.
func (p *Processor) AddGuestCard(
	ctx context.Context, id payment.VisitID, guest party.ID, email string, d NewCard,
) (payment.Visit, error) {
	kept, err := p.verifyCard(ctx, d)
	if err != nil {
		return payment.Visit{}, err
	}
	i := payment.Instrument{
		ID: payment.InstrumentID(p.ids().Other("I")), Owner: guest, Method: holdfast.MethodCC,
		Brand: kept.Brand, Last4: kept.Last4, Holder: party.GuestName(d.Holder), NetworkRef: kept.Ref,
		Fingerprint: kept.Fingerprint, ExpiryMonth: d.ExpiryMonth, ExpiryYear: d.ExpiryYear, GivenIn: id, Verified: true,
		Created: p.now(),
	}
	return p.changeVisit(ctx, id, func(s visitStep) (payment.Visit, error) {
		v := s.visit
		if v.Sender != guest {
			return v, ErrNotSender
		}
		if !s.asked.Request.Allows(i, s.now()) {
			return v, holdfast.Errorf(holdfast.InvalidPaymentInstrument, "this payment method cannot be used here")
		}
		if err := p.nameGuest(s.tx, guest, d.Holder, email, kept.Fingerprint); err != nil {
			return v, err
		}
		have, err := s.Instruments(guest)
		if err == nil && len(have) >= instrumentsMax {
			err = holdfast.Errorf(holdfast.InvalidParams, "a guest has at most %d payment methods", instrumentsMax)
		}
		if err != nil {
			return v, err
		}
		v.Instrument = i.ID
		return v, s.tx.InsertInstrument(i)
	})
}

// nameGuest stores the name and the e-mail address of a guest and counts its
// mailbox and its card. A guest that gives a card twice is counted twice: a card that
// was refused is stored, too. Values that cannot be stored are left out. If the
// mailbox or the card has made too many guests, it is a *GuestsError, and nothing is
// stored. It does nothing for an account.
func (p *Processor) nameGuest(tx *store.Tx, id party.ID, name, email, fingerprint string) error {
	guest, err := partyOf(&tx.ReadTx, id)
	if err != nil || !guest.Guest {
		return err
	}
	name, email = party.GuestName(name), party.GuestEmail(email)
	if name == "" {
		name = email
	}
	var counted []identity.Subject
	if email != "" && party.EmailKey(email) != party.EmailKey(guest.Email) {
		counted = append(counted, guestsOfMailbox(email)...)
	}
	if fingerprint != "" {
		counted = append(counted, guestsOfCard(fingerprint)...)
	}
	if err := countGuest(tx, counted, p.now()); err != nil {
		return err
	}
	return tx.NameGuest(id, name, email)
}

func guestsOfAddress(from string) []identity.Subject {
	return hourAndDay("guests of address:"+from, party.GuestsOfAddress, party.GuestsOfAddressLong)
}

func guestsOfMailbox(email string) []identity.Subject {
	return hourAndDay("guests of mailbox:"+identity.Hidden(party.EmailKey(email)), party.GuestsOfMailbox,
		party.GuestsOfMailboxLong)
}

func guestsOfCard(fingerprint string) []identity.Subject {
	return hourAndDay("guests of card:"+identity.Hidden(fingerprint), party.GuestsOfCard, party.GuestsOfCardLong)
}

func hourAndDay(key string, hour, day party.GuessLimit) []identity.Subject {
	return []identity.Subject{{Key: key, Limit: hour}, {Key: key + " in a day", Limit: day}}
}

// countGuest counts one guest of each subject, or is a *GuestsError and counts none.
func countGuest(tx *store.Tx, subjects []identity.Subject, now time.Time) error {
	var wait time.Duration
	counted := make([]party.Guesses, len(subjects))
	for i, s := range subjects {
		g, err := tx.Guesses(s.Key)
		if err != nil {
			return err
		}
		wait = max(wait, s.Limit.Wait(g, now))
		counted[i] = s.Limit.Count(g, now)
	}
	if wait > 0 {
		return &GuestsError{Wait: wait}
	}
	for i, s := range subjects {
		if err := tx.SetGuesses(s.Key, counted[i]); err != nil {
			return err
		}
	}
	return nil
}
