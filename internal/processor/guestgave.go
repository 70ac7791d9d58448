package processor

import (
	"errors"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// guestGave writes what a guest has given on the network's page. The card is refused
// if it, or the e-mail address, has made too many guests.
func (p *Processor) guestGave(tx *store.Tx, guest party.ID, found card.Collected) (CardRefusal, error) {
	err := p.nameGuest(tx, guest, found.Name, found.Email, found.Card.Fingerprint)
	if _, tooMany := errors.AsType[*GuestsError](err); tooMany {
		return RefusedTooOften, nil
	}
	return "", err
}
