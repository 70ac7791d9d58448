package identity

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// AddAddress adds a shipping address, which becomes the owner's default. An
// address that cannot be printed on a label is InvalidParams;
// party.CheckAddress says why.
func (s *Service) AddAddress(ctx context.Context, owner party.ID, typed holdfast.Address) (party.Address, error) {
	a, err := s.newAddress(owner, typed)
	if err != nil {
		return a, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		have, err := tx.Addresses(owner)
		if err == nil && len(have) >= party.AddressesMax {
			err = holdfast.Errorf(holdfast.InvalidParams, "an account has at most %d addresses", party.AddressesMax)
		}
		if err != nil {
			return err
		}
		return tx.InsertAddress(a)
	})
	return a, err
}

// ChangeAddress replaces one of a party's addresses by another. Earlier orders
// keep the old one.
func (s *Service) ChangeAddress(
	ctx context.Context, owner party.ID, id party.AddressID, typed holdfast.Address,
) (party.Address, error) {
	a, err := s.newAddress(owner, typed)
	if err != nil {
		return a, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		had, err := OwnAddress(&tx.ReadTx, owner, id)
		if err != nil {
			return err
		}
		a.Default = had.Default
		if err := tx.RemoveAddress(owner, id); err != nil {
			return err
		}
		return tx.InsertAddress(a)
	})
	return a, err
}

func (s *Service) newAddress(owner party.ID, typed holdfast.Address) (party.Address, error) {
	typed = party.TidyAddress(typed)
	for field, problem := range party.CheckAddress(typed) {
		return party.Address{}, holdfast.Errorf(holdfast.InvalidParams, "the address's %s is %s", field, problem)
	}
	return party.Address{
		ID: party.AddressID(s.IDs().Other("A")), Owner: owner, Default: true, Created: s.Now(), Address: typed,
	}, nil
}

// ChooseDefaultAddress sets the address that a party's next orders are sent to
// unless it chooses another.
func (s *Service) ChooseDefaultAddress(ctx context.Context, owner party.ID, id party.AddressID) error {
	return s.changeAddress(ctx, owner, id, (*store.Tx).SetDefaultAddress)
}

// RemoveAddress removes one of a party's addresses. Earlier orders keep it.
func (s *Service) RemoveAddress(ctx context.Context, owner party.ID, id party.AddressID) error {
	return s.changeAddress(ctx, owner, id, (*store.Tx).RemoveAddress)
}

func (s *Service) changeAddress(
	ctx context.Context, owner party.ID, id party.AddressID, change func(*store.Tx, party.ID, party.AddressID) error,
) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := OwnAddress(&tx.ReadTx, owner, id); err != nil {
			return err
		}
		return change(tx, owner, id)
	})
}

// OwnAddress reads one of a party's addresses that it has not removed.
func OwnAddress(tx *store.ReadTx, owner party.ID, id party.AddressID) (party.Address, error) {
	a, found, err := tx.Address(owner, id)
	if err == nil && (!found || a.Removed) {
		err = holdfast.Errorf(holdfast.InvalidParams, "there is no such address")
	}
	return a, err
}
