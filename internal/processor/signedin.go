package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// BeginSignedIn signs a party in, in one browser. It is ErrWrongPassword unless the
// party's password is still the one that it had when it said who it is: a changed
// password ends sessions, and one that is about to begin is among them.
func (p *Processor) BeginSignedIn(ctx context.Context, who party.Party, device party.Device) (party.SignedIn, error) {
	now := p.now()
	s := party.SignedIn{ID: party.SignedInID(p.ids().Other("S")), Party: who.ID, Begun: now, LastSeen: now, Device: device}
	err := p.Store.Update(ctx, func(tx *store.Tx) error {
		if err := restOnPassword(tx, who); err != nil {
			return err
		}
		return tx.InsertSignedIn(s, now.Add(-party.SessionLifeMax))
	})
	return s, err
}

// See writes that somebody who is signed in was here, now and then.
func (p *Processor) See(ctx context.Context, s party.SignedIn) error {
	now := p.now()
	if now.Before(s.LastSeen.Add(party.SeenEvery)) {
		return nil
	}
	return p.Store.Update(ctx, func(tx *store.Tx) error { return tx.SeeSignedIn(s.Party, s.ID, now) })
}

// EndSignedIn signs a party out in one browser. One that is not the party's, or
// has ended, is InvalidParams.
func (p *Processor) EndSignedIn(ctx context.Context, who party.ID, id party.SignedInID) error {
	return p.Store.Update(ctx, func(tx *store.Tx) error {
		ended, err := tx.EndSignedIn(who, id)
		if err == nil && !ended {
			err = holdfast.Errorf(holdfast.InvalidParams, "there is no such session")
		}
		return err
	})
}

// EndSignedInElsewhere signs a party out everywhere but here.
func (p *Processor) EndSignedInElsewhere(ctx context.Context, here party.SignedIn) error {
	return p.Store.Update(ctx, func(tx *store.Tx) error { return tx.EndSignedInElsewhere(here.Party, here.ID) })
}
