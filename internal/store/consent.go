package store

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

var consentTable = table[payment.Consent]{name: "consents", fields: fields[payment.Consent]{
	textField("caller_id", func(c *payment.Consent) *party.CallerID { return &c.Caller }),
	textField("token_id", func(c *payment.Consent) *holdfast.TokenID { return &c.Token }),
	textField("language", func(c *payment.Consent) *string { return &c.Language }),
	textField("text", func(c *payment.Consent) *string { return &c.Text }),
	timeField("at", func(c *payment.Consent) *time.Time { return &c.At }),
}}

var (
	consentColumns = consentTable.list()
	scanConsent    = consentTable.scanner()
	insertConsent  = consentTable.insertText("")
)

// InsertConsent adds what a sender agreed to with a token.
func (tx *Tx) InsertConsent(c payment.Consent) error {
	return tx.one("adding a consent", insertConsent, consentTable.fields.values(&c)...)
}

// Consent reads what a sender agreed to with a token.
func (tx *ReadTx) Consent(caller party.CallerID, token holdfast.TokenID) (c payment.Consent, found bool, err error) {
	c, err = scanConsent(tx.sql.QueryRow(`
		SELECT `+consentColumns+` FROM consents WHERE caller_id = $1 AND token_id = $2`, caller, token))
	found, err = maybe("reading a consent", err)
	return c, found, err
}
