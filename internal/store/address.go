package store

import (
	"github.com/holdfast-pay/holdfast/internal/party"
)

const addressColumns = `party_id, address_id, name, line1, line2, city, state, zip, country, phone, is_default, created`

func scanAddress(row scanner) (a party.Address, err error) {
	var created int64
	err = row.Scan(&a.Owner, &a.ID, &a.Name, &a.Line1, &a.Line2, &a.City, &a.State, &a.Zip, &a.Country, &a.Phone, &a.Default, &created)
	a.Created = when(created)
	return a, err
}

// Address reads one of a party's addresses.
func (tx *ReadTx) Address(owner party.ID, id party.AddressID) (a party.Address, found bool, err error) {
	a, err = scanAddress(tx.sql.QueryRowContext(tx.ctx, `
		SELECT `+addressColumns+` FROM addresses WHERE party_id = $1 AND address_id = $2`, owner, id))
	found, err = maybe("reading an address", err)
	return a, found, err
}

// Addresses reads a party's addresses, the default first, then the newest.
func (tx *ReadTx) Addresses(owner party.ID) ([]party.Address, error) {
	return list(tx, "reading addresses", scanAddress, `
		SELECT `+addressColumns+` FROM addresses WHERE party_id = $1
		ORDER BY is_default DESC, created DESC, address_id DESC`, owner)
}

// InsertAddress adds an address; a default takes the place of the one before.
func (tx *Tx) InsertAddress(a party.Address) error {
	if a.Default {
		if _, err := tx.exec("clearing the default address", `
			UPDATE addresses SET is_default = 0 WHERE party_id = $1 AND is_default = 1`, a.Owner); err != nil {
			return err
		}
	}
	return tx.one("adding an address", `
		INSERT INTO addresses (`+addressColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		a.Owner, a.ID, a.Name, a.Line1, a.Line2, a.City, a.State, a.Zip, a.Country, a.Phone, flag(a.Default), micros(a.Created))
}
