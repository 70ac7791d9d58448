package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

var addressTable = table[party.Address]{name: "addresses", fields: fields[party.Address]{
	textField("party_id", func(a *party.Address) *party.ID { return &a.Owner }),
	textField("address_id", func(a *party.Address) *party.AddressID { return &a.ID }),
	textField("name", func(a *party.Address) *string { return &a.Name }),
	textField("line1", func(a *party.Address) *string { return &a.Line1 }),
	textField("line2", func(a *party.Address) *string { return &a.Line2 }),
	textField("city", func(a *party.Address) *string { return &a.City }),
	textField("state", func(a *party.Address) *string { return &a.State }),
	textField("zip", func(a *party.Address) *string { return &a.Zip }),
	textField("country", func(a *party.Address) *string { return &a.Country }),
	textField("phone", func(a *party.Address) *string { return &a.Phone }),
	flagField("is_default", func(a *party.Address) *bool { return &a.Default }),
	flagField("removed", func(a *party.Address) *bool { return &a.Removed }),
	timeField("created", func(a *party.Address) *time.Time { return &a.Created }),
}}

var (
	addressColumns = addressTable.list()
	scanAddress    = addressTable.scanner()
	insertAddress  = addressTable.insertText("")
)

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
	return tx.one("adding an address", insertAddress, addressTable.fields.values(&a)...)
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
