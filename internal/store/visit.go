package store

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

var visitTable = table[payment.Visit]{name: "visits", fields: fields[payment.Visit]{
	textField("visit_id", func(v *payment.Visit) *payment.VisitID { return &v.ID }),
	textField("caller_id", func(v *payment.Visit) *party.CallerID { return &v.Caller }),
	textField("reference", func(v *payment.Visit) *holdfast.CallerReference { return &v.Reference }),
	textField("params", func(v *payment.Visit) *string { return &v.Params }),
	flagField("signature_v1", func(v *payment.Visit) *bool { return &v.SignatureV1 }),
	textField("party_id", func(v *payment.Visit) *party.ID { return &v.Sender }),
	textField("instrument_id", func(v *payment.Visit) *payment.InstrumentID { return &v.Instrument }),
	textField("address_id", func(v *payment.Visit) *party.AddressID { return &v.Address }),
	textField("status", func(v *payment.Visit) *holdfast.ReturnStatus { return &v.Status }),
	textField("message", func(v *payment.Visit) *string { return &v.Message }),
	textField("answer", func(v *payment.Visit) *string { return &v.Answer }),
	timeField("created", func(v *payment.Visit) *time.Time { return &v.Created }),
	timeField("ended", func(v *payment.Visit) *time.Time { return &v.Ended }),
	textField("visit_key", func(v *payment.Visit) *string { return &v.Key }),
	textField("checkout", func(v *payment.Visit) *payment.CheckoutState { return &v.Checkout }),
	textField("link", func(v *payment.Visit) *string { return &v.Link }),
	timeField("expires", func(v *payment.Visit) *time.Time { return &v.Expires }),
	textField("language", func(v *payment.Visit) *string { return &v.Language }),
}}

var (
	visitColumns = visitTable.list()
	scanVisit    = visitTable.scanner()
	insertVisit  = visitTable.insertText("")
	updateVisit  = visitTable.update(
		"party_id, instrument_id, address_id, status, message, answer, ended, visit_key, checkout", "visit_id")
)

// Visit reads a visit.
func (tx *ReadTx) Visit(id payment.VisitID) (v payment.Visit, found bool, err error) {
	v, err = scanVisit(tx.sql.QueryRow(`
		SELECT `+visitColumns+` FROM visits WHERE visit_id = $1`, id))
	found, err = maybe("reading a visit", err)
	return v, found, err
}

// OpenVisits reads the oldest open visits with the caller, the reference and
// the sender of v, begun at a time or later. If v has no sender, they are visits
// in which nobody has signed in yet. Their parameters may differ from those of
// v. None is a checkout.
func (tx *ReadTx) OpenVisits(v payment.Visit, since time.Time, limit int) ([]payment.Visit, error) {
	return list(tx, "looking for open visits", scanVisit, `
		SELECT `+visitColumns+` FROM visits
		WHERE caller_id = $1 AND reference = $2 AND signature_v1 = $3
			AND party_id = $4 AND ended = 0 AND created >= $5 AND visit_key <> '' AND checkout = ''
		ORDER BY visit_id LIMIT $6`, v.Caller, v.Reference, flag(v.SignatureV1), v.Sender, micros(since), limit)
}

// Abandoned reports whether a sender abandoned a visit that a caller started
// with a reference. A checkout that expired was not abandoned.
func (tx *ReadTx) Abandoned(c party.CallerID, ref holdfast.CallerReference) (bool, error) {
	var id payment.VisitID
	err := tx.sql.QueryRow(`
		SELECT visit_id FROM visits WHERE caller_id = $1 AND reference = $2 AND status = $3 AND checkout <> 'Expired'
		ORDER BY visit_id LIMIT 1`, c, ref, holdfast.ReturnAbandoned).Scan(&id)
	return maybe("reading abandoned visits", err)
}

// Agreed reads the last visit with a caller's reference in which the sender
// agreed. Checkouts do not count.
func (tx *ReadTx) Agreed(c party.CallerID, ref holdfast.CallerReference) (v payment.Visit, found bool, err error) {
	v, err = scanVisit(tx.sql.QueryRow(`
		SELECT `+visitColumns+` FROM visits WHERE caller_id = $1 AND reference = $2 AND answer <> '' AND checkout = ''
		ORDER BY ended DESC LIMIT 1`, c, ref))
	found, err = maybe("reading the visit in which a sender agreed", err)
	return v, found, err
}

// oldVisits selects visits begun before $1, except abandoned ones and checkouts.
// Abandoned visits are kept for ever, because their references stay used.
// Checkouts are kept, because their callers can read them. A visit with a network's
// page that is not over is kept, too: the page may have placed a hold.
const oldVisits = `
	SELECT visit_id FROM visits WHERE status <> 'A' AND checkout = '' AND created < $1 AND NOT EXISTS (
		SELECT 1 FROM network_pages n WHERE n.visit_id = visits.visit_id AND n.state IN ('Asking', 'Open'))
	ORDER BY created LIMIT $2`

// HasOldVisits reports whether ForgetVisits would find anything, so that an
// idle server does not write.
func (tx *ReadTx) HasOldVisits(before time.Time) (bool, error) {
	old, err := list(tx, "looking for old visits", scanID, oldVisits, micros(before), 1)
	return len(old) > 0, err
}

// ForgetVisits removes visits begun before a time, at most limit, and reports
// how many.
func (tx *Tx) ForgetVisits(before time.Time, limit int) (removed int64, err error) {
	if _, err := tx.exec("forgetting the pages of visits", `
		DELETE FROM network_pages WHERE visit_id IN (`+oldVisits+`)`, micros(before), limit); err != nil {
		return 0, err
	}
	return tx.exec("forgetting visits", `DELETE FROM visits WHERE visit_id IN (`+oldVisits+`)`, micros(before), limit)
}

// InsertVisit adds a visit. A checkout of a caller with events gets one.
func (tx *Tx) InsertVisit(v payment.Visit) error {
	if err := tx.one("adding a visit", insertVisit, visitTable.fields.values(&v)...); err != nil || !v.IsCheckout() {
		return err
	}
	return tx.addCheckoutEvent(v)
}

// UpdateVisit writes the sender's choices and the visit's outcome. It is
// ErrStale if the visit has already ended. A checkout that ends gets an event, if its
// caller has events.
func (tx *Tx) UpdateVisit(v payment.Visit) error {
	err := tx.one("changing a visit", updateVisit.text+" AND ended = 0", updateVisit.values.values(&v)...)
	if err != nil || !v.IsCheckout() || !v.Over() {
		return err
	}
	return tx.addCheckoutEvent(v)
}
