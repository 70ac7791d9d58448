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

// AskClaim sends a letter to the guest of a link. The letter's own link turns the
// guest into an account. If the address has an account already, the letter says so:
// only its reader learns that. Too many requests are a *GuessesError.
func (p *Processor) AskClaim(ctx context.Context, link, from string) error {
	if p.Identity.Letters == nil {
		return identity.ErrNoMail
	}
	guest, err := p.GuestBy(ctx, link)
	if err != nil {
		return err
	}
	if guest.Email == "" {
		return identity.ErrLinkOver // no mail can have had the link
	}
	if err := p.Identity.CountLetter(ctx, guest.Email, from); err != nil {
		return err
	}
	l, err := p.Identity.NewLetter(ctx, guest.ID, party.ProvesGuest, guest.Email, from)
	if err != nil {
		return err
	}
	return p.db.Update(ctx, func(tx *store.Tx) error {
		guest, err := p.guestBy(&tx.ReadTx, link)
		if err != nil {
			return err
		}
		_, taken, err := tx.PartyByEmail(guest.Email)
		if err != nil {
			return err
		}
		if !taken {
			return p.Identity.Send(tx, guest, l)
		}
		return p.Identity.Tell(tx, party.Notice{
			About: party.NoticeGuestHasAccount, To: guest.Email, Party: guest.ID, Language: guest.Language,
			Guest: link,
		})
	})
}

// ClaimableBy returns the guest that a letter's link turns into an account, or
// ErrLinkOver.
func (p *Processor) ClaimableBy(ctx context.Context, secret string) (guest party.Party, err error) {
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		guest, _, err = p.claiming(tx, secret)
		return err
	})
	return guest, err
}

func (p *Processor) claiming(tx *store.ReadTx, secret string) (guest party.Party, proof party.Proof, err error) {
	if proof, err = p.Identity.ProofFor(tx, party.ProvesGuest, secret); err != nil {
		return guest, proof, err
	}
	guest, found, err := tx.Party(proof.Party)
	if err == nil && (!found || !guest.Guest || guest.Standing != party.Active) {
		err = identity.ErrLinkOver
	}
	return guest, proof, err
}

// Claim turns the guest of a letter's link into an account with a password. The link
// has proved the e-mail address, so the account is verified. From then on the links
// in the guest's mails no longer work: the account's owner signs in. If another
// account has the address by now, it is ErrEmailTaken, and neither changes.
//
// The guest may have mistyped the address. So the account gets nothing else that
// the guest gave: no name, no shipping address and no card.
func (p *Processor) Claim(ctx context.Context, secret, password string) (account party.Party, err error) {
	if err := party.ValidPassword(password); err != nil {
		return account, err
	}
	if _, err := p.ClaimableBy(ctx, secret); err != nil {
		return account, err // before the expensive hash
	}
	hashed, err := p.Identity.HashNew(ctx, password)
	if err != nil {
		return account, err
	}
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		account, err = p.makeAccount(tx, secret, hashed)
		return err
	})
	return account, staleLink(err)
}

// staleLink is ErrLinkOver for a link that was used at the same moment.
func staleLink(err error) error {
	if errors.Is(err, store.ErrStale) {
		return identity.ErrLinkOver
	}
	return err
}

// makeAccount does the work of Claim in one database transaction. Without a hash the
// account has no password.
func (p *Processor) makeAccount(tx *store.Tx, secret, hashed string) (party.Party, error) {
	guest, proof, err := p.claiming(&tx.ReadTx, secret)
	if err != nil {
		return guest, err
	}
	if err := p.Identity.UseProof(tx, proof); err != nil {
		return guest, err
	}
	account := guest
	account.Guest, account.EmailVerified, account.PasswordHash = false, true, hashed
	account.Name, account.VerifyBy, account.SendingLimit = "", time.Time{}, party.Party{}.SendingLimit
	claimed, err := tx.ClaimGuest(account)
	if err == nil && !claimed {
		err = identity.ErrEmailTaken
	}
	if err != nil {
		return guest, err
	}
	if err := tx.ForgetGuestData(account.ID); err != nil {
		return guest, err
	}
	tx.ActBy(account)
	if err := tx.Log(party.AuditEntry{
		Action: "party.claim", Object: string(account.ID), Before: guest.Facts(), After: account.Facts(),
	}, p.now()); err != nil {
		return guest, err
	}
	return account, tx.InsertInstrument(p.balanceOf(account))
}

// balanceOf is the balance of a new account, as an instrument.
func (p *Processor) balanceOf(account party.Party) payment.Instrument {
	return payment.Instrument{
		ID: payment.InstrumentID(p.ids().Other("I")), Owner: account.ID, Method: holdfast.MethodABT,
		Brand: "Balance", Holder: account.Name, Verified: true, Created: p.now(),
	}
}

// BeginClaimPasskey starts making a passkey for the account that Claim would make.
// It returns the options for the browser, as JSON.
func (p *Processor) BeginClaimPasskey(
	ctx context.Context, r identity.RelyingParty, secret string,
) (options []byte, err error) {
	guest, err := p.ClaimableBy(ctx, secret)
	if err != nil {
		return nil, err
	}
	return p.Identity.AskNewPasskey(ctx, r, guest)
}

// ClaimByPasskey is Claim with a passkey in place of a password. An answer that does
// not verify is ErrPasskey, and changes nothing.
func (p *Processor) ClaimByPasskey(
	ctx context.Context, r identity.RelyingParty, secret, name string, answer []byte,
) (account party.Party, err error) {
	guest, err := p.ClaimableBy(ctx, secret)
	if err != nil {
		return account, err
	}
	k, err := p.Identity.MadePasskey(ctx, r, guest.ID, name, answer)
	if err != nil {
		return account, err
	}
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		if account, err = p.makeAccount(tx, secret, ""); err != nil {
			return err
		}
		inserted, err := tx.InsertPasskey(k)
		if err == nil && !inserted {
			err = identity.ErrPasskey
		}
		if err != nil {
			return err
		}
		return tx.Log(party.AuditEntry{
			Action: "passkey.add", Object: string(account.ID), After: party.Facts{"passkey": string(k.ID)},
		}, p.now())
	})
	return account, staleLink(err)
}
