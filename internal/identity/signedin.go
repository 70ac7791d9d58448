package identity

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Proof is how a party has proved who it is before a session begins.
type Proof int

// The proofs. A passkey is also the second factor of the session.
const (
	ByPassword Proof = iota // or by a link in a mail
	ByPasskey
)

// BeginSignedIn begins a party's session in one browser. It returns
// ErrWrongPassword if the password has changed since the party entered it: a
// changed password ends all sessions, also one that is about to begin.
func (s *Service) BeginSignedIn(
	ctx context.Context, account party.Party, device party.Device, by Proof,
) (party.SignedIn, error) {
	now := s.Now()
	begun := party.SignedIn{
		ID: party.SignedInID(s.IDs().Other("S")), Party: account.ID, Begun: now, LastSeen: now, Device: device,
	}
	if by == ByPasskey {
		begun.Proved = now
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if err := restOnPassword(tx, account); err != nil {
			return err
		}
		return tx.InsertSignedIn(begun, now.Add(-party.SessionLifeMax))
	})
	return begun, err
}

// See stores the time at which a signed-in party was last seen. It writes only
// once per party.SeenEvery.
func (s *Service) See(ctx context.Context, at party.SignedIn) error {
	now := s.Now()
	if now.Before(at.LastSeen.Add(party.SeenEvery)) {
		return nil
	}
	return s.db.Update(ctx, func(tx *store.Tx) error { return tx.SeeSignedIn(at.Party, at.ID, now) })
}

// EndSignedIn signs a browser out. A session that has ended, or that is not the
// party's, is InvalidParams.
func (s *Service) EndSignedIn(ctx context.Context, partyID party.ID, id party.SignedInID) error {
	return s.db.Update(ctx, func(tx *store.Tx) error { return endSignedIn(tx, partyID, id) })
}

func endSignedIn(tx *store.Tx, partyID party.ID, id party.SignedInID) error {
	ended, err := tx.EndSignedIn(partyID, id)
	if err == nil && !ended {
		err = holdfast.Errorf(holdfast.InvalidParams, "there is no such session")
	}
	return err
}

// SignOutBrowser ends a session of a party, usually in another browser. A session that
// has ended, or that is not the party's, is InvalidParams.
func (s *Service) SignOutBrowser(ctx context.Context, partyID party.ID, id party.SignedInID) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := endSignedIn(tx, partyID, id); err != nil {
			return err
		}
		return tx.Log(party.AuditEntry{
			Action: "session.end", Object: string(partyID), After: party.Facts{"session": string(id)},
		}, s.Now())
	})
}

// EndSignedInElsewhere ends all sessions of a party except this one.
func (s *Service) EndSignedInElsewhere(ctx context.Context, here party.SignedIn) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := tx.EndSignedInElsewhere(here.Party, here.ID); err != nil {
			return err
		}
		return tx.Log(party.AuditEntry{Action: "session.end_others", Object: string(here.Party)}, s.Now())
	})
}
