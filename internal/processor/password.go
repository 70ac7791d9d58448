package processor

import (
	"context"
	"crypto/rand"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// An OwnPassword is a password that somebody who is signed in is asked for
// again, since the browser may have been left alone.
type OwnPassword struct {
	Password string
	From     string // the address they come from, as guesses are counted by
}

// checkOwnPassword is ErrWrongPassword or a *GuessesError unless the password is
// the party's. Guesses count like those at the sign-in page.
func (p *Processor) checkOwnPassword(ctx context.Context, account party.Party, o OwnPassword) error {
	_, err := p.SignIn(ctx, SignIn{Email: account.Email, Password: o.Password, From: o.From})
	return err
}

// ChangePassword sets a new password. The party stays signed in where it is, and
// is signed out everywhere else.
func (p *Processor) ChangePassword(ctx context.Context, who party.SignedIn, o OwnPassword, password string) error {
	if err := party.ValidPassword(password); err != nil {
		return err
	}
	account, err := p.party(ctx, who.Party)
	if err != nil {
		return err
	}
	if err := p.checkOwnPassword(ctx, account, o); err != nil {
		return err
	}
	return p.replacePassword(ctx, account, password, who.ID)
}

// GivePassword sets a new password on behalf of an operator. The party is signed
// out everywhere.
func (p *Processor) GivePassword(ctx context.Context, who party.ID, password string) error {
	if err := party.ValidPassword(password); err != nil {
		return err
	}
	account, err := p.party(ctx, who)
	if err != nil {
		return err
	}
	return p.replacePassword(ctx, account, password, "")
}

func (p *Processor) replacePassword(ctx context.Context, account party.Party, password string, keep party.SignedInID) error {
	var hashed string
	if err := hash(ctx, func() { hashed = party.HashPassword(password, salt()) }); err != nil {
		return err
	}
	return p.Store.Update(ctx, func(tx *store.Tx) error { return p.setPassword(tx, account, hashed, keep) })
}

// setPassword writes a new password, tells its owner, and ends what began under
// the old one: sessions but keep, and letters that would change the account.
func (p *Processor) setPassword(tx *store.Tx, account party.Party, hashed string, keep party.SignedInID) error {
	if err := tx.SetPassword(account.ID, hashed); err != nil {
		return err
	}
	if err := tx.EndSignedInElsewhere(account.ID, keep); err != nil {
		return err
	}
	for _, purpose := range []party.ProofPurpose{party.ProvesNewEmail, party.ProvesOwner} {
		if err := tx.ForgetProof(account.ID, purpose); err != nil {
			return err
		}
	}
	return p.tellOwner(tx, account, party.Notice{About: party.NoticePasswordChanged})
}

// party reads a party that must exist.
func (p *Processor) party(ctx context.Context, id party.ID) (found party.Party, err error) {
	err = p.Store.View(ctx, func(tx *store.ReadTx) error {
		found, err = partyOf(tx, id)
		return err
	})
	return found, err
}

// salt is 16 fresh random bytes.
func salt() []byte {
	s := make([]byte, party.SaltSize)
	rand.Read(s) // never fails; see crypto/rand
	return s
}
