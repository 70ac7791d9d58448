package identity

import (
	"context"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// ChangeEmail sends a letter to the new address of a party. The party keeps its
// old address until it has verified the new one. It must enter its password
// again; see checkOwnPassword. A member that has a second factor must have given it, or
// it is ErrUnproved.
func (s *Service) ChangeEmail(ctx context.Context, at party.SignedIn, o OwnPassword, email string) error {
	partyID := at.Party
	if !party.ValidEmail(email) {
		return errEmail()
	}
	account, err := s.mailable(ctx, partyID)
	if err != nil {
		return err
	}
	if err := s.checkProved(ctx, at); err != nil {
		return err
	}
	if account, err = s.checkOwnPassword(ctx, account, o); err != nil {
		return err
	}
	if err := s.CountLetter(ctx, email, o.From); err != nil {
		return err
	}
	l, err := s.NewLetter(ctx, partyID, party.ProvesNewEmail, email, o.From)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := restOnPassword(tx, account); err != nil {
			return err
		}
		other, taken, err := tx.PartyByEmail(email)
		if err != nil {
			return err
		}
		if taken && other.ID != partyID {
			return ErrEmailTaken
		}
		return s.Send(tx, account, l)
	})
}

// moveEmail replaces a party's address by one that it has verified, and writes
// to the old one. Links that were sent to the old address are no longer valid.
func (s *Service) moveEmail(tx *store.Tx, account party.Party, email string) error {
	free, err := tx.SetEmail(account.ID, email)
	if err != nil {
		return err
	}
	if !free {
		return ErrEmailTaken
	}
	for _, purpose := range []party.ProofPurpose{party.ProvesEmail, party.ProvesOwner} {
		if err := tx.ForgetProofs(account.ID, purpose); err != nil {
			return err
		}
	}
	// The addresses are not logged: they can be erased.
	entry := party.AuditEntry{Action: "party.change_email", Object: string(account.ID)}
	if err := tx.Log(entry, s.Now()); err != nil {
		return err
	}
	return s.TellOwner(tx, account, party.Notice{About: party.NoticeEmailChanged, NewEmail: email})
}
