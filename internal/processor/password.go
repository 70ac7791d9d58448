package processor

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// An OwnPassword is a password that somebody who is signed in is asked for
// again, since the browser may have been left alone.
type OwnPassword struct {
	Password string
	From     string // the address they come from, as letters are counted by
}

// checkOwnPassword is ErrWrongPassword or a *GuessesError unless the password is
// the party's. Guesses are counted apart from those at the sign-in page, which
// strangers can use up. What follows rests on the party that it returns: see
// restOnPassword.
func (p *Processor) checkOwnPassword(ctx context.Context, account party.Party, o OwnPassword) (party.Party, error) {
	return p.checkPassword(ctx, account, o.Password, "", ownSubjects(account.ID))
}

// ChangePassword sets a new password, and returns the party as it is then. The
// party stays signed in where it is, and is signed out everywhere else.
func (p *Processor) ChangePassword(
	ctx context.Context, who party.SignedIn, o OwnPassword, password string,
) (party.Party, error) {
	if err := party.ValidPassword(password); err != nil {
		return party.Party{}, err
	}
	account, err := p.party(ctx, who.Party)
	if err != nil {
		return party.Party{}, err
	}
	if account, err = p.checkOwnPassword(ctx, account, o); err != nil {
		return party.Party{}, err
	}
	if party.SamePassword(o.Password, password) {
		return party.Party{}, party.ErrPasswordSame
	}
	hashed, err := p.hashNew(ctx, password)
	if err != nil {
		return party.Party{}, err
	}
	err = p.Store.Update(ctx, func(tx *store.Tx) error { return p.setPassword(tx, account, hashed, who.ID) })
	if errors.Is(err, store.ErrStale) {
		err = ErrWrongPassword // it was changed at the same moment
	}
	account.PasswordHash = hashed
	return account, err
}

// GivePassword sets a new password on behalf of an operator. The party is signed
// out everywhere.
func (p *Processor) GivePassword(ctx context.Context, who party.ID, password string) error {
	if err := party.ValidPassword(password); err != nil {
		return err
	}
	hashed, err := p.hashNew(ctx, password)
	if err != nil {
		return err
	}
	return p.Store.Update(ctx, func(tx *store.Tx) error {
		account, err := partyOf(&tx.ReadTx, who)
		if err != nil {
			return err
		}
		return p.setPassword(tx, account, hashed, "")
	})
}

func (p *Processor) hashNew(ctx context.Context, password string) (hashed string, err error) {
	err = hash(ctx, func() { hashed = p.passwords().Hash(password, salt()) })
	return hashed, err
}

// setPassword writes a new password, tells its owner, and ends what began under
// the old one: sessions but keep, a passkey that is being added, and letters that
// would change the address. Links to a new password stay: somebody who has stolen
// the old one can change it, and the owner gets the account back by such a link.
func (p *Processor) setPassword(tx *store.Tx, account party.Party, hashed string, keep party.SignedInID) error {
	if err := tx.SetPassword(account.ID, account.PasswordHash, hashed); err != nil {
		return err
	}
	if err := tx.EndSignedInElsewhere(account.ID, keep); err != nil {
		return err
	}
	if err := tx.ForgetPasskeyChallenges(account.ID); err != nil {
		return err
	}
	if err := tx.ForgetProofs(account.ID, party.ProvesNewEmail); err != nil {
		return err
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
