package identity

import (
	"context"
	"errors"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A NewParty is a party to create.
type NewParty struct {
	Name, Email string
	Password    string // hashed before it is kept
	Language    string // of the pages that they read; empty if unknown
	Business    bool   // may be paid by card
}

// CreateParty creates a party with a balance, for an operator: its e-mail
// address and its account count as verified. An address that is taken is
// InvalidParams.
func (s *Service) CreateParty(ctx context.Context, n NewParty) (party.Party, error) {
	made, err := s.newParty(ctx, n)
	if err == nil {
		err = s.insertParty(ctx, made, func(*store.Tx) error { return nil })
	}
	if errors.Is(err, ErrEmailTaken) {
		err = holdfast.Errorf(holdfast.InvalidParams, "%s", ErrEmailTaken)
	}
	return made, err
}

// newParty returns a verified party that is not stored yet.
func (s *Service) newParty(ctx context.Context, n NewParty) (made party.Party, err error) {
	switch {
	case !party.ValidName(n.Name):
		return made, ErrName
	case !party.ValidEmail(n.Email):
		return made, errEmail()
	}
	if err := party.ValidPassword(n.Password); err != nil {
		return made, err
	}
	made = party.Party{
		ID: party.ID(s.IDs().Other("P")), Name: n.Name, Email: n.Email, EmailVerified: true, Language: n.Language,
		Standing: party.Active, Business: n.Business, Verified: true, Created: s.Now(),
	}
	return made, hash(ctx, func() { made.PasswordHash = s.passwords().Hash(n.Password, salt()) })
}

// ErrName refuses a name.
var ErrName = holdfast.Errorf(holdfast.InvalidParams,
	"a name is one line of 1 to %d visible characters, and no card number", party.NameMax)

// insertParty stores a new party with its balance. An address that is taken is
// ErrEmailTaken. also is called in the same commit.
func (s *Service) insertParty(ctx context.Context, made party.Party, also func(*store.Tx) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		inserted, err := tx.InsertParty(made)
		if err != nil {
			return err
		}
		if !inserted {
			return ErrEmailTaken
		}
		if err := s.Opened(tx, made); err != nil {
			return err
		}
		if err := also(tx); err != nil {
			return err
		}
		return s.logCreated(tx, made)
	})
}

// logCreated writes the audit entry of a new party.
func (s *Service) logCreated(tx *store.Tx, made party.Party) error {
	return tx.Log(party.AuditEntry{Action: "party.create", Object: string(made.ID), After: made.Facts()}, made.Created)
}

// Rename changes a party's name.
func (s *Service) Rename(ctx context.Context, partyID party.ID, name string) (party.Party, error) {
	if !party.ValidName(name) {
		return party.Party{}, ErrName
	}
	return s.ChangeParty(ctx, "", partyID, func(had party.Party) (party.Party, error) {
		had.Name = name
		return had, nil
	})
}

// ChangeParty applies change to a party and stores the result. by is the acting
// member, or empty for a command and for the party itself. A new standing of a member
// needs somebody who may manage the member. The last owner stays active.
func (s *Service) ChangeParty(
	ctx context.Context, by, id party.ID, change func(party.Party) (party.Party, error),
) (after party.Party, err error) {
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		before, err := PartyOf(&tx.ReadTx, id)
		if err != nil {
			return err
		}
		if after, err = change(before); err != nil {
			return err
		}
		if after.Standing != before.Standing {
			if err := mayChangeStanding(tx, by, id, after.Standing); err != nil {
				return err
			}
		}
		if err := tx.Log(party.AuditEntry{
			Action: "party.change", Object: string(id), Before: before.Facts(), After: after.Facts(),
		}, s.Now()); err != nil {
			return err
		}
		return tx.UpdateParty(after)
	})
	return after, err
}
