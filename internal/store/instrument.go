package store

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

var instrumentTable = table[payment.Instrument]{name: "instruments", fields: fields[payment.Instrument]{
	textField("party_id", func(i *payment.Instrument) *party.ID { return &i.Owner }),
	textField("instrument_id", func(i *payment.Instrument) *payment.InstrumentID { return &i.ID }),
	textField("method", func(i *payment.Instrument) *holdfast.PaymentMethod { return &i.Method }),
	textField("brand", func(i *payment.Instrument) *string { return &i.Brand }),
	textField("last4", func(i *payment.Instrument) *string { return &i.Last4 }),
	textField("holder", func(i *payment.Instrument) *string { return &i.Holder }),
	numberField("expiry_month", func(i *payment.Instrument) *int { return &i.ExpiryMonth }),
	numberField("expiry_year", func(i *payment.Instrument) *int { return &i.ExpiryYear }),
	textField("network_ref", func(i *payment.Instrument) *string { return &i.NetworkRef }),
	textField("network", func(i *payment.Instrument) *payment.NetworkAccountID { return &i.Account }),
	textField("customer", func(i *payment.Instrument) *string { return &i.Customer }),
	textField("funding", func(i *payment.Instrument) *string { return &i.Funding }),
	textField("country", func(i *payment.Instrument) *string { return &i.Country }),
	textField("fingerprint", func(i *payment.Instrument) *string { return &i.Fingerprint }),
	textField("unusable", func(i *payment.Instrument) *string { return &i.Unusable }),
	textField("given_in", func(i *payment.Instrument) *payment.VisitID { return &i.GivenIn }),
	flagField("is_default", func(i *payment.Instrument) *bool { return &i.Default }),
	flagField("verified", func(i *payment.Instrument) *bool { return &i.Verified }),
	flagField("removed", func(i *payment.Instrument) *bool { return &i.Removed }),
	timeField("created", func(i *payment.Instrument) *time.Time { return &i.Created }),
}}

var (
	instrumentColumns = instrumentTable.list()
	scanInstrument    = instrumentTable.scanner()
	insertInstrument  = instrumentTable.insertText("")
)

type instrumentKey struct {
	owner party.ID
	id    payment.InstrumentID
}

var instruments = engine.NewSource(engine.Source[instrumentKey, payment.Instrument]{
	Doing: "reading an instrument",
	Query: `SELECT ` + instrumentColumns + ` FROM instruments WHERE party_id = $1 AND instrument_id = $2`,
	Many: `SELECT ` + instrumentColumns + ` FROM instruments
		WHERE (party_id, instrument_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
	Args:      func(k instrumentKey) []any { return []any{k.owner, k.id} },
	Scan:      scanInstrument,
	Key:       func(i payment.Instrument) instrumentKey { return instrumentKey{i.Owner, i.ID} },
	Order:     `party_id, instrument_id`,
	MayAppear: "its id is random and new when it is added, so no action can have looked for it",
})

// Instrument reads one of a party's instruments.
func (tx *ReadTx) Instrument(owner party.ID, id payment.InstrumentID) (payment.Instrument, bool, error) {
	return instruments.Get(tx.sql, instrumentKey{owner, id})
}

// Instruments reads a party's instruments, without those that it has removed:
// the default first, then the oldest.
func (tx *ReadTx) Instruments(owner party.ID) ([]payment.Instrument, error) {
	return list(tx, "reading instruments", scanInstrument, presentInstruments, owner)
}

// RemovedInstruments reads instruments that a party has removed, the newest first, at
// most limit.
func (tx *ReadTx) RemovedInstruments(owner party.ID, limit int) ([]payment.Instrument, error) {
	return list(tx, "reading removed instruments", scanInstrument, removedInstruments, owner, limit)
}

var (
	presentInstruments = `
		SELECT ` + instrumentColumns + ` FROM instruments WHERE party_id = $1 AND removed = 0
		ORDER BY is_default DESC, created, instrument_id`
	removedInstruments = `
		SELECT ` + instrumentColumns + ` FROM instruments WHERE party_id = $1 AND removed = 1
		ORDER BY created DESC, instrument_id DESC LIMIT $2`
)

// InsertInstrument adds an instrument. A default instrument replaces the
// previous default.
func (tx *Tx) InsertInstrument(i payment.Instrument) error {
	if i.Default {
		if err := tx.clearDefaultInstrument(i.Owner); err != nil {
			return err
		}
	}
	return tx.one("adding an instrument", insertInstrument, instrumentTable.fields.values(&i)...)
}

// SetDefaultInstrument makes an instrument the party's default.
func (tx *Tx) SetDefaultInstrument(owner party.ID, id payment.InstrumentID) error {
	if err := tx.clearDefaultInstrument(owner); err != nil {
		return err
	}
	return tx.one("choosing the default instrument", `
		UPDATE instruments SET is_default = 1 WHERE party_id = $1 AND instrument_id = $2 AND removed = 0`, owner, id)
}

func (tx *Tx) clearDefaultInstrument(owner party.ID) error {
	_, err := tx.exec("clearing the default instrument", `
		UPDATE instruments SET is_default = 0 WHERE party_id = $1 AND is_default = 1`, owner)
	return err
}

// SetUnusable writes why an instrument cannot be used any more.
func (tx *Tx) SetUnusable(owner party.ID, id payment.InstrumentID, why string) error {
	return tx.one("marking an instrument as unusable", `
		UPDATE instruments SET unusable = $1 WHERE party_id = $2 AND instrument_id = $3`, why, owner, id)
}

// SpoilInstruments writes why a network does not take a card any more, for every
// instrument that is the card.
func (tx *Tx) SpoilInstruments(a payment.NetworkAccountID, ref, why string) error {
	_, err := tx.exec("marking a card as unusable", `
		UPDATE instruments SET unusable = $1 WHERE network = $2 AND network <> '' AND network_ref = $3 AND unusable = ''`,
		why, a, ref)
	return err
}

// RemoveInstrument marks an instrument as removed, so that no new payment uses
// it.
func (tx *Tx) RemoveInstrument(owner party.ID, id payment.InstrumentID) error {
	return tx.one("removing an instrument", `
		UPDATE instruments SET removed = 1, is_default = 0 WHERE party_id = $1 AND instrument_id = $2 AND removed = 0`,
		owner, id)
}
