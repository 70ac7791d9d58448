package store

import (
	"github.com/holdfast-pay/holdfast/internal/party"
)

const addressColumns = `
	party_id, address_id, name, line1, line2, city, state, zip, country, phone, is_default, removed, created`

func scanAddress(row scanner) (a party.Address, err error) {
	var created int64
	err = row.Scan(&a.Owner, &a.ID, &a.Name, &a.Line1, &a.Line2, &a.City, &a.State, &a.Zip, &a.Country, &a.Phone,
		&a.Default, &a.Removed, &created)
	a.Created = when(created)
	return a, err
}

// Address reads one of a party's addresses, even if the party has removed it.
func (tx *ReadTx) Address(owner party.ID, id party.AddressID) (a party.Address, found bool, err error) {
	a, err = scanAddress(tx.sql.QueryRow(`
		SELECT `+addressColumns+` FROM addresses WHERE party_id = $1 AND address_id = $2`, owner, id))
	found, err = maybe("reading an address", err)
	return a, found, err
}

// Addresses reads a party's addresses, without those that it has removed: the
// default first, then the newest.
func (tx *ReadTx) Addresses(owner party.ID) ([]party.Address, error) {
	return list(tx, "reading addresses", scanAddress, `
		SELECT `+addressColumns+` FROM addresses WHERE party_id = $1 AND removed = 0
		ORDER BY is_default DESC, created DESC, address_id DESC`, owner)
}

// InsertAddress adds an address. A default address replaces the previous
// default.
func (tx *Tx) InsertAddress(a party.Address) error {
	if a.Default {
		if err := tx.clearDefaultAddress(a.Owner); err != nil {
			return err
		}
	}
	return tx.one("adding an address", `
		INSERT INTO addresses (`+addressColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		a.Owner, a.ID, a.Name, a.Line1, a.Line2, a.City, a.State, a.Zip, a.Country, a.Phone, flag(a.Default), flag(a.Removed),
		micros(a.Created))
}

// SetDefaultAddress makes an address the party's default.
func (tx *Tx) SetDefaultAddress(owner party.ID, id party.AddressID) error {
	if err := tx.clearDefaultAddress(owner); err != nil {
		return err
	}
	return tx.one("choosing the default address", `
		UPDATE addresses SET is_default = 1 WHERE party_id = $1 AND address_id = $2 AND removed = 0`, owner, id)
}

// RemoveAddress marks an address as removed, so that nothing new is sent to it.
func (tx *Tx) RemoveAddress(owner party.ID, id party.AddressID) error {
	return tx.one("removing an address", `
		UPDATE addresses SET removed = 1, is_default = 0 WHERE party_id = $1 AND address_id = $2 AND removed = 0`, owner, id)
}

func (tx *Tx) clearDefaultAddress(owner party.ID) error {
	_, err := tx.exec("clearing the default address", `
		UPDATE addresses SET is_default = 0 WHERE party_id = $1 AND is_default = 1`, owner)
	return err
}
