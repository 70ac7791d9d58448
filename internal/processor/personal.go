package processor

import (
	"context"
	"strconv"

	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// SignOutParty ends all sessions of a party, and reports how many there were. by is
// the acting member, or empty for a command. Only somebody who may manage a member
// signs it out.
func (p *Processor) SignOutParty(ctx context.Context, by, id party.ID) (ended int, err error) {
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := partyOf(&tx.ReadTx, id); err != nil {
			return err
		}
		if err := identity.MayManageParty(tx, by, id); err != nil {
			return err
		}
		n, err := tx.EndAllSignedIn(id)
		if err != nil {
			return err
		}
		ended = int(n)
		return tx.Log(party.AuditEntry{
			Action: "party.sign_out", Object: string(id), After: party.Facts{"sessions": strconv.Itoa(ended)},
		}, p.now())
	})
	return ended, err
}

// openMax is how many open payments of a party are named as obstacles.
const openMax = 20

// EraseObstacles are the reasons why a party's personal data cannot be erased now.
func (p *Processor) EraseObstacles(ctx context.Context, id party.ID) (all []payment.Obstacle, err error) {
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		in, err := eraseInput(tx, id)
		all = in.Obstacles()
		return err
	})
	return all, err
}

func eraseInput(tx *store.ReadTx, id party.ID) (in payment.EraseInput, err error) {
	found, err := partyOf(tx, id)
	if err != nil {
		return in, err
	}
	return tx.EraseInput(found, openMax, store.EveryPayment)
}

// EraseParty erases a party's personal data: its name, addresses, cards, passkeys,
// sessions and mails. It cancels the party's tokens. The payments stay, with a party
// that has no name. It is a *payment.EraseError if something is open.
//
// The visits are erased first, in commits of their own, because there may be many. If
// it is cut short, it can be repeated.
func (p *Processor) EraseParty(ctx context.Context, id party.ID) error {
	switch obstacles, err := p.EraseObstacles(ctx, id); {
	case err != nil:
		return err
	case len(obstacles) > 0:
		return &payment.EraseError{Obstacles: obstacles}
	}
	if err := p.db.EraseVisits(ctx, id); err != nil {
		return err
	}
	return p.db.Update(ctx, func(tx *store.Tx) error {
		in, err := eraseInput(&tx.ReadTx, id)
		if err != nil {
			return err
		}
		if obstacles := in.Obstacles(); len(obstacles) > 0 {
			return &payment.EraseError{Obstacles: obstacles}
		}
		if err := p.cancelAllTokens(tx, id); err != nil {
			return err
		}
		if err := tx.EraseParty(in.Party); err != nil {
			return err
		}
		return tx.Log(party.AuditEntry{Action: "party.erase", Object: string(id)}, p.now())
	})
}
