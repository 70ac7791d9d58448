package processor

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Forgotten sends a letter with a link to the owner of an e-mail address who
// has forgotten the password. Its result does not say whether such an account
// exists, and requests are counted in the same way for every address. Too many
// requests are a *GuessesError, counted by the address and by the client's
// network address.
//
// The letter's link leads back to the visit if there is one with this id. Other
// values of the form field do not reach the letter.
func (p *Processor) Forgotten(ctx context.Context, email, from string, visit payment.VisitID) error {
	if p.Letters == nil {
		return ErrNoMail
	}
	if err := p.countGuess(ctx, lettersTo(email, from)); err != nil {
		return err
	}
	l, err := p.newLetter(ctx, "", party.ProvesOwner, "")
	if err != nil {
		return err
	}
	l.CountedBy = lettersFrom(from).key
	return p.db.Update(ctx, func(tx *store.Tx) error {
		account, found, err := tx.PartyByEmail(email)
		if err != nil || !found {
			return err
		}
		_, begun, err := tx.Visit(visit)
		if err != nil {
			return err
		}
		if begun {
			l.visit = visit
		}
		l.Party, l.Email = account.ID, account.Email
		return p.send(tx, account, l)
	})
}

// ForgottenBy returns the party whose password a link can reset, or
// ErrLinkOver.
func (p *Processor) ForgottenBy(ctx context.Context, secret string) (account party.Party, err error) {
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		account, _, err = p.resetting(tx, secret)
		return err
	})
	return account, err
}

func (p *Processor) resetting(tx *store.ReadTx, secret string) (account party.Party, proof party.Proof, err error) {
	if proof, err = p.proofFor(tx, party.ProvesOwner, secret); err != nil {
		return account, proof, err
	}
	account, err = partyOf(tx, proof.Party)
	return account, proof, err
}

// ResetPassword sets a new password by a link that was mailed. It uses up the
// link and all others like it; before that, only a change of the e-mail address
// ends them. The party is signed out everywhere. If the address was not
// verified before, it is now. Somebody else may have signed up with it, so
// everything that was put into the account is removed.
func (p *Processor) ResetPassword(ctx context.Context, secret, password string) (account party.Party, err error) {
	if err := party.ValidPassword(password); err != nil {
		return account, err
	}
	before, err := p.ForgottenBy(ctx, secret)
	if err != nil {
		return account, err // before the expensive hash
	}
	// The answer "this is the old password" reveals something, so it counts as a
	// guess.
	asked := []subject{resetSubject(before.ID)}
	if err := p.countGuess(ctx, asked); err != nil {
		return account, err
	}
	var hashed string
	err = hash(ctx, func() {
		if !p.passwords().Check(before.PasswordHash, password) {
			hashed = p.passwords().Hash(password, salt())
		}
	})
	if err != nil {
		return account, err
	}
	if hashed == "" {
		return account, party.ErrPasswordSame
	}
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		var proof party.Proof
		if account, proof, err = p.resetting(&tx.ReadTx, secret); err != nil {
			return err
		}
		if err := forgive(tx, append(accountSubjects(account.Email), asked...)); err != nil {
			return err
		}
		return p.reset(tx, account, proof, hashed)
	})
	if errors.Is(err, store.ErrStale) {
		err = ErrLinkOver // used at the same moment
	}
	account.PasswordHash = hashed
	return account, err
}

// reset does the work of ResetPassword in one database transaction.
func (p *Processor) reset(tx *store.Tx, account party.Party, proof party.Proof, hashed string) error {
	if err := p.useProof(tx, proof); err != nil {
		return err
	}
	if err := tx.ForgetProofs(account.ID, party.ProvesOwner); err != nil {
		return err
	}
	if !account.EmailVerified {
		if err := p.takeOver(tx, account); err != nil {
			return err
		}
		account.EmailVerified, account.VerifyBy = true, time.Time{}
		if err := tx.UpdateParty(account); err != nil {
			return err
		}
	}
	return p.setPassword(tx, account, hashed, "")
}

// takeOver removes everything that a stranger may have put into an account:
// passkeys, instruments, addresses and tokens.
func (p *Processor) takeOver(tx *store.Tx, account party.Party) error {
	if err := tx.RemovePasskeys(account.ID); err != nil {
		return err
	}
	instruments, err := tx.Instruments(account.ID)
	if err != nil {
		return err
	}
	for _, i := range instruments {
		if i.Method == holdfast.MethodABT {
			continue
		}
		if owed, err := tx.TouchSettledWith(account.ID, i.ID); err != nil || owed {
			if err != nil {
				return err
			}
			continue // the debt can still be settled with it
		}
		if err := tx.RemoveInstrument(account.ID, i.ID); err != nil {
			return err
		}
	}
	addresses, err := tx.Addresses(account.ID)
	if err != nil {
		return err
	}
	for _, a := range addresses {
		if err := tx.RemoveAddress(account.ID, a.ID); err != nil {
			return err
		}
	}
	return p.cancelAllTokens(tx, account.ID)
}

const cancelMax = 100 // tokens read at a time

// cancelAllTokens cancels every token of a party that can be cancelled. A token
// that spends a prepaid balance or settles a debt stays.
func (p *Processor) cancelAllTokens(tx *store.Tx, partyID party.ID) error {
	var after store.TokenPlace
	for {
		tokens, err := tx.Unlocked("each token is written, and an action that adds one writes its session, "+
			"which the reset ends").TokensOf(partyID, true, p.now(), after, cancelMax)
		if err != nil || len(tokens) == 0 {
			return err
		}
		for _, t := range tokens {
			err := p.giveUpToken(tx, t)
			if _, refused := errors.AsType[*holdfast.Error](err); err != nil && !refused {
				return err
			}
			after = store.TokenPlace{Installed: t.Installed, ID: t.ID}
		}
	}
}
