package processor

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const (
	linkKeySize = 43 // characters of base 62: 256 bits
	// guestLinkMargin is added to the life of a guest's link, because a refund takes
	// some days, and disputes come later.
	guestLinkMargin = 30 * 24 * time.Hour
	// guestLinkLong is the life of a link if payments can be refunded for ever.
	guestLinkLong = 10 * 365 * 24 * time.Hour
)

// makeLinkKey makes the key of guests' links unless there is one. Keys that could
// not be committed are not remembered.
func (p *Processor) makeLinkKey(ctx context.Context) error {
	if p.linkKey.Load() != nil {
		return nil
	}
	err := p.db.View(ctx, func(tx *store.ReadTx) error {
		_, err := p.readLinkKey(tx)
		return err
	})
	if !errors.Is(err, errNoLinkKey) {
		return err
	}
	return p.db.Update(ctx, func(tx *store.Tx) error {
		return tx.InsertLinkKey(holdfast.NewSecretKey(identity.Random(linkKeySize, base62)), p.now())
	})
}

var errNoLinkKey = errors.New("there is no key for links yet")

// readLinkKey returns the key of guests' links. It never changes, so it is read
// once. tx must not be the action that adds the key.
func (p *Processor) readLinkKey(tx *store.ReadTx) (holdfast.SecretKey, error) {
	if key := p.linkKey.Load(); key != nil {
		return *key, nil
	}
	key, found, err := tx.LinkKey()
	if err == nil && !found {
		err = errNoLinkKey
	}
	if err == nil {
		p.linkKey.Store(&key)
	}
	return key, err
}

// guestLink makes a link for a mail to a guest. It is valid until the longest hold
// and the refund window are over, even if the token is used at its last moment.
func (p *Processor) guestLink(tx *store.ReadTx, guest party.ID, expires time.Time) (string, error) {
	key, err := p.readLinkKey(tx)
	if err != nil {
		return "", err
	}
	window := p.RefundWindow
	switch {
	case window == 0:
		window = payment.RefundWindow
	case window < 0:
		window = guestLinkLong
	}
	until := p.now()
	if expires.After(until) {
		until = expires
	}
	return party.GuestLink(key, guest, until.Add(payment.ReserveLifeMax+window+guestLinkMargin)), nil
}

// GuestBy returns the guest of a link. A link that was not made here, is too old, or
// belongs to a guest that has an account by now is ErrLinkOver.
func (p *Processor) GuestBy(ctx context.Context, link string) (guest party.Party, err error) {
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		guest, err = p.guestBy(tx, link)
		return err
	})
	return guest, err
}

func (p *Processor) guestBy(tx *store.ReadTx, link string) (party.Party, error) {
	if len(link) > party.LinkMax {
		return party.Party{}, identity.ErrLinkOver
	}
	key, err := p.readLinkKey(tx)
	if errors.Is(err, errNoLinkKey) {
		return party.Party{}, identity.ErrLinkOver
	}
	if err != nil {
		return party.Party{}, err
	}
	id, ok := party.ReadGuestLink(key, link, p.now())
	if !ok {
		return party.Party{}, identity.ErrLinkOver
	}
	guest, found, err := tx.Party(id)
	if err == nil && (!found || !guest.Guest || guest.Standing == party.Closed) {
		err = identity.ErrLinkOver
	}
	return guest, err
}
