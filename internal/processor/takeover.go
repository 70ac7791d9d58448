package processor

import (
	"errors"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// takenOver removes the instruments and tokens that a stranger may have put into
// an account. See identity.Surroundings.
func (p *Processor) takenOver(tx *store.Tx, account party.ID) error {
	instruments, err := tx.Instruments(account)
	if err != nil {
		return err
	}
	for _, i := range instruments {
		if i.Method == holdfast.MethodABT {
			continue
		}
		if owed, err := tx.TouchSettledWith(account, i.ID); err != nil || owed {
			if err != nil {
				return err
			}
			continue // the debt can still be settled with it
		}
		if err := tx.RemoveInstrument(account, i.ID); err != nil {
			return err
		}
	}
	return p.cancelAllTokens(tx, account)
}

const cancelMax = 100 // tokens read at a time

// cancelAllTokens cancels every token of a party that can be cancelled. A token
// that spends a prepaid balance or settles a debt stays.
func (p *Processor) cancelAllTokens(tx *store.Tx, partyID party.ID) error {
	current := store.PartyTokens{Party: partyID, Current: true, Real: p.now()}
	for after := new(store.TokenPlace); after != nil; {
		tokens, next, err := tx.Unlocked("each token is written, and an action that adds one writes its session, "+
			"which the reset ends").TokensOf(current, *after, cancelMax)
		if err != nil {
			return err
		}
		for _, t := range tokens {
			err := p.giveUpToken(tx, t)
			if _, refused := errors.AsType[*holdfast.Error](err); err != nil && !refused {
				return err
			}
		}
		after = next
	}
	return nil
}
